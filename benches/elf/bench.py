"""Strips the objects of the wheels in wheels.txt with slim and three other tools, loads and imports them before and
after, and prints a table. `just elf-bench` runs it; results go to CACHE/results.json."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import common
import fetch

CACHE = Path(os.environ.get("ELF_BENCH_CACHE", "/tmp/elf-bench"))
JOBS = int(os.environ.get("ELF_BENCH_JOBS", "2"))


def dlopen_all(paths):
    """What becomes of loading each object, in a forked child: "ok", or how it fails."""
    results = {}
    for path in paths:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            os.dup2(os.open(os.devnull, os.O_RDWR), 2)
            try:
                ctypes.CDLL(str(path), mode=os.RTLD_NOW)
                os.write(write, b"ok")
            except OSError as error:
                os.write(write, str(error).encode()[:300])
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        status = os.waitpid(child, 0)[1]
        results[path] = said or f"signal {status & 127}"
    return results


def run(command, env=None, timeout=180):
    try:
        done = subprocess.run(command, capture_output=True, env={**os.environ, **(env or {})}, timeout=timeout,
                              stdin=subprocess.DEVNULL, cwd="/")
    except subprocess.TimeoutExpired:
        return "timeout", b""
    except OSError as error:
        return f"cannot start: {error.strerror}", b""
    return ("ok" if done.returncode == 0 else f"exit {done.returncode}"), done.stdout[:4000]


def packages(site):
    """Top-level names that have native code in them."""
    for path in sorted(site.iterdir()):
        if path.suffix == ".so":
            yield path.name.split(".")[0]
        elif (path / "__init__.py").exists() and any(common.objects(path)):
            yield path.name


def observe(tree, names):
    """What works in a tree: loading, importing, running. Paths are given relative to it."""
    site = tree / "gl"
    native = [path for path in names if path.parts[0] in ("gl", "gl-old")]
    with ThreadPoolExecutor(JOBS) as pool:
        imported = dict(zip(packages(site), pool.map(
            lambda name: run([sys.executable, "-P", "-c", f"import {name}"], {"PYTHONPATH": str(site)})[0],
            packages(site))))
        programs = [path for path in native if os.access(tree / path, os.X_OK) and is_program(tree / path)]
        ran = dict(zip(map(str, programs), pool.map(
            lambda path: tuple(map(str, run([tree / path, "--version"], timeout=20))), programs)))
    loaded = dlopen_all([str(tree / path) for path in native])
    loaded = {os.path.relpath(path, tree): said for path, said in loaded.items()}
    return {"dlopen": loaded, "import": imported, "run": ran}


def is_program(path):
    said = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
    return " INTERP " in said or "EXEC (Executable" in said


def lost(before, after):
    """What worked and does so no longer."""
    fine = lambda value: value == "ok" or (isinstance(value, tuple) and value[0] == "ok")
    return {name: after.get(name) for name, value in before.items()
            if fine(value) and (not fine(after.get(name)) or after[name] != value)}


def measure(tool, trees, names, base):
    tree = CACHE / "run" / "tree"
    common.copy_tree(trees, tree)
    pairs = [(trees / path, tree / path) for path in names]
    begin = time.monotonic()
    rows = list(common.replace(tool, pairs))
    seconds = time.monotonic() - begin
    after = observe(tree, names)
    differ = common.slim("verify", [f"{a}\t{b}" for a, b in pairs])
    result = {
        "tool": tool, "seconds": seconds,
        "before": sum(row[1] for row in rows), "after": sum(row[2] for row in rows),
        "grown": sum(row[2] > row[1] for row in rows), "failed": sum(row[3].startswith("exit") for row in rows),
        "lost": {kind: lost(base[kind], after[kind]) for kind in base},
        "structure": [line for line in differ if "saves too little" not in line],
        "files": {str(row[0].relative_to(tree)): row[1:] for row in rows},
    }
    shutil.rmtree(tree)
    return result


def table(results):
    lines = ["| tool | bytes saved | of GNU strip's | files grown | no longer load | no longer import | no longer run |",
             "|---|---|---|---|---|---|---|"]
    gnu = next((r["before"] - r["after"] for r in results if r["tool"].startswith("GNU")), None)
    for r in results:
        saved = r["before"] - r["after"]
        lines.append(f"| {r['tool']} | {saved / 1e6:.1f} MB | {saved / gnu:.1%} | {r['grown']} | "
                     f"{len(r['lost']['dlopen'])} | {len(r['lost']['import'])} | {len(r['lost']['run'])} |")
    return lines


def main():
    wheels = fetch.fetch(CACHE)
    trees = CACHE / "trees"
    names = sorted(path.relative_to(trees) for path in common.objects(trees))
    size = sum((trees / path).stat().st_size for path in names)
    print(f"{len(wheels)} wheels, {len(names)} objects, {size / 1e6:.0f} MB")
    base = observe(trees, names)
    again = observe(trees, names)
    # What does not answer the same twice tells nothing.
    base = {kind: {k: v for k, v in base[kind].items() if again[kind].get(k) == v} for kind in base}
    count = lambda kind: sum(v == "ok" or v[0] == "ok" for v in base[kind].values())
    print(f"before: {count('dlopen')} objects load, {count('import')} packages import, {count('run')} programs run")
    results = []
    for tool in common.TOOLS:
        results.append(measure(tool, trees, names, base))
        (CACHE / "results.json").write_text(json.dumps(results, indent=1))
        print(f"{tool}: done in {results[-1]['seconds']:.1f} s", flush=True)
    print("\n".join(table(results)))
    for kind, gone in results[0]["lost"].items():
        for name, said in gone.items():
            print(f"slim: {kind} {name}: {said}")
    print("\n".join(common.slim("time", [str(trees / path) for path in names])))
    small = [str(trees / path) for path in names if (trees / path).stat().st_size < 2_000_000]
    print("\n".join(common.slim("mutate", small[::20], 100_000, 1)))
    broken = any(results[0]["lost"].values()) or results[0]["structure"] or results[0]["grown"]
    enough = results[0]["before"] - results[0]["after"] >= 0.97 * (results[1]["before"] - results[1]["after"])
    sys.exit(0 if enough and not broken else "slim broke an object, or saved less than 97% of what strip does")


if __name__ == "__main__":
    main()
