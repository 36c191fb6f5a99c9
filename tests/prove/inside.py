"""Runs inside a container of prove.py: lists what could work there, or tries it. Needs nothing but Python 3.6 or later.

inside.py list                 what there is, as JSON: {"pythons": {PYTHON: {module: path}}, "objects": [...], "programs": [...],
                               "packages": {directory below node_modules: name}}
inside.py modules < NAMES      imports each module; a package's share a process until one fails or takes 40 s
inside.py alone < NAMES        the same, each in a process of its own
inside.py objects < PATHS      loads each shared object in a process of its own
inside.py programs < PATHS     runs each with --version
inside.py packages < DIRS      imports each Node package
NAMES, PATHS, DIRS: JSON lists. The answer: {name: "ok" or an error}; for programs the hash of what a good one answered.
"""
import hashlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import warnings

NOT_IMAGE = ("/proc", "/sys", "/dev", "/prove")
# One thread each: several libraries start one per core at import. No network: what asks for it fails before and after.
ENV = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MPLBACKEND="Agg", HOME="/tmp", DJANGO_SETTINGS_MODULE="x")
OUT = os.dup(1)


def modules_below(top):
    """{module name: path} of what could be imported from the directory `top`."""
    found = {}
    for here, dirs, files in os.walk(top):
        parts = [] if here == top else os.path.relpath(here, top).split("/")
        dirs[:] = sorted(d for d in dirs if d.isidentifier() and not (d == "__pycache__" or here == top and d.endswith("-packages")))
        for name in sorted(files):
            stem = name.split(".")[0]
            if not (name.endswith(".so") or name == stem + ".py") or stem == "__main__" or not stem.isidentifier():
                continue
            module = parts + ([] if stem == "__init__" else [stem])
            if module:
                found.setdefault(".".join(module), os.path.join(here, name))
    return found


def listing():
    pythons, objects, packages = {}, [], {}
    own = [p for p in sys.path[1:] if os.path.isdir(p)]
    pythons[sys.executable] = {}
    for top in own:
        pythons[sys.executable].update({k: v for k, v in modules_below(top).items() if k not in pythons[sys.executable]})
    for here, dirs, files in os.walk("/"):
        dirs[:] = [d for d in dirs if os.path.join(here, d) not in NOT_IMAGE]
        if "pyvenv.cfg" in files:
            lib = os.path.join(here, "lib")
            site = [os.path.join(lib, d, "site-packages") for d in os.listdir(lib)]
            pythons[os.path.join(here, "bin/python")] = modules_below(site[0])
        if "package.json" in files and "/node_modules/" in here:
            tail = here.rsplit("/node_modules/", 1)[1]
            if tail.count("/") == tail.startswith("@"):
                packages[here] = tail
        for name in files:
            path = os.path.join(here, name)
            if ".so" in name and os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    head = f.read(18)
                if head[:4] == b"\x7fELF" and head[16] == 3:
                    objects.append(path)
    seen, programs = set(), []
    for d in os.environ.get("PATH", "").split(":"):
        for name in sorted(os.listdir(d)) if os.path.isdir(d) else []:
            path = os.path.join(d, name)
            real = (os.path.realpath(path), name)
            if real not in seen and os.path.isfile(path) and os.access(path, os.X_OK):
                seen.add(real)
                programs.append(path)
    return {"pythons": pythons, "objects": sorted(objects), "programs": programs, "packages": packages}


def attempt(name):
    try:
        importlib.import_module(name)
        return "ok"
    except BaseException as error:  # SystemExit too: a module may call sys.exit
        return "%s: %s" % (type(error).__name__, str(error).split("\n")[0][:200])


def load(path):
    import ctypes
    try:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL if "perl" in path else ctypes.DEFAULT_MODE)
        return "ok"
    except OSError as error:
        return str(error)[:200]


def forked(names, one, timeout):
    """Calls `one` with each name in a child; the answers up to where it died or took too long, and why it ended there."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            for name in names:
                os.write(w, (json.dumps(one(name)) + "\n").encode())
        finally:
            os._exit(0)
    os.close(w)
    got, buf, why = [], b"", "died"
    while len(got) < len(names):
        if not select.select([r], [], [], timeout)[0]:
            why = "took longer than %d s" % timeout
            break
        data = os.read(r, 65536)
        if not data:
            break
        lines = (buf + data).split(b"\n")
        buf = lines.pop()
        got += [json.loads(line.decode()) for line in lines]
    os.close(r)
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    os.waitpid(pid, 0)
    return got, why


def each(names, one, timeout, alone):
    out, i = {}, 0
    while i < len(names):
        part = names[i:i + 1] if alone else names[i:]
        got, why = forked(part, one, timeout)
        out.update(zip(part, got))
        i += len(got)
        if len(got) < len(part):
            out[names[i]] = why
            i += 1
    return out


def by_package(names):
    groups, out = {}, {}
    for n in sorted(names):
        groups.setdefault(n.split(".")[0], []).append(n)
    for group in groups.values():
        out.update(each(group, attempt, 40, False))
    return out


def run(command, cwd, limit=8):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit,
                              env=ENV, start_new_session=True, cwd=cwd)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return "time-out", late.stdout or b""
    except OSError as error:
        return str(error)[:100], b""


def program(path):
    code, text = run([path, "--version"], "/")
    return "ok " + hashlib.sha256(text).hexdigest()[:12] if code == 0 else "exit code %s" % code


IMPORTS = """import fs from 'fs'; for (const x of ['uncaughtException', 'unhandledRejection']) process.on(x, () => {});
for (const name of process.argv.slice(1)) { let answer = 'ok'; try { await import(name) } catch (e) { answer = String(e && e.message).slice(0, 200) }
fs.writeSync(1, '\\n\\x01' + JSON.stringify(answer) + '\\n') } process.exit(0)"""


def node(paths):
    """Imports the packages of each node_modules in one process; what ends it is noted, and the rest gets a new one."""
    roots, out = {}, {}
    for path in paths:
        name = path.rsplit("/node_modules/", 1)[1]
        roots.setdefault(path[:-len(name) - len("/node_modules/")] or "/", []).append(name)
    for root, names in roots.items():
        while names:
            _, text = run(["node", "--input-type=module", "-e", IMPORTS] + names, cwd=root, limit=60)
            got = [json.loads(line[1:].decode()) for line in text.split(b"\n") if line.startswith(b"\x01")]
            got += ["ended the process"] * (len(got) < len(names))
            out.update(zip((os.path.join(root, "node_modules", n) for n in names), got))
            names = names[len(got):]
    return out


def main():
    sys.path.pop(0)
    warnings.simplefilter("ignore")
    mode = sys.argv[1]
    given = None if mode == "list" else json.load(sys.stdin)
    os.environ.update(ENV)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    tries = {
        "list": listing,
        "modules": lambda: by_package(given),
        "alone": lambda: each(given, attempt, 40, True),
        "objects": lambda: each(given, load, 20, True),
        "programs": lambda: {path: program(path) for path in given},
        "packages": lambda: node(given),
    }
    os.write(OUT, json.dumps(tries[mode]()).encode())


main()
