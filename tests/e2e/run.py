#!/usr/bin/env python3
"""slim against registries with the habits and faults of real ones.

    tests/e2e/run.py --slim target/debug/slim [--only NAME] [-v]

Servers are on 127.0.0.1 with ports of their own; nothing else is reached. What a result must be is known from the same job on a layout
without any registry, and from the image's making.
"""

import json
import socket
import subprocess
import time

import access
import images
from common import (ALICE, PLAIN, auths, between, expected, interrupted, layout, multi, other, place, pull, push, same, sample, serve,
                    unchanged, uploads)
from faulty import FAULTS
from harness import Cases, Skipped, check
from registry import Registry, sha256

case = Cases()
MIB = 1 << 20


# Pulls that must work, in spite of this. A row: faults, options of the registry, options of slim, what else must be seen.


def pulled_once(r):
    """Each blob came whole once, and not much besides."""
    whole = [x.ref for x in r.find(kind="blob", method="GET", status=200)]
    got, size = sum(x.got for x in r.find(kind="blob")), sum(map(len, sample().blobs.values()))
    return sorted(whole) == sorted(sample().blobs) and got < size + 10_000 or f"{got} bytes of {size}: {whole}"


def resumed(r):
    """After each connection that broke the rest alone was asked for."""
    ranges = [x.headers["range"] for x in r.log if "range" in x.headers and not x.headers["range"].startswith("bytes=0-")]
    got, size = sum(x.got for x in r.find(kind="blob")), sum(map(len, sample().blobs.values()))
    return len(ranges) >= 3 or f"ranges: {ranges}, {got} bytes of {size}"


def no_credentials_elsewhere(r):
    return all("authorization" not in x.headers for x in r.peers[0].log) and len(r.peers[0].log) > 0


def only_a_token_of_its_own(r):
    """The other registry got no password, and no token that it had not given itself."""
    sent = [x.headers["authorization"] for x in r.peers[0].log if "authorization" in x.headers]
    return all(value.startswith("Bearer ") and value[7:] in r.peers[0].tokens for value in sent) and sent


def waited(r, method, seconds=0.9):
    """After a 429 the same was asked again, not before the time that the registry gave. What is about referrers may be given up."""
    def what(x):
        return x.query.get("digest") or x.path

    refused = [x for x in r.log if x.status == 429 and x.method == method and "sha256-" not in x.ref and x.kind != "referrers"]
    again = [min((y.time for y in r.log if what(y) == what(x) and y.method == method and y.time > x.time), default=0) - x.time for x in refused]
    return bool(refused) and all(wait >= seconds for wait in again) or f"waits: {again}"


PULLS = {
    "honest": ([], {}, [], pulled_once),
    "basic": ([], dict(auth="basic"), ALICE, None),
    "bearer": ([], dict(auth="bearer"), ALICE, lambda r: all("push" not in x.query.get("scope", "") for x in r.find(kind="token"))
               or "the token may push"),
    "anonymous": ([], dict(auth="bearer", anonymous=True), [], None),
    # One blob at a time, as others would use up a new token before the one that asked for it.
    "token-ends": ([], dict(auth="bearer", token_uses=2), [*ALICE, "--jobs", "1"], None),
    "token-ends-in-parallel": ([], dict(auth="bearer", token_uses=4, short_tokens=1), ALICE, None),
    "expired-token-400": (["expired-token-400"], dict(auth="bearer", token_uses=2), [*ALICE, "--jobs", "1"], None),
    "token-post-401": (["token-post-401"], dict(auth="bearer"), ALICE, None),
    "token-post-404": (["token-post-404"], dict(auth="bearer"), ALICE, None),
    "token-post-405": (["token-post-405"], dict(auth="bearer"), ALICE, None),
    "odd-challenge": (["odd-challenge"], dict(auth="bearer"), ALICE, None),
    "odd-challenge-basic": (["odd-challenge"], dict(auth="basic"), ALICE, None),
    "no-digest-header": (["no-digest-header"], {}, [], None),
    "redirect-other-host": (["redirect-other-host"], dict(auth="basic"), ALICE, no_credentials_elsewhere),
    "redirect-other-host-bearer": (["redirect-other-host"], dict(auth="bearer"), ALICE, no_credentials_elsewhere),
    "redirect-other-port": (["redirect-other-port"], dict(auth="basic"), ALICE, no_credentials_elsewhere),
    "redirect-challenges": (["redirect-challenges"], dict(auth="basic"), ALICE, only_a_token_of_its_own),
    "redirect-relative": (["redirect-relative"], dict(auth="basic"), ALICE, None),
    "content-encoding-gzip": (["content-encoding-gzip"], {}, [], None),
    "content-encoding-x-gzip": (["content-encoding-x-gzip"], {}, [], None),
    "dropped-blob": (["dropped-blob"], {}, [], resumed),
    "dropped-blob-no-range": (["no-range", "dropped-blob"], {}, [], None),
    "dropped-blob-redirected": (["dropped-blob", "redirect-relative"], dict(auth="basic"), ALICE, resumed),
    "wrong-range": (["wrong-range", "dropped-blob"], {}, [], None),
    "busy-get": (["busy-get"], {}, [], lambda r: waited(r, "GET")),
    "busy-date": (["busy-date"], {}, [], lambda r: waited(r, "GET", 0.2)),
    "errors": (["errors"], dict(auth="bearer"), ALICE, None),
    "no-answer": (["no-answer"], {}, [], None),
    "stalled-blob": (["stalled-blob"], {}, [], None),
}


