"""System users of a test: a passwd and a shadow with accounts of its own, to be mounted over those of the system in a private mount
namespace, and Debian's saslauthd, which looks into them."""
import os
import shutil
import subprocess

from harness import wait_until
from lab import ends_with_us


def hash_of(password):
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, text=True, capture_output=True, check=True,
                          timeout=20).stdout.strip()


def make_accounts(folder, passwords, first_uid):
    """The paths of a passwd and a shadow with these users (name to password), whose homes are made in the folder."""
    paths = [os.path.join(folder, name) for name in ("passwd", "shadow")]
    for path, mode in zip(paths, (0o644, 0o600)):
        shutil.copy(os.path.join("/etc", os.path.basename(path)), path)
        os.chmod(path, mode)
    with open(paths[0], "a") as passwd, open(paths[1], "a") as shadow:
        for uid, (name, password) in enumerate(passwords.items(), first_uid):
            home = os.path.join(folder, name)
            os.mkdir(home, 0o700)
            os.chown(home, uid, uid)
            passwd.write(f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n")
            shadow.write(f"{name}:{hash_of(password)}:19000:0:99999:7:::\n")
    return paths


class Saslauthd:
    """saslauthd -a shadow with these accounts; it ends with the with-block."""

    def __init__(self, accounts, folder):
        self.socket = os.path.join(folder, "mux")
        self.command = ends_with_us(*accounts, "/usr/sbin/saslauthd", "-d", "-a", "shadow", "-n", "1", "-m", folder)
        self.process = None

    def start(self):
        # A session of its own: at its end it signals its whole process group.
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: os.path.exists(self.socket), 10, "saslauthd's socket")
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop()
