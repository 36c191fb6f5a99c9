"""Builds small objects for many processors with zig (PyPI's ziglang) and gcc, strips them with slim, and has readelf,
eu-elflint and, where there is one, qemu compare each with its original. CACHE/tools/zig has `pip install ziglang`."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import common

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("ELF_BENCH_CACHE", "/tmp/elf-bench"))
TARGETS = {
    "x86_64-linux-musl": "qemu-x86_64", "x86-linux-musl": "qemu-i386", "arm-linux-musleabihf": "qemu-arm",
    "aarch64-linux-musl": "qemu-aarch64", "riscv64-linux-musl": "qemu-riscv64", "s390x-linux-musl": "qemu-s390x",
    "powerpc64le-linux-musl": "qemu-ppc64le", "powerpc64-linux-musl": "qemu-ppc64", "powerpc-linux-musleabi": "qemu-ppc",
    "mips-linux-musleabi": "qemu-mips", "mipsel-linux-musleabi": "qemu-mipsel",
    "mips64el-linux-muslabi64": "qemu-mips64el", "mips64-linux-muslabi64": "qemu-mips64",
    "loongarch64-linux-musl": "qemu-loongarch64", "aarch64_be-linux-musl": "qemu-aarch64_be",
}
ZIG = {
    "exe": ["-static"], "so": ["-shared", "-fPIC"], "page64k": ["-shared", "-fPIC", "-Wl,-z,max-page-size=65536"],
    "static-pie": ["-static-pie", "-fPIE"], "relocs": ["-static", "-Wl,--emit-relocs"],
    "zlib": ["-shared", "-fPIC", "-Wl,--compress-debug-sections=zlib"],
}
GCC = {
    "exe": [], "so": ["-shared", "-fPIC"], "page64k": ["-shared", "-fPIC", "-Wl,-z,max-page-size=65536"],
    "page2m": ["-Wl,-z,max-page-size=0x200000"], "noseparate": ["-Wl,-z,noseparate-code"],
    "separate": ["-Wl,-z,separate-code"], "relocs": ["-Wl,--emit-relocs"], "zlib": ["-gz=zlib"], "static": ["-static"],
    "static-pie": ["-static-pie"], "no-pie": ["-no-pie"], "split": ["-gsplit-dwarf"], "sysv": ["-Wl,--hash-style=sysv"],
    "ifunc": ["-DIFUNC"], "ifunc-static": ["-DIFUNC", "-static"], "lto": ["-flto", "-ffat-lto-objects"],
    "omagic": ["-static", "-Wl,-N"], "m3": ["-g3"], "build-id": ["-Wl,--build-id", "-Wl,-z,norelro"],
}


def sh(*command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)


def build(place):
    """Objects as (path, the command that runs them or None)."""
    zig = CACHE / "tools" / "zig"
    if not (zig / "bin" / "python-zig").exists():
        venv.create(zig, with_pip=True)
        sh(zig / "bin" / "pip", "install", "-q", "ziglang", check=True)
    place.mkdir(parents=True, exist_ok=True)
    jobs = [(f"{target}-{kind}", [zig / "bin" / "python", "-m", "ziglang", "cc", "-target", target, *flags], emulator)
            for target, emulator in TARGETS.items() for kind, flags in ZIG.items()]
    jobs += [(f"gcc-{kind}", ["gcc", *flags], "") for kind, flags in GCC.items()]
    for name, command, emulator in jobs:
        path = place / name
        if not path.exists():
            done = sh(*command, "-g", "-O1", HERE / "source.c", "-o", path, cwd=place)
            if done.returncode:
                print(f"not built: {name}: {done.stderr.strip().splitlines()[-1][:100] if done.stderr else ''}")
                continue
        yield path, None if "so" == name.split("-")[-1] or "-shared" in command else emulator
    yield from edited(place)


def edited(place):
    """Objects that tools edited after they were linked."""
    for base in ("gcc-so", "gcc-exe", "gcc-static", "gcc-page64k", "aarch64-linux-musl-so", "s390x-linux-musl-so"):
        source = place / base
        if not source.exists():
            continue
        path = place / f"{base}-patchelf2"
        path.write_bytes(source.read_bytes())
        path.chmod(0o755)
        done = [sh("patchelf", "--set-rpath", "/opt/" + "x" * length, path) for length in (100, 6000)]
        if not any(run.returncode for run in done):
            yield path, "" if base == "gcc-exe" else None
        path = place / f"{base}-added"
        if sh("objcopy", "--add-section", f"pydata={HERE / 'source.c'}", source, path).returncode == 0:
            yield path, "" if base in ("gcc-exe", "gcc-static") else None


def view(path):
    """What readelf says, without offsets and without what is not loaded."""
    said = sh("readelf", "-lWd", "--dyn-syms", "-V", "-r", "--wide", path).stdout
    said = re.sub(r"(?m)^(  [A-Z_0-9+a-fx]+ +)0x[0-9a-f]{6} ", r"\1", said)
    said = re.sub(r"at offset 0x[0-9a-f]+|starting at offset \d+|Offset: 0x[0-9a-f]+", "", said)
    # What --emit-relocs leaves is not loaded, and goes with the symbols.
    static = r"(?ms)^Relocation section '\.rela?\.(?:text|data|eh_frame|init|init_array|fini_array|data\.rel\.ro|init|fini|rodata|debug|tdata|got|plt\.sec|ctors|dtors|tm_clone|data)[^']*'.*?(?=^[A-Z]|\Z)"
    said = re.sub(static, "", said)
    return re.sub(r"(?m)Link: \d+|^ *\d+( \.\S+)*\s*$|^\s*$\n", lambda m: m.group(0) if m.group(1) else "", said)


def lint(path):
    """Complaints of eu-elflint, without numbers."""
    said = sh("eu-elflint", "--gnu-ld", path)
    return {re.sub(r"\[ ?\d+\]|\d+", "N", line) for line in (said.stdout + said.stderr).splitlines() if line != "No errors"}


def run(path, emulator):
    command = [emulator, path] if emulator else [path]
    try:
        done = sh(*command, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return repr(error)[:60]
    return done.returncode, done.stdout


def main():
    objects = list(build(CACHE / "arches"))
    out = CACHE / "arches-stripped"
    out.mkdir(exist_ok=True)
    pairs = [(path, out / path.name) for path, _ in objects]
    sizes = {copy: (before, after, note) for copy, before, after, note in common.replace(common.SLIM, pairs)}
    wrong, ran, machines = [], 0, set()
    for (path, emulator), (_, copy) in zip(objects, pairs):
        before, after, note = sizes[copy]
        if before == after:
            print(f"left alone: {path.name}: {note}")
            continue
        machines.add(re.search(r"Machine:\s*(.*)", sh("readelf", "-h", path).stdout).group(1))
        if view(path) != view(copy):
            wrong.append(f"readelf differs: {path.name}")
        if new := lint(copy) - lint(path):
            wrong.append(f"eu-elflint: {path.name}: {sorted(new)[:3]}")
        if emulator is not None:
            was, now = run(path, emulator), run(copy, emulator)
            ran += was == now and was[0] == 0
            if was[0] != 0:
                print(f"does not run before either: {path.name}: {was}")
            elif was != now:
                wrong.append(f"run: {path.name}: {was} then {now}")
    wrong += [f"bytes: {line}" for line in common.slim("verify", [f"{a}\t{b}" for a, b in pairs if b.exists()])]
    saved = sum(before - after for before, after, _ in sizes.values())
    print(f"{len(objects)} objects of {len(machines)} machines, {saved / 1e6:.1f} of "
          f"{sum(size[0] for size in sizes.values()) / 1e6:.1f} MB saved, {ran} run alike before and after")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
