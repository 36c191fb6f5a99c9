#!/usr/bin/env python3
"""Habits and faults of real registries, for the registry of registry.py.

    faulty.py [--port N] [--tls] [--auth basic|bearer] [--fault NAME]...    serve until killed; user alice, password wonder
    faulty.py --list                                                        name the faults
    faulty.py --selftest                                                    see that each fault does what it says

A fault is a function of the request and of a function that gives the honest reply. It returns the reply.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.parse

import registry as honest
from registry import Registry, Reply, error, sha256

MIB = 1 << 20
CHUNK = 4 * MIB
FAULTS = {}

# What clients accept of manifests.
TYPES = ", ".join(f"application/vnd.{name}+json" for name in (
    "oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.list.v2", "docker.distribution.manifest.v2"))


def fault(function):
    FAULTS[function.__name__.replace("_", "-")] = function
    return function


def row(name, about, function):
    """A fault out of a table."""
    function.__doc__ = about
    FAULTS[name] = function


def first_time(x, *key):
    return x.nth(*key) == 1


def step(x):
    """What kind of request this is; the sessions of uploads have a new name each time, so they count as one."""
    return x.method, x.kind, x.repo, "" if x.kind == "upload" else x.ref


def is_blob(x):
    return x.kind == "blob" and x.method == "GET"


# Uploads.


@fault
def stale_range(x, answer):
    """PATCH answers 201 with the Range of the first chunk, whatever is stored by then (aws/containers-roadmap#2831)."""
    reply = answer()
    if x.method == "PATCH" and reply.status == 202:
        reply.status = 201
        with x.registry.lock:
            reply.headers["Range"] = x.registry.memory.setdefault(x.ref, reply.headers["Range"])
    return reply


@fault
def location_outside_v2(x, answer):
    """Uploads go to another path than /v2/ (Google's; oras-project/rust-oci-client#175)."""
    reply = answer()
    if x.kind in ("uploads", "upload") and reply.status == 202:
        reply.headers["Location"] = reply.headers["Location"].replace(f"/v2/{x.repo}/blobs/", f"/artifacts-uploads/{x.repo}/")
    return reply


@fault
def relative_location(x, answer):
    """Locations have no host (ghcr.io)."""
    reply = answer()
    if "Location" in reply.headers:
        reply.headers["Location"] = reply.headers["Location"].removeprefix(x.base())
    return reply


@fault
def upload_redirect(x, answer):
    """POST is sent to another path; the Location there is relative to that path (containerd/containerd#11949)."""
    if x.kind == "uploads" and not x.path.startswith("/elsewhere"):
        return Reply(307, {"Location": "/elsewhere" + x.handler.path})
    reply = answer()
    if x.kind == "uploads" and reply.status == 202:
        reply.headers["Location"] = reply.headers["Location"].split("/uploads/")[1]
    return reply


@fault
def upload_on_other_host(x, answer):
    """The Location of an upload is on another host, which must not get the data (oras-project/oras-go#1282)."""
    reply = answer()
    if x.kind == "uploads" and reply.status == 202:
        reply.headers["Location"] = reply.headers["Location"].replace(x.base(), x.registry.peer())
    return reply


@fault
def no_patch(x, answer):
    """There is no PATCH: 405 (containers/skopeo#1101)."""
    return error(405, "UNSUPPORTED", "The operation is unsupported.") if x.method == "PATCH" else answer()


def chunk_limit(status, early):
    def limit(x, answer):
        if x.method in ("PATCH", "PUT") and x.kind == "upload":
            # A proxy such as nginx refuses by the header, and does not read what comes after it.
            size = int(x.headers.get("content-length", 0)) if early else len(x.body)
            if size > CHUNK:
                reply = error(status, "SIZE_INVALID", "the chunk is too large")
                reply.early = early
                return reply
        return answer()
    return limit


row("chunk-limit-413", "A body of more than 4 MiB is answered 413 (oras-project/rust-oci-client#35).", chunk_limit(413, False))
row("chunk-limit-413-early", "As chunk-limit-413, but before the body is read.", chunk_limit(413, True))
row("chunk-limit-416", "A body of more than 4 MiB is answered 416.", chunk_limit(416, False))


def mount_status(status):
    def refuse(x, answer):
        return error(status, "NAME_UNKNOWN", "project not found") if x.is_mount() else answer()
    return refuse


for number in (401, 403, 404, 405):
    row(f"mount-{number}", f"A mount is answered {number} (goharbor/harbor#17097).", mount_status(number))


@fault
def mount_202(x, answer):
    """A mount is answered 202: an upload has begun instead."""
    if x.is_mount():
        x.is_mount_refused = x.query.pop("mount")
    return answer()


@fault
def mount_only_referenced(x, answer):
    """Only blobs that a manifest refers to can be mounted (aws/containers-roadmap#2860)."""
    if x.is_mount():
        manifests = list(x.registry.repos[x.query.get("from", "")].manifests.values())
        if not any(x.query["mount"].encode() in data for _, data in manifests):
            x.is_mount_refused = x.query.pop("mount")
    return answer()


@fault
def denied_upload(x, answer):
    """Uploads are denied, with a reason that has an escape sequence in it."""
    if x.kind == "uploads":
        return error(403, "DENIED", "quota of project lib is \x1b[31mused up")
    return answer()


def dies(when):
    def die(x, answer):
        if when(x):
            for number, _ in enumerate(x.pieces()):
                if number == 4:
                    break
            x.registry.dead = True
            return Reply(500, cut=-1)
        return answer()
    return die


row("dies-in-upload", "The server goes away for good in the middle of a PATCH.", dies(lambda x: x.method == "PATCH"))
row("dies-before-manifest", "The server goes away for good when the first manifest comes.",
    dies(lambda x: x.kind == "manifest" and x.method == "PUT"))
row("dies-before-tag", "The server goes away for good when the tag comes.",
    dies(lambda x: x.kind == "manifest" and x.method == "PUT" and ":" not in x.ref))


@fault
def dropped_upload(x, answer):
    """The connection breaks in the middle of a large PATCH, at first."""
    if x.method == "PATCH" and int(x.headers.get("content-length", 1 << 20)) > 300_000 and first_time(x, "dropped-upload"):
        for number, _ in enumerate(x.pieces()):
            if number == 4:
                break
        return Reply(500, cut=-1)
    return answer()


@fault
def lost_upload(x, answer):
    """An upload is not known any more when its PATCH comes, at first: behind a load balancer."""
    if x.method == "PATCH" and first_time(x, "lost-upload"):
        x.registry.sessions.pop(x.ref, None)
    return answer()


@fault
def lost_answer(x, answer):
    """What a PUT asks for is done, but the connection breaks before the answer, at first."""
    reply = answer()
    if x.method == "PUT" and first_time(x, "lost-answer", *step(x)):
        reply.cut = -1
    return reply


# Manifests and tags.


@fault
def no_location_on_manifest(x, answer):
    """PUT of a manifest has no Location (ECR; apple/swift-container-plugin#27)."""
    reply = answer()
    if x.kind == "manifest":
        reply.headers.pop("Location", None)
    return reply


def immutable(status):
    def refuse(x, answer):
        if x.kind == "manifest" and x.method == "PUT" and x.ref in x.registry.repos[x.repo].tags:
            return error(status, "TAG_INVALID", f"The image tag '{x.ref}' already exists and cannot be overwritten because the tag is immutable.")
        return answer()
    return refuse


for number in (400, 409, 412):
    row(f"immutable-tags-{number}", f"PUT of a tag that is there is answered {number}, even with the same manifest "
        "(aws/containers-roadmap#2179).", immutable(number))


@fault
def blob_unknown(x, answer):
    """Manifests are refused, as a blob that was there is gone: garbage collection."""
    if x.kind == "manifest" and x.method == "PUT":
        return error(404, "MANIFEST_BLOB_UNKNOWN", "manifest references an unknown blob")
    return answer()


@fault
def no_digest_header(x, answer):
    """No reply has Docker-Content-Digest (regclient/regclient#801)."""
    reply = answer()
    reply.headers.pop("Docker-Content-Digest", None)
    return reply


@fault
def no_referrers(x, answer):
    """There is no referrers API and no OCI-Subject (GitLab; oras-project/oras-go#1396)."""
    if x.kind == "referrers":
        return error(404, "NOT_FOUND", "not found")
    reply = answer()
    reply.headers.pop("OCI-Subject", None)
    return reply


@fault
def no_docker_subject(x, answer):
    """A manifest of docker's type with a subject is refused (distribution/distribution#4928)."""
    if x.kind == "manifest" and x.method == "PUT" and "docker" in x.headers.get("content-type", "") and "subject" in json.loads(x.body):
        return error(400, "MANIFEST_INVALID", "subject in a docker manifest")
    return answer()


@fault
def lying_digest_header(x, answer):
    """Docker-Content-Digest of a manifest is not that of its bytes."""
    reply = answer()
    if x.kind == "manifest" and not x.is_push() and reply.status == 200:
        reply.headers["Docker-Content-Digest"] = sha256(b"a lie")
    return reply


@fault
def other_manifest(x, answer):
    """The manifest has other bytes than its digest says."""
    reply = answer()
    if x.kind == "manifest" and x.method == "GET" and reply.status == 200:
        reply.body += b" "
    return reply


@fault
def html_manifest(x, answer):
    """A portal answers in place of the registry."""
    if x.kind == "manifest" and not x.is_push():
        return Reply(200, {"Content-Type": "text/html"}, b"<html><body>Please log in</body></html>")
    return answer()


@fault
def huge_manifest(x, answer):
    """The manifest has 100 MB."""
    reply = answer()
    if x.kind == "manifest" and x.method == "GET" and reply.status == 200:
        reply.body = reply.body[:-1] + b" " * (100 * MIB) + b"}"
        reply.headers["Docker-Content-Digest"] = sha256(reply.body)
    return reply


@fault
def huge_header(x, answer):
    """A header of a manifest's reply has 8 MB."""
    reply = answer()
    if x.kind == "manifest":
        reply.headers["X-Big"] = "x" * (8 * MIB)
    return reply


# Blobs.


@fault
def redirect_other_host(x, answer):
    """Blobs are on another host, which refuses requests with Authorization (open-policy-agent/opa#6580, moby/moby#50065)."""
    if is_blob(x):
        return Reply(307, {"Location": x.registry.peer(faults=[refuse_authorization]) + x.path})
    return answer()


@fault
def redirect_other_port(x, answer):
    """As redirect-other-host, but the host has the same name and another port."""
    if is_blob(x):
        return Reply(302, {"Location": x.registry.peer(name="127.0.0.1", faults=[refuse_authorization]) + x.path})
    return answer()


@fault
def refuse_authorization(x, answer):
    """A request with Authorization is refused, as S3 does where the address is signed."""
    return error(400, "InvalidArgument", "Only one auth mechanism allowed") if "authorization" in x.headers else answer()


@fault
def redirect_challenges(x, answer):
    """Blobs are on another registry, which wants an anonymous token of its own (containerd/containerd#5503)."""
    if is_blob(x):
        return Reply(307, {"Location": x.registry.peer(auth="bearer", anonymous=True) + x.path})
    return answer()


@fault
def redirect_relative(x, answer):
    """Blobs are redirected by a relative Location."""
    return Reply(307, {"Location": f"../blobs/{x.ref}?again=1"}) if is_blob(x) and not x.query else answer()


@fault
def redirect_loop(x, answer):
    """Blobs are redirected in a circle."""
    return Reply(307, {"Location": f"{x.path}?n={x.nth('loop') % 7}"}) if is_blob(x) else answer()


@fault
def redirect_nowhere(x, answer):
    """A redirect has no Location."""
    return Reply(307) if is_blob(x) else answer()


def labelled(coding):
    def label(x, answer):
        reply = answer()
        if is_blob(x):
            reply.headers["Content-Encoding"] = coding
        return reply
    return label


row("content-encoding-gzip", "Blobs say Content-Encoding: gzip, for what they are.", labelled("gzip"))
row("content-encoding-x-gzip", "Blobs say Content-Encoding: x-gzip, for what they are (moby/moby#17595).", labelled("x-gzip"))


def broken(change, always=False):
    """A fault of large blobs: the first answer for each, or all."""
    def spoil(x, answer):
        reply = answer()
        if is_blob(x) and len(reply.body) > 1000 and (always or first_time(x, "broken", x.ref)):
            change(reply)
        return reply
    return spoil


def half(reply):
    reply.cut = len(reply.body) // 2


def stall(reply):
    half(reply)
    reply.stall = 200


def flip(reply):
    middle = len(reply.body) // 2
    reply.body = reply.body[:middle] + bytes([reply.body[middle] ^ 1]) + reply.body[middle + 1:]


def endless(reply):
    reply.endless = True


row("dropped-blob", "The connection breaks in the middle of a blob.", broken(half))
row("dropped-blob-always", "The connection always breaks when half of what was asked for has come.", broken(half, always=True))
row("stalled-blob", "Nothing comes after the first half of a blob.", broken(stall))
row("stalled-blob-always", "Nothing comes after half of what was asked for, ever.", broken(stall, always=True))
row("wrong-bytes", "A bit of each blob is wrong.", broken(flip, always=True))
row("wrong-bytes-once", "A bit of each blob is wrong in the first answer.", broken(flip))
row("endless-body", "Blobs do not end.", broken(endless, always=True))


def damaged(change):
    """A fault of what is stored: ranges and lengths go by it."""
    def store(x, answer):
        blobs = x.registry.repos[x.repo].blobs
        if is_blob(x) and len(blobs.get(x.ref, b"")) > 1000 and first_time(x, "damaged", x.ref):
            blobs[x.ref] = change(blobs[x.ref])
        return answer()
    return store


row("short-body", "Blobs lack their last 7 bytes.", damaged(lambda data: data[:-7]))
row("long-body", "Blobs are longer than they should be.", damaged(lambda data: data + b"more"))


@fault
def no_range(x, answer):
    """Ranges are not known: the whole blob comes."""
    x.headers.pop("range", None)
    return answer()


@fault
def wrong_range(x, answer):
    """206 with another range than was asked for."""
    if x.headers.get("range"):
        x.headers["range"] = "bytes=0-"
    return answer()


# Anything.


def busy(applies, wait="1", always=False):
    def refuse(x, answer):
        if applies(x) and (always or first_time(x, "busy", *step(x))):
            return error(429, "TOOMANYREQUESTS", "slow down", {"Retry-After": wait() if callable(wait) else wait})
        return answer()
    return refuse


def in_a_second():
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))


