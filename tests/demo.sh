#!/bin/sh
# Builds slim and runs the main job on a small image that is made on the spot: three layers with an apt cache, documentation,
# a wheel that a later layer deletes, and a Python package with tests. Needs Rust and the usual tools of Debian; no docker.
# usage: tests/demo.sh [DIRECTORY]   (default: a new one below /tmp; the image and its slim copy are left there)
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
dir=${1:-$(mktemp -d /tmp/slim-demo.XXXXXX)}
mkdir -p "$dir"
make_layer() { # NAME: the files below layers/NAME as a layer
    tar -C "$dir/layers/$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$dir/image/$1.tar" .
}
noise() { head -c "$1" /dev/zero | tr '\0' "$2"; }
mkdir -p "$dir/image"
one=$dir/layers/1 two=$dir/layers/2 three=$dir/layers/3
mkdir -p "$one/etc" "$one/bin" "$one/usr/share/doc/hello" "$one/var/lib/apt/lists" "$one/var/lib/dpkg" "$two/wheels"
mkdir -p "$three/usr/lib/python3/dist-packages/hello/tests"
printf 'ID=demo\n' >"$one/etc/os-release"
printf '#!/bin/sh\necho hello\n' >"$one/bin/hello" && chmod 755 "$one/bin/hello"
noise 2000000 d >"$one/usr/share/doc/hello/changelog" && echo free >"$one/usr/share/doc/hello/copyright"
noise 3000000 a >"$one/var/lib/apt/lists/deb.debian.org_main_Packages" && : >"$one/var/lib/dpkg/status"
noise 4000000 w >"$two/wheels/hello-1.0-py3-none-any.whl"
: >"$three/.wh.wheels"
python=$three/usr/lib/python3/dist-packages/hello
echo 'print("hello")' >"$python/__init__.py" && noise 500000 t >"$python/tests/test_hello.py" && noise 250000 m >"$python/hello.js.map"
for n in 1 2 3; do make_layer $n; done
id() { printf '"sha256:%s"' "$(sha256sum "$dir/image/$1.tar" | cut -d' ' -f1)"; }
cat >"$dir/image/config.json" <<JSON
{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/hello"]},"rootfs":{"type":"layers","diff_ids":[$(id 1),$(id 2),$(id 3)]},
"history":[{"created_by":"COPY rootfs / # buildkit"},{"created_by":"COPY wheels /wheels # buildkit"},{"created_by":"RUN pip install hello && rm -r /wheels # buildkit"}]}
JSON
config=$(sha256sum "$dir/image/config.json" | cut -d' ' -f1)
mv "$dir/image/config.json" "$dir/image/$config.json"
printf '[{"Config":"%s.json","RepoTags":["demo:latest"],"Layers":["1.tar","2.tar","3.tar"]}]' "$config" >"$dir/image/manifest.json"
tar -C "$dir/image" -cf "$dir/in.tar" .
set -x
"${CARGO_TARGET_DIR:-target}/release/slim" "$dir/in.tar" -p python-slim -o "$dir/out.tar"
