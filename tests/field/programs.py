#!/usr/bin/env python3
"""Runs programs of popular Debian, PyPI and npm packages before and after slimming, and says where one answers differently.

usage: programs.py [IMAGE...] --slim PATH [--keep]     all images by default; --only ID runs just that command

programs.toml says which images there are (images/NAME/Dockerfile), with which profile each is slimmed, and what is run in it.
Each command runs in a new container without network, with the image as it was built and as slim left it; exit code and output must
be the same, and the exit code must be 0 before, but where the command says another. What a command answers before is remembered
in /tmp/field-images with the image's archive, until its Dockerfile or a file beside it changes.
Exit code: 0 no difference, 1 differences, 2 could not run. Needs docker, the image images-base, and the registries of Debian,
PyPI and npm for the first run.
"""
import argparse
import concurrent.futures
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
DOCKER = os.environ.get("DOCKER", "/usr/bin/docker")
STORE = os.environ.get("FIELD_IMAGES", "/tmp/field-images")
# Signs that a command fails although its exit code is as it should be: a pipe's is that of its last part.
DOUBT = re.compile(r"Traceback|[Nn]o such file|not found\b|cannot |Segmentation fault|Syntax error|KeyError|usage:")
# What differs from run to run, and says nothing.
NOISE = [
    (re.compile(r"\x1b\[[0-9;?]*[A-Za-z]"), ""),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms|seconds?|secs?)\b"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[ +-]\d{4}| [A-Z]{3,4})?)?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "CLOCK"),
    (re.compile(r"\b(pid|PID) \d+|\[\d+\]"), "PID"),
    (re.compile(r"/tmp/tmp[\w.]+"), "/tmp/tmp"),
]


class Fatal(Exception):
    """Could not run: exit code 2."""


def call(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **more)
    if done.returncode:
        raise Fatal("%s: exit code %d: %s" % (" ".join(command)[:100], done.returncode, done.stderr.strip()[-1500:]))
    return done.stdout


def fingerprint(name):
    """A hash of all that an image is built from."""
    found = hashlib.sha256(call([DOCKER, "inspect", "-f", "{{.Id}}", "images-base"]).encode())
    top = os.path.join(HERE, "images", name)
    for where, folders, files in os.walk(top):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(where, file)
            with open(path, "rb") as f:
                found.update(b"%s\0%o\0%s\0" % (os.path.relpath(path, top).encode(), os.stat(path).st_mode & 0o777, hashlib.sha256(f.read()).digest()))
    return found.hexdigest()


