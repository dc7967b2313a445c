"""Clients that we did not write, each doing what its users do: swaks, curl, Python's libraries, fetchmail, mbsync and mutt."""
import imaplib
import os
import poplib
import pty
import pwd
import re
import select
import shutil
import signal
import smtplib
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from harness import PASSWORD, Demo, main, message, parse, wait_until

HOST = "mail.example.test"
PULLED = 1000


def run(*command, input=None, timeout=60, env=None, ok=(0,)):
    """Runs a client; asserts its status. What it printed, both streams."""
    ran = subprocess.run(command, input=input, capture_output=True, timeout=timeout, env={**os.environ, **(env or {})})
    said = ran.stdout + ran.stderr
    if ran.returncode not in ok:
        raise AssertionError(f"{command} ended with {ran.returncode}: {said.decode(errors='replace')[-3000:]}")
    return ran.stdout


def named():
    """A prefix for clients that refuse to run under a uid without an account: root of a user namespace of its own."""
    try:
        pwd.getpwuid(os.geteuid())
        return []
    except KeyError:
        return ["unshare", "-r"]


def crlf(octets):
    return re.sub(rb"\r?\n", b"\r\n", octets)


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = Demo(users=6).__enter__()
        cls.certificate = cls.demo.info["certificate"]

    @classmethod
    def tearDownClass(cls):
        cls.demo.__exit__(None, None, None)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="facteur-clients-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, 0o600)
        return path

    def trusting(self):
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False
        return context

    def expect(self, login, subject):
        """The message of this subject, once it is there."""
        def look():
            return [octets for octets in self.demo.maildir(login).values() if parse(octets)["Subject"] == subject]
        return wait_until(look, 15, f"{subject} for {login}")[0]


class Submit(ClientTest):
    """Programs that send."""

    def swaks(self, port, subject, *options):
        run("swaks", "--server", "127.0.0.1", "--port", str(self.demo.port(port)), "--helo", "client.example.test", "--from",
            "alice@example.test", "--to", "u1@example.test,u2@example.test", "--header", f"Subject: {subject}", "--body",
            ".one\n..two\n", "--timeout", "20", *options)
        for login in ("u1", "u2"):
            octets = self.expect(login, subject)
            self.assertIn(b"\n.one\n..two\n", octets)
        return parse(octets)

    def test_swaks(self):
        auth = ["--auth", "PLAIN", "--auth-user", "alice", "--auth-password", PASSWORD]
        self.assertIn(" ESMTP ", self.swaks("smtp", "swaks 25")["Received"])
        self.assertIn(" ESMTPS ", self.swaks("smtp", "swaks 25 tls", "--tls")["Received"])
        self.assertIn(" ESMTPSA ", self.swaks("submission", "swaks 587", "--tls", *auth)["Received"])
        self.assertIn(" ESMTPSA ", self.swaks("smtps", "swaks 465", "--tls-on-connect", *auth)["Received"])
        auth[1] = "LOGIN"
        self.assertIn(" ESMTPSA ", self.swaks("submission", "swaks 587 login", "--tls", *auth)["Received"])

    def test_swaks_is_refused(self):
        base = ["swaks", "--server", "127.0.0.1", "--timeout", "20", "--from", "x@outside.test"]
        run(*base, "--port", str(self.demo.port("smtp")), "--to", "someone@elsewhere.test", ok=(24,))
        run(*base, "--port", str(self.demo.port("smtps")), "--tls-on-connect", "--to", "u1@example.test", "--auth", "PLAIN",
            "--auth-user", "alice", "--auth-password", "wrong", ok=(28,))

    def test_curl(self):
        for scheme, port, options in (("smtp", "smtp", []),
                                      ("smtp", "submission", ["--ssl-reqd", "--user", f"alice:{PASSWORD}"]),
                                      ("smtps", "smtps", ["--user", f"alice@example.test:{PASSWORD}"])):
            subject = f"curl {port}"
            number = self.demo.port(port)
            run("curl", "-sS", "--max-time", "30", "--cacert", self.certificate, "--resolve", f"{HOST}:{number}:127.0.0.1",
                "--mail-from", "alice@example.test", "--mail-rcpt", "u1@example.test", "--upload-file", "-", *options,
                f"{scheme}://{HOST}:{number}/client.example.test", input=message(subject, ".one\r\n..two").encode())
            self.assertIn(b"\n.one\n..two\n", self.expect("u1", subject))

    def test_smtplib(self):
        with smtplib.SMTP("127.0.0.1", self.demo.port("submission"), timeout=20) as client:
            client.starttls(context=self.trusting())
            client.login("alice", PASSWORD)
            refused = client.sendmail("alice@example.test", ["u1@example.test", "not-there@example.test"],
                                      message("smtplib", "hello"))
            self.assertEqual(list(refused), ["not-there@example.test"])
        self.assertIsNotNone(self.expect("u1", "smtplib"))


