"""File systems whose power can be cut: ext4 on an image of its own behind a loop device. A cut is the kernel's shutdown of the file
system without a flush of its log: what was not synced is gone when it is mounted again, and that mount replays the log.

All of it lives in a mount namespace of the test, so that nothing is left when the test ends, however it ends. A disk with a cache of
its own, which a real cut empties as well, is not modelled."""
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import struct
import subprocess

from harness import need_root, wait_until

CLONE_NEWNS = 0x00020000
EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
# Nothing is written by the kernel of its own accord within a test: only what was synced is there after a cut.
OPTIONS = "loop,commit=600"
SIZE = "256M"


def need_power_cuts(test):
    """Skips, loudly, where there is no root, no mkfs.ext4 or no loop device; else mounts are the test's own from now on."""
    need_root(test)
    if not shutil.which("mkfs.ext4") or not os.path.exists("/dev/loop-control"):
        print("SKIPPED: needs mkfs.ext4 and loop devices", flush=True)
        test.skipTest("needs mkfs.ext4 and loop devices")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")


def run(*command):
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if told.returncode:
        raise AssertionError(f"{' '.join(command)}: {told.stderr}")


class Disk:
    """One file system; it is unmounted with the with-block."""

    def __init__(self, image, path):
        self.image, self.path = image, path
        self.mounted = False

    def __enter__(self):
        with open(self.image, "wb") as image:
            image.truncate(0)
        run("mkfs.ext4", "-q", "-F", "-m", "0", self.image, SIZE)
        os.makedirs(self.path, exist_ok=True)
        self.mount()
        os.rmdir(os.path.join(self.path, "lost+found"))
        return self

    def __exit__(self, *_):
        if self.mounted:
            self.unmount()

    def mount(self):
        run("mount", "-o", OPTIONS, self.image, self.path)
        self.mounted = True

    def unmount(self):
        """As soon as the last of those that were killed has let go of it."""
        def gone():
            return subprocess.run(["umount", self.path], capture_output=True, timeout=60).returncode == 0
        wait_until(gone, 15, f"nobody uses {self.path}")
        self.mounted = False

    def sync(self):
        """All of it, as after a long time of rest."""
        run("sync", "-f", self.path)

    def cut(self):
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)


def family(pid):
    """A process and all below it."""
    below = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as stat:
            below.setdefault(int(stat.read().rpartition(")")[2].split()[1]), []).append(int(name))
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found


def kill_family(process):
    """SIGKILL for a Popen and all below it; what it started meanwhile ends by itself, for its door is closed."""
    for pid in family(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(timeout=10)
    process.stdout.close()


def cut_power(process, disks):
    """Everything stops: the disks first, so that nobody can save anything any more."""
    for disk in disks:
        disk.cut()
    kill_family(process)
    for disk in reversed(disks):
        disk.unmount()
    for disk in disks:
        disk.mount()
