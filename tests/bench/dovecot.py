"""A Dovecot 2.3 unpacked from Debian's packages, with a configuration, a run folder and users of its own.

Its programs look for each other and for their libraries below /usr, so an overlay puts the unpacked files there, in its own mount
namespace alone. Its settings are Debian's, but for where things are: mail is in Maildirs, passwords are plain in a file, TLS is off."""
import os
import subprocess

from peer import Peer, free_uids

PACKAGES = ["dovecot-core", "dovecot-imapd", "dovecot-pop3d", "libsodium23", "libunwind8"]
OVERLAY = 'mount -t overlay overlay -o "lowerdir=$2/usr:/usr" /usr'
SETTINGS = """\
protocols = imap pop3
listen = 127.0.0.1
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
default_internal_user = {internal}
default_internal_group = {internal}
default_login_user = {login}
ssl = no
mail_location = maildir:~
mail_max_userip_connections = 10000
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={homes}
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""
# What Dovecot's manual calls the high-performance mode: processes are there before the client and serve more than one.
FAST_LOGINS = """\
service imap-login {{
  service_count = 0
  process_min_avail = {processors}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = {processors}
}}
service imap {{
  service_count = 256
  process_min_avail = {processors}
}}
service pop3 {{
  service_count = 256
  process_min_avail = {processors}
}}
service auth {{
  client_limit = 10000
}}
service anvil {{
  client_limit = 10000
}}
"""
INTERNAL, LOGIN = "bench-dovecot", "bench-dovenull"


def overlay_refused(root):
    """Why the kernel makes no such overlay here; empty when it does."""
    tried = subprocess.run(["unshare", "-m", "sh", "-c", f"mount --make-rprivate / && {OVERLAY}", "sh", "", root],
                           capture_output=True, text=True, timeout=20)
    return "" if tried.returncode == 0 else tried.stderr.strip() or "no reason given"


class Dovecot(Peer):
    """`owner` is the uid and gid of the mail, `logins` are its accounts. `homes` are the Maildirs that it serves, with %u for the login;
    without them it has empty ones of its own."""

    name = "Dovecot"
    begin = OVERLAY + ' && exec /usr/sbin/dovecot -F -c "$1/dovecot.conf"'
    greetings = {"imap": b"* OK", "pop3": b"+OK"}

    def __init__(self, folder, root, owner, logins, password, fast_logins=False, homes=None):
        super().__init__(folder, root)
        self.owner, self.logins, self.password, self.fast_logins = owner, logins, password, fast_logins
        self.homes = homes or self.path("mail/%u")
        self.internal_id, self.login_id = free_uids(2)
        if fast_logins:
            self.name = "Dovecot-hp"  # so that a table tells which it is

    def prepare(self):
        for name in ("", "run", "state"):
            self.folder(name)
        if self.homes == self.path("mail/%u"):
            self.make_homes()
        ids = {INTERNAL: self.internal_id, LOGIN: self.login_id}
        self.accounts(ids, ids)
        self.write("users", "".join(f"{login}:{self.password}\n" for login in self.logins))
        settings = SETTINGS + (FAST_LOGINS if self.fast_logins else "")
        self.write("dovecot.conf", settings.format(base=self.base, internal=INTERNAL, login=LOGIN, uid=self.owner[0], gid=self.owner[1],
                                                   homes=self.homes, processors=os.cpu_count(), **self.ports))

    def make_homes(self):
        self.folder("mail", 0o711, *self.owner)
        for login in self.logins:
            for name in ("", "/cur", "/new", "/tmp"):
                self.folder(f"mail/{login}{name}", 0o700, *self.owner)

    def maildir(self, login):
        return self.homes.replace("%u", login)
