#!/usr/bin/env python3
"""slim with real registries, engines and tools.

    tests/e2e/real.py --slim target/debug/slim [--only NAME] [-v]

Debian's docker-registry (plain, TLS with htpasswd, read-through), dockerd, podman, containerd's ctr, skopeo, umoci, strace. A case whose
tools are missing says so and is skipped. What a case puts into an engine has a name of its own and is removed again.
"""

import functools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import uuid

import images
from harness import Cases, Failed, Skipped, check
from registry import certificates, sha256
from common import ALICE, PLAIN, expected, interrupted, sample, same, shovel

case = Cases()
DOCKER = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker"
CONTAINERD = os.environ.get("CONTAINERD_ADDRESS", "/run/docker/containerd/containerd.sock")


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skipped(f"{tool} is missing")


@functools.cache
def answers(*command):
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def need_engine(name):
    command = {"docker": [DOCKER, "version"], "podman": ["podman", "info"], "containerd": ["ctr", "-a", CONTAINERD, "version"]}[name]
    if not answers(*command):
        raise Skipped(f"{name} does not answer")


def tool(w, *command, env=None, code=0):
    """Runs another tool, in the home of the case."""
    done = subprocess.run([str(word) for word in command], cwd=w.folder, env=w.environment(**(env or {})), capture_output=True, text=True)
    check(done.returncode == code, f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr[-1500:]}")
    return done.stdout


def skopeo(w, source, target, *options):
    need("skopeo")
    tls = [f"--{side}-tls-verify=false" for side, place in (("src", source), ("dest", target)) if place.startswith("docker:")]
    tool(w, "skopeo", "copy", "-q", "--insecure-policy", *tls, *options, source, target)


class Real:
    """Debian's docker-registry on a port of its own."""

    def __init__(self, w, *, tls=False, htpasswd=False, proxy=None):
        need("docker-registry")
        folder = w.folder / f"registry-{uuid.uuid4().hex[:6]}"
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        lines = ["version: 0.1", "storage:", "  filesystem:", f"    rootdirectory: {folder}/data", "  delete:", "    enabled: true",
                 "http:", f"  addr: {self.host}"]
        if tls:
            lines += ["  tls:", f"    certificate: {certificates()[1]}", f"    key: {certificates()[2]}"]
        if htpasswd:
            need("htpasswd")
            (folder / "htpasswd").write_text(tool(w, "htpasswd", "-Bbn", "alice", "wonder"))
            lines += ["auth:", "  htpasswd:", "    realm: real", f"    path: {folder}/htpasswd"]
        if proxy:
            lines += ["proxy:", f"  remoteurl: http://{proxy.host}"]
        (folder / "config.yml").write_text("\n".join(lines) + "\n")
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=self.log, stderr=self.log)
        w.closing.callback(self.stop)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.host.split(":")[1]))) == 0:
                    return
            time.sleep(0.1)
        raise Failed(f"docker-registry does not start: {(folder / 'log').read_text()[-500:]}")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def at(self, tag, name="lib/app"):
        return f"docker://{self.host}/{name}:{tag}"


class Meter(threading.Thread):
    """A port that leads to another one and counts the bytes that go there; `pause` seconds for each 64 KiB make it slow."""

    def __init__(self, host, pause=0):
        super().__init__(daemon=True)
        self.target, self.pause, self.sent = host.split(":"), pause, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection((self.target[0], int(self.target[1])))
            threading.Thread(target=shovel, args=(far, near), daemon=True).start()
            threading.Thread(target=self.count, args=(near, far), daemon=True).start()

    def count(self, near, far):
        try:
            while data := near.recv(1 << 16):
                self.sent += len(data)
                time.sleep(self.pause)
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # One of both has hung up.


def filled(w, image=None, **options):
    """A registry with the sample, put there by skopeo."""
    registry = Real(w, **options)
    images.write_layout(image or sample(), w.folder / "in")
    skopeo(w, "oci:in:v1", registry.at("v1"), *(["--dest-creds", "alice:wonder"] if options.get("htpasswd") else []))
    return registry


def slimmed(w, **options):
    """A registry in which slim has made `v1-slim` of `v1`."""
    registry = filled(w, **options)
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), PLAIN, *(ALICE if options.get("htpasswd") else [])).ok()
    return registry


def flat_tree(path):
    """What `docker export` wrote, as images.Image.tree is."""
    tree = {}
    images.unpack(tree, pathlib.Path(path).read_bytes())
    return tree


