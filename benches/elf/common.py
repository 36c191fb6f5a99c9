"""What the bench scripts share: the tools, and trees of files to run them on."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

STRIPPERS = {
    "GNU strip --strip-unneeded": ["strip", "--strip-unneeded"],
    "llvm-strip --strip-unneeded": ["llvm-strip", "--strip-unneeded"],
    "eu-strip": ["eu-strip"],
}
SLIM = "slim"
TOOLS = [SLIM, *STRIPPERS]


@functools.cache
def program():
    """slim's own bench program: SLIM_ELF, or built now."""
    if found := os.environ.get("SLIM_ELF"):
        return found
    command = ["cargo", "bench", "--bench", "elf", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=True)
    lines = (json.loads(line) for line in built.stdout.splitlines())
    return next(line["executable"] for line in lines
                if line.get("executable") and line["target"]["name"] == "elf" and "bench" in line["target"]["kind"])


def slim(mode, lines, *args):
    """Runs slim's own bench program in a mode; what it prints, by line."""
    run = subprocess.run([program(), mode, *map(str, args)], input="\n".join(lines), capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"slim {mode}: {run.stderr[-2000:]}")
    return run.stdout.splitlines()


def objects(tree):
    """The ELF files below a directory."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def copy_tree(source, target):
    """A copy by hard links; what is changed must be replaced."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-al", source, target], check=True)


def replace(tool, pairs):
    """Strips each original into its copy; yields (copy, before, after, what was said)."""
    fresh = {copy: copy.with_name(copy.name + ".new") for _, copy in pairs}
    if tool == SLIM:
        said = slim("copy", [f"{original}\t{fresh[copy]}" for original, copy in pairs])
        notes = {row[0]: row[3] for row in (line.split("\t") for line in said)}
    for original, copy in pairs:
        new, before = fresh[copy], original.stat().st_size
        if tool == SLIM:
            note = notes[str(new)]
        else:
            shutil.copyfile(original, new)
            run = subprocess.run([*STRIPPERS[tool], new], capture_output=True, text=True)
            note = "" if run.returncode == 0 else f"exit {run.returncode}: {run.stderr.strip()[-200:]}"
        after = before
        if new.exists():
            after = new.stat().st_size
            os.chmod(new, original.stat().st_mode)
            os.replace(new, copy)
        yield copy, before, after, note
