#!/usr/bin/env python3
"""Proves the built-in profiles: builds a real image for each, slims it, and holds what works in it after against before.

usage: prove.py [PROFILE...]        all by default; --only COLUMN compares less, --keep leaves the images, --slim names the binary

Compared are: every module of every Python, imported; every shared object, loaded; every program on PATH, --version; every
Node package, imported; what package managers say; and commands of each image, their output and exit code. Only what worked
before counts. What no longer works counts as a regression, unless slim's own list says that a rule dropped that very file.
Exit code: 0 no regression, 1 regressions, 2 could not run. Needs docker, a release build, and the registries of Debian, PyPI and
npm for the first run.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DOCKER = os.environ.get("DOCKER", "/usr/bin/docker")
PYTHON = "/usr/bin/python3"

PACKAGES = ["dpkg -l", "dpkg --audit", "apt-get check 2>&1"]
PIP = ["python -m pip list 2>/dev/null", "python -m pip check"]
GIT = ("rm -rf /tmp/r /tmp/r2; git init -q /tmp/r && cd /tmp/r && echo hi >f && git add f && git -c user.email=a@b -c user.name=n "
       "commit -qm x && git log --oneline | wc -l && git clone -q /tmp/r /tmp/r2 && ls /tmp/r2")
SSH = "ssh -V 2>&1; ssh-keygen -t ed25519 -N '' -f /tmp/k -q && ssh-keygen -lf /tmp/k | wc -l"
# Where pip itself goes on purpose.
INSTALLED = ["python -c 'import importlib.metadata as m; print(sorted((d.name, d.version) for d in m.distributions() if d.name != \"pip\"))'"]
# What dpkg says of the packages that slim does not say it removed.
LEFT = "dpkg-query -W -f '${Package} ${Version} ${Status}\\n' | grep -vxE '({removed}) .*'"
DATA = [
    'python -c "import pandas as p; d=p.DataFrame({\'a\':[1,2]}); d.to_parquet(\'/tmp/a\'); print(p.read_parquet(\'/tmp/a\').equals(d))"',
    'python -c "import pandas as p; print(p.Timestamp(\'2024-03-31\', tz=\'Europe/Berlin\'))"',
    'python -c "from skimage import data, filters; print(filters.gaussian(data.camera()).mean().round(6))"',
    'python -c "from babel.dates import format_date as f; import datetime; print(f(datetime.date(2024,3,1), locale=\'de\'))"',
    'python -c "from cffi import FFI; f=FFI(); f.cdef(\'int abs(int);\'); print(f.dlopen(None).abs(-3))"',
    'python -c "import plotly.express as x; print(len(x.scatter(x.data.iris(), x=\'sepal_width\').to_html())>10**6)"',
    "cd /tmp && django-admin startproject p1 && cd p1 && python manage.py check && python manage.py migrate | tail -1",
    "python -c 'import numpy.testing as t; t.assert_equal(1, 1); print(t.IS_PYPY)'",
    "ipython -c 'print(6*7)'",
]
SITE = """nginx && python3 -c "
import hashlib, os, urllib.request as u
for d, _, fs in sorted(os.walk('/var/www/html')):
    for f in sorted(fs):
        for how in ('identity', 'gzip'):
            path = os.path.join(d, f)[len('/var/www/html'):]
            r = u.urlopen(u.Request('http://127.0.0.1' + path, headers={'Accept-Encoding': how}))
            print(path, how, r.headers['Content-Encoding'], hashlib.sha256(r.read()).hexdigest())