def same_tree(tree, wanted, may_be_more=True):
    """Engines add files of their own (/etc/hosts, /dev) to what they export."""
    differ = [(path, tree.get(path), wanted[path]) for path in wanted if tree.get(path) != wanted[path]]
    check(not differ, f"other files: {differ[:5]}")
    check(not images.GONE & tree.keys(), "files are there that should be gone")
    check(may_be_more or tree.keys() == wanted.keys(), f"more files: {sorted(tree.keys() - wanted.keys())[:5]}")


def exported(w, engine, reference):
    """The files of an image as an engine shows them. It leaves nothing in the engine."""
    name = f"slim-e2e-{uuid.uuid4().hex[:8]}"
    engine = DOCKER if engine == "docker" else engine
    tool(w, engine, "create", "--name", name, reference, "/app/main.sh")
    try:
        tool(w, engine, "export", "-o", w.folder / f"{name}.tar", name)
    finally:
        tool(w, engine, "rm", "-f", name)
    return flat_tree(w.folder / f"{name}.tar")


# Registry to registry, and what other tools make of the result.


@case
def plain_skopeo(w):
    registry = slimmed(w)
    skopeo(w, registry.at("v1-slim"), "oci:back:v1")
    same(images.read_layout(w.folder / "back"), expected(w))


@case
def tls_with_password_skopeo(w):
    registry = filled(w, tls=True, htpasswd=True)
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).fails(registry.host, ("401", "unauthorized", "credentials"))
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), *ALICE).fails(registry.host, "--ca-file")
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), "--ca-file", certificates()[0], *ALICE).ok()
    skopeo(w, registry.at("v1-slim"), "oci:back:v1", "--src-creds", "alice:wonder")
    same(images.read_layout(w.folder / "back"), expected(w))


@case
def umoci(w):
    need("umoci")
    registry = slimmed(w)
    skopeo(w, registry.at("v1-slim"), "oci:back:v1")
    tool(w, "umoci", "unpack", "--image", "back:v1", "bundle")
    tool(w, "tar", "-cf", "bundle.tar", "-C", "bundle/rootfs", ".")
    same_tree(flat_tree(w.folder / "bundle.tar"), expected(w).tree(), may_be_more=False)


@case
def docker_pull(w):
    need_engine("docker")
    registry = slimmed(w)
    reference = registry.at("v1-slim").removeprefix("docker://")
    tool(w, DOCKER, "pull", "-q", reference)
    try:
        same_tree(exported(w, "docker", reference), expected(w).tree())
    finally:
        tool(w, DOCKER, "rmi", reference)


@case
def docker_pull_with_login(w):
    """docker writes the credentials, slim finds them."""
    need_engine("docker")
    registry = filled(w, tls=True, htpasswd=True)
    tool(w, DOCKER, "login", "-u", "alice", "-p", "wonder", registry.host)
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).ok()
    reference = registry.at("v1-slim").removeprefix("docker://")
    tool(w, DOCKER, "pull", "-q", reference)
    try:
        same_tree(exported(w, "docker", reference), expected(w).tree())
    finally:
        tool(w, DOCKER, "rmi", reference)


@case
def docker_push(w):
    """An image with docker's media types, as docker itself pushes it."""
    need_engine("docker")
    need("skopeo")
    registry = Real(w)
    images.write_layout(sample(), w.folder / "in")
    reference = registry.at("v1").removeprefix("docker://")
    skopeo(w, "oci:in:v1", f"docker-archive:in.tar:{reference}")
    tool(w, DOCKER, "load", "-q", "-i", "in.tar")
    try:
        tool(w, DOCKER, "push", "-q", reference)
    finally:
        tool(w, DOCKER, "rmi", reference)
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).ok()
    skopeo(w, registry.at("v1-slim"), "dir:back")
    manifest = json.loads((w.folder / "back/manifest.json").read_text())
    check(manifest["mediaType"] == images.DOCKER_MANIFEST, f"another type: {manifest['mediaType']}")
    tree = {}
    for part in manifest["layers"]:
        images.unpack(tree, (w.folder / "back" / part["digest"].removeprefix("sha256:")).read_bytes())
    check(tree == expected(w).tree(), "other files")


