#!/usr/bin/env bash
# Builds what the benchmark needs and runs it (see benches/bench.py):
#
#     benches/bench.sh [IN [OPTION...]]
#
#     BIG=10                also measure the memory on an image of 10 GB made here (needs 25 GB of disk)
#     DOCKER_SQUASH=1       also measure docker-squash, installed into a venv; needs a docker daemon
#     SLIM=target/x/slim    use this program in place of a new release build
set -euo pipefail
cd "$(dirname "$0")/.."

in=${1:-${SLIM_BENCH_IN:-/tmp/images/dashboard.tar}}
shift || true
if [[ ! -f $in ]]; then
    echo "error: there is no image at $in" >&2
    echo "hint: docker save IMAGE -o image.tar, then benches/bench.sh image.tar" >&2
    exit 2
fi
for tool in zstd gzip python3; do
    command -v "$tool" >/dev/null || { echo "error: $tool is not installed" >&2; exit 2; }
done

slim=${SLIM:-}
if [[ -z $slim ]]; then
    cargo build --release --quiet --bin slim
    slim=${CARGO_TARGET_DIR:-target}/release/slim
fi
floor=$(cargo bench --quiet --bench floor --no-run --message-format=json | python3 -c '
import json, sys
artifacts = [m for m in map(json.loads, sys.stdin) if m.get("executable")]
print(next(m["executable"] for m in artifacts if m["target"]["name"] == "floor"))')

options=()
if [[ -n ${BIG:-} ]]; then
    big=$(dirname "$in")/slim-bench-big-$BIG.tar
    [[ -f $big ]] || python3 benches/make_big.py "$big" "$BIG"
    options+=(--big "$big")
fi
if [[ -n ${DOCKER_SQUASH:-} ]]; then
    docker info >/dev/null 2>&1 || { echo "error: docker-squash needs a docker daemon" >&2; exit 2; }
    venv=${CARGO_TARGET_DIR:-target}/docker-squash
    [[ -x $venv/bin/docker-squash ]] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet docker-squash==1.2.2; }
    options+=(--docker-squash "$venv/bin/docker-squash")
fi
exec python3 benches/bench.py "$in" --slim "$slim" --floor "$floor" "${options[@]}" "$@"
