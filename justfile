# What there is to do in this repository; `just` alone lists it.

_default:
    @just --list --unsorted

# Build the release binary
build:
    cargo build --release

# Run all tests that need no network and no docker
test *args:
    cargo test --all-targets {{args}}
    cargo test --doc

# Format, then lint as strictly as CI does
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# All that CI runs
ci:
    .ci/run

# Measure speed and memory on an image: phase, seconds, MB/s, ratio to the floor, peak RSS
bench image="/tmp/images/dashboard.tar" *options:
    benches/bench.sh {{image}} {{options}}
