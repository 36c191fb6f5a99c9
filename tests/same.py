#!/usr/bin/env python3
"""Shows that two builds of slim do the same: for each image, profile and mode the digest of the output, of the JSON report, of the
list of removed paths, and the exit code.

usage: same.py OLD NEW IMAGE...       --profiles a,b (default: all built-in ones), --modes keep,squash,base
Exit code: 0 all equal, 1 not. A line for each run; of a difference both digests.
"""
import argparse
import hashlib
import os
import subprocess
import sys
import tempfile

MODES = {"keep": [], "squash": ["--layers", "squash"], "base": ["--base", "1"], "gzip": ["--compression", "gzip"]}


def digest(path):
    if not os.path.exists(path):
        return "none"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def one(slim, image, profile, mode, folder):
    """What a build makes of an image: exit code and digests."""
    out, report, removed = (os.path.join(folder, name) for name in ("out.tar", "report.json", "removed.txt"))
    for path in (out, report, removed):
        if os.path.exists(path):
            os.remove(path)
    command = [slim, image, "-p", profile, "-o", out, "-q", "--report", report, "--removed", removed, *MODES[mode]]
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    return code, digest(out), digest(report), digest(removed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--profiles")
    parser.add_argument("--modes", default="keep,squash,base")
    args = parser.parse_args()
    listed = subprocess.run([args.new, "profiles"], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines() if line[:1].strip()]
    profiles = args.profiles.split(",") if args.profiles else names
    different = 0
    with tempfile.TemporaryDirectory(prefix="slim-same-") as folder:
        for image in args.images:
            for profile in profiles:
                for mode in args.modes.split(","):
                    old, new = (one(slim, image, profile, mode, folder) for slim in (args.old, args.new))
                    different += old != new
                    word = "equal" if old == new else f"DIFFERS from {old}"
                    print(os.path.basename(image), profile, mode, *new, word, flush=True)
    print(f"{different} differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