row("busy-put", "PUT is answered 429 at first (containers/common#2494).", busy(lambda x: x.method == "PUT"))
row("busy-head", "HEAD is answered 429 at first (regclient/regclient#711).", busy(lambda x: x.method == "HEAD"))
row("busy-get", "GET is answered 429 at first.", busy(lambda x: x.method == "GET" and x.kind != "ping"))
row("busy-date", "GET of a manifest is answered 429 at first, with a date in Retry-After.",
    busy(lambda x: x.method == "GET" and x.kind == "manifest", in_a_second))
row("busy-always", "Manifests are always answered 429.", busy(lambda x: x.kind == "manifest", always=True))
row("busy-for-a-day", "Manifests are answered 429 and Retry-After: 86400.", busy(lambda x: x.kind == "manifest", "86400", always=True))


def errors(always):
    def fail(x, answer):
        if x.kind != "ping" and (always or first_time(x, "errors", *step(x))):
            return Reply((500, 502, 503, 504)[x.nth("status") % 4], {"Content-Type": "text/html"}, b"<html>oops</html>")
        return answer()
    return fail


row("errors", "Each request is answered 500, 502, 503 or 504 at first.", errors(False))
row("errors-always", "Each request is answered 500, 502, 503 or 504.", errors(True))


def silent(always):
    def hang_up(x, answer):
        return Reply(500, cut=-1) if always or first_time(x, "silent", *step(x)) else answer()
    return hang_up


