# What there is to do in this repository; `just` alone lists it.

_default:
    @just --list --unsorted

# Build the release binary
build:
    cargo build --release

# Run all tests; those that compare with other tools say so and skip where a tool is missing
test *args:
    cargo test {{args}}

# Format, then lint as strictly as CI does
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# All that CI runs
ci:
    .ci/run

# Build a real image for each built-in profile, slim it, and hold what works in it after against before
prove *profiles:
    cargo build --release
    tests/prove/prove.py {{profiles}}

# Check the documentation: links, the summary, command lines; builds the book where mdbook is installed
docs *options:
    cargo build --quiet --bin slim
    docs/check.py {{options}}

# Measure speed and memory on an image: phase, seconds, MB/s, ratio to the floor, peak RSS
bench image="/tmp/images/dashboard.tar" *options:
    benches/bench.sh {{image}} {{options}}

# Measure slim from registry to registry beside skopeo out, slim, skopeo in (needs docker-registry and skopeo)
registry-bench image="/tmp/images/dashboard.tar" *options:
    cargo build --release --quiet --bin slim
    benches/registry.py {{image}} --slim target/release/slim {{options}}

# Strip the objects of 60 wheels with slim, GNU strip, llvm-strip and eu-strip, and load them before and after
elf-bench *options:
    python3 benches/elf/bench.py {{options}}
    python3 benches/elf/executables.py
    python3 benches/elf/arches.py

# Registries with the faults of real ones, then real registries and engines; what is missing here is skipped
e2e *options:
    cargo build --quiet --bin slim
    tests/e2e/faulty.py --selftest
    tests/e2e/run.py --slim "${CARGO_TARGET_DIR:-target}/debug/slim" {{options}}
    tests/e2e/real.py --slim "${CARGO_TARGET_DIR:-target}/debug/slim" {{options}}

# Naive rules on real packages of PyPI and npm: each breaks one without the guard, and none with it
guard *options:
    python3 tests/guard/run.py {{options}}

# Fuzz the stripping of ELF files (needs cargo-fuzz and a nightly toolchain)
fuzz *options:
    cargo fuzz run elf {{options}}

# Use sample pages in headless Chromium; with ANALYZE.json and PLAN.json of `slim analyze --json` and `slim plan --json` a real image's, too
page *documents:
    cargo run --quiet --example page-sample -- target/page {{documents}}
    tests/page/check.py target/page --shots target/page/shots
