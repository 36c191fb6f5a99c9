#!/usr/bin/env python3
"""Real wheels, naive rules: what the guard must rescue.

For each case of cases.toml: installs the wheels, makes an image of them, runs slim with the naive rule alone, unpacks the result and
runs the case's code on it. With the guard off the same code must fail: else the case would test nothing.

    tests/guard/run.py [--slim target/release/slim] [NAME...]

What is downloaded stays in target/guard. Without a network, or where a wheel does not exist for this Python, cases are skipped.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "target" / "guard"
SITE = "usr/lib/python3/site-packages"


def quiet(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def installed(case):
    """The directory with the packages of a case, as it lies in the image; None where it can't be had."""
    node = case.get("node", [])
    wheels = case.get("wheels", [])
    key = [wheels, node, case.get("deps", True)] + ([case["platform"]] if "platform" in case else [])
    key = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
    tree = CACHE / key
    if tree.exists():
        return tree
    partial = CACHE / f"{key}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if wheels:
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]
        command += ["--target", partial / SITE, *wheels] + ([] if case.get("deps", True) else ["--no-deps"])
        command += ["--platform", case["platform"]] if "platform" in case else []
    else:
        (partial / "app").mkdir()
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", partial / "app", *node]
    done = quiet(command)
    if done.returncode != 0:
        print("   ", done.stdout.strip().splitlines()[-1:] or command[0])
        return None
    for cache in list(partial.rglob("__pycache__")):
        shutil.rmtree(cache)
    partial.rename(tree)
    return tree


def image(tree, app, path):
    """Writes a docker archive with one layer."""
    with tempfile.TemporaryFile() as layer:
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for top in sorted(tree.iterdir()):
                tar.add(top, arcname=top.name)
            if app:
                info = tarfile.TarInfo("app/main.py")
                info.size = len(app)
                tar.addfile(info, io.BytesIO(app))
        size = layer.tell()
        layer.seek(0)
        digest = hashlib.file_digest(layer, "sha256").hexdigest()
        config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers"}}
        config["rootfs"]["diff_ids"] = [f"sha256:{digest}"]
        config = json.dumps(config).encode()
        manifest = [{"Config": "config.json", "RepoTags": ["guard:latest"], "Layers": ["layer.tar"]}]
        layer.seek(0)
        with tarfile.open(path, "w") as tar:
            for name, text in [("config.json", config), ("manifest.json", json.dumps(manifest).encode())]:
                info = tarfile.TarInfo(name)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text))
            info = tarfile.TarInfo("layer.tar")
            info.size = size
            tar.addfile(info, layer)


def slimmed(slim, archive, rule, guard, scratch):
    """Runs slim and unpacks what it wrote. Gives the directory and slim's report."""
    profile = scratch / "naive.toml"
    profile.write_text(
        f'description = "naive"\n[[rule]]\nid = "naive"\naction = "drop"\nguard = "{guard}"\npaths = {json.dumps(rule)}\n'
    )
    out, report = scratch / "out.tar", scratch / "report.json"
    done = quiet([slim, archive, "-p", profile, "-o", out, "-q", "--report", report])
    if done.returncode != 0:
        sys.exit(f"slim: {done.stdout}")
    root = scratch / guard
    with tarfile.open(out) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        for layer in manifest[0]["Layers"]:
            with tarfile.open(fileobj=tar.extractfile(layer)) as files:
                files.extractall(root, filter="fully_trusted")
    out.unlink()
    return root, json.loads(report.read_text())


def stripped_by_hand(tree, rule, root):
    """What the naive rule makes of the packages where nobody looks: for what built-in protections hold in any case."""
    shutil.copytree(tree, root, symlinks=True)
    for pattern in rule:
        for path in list(root.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return root


def works(case, root):
    """Runs the case's code; the end of what it said if it failed."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "AWS_DEFAULT_REGION": "us-east-1", "MPLCONFIGDIR": str(root)}
    if "node" in case:
        command = ["node", "-e", case["code"]]
    else:
        setup = f"import sys; sys.path.insert(0, {str(root / SITE)!r}); sys.dont_write_bytecode = True\n"
        command = [sys.executable, "-S", "-E", "-c", setup + case["code"]]
    (root / "app").mkdir(parents=True, exist_ok=True)
    done = quiet(command, cwd=root / "app", env=environment, timeout=300)
    return None if done.returncode == 0 else (done.stdout.strip().splitlines() or ["?"])[-1]


def run(case, slim):
    tree = installed(case)
    if tree is None:
        return "skipped"
    app = case.get("app", "").encode()
    with tempfile.TemporaryDirectory(prefix="slim-guard-") as scratch:
        scratch = pathlib.Path(scratch)
        archive = scratch / "in.tar"
        image(tree, app, archive)
        root, report = slimmed(slim, archive, case["rule"], "references", scratch)
        held = sum(h["bytes"] for h in report["images"][0]["held"])
        files = sum(h["files"] for h in report["images"][0]["held"])
        wrong = works(case, root)
        shutil.rmtree(root)
        if case.get("protected"):
            root = stripped_by_hand(tree, case["rule"], scratch / "by-hand")
        else:
            root, _ = slimmed(slim, archive, case["rule"], "none", scratch)
        control = works(case, root)
    saved = report["input"]["archiveBytes"] - report["output"]["archiveBytes"]
    print(f"    rescued {files} files of {held:,} bytes, dropped {saved:,} bytes; unguarded: {control}")
    if wrong:
        print(f"    {wrong}")
        return "FAILED"
    return "ok" if control else "FAILED: works unguarded, too"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--slim", default=HERE.parent.parent / "target/release/slim", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    cases = tomllib.loads((HERE / "cases.toml").read_text())["case"]
    results = {}
    for case in cases:
        if not options.names or case["name"] in options.names:
            print(case["name"], flush=True)
            results[case["name"]] = run(case, options.slim.resolve())
            print("   ", results[case["name"]], flush=True)
    count = {kind: sum(r.startswith(kind) for r in results.values()) for kind in ["ok", "FAILED", "skipped"]}
    print(", ".join(f"{n} {kind}" for kind, n in count.items()))
    sys.exit(1 if count["FAILED"] else 0)


if __name__ == "__main__":
    main()