def pull_case(faults, options, arguments, seen):
    def run(w):
        registry = serve(w, *faults, **options)
        pull(w, registry, PLAIN, *arguments)
        result = seen is None or seen(registry)
        check(result is True or (result and not isinstance(result, str)), f"{result}\n" + "\n".join(map(str, registry.log)))
    return run


for name, line in PULLS.items():
    case.add(f"pull-{name}", pull_case(*line))


# Pulls that must fail. A row: faults, options of the registry, options of slim, the image, words of the message.


def short(digest):
    return digest.removeprefix("sha256:")[:12]


def of_any_blob(find):
    """A choice of words: one for each blob of the sample."""
    return tuple(find(digest, data) for digest, data in sample().blobs.items())


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]


def wrong_size(document):
    document["layers"][1]["size"] += 1


def evil_digest(document):
    document["layers"][1]["digest"] = "sha256:../../../../etc/passwd"


BLOB = of_any_blob(lambda digest, _: short(digest))
REFUSED = ("401", "unauthorized", "password", "credentials")
BAD_PULLS = {
    "wrong-bytes": (["wrong-bytes"], {}, [], sample, [BLOB, of_any_blob(lambda _, data: short(sha256(flipped(data))))]),
    "short-body": (["short-body"], {}, [], sample,
                   [BLOB, of_any_blob(lambda _, data: str(len(data))), of_any_blob(lambda _, data: str(len(data) - 7))]),
    "long-body": (["long-body"], {}, [], sample, [BLOB, of_any_blob(lambda _, data: str(len(data)))]),
    "endless-body": (["endless-body"], {}, [], sample, [BLOB]),
    "dropped-blob-always": (["dropped-blob-always", "no-range"], {}, [], sample, [BLOB]),
    "wrong-size": ([], {}, [], lambda: images.build(change=wrong_size), [BLOB]),
    "evil-digest": ([], {}, [], lambda: images.build(change=evil_digest), ["digest"]),
    "redirect-loop": (["redirect-loop"], {}, [], sample, [BLOB, "redirect"]),
    "redirect-nowhere": (["redirect-nowhere"], {}, [], sample, [BLOB]),
    "lying-digest-header": (["lying-digest-header"], {}, [], sample, [short(sample().digest), short(sha256(b"a lie"))]),
    "html-manifest": (["html-manifest"], {}, [], sample, ["manifest"]),
    "huge-manifest": (["huge-manifest"], {}, [], sample, ["manifest"]),
    "huge-header": (["huge-header"], {}, [], sample, []),
    "busy-always": (["busy-always"], {}, ["--retry-times", "1"], sample, ["429", "slow down"]),
    "busy-for-a-day": (["busy-for-a-day"], {}, [], sample, ["429"]),
    "errors-always": (["errors-always"], {}, ["--retry-times", "1"], sample, [("500", "502", "503", "504")]),
    "no-answer-always": (["no-answer-always"], {}, ["--retry-times", "1"], sample, []),
    "garbage-token": (["garbage-token"], dict(auth="bearer"), ALICE, sample, ["token"]),
    "empty-token": (["empty-token"], dict(auth="bearer"), ALICE, sample, ["token"]),
    "number-token": (["number-token"], dict(auth="bearer"), ALICE, sample, ["token"]),
    "line-break-in-token": (["line-break-in-token"], dict(auth="bearer"), ALICE, sample, []),
    "wrong-password": ([], dict(auth="basic"), ["--creds", "alice:secret-word"], sample, [REFUSED]),
    "wrong-password-bearer": ([], dict(auth="bearer"), ["--creds", "alice:secret-word"], sample, [REFUSED]),
    "no-password": ([], dict(auth="basic"), [], sample, [("401", "unauthorized", "credentials"), ("--creds", "login")]),
    "stalled-blob-always": (["stalled-blob-always", "no-range"], {}, ["--retry-times", "1", "--jobs", "4"], sample, [BLOB]),
}


