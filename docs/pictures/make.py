#!/usr/bin/env python3
"""Makes the pictures of the documentation from a real run of slim.

usage: docs/pictures/make.py IMAGE.tar [--slim PROGRAM] [--profile PROFILE] [--out DIRECTORY]

    report.svg   what the main command prints on a terminal of 84 columns: run in a pseudo terminal, colours and all
    page.png     the page that `slim analyze --html` writes, in headless Chromium

Needs room for the slimmed image in TMPDIR. Without Chromium (CHROMIUM names the program, as for tests/page/check.py) the page's
picture is left as it is, and the script says so.
"""

import argparse
import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from xml.sax.saxutils import escape

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/page"))
from browser import Browser, find  # noqa: E402

COLUMNS, CELL, LINE, PAD, BAR = 84, 8.4, 19, 18, 34
COLOURS = {31: "#f7768e", 32: "#9ece6a", 33: "#e0af68", 34: "#7aa2f7", 35: "#bb9af7", 36: "#7dcfff"}


def terminal(command, directory):
    """What `command` writes to a terminal, with its escape sequences."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.environ.pop("NO_COLOR", None)
        # The size is set before the program asks for it.
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
        os.execvp(command[0], command)
    out = b""
    while True:
        try:
            more = os.read(master, 1 << 16)
        except OSError:  # Linux says EIO when the other side is closed.
            break
        if not more:
            break
        out += more
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        sys.exit(f"{shlex.join(command)} failed:\n{out.decode(errors='replace')}")
    return out.decode()


def screen(text):
    """The lines of the terminal: each a list of (text, bold, dim, colour)."""
    lines, bold, dim, colour = [], False, False, None
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        # The progress clears its line: what stood before is gone.
        line = line.rsplit("\x1b[2K", 1)[-1].rsplit("\r", 1)[-1]
        runs = []
        for part in re.split(r"(\x1b\[[0-9;]*m)", line):
            if not part.startswith("\x1b["):
                if part:
                    runs.append((part, bold, dim, colour))
                continue
            for code in [int(c or 0) for c in part[2:-1].split(";")]:
                if code == 0:
                    bold, dim, colour = False, False, None
                bold, dim = bold or code == 1, dim or code == 2
                colour = COLOURS.get(code, colour)
        lines.append(runs)
    return lines


def svg(prompt, lines):
    """A terminal window. Each run says where it begins and how wide it is, so that any monospaced font fits."""
    lines = [[("$ ", True, False, COLOURS[32]), (prompt, True, False, None)], *lines]
    width, height = COLUMNS * CELL + 2 * PAD, len(lines) * LINE + BAR + PAD
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" role="img" '
           f'aria-label="A terminal: {escape(prompt, {chr(34): "&quot;"})}">',
           '<style>text{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#c0caf5;white-space:pre}</style>',
           '<rect width="100%" height="100%" rx="8" fill="#1a1b26"/>']
    out += [f'<circle cx="{20 + 18 * n}" cy="17" r="5.5" fill="{c}"/>' for n, c in enumerate(("#f7768e", "#e0af68", "#9ece6a"))]
    for row, runs in enumerate(lines):
        column = 0
        for text, bold, dim, colour in runs:
            if text.strip():
                lead = len(text) - len(text.lstrip())
                word = text.strip()
                style = ";".join(["font-weight:bold"] * bold + ["opacity:0.6"] * dim + [f"fill:{colour}"] * bool(colour))
                out.append(f'<text x="{PAD + (column + lead) * CELL:.1f}" y="{BAR + LINE * row + 14}" textLength="{len(word) * CELL:.1f}" '
                           f'style="{style}">{escape(word)}</text>')
            column += len(text)
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", help="an archive, such as `docker save` writes")
    parser.add_argument("--slim", default=os.path.join(ROOT, "target/release/slim"), help="the program [default: target/release/slim]")
    parser.add_argument("--profile", default="python-slim")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs/src/pictures"), help="where the pictures go")
    args = parser.parse_args()
    image, slim = os.path.abspath(args.image), os.path.abspath(args.slim)
    name = os.path.basename(image)
    with tempfile.TemporaryDirectory(prefix="slim-pictures-") as dir:
        os.symlink(image, os.path.join(dir, name))
        command = [name, "-p", args.profile, "-o", "out.tar"]
        lines = screen(terminal([slim, *command, "--color", "always"], dir))
        with open(os.path.join(args.out, "report.svg"), "w") as out:
            out.write(svg("slim " + shlex.join(command), lines))
        program = find()
        if not program:
            print("page.png: there is no Chromium, so it is left as it is")
            return
        subprocess.run([slim, "analyze", name, "-q", "--html", "page.html"], cwd=dir, check=True)
        browser = Browser(program)
        try:
            browser.open(os.path.join(dir, "page.html"), width=1200, height=820)
            browser.settle()
            browser.shot(os.path.join(args.out, "page.png"), whole=False)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
