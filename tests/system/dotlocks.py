"""Dotlocks of another program in the system's mail folder: Debian's dotlockfile, run by the owner of the mbox."""
import contextlib
import subprocess
import threading
import time

DOTLOCKFILE = "/usr/bin/dotlockfile"
HELD = 4  # L_MAXTRYS of lockfile_create(3)


class OtherProgram:
    def __init__(self, uid, lock):
        self.lock = lock
        self.as_user = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]

    def run(self, *arguments):
        return subprocess.run([*self.as_user, DOTLOCKFILE, *arguments, self.lock], timeout=60).returncode

    def try_lock(self, *options):
        """One attempt; its exit status. The lock names no process unless the options say so (-p)."""
        return self.run("-l", *options, "-r", "0")

    def unlock(self):
        self.run("-u")

    @contextlib.contextmanager
    def holds(self):
        assert self.try_lock() == 0
        try:
            yield
        finally:
            self.unlock()

    @contextlib.contextmanager
    def holds_for(self, seconds):
        """The same, given back while the with-block runs; the list that it gives tells when."""
        told = []

        def give_back():
            time.sleep(seconds)
            told.append(time.monotonic())
            self.unlock()

        assert self.try_lock() == 0
        thread = threading.Thread(target=give_back)
        thread.start()
        try:
            yield told
        finally:
            thread.join()
