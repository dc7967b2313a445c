"""Planted bugs: patches that say of themselves what they break and which tests must see it.

A patch is for `patch -p1` at the top of the tree. In front of it stand lines "Plants: what", "Needs: root" if only root can see it, and
one or more "Red: system/FILE.py WHICH...": each WHICH is a row (SMG-03), a method or either behind a class (RejectTest.SMG-03), and
each must have a failure of its own. A failure at the end of a class counts where WHICH stands alone in its line."""
import contextlib
import ctypes
import dataclasses
import fcntl
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(TOP, "build", "planted")
TREE = os.path.join(FOLDER, "tree")
BIN = os.path.join(TREE, "build", "release", "bin")
BUILD_LIMIT, TEST_LIMIT = 1800, 240  # seconds
PR_SET_CHILD_SUBREAPER = 36
FAILED = re.compile(r"^(?:FAIL|ERROR): (\w+) \((?:__main__\.)?([\w.]+)\)", re.M)


class Wrong(Exception):
    """What makes the campaign fail."""


@dataclasses.dataclass
class Red:
    """One run of one test file, and what of it must fail."""
    file: str
    which: list

    def __str__(self):
        return f"{self.file} {' '.join(self.which)}"

    def patterns(self):
        """What -k of unittest takes."""
        for which in self.which:
            owner, _, name = which.rpartition(".")
            name = f"*_{name.replace('-', '_')}_*" if "-" in name else name
            yield f"*.{owner}.{name}" if owner else f"*.{name}"

    def missing(self, output):
        """Those of which that have no failure; the start of a class that fails is none of its tests."""
        failures = [(name, place) for name, place in FAILED.findall(output)]
        if any(name == "setUpClass" for name, _ in failures):
            raise Wrong(f"{self.file}: the tests could not begin\n{output[-3000:]}")
        if len(self.which) == 1 and any(name == "tearDownClass" for name, _ in failures):
            return []
        return [which for which in self.which if not any(self.is_about(which, name, place) for name, place in failures)]

    @staticmethod
    def is_about(which, name, place):
        owner, _, wanted = which.rpartition(".")
        if owner and f"{owner}." not in place + ".":
            return False
        return f"_{wanted.replace('-', '_')}_" in name + "_" if "-" in wanted else name == wanted


@dataclasses.dataclass
class Bug:
    name: str
    path: str
    plants: str
    needs_root: bool
    reds: list

    def can_run(self):
        return os.geteuid() == 0 or not self.needs_root

    def patch(self, *options):
        told = subprocess.run(["patch", "-p1", "--batch", "--no-backup-if-mismatch", "-r", "-", *options, "-i", self.path], cwd=TREE,
                              capture_output=True, text=True, timeout=60)
        if told.returncode:
            raise Wrong(f"{self.name}: the patch does not apply\n{told.stdout}{told.stderr}")


def read_bug(path):
    name = os.path.basename(path).removesuffix(".patch")
    with open(path, encoding="utf-8") as lines:
        head = lines.read().partition("\n--- ")[0]
    fields = re.findall(r"^(Plants|Needs|Red): (.+)$", head, re.M)
    plants = [text for field, text in fields if field == "Plants"]
    reds = [Red(text.split()[0], text.split()[1:]) for field, text in fields if field == "Red"]
    if len(plants) != 1 or not reds or not all(red.which for red in reds):
        raise Wrong(f"{name}: one Plants, and Red with a file and what in it")
    for red in reds:
        if not os.path.exists(os.path.join(TOP, "tests", red.file)):
            raise Wrong(f"{name}: there is no tests/{red.file}")
    return Bug(name, path, plants[0], ("Needs", "root") in fields, reds)


def read_all():
    return [read_bug(path) for path in sorted(glob.glob(os.path.join(HERE, "planted", "*.patch")))]


# The copy of the tree ------------------------------------------------------------------------------------------------


def octets_of(path):
    if os.path.islink(path):
        return os.readlink(path)
    with open(path, "rb") as file:
        return file.read()


