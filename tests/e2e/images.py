"""Images made by Python alone, and what is in images that tools have made: trees, digests."""

import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import random
import tarfile

from registry import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, sha256

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
TYPES = {
    "oci": (OCI_MANIFEST, OCI_INDEX, "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
    "docker": (DOCKER_MANIFEST, DOCKER_LIST, "application/vnd.docker.container.image.v1+json",
               "application/vnd.docker.image.rootfs.diff.tar.gzip"),
}


def noise(seed, size):
    """Bytes that no compression makes smaller, the same in each run."""
    return random.Random(seed).randbytes(size)


# The layers of the sample: profile `caches` changes the second one alone. The first is larger than a chunk of 4 MiB.
BASE = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "usr/share/base.bin": noise("base", 6 << 20),
}
CACHES = {
    "var/lib/apt/lists/deb.debian.org_dists": noise("lists", 300_000),
    "var/cache/apt/archives/tool_1.deb": noise("deb", 1 << 20),
    "usr/lib/tool/kept.bin": noise("kept", 700_000),
}
APP = {
    "app/main.sh": b"#!/bin/sh\necho app\n",
    "app/data.bin": noise("app", 200_000),
}
GONE = {"var/lib/apt/lists/deb.debian.org_dists", "var/cache/apt/archives/tool_1.deb"}


@dataclasses.dataclass
class Image:
    """Blobs and manifests, as a registry has them, with the digest of the top manifest."""

    blobs: dict
    manifests: dict
    digest: str

    @property
    def manifest(self):
        return json.loads(self.manifests[self.digest][1])

    def platform(self, architecture):
        """The image of an index for an architecture."""
        for part in self.manifest["manifests"]:
            if part.get("platform", {}).get("architecture") == architecture:
                return Image(self.blobs, self.manifests, part["digest"])
        raise KeyError(architecture)

    def layers(self):
        return [part["digest"] for part in self.manifest["layers"]]

    def config(self):
        return json.loads(self.blobs[self.manifest["config"]["digest"]])

    def tree(self):
        """What a container sees: for each path its kind, mode and content."""
        tree = {}
        for digest in self.layers():
            unpack(tree, self.blobs[digest])
        return tree

    def wanted(self):
        """The digests of all that belongs to it."""
        document = self.manifest
        if "manifests" in document:
            return {self.digest}.union(*(Image(self.blobs, self.manifests, part["digest"]).wanted() for part in document["manifests"]))
        return {self.digest, document["config"]["digest"], *self.layers()}


def unpack(tree, blob):
    data = gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
    added = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            path = member.name.removeprefix("./").strip("/")
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                hide(tree, folder + "/")
            elif name.startswith(".wh."):
                gone = f"{folder}/{name[4:]}".lstrip("/")
                tree.pop(gone, None)
                hide(tree, gone + "/")
            elif path not in ("", "."):
                content = member.linkname if member.issym() or member.islnk() else ""
                content = hashlib.sha256(archive.extractfile(member).read()).hexdigest() if member.isfile() else content
                added[path] = (member.type.decode(), oct(member.mode & 0o7777), content)
    tree.update(added)


def hide(tree, prefix):
    for path in [path for path in tree if path.startswith(prefix)]:
        del tree[path]


def layer(files):
    """The tar of a layer: paths with bytes, or None for a directory. Parents are added."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        folders = {str(parent) for path in files for parent in pathlib.PurePosixPath(path).parents} - {"."}
        for path in sorted(folders | files.keys()):
            member = tarfile.TarInfo(path)
            member.mtime = 1_700_000_000
            content = files.get(path)
            member.type, member.mode, member.size = (tarfile.DIRTYPE, 0o755, 0) if content is None else (tarfile.REGTYPE, 0o755, len(content))
            archive.addfile(member, io.BytesIO(content or b""))
    return out.getvalue()


def build(layers=(BASE, CACHES, APP), *, kind="oci", architecture="amd64", change=lambda document: None):
    """An image of layers (path -> bytes). `change` may spoil the manifest before it gets its digest."""
    manifest_type, _, config_type, layer_type = TYPES[kind]
    tars = [layer(files) for files in layers]
    zipped = [gzip.compress(data, 1, mtime=0) for data in tars]
    config = json.dumps({
        "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
        "config": {"Cmd": ["/app/main.sh"], "Env": ["PATH=/usr/bin:/bin"], "Labels": {"maker": "e2e"}},
        "rootfs": {"type": "layers", "diff_ids": [sha256(data) for data in tars]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": f"COPY {n} /"} for n in range(len(tars))],
    }).encode()
    blobs = {sha256(data): data for data in [config, *zipped]}
    document = {
        "schemaVersion": 2, "mediaType": manifest_type,
        "config": {"mediaType": config_type, "digest": sha256(config), "size": len(config)},
        "layers": [{"mediaType": layer_type, "digest": sha256(data), "size": len(data)} for data in zipped],
    }
    change(document)
    data = json.dumps(document).encode()
    return Image(blobs, {sha256(data): (manifest_type, data)}, sha256(data))


def index(parts, kind="oci"):
    """An index of images for several architectures."""
    blobs, manifests, entries = {}, {}, []
    for image in parts:
        blobs.update(image.blobs)
        manifests.update(image.manifests)
        media_type, data = image.manifests[image.digest]
        platform = {"os": "linux", "architecture": image.config()["architecture"]}
        entries.append({"mediaType": media_type, "digest": image.digest, "size": len(data), "platform": platform})
    data = json.dumps({"schemaVersion": 2, "mediaType": TYPES[kind][1], "manifests": entries}).encode()
    return Image(blobs, {**manifests, sha256(data): (TYPES[kind][1], data)}, sha256(data))


def write_layout(image, folder, name="v1"):
    """An OCI layout of an image."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest, data in [*image.blobs.items(), *((digest, data) for digest, (_, data) in image.manifests.items())]:
        (blobs / digest.removeprefix("sha256:")).write_bytes(data)
    media_type, data = image.manifests[image.digest]
    entry = {"mediaType": media_type, "digest": image.digest, "size": len(data), "annotations": {"org.opencontainers.image.ref.name": name}}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}))
    return folder


def read_layout(folder):
    """The image of an OCI layout: a directory or a tar of one."""
    if folder.is_dir():
        def read(path):
            return (folder / path).read_bytes()
        names = [str(path.relative_to(folder)) for path in folder.glob("blobs/sha256/*")]
    else:
        archive = tarfile.open(folder)
        names = [name.removeprefix("./") for name in archive.getnames() if "blobs/sha256/" in name and not name.endswith("sha256/")]
        members = {member.name.removeprefix("./"): member for member in archive}

        def read(path):
            return archive.extractfile(members[path]).read()
    files = {"sha256:" + name.rpartition("/")[2]: read(name) for name in names}
    top = json.loads(read("index.json"))["manifests"][0]
    return from_blobs(files, top["digest"], top["mediaType"])


def from_blobs(files, digest, media_type):
    """An image by its top manifest; the rest are blobs."""
    manifests = {digest: (media_type, files[digest])}
    for part in json.loads(files[digest]).get("manifests", []):
        manifests.update(from_blobs(files, part["digest"], part["mediaType"]).manifests)
    return Image({name: data for name, data in files.items() if name not in manifests}, manifests, digest)


def of_registry(registry, name, tag):
    """The image that a tag of a registry (registry.Registry) names, or None."""
    repo = registry.repos[name]
    found = repo.find(tag)
    return Image(repo.blobs, repo.manifests, found[0]) if found else None
