"""What the drivers share: running slim in a home of its own, checks with a message, and the list of cases."""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failed(message)


@dataclasses.dataclass
class Done:
    command: list
    code: int
    out: str
    err: str
    seconds: float

    def ok(self):
        check(self.code == 0, f"exit code {self.code}\n{self.err[-2000:]}")
        return self

    def fails(self, *words, code=2):
        """An error as it should be: its exit code, these words (a tuple is a choice), nothing that breaks a terminal, no panic."""
        check(self.code == code, f"exit code {self.code} instead of {code}\n{self.err[-2000:]}")
        for word in words:
            choice = word if isinstance(word, tuple) else (word,)
            check(any(one.lower() in self.err.lower() for one in choice), f"the message lacks {' or '.join(map(repr, choice))}:\n{self.err[-2000:]}")
        check("panicked" not in self.err, f"a panic:\n{self.err[-2000:]}")
        check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", self.err), f"control characters in the message: {self.err!r}")
        return self


# What would change where slim looks for credentials, mirrors and proxies.
AMBIENT = ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "DOCKER_HOST", "CONTAINERS_REGISTRIES_CONF", "SLIM_OFFLINE",
           "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CONFIG_HOME")


class World:
    """The place of a case: a directory, a home, and slim."""

    def __init__(self, slim, folder, verbose=False):
        self.slim_binary, self.folder, self.verbose = slim, folder, verbose
        self.home, self.runtime, self.temp = (folder / name for name in ("home", "runtime", "tmp"))
        for path in (self.home, self.runtime, self.temp):
            path.mkdir()
        self.closing = contextlib.ExitStack()

    def environment(self, **more):
        ambient = {name: value for name, value in os.environ.items() if name.upper() not in AMBIENT}
        own = {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "TMPDIR": str(self.temp), "LC_ALL": "C.UTF-8"}
        return {**ambient, **own, **{name: str(value) for name, value in more.items()}}

    def slim(self, *arguments, env=None, stdin=None, timeout=150, prefix=()):
        command = [*map(str, prefix), str(self.slim_binary), *map(str, arguments)]
        if self.verbose:
            print("   $", " ".join(command), flush=True)
        start = time.monotonic()
        # A session of its own: helpers that slim starts end with it when time is up.
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment(**(env or {})), text=True, errors="replace", start_new_session=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(stdin or "", timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise Failed(f"no end after {timeout} s: {' '.join(command)}\n{process.communicate()[1][-1000:]}")
        done = Done(command, process.returncode, out, err, time.monotonic() - start)
        if self.verbose:
            print(f"   {done.code}\n{done.err}", flush=True)
        left = [path.name for path in self.temp.iterdir()]
        check(not left, f"left in TMPDIR: {left}")
        return done

    def write(self, path, text, mode=0o600):
        path = pathlib.Path(path) if os.path.isabs(path) else self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def enter(self, context):
        """A context manager that ends with the case."""
        return self.closing.enter_context(context)


class Cases:
    """The cases by name: functions of a World."""

    def __init__(self):
        self.functions = {}

    def __call__(self, function):
        self.add(function.__name__.replace("_", "-"), function)
        return function

    def add(self, name, function):
        assert name not in self.functions, name
        self.functions[name] = function

    def run_one(self, name, args):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"slim-e2e-{name[:20]}-"))
        start, result, text = time.monotonic(), "ok", ""
        world = World(args.slim, folder, args.verbose)
        try:
            with world.closing:
                self.functions[name](world)
        except Skipped as why:
            result, text = "skipped", str(why)
        except Failed as why:
            result, text = "FAILED", str(why)
        except Exception:
            result, text = "FAILED", traceback.format_exc()
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
        return name, result, text, time.monotonic() - start

    def main(self, about):
        options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        options.add_argument("--slim", required=True, type=lambda path: pathlib.Path(path).resolve(), help="the binary to test")
        options.add_argument("--only", action="append", default=[], metavar="NAME", help="run only cases whose names contain this")
        options.add_argument("--jobs", type=int, default=4, help="how many cases run at once [default: 4]")
        options.add_argument("--keep", action="store_true", help="keep the directories of the cases")
        options.add_argument("-v", "--verbose", action="store_true", help="show commands and messages; one case at a time")
        args = options.parse_args()
        names = [name for name in self.functions if not args.only or any(part in name for part in args.only)]
        failed = skipped = 0
        with concurrent.futures.ThreadPoolExecutor(1 if args.verbose else args.jobs) as pool:
            for name, result, text, seconds in pool.map(lambda name: self.run_one(name, args), names):
                print(f"{result:7} {name} ({seconds:.1f} s)" + (f": {text}" if result == "skipped" else ""), flush=True)
                if result == "FAILED":
                    print("        " + text.strip().replace("\n", "\n        "), flush=True)
                failed += result == "FAILED"
                skipped += result == "skipped"
        print(f"{len(names)} cases, {failed} failed, {skipped} skipped")
        return sys.exit(1 if failed or not names else 0)
