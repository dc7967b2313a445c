"""A Postfix unpacked from Debian's package, with a configuration, a spool and users of its own.

It is never installed: it runs in a private mount namespace where /etc/passwd and /etc/group have the two accounts it insists
on. Its settings are Debian's, but for where things are; chroot is off, which costs it nothing while it serves."""
import os
import pwd
import signal
import socket
import subprocess
import time

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
SETTINGS = """\
compatibility_level = 3.6
daemon_directory = {root}/usr/lib/postfix/sbin
command_directory = {root}/usr/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {base}/etc
queue_directory = {base}/spool
data_directory = {base}/data
maillog_file = {base}/log
maillog_file_prefixes = {base}
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}
mail_owner = {owner}
setgid_group = {group}
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
virtual_mailbox_domains = example.test
virtual_mailbox_base = {base}/mail
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{mail_uid}
virtual_gid_maps = static:{mail_uid}
"""
OWNER, GROUP = "bench-postfix", "bench-postdrop"


def free_uids(count):
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return [uid for uid in range(63400, 64000) if uid not in taken][:count]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postfix:
    """Runs from `with` to its end; `pid` is its master."""

    name = "Postfix"

    @staticmethod
    def libraries(root):
        return f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"

    def __init__(self, folder, root, accounts):
        self.base, self.root, self.accounts = os.path.join(folder, "postfix"), root, accounts
        self.port = free_port()
        self.owner_id, self.group_id, self.mail_id = free_uids(3)
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

    def prepare(self):
        for name in ("", "etc", "spool", "spool/pid"):
            self.folder(name)
        for name in "active bounce corrupt defer deferred flush hold incoming private saved trace".split():
            self.folder(f"spool/{name}", 0o700, self.owner_id)
        self.folder("spool/public", 0o710, self.owner_id, self.group_id)
        self.folder("spool/maildrop", 0o730, self.owner_id, self.group_id)
        self.folder("data", 0o700, self.owner_id)
        self.folder("mail", 0o700, self.mail_id, self.mail_id)
        with open("/etc/passwd") as users, open("/etc/group") as groups:
            self.write("passwd", f"{users.read()}{OWNER}:x:{self.owner_id}:{self.owner_id}::/:/usr/sbin/nologin\n")
            self.write("group", f"{groups.read()}{OWNER}:x:{self.owner_id}:\n{GROUP}:x:{self.group_id}:\n")
        self.write("etc/master.cf", SERVICES.format(port=self.port))
        self.write("etc/main.cf", SETTINGS.format(
            root=self.root, base=self.base, libraries=self.libraries(self.root), owner=OWNER, group=GROUP, mail_uid=self.mail_id,
            boxes=", ".join(f"{{{account}@example.test={account}/}}" for account in self.accounts)))

    def __enter__(self):
        self.prepare()
        begin = ('mount --make-rprivate / && mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && '
                 'exec "$2/usr/lib/postfix/sbin/master" -c "$1/etc" -d')
        self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", begin, "sh", self.base, self.root], start_new_session=True,
                                        env={**os.environ, "LD_LIBRARY_PATH": self.libraries(self.root)})
        self.pid = self.process.pid
        try:
            self.wait_for_greeting()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def wait_for_greeting(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                    if client.recv(3) == b"220":
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"Postfix did not start: {self.log()}")

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

    def inbox(self, account):
        return self.path(f"mail/{account}/new")
