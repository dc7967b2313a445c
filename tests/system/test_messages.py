"""Messages that we did not write, and odd ones that we did: what is sent by SMTP is what POP3 and IMAP give back.

Byte-exact means: after line ends are made CRLF, below the trace fields that reception and delivery put on top."""
import glob
import imaplib
import os
import poplib
import re
import tempfile
import unittest

from debian import unpack
from harness import PASSWORD, Demo, main, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "../samples")
PYTHON = "usr/lib/python3.11/test/test_email/data/msg_*.txt"
SPAMASSASSIN = "usr/share/doc/spamassassin/examples/sample-*.txt"

# What becomes of each of our samples: a reply that refuses it, or what is read back.
KEPT = None
OUTCOMES = {
    "8bit-headers.eml": KEPT,
    "bare-cr.eml": lambda octets: re.sub(rb"\r(?!\n)", b" ", octets),
    "bare-lf.eml": lambda octets: re.sub(rb"\r?\n", b"\r\n", octets),
    "control.eml": KEPT,
    "dots.eml": KEPT,
    "empty-body.eml": KEPT,
    "from-line.eml": KEPT,
    "headers-only.eml": KEPT,
    "long-lines.eml": KEPT,
    "no-headers.eml": KEPT,
    "nul-in-header.eml": (550, b"5.6.0"),
    "nul.eml": (550, b"5.6.0"),
}
TRACE = re.compile(rb"\A((Return-Path|X-Original-To|Delivered-To|Received): [^\r\n]*\r\n([ \t][^\r\n]*\r\n)*)+")

FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


def contents(pattern, folder="/"):
    paths = sorted(glob.glob(os.path.join(folder, pattern)))
    found = {}
    for path in paths:
        with open(path, "rb") as file:
            found[os.path.basename(path)] = file.read()
    return found


def stuffed(octets):
    """As it goes over the wire: only a line that follows CRLF is one (RFC 5321 section 4.5.2)."""
    octets = re.sub(rb"(\A|\r\n)\.", rb"\1..", octets)
    return octets + (b".\r\n" if octets.endswith(b"\r\n") else b"\r\n.\r\n")


class MessagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = Demo(users=3).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.demo.__exit__(None, None, None)

    def send(self, client, login, octets):
        self.assertEqual(client.mail("x@outside.test")[0], 250)
        self.assertEqual(client.rcpt(f"{login}@example.test")[0], 250)
        self.assertEqual(client.docmd("DATA")[0], 354)
        client.send(stuffed(octets))
        return client.getreply()

    def by_pop3(self, login):
        box = poplib.POP3("127.0.0.1", self.demo.port("pop3"), timeout=20)
        poplib._MAXLINE, old = 1 << 20, poplib._MAXLINE  # the library's bound on a line is below that of a long-line sample
        try:
            box.user(login)
            box.pass_(PASSWORD)
            messages = []
            for number in range(1, box.stat()[0] + 1):
                _, lines, size = box.retr(number)
                octets = b"".join(line + b"\r\n" for line in lines)
                self.assertEqual(len(octets), size)
                self.assertEqual(box.list(number).split()[-1], str(size).encode())
                messages.append(octets)
            box.quit()
        finally:
            poplib._MAXLINE = old
        return messages

    def by_imap(self, login):
        box = imaplib.IMAP4("127.0.0.1", self.demo.port("imap"), timeout=20)
        box.login(login, PASSWORD)
        box.select("INBOX", readonly=True)
        messages = []
        for number in box.search(None, "ALL")[1][0].decode().split():
            _, data = box.fetch(number, "(RFC822.SIZE BODY.PEEK[])")
            messages.append(data[0][1])
            self.assertIn(f"RFC822.SIZE {len(data[0][1])} ".encode(), data[0][0])
            _, data = box.fetch(number, "(BODY.PEEK[HEADER] BODY.PEEK[TEXT])")
            self.assertEqual(b"".join(sorted((part[1] for part in data if isinstance(part, tuple)),
                                             key=messages[-1].find)), messages[-1])
            self.assertEqual(box.fetch(number, "(ENVELOPE BODYSTRUCTURE)")[0], "OK")
        box.logout()
        return messages

    def check(self, login, messages, outcomes):
        """Sends all to one account, reads all back by both protocols; each is found by the queue id in its Received field."""
        expected = {}
        with self.demo.smtp() as client:
            client.ehlo()
            for name, octets in messages.items():
                outcome = outcomes.get(name)
                code, text = self.send(client, login, octets)
                if isinstance(outcome, tuple):
                    self.assertEqual((code, text[:5]), outcome, name)
                    continue
                self.assertEqual(code, 250, (name, text))
                wanted = outcome(octets) if outcome else octets
                expected[text.split()[-1]] = (name, wanted if wanted.endswith(b"\r\n") else wanted + b"\r\n")
        wait_until(lambda: len(self.demo.maildir(login)) == len(expected), 30, "all of them in the Maildir")
        for protocol, got in (("POP3", self.by_pop3(login)), ("IMAP", self.by_imap(login))):
            self.assertEqual(len(got), len(expected), protocol)
            for octets in got:
                trace = TRACE.match(octets)
                self.assertTrue(trace, octets[:300])
                name, wanted = expected[re.search(rb"id ([0-9A-Za-z]{10,20})\b", trace[0])[1]]
                self.assertTrue(octets.endswith(wanted), (protocol, name, octets[-300:], wanted[-300:]))
                above = octets[:-len(wanted)]
                self.assertIn(above.count(b"\r\nReceived: "), (0, 1), (protocol, name))
                if not FIELD.match(wanted):  # no header section: an empty line ends ours
                    self.assertTrue(above.endswith(b"\r\n\r\n"), (protocol, name, above))
                    above = above[:-2]
                self.assertTrue(TRACE.fullmatch(above), (protocol, name, above))

    def test_pythons(self):
        found = contents(PYTHON)
        if not found:
            with tempfile.TemporaryDirectory() as folder:
                found = contents(PYTHON, unpack(["libpython3.11-testsuite"], folder))
        self.assertGreater(len(found), 40)
        self.check("u1", {name: re.sub(rb"\r?\n", b"\r\n", octets) for name, octets in found.items()}, {
            name: lambda octets: re.sub(rb"\r(?!\n)", b" ", octets) for name in found})

    def test_spamassassins(self):
        with tempfile.TemporaryDirectory() as folder:
            found = contents(SPAMASSASSIN, unpack(["spamassassin"], folder))
        self.assertEqual(sorted(found), ["sample-nonspam.txt", "sample-spam.txt"])
        self.check("u2", {name: re.sub(rb"\r?\n", b"\r\n", octets) for name, octets in found.items()}, {})

    def test_ours(self):
        found = contents("*.eml", SAMPLES)
        self.assertEqual(sorted(found), sorted(OUTCOMES))
        self.check("u3", found, OUTCOMES)


if __name__ == "__main__":
    main()
