"""8-bit content on its way to a host without 8BITMIME (RFC 6152 section 3), as Python's email package reads it, and to a host
with it, where not an octet changes (TORTURE row MIM-16)."""
import email
import glob
import os
import re
import shutil
import tempfile
import unittest

from debian import unpack
from harness import Demo, main, wait_until
from sink import EXTENSIONS, Sink

QUICK = ["mynetworks=[127.0.0.0/8]", "minimal_backoff_time=1s", "maximal_backoff_time=2s"]
WITHOUT = tuple(name for name in EXTENSIONS if name != "8BITMIME")
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../samples")
PYTHON = "usr/lib/python3.11/test/test_email/data/msg_*.txt"

CAFE = "café = näïve ".encode()
MIXED = b"From: a@b.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n"
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
PARTS = [
    PLAIN + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + CAFE + b"\r\n.\r\n..x\r\n-- \r\n" + CAFE * 50,
    PLAIN + b"\r\nsays nothing: " + CAFE,
    PLAIN + b"Content-Transfer-Encoding: 7bit\r\n\r\n" + CAFE + b"\r\n--b 12\r\n",
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + bytes(range(128, 256)) + b"\t \x01\x7f",
    PLAIN + b"Content-Transfer-Encoding: quoted-printable\r\n\r\nhalf =3D done " + CAFE.replace(b"= ", b"=20"),
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n",
    b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: inner\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n" + PLAIN + b"\r\n" + CAFE + b"\r\n--in\r\nContent-Type: "
    b"text/html\r\n\r\nseven\r\n--in--\r\n",
]
MESSAGES = {
    "single": b"From: a@b.test\r\n" + PLAIN + b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + CAFE + b"\r\n \t\r\n.\r\n",
    "no-mime": b"From: a@b.test\r\nSubject: just eight\r\n\r\n" + CAFE + b"\r\n",
    "long": b"From: a@b.test\r\nMIME-Version: 1.0\r\n" + PLAIN + b"\r\n" + CAFE * 2000 + b"\r\n",
    "mixed": MIXED + b"Content-Transfer-Encoding: 8bit\r\n\r\n\r\n" + b"".join(b"--b 1\r\n" + part + b"\r\n" for part in PARTS) + b"--b 1--\r\n",
    "around": MIXED + b"\r\npre" + CAFE + b"\r\n--b 1\r\n\r\nx\r\n--b 1--\r\nepi" + CAFE + b"\r\n",
    "unclosed": MIXED + b"\r\n--b 1\r\n" + PLAIN + b"\r\n" + CAFE + b"\r\n",
    "no-part": MIXED + b"\r\n" + CAFE + b"\r\n--b 2\r\n",
    "signed": b"From: a@b.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=s; protocol=\"application/pgp-signature\"\r\n"
              b"\r\n--s\r\n" + PLAIN + b"\r\n" + CAFE + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nxyz=\r\n--s--\r\n",
}
KEPT = b"From: a@b.test\r\nSubject: " + CAFE.strip() + b"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\nseven bits\r\n"
NEVER = MIXED + b"\r\n--b 1\r\nContent-Type: message/partial; id=x; number=1\r\n\r\n" + CAFE + b"\r\n--b 1--\r\n"
TRACE = re.compile(rb"Received: [^\r\n]*\r\n([ \t][^\r\n]*\r\n)*")
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


def is_eight_bit(octets):
    return any(octet > 127 for octet in octets)


def leaves(octets):
    """What a message says: the type and the decoded octets of each part that has no parts."""
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in email.message_from_bytes(octets).walk()
            if not part.is_multipart()]


def bodies(octets):
    """What a message has on the wire outside of its own header."""
    return octets.partition(b"\r\n\r\n")[2]


def others(folder):
    """Messages that we did not write, and our own odd ones. Where a body has no eighth bit, words of it get some."""
    for path in sorted(glob.glob(os.path.join(folder, PYTHON)) + glob.glob(os.path.join(SAMPLES, "*.eml"))):
        with open(path, "rb") as file:
            octets = re.sub(rb"\r?\n", b"\r\n", file.read())
        if re.search(rb"\0|\r(?!\n)|[^\r\n]{999}", octets):
            continue  # refused or changed at reception, or folded for any host
        header, end, body = octets.partition(b"\r\n\r\n")
        if not is_eight_bit(body):
            body = re.sub(rb"(?i)(?<![^ \n])(a|the|is|to|of|this|hi|message)(?=[ .,\r])", CAFE.strip(), body)
        yield os.path.basename(path), header + end + body


