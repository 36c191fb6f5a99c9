"""Strips programs that are on this machine, or that are built or got here, and runs them before and after."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import common

CACHE = Path(os.environ.get("ELF_BENCH_CACHE", "/tmp/elf-bench"))


def sh(*command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, **more)


def made(place):
    """A Go and a Rust program, and esbuild."""
    place.mkdir(parents=True, exist_ok=True)
    go = place / "go"
    go.mkdir(exist_ok=True)
    (go / "main.go").write_text('package main\nimport ("fmt"; "runtime")\nfunc main() { fmt.Println("go", runtime.Version()) }\n')
    (go / "go.mod").write_text("module example.com/hello\n\ngo 1.19\n")
    sh("go", "build", "-o", place / "hello-go", ".", cwd=go)
    (place / "hello.rs").write_text('fn main() { println!("rust {:?}", std::env::args().len()); }\n')
    sh("rustc", "-g", "-O", place / "hello.rs", "-o", place / "hello-rust")
    # As cargo-auditable does.
    (place / "dep").write_bytes(b'{"packages":[]}')
    sh("objcopy", "--add-section", f".dep-v0={place / 'dep'}", place / "hello-rust", place / "hello-audited")
    if not (CACHE / "tools/node_modules/esbuild").exists():
        (CACHE / "tools").mkdir(exist_ok=True)
        sh("npm", "install", "--silent", "esbuild", cwd=CACHE / "tools")
    return place / "hello-go", place / "hello-rust", place / "hello-audited", CACHE / "tools/node_modules/esbuild/bin/esbuild"


def programs():
    """(path, arguments of each run)"""
    work = CACHE / "programs"
    go, rust, audited, esbuild = made(work / "built")
    site = CACHE / "trees" / "gl" / "bin"
    which = lambda name: Path(os.path.realpath(shutil.which(name) or "/nonexistent"))
    python = Path(os.path.realpath(sys.executable))
    yield python, [["-c", "import sys, ssl, json; print(sys.version, len(sys.modules) > 9)"]]
    yield Path("/usr/bin/python3.11"), [["-c", "import json; print(1)"]]
    yield which("node"), [["--version"], ["-e", "console.log(6*7, new Intl.NumberFormat('de').format(1e6))"]]
    yield which("git"), [["--version"], ["ls-remote", "/nonexistent"]]
    yield which("ssh"), [["-V"]]
    yield which("busybox"), [["echo", "hi"], ["--list"]]
    yield which("dockerd"), [["--version"]]
    yield which("docker"), [["--version"]]
    yield which("go"), [["version"]]
    yield site / "uv", [["--version"], ["help"]]
    yield site / "ruff", [["--version"], ["rule", "E501"]]
    yield esbuild, [["--version"]]
    yield go, [[]]
    yield rust, [[]]
    yield audited, [[]]
    yield Path.home() / ".cargo/bin/rustup", [["--help"]]


def results(path, runs):
    env = {**os.environ, "PYTHONHOME": sys.base_prefix} if path.name.startswith("python3") else os.environ
    if path.name == "python3.11" and str(path).startswith("/usr/bin"):
        env = {**os.environ, "PYTHONHOME": "/usr"}
    return [(done.returncode, done.stdout, done.stderr.replace(str(path).encode(), b""))
            for done in (sh(path, *args, env=env, cwd="/", timeout=60) for args in runs)]


def section(path, name):
    out = CACHE / "section"
    out.unlink(missing_ok=True)
    sh("objcopy", "-O", "binary", f"--only-section={name}", path, out)
    data = out.read_bytes() if out.exists() else b""
    # objcopy has no bytes of a section that is not loaded unless it is dumped.
    dump = sh("objcopy", f"--dump-section={name}={out}", path, "/dev/null")
    return out.read_bytes() if dump.returncode == 0 and out.exists() else data


def main():
    wrong = 0
    print("| program | bytes | after | runs as before | go version -m | .dep-v0 |\n|---|---|---|---|---|---|")
    for number, (path, runs) in enumerate(programs()):
        if not path.exists():
            print(f"| {path} | not here | | | | |")
            continue
        copy = CACHE / "programs" / str(number) / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        was = results(copy, runs)
        _, before, after, note = next(common.replace(common.SLIM, [(path, copy)]))
        copy.chmod(0o755)
        alike = was == results(copy, runs)
        modules = [sh("go", "version", "-m", file).stdout.split(b"\n", 1)[-1] for file in (path, copy)]
        audit = [section(file, ".dep-v0") for file in (path, copy)]
        wrong += not alike or modules[0] != modules[1] or audit[0] != audit[1]
        same = lambda pair: "" if not pair[0] else "same" if pair[0] == pair[1] else "DIFFERS"
        print(f"| {path} | {before} | {after} {note} | {'yes' if alike else 'NO'} ({', '.join(str(r[0]) for r in was)}) | "
              f"{same(modules)} | {same(audit)} |")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
