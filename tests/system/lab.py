"""Networks for the system tests: hosts and switches that are network namespaces without a name, so that nothing is left of them when
the test ends, however it ends. Needs root."""
import contextlib
import ctypes
import grp
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile

import harness
from harness import wait_until

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

NSD_CONFIG = """server:
  ip-address: {address}@53
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  server-count: 1
remote-control:
  control-enable: no
"""


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def run(*command):
    subprocess.run(command, check=True, timeout=20)


def ends_with_us(*command):
    """A command that ends when the test is gone."""
    return ["setpriv", "--pdeathsig", "TERM", *command]


def free_uid():
    """A number that no account and no group has."""
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    return next(uid for uid in range(63310, 65000) if uid not in taken)


class Lab:
    """Hosts on switches; all ends with the with-block."""

    def __init__(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.networks = {}
        self.holders = {}
        self.servers = []
        self.folders = []
        self.programs = None
        self.uid = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.BIN = self.programs or harness.BIN
        for process in [*self.servers, *self.holders.values()]:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for descriptor in [*self.networks.values(), self.home]:
            os.close(descriptor)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def make(self, name):
        """A new network namespace with loopback."""
        check(LIBC.unshare(CLONE_NEWNET))
        try:
            self.networks[name] = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            run("ip", "link", "set", "lo", "up")
        finally:
            check(LIBC.setns(self.home, CLONE_NEWNET))

    @contextlib.contextmanager
    def inside(self, name):
        """Sockets and processes made in the with-block belong to this host."""
        outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            check(LIBC.setns(self.networks[name], CLONE_NEWNET))
            yield
        finally:
            check(LIBC.setns(outside, CLONE_NEWNET))
            os.close(outside)

    def switch(self, name):
        self.make(name)
        with self.inside(name):
            run("ip", "link", "add", "bridge", "type", "bridge")
            run("ip", "link", "set", "bridge", "up")
            # ip wants a process to name a namespace that has no name
            self.holders[name] = subprocess.Popen(ends_with_us("sleep", "3600"))

    def host(self, name, **addresses):
        """A host with an address with its prefix length on each of these switches."""
        self.make(name)
        for switch, address in addresses.items():
            port = f"port-{name}"[:15]
            with self.inside(name):
                run("ip", "link", "add", f"to-{switch}"[:15], "type", "veth", "peer", "name", port, "netns",
                    str(self.holders[switch].pid))
                run("ip", "address", "add", address, "dev", f"to-{switch}"[:15])
                run("ip", "link", "set", "dev", f"to-{switch}"[:15], "up")
            with self.inside(switch):
                run("ip", "link", "set", "dev", port, "master", "bridge", "up")

    def programs_as_user(self):
        """From now on demos run under a uid that has no account, on a copy of the programs that it can read."""
        folder = tempfile.mkdtemp(prefix="facteur-lab-")
        self.folders.append(folder)
        os.chmod(folder, 0o755)
        shutil.copytree(harness.BIN, os.path.join(folder, "bin"), symlinks=True)
        for name in os.listdir(os.path.join(folder, "bin")):
            path = os.path.join(folder, "bin", name)
            if not os.path.islink(path):
                os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | 0o555)
        self.programs, harness.BIN = harness.BIN, os.path.join(folder, "bin")
        self.uid = free_uid()

    def demo(self, host, **options):
        """A demo on a host, on the standard ports, not yet started."""
        prefix = ()
        if self.uid is not None:
            with self.inside(host):
                with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w") as lowest:
                    lowest.write("0")
            prefix = ("setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups")
        demo = harness.Demo("--port-base", "0", prefix=prefix, **options)
        if self.uid is not None:
            os.chown(demo.directory, self.uid, self.uid)
        return demo

    def name_server(self, host, address, zones):
        """Debian's nsd with these zones: name to lines of records."""
        folder = tempfile.mkdtemp(prefix="facteur-nsd-")
        self.folders.append(folder)
        config = NSD_CONFIG.format(address=address, folder=folder)
        for zone, records in zones.items():
            with open(os.path.join(folder, zone + "zone"), "w") as file:
                file.write(f"$ORIGIN {zone}\n$TTL 60\n@ SOA ns.{zone} hostmaster.{zone} 1 3600 900 86400 60\n@ NS ns.{zone}\n")
                file.write("".join(record + "\n" for record in records))
            config += f'zone:\n  name: "{zone}"\n  zonefile: "{zone}zone"\n'
        path = os.path.join(folder, "nsd.conf")
        with open(path, "w") as file:
            file.write(config)
        with self.inside(host):
            self.servers.append(subprocess.Popen(ends_with_us("nsd", "-d", "-c", path)))
            wait_until(lambda: answers(address, next(iter(zones))), 15, "an answer of the name server")


def answers(address, zone):
    """Whether a name server serves the zone, asked for its SOA by hand: the tests need no tool for it."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in zone.rstrip(".").split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.5)
        try:
            asking.sendto(b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + name + b"\0\6\0\1", (address, 53))
            reply = asking.recv(512)
        except OSError:
            return False
        return reply[:2] == b"\x12\x34" and reply[3] & 15 == 0 and reply[7] > 0
