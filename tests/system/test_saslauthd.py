"""Logins of system users through Debian's own saslauthd, which looks into shadow.

As root, with passwd and shadow of its own in private mount namespaces and saslauthd's socket in a folder of its own."""
import imaplib
import os
import poplib
import shutil
import smtplib
import subprocess
import tempfile
import unittest

from harness import Demo, main, message, need_root, wait_until
from lab import ends_with_us

UID = 61601
PASSWORDS = {"fjim": "right horse", "fann": "another-$1-one", "flate": "never asked"}
WITH_ACCOUNTS = ["unshare", "-m", "sh", "-ec",
                 'mount --make-rprivate /; mount --bind "$1" /etc/passwd; mount --bind "$2" /etc/shadow; shift 2; exec "$@"', "sh"]


def hash_of(password):
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, text=True, capture_output=True, check=True,
                          timeout=20).stdout.strip()


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


class SaslauthdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root(cls())
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="facteur-saslauthd-", dir="/var/tmp"))
        os.chmod(cls.folder, 0o755)
        accounts = [*WITH_ACCOUNTS, *cls.make_accounts()]
        socket_folder = os.path.join(cls.folder, "run")
        os.mkdir(socket_folder, 0o755)
        cls.saslauthd = cls.enterClassContext(Saslauthd(accounts, socket_folder))
        directory = os.path.join(cls.folder, "demo")
        os.mkdir(directory)
        cls.demo = cls.enterClassContext(Demo(directory=directory, prefix=accounts, settings=[
            "system_users=yes", "mail_location=maildir:~/Maildir", f"saslauthd_path={cls.saslauthd.socket}",
            "auth_failure_delay=0s"]))

    @classmethod
    def make_accounts(cls):
        """The paths of a passwd and a shadow with our users."""
        paths = [os.path.join(cls.folder, name) for name in ("passwd", "shadow")]
        for path, mode in zip(paths, (0o644, 0o600)):
            shutil.copy(os.path.join("/etc", os.path.basename(path)), path)
            os.chmod(path, mode)
        with open(paths[0], "a") as passwd, open(paths[1], "a") as shadow:
            for uid, (name, password) in enumerate(PASSWORDS.items(), UID):
                home = os.path.join(cls.folder, name)
                os.mkdir(home, 0o700)
                os.chown(home, uid, uid)
                passwd.write(f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n")
                shadow.write(f"{name}:{hash_of(password)}:19000:0:99999:7:::\n")
        return paths

    # One login a protocol; what is raised is what the client says of it.

    def smtp(self, name, password, mechanism):
        with self.demo.smtp() as client:
            client.ehlo()
            client.user, client.password = name, password
            return client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))[0]

    def pop3(self, name, password):
        client = poplib.POP3("127.0.0.1", self.demo.port("pop3"), timeout=20)
        try:
            client.user(name)
            client.pass_(password)
            return client.stat()
        finally:
            client.close()

    def imap(self, name, password):
        client = imaplib.IMAP4("127.0.0.1", self.demo.port("imap"), timeout=20)
        try:
            client.login(name, password)
            return client.select()[0]
        finally:
            client.shutdown()

    def test_the_right_password(self):
        self.demo.send("sender@outside.test", "fjim@example.test", message("for a system user", to="fjim@example.test"))
        wait_until(lambda: "status=sent" in self.demo.log_text(), 10, "a delivery")
        for mechanism in ("PLAIN", "LOGIN"):
            self.assertEqual(self.smtp("fjim", PASSWORDS["fjim"], mechanism), 235)
        self.assertEqual(self.smtp("fjim@example.test", PASSWORDS["fjim"], "PLAIN"), 235)
        self.assertEqual(self.pop3("fjim", PASSWORDS["fjim"])[0], 1)
        self.assertEqual(self.imap("fann", PASSWORDS["fann"]), "OK")

    def test_a_wrong_password(self):
        for wrong in ("wrong", PASSWORDS["fann"], PASSWORDS["fjim"] + "x", PASSWORDS["fjim"][:-1]):
            for mechanism in ("PLAIN", "LOGIN"):
                with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                    self.smtp("fjim", wrong, mechanism)
                self.assertEqual(refused.exception.smtp_code, 535)
        with self.assertRaisesRegex(poplib.error_proto, r"\[AUTH\]"):
            self.pop3("fjim", "wrong")
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            self.imap("fjim", "wrong")
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            self.smtp("root", "wrong", "PLAIN")

    def test_without_saslauthd_nobody_is_told_that_his_password_is_wrong(self):
        """With a user whose password has not been verified yet: what was verified is remembered for a while."""
        self.saslauthd.stop()
        try:
            for password in (PASSWORDS["flate"], "wrong"):
                for mechanism in ("PLAIN", "LOGIN"):
                    with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                        self.smtp("flate", password, mechanism)
                    self.assertEqual(refused.exception.smtp_code, 454)
                with self.assertRaisesRegex(poplib.error_proto, r"\[SYS/TEMP\]"):
                    self.pop3("flate", password)
                with self.assertRaisesRegex(imaplib.IMAP4.error, "UNAVAILABLE"):
                    self.imap("flate", password)
            self.assertIn(self.saslauthd.socket, self.demo.log_text())
        finally:
            self.saslauthd.start()
        self.assertEqual(self.smtp("flate", PASSWORDS["flate"], "PLAIN"), 235)


if os.geteuid() != 0:
    del SaslauthdTest  # about root; it runs in the other of the two runs

if __name__ == "__main__":
    main()