@case
def podman_pull(w):
    need_engine("podman")
    registry = slimmed(w)
    reference = registry.at("v1-slim").removeprefix("docker://")
    tool(w, "podman", "pull", "-q", "--tls-verify=false", reference)
    try:
        same_tree(exported(w, "podman", reference), expected(w).tree())
    finally:
        tool(w, "podman", "rmi", reference)


@case
def podman_login(w):
    """podman writes the credentials, slim finds them."""
    need_engine("podman")
    registry = filled(w, tls=True, htpasswd=True)
    tool(w, "podman", "login", "--tls-verify=false", "-u", "alice", "-p", "wonder", registry.host)
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).ok()


@case
def containerd_pull(w):
    need_engine("containerd")
    registry = slimmed(w)
    reference = registry.at("v1-slim").removeprefix("docker://")
    ctr = ["ctr", "-a", CONTAINERD, "-n", f"slim-e2e-{os.getpid()}"]
    tool(w, *ctr, "images", "pull", "--plain-http", reference)
    try:
        tool(w, *ctr, "images", "export", "back.tar", reference)
        same(images.read_layout(w.folder / "back.tar"), expected(w))
    finally:
        clean(w, ctr)


def clean(w, ctr):
    """Removes the images of a namespace, waits until their blobs are gone, and removes the namespace."""
    names = tool(w, *ctr, "images", "ls", "-q").split()
    if names:
        tool(w, *ctr, "images", "rm", "--sync", *names)
    subprocess.run([*ctr[:3], "namespaces", "rm", ctr[4]], capture_output=True)


@case
def all_platforms(w):
    registry = Real(w)
    index = images.index([images.build(), images.build((images.BASE, images.APP, images.CACHES), architecture="arm64")])
    images.write_layout(index, w.folder / "multi")
    skopeo(w, "oci:multi:v1", registry.at("v1"), "--all")
    w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).ok()
    skopeo(w, registry.at("v1-slim"), "oci:back:v1", "--all")
    result = images.read_layout(w.folder / "back")
    for architecture in ("amd64", "arm64"):
        wanted = {path: node for path, node in index.platform(architecture).tree().items() if path not in images.GONE}
        check(result.platform(architecture).tree() == wanted, f"other files for {architecture}")


@case
def read_through(w):
    """A registry that fetches from another one; nothing can be pushed there."""
    registry = filled(w)
    mirror = Real(w, proxy=registry)
    w.slim(mirror.at("v1"), "-p", "caches", "-o", "oci:out", PLAIN).ok()
    same(images.read_layout(w.folder / "out"), expected(w))
    w.slim(mirror.at("v1"), "-p", "caches", "-o", mirror.at("v1-slim"), PLAIN).fails(mirror.host, ("405", "unsupported"))
    w.write("registries.conf", f'[[registry]]\nlocation = "registry.test"\n[[registry.mirror]]\nlocation = "{mirror.host}"\ninsecure = true\n')
    env = {"CONTAINERS_REGISTRIES_CONF": w.folder / "registries.conf"}
    w.slim("docker://registry.test/lib/app:v1", "-p", "caches", "-o", "oci:out2", env=env).ok()
    same(images.read_layout(w.folder / "out2"), expected(w))