" """
DAEMON = """(dockerd --storage-driver vfs >/tmp/log 2>&1 &); i=0
until docker info >/dev/null 2>&1; do i=$((i+1)); [ $i = 90 ] && tail /tmp/log && exit 1; sleep 1; done
mkdir -p /tmp/b/bin && cp /bin/busybox /tmp/b/bin/ && ln -s busybox /tmp/b/bin/sh
for f in $(ldd /bin/busybox | grep -o '/[^ ]*'); do mkdir -p /tmp/b$(dirname $f) && cp $f /tmp/b$f; done
tar c -C /tmp/b . | docker import - box >/dev/null && docker run --rm box /bin/sh -c 'echo inside' &&
docker run --rm --init -p 8080:80 box /bin/sh -c 'echo with init and a port' && docker save box | gzip | docker load | cut -c1-6"""
ANSIBLE = [
    "ansible localhost -m command -a 'echo done' 2>/dev/null | tail -1",
    "ansible localhost -m debug -a 'msg={{ 4 is divisibleby 2 }}' 2>/dev/null",
    "cd /tmp && ansible-galaxy role init r >/dev/null && find r | sort",
    "cd /tmp && ansible-galaxy collection init a.b >/dev/null && find a | sort",
    "ansible-doc -l 2>/dev/null | wc -l",
    "cd /tmp/ && mkdir -p m && cd m && molecule init scenario 2>&1 | tail -1 | cut -c1-60 && find molecule | sort",
]
NODE = [
    "npm ls --all", "npm --version", "npm help 2>&1 | head -3",
    "node -e \"console.log(require('yaml').parse('a: [1, 2]'), require('highlight.js').highlight('a=1', {language:'python'}).value)\"",
    "cd /tmp && echo 'const a: number = Array.from([1]).length; let p: Promise<number>;' >a.ts && /app/node_modules/.bin/tsc --lib es2020 a.ts && cat a.js",
    "cd /tmp && for t in react-ts vue vanilla; do /app/node_modules/.bin/create-vite $t --template $t </dev/null >/dev/null 2>&1; find $t | sort; done",
    "cd /tmp && echo 'export const a = 1' >b.mjs && /app/node_modules/.bin/esbuild b.mjs --minify && /app/node_modules/.bin/prettier b.mjs",
    "node -e \"const {faker}=require('@faker-js/faker'); faker.seed(1); console.log(faker.person.fullName())\"",
]
ICONV = ["printf '\\344' | iconv -f latin1 -t utf8 | od -c", "printf 'a' | iconv -f utf8 -t utf16 | od -c", "perl -MEncode -e 'print encode(q(shiftjis), chr(0x3042))' | od -c",
         "perl -Mdiagnostics -e 'print 1'"]

# The image of each profile, and commands whose output stays what it was.
PROOFS = {
    "caches": ("caches", PACKAGES + PIP + ["hi", "uv --version", "gcc /hi.c -o /tmp/hi && /tmp/hi", "poetry --version"]),
    "strip": ("caches", PACKAGES + PIP + ["hi", "uv --version", "gcc /hi.c -o /tmp/hi && /tmp/hi"]),
    "debian-slim": ("debian", PACKAGES + [GIT, SSH, "ls --nosuch 2>&1 || true", "date -d 2024-03-01 +%B", "git nosuch 2>&1 || true"] + ICONV),
    "alpine-slim": ("alpine", ["grep -E '^[PVFR]:' /lib/apk/db/installed", "tiny", "ls -i /bin | cut -d' ' -f2 | sort -u | wc -l",
                               "for p in /bin/*; do test -x $p && echo $p; done", "cat /usr/share/licenses/tiny/LICENSE"]),
    "rpm-slim": ("rpm", PACKAGES + ["rpm -qa", "rpm -qi tool", "rpm -ql tool", "tool", "cat /usr/share/licenses/tool/LICENSE"]),
    "python-slim": ("python", PACKAGES + PIP + DATA + [GIT] + ICONV + ["python -m venv /tmp/v && /tmp/v/bin/pip --version"]),
    "python-min": ("python", PACKAGES + INSTALLED + DATA + [GIT] + ICONV),
    "no-build-tools": ("build", [LEFT, "dpkg --audit", "apt-get check 2>&1", "apt-get install -f --dry-run 2>&1 | tail -1",
                                 "perl -e 'print 6*7'", "python3 -m pip check", "python3 -m pip list | grep -v ^uv", GIT, SSH,
                                 "update-alternatives --get-selections | grep -vE '^(c[0-9]+|cc|c\\+\\+|cpp|ccache|faked|fakeroot|javac|pinentry) '",
                                 "hi", "python3 -c 'import numpy, cffi; print(numpy.eye(2).sum())'",
                                 "ls /usr/share/doc/gcc-12-base/copyright /usr/lib/x86_64-linux-gnu/libstdc++.so.6"]),
    "node-slim": ("node", PACKAGES + PIP + NODE),
    "dind": ("dind", PACKAGES + [GIT, SSH, DAEMON] + ANSIBLE),
    "web-static": ("web", PACKAGES + [SITE, "apache2ctl configtest 2>&1 | tail -1", "nginx -V 2>&1"]),
    "auto": ("node", PACKAGES + PIP + NODE),
}
# What a daemon in a container needs: all that --privileged gives, where the daemon outside has all capabilities itself; else
# those that it has.
PRIVILEGED = ["--privileged"]
MOST = ["--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined", "--cgroupns", "host",
        "-v", "/sys/fs/cgroup:/sys/fs/cgroup"] + ["--cap-add=" + c for c in (
            "AUDIT_WRITE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK KILL MKNOD NET_ADMIN NET_BIND_SERVICE NET_RAW SETFCAP "
            "SETGID SETPCAP SETUID SYS_ADMIN SYS_CHROOT SYS_MODULE SYS_NICE SYS_PTRACE").split()]
