#!/usr/bin/env python3
"""Streams a docker-archive of a given size to disk, to measure slim's memory on an image larger than that.

    benches/make_big.py OUT [GB]

The layers have small and huge files, half of the bytes compressible and half not, and files that the rules drop,
overwrite and white out. The same arguments give the same bytes.
"""

import hashlib
import json
import os
import random
import sys
import tarfile

LAYERS = 6
BLOCK = 1 << 20
POOL = random.Random(1).randbytes(64 * BLOCK + 1)
TEXT = b"".join(b"%08d the quick brown fox jumps over the lazy dog\n" % i for i in range(BLOCK // 53 + 1))[:BLOCK]
OS_RELEASE = b'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'


def header(name, size=0, kind=tarfile.REGTYPE):
    """A tar header; times and owners are the same everywhere."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, size, 1_700_000_000
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(size):
    return (size + 511) // 512 * 512


def members(layer, size):
    """The (name, size, kind of content) of a layer of about `size` bytes. The huge file takes half of it."""
    yield "etc/os-release", len(OS_RELEASE), "os-release"
    if layer:
        yield f"srv/{layer - 1}/.wh.huge.bin", 0, "text"
        yield f"srv/{layer - 1}/0/1.txt", 100_000, "text"
    yield f"srv/{layer}/huge.bin", size // 2, "noise"
    left, i = size // 2, 0
    while left > 0:
        # From 1 KB to half a MB.
        length = min(left, 1000 << (i * 7 % 10))
        folder = ["srv/{}/{}", "usr/share/doc/p{}/{}", "usr/lib/python3/dist-packages/p{}/tests/{}"][i % 9 // 7 + i % 11 // 10]
        yield f"{folder.format(layer, i // 1000)}/{i}.txt", length, "text"
        left, i = left - length, i + 1


def content(kind, size, seed):
    """The bytes of a file, block by block."""
    if kind == "os-release":
        yield OS_RELEASE
        return
    for at in range(0, size, BLOCK):
        length = min(BLOCK, size - at)
        if kind == "text":
            yield TEXT[:length]
        else:
            # No window of a compressor reaches back to where the pool repeats.
            begin = (at + seed * 7919) % (64 * BLOCK - BLOCK)
            yield POOL[begin : begin + length]


def layer_size(layer, size):
    return sum(512 + padded(length) for _, length, _ in members(layer, size)) + 1024


def write_layer(out, layer, size):
    """Writes a layer's tar stream and returns its digest."""
    digest = hashlib.sha256()

    def put(data):
        digest.update(data)
        out.write(data)

    for seed, (name, length, kind) in enumerate(members(layer, size)):
        put(header(name, length))
        for block in content(kind, length, seed + layer):
            put(block)
        put(bytes(padded(length) - length))
    put(bytes(1024))
    return "sha256:" + digest.hexdigest()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    path, total = sys.argv[1], int(float(sys.argv[2] if len(sys.argv) > 2 else 10) * 1e9)
    folder = os.path.dirname(os.path.abspath(path))
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < total * 1.05:
        sys.exit(f"error: {folder} has no room for {total} bytes")
    with open(path + ".tmp", "wb", buffering=BLOCK) as out:

        def put(name, data):
            out.write(header(name, len(data)) + data + bytes(padded(len(data)) - len(data)))

        diff_ids, names = [], []
        for layer in range(LAYERS):
            size = total // LAYERS
            length = layer_size(layer, size)
            names.append(f"layer{layer}/layer.tar")
            out.write(header(names[-1], length))
            diff_ids.append(write_layer(out, layer, size))
            out.write(bytes(padded(length) - length))
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/bin/sh"]},
            "created": "2024-01-01T00:00:00Z",
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"COPY layer{i} /"} for i in range(LAYERS)],
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        config = json.dumps(config).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        put(name, config)
        put("manifest.json", json.dumps([{"Config": name, "RepoTags": ["slim-bench:big"], "Layers": names}]).encode())
        out.write(bytes(1024))
    os.rename(path + ".tmp", path)


if __name__ == "__main__":
    main()