class Image:
    """An image as it is built: its archive, and what its commands answered."""

    def __init__(self, name):
        self.name, self.tag = name, "field/%s:latest" % name
        self.archive, self.notes = (os.path.join(STORE, name + ending) for ending in (".tar", ".json"))
        self.known = {"built": None, "answers": {}}
        if os.path.exists(self.notes):
            with open(self.notes) as f:
                self.known = json.load(f)
        self.build(fingerprint(name))

    def build(self, wanted):
        present = subprocess.run([DOCKER, "inspect", self.tag], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        if self.known["built"] == wanted and os.path.exists(self.archive):
            if not present:
                call([DOCKER, "load", "-i", self.archive])
            return
        with tempfile.TemporaryDirectory(prefix="field-") as scratch:
            context = os.path.join(scratch, "context")
            shutil.copytree(os.path.join(HERE, "images", self.name), context)
            shutil.copy("/etc/ssl/certs/ca-certificates.crt", os.path.join(context, "ca.crt"))
            call([DOCKER, "build", "--network", "host", "-t", self.tag, context], env=dict(os.environ, DOCKER_BUILDKIT="1"))
        call([DOCKER, "save", self.tag, "-o", self.archive])
        self.known = {"built": wanted, "answers": {}}
        self.remember()

    def remember(self):
        with open(self.notes + ".new", "w") as f:
            json.dump(self.known, f)
        os.replace(self.notes + ".new", self.notes)

    def answer(self, command):
        """What it said before, asked once."""
        key = json.dumps([self.tag, command.get("run"), command.get("docker", [])])
        if key not in self.known["answers"]:
            said = answer(self.tag, command)
            if said[0] != command.get("exit", 0):
                return said
            self.known["answers"][key] = said
            self.remember()
        return tuple(self.known["answers"][key])


def normal(text):
    for pattern, instead in NOISE:
        text = pattern.sub(instead, text)
    return text


def answer(image, command):
    """(exit code, output) of a command in a new container; without `run`, of the image's own."""
    name = "field-%d-%d" % (os.getpid(), time.monotonic_ns())
    docker = [DOCKER, "run", "-i", "--rm", "--name", name, "--hostname", "field", "--network", "none"] + command.get("docker", [])
    docker += ["--entrypoint", "/bin/sh", image, "-c", command["run"]] if "run" in command else [image]
    try:
        done = subprocess.run(docker, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=command.get("timeout", 180))
    except subprocess.TimeoutExpired:
        subprocess.run([DOCKER, "kill", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return 124, "(timed out)"
    return done.returncode, done.stdout


def same(one, other):
    return (one[0], normal(one[1])) == (other[0], normal(other[1]))


def tried(image, after, command):
    """(verdict, exit codes, what differs) of one command."""
    before = image.answer(command)
    if before[0] != command.get("exit", 0):
        return "FAILS BEFORE", "%d" % before[0], before[1][-600:]
    if DOUBT.search(before[1]) and not command.get("fails"):
        print("  note: looks like a failure before: %s: %s" % (command["id"], before[1][-200:]))
    now = answer(after, command)
    if same(before, now):
        return "ok", "%d" % now[0], ""
    again, now = answer(image.tag, command), answer(after, command)
    codes = "%d -> %d" % (before[0], now[0])
    if same(again, now):
        return "ok", "%d" % now[0], ""
    if not same(before, again):
        return "UNSTABLE", codes, "\n".join(difflib.unified_diff(normal(before[1]).splitlines(), normal(again[1]).splitlines(), "before", "again", lineterm="", n=0))
    lines = difflib.unified_diff(normal(before[1]).splitlines(), normal(now[1]).splitlines(), "before", "after", lineterm="", n=0)
    return ("by design" if "accepted" in command else "DIFFERS"), codes, "\n".join(lines)


def slimmed(binary, image, profile, keep):
    """Slims an image and loads it; (tag, bytes before, bytes after)."""
    tag = "field/%s:%s" % (image.name, profile.replace(",", "-"))
    out, removed = ("%s/%s.%s.%s" % (STORE, image.name, profile, ending) for ending in ("out.tar", "removed"))
    call([binary, image.archive, "-p", profile, "-o", out, "-t", tag, "--removed", removed, "-q"])
    call([DOCKER, "load", "-i", out])
    sizes = os.path.getsize(image.archive), os.path.getsize(out)
    if not keep:
        os.unlink(out)
    return (tag,) + sizes


def more(tag, packages):
    """A further image, with packages installed into that one; where some can't be, with those that can."""
    with tempfile.TemporaryDirectory(prefix="field-") as context:
        with open(os.path.join(context, "Dockerfile"), "w") as f:
            f.write("FROM %s\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends %s >/installed 2>&1; "
                    "echo $? >>/installed\n" % (tag, packages))
        call([DOCKER, "build", "--network", "host", "-t", tag.replace(":", "-more:"), context], env=dict(os.environ, DOCKER_BUILDKIT="1"))
    return tag.replace(":", "-more:")


def examine(entry, binary, keep, only):
    image, rows = Image(entry["name"]), []
    for profile in entry["profiles"]:
        commands = [c for c in entry["command"] if (not only or c["id"] in only) and profile in c.get("profiles", entry["profiles"])]
        if not commands:
            continue
        started = time.monotonic()
        tag, before, after = slimmed(binary, image, profile, keep)
        print("%s with %s: %.1f -> %.1f MB, %d commands" % (image.name, profile, before / 1e6, after / 1e6, len(commands)), flush=True)
        slim_tag = tag
        if "install" in entry:
            image.tag, tag = more(image.tag, entry["install"]), more(tag, entry["install"])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda c: tried(image, tag, c), commands))
        for command, (verdict, codes, why) in zip(commands, answers):
            rows.append([image.name, profile, command["id"], verdict, codes])
            if verdict not in ("ok", "by design"):
                print("  %s %s: %s\n%s" % (verdict, command["id"], command["shows"], "\n".join("    " + line for line in why.splitlines()[:25])))
        print("  %.0f seconds" % (time.monotonic() - started), flush=True)
        if not keep:
            call([DOCKER, "rmi"] + sorted({tag, slim_tag}))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    with open(os.path.join(HERE, "programs.toml"), "rb") as f:
        images = {image["name"]: image for image in tomllib.load(f)["image"]}
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="one of: " + ", ".join(images))
    parser.add_argument("--slim", default=os.path.join(HERE, "../../target/release/slim"))
    parser.add_argument("--keep", action="store_true", help="leave the slimmed images in docker and their archives in " + STORE)
    parser.add_argument("--only", action="append", metavar="ID", help="run just this command; may be given several times")
    options = parser.parse_args()
    unknown = [name for name in options.images if name not in images]
    if unknown:
        parser.error("unknown image %s" % ", ".join(unknown))
    os.makedirs(STORE, exist_ok=True)
    rows = [["image", "profile", "command", "result", "exit"]]
    for name in options.images or images:
        rows += examine(images[name], options.slim, options.keep, options.only)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    bad = [row for row in rows[1:] if row[3] not in ("ok", "by design")]
    print("%d commands, %s" % (len(rows) - 1, "%d not as before" % len(bad) if bad else "all as before"))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Fatal, OSError) as problem:
        print("error: %s" % problem, file=sys.stderr)
        sys.exit(2)
