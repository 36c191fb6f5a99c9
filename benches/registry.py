#!/usr/bin/env python3
"""Measures slim from registry to registry on this machine beside `skopeo copy` out, slim, `skopeo copy` in: in turns, medians.

    benches/registry.py IN --slim PROGRAM [--runs 3] [--profile python-slim]

IN is an archive of `docker save`. It needs Debian's docker-registry and skopeo, which runs in directories of their own.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""


def run(*command):
    """Runs a command; its seconds and its peak memory in bytes."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: {errors.decode(errors='replace')[-800:]}")
    return time.monotonic() - begin, usage.ru_maxrss * 1024


def registry(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(f"{folder}/registry.yml", "w", encoding="utf-8") as config:
        config.write(CONFIG.format(root=f"{folder}/data", port=port))
    server = subprocess.Popen(["docker-registry", "serve", f"{folder}/registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(50):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/")
            return server, f"127.0.0.1:{port}"
        except OSError:
            time.sleep(0.1)
    sys.exit("docker-registry does not answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    parser.add_argument("--slim", required=True)
    parser.add_argument("--profile", default="python-slim")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="slim-bench-", dir=os.path.dirname(os.path.abspath(args.image)))
    server, host = registry(folder)
    plain = ["--tls-verify=false"]
    copy = ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
    try:
        run(*copy, f"docker-archive:{args.image}", f"docker://{host}/in:v1")
        direct, around, out, pull, peaks, moved = [], [], [], [], [], []
        for turn in range(args.runs):
            # Each turn pushes to repositories of its own: what a registry has in one it still takes again in another.
            report = f"{folder}/report.json"
            to = f"docker://{host}/direct{turn}:v1"
            job = [args.slim, f"docker://{host}/in:v1", "-p", args.profile, "-q", "--timings", "--report", report, *plain, "-o", to]
            seconds, peak = run(*job)
            direct.append(seconds)
            peaks.append(peak)
            with open(report, encoding="utf-8") as text:
                pull += [t["seconds"] for t in json.load(text)["timings"] if t["phase"] == "pull"]
            run(*job)
            with open(report, encoding="utf-8") as text:
                moved.append(json.load(text)["output"]["moved"])
            begin = time.monotonic()
            out.append(run(*copy, f"docker://{host}/in:v1", f"oci:{folder}/in:v1")[0])
            run(args.slim, f"oci:{folder}/in", "-p", args.profile, "-q", "-o", f"oci:{folder}/out")
            run(*copy, f"oci:{folder}/out:v1", f"docker://{host}/around{turn}:v1")
            around.append(time.monotonic() - begin)
            for name in ("in", "out"):
                shutil.rmtree(f"{folder}/{name}")
        seconds = statistics.median
        print(f"registry to registry      slim {seconds(direct):6.2f} s   skopeo, slim, skopeo {seconds(around):6.2f} s   {seconds(around) / seconds(direct):.2f} times as fast")
        print(f"pull of all layers        slim {seconds(pull):6.2f} s   skopeo copy to oci:   {seconds(out):6.2f} s   {seconds(out) / seconds(pull):.2f} times as fast")
        sent, there = moved[-1]["sentBytes"], moved[-1]["presentBytes"]
        print(f"second run                sent {sent:,} bytes; {there:,} were there ({100 * sent / max(sent + there, 1):.1f}%)")
        print(f"peak memory               {max(peaks) / 1e6:.0f} MB")
    finally:
        server.terminate()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