class Read(ClientTest):
    """Programs that fetch a few messages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for login in ("alice", "bob", "u3", "u4"):
            for number in range(3):
                cls.demo.send("x@outside.test", f"{login}@example.test", message(f"number {number}", f".dot {number}\r\nend"))
            cls.demo.wait_for_mail(login, 3)

    def curl(self, port, path, *options):
        scheme, number = port, self.demo.port(port)
        return run("curl", "-sS", "--max-time", "30", "--cacert", self.certificate, "--resolve", f"{HOST}:{number}:127.0.0.1",
                   "--user", f"alice:{PASSWORD}", *options, f"{scheme}://{HOST}:{number}/{path}")

    def test_curl(self):
        wanted = sorted(crlf(octets) for octets in self.demo.maildir("alice").values())
        self.assertEqual(len(self.curl("pop3s", "").splitlines()), 3)
        self.assertEqual(sorted(self.curl("pop3s", str(number)) for number in (1, 2, 3)), wanted)
        self.assertEqual(sorted(self.curl("imaps", f"INBOX;MAILINDEX={number}") for number in (1, 2, 3)), wanted)
        self.assertIn(b"INBOX", self.curl("imaps", ""))
        self.assertIn(b"EXISTS", self.curl("imaps", "", "-X", "EXAMINE INBOX"))
        self.assertIn(b"* SEARCH", self.curl("imaps", "INBOX?SUBJECT%20number"))

    def test_python(self):
        wanted = sorted(crlf(octets) for octets in self.demo.maildir("bob").values())
        box = poplib.POP3_SSL("127.0.0.1", self.demo.port("pop3s"), context=self.trusting(), timeout=20)
        box.user("bob")
        box.pass_(PASSWORD)
        self.assertEqual(sorted(b"".join(line + b"\r\n" for line in box.retr(n)[1]) for n in (1, 2, 3)), wanted)
        box.quit()
        box = imaplib.IMAP4_SSL("127.0.0.1", self.demo.port("imaps"), ssl_context=self.trusting(), timeout=20)
        box.login("bob", PASSWORD)
        box.select("INBOX", readonly=True)
        self.assertEqual(sorted(box.fetch(str(n), "(BODY[])")[1][0][1] for n in (1, 2, 3)), wanted)
        box.logout()

    def fetchmail(self, protocol, login, options=""):
        bsmtp = self.path("bsmtp", "")
        rc = self.path("fetchmailrc", f'poll 127.0.0.1 protocol {protocol} port {self.demo.port(protocol + "s")}\n'
                       f'  user "{login}" password "{PASSWORD}" is "me" here ssl sslcertck sslcertfile "{self.certificate}"\n'
                       f'  sslcommonname "{HOST}" {options} bsmtp "{bsmtp}"\n')
        said = run(*named(), "fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--pidfile", self.path("pid"), "-v",
                   env={"HOME": self.folder, "FETCHMAILHOME": self.folder})
        with open(bsmtp, "rb") as file:
            fetched = file.read()
        self.assertEqual(len(re.findall(rb"(?m)^MAIL FROM:", fetched)), 3, said)
        for number in range(3):
            self.assertIn(f"Subject: number {number}".encode(), fetched)
            self.assertRegex(fetched, rb"(?m)^\.\.dot %d\r?$" % number)

    def test_fetchmail_pop3(self):
        self.fetchmail("pop3", "u3")
        self.assertEqual(self.demo.maildir("u3"), {})  # fetched and deleted

    def test_fetchmail_imap(self):
        self.fetchmail("imap", "u4", "keep")
        self.assertEqual(len(self.demo.maildir("u4")), 3)
        self.fetchmail("imap", "u4", "fetchall")
        self.assertEqual(self.demo.maildir("u4"), {})


class Mbsync(ClientTest):
    """A whole mailbox is pulled, and nothing of it differs."""

    def fill(self, login):
        def deliver(part):
            with self.demo.smtp() as client:
                client.ehlo()
                for number in range(part, PULLED, 4):
                    body = f".{number}\r\n" + "x" * (number * 7 % 900) + "\r\n" + f"é {number}\r\n" * (number % 13)
                    client.sendmail("x@outside.test", [f"{login}@example.test"], message(f"{number}", body).encode())
        threads = [threading.Thread(target=deliver, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: len(self.demo.maildir(login)) == PULLED, 120, f"{PULLED} messages")

    def test_pull(self):
        self.fill("u5")
        rc = self.path("mbsyncrc", f'IMAPStore far\nHost localhost\nPort {self.demo.port("imaps")}\nUser u5\nPass "{PASSWORD}"\n'
                       f'SSLType IMAPS\nCertificateFile {self.certificate}\nSystemCertificates no\n\n'
                       f'MaildirStore near\nPath {self.folder}/\nInbox {self.folder}/INBOX\n\n'
                       'Channel all\nFar :far:\nNear :near:\nPattern INBOX\nCreate Near\nSync Pull\nSyncState *\n')
        run("mbsync", "-c", rc, "-a", timeout=120, env={"HOME": self.folder})
        pulled = []
        for folder in ("new", "cur"):
            for name in os.listdir(self.path(f"INBOX/{folder}")):
                with open(self.path(f"INBOX/{folder}/{name}"), "rb") as file:
                    pulled.append(crlf(re.sub(rb"(?m)^X-TUID: .*\r?\n", b"", file.read(), count=1)))  # mbsync's own mark
        held = [crlf(octets) for octets in self.demo.maildir("u5").values()]
        self.assertEqual(len(pulled), PULLED)
        self.assertTrue(sorted(pulled) == sorted(held), "a message that mbsync pulled differs from the one in the Maildir")
        self.assertTrue(all(",S" not in name.rpartition(":2")[2] for name in self.demo.maildir("u5")), "BODY.PEEK[] set a flag")
        run("mbsync", "-c", rc, "-a", timeout=120, env={"HOME": self.folder})  # again: nothing new
        self.assertEqual(sum(len(os.listdir(self.path(f"INBOX/{folder}"))) for folder in ("new", "cur")), PULLED)


class Mutt(ClientTest):
    """mutt works on the Maildir itself, while the servers serve it."""

    def mutt(self, directory, keys):
        rc = self.path("muttrc", "set mbox_type=Maildir\nset move=no\nset confirmappend=no\nset wait_key=no\nset quit=yes\n"
                       "set delete=yes\nset pipe_decode=no\nset header_cache=''\n")
        child, terminal = pty.fork()
        if child == 0:
            command = [*named(), "mutt", "-n", "-F", rc, "-f", directory, "-e", f'push "{keys}"']
            os.execvpe(command[0], command, {**os.environ, "TERM": "vt100", "HOME": self.folder})
        screen, deadline = b"", time.monotonic() + 30
        try:
            while time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.2)[0]:
                    try:
                        piece = os.read(terminal, 4096)
                    except OSError:
                        break
                    if not piece:
                        break
                    screen += piece
            else:
                os.kill(child, signal.SIGKILL)
                raise AssertionError(f"mutt did not end: {screen[-2000:]}")
        finally:
            os.close(terminal)
            status = os.waitpid(child, 0)[1]
        self.assertEqual(status, 0, screen[-2000:])

    def test_mutt(self):
        for number in range(3):
            self.demo.send("x@outside.test", "u6@example.test", message(f"number {number}", "text"))
        held = sorted(self.demo.wait_for_mail("u6", 3))
        box = imaplib.IMAP4("127.0.0.1", self.demo.port("imap"), timeout=20)
        self.addCleanup(box.shutdown)
        box.login("u6", PASSWORD)
        box.select("INBOX")
        out = self.path("piped")
        self.mutt(self.demo.info["mail"]["u6"],
                  "".join(f"<jump>{number}<enter><pipe-message>cat >>{out}<enter>" for number in (1, 2, 3)) +
                  "<tag-pattern>~s 1<enter><tag-prefix><set-flag>!"
                  "<untag-pattern>~A<enter><delete-pattern>~s 2<enter><quit>")
        with open(out, "rb") as file:
            piped = file.read()
        for octets in held:
            self.assertIn(octets.rstrip(b"\n"), piped)
        wait_until(lambda: box.noop() and len(box.search(None, "ALL")[1][0].split()) == 2, 10, "mutt's deletion, by IMAP")
        flagged = box.search(None, "FLAGGED")[1][0].split()
        self.assertEqual(len(flagged), 1)
        fetched = [part[1] for part in box.fetch(flagged[0].decode(), "(BODY.PEEK[])")[1] if isinstance(part, tuple)]
        self.assertEqual([parse(octets)["Subject"] for octets in fetched], ["number 1"])


del ClientTest  # only its children are tests

if __name__ == "__main__":
    main()