@case
def second_run(w):
    """The registry has the layers: at most a tenth of the bytes is sent."""
    registry = Real(w)
    meter = Meter(registry.host)
    images.write_layout(sample(), w.folder / "in")
    sent = []
    for _ in range(2):
        before = meter.sent
        w.slim("oci:in", "-p", "caches", "-o", f"docker://{meter.host}/lib/app:v1-slim", PLAIN).ok()
        sent.append(meter.sent - before)
    check(sent[1] <= sent[0] // 10, f"bytes sent: {sent}")


@case
def mounted(w):
    """Untouched layers are not sent where IN is on the same registry."""
    registry = filled(w)
    meter = Meter(registry.host)
    w.slim(f"docker://{meter.host}/lib/app:v1", "-p", "caches", "-o", f"docker://{meter.host}/new/app:v1-slim", PLAIN).ok()
    check(meter.sent < 1_000_000, f"{meter.sent} bytes were sent; the new layer has 700 kB")
    skopeo(w, registry.at("v1-slim", "new/app"), "oci:back:v1")
    same(images.read_layout(w.folder / "back"), expected(w))


@case
def interrupted_push(w):
    """After SIGINT the tag is as it was, and the next run does the rest."""
    registry = filled(w)
    big = images.build(({"big.bin": images.noise("big", 60 << 20)}, images.CACHES))
    images.write_layout(big, w.folder / "big")
    skopeo(w, "oci:in:v1", registry.at("v1-slim"))
    meter = Meter(registry.host, pause=0.01)
    interrupted(w, ["oci:big", "-p", "caches", "-o", f"docker://{meter.host}/lib/app:v1-slim", PLAIN], lambda: meter.sent > 1_000_000)
    manifest = tool(w, "skopeo", "inspect", "--tls-verify=false", "--raw", registry.at("v1-slim"))
    check(sha256(manifest.encode()) == sample().digest, "the tag has changed")
    w.slim("oci:big", "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).ok()


@case
def memory(w):
    """Registry to registry with a layer of 300 MB and one of 100 MB that is written anew: under 150 MB of memory."""
    need("/usr/bin/time")
    fifty = [images.noise(f"memory {number}", 50 << 20) for number in range(3)]
    big = images.build(({"big.bin": fifty[0] * 6}, {"var/cache/apt/archives/big_1.deb": fifty[1], "usr/lib/big.bin": fifty[2]}))
    registry = filled(w, big)
    done = w.slim(registry.at("v1"), "-p", "caches", "-o", registry.at("v1-slim", "new/app"), PLAIN, timeout=400,
                  prefix=["/usr/bin/time", "-f", "%M"]).ok()
    kilobytes = int(done.err.split()[-1])
    check(kilobytes < 150_000, f"{kilobytes} kB of memory")
    if w.verbose:
        print(f"   {kilobytes} kB of memory")


# No sockets.


def sockets(w, *arguments, env=None):
    """The sockets that slim opened, as strace shows them."""
    need("strace")
    if not answers("strace", "true"):
        raise Skipped("strace may not trace here")
    strace = ["strace", "-f", "-qq", "-e", "trace=socket,connect", "-e", "signal=none", "-o", w.folder / "trace"]
    done = w.slim(*arguments, env=env, prefix=strace)
    return done, [line for line in (w.folder / "trace").read_text().splitlines() if "socket(" in line or "connect(" in line]


@case
def no_socket_without_a_prefix(w):
    images.write_layout(sample(), w.folder / "in")
    for arguments in (["oci:in", "-p", "caches", "-o", "oci:out"], ["analyze", "oci:in"], ["plan", "oci:in", "-p", "caches"], ["verify", "oci:in"],
                      ["diff", "oci:in", "oci:out"], ["oci:in", "-p", "auto", "-o", "docker-archive:out.tar", "-t", "app:v1"]):
        done, opened = sockets(w, *arguments)
        done.ok()
        check(not opened, f"{arguments}: {opened[:3]}")
    done, opened = sockets(w, "lib/app:v1", "-p", "caches", "-o", "oci:none")
    check(not any("AF_INET" in line for line in opened), f"a bare word: {opened[:3]}")


@case
def no_socket_offline(w):
    registry = filled(w)
    for arguments, env in (([registry.at("v1"), "-p", "caches", "-o", "oci:out", "--offline"], {}),
                           (["oci:in", "-p", "caches", "-o", registry.at("v1-slim"), "--offline"], {}),
                           (["analyze", registry.at("v1")], {"SLIM_OFFLINE": "1"}),
                           (["analyze", "docker://registry.test/lib/app:v1"], {"SLIM_OFFLINE": "1"})):
        done, opened = sockets(w, *arguments, env=env)
        done.fails("offline")
        check(not opened, f"{arguments}: {opened[:3]}")
    # The same trace sees sockets where there are some: else this would test nothing.
    done, opened = sockets(w, "analyze", registry.at("v1"), PLAIN)
    check(any("AF_INET" in line for line in opened), "strace sees no socket of a pull")


# Engines.


def need_prefix(w, prefix):
    if prefix not in w.slim("--help").out:
        raise Skipped(f"slim does not know {prefix} yet")


@functools.cache
def busybox():
    """Debian's static busybox, for images that run."""
    folder = pathlib.Path(__file__).resolve().parent.parent.parent / "target" / "e2e"
    program = folder / "bin" / "busybox"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", "busybox-static"], cwd=folder, capture_output=True)
        for package in folder.glob("busybox-static_*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return program if program.exists() else None


def built(w, engine):
    """An image that runs, built by the engine, with something in it that profile `caches` drops; its name."""
    if not busybox():
        raise Skipped("busybox-static cannot be had")
    context = w.folder / "context"
    context.mkdir()
    shutil.copy(busybox(), context / "busybox")
    (context / "tool_1.deb").write_bytes(images.CACHES["var/cache/apt/archives/tool_1.deb"])
    (context / "Dockerfile").write_text("FROM scratch\nCOPY busybox /bin/busybox\nCOPY tool_1.deb /var/cache/apt/archives/tool_1.deb\n"
                                        'ENV GREETING=hello\nCMD ["/bin/busybox", "sh", "-c", "echo $GREETING; busybox ls /var/cache/apt/archives"]\n')
    name = f"localhost/slim-e2e/{uuid.uuid4().hex[:8]}"
    if engine == "docker":
        tool(w, DOCKER, "build", "-q", "--network", "none", "-t", f"{name}:v1", context, env={"DOCKER_BUILDKIT": "1"})
    else:
        need("buildah")
        tool(w, "buildah", "bud", "-q", "--isolation", "chroot", "-t", f"{name}:v1", context)
    return name


def engine_case(engine, prefix):
    def run(w):
        need_prefix(w, prefix)
        need_engine(engine)
        program = DOCKER if engine == "docker" else engine
        name = built(w, engine)
        try:
            w.slim(f"{prefix}{name}:v1", "-p", "caches", "-o", f"{prefix}{name}:v1-slim").ok()
            size = [int(tool(w, program, "image", "inspect", "-f", "{{.Size}}", f"{name}:{tag}")) for tag in ("v1", "v1-slim")]
            check(size[1] < size[0] - 900_000, f"sizes as {engine} shows them: {size}")
            if engine == "docker":
                out = [tool(w, program, "run", "--rm", "--network", "none", f"{name}:{tag}") for tag in ("v1", "v1-slim")]
                check(out == ["hello\ntool_1.deb\n", "hello\n"], f"the programs say {out}")
            w.slim("verify", f"{prefix}{name}:v1-slim", "--against", f"{prefix}{name}:v1", "-p", "caches").ok()
            w.slim("analyze", f"{prefix}{name}:v1-slim", "--json").ok()
            w.slim(f"{prefix}{name}:none", "-p", "caches", "-o", f"{prefix}{name}:v2").fails("none")
        finally:
            for tag in ("v1", "v1-slim"):
                subprocess.run([program, "rmi", "-f", f"{name}:{tag}"], capture_output=True)
    return run


case.add("docker-daemon", engine_case("docker", "docker-daemon:"))
case.add("podman", engine_case("podman", "podman:"))


@case
def docker_daemon_to_registry(w):
    need_prefix(w, "docker-daemon:")
    need_engine("docker")
    name, registry = built(w, "docker"), Real(w)
    try:
        w.slim(f"docker-daemon:{name}:v1", "-p", "caches", "-o", registry.at("v1-slim"), PLAIN).ok()
        skopeo(w, registry.at("v1-slim"), "oci:back:v1")
        check("bin/busybox" in images.read_layout(w.folder / "back").tree(), "busybox is missing")
    finally:
        subprocess.run([DOCKER, "rmi", "-f", f"{name}:v1"], capture_output=True)


@case
def containerd(w):
    need_prefix(w, "containerd:")
    need_engine("containerd")
    images.write_layout(sample(), w.folder / "in")
    need("skopeo")
    namespace, name = f"slim-e2e-{os.getpid()}-x", "localhost/slim-e2e/app"
    ctr = ["ctr", "-a", CONTAINERD, "-n", namespace]
    skopeo(w, "oci:in:v1", "oci-archive:in.tar:v1")
    tool(w, *ctr, "images", "import", "--no-unpack", "--index-name", f"{name}:v1", "in.tar")
    try:
        env = {"CONTAINERD_ADDRESS": CONTAINERD}
        w.slim(f"containerd:{namespace}/{name}:v1", "-p", "caches", "-o", f"containerd:{namespace}/{name}:v1-slim", env=env).ok()
        tool(w, *ctr, "images", "export", "back.tar", f"{name}:v1-slim")
        back = images.read_layout(w.folder / "back.tar")
        # containerd writes an index around an image.
        if "manifests" in back.manifest:
            back = images.Image(back.blobs, back.manifests, back.manifest["manifests"][0]["digest"])
        check(back.tree() == expected(w).tree(), "other files")
    finally:
        clean(w, ctr)


if __name__ == "__main__":
    case.main(__doc__)
