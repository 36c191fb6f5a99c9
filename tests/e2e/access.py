"""How slim gets to a registry: TLS, addresses, credentials, mirrors, proxies, being offline. run.py runs these cases, too."""

import base64
import json
import re
import socket
import socketserver
import subprocess
import threading

import images
from common import ALICE, PLAIN, auths, between, expected, layout, place, pull, push, same, sample, serve, shovel, unchanged
from harness import Cases, Skipped, check
from registry import Registry, Reply, certificates

case = Cases()


# TLS, addresses.


@case
def tls(w):
    registry = serve(w, tls=True, auth="basic")
    done = w.slim(place(registry), "-p", "caches", "-o", "oci:out", *ALICE)
    done.fails(registry.host, ("certificate", "tls"), "--ca-file")
    check(not registry.find(kind="manifest"), "an unknown certificate was accepted")
    pull(w, registry, "--ca-file", certificates()[0], *ALICE)


@case
def tls_not_verified(w):
    registry = serve(w, tls=True)
    pull(w, registry, PLAIN)
    registry = serve(w, tls=True)
    push(w, registry, PLAIN)


@case
def tls_redirect_to_plain(w):
    """A redirect from TLS to plain HTTP is followed without the password, or not at all."""
    registry, plain = serve(w, tls=True, auth="basic"), serve(w)

    def elsewhere(x, answer):
        return Reply(307, {"Location": plain.url + x.path}) if x.kind == "blob" and x.method == "GET" else answer()
    registry.faults.append(elsewhere)
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", "--ca-file", certificates()[0], *ALICE)
    check(all("authorization" not in x.headers for x in plain.log), "the password went out in the clear")


@case
def plain_needs_an_option(w):
    """Plain HTTP to a host that is not this one: only where --tls-verify=false says so, and no password goes out before."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            raise Skipped("this machine has no address but loopback")
    registry = serve(w, host=address, auth="basic")
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", "--retry-times", "1", *ALICE).fails(registry.host, "--tls-verify=false")
    check(not registry.log, "something was asked in the clear")
    pull(w, registry, PLAIN, *ALICE)


@case
def ipv6_literal(w):
    try:
        registry = serve(w, host="::1")
    except OSError:
        raise Skipped("no IPv6 here")
    between(w, registry, name="new/app")


@case
def localhost_by_name(w):
    registry = serve(w)
    w.slim(place(registry).replace("127.0.0.1", "localhost"), "-p", "caches", "-o", "oci:out", PLAIN).ok()


# Credentials. `w` gets the files and variables; slim is told nothing.


def helper(w, name, answer):
    """A credential helper as docker calls it: `docker-credential-NAME get` with the host on standard input; it knows hosts alone."""
    script = f"""#!/bin/sh
