"""An in-memory registry of the OCI distribution spec 1.1, as a server for tests.

It is strict where real ones are: an upload goes on only at its newest Location, a manifest is taken only if its blobs are there, a
token is good for its scopes alone. What each request was is in `Registry.log`. Habits and faults are functions round the honest answer
(faulty.py): they get the request and a function that gives the honest reply.
"""

import base64
import collections
import dataclasses
import functools
import hashlib
import http.server
import json
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

# `/elsewhere` and `/artifacts-uploads` are there for redirects and Locations that some registries give.
ROUTES = [
    ("ping", r"/v2/?"),
    ("token", r"/token"),
    ("uploads", r"(?:/elsewhere)?/v2/(.+)/blobs/uploads/"),
    ("upload", r"(?:/elsewhere)?/v2/(.+)/blobs/uploads/([^/]+)"),
    ("upload", r"/artifacts-uploads/(.+)/uploads/([^/]+)"),
    ("blob", r"/v2/(.+)/blobs/([^/]+)"),
    ("manifest", r"/v2/(.+)/manifests/([^/]+)"),
    ("referrers", r"/v2/(.+)/referrers/([^/]+)"),
    ("tags", r"/v2/(.+)/tags/list"),
]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""
    cut: int = None  # The connection breaks after this many bytes of the body; -1: before the headers.
    stall: float = 0  # With `cut`: nothing more comes for this many seconds before it breaks.
    endless: bool = False  # Zeros follow the body until the client hangs up; a GiB at most, as tests have to end.
    early: bool = False  # It is sent before the body of the request is read; the connection is closed after it.


def error(status, code, message, headers=None):
    document = {"errors": [{"code": code, "message": message, "detail": None}]}
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(document).encode())


class Request:
    """A request, and what became of it once it is in the log."""

    def __init__(self, registry, handler):
        url = urllib.parse.urlsplit(handler.path)
        self.registry, self.handler, self.method, self.path = registry, handler, handler.command, url.path
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.scopes = [scope for key, value in urllib.parse.parse_qsl(url.query) if key == "scope" for scope in value.split()]
        self.headers = {name.lower(): ", ".join(handler.headers.get_all(name)) for name in handler.headers.keys()}
        self.host, self.read = self.headers.get("host", ""), None
        self.time, self.status, self.sent, self.got, self.kind, self.repo, self.ref = time.monotonic(), 0, 0, 0, "other", "", ""
        for kind, pattern in ROUTES:
            if match := re.fullmatch(pattern, url.path):
                self.kind, (self.repo, self.ref) = kind, (match.groups() + ("", ""))[:2]
                break

    def pieces(self):
        """The body as it comes in."""
        stream = self.handler.rfile
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(stream.readline().split(b";")[0] or b"0", 16):
                yield stream.read(size)
                stream.readline()
            while stream.readline() not in (b"\r\n", b""):
                pass
        else:
            left = int(self.headers.get("content-length", 0))
            while left > 0 and (piece := stream.read(min(left, 1 << 16))):
                left -= len(piece)
                yield piece

    @property
    def body(self):
        # Not functools.cached_property: before Python 3.12 it has one lock for all requests.
        if self.read is None:
            self.read = bytearray()
            for piece in self.pieces():
                self.read += piece
                self.sent = len(self.read)
        return bytes(self.read)

    def base(self):
        """The address of the registry as the client calls it."""
        return f"{'https' if self.registry.tls else 'http'}://{self.host}"

    def is_push(self):
        return self.method not in ("GET", "HEAD")

    def is_mount(self):
        return self.kind == "uploads" and self.method == "POST" and "mount" in self.query

    def nth(self, *key):
        """How often the registry has been asked this with this key, this time included."""
        with self.registry.lock:
            self.registry.counts[key] += 1
            return self.registry.counts[key]

    def __str__(self):
        query = "?" + urllib.parse.urlencode(self.query) if self.query else ""
        return f"{self.method} {self.path}{query} {self.status} sent={self.sent}"


class Repo:
    def __init__(self):
        self.blobs, self.manifests, self.tags = {}, {}, {}

    def find(self, ref):
        """The digest, media type and bytes of a manifest by its tag or digest."""
        digest = self.tags.get(ref, ref)
        return (digest, *self.manifests[digest]) if digest in self.manifests else None