row("no-answer", "The connection is closed before any answer, at first.", silent(False))
row("no-answer-always", "The connection is closed before any answer.", silent(True))


# Tokens.


@fault
def expired_token_400(x, answer):
    """A token that has ended is answered 400 without a challenge (ECR Public; aws/containers-roadmap#2835)."""
    reply = answer()
    if reply.status == 401 and x.headers.get("authorization", "").startswith("Bearer"):
        return error(400, "DENIED", "Your Authorization Token is invalid.")
    return reply


for number in (401, 404, 405):
    row(f"token-post-{number}", f"POST of the token endpoint is answered {number}; GET works (containerd/containerd#2169).",
        lambda x, answer, status=number: error(status, "UNSUPPORTED", "no") if x.kind == "token" and x.method == "POST" else answer())

for name, garbage in (("garbage-token", b"<html>welcome</html>"), ("empty-token", b"{}"), ("number-token", b'{"token": 7}')):
    row(name, f"The token endpoint answers {garbage.decode()}.",
        lambda x, answer, body=garbage: Reply(200, {}, body) if x.kind == "token" else answer())


@fault
def line_break_in_token(x, answer):
    """A token has a line break in it, which would be another header."""
    return Reply(200, {}, json.dumps({"token": "a\r\nX-Injected: 1"}).encode()) if x.kind == "token" else answer()


