# Runs inside a container, with the image's own Python (3.4 or later): the part that python.py and elf.py share.
#
# Standard input is a JSON object; each answer is a line of JSON on standard output, `[name, mark, why]`, written as soon as it
# is there: a mark of "" is a failure. A later line for a name takes the place of an earlier one. The work is done in forks of
# this process, which has nothing loaded; one that dies or hangs takes nothing with it but the item it was at.
import json
import os
import select
import signal
import sys
import time


def quiet():
    """Keep standard output for answers; what is loaded must neither read nor write anything of ours."""
    out = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    return out


class Task:
    """Items that one fork works on, one after the other."""

    def __init__(self, items, last, group):
        self.items, self.last, self.group, self.at, self.buffer = items, last, group, 0, b""

    def start(self, work):
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.pipe)
                for item in self.items[self.at:]:
                    os.write(end, (json.dumps([item] + work(item)) + "\n").encode())
            finally:
                os._exit(0)
        os.close(end)
        self.began = self.heard = time.time()


def answer(out, row):
    data = (json.dumps(row) + "\n").encode()
    while data:
        data = data[os.write(out, data):]


def sweep(out, groups, work, jobs, timeout, again, budget=0):
    """Work on all groups, `jobs` at a time; `again` says which failures are tried once more, alone, for `budget` seconds for each
    group at most."""
    queue = [Task(items, False, index) for index, items in enumerate(groups)]
    queue.reverse()
    running, spent = {}, {}

    def end(task, why):
        os.close(task.pipe)
        del running[task.pipe]
        try:
            os.kill(task.pid, signal.SIGKILL)
        except OSError:
            pass
        status = os.waitpid(task.pid, 0)[1]
        if task.last:
            spent[task.group] = spent.get(task.group, 0) + time.time() - task.began
        if task.at >= len(task.items):
            return
        why = why or ("died of signal %d" % (status & 127) if status & 127 else "the process ended")
        item = task.items[task.at]
        answer(out, [item, "", why])
        # In company it may have been the fault of another.
        if not task.last and task.at > 0:
            queue.append(Task([item], True, task.group))
        task.at += 1
        if task.at < len(task.items):
            rest = Task(task.items, task.last, task.group)
            rest.at = task.at
            queue.append(rest)

    while queue or running:
        while queue and len(running) < jobs:
            task = queue.pop()
            if task.last and spent.get(task.group, 0) > budget:
                continue
            task.start(work)
            running[task.pipe] = task
        ready = select.select(list(running), [], [], 1)[0]
        for pipe in ready:
            task = running[pipe]
            data = os.read(pipe, 65536)
            if not data:
                end(task, None)
                continue
            task.heard = time.time()
            lines = (task.buffer + data).split(b"\n")
            task.buffer = lines.pop()
            for line in lines:
                row = json.loads(line.decode())
                answer(out, row)
                task.at += 1
                if not row[1] and not task.last and len(task.items) > 1 and again(row[2]):
                    queue.insert(0, Task([row[0]], True, task.group))
        for task in list(running.values()):
            if time.time() - task.heard > timeout:
                end(task, "no end after %d s" % timeout)