class Registry:
    """A server on a port of its own; a context manager that stops it at the end.

    `auth` is None, "basic" or "bearer". A token is good for `token_uses` requests if that is set, the first
    `short_tokens` of them alone if that is set as well. `anonymous` lets anybody pull.
    """

    def __init__(self, faults=(), *, host="127.0.0.1", port=0, tls=False, auth=None, user="alice", password="wonder", identity=None,
                 token_uses=None, short_tokens=None, anonymous=False, repos=None):
        self.faults, self.tls, self.auth, self.user, self.password = list(faults), tls, auth, user, password
        self.identity, self.token_uses, self.short_tokens, self.anonymous = identity, token_uses, short_tokens, anonymous
        self.repos = collections.defaultdict(Repo) if repos is None else repos
        self.sessions, self.tokens, self.memory, self.counts, self.log, self.dead = {}, {}, {}, collections.Counter(), [], False
        self.lock, self.closed, self.peers = threading.Lock(), threading.Event(), []
        self.server = Server((host, port), self)
        self.port = self.server.server_address[1]
        self.host = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for registry in [*self.peers, self]:
            registry.dead = True
            registry.closed.set()
            registry.server.shutdown()
            registry.server.server_close()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def peer(self, name="localhost", **options):
        """The address of another server with the same contents; it is started once and stops with this one."""
        with self.lock:
            if not self.peers:
                self.peers.append(Registry(repos=self.repos, tls=self.tls, **options))
        return self.peers[0].url.replace("127.0.0.1", name)

    # What tests ask.

    def find(self, **wanted):
        """The requests of the log with these values."""
        return [x for x in list(self.log) if all(getattr(x, key) == value for key, value in wanted.items())]

    def sent(self):
        """The bytes of bodies that clients sent, those of manifests too."""
        return sum(x.sent for x in list(self.log))

    def add(self, name, tag, image):
        """Puts an image (images.Image) in by hand."""
        repo = self.repos[name]
        repo.blobs.update(image.blobs)
        repo.manifests.update(image.manifests)
        if tag:
            repo.tags[tag] = image.digest

    # The honest registry.

    def reply(self, x):
        answer = functools.partial(self.honest, x)
        for fault in self.faults:
            answer = functools.partial(fault, x, answer)
        return answer()

    def honest(self, x):
        if x.kind == "token":
            return self.token(x)
        if refused := self.refused(x):
            return refused
        handler = getattr(self, f"on_{x.kind}", None)
        return handler(x, self.repos[x.repo]) if handler else error(404, "UNSUPPORTED", "no such place")

    def refused(self, x):
        """The challenge, unless the request may do what it wants to."""
        kind, _, secret = x.headers.get("authorization", "").partition(" ")
        action = "push" if x.is_push() else "pull"
        if self.auth is None or (self.auth == "basic" and kind == "Basic" and self.knows(secret)):
            return None
        if self.auth == "basic":
            challenge = 'Basic realm="faulty"'
        else:
            with self.lock:
                token = self.tokens.get(secret) if kind == "Bearer" else None
                # The uses count down on any request, as time would.
                if token and token["uses"] != 0 and (x.kind == "ping" or (x.repo, action) in token["may"]):
                    token["uses"] -= 1
                    return None
            scope = f',scope="repository:{x.repo}:{"pull,push" if action == "push" else "pull"}"' if x.repo else ""
            challenge = f'Bearer realm="{x.base()}/token",service="faulty"{scope}'
        return error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})

    def knows(self, secret):
        return base64.b64decode(secret + "==", validate=False).decode(errors="replace") == f"{self.user}:{self.password}"

    def token(self, x):
        form, scopes, known, given = {}, x.scopes, False, False
        if x.method == "POST":
            form = dict(urllib.parse.parse_qsl(x.body.decode()))
            scopes, given = form.get("scope", "").split(), True
            if form.get("grant_type") == "refresh_token":
                known = self.identity is not None and form.get("refresh_token") == self.identity
            elif form.get("grant_type") == "password":
                known = (form.get("username"), form.get("password")) == (self.user, self.password)
        else:
            kind, _, secret = x.headers.get("authorization", "").partition(" ")
            given = bool(kind)
            known = kind == "Basic" and self.knows(secret)
        if not known and (given or not self.anonymous):
            return error(401, "UNAUTHORIZED", "incorrect username or password")
        may = set()
        for scope in scopes:
            kind, name, actions = scope.split(":")[0], scope.partition(":")[2].rpartition(":")[0], scope.rpartition(":")[2].split(",")
            may |= {(name, action) for action in actions if kind == "repository" and (known or action == "pull")}
        token = uuid.uuid4().hex
        with self.lock:
            short = self.token_uses and (self.short_tokens is None or len(self.tokens) < self.short_tokens)
            self.tokens[token] = {"may": may, "uses": self.token_uses if short else -1}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps({"token": token, "access_token": token, "expires_in": 300}).encode())

    def on_ping(self, x, repo):
        return Reply(200, {"Docker-Distribution-Api-Version": "registry/2.0"})

    def on_blob(self, x, repo):
        data = repo.blobs.get(x.ref)
        if x.is_push():
            return error(405, "UNSUPPORTED", "not allowed")
        if data is None:
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": x.ref, "Accept-Ranges": "bytes"}
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", x.headers.get("range", "")):
            start, end = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1)
            if start > end:
                return Reply(416, {"Content-Range": f"bytes */{len(data)}"})
            return Reply(206, {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}, data[start:end + 1])
        return Reply(200, headers, data)

    def on_uploads(self, x, repo):
        if x.method != "POST":
            return error(405, "UNSUPPORTED", "not allowed")
        mount, source = x.query.get("mount"), x.query.get("from", x.repo)
        if mount and mount in self.repos[source].blobs and self.may_pull(x, source):
            repo.blobs[mount] = self.repos[source].blobs[mount]
            return Reply(201, {"Location": f"/v2/{x.repo}/blobs/{mount}", "Docker-Content-Digest": mount})
        upload = uuid.uuid4().hex
        self.sessions[upload] = bytearray(x.body)
        return self.finish(x, repo, upload) if "digest" in x.query else Reply(202, self.progress(x, upload))

    def may_pull(self, x, repo):
        token = self.tokens.get(x.headers.get("authorization", "").removeprefix("Bearer "))
        return self.auth != "bearer" or (repo, "pull") in token["may"]

    def progress(self, x, upload):
        # The state changes with every step, as docker-registry's does: an upload goes on at its newest Location alone.
        done = len(self.sessions[upload])
        location = f"{x.base()}/v2/{x.repo}/blobs/uploads/{upload}?state={done}"
        return {"Location": location, "Docker-Upload-UUID": upload, "Range": f"0-{max(done - 1, 0)}"}

    def on_upload(self, x, repo):
        session = self.sessions.get(x.ref)
        if session is None:
            return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if x.method == "GET":
            return Reply(204, self.progress(x, x.ref))
        if x.method == "DELETE":
            del self.sessions[x.ref]
            return Reply(204)
        if x.query.get("state") != str(len(session)):
            return error(400, "BLOB_UPLOAD_INVALID", "this Location is not the newest one")
        start = re.match(r"(?:bytes[ =])?(\d+)-", x.headers.get("content-range", ""))
        if start and int(start[1]) != len(session):
            return error(416, "BLOB_UPLOAD_INVALID", "the chunk is out of order", self.progress(x, x.ref))
        session += x.body
        return self.finish(x, repo, x.ref) if x.method == "PUT" else Reply(202, self.progress(x, x.ref))

    def finish(self, x, repo, upload):
        data, digest = bytes(self.sessions.pop(upload)), x.query.get("digest", "")
        if sha256(data) != digest:
            return error(400, "DIGEST_INVALID", f"provided digest {digest} did not match uploaded content")
        repo.blobs[digest] = data
        return Reply(201, {"Location": f"/v2/{x.repo}/blobs/{digest}", "Docker-Content-Digest": digest})

    def on_manifest(self, x, repo):
        if x.method == "PUT":
            return self.put_manifest(x, repo)
        if x.is_push():
            return error(405, "UNSUPPORTED", "not allowed")
        found = repo.find(x.ref)
        if not found:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        digest, media_type, data = found
        # Registries that convert for old clients give docker's first format to those that do not name the type.
        # As distribution does: `*/*` is no type for it.
        if media_type not in x.headers.get("accept", ""):
            return error(404, "MANIFEST_UNKNOWN", f"{media_type} found, but accept header does not support it")
        return Reply(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, data)

    def put_manifest(self, x, repo):
        digest, document = sha256(x.body), json.loads(x.body)
        if ":" in x.ref and x.ref != digest:
            return error(400, "DIGEST_INVALID", "the digest of the path is not that of the manifest")
        if document.get("mediaType", x.headers.get("content-type")) != x.headers.get("content-type"):
            return error(400, "MANIFEST_INVALID", "Content-Type and mediaType differ")
        for part in document.get("manifests", []):
            if part["digest"] not in repo.manifests:
                return error(404, "MANIFEST_UNKNOWN", f"manifest unknown: {part['digest']}")
        for part in [document["config"], *document["layers"]] if "layers" in document else []:
            if part["digest"] not in repo.blobs:
                return error(404, "MANIFEST_BLOB_UNKNOWN", f"blob unknown: {part['digest']}")
            if len(repo.blobs[part["digest"]]) != part["size"]:
                return error(400, "MANIFEST_INVALID", f"wrong size of {part['digest']}")
        repo.manifests[digest] = (x.headers.get("content-type", ""), x.body)
        if ":" not in x.ref:
            repo.tags[x.ref] = digest
        subject = {"OCI-Subject": document["subject"]["digest"]} if "subject" in document else {}
        return Reply(201, {"Location": f"/v2/{x.repo}/manifests/{digest}", "Docker-Content-Digest": digest, **subject})

    def on_referrers(self, x, repo):
        found = []
        for digest, (media_type, data) in repo.manifests.items():
            document = json.loads(data)
            if document.get("subject", {}).get("digest") == x.ref:
                kind = document.get("artifactType") or document.get("config", {}).get("mediaType")
                found.append({"mediaType": media_type, "digest": digest, "size": len(data), "artifactType": kind})
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}
        return Reply(200, {"Content-Type": OCI_INDEX}, json.dumps(document).encode())

    def on_tags(self, x, repo):
        return Reply(200, {"Content-Type": "application/json"}, json.dumps({"name": x.repo, "tags": sorted(repo.tags)}).encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, registry):
        self.registry = registry
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

    def verify_request(self, request, client_address):
        return not self.registry.dead

    def get_request(self):
        connection, address = super().get_request()
        if self.registry.tls:
            # The handshake is done by the thread of the connection: a client that stays silent does not block others.
            connection = tls_context().wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        pass  # A client that hangs up is no fault of the server.


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def do(self):
        registry = self.server.registry
        x = Request(registry, self)
        registry.log.append(x)
        reply = registry.reply(x)
        if not reply.early and reply.cut != -1:
            _ = x.body
        x.status, x.got = reply.status, len(reply.body) if self.command != "HEAD" else 0
        if registry.dead or reply.cut == -1:
            return self.hang_up()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not reply.endless and reply.status != 204:
            self.send_header("Content-Length", len(reply.body))
        if reply.endless or reply.early:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return None
        self.wfile.write(reply.body if reply.cut is None else reply.body[:reply.cut])
        if reply.cut is not None:
            registry.closed.wait(reply.stall)
            return self.hang_up()
        x.endless = 0
        while reply.endless and x.endless < 1 << 30:
            self.wfile.write(bytes(1 << 16))
            x.endless += 1 << 16
        return None

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def log_message(self, *_):
        pass


