"""Kills a process at a chosen system call of a chosen thread, by strace: first a run is recorded, then each of its calls can be the
last one. Needs root: the processes are not dumpable."""
import collections
import os
import re
import shutil
import subprocess
import tempfile

from harness import need_root, wait_until

CALL = re.compile(r"(\d+) +([a-z_0-9]+)\(")


def need_strace(test):
    need_root(test)
    if not shutil.which("strace"):
        print("SKIPPED: needs strace", flush=True)
        test.skipTest("needs strace")


def threads(pid):
    return sorted(map(int, os.listdir(f"/proc/{pid}/task")))


class Strace:
    """strace on these threads until the with-block ends."""

    def __init__(self, tids, *options):
        self.tids = tids
        self.options = options

    def __enter__(self):
        self.output = tempfile.NamedTemporaryFile(prefix="facteur-strace-")
        which = [word for tid in self.tids for word in ("-p", str(tid))]
        self.process = subprocess.Popen(["strace", "-q", "-o", self.output.name, *self.options, *which], stderr=subprocess.PIPE)
        try:
            wait_until(lambda: self.process.poll() is not None or all(map(self.traced, self.tids)), 10, "strace attached")
        except BaseException:
            self.__exit__()
            raise
        return self

    @staticmethod
    def traced(tid):
        try:
            with open(f"/proc/{tid}/status") as lines:
                return "TracerPid:\t0\n" not in lines.read()
        except (FileNotFoundError, ProcessLookupError):
            return True

    def text(self):
        with open(self.output.name, errors="replace") as lines:
            return lines.read()

    def killed(self):
        return "killed by SIGKILL" in self.text()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stderr.close()
        self.last = self.text()
        self.output.close()


def record(pid, act):
    """The calls of a process while act() runs: thread (by its order), name, and which one of that name."""
    tids = threads(pid)
    with Strace(tids, "-f", "-e", "signal=none") as strace:
        act()
    counts = collections.Counter()
    points = []
    for line in strace.last.splitlines():
        found = CALL.match(line)
        if not found or int(found.group(1)) not in tids or " resumed>" in line:
            continue
        place = (tids.index(int(found.group(1))), found.group(2))
        counts[place] += 1
        points.append((*place, counts[place]))
    return points


def kill_at(pid, point):
    """A Strace that kills the process at that point."""
    thread, call, number = point
    tids = threads(pid)
    if thread >= len(tids):
        return None
    return Strace([tids[thread]], "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
