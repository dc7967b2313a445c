"""A Postfix unpacked from Debian's package, with a configuration, a spool and users of its own.

Its settings are Debian's, but for where things are; chroot is off, which costs it nothing while it serves."""
from peer import Peer, free_uids

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


class Postfix(Peer):
    name = "Postfix"
    begin = 'exec "$2/usr/lib/postfix/sbin/master" -c "$1/etc" -d'
    greetings = {"smtp": b"220"}

    @staticmethod
    def libraries(root):
        return f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"

    def __init__(self, folder, root, logins):
        super().__init__(folder, root)
        self.logins = logins
        self.environment = {"LD_LIBRARY_PATH": self.libraries(root)}
        self.owner_id, self.group_id, self.mail_id = free_uids(3)

    def prepare(self):
        for name in ("", "etc", "spool", "spool/pid"):
            self.folder(name)
        for name in "active bounce corrupt defer deferred flush hold incoming private saved trace".split():
            self.folder(f"spool/{name}", 0o700, self.owner_id)
        self.folder("spool/public", 0o710, self.owner_id, self.group_id)
        self.folder("spool/maildrop", 0o730, self.owner_id, self.group_id)
        self.folder("data", 0o700, self.owner_id)
        self.folder("mail", 0o700, self.mail_id, self.mail_id)
        self.accounts({OWNER: self.owner_id}, {OWNER: self.owner_id, GROUP: self.group_id})
        self.write("etc/master.cf", SERVICES.format(port=self.ports["smtp"]))
        self.write("etc/main.cf", SETTINGS.format(
            root=self.root, base=self.base, libraries=self.libraries(self.root), owner=OWNER, group=GROUP, mail_uid=self.mail_id,
            boxes=", ".join(f"{{{login}@example.test={login}/}}" for login in self.logins)))

    def maildir(self, login):
        return self.path(f"mail/{login}")