def bad_pull_case(faults, options, arguments, image, words):
    def run(w):
        registry = serve(w, *faults, image=image(), **options)
        # slim waits a minute for a silent registry, twice with --retry-times 1, and for the layers of all tries.
        limit = 300 if "stalled-blob-always" in faults else 100
        done = w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, *arguments, timeout=limit)
        done.fails(registry.host, "lib/app", *words)
        check("secret-word" not in done.err.replace("alice:secret-word", ""), "the message has the password")
        check(all("x-injected" not in x.headers for x in registry.log), "the token became a header of its own")
        endless = max((getattr(x, "endless", 0) for x in registry.log), default=0)
        check(endless < 64 * MIB, f"{endless} bytes were read of a blob that has at most 7 MB")
        unchanged(w, registry)
    return run


for name, line in BAD_PULLS.items():
    case.add(f"bad-pull-{name}", bad_pull_case(*line))


@case
def huge_manifest_and_memory(w):
    registry = serve(w, "huge-manifest")
    done = w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, prefix=["/usr/bin/time", "-f", "%M"])
    kilobytes = int(done.err.split()[-1])
    check(kilobytes < 100_000, f"{kilobytes} kB of memory for a manifest of 100 MB that is refused")


@case
def other_manifest(w):
    registry = serve(w, "other-manifest")
    at = f"docker://{registry.host}/lib/app@{sample().digest}"
    w.slim(at, "-p", "caches", "-o", "oci:out", PLAIN).fails(registry.host, "lib/app", short(sample().digest))
    unchanged(w, registry)


# Pushes that must work. A row: faults, options of the registry, options of slim, what else must be seen.


def patches(r):
    return [x for x in r.log if x.method == "PATCH"]


def in_order(r):
    """Blobs are asked for before they are sent, manifests come after all blobs, the tag comes last."""
    asked = set()
    for x in r.log:
        asked |= {x.ref} if x.kind == "blob" and x.method == "HEAD" else set()
        if x.kind in ("upload", "uploads") and "digest" in x.query and x.query["digest"] not in asked:
            return f"{x.query['digest']} was sent without a question"
    pushes = [x for x in r.log if x.is_push() and x.kind != "token"]
    kinds = [x.kind == "manifest" for x in pushes]
    if kinds != sorted(kinds):
        return "a blob came after a manifest"
    return pushes[-1].ref == "v1-slim" or f"{pushes[-1]} came last"


def one_patch(r):
    return len(patches(r)) == len(uploads(r)) == 4 and in_order(r)