COLUMNS = ["modules", "objects", "programs", "packages", "commands"]


class Fatal(Exception):
    """Could not run: exit code 2."""


def call(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, errors="replace", **more)
    if done.returncode:
        raise Fatal("%s: exit code %d: %s" % (" ".join(command)[:100], done.returncode, done.stderr.strip()[-1500:]))
    return done.stdout


def container(image, command, given=None, more=()):
    """(exit code, standard output) of a new container without network."""
    docker = [DOCKER, "run", "-i", "--rm", "--network", "none", "-v", HERE + ":/prove:ro", "--entrypoint", command[0], *more, image]
    done = subprocess.run(docker + command[1:], input=given or "", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, errors="replace", timeout=3000)
    return done.returncode, done.stdout, done.stderr


def inside(image, mode, given=None, python=PYTHON):
    code, out, err = container(image, [python, "/prove/inside.py", mode], json.dumps(given))
    if code:
        raise Fatal("%s in %s: %s" % (mode, image, err[-500:]))
    return json.loads(out)


def build(name, scratch):
    """Builds an image; what is unchanged comes from docker's cache."""
    context = os.path.join(scratch, "context")
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(os.path.join(HERE, "images"), context)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", os.path.join(context, "ca.crt"))
    call([DOCKER, "build", "--network", "host", "-t", "prove/" + name, "-f", "%s/%s.Dockerfile" % (context, name), context],
         env=dict(os.environ, DOCKER_BUILDKIT="1"))


def slim(binary, name, profile, scratch):
    """Slims an image and loads it; (bytes before, bytes after, {path that went: rule}, [dpkg package that went])."""
    before, after, removed, report = (os.path.join(scratch, f) for f in ("before.tar", "after.tar", "removed", "report"))
    call([DOCKER, "save", "prove/" + name, "-o", before])
    call([binary, before, "-p", profile, "-o", after, "-t", "prove/%s:%s" % (name, profile), "--removed", removed, "--report", report, "-q"])
    call([DOCKER, "load", "-i", after])
    sizes = os.path.getsize(before), os.path.getsize(after)
    os.unlink(before)
    os.unlink(after)
    with open(removed, errors="surrogateescape") as f:
        lines = [line.rstrip("\n").split("\t") for line in f]
    with open(report) as f:
        packages = [p["name"] for p in json.load(f)["images"][0]["removedPackages"] if p["manager"] == "dpkg"]
    return sizes + ({"/" + line[0].strip("/"): line[-1] for line in lines}, packages)


def remembered(function):
    """Profiles may share an image, and what works in it before is asked once."""
    known = {}

    def answer(image, what, listed):
        if ":" in image:
            return function(image, what, listed)
        if (image, what) not in known:
            known[image, what] = function(image, what, listed)
        return known[image, what]
    return answer


@remembered
def tried(image, what, listed):
    """{name: answer} of one column in one image."""
    if what == "modules":
        return {(py, n): a for py, found in listed["pythons"].items() for n, a in inside(image, what, sorted(found), py).items()}
    return {n: a for n, a in inside(image, what, sorted(listed[what])).items()}


def alone(image, names):
    """What fails after others have been imported is tried again, each in a process of its own."""
    by_python = collections.defaultdict(list)
    for python, name in names:
        by_python[python].append(name)
    return {(py, n): a for py, some in by_python.items() for n, a in inside(image, "alone", some, py).items()}