CERTIFICATES = threading.Lock()


def certificates():
    """The paths of a new CA's certificate and of a certificate and key for this machine."""
    with CERTIFICATES:
        folder = pathlib.Path(certificate_folder().name)
    return folder / "ca.crt", folder / "crt", folder / "key"


@functools.cache
def certificate_folder():
    folder = tempfile.TemporaryDirectory(prefix="slim-e2e-tls-")
    here = pathlib.Path(folder.name)
    # The server's certificate is not the CA's own: rustls takes no CA as a server.
    names = "DNS:localhost,DNS:registry.test,DNS:registry-1.docker.io,IP:127.0.0.1,IP:::1"
    (here / "names").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
    new = ["openssl", "req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    for command in (
        [*new, "-x509", "-days", "3", "-subj", "/CN=slim e2e CA", "-keyout", "ca.key", "-out", "ca.crt"],
        [*new, "-subj", "/CN=localhost", "-keyout", "key", "-out", "request"],
        ["openssl", "x509", "-req", "-days", "3", "-in", "request", "-CA", "ca.crt", "-CAkey", "ca.key", "-extfile", "names", "-out", "crt"],
    ):
        subprocess.run(command, cwd=here, check=True, capture_output=True)
    return folder


@functools.cache
def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates()[1:])
    return context