def copy_tree():
    """Makes the copy what the tree is now. A file that is the same is not touched, so that it is not built again."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, check=True, timeout=60)
    names = {name for name in os.fsdecode(listed.stdout).split("\0") if name and os.path.lexists(os.path.join(TOP, name))}
    for name in names:
        source, target = os.path.join(TOP, name), os.path.join(TREE, name)
        if os.path.lexists(target) and octets_of(target) == octets_of(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        shutil.copy(source, target, follow_symlinks=False)
    for folder, folders, files in os.walk(TREE):
        if folder == TREE and "build" in folders:
            folders.remove("build")
        for path in [os.path.join(folder, name) for name in files]:
            if os.path.relpath(path, TREE) not in names:
                os.unlink(path)


def build():
    """Compiles what has changed; seconds. The paths are those of the tree, relative to the copy, for the compiler cache."""
    start = time.monotonic()
    environment = {**os.environ, "CCACHE_BASEDIR": TREE, "CCACHE_NOHASHDIR": "1"}
    if shutil.which("ccache"):
        environment["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    jobs = os.environ.get("FACTEUR_JOBS") or str(os.cpu_count())
    steps = [["cmake", "--preset", "release"]] if not os.path.exists(os.path.join(TREE, "build/release/build.ninja")) else []
    steps.append(["cmake", "--build", "--preset", "release", "-j", jobs])
    for step in steps:
        told = subprocess.run(step, cwd=TREE, env=environment, capture_output=True, text=True, timeout=BUILD_LIMIT)
        if told.returncode:
            raise Wrong(f"it does not build\n{(told.stdout + told.stderr)[-3000:]}")
    return time.monotonic() - start


# A run of tests ------------------------------------------------------------------------------------------------------


def children():
    """The processes that are ours: those a test left behind, too, because we are their reaper."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(stat) as text:
            fields = text.read().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                found.append(int(stat.split("/")[2]))
    return found


def end_children():
    while left := children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def run_tests(red):
    """What the tests said, in a folder of their own that goes with them."""
    folder = tempfile.mkdtemp(prefix="facteur-planted-", dir="/tmp")
    os.chmod(folder, 0o755)
    command = ["/usr/bin/python3", os.path.join(TREE, "tests", red.file)]
    for pattern in red.patterns():
        command += ["-k", pattern]
    environment = {**os.environ, "FACTEUR_BIN": BIN, "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("FACTEUR_FULL", None)
    try:
        told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TEST_LIMIT,
                              stdin=subprocess.DEVNULL)
        output = told.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        raise Wrong(f"{red}: no end after {TEST_LIMIT} s") from None
    finally:
        end_children()
        shutil.rmtree(folder, ignore_errors=True)
    ran = re.search(r"^Ran (\d+) tests? in", output, re.M)
    if not ran or int(ran.group(1)) == 0 or "SKIPPED:" in output:
        raise Wrong(f"{red}: was not run\n{output[-3000:]}")
    return told.returncode, output


def check_green(red):
    start = time.monotonic()
    status, output = run_tests(red)
    if status:
        raise Wrong(f"{red}: fails without a bug\n{output[-6000:]}")
    print(f"  green: {red} ({time.monotonic() - start:.0f} s)", flush=True)


def check_red(bug):
    bug.patch()
    try:
        print(f"{bug.name}: {bug.plants}\n  built ({build():.0f} s)", flush=True)
        for red in bug.reds:
            start = time.monotonic()
            _, output = run_tests(red)
            missing = red.missing(output)
            if missing:
                raise Wrong(f"{bug.name}: {red.file} does not see it in {' '.join(missing)}\n{output[-3000:]}")
            print(f"  red: {red} ({time.monotonic() - start:.0f} s)", flush=True)
    finally:
        bug.patch("-R")


def run(bugs, chosen, seed):
    """What is wrong: with any patch, and with what the tests make of those chosen."""
    start = time.monotonic()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.makedirs(TREE, exist_ok=True)
    with open(os.path.join(FOLDER, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy_tree()
        wrong = [told for bug in bugs if (told := attempt(bug.patch, "--dry-run"))]
        told = attempt(lambda: print(f"the tree as it is\n  built ({build():.0f} s)", flush=True))
        if told:
            return wrong + [told]
        for red in {str(red): red for bug in chosen for red in bug.reds}.values():
            wrong += [told for told in [attempt(check_green, red)] if told]
        for bug in chosen:
            wrong += [told for told in [attempt(check_red, bug)] if told]
        copy_tree()
    names = ", ".join(bug.name for bug in chosen)
    print(f"planted: {names}; {len(wrong)} wrong{f', seed {seed}' if seed else ''} ({time.monotonic() - start:.0f} s)")
    return wrong


def attempt(check, *arguments):
    try:
        check(*arguments)
    except (Wrong, subprocess.SubprocessError) as why:
        print(f"WRONG: {why}", file=sys.stderr, flush=True)
        return str(why)
    return None
