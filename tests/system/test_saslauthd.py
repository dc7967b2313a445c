"""Logins of system users through Debian's own saslauthd, which looks into shadow.

As root, with passwd and shadow of its own in private mount namespaces and saslauthd's socket in a folder of its own."""
import imaplib
import os
import poplib
import smtplib
import tempfile
import unittest

from accounts import Saslauthd, make_accounts
from harness import Demo, main, message, need_root, wait_until

UID = 61601
PASSWORDS = {"fjim": "right horse", "fann": "another-$1-one", "flate": "never asked"}
WITH_ACCOUNTS = ["unshare", "-m", "sh", "-ec",
                 'mount --make-rprivate /; mount --bind "$1" /etc/passwd; mount --bind "$2" /etc/shadow; shift 2; exec "$@"', "sh"]


class SaslauthdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root(cls())
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="facteur-saslauthd-", dir="/var/tmp"))
        os.chmod(cls.folder, 0o755)
        accounts = [*WITH_ACCOUNTS, *make_accounts(cls.folder, PASSWORDS, UID)]
        socket_folder = os.path.join(cls.folder, "run")
        os.mkdir(socket_folder, 0o755)
        cls.saslauthd = cls.enterClassContext(Saslauthd(accounts, socket_folder))
        directory = os.path.join(cls.folder, "demo")
        os.mkdir(directory)
        cls.demo = cls.enterClassContext(Demo(directory=directory, prefix=accounts, settings=[
            "system_users=yes", "mail_location=maildir:~/Maildir", f"saslauthd_path={cls.saslauthd.socket}",
            "auth_failure_delay=0s"]))

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


if __name__ == "__main__":
    main()
