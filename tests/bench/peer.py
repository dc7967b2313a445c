"""A server of others, unpacked from Debian's packages and never installed: it runs in a private mount namespace where /etc/passwd and
/etc/group have the accounts it insists on. What Postfix and Dovecot have in common here."""
import os
import pwd
import signal
import socket
import subprocess
import time

PRIVATE = 'mount --make-rprivate / && mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && '


def free_uids(count):
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return [uid for uid in range(63400, 64000) if uid not in taken][:count]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """Runs from `with` to its end; `pid` is its master. A subclass says how it is prepared and begun, and how it greets."""

    name = begin = None  # `begin`: for sh, where $1 is `base` and $2 is `root`
    greetings = {}  # its protocols, and how a greeting begins
    environment = {}

    def __init__(self, folder, root):
        self.base, self.root = os.path.join(folder, self.name.lower()), root
        self.ports = {protocol: free_port() for protocol in self.greetings}
        self.process = None

    def path(self, name):
        return os.path.join(self.base, name)

    def folder(self, name, mode=0o755, uid=0, gid=0):
        os.makedirs(self.path(name), exist_ok=True)
        os.chown(self.path(name), uid, gid)
        os.chmod(self.path(name), mode)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def accounts(self, users, groups):
        """passwd and group as they are, and these: name to uid, and to gid."""
        with open("/etc/passwd") as file:
            self.write("passwd", file.read() + "".join(f"{name}:x:{uid}:{uid}::/:/usr/sbin/nologin\n" for name, uid in users.items()))
        with open("/etc/group") as file:
            self.write("group", file.read() + "".join(f"{name}:x:{gid}:\n" for name, gid in groups.items()))

    def __enter__(self):
        self.prepare()
        self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", PRIVATE + self.begin, "sh", self.base, self.root],
                                        start_new_session=True, env={**os.environ, **self.environment})
        self.pid = self.process.pid
        try:
            for protocol, greeting in self.greetings.items():
                self.wait_for(greeting, self.ports[protocol])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def wait_for(self, greeting, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    if client.recv(len(greeting)) == greeting:
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not start: {self.log()}")

    def log(self):
        try:
            with open(self.path("log"), errors="replace") as file:
                return file.read()[-3000:]
        except OSError:
            return "no log"

    def __exit__(self, *reason):
        """Its master leads a process group of its own, in which all its processes are."""
        if reason[0] is not None:
            print(self.log(), flush=True)
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, signal_)
                self.process.wait(timeout=10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
