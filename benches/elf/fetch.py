"""Gets the wheels of wheels.txt from PyPI into a cache and unpacks them; what is there already stays."""

import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
GLIBC = ["manylinux1", "manylinux2010", "manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_26",
         "manylinux_2_27", "manylinux_2_28", "manylinux_2_31", "manylinux_2_34"]
MUSL = ["musllinux_1_1", "musllinux_1_2"]
TARGETS = {
    "gl": [f"{tag}_x86_64" for tag in GLIBC],
    "gl-old": [f"{tag}_x86_64" for tag in GLIBC],
    "musl": [f"{tag}_x86_64" for tag in MUSL],
    "arm": [f"{tag}_aarch64" for tag in GLIBC],
}
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def wanted():
    """The lines of wheels.txt as (requirement, target)."""
    for line in (HERE / "wheels.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield tuple(line.split())


def download(cache, requirement, target):
    """One wheel into its own directory; its path, or None."""
    place = cache / "wheels" / f"{target}-{requirement.replace('==', '-')}"
    found = sorted(place.glob("*.whl"))
    if not found:
        platforms = [arg for tag in TARGETS[target] for arg in ("--platform", tag)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--only-binary=:all:", "--python-version", PYTHON, *platforms, "--dest", place, requirement]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            print(f"no {requirement} for {target}: {run.stderr.strip().splitlines()[-1][:150]}", file=sys.stderr)
        found = sorted(place.glob("*.whl"))
    return found[0] if found else None


def unpack(cache, wheel, target):
    """Like pip install --target, without scripts of its own: packages, `.data/purelib` and `.data/scripts`."""
    site = cache / "trees" / (target if target == "gl" else f"{target}/{wheel.stem}")
    mark = cache / "trees" / ".done" / f"{target}-{wheel.name}"
    if mark.exists():
        return
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            parts = info.filename.split("/")
            if len(parts) > 2 and parts[0].endswith(".data"):
                parts = (["bin"] if parts[1] == "scripts" else []) + parts[2:]
            path = site.joinpath(*parts)
            if info.is_dir():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))
            os.chmod(path, (info.external_attr >> 16) & 0o777 or 0o644)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def fetch(cache):
    """All of them; the names of the wheels got."""
    with ThreadPoolExecutor(3) as pool:
        jobs = [(target, pool.submit(download, cache, requirement, target)) for requirement, target in wanted()]
    names = []
    for target, job in jobs:
        if wheel := job.result():
            unpack(cache, wheel, target)
            names.append(f"{target} {wheel.name}")
    return names


if __name__ == "__main__":
    names = fetch(Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/elf-bench"))
    print(len(names), "wheels")