PUSHES = {
    "honest": ([], {}, [], one_patch),
    "basic": ([], dict(auth="basic"), ALICE, in_order),
    "bearer": ([], dict(auth="bearer"), ALICE, in_order),
    "token-ends": ([], dict(auth="bearer", token_uses=3), [*ALICE, "--jobs", "1"], None),
    "token-ends-in-parallel": ([], dict(auth="bearer", token_uses=6, short_tokens=1), ALICE, None),
    "expired-token-400": (["expired-token-400"], dict(auth="bearer", token_uses=3), [*ALICE, "--jobs", "1"], None),
    "stale-range": (["stale-range"], {}, [], None),
    "stale-range-chunks": (["stale-range", "chunk-limit-413"], {}, [], None),
    "location-outside-v2": (["location-outside-v2"], {}, [], None),
    "relative-location": (["relative-location"], {}, [], None),
    "upload-redirect": (["upload-redirect"], {}, [], None),
    "upload-redirect-bearer": (["upload-redirect"], dict(auth="bearer"), ALICE, None),
    "no-patch": (["no-patch"], {}, [], lambda r: any(x.sent > 6 * MIB for x in r.find(method="PUT")) or "no PUT of a whole blob"),
    "chunk-limit-413": (["chunk-limit-413"], {}, [], lambda r: any(0 < x.sent <= 4 * MIB and x.status == 202 for x in patches(r))),
    "chunk-limit-413-early": (["chunk-limit-413-early"], {}, [], lambda r: any(0 < x.sent <= 4 * MIB and x.status == 202 for x in patches(r))),
    "chunk-limit-416": (["chunk-limit-416"], {}, [], lambda r: any(0 < x.sent <= 4 * MIB and x.status == 202 for x in patches(r))),
    "no-location-on-manifest": (["no-location-on-manifest"], {}, [], None),
    "no-digest-header": (["no-digest-header"], {}, [], None),
    "busy-put": (["busy-put"], {}, [], lambda r: waited(r, "PUT")),
    "busy-head": (["busy-head"], {}, [], lambda r: waited(r, "HEAD")),
    "errors": (["errors"], dict(auth="bearer"), ALICE, None),
    "no-answer": (["no-answer"], {}, [], None),
    "dropped-upload": (["dropped-upload"], {}, [], None),
    "lost-upload": (["lost-upload"], {}, [], None),
    "lost-answer": (["lost-answer"], {}, [], None),
}


def push_case(faults, options, arguments, seen):
    def run(w):
        registry = w.enter(Registry([FAULTS[name] for name in faults], **options))
        registry.add("lib/app", "v1-slim", other())
        push(w, registry, PLAIN, *arguments)
        result = seen is None or seen(registry)
        check(result is True or (result and not isinstance(result, str)), f"{result}\n" + "\n".join(map(str, registry.log)))
    return run


for name, line in PUSHES.items():
    case.add(f"push-{name}", push_case(*line))


# Pushes that must fail. A row: faults, options of the registry, words of the message.

ANY_BLOB = "any blob of the output"
BAD_PUSHES = {
    "denied-upload": (["denied-upload"], {}, ["denied", "quota of project lib is"]),
    "upload-on-other-host": (["upload-on-other-host"], dict(auth="basic"), ["localhost"]),
    "blob-unknown": (["blob-unknown"], {}, ["unknown blob"]),
    "dies-in-upload": (["dies-in-upload"], {}, [ANY_BLOB]),
    "dies-before-manifest": (["dies-before-manifest"], {}, []),
    "dies-before-tag": (["dies-before-tag"], {}, ["v1-slim"]),
    "immutable-400": (["immutable-tags-400"], {}, ["v1-slim", "immutable"]),
    "immutable-409": (["immutable-tags-409"], {}, ["v1-slim", "immutable"]),
    "immutable-412": (["immutable-tags-412"], {}, ["v1-slim", "immutable"]),
    "errors-always": (["errors-always"], {}, [("500", "502", "503", "504")]),
}


def bad_push_case(faults, options, words):
    def run(w):
        registry = w.enter(Registry([FAULTS[name] for name in faults], **options))
        registry.add("lib/app", "v1-slim", other())
        arguments = [PLAIN, "--retry-times", "1"] + (ALICE if options else [])
        done = w.slim(layout(w), "-p", "caches", "-o", place(registry, tag="v1-slim"), *arguments)
        blobs = tuple(short(digest) for digest in expected(w).blobs)
        done.fails(registry.host, "lib/app", *(blobs if word == ANY_BLOB else word for word in words))
        check(not registry.peers or not registry.peers[0].log, "the other host was asked")
        unchanged(w, registry)
    return run


for name, line in BAD_PUSHES.items():
    case.add(f"bad-push-{name}", bad_push_case(*line))


# From registry to registry.


def moved(w):
    """The digests that are new in the output: they alone have to be sent."""
    return expected(w).blobs.keys() - sample().blobs.keys()


@case
def same_repository(w):
    registry = serve(w)
    between(w, registry)
    check(uploads(registry) == moved(w), f"sent: {uploads(registry)}, to be sent: {moved(w)}")


@case
def mounted_from_another_repository(w):
    registry = serve(w)
    between(w, registry, name="new/app")
    mounted = {x.query["mount"] for x in registry.log if x.is_mount() and x.status == 201}
    check(mounted == sample().blobs.keys() & expected(w).blobs.keys(), f"mounted: {mounted}")
    check(all(x.query["from"] == "lib/app" for x in registry.log if x.is_mount()), "mounted from another place")
    check(uploads(registry) == moved(w), f"sent: {uploads(registry)}, to be sent: {moved(w)}")


