#!/usr/bin/env python3
"""Measures slim on a real image beside the floor, the encoders alone and its peers: all in one run, in turns, medians.

    benches/bench.py IN --slim PROGRAM --floor PROGRAM [options]

`just bench` builds what this needs and calls it (benches/bench.sh). The page cache is warm; what is written counts.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", help="an image archive, as from docker save")
    parser.add_argument("--slim", required=True, help="the slim program")
    parser.add_argument("--floor", required=True, help="the program built from benches/floor.rs")
    parser.add_argument("--profile", default="python-slim")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dir", help="where to write [default: beside IN]")
    parser.add_argument("--docker-squash", metavar="PROGRAM", help="docker-squash; needs a daemon, IN is loaded into it")
    parser.add_argument("--no-gzip", action="store_true", help="leave out the single-stream gzip, which takes minutes")
    parser.add_argument("--big", metavar="IMAGE", help="an image of benches/make_big.py: its peak memory too")
    parser.add_argument("--json", metavar="FILE", help="write all measurements")
    return parser.parse_args()


class Failure(Exception):
    pass


def run(command, stdout=subprocess.DEVNULL):
    """Runs a program; its seconds and its peak memory in bytes, which is never below what this script itself takes."""
    with tempfile.TemporaryFile() as errors:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise Failure(f"{' '.join(command)}: exit {child.returncode}: {text[-800:]}")
    return seconds, usage.ru_maxrss * 1024


class Case:
    """Something to be measured: a command that writes `out`."""

    def __init__(self, name, command, out, report=None, to_stdout=False):
        self.name, self.command, self.out = name, command, out
        self.report, self.to_stdout = report, to_stdout
        self.seconds, self.peaks, self.reports, self.size = [], [], [], 0

    def measure(self):
        if os.path.exists(self.out):
            os.remove(self.out)
        os.sync()
        if self.to_stdout:
            with open(self.out, "wb") as out:
                seconds, peak = run(self.command, out)
        else:
            seconds, peak = run(self.command)
        self.seconds.append(seconds)
        self.peaks.append(peak)
        self.size = os.path.getsize(self.out)
        if self.report:
            with open(self.report, encoding="utf-8") as report:
                self.reports.append(json.load(report))

    @property
    def median(self):
        return statistics.median(self.seconds)

    def phases(self):
        """(phase, median seconds, bytes) of the runs."""
        timings = [report.get("timings", []) for report in self.reports]
        for at, timing in enumerate(timings[0] if timings else []):
            seconds = statistics.median(run[at]["seconds"] for run in timings if at < len(run))
            yield timing["phase"], seconds, timing.get("bytes") or 0


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.cases = args, folder, {}
        self.size = os.path.getsize(args.image)

    def path(self, name):
        return os.path.join(self.folder, name)

    def add(self, key, name, command, out, **more):
        self.cases[key] = Case(name, command, self.path(out), **more)
        return self.cases[key]

    def slim(self, key, *options, image=None):
        out, report = f"{key}.tar", self.path(f"{key}.json")
        command = [self.args.slim, image or self.args.image, "-p", self.args.profile, "-o", self.path(out), "--timings"]
        command += ["--quiet", "--report", report, "--threads", str(self.args.threads), *options]
        return self.add(key, f"slim {' '.join(options)}", command, out, report=report)

    def prepare(self):
        """The cases; those that need an output of slim's get it from a first run, which warms the caches too."""
        plain = self.slim("none", "--compression", "none")
        self.slim("gzip", "--compression", "gzip:6")
        self.slim("zstd", "--compression", "zstd:3")
        squash = self.slim("squash", "--compression", "none", "--layers", "squash")
        for case in (plain, squash):
            case.measure()
            case.seconds, case.peaks, case.reports = [], [], []
        # The outputs themselves are made anew in every turn.
        tar = self.path("payload.tar")
        shutil.copyfile(plain.out, tar)
        flat = self.path("flat.tar")
        shutil.copyfile(squash.out, flat)
        threads = str(self.args.threads)
        floor = [self.args.floor, self.args.image, self.path("floor.bin"), str(plain.size), threads]
        self.add("floor", "floor: read, sha256, write", floor, "floor.bin")
        self.add("zstd-alone", f"zstd -3 -T{threads} alone", ["zstd", "-3", f"-T{threads}", "-q", "-c", tar], "zstd.out", to_stdout=True)
        if not self.args.no_gzip:
            self.add("gzip-alone", "gzip -6, one stream (crane)", ["gzip", "-6", "-c", flat], "gzip.out", to_stdout=True)
        if self.args.docker_squash:
            self.add("docker-squash", "docker-squash", self.docker_squash(), "docker-squash.tar")
        if self.args.big:
            self.slim("big", "--compression", "none", image=self.args.big)
            self.slim("big-zstd", "--compression", "zstd:3", image=self.args.big)

    def docker_squash(self):
        """Loads IN and gives the command that squashes it into an archive."""
        loaded = subprocess.run(["docker", "load", "-q", "-i", self.args.image], check=True, capture_output=True, text=True)
        name = loaded.stdout.strip().rsplit(" ", 1)[-1]
        work = self.path("docker-squash")
        return [self.args.docker_squash, "--tmp-dir", work, "--output-path", self.path("docker-squash.tar"), name]

    def measure(self):
        for turn in range(self.args.runs):
            for key, case in self.cases.items():
                # What takes minutes or 10 GB is done once.
                if turn and key in ("gzip-alone", "docker-squash", "big", "big-zstd"):
                    continue
                shutil.rmtree(self.path("docker-squash"), ignore_errors=True)
                print(f"run {turn + 1} of {self.args.runs}: {case.name}", file=sys.stderr)
                case.measure()
                if key in ("big", "big-zstd"):
                    os.remove(case.out)

    def table(self):
        """All cases, against the floor and against the encoder alone."""
        floor = self.cases["floor"].median
        rows = [("", "seconds", "MB/s of IN", "x floor", "peak RSS", "OUT")]
        for key, case in self.cases.items():
            size = os.path.getsize(self.args.big) if key.startswith("big") else self.size
            ratio = "" if key.startswith("big") else f"{case.median / floor:.2f}"
            rate, peak = size / case.median / 1e6, max(case.peaks) / 1e6
            rows.append((case.name, f"{case.median:.2f}", f"{rate:.0f}", ratio, f"{peak:.0f} MB", f"{case.size / 1e6:.1f} MB"))
            for phase, seconds, read in case.phases():
                rate = f"{read / seconds / 1e6:.0f}" if seconds > 0 and read else ""
                rows.append((f"  {phase}", f"{seconds:.2f}", rate, "", "", ""))
        return rows

    def goals(self):
        """(what, measured, the goal in words, whether it is met)"""
        cases = self.cases

        def ratio(what, over, under, most):
            if over in cases and under in cases:
                value = cases[over].median / cases[under].median
                yield what, f"{value:.2f}", f"at most {most}", value <= most

        def speedup(what, slow, fast, least):
            if slow in cases and fast in cases:
                value = cases[slow].median / cases[fast].median
                yield what, f"{value:.1f}", f"at least {least}", value >= least

        yield from ratio("uncompressed / floor", "none", "floor", 1.3)
        # Both: the phase that encodes, and the whole run, which reads and verifies 1.5 times as many bytes before.
        if "zstd-alone" in cases:
            emit = dict((phase, seconds) for phase, seconds, _ in cases["zstd"].phases())["emit"]
            value = emit / cases["zstd-alone"].median
            yield "zstd:3, emit / encoder alone", f"{value:.2f}", "at most 1.3", value <= 1.3
        yield from ratio("zstd:3, whole run / encoder alone", "zstd", "zstd-alone", 1.3)
        yield from speedup("docker-squash / uncompressed", "docker-squash", "none", 15)
        yield from speedup("one stream of GNU gzip / gzip:6", "gzip-alone", "gzip", 20)
        peak = max(max(case.peaks) for case in cases.values() if case.report) / 1e6
        yield "peak RSS of slim, MB", f"{peak:.0f}", "at most 300", peak <= 300


def show(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def main():
    args = arguments()
    beside = args.dir or os.path.dirname(os.path.abspath(args.image))
    with tempfile.TemporaryDirectory(prefix="slim-bench-", dir=beside) as folder:
        bench = Bench(args, folder)
        try:
            bench.prepare()
            bench.measure()
        except (Failure, OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"error: {error}")
        print(f"IN: {args.image}, {bench.size / 1e6:.1f} MB; {args.threads} threads; medians of {args.runs} runs\n")
        show(bench.table())
        print()
        goals = [(*goal[:3], "met" if goal[3] else "MISSED") for goal in bench.goals()]
        show([("goal", "measured", "wanted", ""), *goals])
        if args.json:
            cases = {
                key: {"seconds": case.seconds, "peakBytes": case.peaks, "outBytes": case.size, "phases": list(case.phases())}
                for key, case in bench.cases.items()
            }
            with open(args.json, "w", encoding="utf-8") as out:
                json.dump({"image": args.image, "bytes": bench.size, "threads": args.threads, "cases": cases}, out, indent=2)


if __name__ == "__main__":
    main()