@fault
def odd_challenge(x, answer):
    """There are several challenges in one header, one of them unknown, in odd case and with spaces."""
    reply = answer()
    if challenge := reply.headers.get("WWW-Authenticate"):
        reply.headers["WWW-Authenticate"] = 'Negotiate, ' + challenge.replace("Bearer", "bearer").replace("Basic", "BASIC").replace(",", " , ")
    return reply


# The command line and the self-test.


class Client:
    """A plain client for the self-test: no retries, no redirects."""

    def __init__(self, names, **options):
        self.registry = Registry([FAULTS[name] for name in names], **options)
        self.blob = bytes(range(256)) * 40
        self.digest = sha256(self.blob)
        repo = self.registry.repos["lib/app"]
        repo.blobs[self.digest] = self.blob
        repo.manifests[sha256(b"{}")] = (honest.OCI_MANIFEST, b"{}")
        repo.tags["v1"] = sha256(b"{}")

    def __call__(self, method, path, body=None, **headers):
        """Status, headers and body; a broken connection is status 0."""
        url = urllib.parse.urlsplit(path)
        connection = http.client.HTTPConnection(url.netloc or f"127.0.0.1:{self.registry.port}", timeout=2)
        try:
            connection.request(method, url._replace(scheme="", netloc="").geturl(), body, {"Accept": TYPES, **headers})
            reply = connection.getresponse()
            data = reply.read(300 * MIB)
            whole = method == "HEAD" or len(data) == int(reply.headers.get("Content-Length", len(data)))
            return reply.status if whole else 0, reply.headers, data
        except (OSError, http.client.HTTPException) as broken_by:
            return 0, {}, getattr(broken_by, "partial", b"")
        finally:
            connection.close()

    def get(self, **headers):
        return self("GET", f"/v2/lib/app/blobs/{self.digest}", **headers)

    def manifest(self, method="GET", body=None, tag="v1"):
        return self(method, f"/v2/lib/app/manifests/{tag}", body, **{"Content-Type": honest.OCI_MANIFEST})

    def upload(self, *chunks, digest=None, **headers):
        """POST, a PATCH for each chunk, PUT: the replies. Relative Locations are resolved against the path of the POST."""
        base, replies = "/v2/lib/app/blobs/uploads/", []
        for method, body in [("POST", b""), *(("PATCH", chunk) for chunk in chunks), ("PUT", b"")]:
            if method == "PUT":
                base += ("&" if "?" in base else "?") + f"digest={digest or sha256(b''.join(chunks))}"
            replies.append(self(method, base, body, **headers))
            if replies[-1][0] == 307:
                base = urllib.parse.urljoin(base, replies[-1][1]["Location"])
                replies[-1] = self(method, base, body, **headers)
            base = urllib.parse.urljoin(base, replies[-1][1].get("Location", ""))
        return replies