@case
def mounted_with_tokens(w):
    """The token of a mount must be good for the repository that it comes from, too."""
    registry = serve(w, auth="bearer")
    between(w, registry, *ALICE, name="new/app")
    check(uploads(registry) == moved(w), f"sent: {uploads(registry)}, to be sent: {moved(w)}")


def mount_falls_back(fault, auth=None):
    def run(w):
        registry = serve(w, fault, auth=auth)
        between(w, registry, *(ALICE if auth else []), name="new/app")
        check(any(x.is_mount() or hasattr(x, "is_mount_refused") for x in registry.log), "no mount was tried")
        check(uploads(registry) == expected(w).blobs.keys(), f"sent: {uploads(registry)}")
    return run


for fault in ("mount-202", "mount-401", "mount-403", "mount-404", "mount-405"):
    case.add(fault, mount_falls_back(fault))
case.add("mount-401-bearer", mount_falls_back("mount-401", "bearer"))


@case
def mount_only_referenced(w):
    registry = serve(w, "mount-only-referenced")
    between(w, registry, name="new/app")
    check(uploads(registry) == moved(w), f"sent: {uploads(registry)}")


@case
def two_registries(w):
    source, target = serve(w), w.enter(Registry(auth="basic"))
    authfile = w.write("auth.json", auths(target))
    w.slim(place(source), "-p", "caches", "-o", place(target, "new/app", "v1-slim"), PLAIN, "--authfile", authfile).ok()
    same(images.of_registry(target, "new/app", "v1-slim"), expected(w))
    check(not any(x.is_mount() for x in target.log), "a mount from another registry was tried")


