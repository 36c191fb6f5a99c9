"""What the cases of run.py, access.py and real.py start from: the sample, its registry, and what slim must make of it."""

import base64
import functools
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import images
from faulty import FAULTS
from harness import Failed, check
from registry import Registry

PLAIN = "--tls-verify=false"
ALICE = ["--creds", "alice:wonder"]


@functools.cache
def sample(kind="oci"):
    return images.build(kind=kind)


@functools.cache
def multi():
    return images.index([images.build(), images.build((images.BASE, images.APP, images.CACHES), architecture="arm64")])


@functools.cache
def other():
    """An image that a tag has before a run."""
    return images.build(({"old": b"old"},))


@functools.cache
def expected_of(slim, image_of, profile="caches"):
    """What slim makes of an image where no registry is involved: the tree and digests that it must make elsewhere, too."""
    with tempfile.TemporaryDirectory(prefix="slim-e2e-expected-") as folder:
        folder = pathlib.Path(folder)
        images.write_layout(image_of(), folder / "in")
        done = subprocess.run([slim, "oci:in", "-p", profile, "-o", "oci:out"], cwd=folder, capture_output=True, text=True)
        check(done.returncode == 0, f"slim cannot do it on a layout: {done.stderr}")
        result = images.read_layout(folder / "out")
    if image_of is sample:
        check(result.tree() == {path: node for path, node in sample().tree().items() if path not in images.GONE}, "wrong tree on a layout")
    return result


def expected(w, image_of=sample):
    return expected_of(w.slim_binary, image_of)


def serve(w, *faults, image=None, **options):
    """A registry with these faults which has `lib/app:v1` and, as `lib/app:v1-slim`, another image."""
    registry = w.enter(Registry([FAULTS[name] for name in faults], **options))
    registry.add("lib/app", "v1", image or sample())
    registry.add("lib/app", "v1-slim", other())
    return registry


def place(registry, name="lib/app", tag="v1"):
    return f"docker://{registry.host}/{name}:{tag}"


def layout(w, image=None):
    return f"oci:{images.write_layout(image or sample(), w.folder / 'in')}"


def same(result, wanted):
    check(result is not None, "there is no result")
    check(result.tree() == wanted.tree(), f"other files: {sorted(result.tree().items() ^ wanted.tree().items())[:10]}")
    check(result.layers() == wanted.layers(), f"other layers: {result.layers()} instead of {wanted.layers()}")
    check(result.digest == wanted.digest, f"another manifest: {result.manifest} instead of {wanted.manifest}")


def pull(w, registry, *options, image_of=sample, **run):
    """Slims from a registry into a layout and compares the result."""
    done = w.slim(place(registry), "-p", "caches", "-o", "oci:out", *options, **run).ok()
    same(images.read_layout(w.folder / "out"), expected(w, image_of))
    return done


def push(w, registry, *options, name="lib/app", **run):
    """Slims from a layout into a registry and compares the result."""
    source = layout(w) if not (w.folder / "in").exists() else "oci:in"
    done = w.slim(source, "-p", "caches", "-o", place(registry, name, "v1-slim"), *options, **run).ok()
    same(images.of_registry(registry, name, "v1-slim"), expected(w))
    return done


def unchanged(w, registry):
    """Nothing half-done: no file, and the tag is as it was."""
    check(not (w.folder / "out").exists(), "there is something at OUT")
    check(registry.repos["lib/app"].tags["v1-slim"] == other().digest, "the tag has changed")


def uploads(registry):
    """The digests of the blobs that came in by upload."""
    return {x.query["digest"] for x in registry.log if x.kind in ("upload", "uploads") and x.status == 201 and "digest" in x.query}


def between(w, registry, *options, name="lib/app"):
    done = w.slim(place(registry), "-p", "caches", "-o", place(registry, name, "v1-slim"), PLAIN, *options).ok()
    same(images.of_registry(registry, name, "v1-slim"), expected(w))
    return done


def auths(registry, **entry):
    entry = entry or {"auth": base64.b64encode(b"alice:wonder").decode()}
    return json.dumps({"auths": {registry.host: entry}})


def interrupted(w, arguments, begun):
    process = subprocess.Popen([w.slim_binary, *arguments], cwd=w.folder, env=w.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 30
    while not begun() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
    check(process.poll() is None, f"it ended by itself: {process.stderr.read().decode()[-1000:] if process.poll() is not None else ''}")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failed("it went on for more than 5 s after SIGINT")
    check(process.returncode in (130, -2), f"exit code {process.returncode}")
    left = list(w.temp.iterdir())
    check(not left, f"left in TMPDIR: {left}")


def shovel(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # One of both has hung up.