def compare(before, after, what, listed, removed):
    """(names that worked before, those that went with their file by rule, {name: why} of regressions)."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda image: tried(image, what, listed), (before, after))
    worked = [n for n, answer in first.items() if answer.startswith("ok")]
    failed = [n for n in worked if second.get(n) != first[n]]
    path = lambda n: listed["pythons"][n[0]][n[1]] if what == "modules" else n
    dropped = [n for n in failed if os.path.normpath(path(n)) in removed]
    failed = [n for n in failed if n not in set(dropped)]
    if what == "modules" and failed:
        again = alone(after, failed)
        failed = [n for n in failed if again[n] != "ok"]
        once = alone(before, failed)
        failed = [n for n in failed if once[n] == "ok"]
        second.update(again)
    if what == "programs" and failed:
        once, again = (inside(image, what, failed) for image in (before, after))
        failed = [n for n in failed if once[n] == first[n] and again[n] != first[n]]
    return worked, collections.Counter(removed[os.path.normpath(path(n))] for n in dropped), {n: second.get(n) for n in failed}


def privileges(image):
    return PRIVILEGED if container(image, ["/bin/sh", "-c", "true"], more=PRIVILEGED)[0] == 0 else MOST


def commands(before, after, lines):
    bad, counted = {}, 0
    for line in lines:
        more = privileges(before) if line == DAEMON else []
        shell = lambda image: container(image, ["/bin/sh", "-c", line], more=more)
        a, b = shell(before), shell(after)
        if a[:2] != b[:2] and shell(before)[:2] == a[:2]:
            bad[line[:200]] = "%s %r -> %s %r %r" % (a[0], a[1][-300:], b[0], b[1][-300:], b[2][-300:])
        if a[0]:
            print("  note: exit code %d before: %s: %s" % (a[0], line[:100], (a[1] + a[2])[-200:]))
        counted += 1
    return ["x"] * counted, {}, bad


def prove(profile, binary, keep, only):
    name, lines = PROOFS[profile]
    with tempfile.TemporaryDirectory(prefix="prove-") as scratch:
        build(name, scratch)
        size, small, removed, packages = slim(binary, name, profile, scratch)
    before, after = "prove/" + name, "prove/%s:%s" % (name, profile)
    row, bad = [profile, "%.1f" % (size / 1e6), "%.1f" % (small / 1e6)], {}
    has_python = container(before, [PYTHON, "-V"])[0] == 0
    listed = inside(before, "list") if has_python else {}
    for what in COLUMNS:
        if what not in only:
            row.append("not tried")
            continue
        if what == "commands":
            gone = "|".join(re.escape(p) for p in packages) or "-"
            worked, dropped, failed = commands(before, after, [line.replace("{removed}", gone) for line in lines])
        elif listed.get("pythons" if what == "modules" else what):
            worked, dropped, failed = compare(before, after, what, listed, removed)
        else:
            row.append("-")
            continue
        gone = sum(dropped.values())
        row.append("%d/%d" % (len(worked) - gone - len(failed), len(worked) - gone) + (" (%d went)" % gone if gone else ""))
        bad.update({"%s %s" % (what, n if isinstance(n, str) else ":".join(n)): why for n, why in failed.items()})
        if gone:
            print("  %s %s: went with their files: %s" % (profile, what, ", ".join("%s %d" % d for d in sorted(dropped.items()))))
    if not keep:
        call([DOCKER, "rmi", after])
    return row, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profiles", nargs="*", metavar="PROFILE", help="one of: " + ", ".join(PROOFS))
    parser.add_argument("--slim", default=os.path.join(HERE, "../../target/release/slim"))
    parser.add_argument("--keep", action="store_true", help="leave the slimmed images in docker")
    parser.add_argument("--only", action="append", choices=COLUMNS, help="compare just this; may be given several times")
    options = parser.parse_args()
    unknown = [p for p in options.profiles if p not in PROOFS]
    if unknown:
        parser.error("unknown profile %s" % ", ".join(unknown))
    rows, worst = [["profile", "MB before", "after"] + COLUMNS], 0
    for profile in options.profiles or list(PROOFS):
        row, bad = prove(profile, options.slim, options.keep, options.only or COLUMNS)
        rows.append(row)
        for what, why in sorted(bad.items()):
            worst = 1
            print("  REGRESSION %s: %s: %s" % (profile, what, why))
        sys.stdout.flush()
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print("regressions" if worst else "no regressions")
    return worst


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Fatal, OSError, subprocess.TimeoutExpired) as problem:
        print("error: %s" % problem, file=sys.stderr)
        sys.exit(2)