@case
def second_run(w):
    registry = w.enter(Registry())
    push(w, registry, PLAIN)
    first = registry.sent()
    registry.log.clear()
    push(w, registry, PLAIN)
    check(registry.sent() <= first // 10, f"{registry.sent()} bytes were sent of {first}")


@case
def immutable_tag_that_is_right(w):
    """The registry refuses the tag, but has it with this digest already (aws/containers-roadmap#2179)."""
    registry = w.enter(Registry([FAULTS["immutable-tags-400"]]))
    push(w, registry, PLAIN)
    push(w, registry, PLAIN)


@case
def interrupted_and_again(w):
    """What an earlier run has sent is not sent again."""
    registry = w.enter(Registry([FAULTS["dies-before-tag"]]))
    w.slim(layout(w), "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN, "--retry-times", "1").fails(registry.host)
    registry.dead, registry.faults = False, []
    registry.log.clear()
    push(w, registry, PLAIN)
    check(not uploads(registry), f"sent again: {uploads(registry)}")


@case
def docker_media_types(w):
    registry = serve(w, image=sample("docker"))
    between_types = w.slim(place(registry), "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN).ok()
    result = images.of_registry(registry, "lib/app", "v1-slim")
    check(result.tree() == expected(w).tree(), f"other files\n{between_types.err}")
    check(result.manifest["mediaType"] == images.DOCKER_MANIFEST, f"another type: {result.manifest['mediaType']}")


@case
def all_platforms(w):
    registry = serve(w, image=multi())
    w.slim(place(registry), "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN).ok()
    result = images.of_registry(registry, "lib/app", "v1-slim")
    for architecture in ("amd64", "arm64"):
        wanted = {path: node for path, node in multi().platform(architecture).tree().items() if path not in images.GONE}
        check(result.platform(architecture).tree() == wanted, f"other files for {architecture}")
    same(result.platform("amd64"), expected(w))


@case
def one_platform(w):
    registry = serve(w, image=multi())
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, "--platform", "linux/arm64").ok()
    result = images.read_layout(w.folder / "out")
    result = result.platform("arm64") if "manifests" in result.manifest else result
    check(result.config()["architecture"] == "arm64", "another platform")
    amd64 = set(multi().platform("amd64").blobs) & multi().platform("amd64").wanted() - multi().platform("arm64").wanted()
    check(not any(x.ref in amd64 for x in registry.find(kind="blob", method="GET")), "blobs of another platform were pulled")


@case
def several_tags(w):
    registry = serve(w)
    tags = [f"{registry.host}/lib/app:{tag}" for tag in ("one", "two")]
    w.slim(place(registry), "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN, *(word for tag in tags for word in ("-t", tag))).ok()
    for tag in ("one", "two"):
        same(images.of_registry(registry, "lib/app", tag), expected(w))


@case
def from_a_docker_archive(w):
    layout(w)
    w.slim("oci:in", "-p", "none", "-o", "docker-archive:in.tar", "-t", "app:v1").ok()
    registry = w.enter(Registry())
    w.slim("in.tar", "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN).ok()
    result = images.of_registry(registry, "lib/app", "v1-slim")
    check(result.tree() == expected(w).tree(), "other files")


@case
def to_a_docker_archive(w):
    registry = serve(w)
    w.slim(place(registry), "-p", "caches", "-o", "docker-archive:out.tar", PLAIN).ok()
    w.slim("verify", "out.tar", "--against", place(registry), "-p", "caches", PLAIN).ok()


@case
def by_digest(w):
    registry = serve(w)
    for reference in (f"lib/app@{sample().digest}", f"lib/app:v1@{sample().digest}"):
        w.slim(f"docker://{registry.host}/{reference}", "-p", "caches", "-o", "oci:out", PLAIN).ok()
        same(images.read_layout(w.folder / "out"), expected(w))
        subprocess.run(["rm", "-r", w.folder / "out"], check=True)


@case
def alias_registry(w):
    registry = serve(w)
    w.slim(place(registry).replace("docker://", "registry:"), "-p", "caches", "-o", "oci:out", PLAIN).ok()
    same(images.read_layout(w.folder / "out"), expected(w))


@case
def dry_run_pushes_nothing(w):
    registry = serve(w)
    w.slim(place(registry), "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN, "--dry-run")
    check(not any(x.is_push() for x in registry.log), "something was pushed")
    unchanged(w, registry)


@case
def jobs(w):
    """With --jobs 1 one blob comes after the other; by default several come at once."""
    for option, most in ((["--jobs", "1"], 1), ([], 4)):
        registry = serve(w)
        running, highest = [0], [0]

        def slow(x, answer, running=running, highest=highest):
            if x.kind == "blob" and x.method == "GET":
                running[0] += 1
                highest[0] = max(highest[0], running[0])
                time.sleep(0.3)
                running[0] -= 1
            return answer()
        registry.faults.append(slow)
        w.slim(place(registry), "-p", "caches", "-o", f"oci:out{most}", PLAIN, *option).ok()
        check(highest[0] == 1 if most == 1 else 1 < highest[0] <= most, f"{highest[0]} blobs at once with {option}")


@case
def retry_times(w):
    registry = serve(w, "errors-always")
    w.slim(place(registry), "-p", "caches", "-o", "oci:out", PLAIN, "--retry-times", "0").fails(registry.host)
    check(len(registry.find(kind="manifest", method="GET", ref="v1")) <= 1, "it was tried again")


# The other commands.


@case
def commands_read_registries(w):
    registry, local = serve(w), layout(w)
    registry.add("lib/app", "v1-slim", expected(w))
    slim = place(registry, tag="v1-slim")
    out = f"oci:{images.write_layout(expected(w), w.folder / 'slimmed')}"
    for arguments, ending in (
        (["plan", local, "-p", "caches", "--json"], []),
        (["analyze", local, "--json"], []),
        (["diff", local, out, "--json"], []),
        (["verify", out, "--against", local, "-p", "caches"], ["-q"]),
        (["compare", local, "-p", "caches", "-q"], []),
    ):
        wanted = w.slim(*arguments, *ending).ok()
        far = [place(registry) if word == local else slim if word == out else word for word in arguments]
        got = w.slim(*far, *ending, PLAIN).ok()
        if "--json" in arguments and arguments[0] == "plan":
            plans = [{**json.loads(text)["images"][0], "tags": []} for text in (got.out, wanted.out)]
            check(plans[0] == plans[1], "another plan")
        check(bool(got.out) == bool(wanted.out), f"{arguments[0]} says nothing")


@case
def missing(w):
    registry = serve(w)
    w.slim(place(registry, tag="v9"), "-p", "caches", "-o", "oci:out", PLAIN).fails(registry.host, "lib/app", "v9")
    w.slim(place(registry, name="lib/none"), "-p", "caches", "-o", "oci:out", PLAIN).fails(registry.host, "lib/none")
    for bad in ("Lib/App:v1", "lib/app:", "lib/app@sha256:12", "", "lib//app:v1"):
        w.slim(f"docker://{registry.host}/{bad}", "-p", "caches", "-o", "oci:out", PLAIN).fails()
    unchanged(w, registry)


@case
def unreachable(w):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        w.slim(f"docker://{host}/lib/app:v1", "-p", "caches", "-o", "oci:out", PLAIN, "--retry-times", "1").fails(host, ("refused", "connect"))


@case
def bare_word(w):
    """What looks like a reference and is no file: the error says what to type."""
    w.slim("lib/app:v1", "-p", "caches", "-o", "oci:out").fails("docker://")


# Interrupts.


@case
def interrupted_pull(w):
    registry = serve(w, "stalled-blob-always")
    interrupted(w, [place(registry), "-p", "caches", "-o", "oci:out", PLAIN], lambda: registry.find(kind="blob", method="GET"))
    unchanged(w, registry)


@case
def interrupted_push(w):
    registry = w.enter(Registry([lambda x, answer: time.sleep(8) or answer() if x.method == "PATCH" else answer()]))
    registry.add("lib/app", "v1-slim", other())
    interrupted(w, [layout(w), "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN], lambda: patches(registry))
    unchanged(w, registry)


# Referrers.


@case
def signatures_are_not_copied(w):
    """What is said about the input does not hold for the output: it is named, and not copied."""
    registry = serve(w)
    repo = registry.repos["lib/app"]
    empty = b"{}"
    repo.blobs[sha256(empty)] = empty
    descriptor = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(empty), "size": 2}
    signature = {"schemaVersion": 2, "mediaType": images.OCI_MANIFEST, "config": descriptor, "layers": [descriptor],
                 "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
    subject = {"mediaType": images.OCI_MANIFEST, "digest": sample().digest, "size": len(sample().manifests[sample().digest][1])}
    for document, tag in ((signature, sample().digest.replace(":", "-") + ".sig"), ({**signature, "subject": subject}, None)):
        data = json.dumps(document).encode()
        repo.manifests[sha256(data)] = (images.OCI_MANIFEST, data)
        if tag:
            repo.tags[tag] = sha256(data)
    before = set(repo.manifests)
    done = between(w, registry)
    check("refers to it" in done.err or "signature" in done.err.lower(), f"nothing is said of signatures:\n{done.err}")
    check(set(repo.manifests) - before == {expected(w).digest}, "more than the image was pushed")


@case
def provenance(w):
    if "--provenance" not in w.slim("--help").out:
        raise Skipped("slim has no --provenance")
    registry = serve(w)
    between(w, registry, "--provenance", w.folder / "provenance.json")
    text = (w.folder / "provenance.json").read_text()
    json.loads(text)
    for word in ("buildDefinition", "runDetails", "caches", sample().digest.removeprefix("sha256:")):
        check(word in text, f"{word} is not in the provenance")


def referrer_case(faults, kind, tag):
    def run(w):
        if "--referrer" not in w.slim("--help").out:
            raise Skipped("slim has no --referrer")
        registry = w.enter(Registry([FAULTS[name] for name in faults]))
        source = layout(w, sample(kind))
        w.slim(source, "-p", "caches", "-o", place(registry, tag="v1-slim"), PLAIN, "--referrer", "report").ok()
        result = images.of_registry(registry, "lib/app", "v1-slim")
        repo = registry.repos["lib/app"]
        about = [json.loads(data) | {"type": media_type} for media_type, data in repo.manifests.values() if b'"subject"' in data]
        check(len(about) == 1 and about[0]["subject"]["digest"] == result.digest, f"referrers: {about}")
        check(about[0]["type"] == images.OCI_MANIFEST and about[0].get("artifactType"), f"the referrer: {about}")
        check(about[0]["subject"]["size"] == len(result.manifests[result.digest][1]), f"the size of the subject: {about}")
        fallback = repo.find(result.digest.replace(":", "-"))
        check(bool(fallback) == tag, f"the fallback tag: {fallback}")
        if tag:
            check(json.loads(fallback[2])["manifests"][0]["digest"] in repo.manifests, "the fallback tag names nothing")
    return run


for name, line in {
    "referrer": ([], "oci", False),
    "referrer-fallback-tag": (["no-referrers"], "oci", True),
    "referrer-of-a-docker-image": (["no-docker-subject"], "docker", False),
}.items():
    case.add(name, referrer_case(*line))


case.functions.update(access.case.functions)

if __name__ == "__main__":
    case.main(__doc__)