class SevenBitCase(unittest.TestCase):
    extensions = WITHOUT
    settings = ()

    @classmethod
    def setUpClass(cls):
        cls.sink = cls.enterClassContext(Sink(extensions=cls.extensions))
        cls.demo = cls.enterClassContext(Demo(settings=[f'relayhost="[127.0.0.1]:{cls.sink.port}"', *QUICK, *cls.settings]))

    def submit(self, recipient, octets):
        with self.demo.smtp() as client:
            client.ehlo()
            self.assertEqual(client.mail("alice@example.test", ["BODY=8BITMIME"])[0], 250)
            self.assertEqual(client.rcpt(recipient)[0], 250)
            code, reply = client.data(octets)
            self.assertEqual(code, 250, reply)
        return reply.decode().split()[-1]

    def relayed(self, name, octets):
        self.submit(f"{name}@far.test", octets)
        return self.sink.wait(f"{name}@far.test")[0]

    def check_seven_bit(self, received, octets):
        """No eighth bit but in headers, no long line, and the same said."""
        content = received.below_trace()
        said, heard = leaves(octets), leaves(content)
        self.assertEqual(heard, said)
        for line in bodies(content).split(b"\r\n"):
            self.assertLessEqual(len(line), 998)
            self.assertFalse(is_eight_bit(line), line)
        self.assertIn("MIME-Version", email.message_from_bytes(content))
        self.assertNotIn("BODY", received.parameters)
        self.assertNotIn("SIZE", received.parameters)


class WithoutTest(SevenBitCase):
    def test_MIM_16_each_body_becomes_seven_bit_and_decodes_to_what_it_was(self):
        for name, octets in MESSAGES.items():
            with self.subTest(name):
                self.check_seven_bit(self.relayed(name, octets), octets)
        self.assertRegex(self.demo.log_text(), r"facteur/remote\[\d+\]: \w+: 8-bit content was converted: no 8BITMIME at 127\.0\.0\.1")

    def test_what_is_added_and_what_is_replaced(self):
        single = email.message_from_bytes(self.relayed("labels", MESSAGES["single"]).content())
        self.assertEqual(single.get_all("Content-Transfer-Encoding"), ["quoted-printable"])
        plain = email.message_from_bytes(self.relayed("new", MESSAGES["no-mime"]).content())
        self.assertEqual(plain["Content-Type"], "text/plain; charset=unknown-8bit")
        wire = self.relayed("lines", MESSAGES["long"]).wire
        self.assertLessEqual(max(map(len, bodies(wire).split(b"\r\n"))), 76)
        mixed = email.message_from_bytes(self.relayed("parts", MESSAGES["mixed"]).content())
        self.assertEqual([part["Content-Transfer-Encoding"] for part in mixed.walk()],
                         ["7bit"] + ["quoted-printable"] * 5 + ["base64", "7bit", None, "quoted-printable", None])

    def test_a_header_is_no_reason_to_convert(self):
        received = self.relayed("header", KEPT)
        self.assertEqual(received.below_trace(), KEPT)
        self.assertIn("SIZE=", received.parameters)

    def test_what_cannot_be_converted_comes_back(self):
        queue_id = self.submit("never@far.test", NEVER)
        pattern = rf"{queue_id}: to=<never@far\.test>.*dsn=5\.6\.3, status=bounced \(8-bit content cannot be converted"
        wait_until(lambda: re.search(pattern, self.demo.log_text()), 20, "the bounce")
        wait_until(lambda: [octets for octets in self.demo.maildir("alice").values() if b"Status: 5.6.3" in octets], 20, "the bounce")
        self.assertEqual(self.sink.tried("never@far.test"), 0)
        self.relayed("next", KEPT)

    def test_messages_that_we_did_not_write(self):
        folder = tempfile.mkdtemp(prefix="facteur-seven-bit-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        converted = 0
        for number, (name, octets) in enumerate(others(unpack(["libpython3.11-testsuite"], folder))):
            with self.subTest(name):
                received = self.relayed(f"other{number}", octets)
                content = received.content()
                below = content[TRACE.match(content).end():]
                if "SIZE" in received.parameters:
                    self.assertIn(below, (octets, b"\r\n" + octets))
                    continue
                converted += 1
                # What begins with no field gets an empty line before it at reception.
                self.assertEqual(leaves(below), leaves(octets if FIELD.match(octets) else b"\r\n" + octets))
        self.assertGreater(converted, 20)


class WithTest(SevenBitCase):
    extensions = EXTENSIONS

    def test_a_host_with_8bitmime_gets_every_octet(self):
        for name, octets in [*MESSAGES.items(), ("never", NEVER)]:
            if name == "long":
                continue  # its line is folded, for any host
            with self.subTest(name):
                received = self.relayed(name, octets)
                self.assertEqual(received.below_trace(), octets)
                self.assertIn("BODY=8BITMIME", received.parameters)


class OffTest(SevenBitCase):
    settings = ("disable_mime_output_conversion=yes",)

    def test_nothing_is_converted_where_that_is_set(self):
        received = self.relayed("off", MESSAGES["mixed"])
        self.assertIn(CAFE, received.below_trace())
        self.assertNotIn("BODY", received.parameters)


if __name__ == "__main__":
    main()