read -r key || true
case $key in
  *//*) ;;
  */*) echo "credentials not found in native keychain"; exit 1 ;;
esac
printf %s "$key" > {w.folder}/asked
echo '{json.dumps(answer)}'
"""
    w.write(f"bin/docker-credential-{name}", script, 0o755)
    return {"PATH": f"{w.folder}/bin:/usr/local/bin:/usr/bin:/bin"}


PLACES = {
    "registry-auth-file": lambda w, text: {"REGISTRY_AUTH_FILE": w.write("auth-file.json", text)},
    "runtime-dir": lambda w, text: w.write("runtime/containers/auth.json", text) and {},
    "config-containers": lambda w, text: w.write("home/.config/containers/auth.json", text) and {},
    "docker-config-variable": lambda w, text: {"DOCKER_CONFIG": w.write("docker/config.json", text).parent},
    "docker-config": lambda w, text: w.write("home/.docker/config.json", text) and {},
    "docker-auth-config": lambda w, text: {"DOCKER_AUTH_CONFIG": text},
}


def found_in(put):
    def run(w):
        registry = serve(w, auth="basic")
        pull(w, registry, PLAIN, env=put(w, auths(registry)))
    return run


for name, put in PLACES.items():
    case.add(f"credentials-{name}", found_in(put))


@case
def credentials_authfile(w):
    registry = serve(w, auth="basic")
    pull(w, registry, PLAIN, "--authfile", w.write("mine.json", auths(registry)))


@case
def credentials_authfile_missing(w):
    registry = serve(w, auth="basic")
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, "--authfile", w.folder / "none.json").fails("none.json")


@case
def credentials_order(w):
    """Each place wins over those after it; the flag wins over all."""
    registry = serve(w, auth="basic")
    wrong = auths(registry, auth=base64.b64encode(b"alice:wrong").decode())
    env = {}
    for put in reversed(PLACES.values()):
        if put is not PLACES["docker-auth-config"]:  # Where docker's variable stands is docker's affair.
            env.update(put(w, wrong))
    pull(w, registry, PLAIN, *ALICE, env=env)
    w.write("auth-file.json", auths(registry))
    subprocess.run(["rm", "-r", w.folder / "out"], check=True)
    pull(w, registry, PLAIN, env=env)


@case
def credentials_username_and_password(w):
    registry = serve(w, auth="basic")
    pull(w, registry, PLAIN, env=PLACES["docker-config"](w, auths(registry, username="alice", password="wonder")))


@case
def credentials_of_a_namespace(w):
    """containers-auth.json(5): the longest key that fits wins."""
    registry = serve(w, auth="basic")
    right, wrong = ({"auth": base64.b64encode(text).decode()} for text in (b"alice:wonder", b"alice:wrong"))
    document = {"auths": {f"{registry.host}/lib": wrong, f"{registry.host}/lib/app": right, registry.host: wrong}}
    pull(w, registry, PLAIN, env=PLACES["registry-auth-file"](w, json.dumps(document)))


@case
def credentials_with_scheme(w):
    """docker writes some keys with a scheme and a path."""
    registry = serve(w, auth="basic")
    document = json.loads(auths(registry))
    document["auths"] = {f"https://{registry.host}/v1/": document["auths"][registry.host]}
    pull(w, registry, PLAIN, env=PLACES["docker-config"](w, json.dumps(document)))


@case
def credentials_helper(w):
    registry = serve(w, auth="basic")
    env = helper(w, "works", {"ServerURL": registry.host, "Username": "alice", "Secret": "wonder"})
    # The other helper is not installed: that must not matter here.
    document = {"credHelpers": {registry.host: "works", "other.example": "is-missing"}, "auths": {}}
    env |= PLACES["docker-config"](w, json.dumps(document))
    pull(w, registry, PLAIN, env=env)
    check((w.folder / "asked").read_text().strip() == registry.host, "the helper was asked for something else")


@case
def credentials_store(w):
    registry = serve(w, auth="basic")
    env = helper(w, "works", {"ServerURL": registry.host, "Username": "alice", "Secret": "wonder"})
    pull(w, registry, PLAIN, env=env | PLACES["docker-config"](w, json.dumps({"credsStore": "works"})))


@case
def credentials_missing_helper(w):
    """The helper for this host is missing, but another file has the password. Without one the error names the helper."""
    registry = serve(w, auth="basic")
    w.write("home/.docker/config.json", json.dumps({"credHelpers": {registry.host: "is-missing"}}))
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN).fails("docker-credential-is-missing")
    pull(w, registry, PLAIN, env=PLACES["registry-auth-file"](w, auths(registry)))


@case
def credentials_identity_token(w):
    registry = serve(w, auth="bearer", identity="refresh-me", password=None)
    text = auths(registry, auth=base64.b64encode(b"00000000:").decode(), identitytoken="refresh-me")
    done = pull(w, registry, PLAIN, env=PLACES["docker-config"](w, text))
    check("refresh-me" not in done.err, "the token is shown")


@case
def credentials_identity_token_of_a_helper(w):
    registry = serve(w, auth="bearer", identity="refresh-me", password=None)
    env = helper(w, "works", {"ServerURL": registry.host, "Username": "<token>", "Secret": "refresh-me"})
    pull(w, registry, PLAIN, env=env | PLACES["docker-config"](w, json.dumps({"credsStore": "works"})))


@case
def credentials_on_the_command_line(w):
    registry = serve(w, auth="basic")
    done = pull(w, registry, PLAIN, *ALICE)
    check("warning" in done.err.lower() and "wonder" not in done.err, f"no warning of a password on the command line:\n{done.err}")


@case
def credentials_from_standard_input(w):
    registry = serve(w, auth="basic")
    pull(w, registry, PLAIN, "--creds", "alice", "--password-stdin", stdin="wonder\n")


@case
def credentials_from_a_variable(w):
    registry = serve(w, auth="basic")
    pull(w, registry, PLAIN, "--creds", "alice", env={"SLIM_REGISTRY_PASSWORD": "wonder"})


@case
def credentials_broken_file(w):
    registry = serve(w, auth="basic")
    env = PLACES["registry-auth-file"](w, "{ not json")
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, env=env).fails("auth-file.json")


@case
def credentials_are_only_for_their_host(w):
    """What is known for another host, or for the same host with another port, is not sent here."""
    registry = serve(w)
    document = json.loads(auths(registry))
    entry = document["auths"][registry.host]
    document["auths"] = {"127.0.0.1": entry, "127.0.0.1:1": entry, "localhost": entry}
    pull(w, registry, PLAIN, env=PLACES["docker-config"](w, json.dumps(document)))
    check(all("authorization" not in x.headers for x in registry.log), "credentials of another host were sent")


# Mirrors, being offline.


def registries_conf(w, text):
    w.write("home/.config/containers/registries.conf", text)
    return {"CONTAINERS_REGISTRIES_CONF": w.write("registries.conf", text)}


@case
def mirror(w):
    registry = serve(w)
    env = registries_conf(w, f'[[registry]]\nprefix = "registry.example/team"\nlocation = "registry.example/team"\n'
                             f'[[registry.mirror]]\nlocation = "{registry.host}/lib"\ninsecure = true\n')
    w.slim("docker://registry.example/team/app:v1", "-p", "caches", "-o", "oci:out", env=env).ok()
    same(images.read_layout(w.folder / "out"), expected(w))


@case
def mirror_that_is_down(w):
    """The first mirror has nothing, the second does not answer, then the registry itself is asked."""
    registry, empty = serve(w), w.enter(Registry())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        env = registries_conf(w, f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n'
                                 f'[[registry.mirror]]\nlocation = "{empty.host}"\ninsecure = true\n'
                                 f'[[registry.mirror]]\nlocation = "127.0.0.1:{closed.getsockname()[1]}"\ninsecure = true\n')
        pull(w, registry, "--retry-times", "1", env=env)
    check(empty.log, "the mirror was not asked")


@case
def mirror_gets_no_push(w):
    registry, other_registry = serve(w), serve(w)
    env = registries_conf(w, f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n'
                             f'[[registry.mirror]]\nlocation = "{other_registry.host}"\ninsecure = true\n')
    w.slim(place(registry), "-p", "caches", "-o", place(registry, tag="v1-slim"), env=env).ok()
    check(not any(x.is_push() for x in other_registry.log), "the mirror was pushed to")
    same(images.of_registry(registry, "lib/app", "v1-slim"), expected(w))


@case
def blocked(w):
    registry = serve(w)
    env = registries_conf(w, f'[[registry]]\nlocation = "{registry.host}"\nblocked = true\n')
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, env=env).fails(registry.host, "block")
    check(not registry.log, "it was asked")


@case
def offline(w):
    registry = serve(w)
    for options, env in ((["--offline"], {}), ([], {"SLIM_OFFLINE": "1"})):
        w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, *options, env=env).fails(registry.host, "offline")
        w.slim(layout(w) if not (w.folder / "in").exists() else "oci:in", "-p", "caches", "-o", place(registry, tag="v1-slim"),
               *options, env=env).fails(registry.host, "offline")
        w.slim("analyze", place(registry), *options, env=env).fails(registry.host, "offline")
    check(not registry.log, "something was asked")
    unchanged(w, registry)


# Proxies.


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that knows CONNECT alone, and leads to one port of this machine, whatever host was asked for."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, port, refuse=None):
        self.target, self.refuse, self.asked, self.authorization = port, refuse, [], []
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        head = b"\n".join(iter(lambda: self.rfile.readline().strip(), b"")).decode()
        method, target = head.split()[:2]
        self.server.asked.append(target)
        self.server.authorization += re.findall(r"(?i)proxy-authorization: *Basic ([\w=]+)", head)
        if self.server.refuse or method != "CONNECT":
            self.wfile.write(f"HTTP/1.1 {self.server.refuse or 405} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        with socket.create_connection(("127.0.0.1", self.server.target)) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=shovel, args=(far, self.connection), daemon=True).start()
            shovel(self.connection, far)


@case
def https_proxy(w):
    """The name of the registry is known to the proxy alone."""
    registry = serve(w, tls=True, auth="bearer")
    proxy = w.enter(Proxy(registry.port))
    for variable in ("HTTPS_PROXY", "https_proxy"):
        w.slim("docker://registry.test/lib/app:v1", "-p", "caches", "-o", "docker://registry.test/lib/app:v1-slim", "--ca-file", certificates()[0],
               *ALICE, env={variable: proxy.url}).ok()
        same(images.of_registry(registry, "lib/app", "v1-slim"), expected(w))
        check(set(proxy.asked) == {"registry.test:443"}, f"asked: {proxy.asked}")
        proxy.asked.clear()
        registry.repos["lib/app"].tags.pop("v1-slim")


@case
def https_proxy_with_password(w):
    registry = serve(w, tls=True)
    proxy = w.enter(Proxy(registry.port))
    w.slim("docker://registry.test/lib/app:v1", "-p", "caches", "-o", "oci:out", "--ca-file", certificates()[0],
           env={"HTTPS_PROXY": proxy.url.replace("//", "//bob:builder@")}).ok()
    check(set(proxy.authorization) == {base64.b64encode(b"bob:builder").decode()}, f"the proxy got {proxy.authorization}")


@case
def https_proxy_that_refuses(w):
    registry = serve(w, tls=True)
    proxy = w.enter(Proxy(registry.port, refuse=407))
    done = w.slim("docker://registry.test/lib/app:v1", "-p", "caches", "-o", "oci:out", "--ca-file", certificates()[0], "--retry-times", "1",
                  env={"HTTPS_PROXY": proxy.url.replace("//", "//bob:builder@")})
    done.fails("registry.test", "proxy")
    check("builder" not in done.err, "the proxy's password is shown")


@case
def docker_hub(w):
    """Names without a host are Docker Hub's, `library/` is added, and its credentials have a key of their own."""
    registry = w.enter(Registry(tls=True, auth="bearer"))
    registry.add("library/app", "latest", sample())
    proxy = w.enter(Proxy(registry.port))
    entry = {"auth": base64.b64encode(b"alice:wonder").decode()}
    for key in ("https://index.docker.io/v1/", "docker.io"):
        env = {"HTTPS_PROXY": proxy.url, **PLACES["docker-config"](w, json.dumps({"auths": {key: entry}}))}
        for name in ("app", "docker.io/app:latest", "docker.io/library/app", "index.docker.io/library/app"):
            w.slim(f"docker://{name}", "-p", "caches", "-o", "oci:out", "--ca-file", certificates()[0], env=env).ok()
            same(images.read_layout(w.folder / "out"), expected(w))
            subprocess.run(["rm", "-r", w.folder / "out"], check=True)
    check(set(proxy.asked) == {"registry-1.docker.io:443"}, f"asked: {proxy.asked}")


@case
def no_proxy(w):
    registry = serve(w, tls=True)
    proxy = w.enter(Proxy(registry.port))
    for value in ("127.0.0.1", "127.0.0.0/8", "*", f"example.com,127.0.0.1:{registry.port}"):
        pull(w, registry, "--ca-file", certificates()[0], env={"HTTPS_PROXY": proxy.url, "NO_PROXY": value})
        subprocess.run(["rm", "-r", w.folder / "out"], check=True)
    check(not proxy.asked, f"the proxy was asked in spite of NO_PROXY: {proxy.asked}")