def statuses(replies):
    return [status for status, _, _ in replies]


def twice(ask, first, then):
    """The first answer has one status, the second another."""
    return ask()[0] == first and ask()[0] == then


BIG = bytes(CHUNK + 1)
MOUNT = f"/v2/new/blobs/uploads/?mount={Client([]).digest}&from=lib/app"
LOGIN = b"grant_type=password&username=alice&password=wonder"
TOKEN = dict(auth="bearer", anonymous=True, token_uses=1)


def with_token(c):
    token = json.loads(c("GET", "/token?scope=repository:lib/app:pull")[2])["token"]
    return [c.get(Authorization=f"Bearer {token}") for _ in range(2)]


# What must be seen of each fault: a function of a client, or of a client and the options of its registry.
CHECKS = {
    "stale-range": lambda c: [(s, h.get("Range")) for s, h, _ in c.upload(b"one", b"two")[1:3]] == [(201, "0-2")] * 2,
    "location-outside-v2": lambda c: "/artifacts-uploads/lib/app/uploads/" in c.upload(b"x")[0][1]["Location"] and c.upload(b"x")[2][0] == 201,
    "relative-location": lambda c: c.upload(b"x")[0][1]["Location"].startswith("/v2/") and c.upload(b"x")[2][0] == 201,
    "upload-redirect": lambda c: c("POST", "/v2/a/blobs/uploads/")[0] == 307 and statuses(c.upload(b"x")) == [202, 202, 201],
    "upload-on-other-host": lambda c: "localhost" in c.upload(b"x")[0][1]["Location"] and len(c.registry.peers[0].log) > 0,
    "no-patch": lambda c: c.upload(b"x")[1][0] == 405,
    "chunk-limit-413": lambda c: c.upload(BIG)[1][0] == 413 and c.upload(BIG[1:])[1][0] == 202,
    "chunk-limit-413-early": lambda c: c.upload(BIG)[1][0] in (0, 413) and c.upload(BIG[1:])[1][0] == 202,
    "chunk-limit-416": lambda c: c.upload(BIG)[1][0] == 416 and c.upload(BIG[1:])[1][0] == 202,
    **{f"mount-{s}": lambda c, s=s: c("POST", MOUNT)[0] == s for s in (202, 401, 403, 404, 405)},
    "mount-only-referenced": lambda c: c("POST", MOUNT)[0] == 202,
    "denied-upload": lambda c: c.upload(b"x")[0][0] == 403,
    "dies-in-upload": lambda c: statuses(c.upload(BIG)) == [202, 0, 0] and c.get()[0] == 0,
    "dies-before-manifest": lambda c: c.upload(b"x")[2][0] == 201 and c.manifest("PUT", b"{}", sha256(b"{}"))[0] == 0 and c.get()[0] == 0,
    "dies-before-tag": lambda c: c.manifest("PUT", b"{}", sha256(b"{}"))[0] == 201 and c.manifest("PUT", b"{}")[0] == 0 and c.get()[0] == 0,
    "dropped-upload": lambda c: c.upload(BIG)[1][0] == 0 and statuses(c.upload(BIG)) == [202, 202, 201],
    "lost-upload": lambda c: c.upload(b"x")[1][0] == 404 and c.upload(b"x")[2][0] == 201,
    "lost-answer": lambda c: c.upload(b"x")[2][0] == 0 and c.upload(b"x")[2][0] == 201,
    "blob-unknown": lambda c: c.manifest("PUT", b"{}")[0] == 404,
    "no-location-on-manifest": lambda c: [r[0] for r in [c.manifest("PUT", b"{}")] if "Location" not in r[1]] == [201],
    **{f"immutable-tags-{s}": lambda c, s=s: c.manifest("PUT", b"{}")[0] == s and c.manifest("PUT", b"{}", "v2")[0] == 201 for s in (400, 409, 412)},
    "no-digest-header": lambda c: "Docker-Content-Digest" not in c.get()[1] and "Docker-Content-Digest" not in c.manifest("HEAD")[1],
    "no-referrers": lambda c: c("GET", f"/v2/lib/app/referrers/{c.digest}")[0] == 404
    and "OCI-Subject" not in c.manifest("PUT", b'{"subject": {"digest": "sha256:1"}}')[1],
    "no-docker-subject": lambda c: c("PUT", "/v2/a/manifests/b", b'{"subject": {}}', **{"Content-Type": honest.DOCKER_MANIFEST})[0] == 400,
    "lying-digest-header": lambda c: c.manifest()[1]["Docker-Content-Digest"] != sha256(c.manifest()[2]),
    "other-manifest": lambda c: c.manifest()[2] == b"{} ",
    "html-manifest": lambda c: b"<html>" in c.manifest()[2],
    "huge-manifest": lambda c: len(c.manifest()[2]) > 100 * MIB,
    "huge-header": lambda c: c.manifest()[0] == 0,
    "redirect-other-host": lambda c: "localhost" in c.get()[1]["Location"] and c("GET", c.get()[1]["Location"])[0] == 200
    and c("GET", c.get()[1]["Location"], Authorization="Basic x")[0] == 400,
    "redirect-other-port": lambda c: c("GET", c.get()[1]["Location"])[0] == 200 and "127.0.0.1" in c.get()[1]["Location"],
    "refuse-authorization": lambda c: c.get()[0] == 200 and c.get(Authorization="Basic x")[0] == 400,
    "redirect-challenges": lambda c: c("GET", c.get()[1]["Location"])[0] == 401,
    "redirect-relative": lambda c: c("GET", "/v2/lib/app/" + c.get()[1]["Location"][3:])[0] == 200,
    "redirect-loop": lambda c: c("GET", c.get()[1]["Location"])[0] == 307,
    "redirect-nowhere": lambda c: c.get()[0] == 307,
    "content-encoding-gzip": lambda c: c.get()[1]["Content-Encoding"] == "gzip" and c.get()[2] == c.blob,
    "content-encoding-x-gzip": lambda c: c.get()[1]["Content-Encoding"] == "x-gzip",
    "dropped-blob": lambda c: c.get()[::2] == (0, c.blob[:len(c.blob) // 2]) and c.get(Range="bytes=9-")[::2] == (206, c.blob[9:]),
    "dropped-blob-always": lambda c: twice(c.get, 0, 0),
    "stalled-blob": lambda c: twice(c.get, 0, 200),
    "stalled-blob-always": lambda c: twice(c.get, 0, 0),
    "wrong-bytes": lambda c: c.get()[2] != c.blob and len(c.get()[2]) == len(c.blob),
    "wrong-bytes-once": lambda c: c.get()[2] != c.blob and c.get()[2] == c.blob,
    "short-body": lambda c: c.get()[2] == c.blob[:-7],
    "long-body": lambda c: c.get()[2] == c.blob + b"more",
    "endless-body": lambda c: len(c.get()[2]) == 300 * MIB,
    "no-range": lambda c: c.get(Range="bytes=9-")[::2] == (200, c.blob),
    "wrong-range": lambda c: c.get(Range="bytes=9-")[::2] == (206, c.blob),
    "busy-put": lambda c: twice(lambda: c.manifest("PUT", b"{}"), 429, 201),
    "busy-head": lambda c: twice(lambda: c.manifest("HEAD"), 429, 200),
    "busy-get": lambda c: twice(c.get, 429, 200),
    "busy-date": lambda c: "GMT" in c.manifest()[1]["Retry-After"] and c.manifest()[0] == 200,
    "busy-always": lambda c: twice(c.manifest, 429, 429),
    "busy-for-a-day": lambda c: c.manifest()[1]["Retry-After"] == "86400",
    "errors": lambda c: c.get()[0] >= 500 and c.get()[0] == 200,
    "errors-always": lambda c: c.get()[0] >= 500 and c.get()[0] >= 500,
    "no-answer": lambda c: twice(c.get, 0, 200),
    "no-answer-always": lambda c: twice(c.get, 0, 0),
    "expired-token-400": (lambda c: statuses(with_token(c)) == [200, 400], TOKEN),
    **{f"token-post-{s}": (lambda c, s=s: c("POST", "/token", LOGIN)[0] == s and c("GET", "/token")[0] == 200, TOKEN) for s in (401, 404, 405)},
    "garbage-token": (lambda c: b"<html>" in c("GET", "/token")[2], TOKEN),
    "empty-token": (lambda c: c("GET", "/token")[2] == b"{}", TOKEN),
    "number-token": (lambda c: json.loads(c("GET", "/token")[2]) == {"token": 7}, TOKEN),
    "line-break-in-token": (lambda c: "\r\n" in json.loads(c("GET", "/token")[2])["token"], TOKEN),
    "odd-challenge": (lambda c: c.get()[1]["WWW-Authenticate"].startswith("Negotiate, bearer realm="), TOKEN),
}

# The honest registry: what is seen without any fault.
HONEST = {
    "upload": lambda c: statuses(c.upload(b"one", b"two")) == [202, 202, 202, 201],
    "wrong digest": lambda c: c.upload(b"x", digest=sha256(b"y"))[2][0] == 400,
    "old Location": lambda c: [c("PATCH", c.upload()[0][1]["Location"], b"x")[0] for _ in "x"] == [404],
    "manifest without its blobs": lambda c: c.manifest("PUT", b'{"config": {"digest": "sha256:1"}, "layers": []}', "v2")[0] == 404,
    "mount": lambda c: c("POST", MOUNT)[0] == 201 and c("POST", MOUNT.replace("lib/app", "none"))[0] == 202,
    "range": lambda c: c.get(Range="bytes=9-10")[::2] == (206, c.blob[9:11]) and c.get(Range="bytes=99999-")[0] == 416,
    "token": (lambda c: c.get()[0] == 401 and statuses(with_token(c)) == [200, 401], TOKEN),
    "no token for a push": (lambda c: c.upload(Authorization=f"Bearer {json.loads(c('GET', '/token?scope=repository:lib/app:push')[2])['token']}")
                            [0][0] == 401, TOKEN),
    "basic": (lambda c: c.get()[0] == 401 and c.get(Authorization="Basic YWxpY2U6d29uZGVy")[0] == 200, dict(auth="basic")),
    "referrers": lambda c: c.manifest("PUT", b'{"subject": {"digest": "sha256:1"}}')[1]["OCI-Subject"] == "sha256:1"
    and len(json.loads(c("GET", "/v2/lib/app/referrers/sha256:1")[2])["manifests"]) == 1,
}


def selftest():
    failed = [f"{name}: no check" for name in FAULTS.keys() - CHECKS.keys()]
    for name, check in [*((name, check) for name, check in CHECKS.items()), *((f"honest: {name}", check) for name, check in HONEST.items())]:
        check, options = check if isinstance(check, tuple) else (check, {})
        client = Client([] if name.startswith("honest") else [name], **options)
        with client.registry:
            try:
                seen = check(client)
            except Exception as problem:  # A check that cannot be made has failed as well.
                seen = f"{type(problem).__name__}: {problem}"
        if seen is not True:
            failed.append(f"{name}: {seen}")
        # Without the fault the same must not be seen: else the check tests nothing.
        client = Client([], **options)
        with client.registry:
            try:
                harmless = not name.startswith("honest") and check(client) is True
            except Exception:
                harmless = False
        if harmless:
            failed.append(f"{name}: seen without the fault, too")
    print("\n".join(failed) or f"{len(CHECKS)} faults and {len(HONEST)} habits of an honest registry are as they say")
    return 1 if failed else 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--tls", action="store_true")
    options.add_argument("--auth", choices=["basic", "bearer"])
    options.add_argument("--token-uses", type=int)
    options.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS))
    options.add_argument("--list", action="store_true")
    options.add_argument("--selftest", action="store_true")
    args = options.parse_args()
    if args.list:
        print("\n".join(f"{name:24} {function.__doc__}" for name, function in FAULTS.items()))
        return 0
    if args.selftest:
        return selftest()
    server = Registry([FAULTS[name] for name in args.fault], port=args.port, tls=args.tls, auth=args.auth, token_uses=args.token_uses)
    print(f"{server.url}  {'CA: ' + str(honest.certificates()[0]) if args.tls else ''}", flush=True)
    shown = 0
    while True:
        time.sleep(0.1)
        while shown < len(server.log) and server.log[shown].status:
            print(server.log[shown], flush=True)
            shown += 1


if __name__ == "__main__":
    sys.exit(main())
