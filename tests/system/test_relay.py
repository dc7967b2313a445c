"""What leaves: relaying to a host that we scripted, retries, bounces and their ends (TORTURE rows REL-07, 09, 10, 13, SMG-18, 19)."""
import email
import email.policy
import os
import re
import shutil
import socket
import tempfile
import time
import unittest

from harness import Demo, main, message, wait_until
from sink import Sink, make_certificate

QUICK = ["mynetworks=[127.0.0.0/8]", "minimal_backoff_time=1s", "maximal_backoff_time=2s"]
REFUSED = b"550 5.1.1 no such user here"
LATER = b"451 4.3.0 come back later"


def relaying_to(sink, *settings):
    return [f'relayhost="[127.0.0.1]:{sink.port}"', *QUICK, *settings]


def send_raw(demo, sender, recipient, octets):
    """DATA with exactly these octets, which bring their own end. The reply."""
    with socket.create_connection(("127.0.0.1", demo.port("smtp")), timeout=20) as connection:
        replies = connection.makefile("rb")
        for line in (b"HELO client.test", f"MAIL FROM:<{sender}>".encode(), f"RCPT TO:<{recipient}>".encode(), b"DATA"):
            replies.readline()
            connection.sendall(line + b"\r\n")
        while not replies.readline().startswith(b"354"):
            pass
        connection.sendall(octets)
        return replies.readline()


class RelayCase(unittest.TestCase):
    """A demo that relays all foreign mail to a sink."""
    settings = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="facteur-relay-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.sink = cls.enterClassContext(Sink())
        cls.demo = cls.enterClassContext(Demo(settings=relaying_to(cls.sink, *cls.settings)))

    def log_has(self, pattern, seconds=15):
        return wait_until(lambda: re.search(pattern, self.demo.log_text()), seconds, pattern)

    def relay(self, recipients, text, sender="alice@example.test"):
        return self.demo.send(sender, recipients, text).split()[-1]

    def bounces(self, login, text):
        """The bounces in a mailbox that speak of a text."""
        found = [octets for octets in self.demo.maildir(login).values() if text.encode() in octets]
        return [email.message_from_bytes(octets, policy=email.policy.default) for octets in found]

    def bounce(self, login, text, seconds=20):
        return wait_until(lambda: self.bounces(login, text), seconds, f"a bounce about {text} for {login}")[0]

    def check_report(self, bounce, recipient, status):
        """A multipart/report as RFC 3464 has it; the fields of the recipient."""
        self.assertEqual(bounce.get_content_type(), "multipart/report")
        self.assertEqual(bounce.get_param("report-type"), "delivery-status")
        self.assertEqual(bounce["Return-Path"], "<>")
        self.assertEqual(bounce["Auto-Submitted"], "auto-replied")
        self.assertEqual(bounce.defects, [])
        text, report, original = bounce.iter_parts()
        self.assertEqual(text.get_content_type(), "text/plain")
        self.assertEqual(report.get_content_type(), "message/delivery-status")
        self.assertIn(original.get_content_type(), ("message/rfc822", "text/rfc822-headers"))
        about_message, *about_recipients = report.get_payload()
        self.assertTrue(about_message["Reporting-MTA"].startswith("dns; mail.example.test"), about_message["Reporting-MTA"])
        for fields in about_recipients:
            if fields["Final-Recipient"].replace(" ", "") == f"rfc822;{recipient}":
                self.assertEqual(fields["Action"], "failed")
                self.assertEqual(fields["Status"], status)
                return fields
        raise AssertionError(f"no word of {recipient} in {report}")


class DeliveryTest(RelayCase):
    def test_byte_exact_and_dots_stuffed(self):
        body = b"plain\r\n.\r\n..\r\n.one dot\r\n\r\ntrailing \t \r\n" + b"x" * 990 + b"\r\n" + bytes(range(128, 256)) + b"\r\n\r\n\r\n"
        text = b"From: a@b.test\r\nSubject: exact\r\nX-Odd:  two  spaces\r\n\tfolded\r\n\r\n" + body
        with self.demo.smtp() as client:
            client.ehlo()
            client.mail("alice@example.test", ["BODY=8BITMIME"])
            client.rcpt("exact@far.test")
            self.assertEqual(client.data(text)[0], 250)
        received, = self.sink.wait("exact@far.test")
        self.assertEqual(received.below_trace(), text)
        self.assertIn(b"\r\n..\r\n...\r\n..one dot\r\n", received.wire)
        self.assertEqual(received.sender, "alice@example.test")
        self.assertIn("BODY=8BITMIME", received.parameters)
        trace = received.content()[:-len(text)].decode()
        self.assertRegex(trace, r"^Received: from [^\r\n]+\[127\.0\.0\.1\]")
        self.assertNotIn("Return-Path", trace)
        self.assertEqual(received.greeting, "EHLO mail.example.test")
        self.log_has(r"to=<exact@far\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*dsn=2\.0\.0, status=sent \(250 2\.0\.0 taken\)")

    def test_a_host_without_esmtp(self):
        with Sink(extensions=()) as sink:
            sink.replies["EHLO"] = [b"502 5.5.1 what?"]
            with Demo(settings=relaying_to(sink)) as demo:
                demo.send("alice@example.test", "old@far.test", message("to an old host"))
                received, = sink.wait("old@far.test")
                self.assertEqual(received.greeting, "HELO mail.example.test")
                self.assertEqual(received.parameters, "")

    def test_each_recipient_has_its_own_result(self):
        self.sink.replies["bad@far.test"] = [REFUSED]
        self.sink.replies["slow@far.test"] = [LATER, b"250 2.1.5 now"]
        self.relay(["good@far.test", "bad@far.test", "slow@far.test"], message("each of three"))
        self.assertNotIn("bad@far.test", self.sink.wait("good@far.test")[0].recipients)
        self.assertEqual(self.sink.wait("slow@far.test")[0].recipients, ["slow@far.test"])
        bounce = self.bounce("alice", "bad@far.test")
        self.check_report(bounce, "bad@far.test", "5.1.1")
        self.assertNotIn("good@far.test", str(list(bounce.iter_parts())[1]))
        self.assertEqual(self.sink.tried("bad@far.test"), 1)
        self.assertEqual(len(self.sink.of("good@far.test")), 1)

    def test_later_is_tried_again(self):
        for name, stage in (("mail", "from later@example.test"), ("end", "data end")):
            self.sink.replies[stage] = [LATER, None]
            queue_id = self.relay(f"{name}@far.test", message(name), sender="later@example.test")
            self.sink.wait(f"{name}@far.test")
            self.log_has(rf"{queue_id}: to=<{name}@far\.test>.*dsn=4\.3\.0, status=deferred \(.*come back later")
            self.log_has(rf"{queue_id}: removed")
            self.sink.replies.clear()

    def test_a_connection_that_breaks_is_tried_again(self):
        self.sink.replies["data end"] = [b"", None]
        self.relay("broken@far.test", message("broken"))
        self.sink.wait("broken@far.test")
        self.log_has(r"to=<broken@far\.test>.*dsn=4\.4\.2, status=deferred")
        self.sink.replies.clear()


class TlsTest(RelayCase):
    def relayed_by(self, sink, name):
        with sink, Demo(settings=relaying_to(sink)) as demo:
            demo.send("alice@example.test", f"{name}@far.test", message(name))
            return sink.wait(f"{name}@far.test")[0]

    def test_taken_when_offered(self):
        received = self.relayed_by(Sink(tls=make_certificate(self.folder)), "secret")
        self.assertTrue(received.tls)
        self.assertIn(b"Subject: secret\r\n", received.content())

    def test_not_offered(self):
        self.relay("clear@far.test", message("clear"))
        self.assertFalse(self.sink.wait("clear@far.test")[0].tls)

    def test_offered_but_refused_or_broken(self):
        refusing = Sink(tls=make_certificate(self.folder))
        refusing.replies["STARTTLS"] = [b"454 4.7.0 not now"]
        self.assertFalse(self.relayed_by(refusing, "refused").tls)
        broken = Sink(extensions=["STARTTLS"])  # says yes, and knows no TLS
        broken.replies["STARTTLS"] = [b"", None]
        self.assertFalse(self.relayed_by(broken, "broken").tls)

    def test_TLS_05_replies_behind_the_220(self):
        """What stands in clear behind the yes to STARTTLS ends the connection: nothing is said any more on it, the mail waits."""
        sink = Sink(tls=make_certificate(self.folder))
        sink.replies["STARTTLS"] = [b"220 go\r\n250-evil AUTH PLAIN\r\n250 PIPELINING", None]
        with sink, Demo(settings=relaying_to(sink)) as demo:
            demo.send("alice@example.test", "injected@far.test", message("injected"))
            self.assertTrue(sink.wait("injected@far.test")[0].tls)
            self.assertEqual([verb for verb, _ in sink.commands][:5], ["EHLO", "STARTTLS", "EHLO", "STARTTLS", "EHLO"])
            self.assertRegex(demo.log_text(), r"to=<injected@far\.test>.* status=deferred .*before the TLS handshake")
            self.assertEqual(len(sink.received), 1)

    def test_never_in_clear_when_required(self):
        with Demo(settings=relaying_to(self.sink, "smtp_tls_security_level=encrypt")) as demo:
            demo.send("alice@example.test", "must@far.test", message("must"))
            wait_until(lambda: re.search(r"to=<must@far\.test>.*dsn=4\.7\.\d+, status=deferred", demo.log_text()), 15, "deferred")
            self.assertEqual(self.sink.of("must@far.test"), [])


class BounceTest(RelayCase):
    def test_the_report(self):
        self.sink.replies["gone@far.test"] = [b"550-5.1.1 no such user\r\n550 5.1.1 here"]
        queue_id = self.relay("gone@far.test", message("gone", "my own words"))
        bounce = self.bounce("alice", "gone@far.test")
        fields = self.check_report(bounce, "gone@far.test", "5.1.1")
        self.assertRegex(fields["Diagnostic-Code"], r"^smtp; 550[- ]5\.1\.1 no such user")
        self.assertRegex(fields["Remote-MTA"], r"^dns; ?\[?127\.0\.0\.1\]?$")
        self.assertIn("alice@example.test", bounce["To"])
        self.assertIn("my own words", bounce.as_string())
        self.assertRegex(bounce["Message-ID"], r"^<.+@mail\.example\.test>$")
        self.assertIsNotNone(bounce["Date"].datetime)
        self.log_has(rf"{queue_id}: to=<gone@far\.test>.*dsn=5\.1\.1, status=bounced")
        self.log_has(rf"{queue_id}: removed")
        time.sleep(1)
        self.assertEqual(len(self.bounces("alice", "gone@far.test")), 1)

    def test_headers_only_when_the_original_is_large(self):
        self.sink.replies["large@far.test"] = [REFUSED]
        self.relay("large@far.test", message("large", ("y" * 70 + "\r\n") * 3000))
        bounce = self.bounce("alice", "large@far.test")
        self.assertEqual(list(bounce.iter_parts())[2].get_content_type(), "text/rfc822-headers")
        self.assertLess(len(bounce.as_bytes()), 60000)

    def test_rel_07_too_many_hops(self):
        hops = "".join(f"Received: from a{i}.test by b.test; Mon, 2 Jan 2023 10:00:00 +0000\r\n" for i in range(60))
        with self.assertRaisesRegex(AssertionError, r"\(554, b'5\.4\.6 "):  # refused at once: no bounce is needed
            self.relay("hops@far.test", hops + message("hops"))
        self.assertEqual(self.sink.tried("hops@far.test"), 0)
        self.relay("fewhops@far.test", hops[:hops.index("from a40.")].rsplit("\r\n", 1)[0] + "\r\n" + message("fewer hops"))
        self.sink.wait("fewhops@far.test")

    def test_rel_09_a_bounce_never_makes_a_third(self):
        self.sink.replies.update({"void@far.test": [REFUSED], "forged@far.test": [REFUSED]})
        self.relay("void@far.test", message("null path", "from nobody"), sender="")  # postmaster is alice here
        self.relay("void@far.test", message("forged path", "from a forger"), sender="forged@far.test")
        for words in ("from nobody", "from a forger"):
            bounce = self.bounce("alice", words)
            self.assertEqual(bounce["Return-Path"], "<>")
        wait_until(lambda: "Mail queue is empty" in self.demo.run("facteur", "queue", "list").stdout, 15, "an empty queue")
        self.assertEqual(self.sink.tried("forged@far.test"), 1)
        for words in ("from nobody", "from a forger"):
            self.assertEqual(len(self.bounces("alice", words)), 1)

    def test_rel_10_the_postmaster_fails_too(self):
        self.sink.replies.update({"void@far.test": [REFUSED], "boss@far.test": [REFUSED]})
        with Demo(settings=relaying_to(self.sink, "postmaster_address=boss@far.test")) as demo:
            with open(f"{demo.directory}/aliases", "w") as aliases:
                aliases.write("postmaster: boss@far.test\n")
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            demo.send("", "void@far.test", message("nobody at all"))
            wait_until(lambda: self.sink.tried("boss@far.test"), 15, "mail for the postmaster")
            wait_until(lambda: "Mail queue is empty" in demo.run("facteur", "queue", "list").stdout, 15, "an empty queue")
            time.sleep(2)
            self.assertEqual(self.sink.tried("boss@far.test"), 1)

    def test_rel_13_hostile_replies(self):
        hostile = {
            "long": b"".join(b"550-5.7.1 " + b"z" * 400 + b"\r\n" for _ in range(2000)) + b"550 5.7.1 end",
            "line": b"550 5.7.1 " + b"l" * 100000,
            "escape": b"550 5.7.1 \x1b[2J\x1b]0;owned\x07 red",
            "eightbit": b"550 5.7.1 \xff\xfe caf\xe9 \xc3\xa9",
            "part": b"550-5.7.1 one\r\n550-.\r\n550---boundary\r\n550-Content-Type: text/html\r\n550-\r\n550 Bcc: alice@example.test",
        }
        before = set(self.demo.maildir("alice"))
        for name, reply in hostile.items():
            self.sink.replies[f"{name}@far.test"] = [reply]
            self.relay(f"{name}@far.test", message(f"hostile {name}"))
        for name in hostile:
            if name in ("long", "line"):  # beyond what a reply may be: refused for good, or taken for a broken host
                self.log_has(rf"to=<{name}@far\.test>.*status=(bounced|deferred)")
                continue
            bounce = self.bounce("alice", f"{name}@far.test")
            self.check_report(bounce, f"{name}@far.test", "5.7.1")
            self.assertEqual(len(list(bounce.iter_parts())), 3)
            self.assertLess(len(bounce.as_bytes()), 60000)
        for file, octets in self.demo.maildir("alice").items():
            if file not in before:
                self.assertNotIn(b"\x1b", octets)
                self.assertEqual([b for b in octets.split(b"\n\n")[0] if b > 126], [])
        log = self.demo.log_text()
        self.assertNotIn("\x1b", log)
        self.assertLess(max(len(line) for line in log.splitlines()), 8192)
        self.assertNotRegex(log, r"(?m)^(550|Content-Type|Bcc)")
        self.assertEqual(self.demo.run("facteur", "queue", "list").returncode, 0)

    def test_expiry(self):
        self.sink.replies["never@far.test"] = [LATER]
        with Demo(settings=relaying_to(self.sink, "maximal_queue_lifetime=3s")) as demo:
            demo.send("alice@example.test", "never@far.test", message("never"))
            bounce = email.message_from_bytes(demo.wait_for_mail("alice", seconds=20)[0], policy=email.policy.default)
            fields = self.check_report(bounce, "never@far.test", bounce_status(bounce))
            self.assertRegex(fields["Status"], r"^(4\.3\.0|4\.4\.7|5\.4\.7)$")
            self.assertGreaterEqual(self.sink.tried("never@far.test"), 2)
            self.assertIn("come back later", bounce.as_string())
            wait_until(lambda: re.search(r"to=<never@far\.test>.*status=(bounced|expired)|status=expired", demo.log_text()), 10, "expired")


def bounce_status(bounce):
    return re.search(r"(?m)^Status: (\S+)", bounce.as_string()).group(1)


class QueueTest(RelayCase):
    settings = ("minimal_backoff_time=1h", "maximal_backoff_time=1h")

    def queue(self, *arguments):
        return self.demo.run("facteur", "queue", *arguments)

    def waits(self, recipient):
        self.sink.replies[recipient] = [LATER]
        queue_id = self.relay(recipient, message(f"waiting {recipient}", "words of mine"))
        self.log_has(rf"{queue_id}: to=<{re.escape(recipient)}>.*status=deferred")
        return queue_id

    def test_list_show_flush_delete(self):
        first, second = self.waits("first@far.test"), self.waits("second@far.test")
        listed = self.queue("list").stdout
        for text in (first, second, "alice@example.test", "first@far.test", "come back later"):
            self.assertIn(text, listed)
        shown = self.queue("show", first)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("words of mine", shown.stdout)
        self.assertNotEqual(self.queue("show", "0000000000").returncode, 0)
        self.assertNotEqual(self.queue("delete", "../../x").returncode, 0)
        deleted = self.queue("delete", second)
        self.assertEqual(deleted.returncode, 0, deleted.stderr)
        self.assertNotIn(second, self.queue("list").stdout)
        self.sink.replies.clear()
        flushed = self.queue("flush", first)
        self.assertEqual(flushed.returncode, 0, flushed.stderr)
        self.sink.wait("first@far.test")
        self.log_has(rf"{first}: removed")
        self.assertNotIn(first, self.queue("list").stdout)
        self.assertEqual(self.sink.of("second@far.test"), [])

    def test_hold_and_release(self):
        held = self.waits("held@far.test")
        self.assertEqual(self.queue("hold", held).returncode, 0)
        self.sink.replies.clear()
        self.queue("flush")
        time.sleep(1)
        self.assertEqual(self.sink.of("held@far.test"), [])
        self.assertEqual(self.queue("release", held).returncode, 0)
        self.queue("flush")
        self.sink.wait("held@far.test")

    def test_the_queue_lives_through_a_restart(self):
        directory = f"{self.folder}/restart"
        os.mkdir(directory)
        self.sink.replies["patient@far.test"] = [LATER]
        with Demo(directory=directory, settings=relaying_to(self.sink, *self.settings)) as demo:
            queue_ids = [demo.send("alice@example.test", "patient@far.test", message(f"patient {i}")).split()[-1] for i in range(5)]
            wait_until(lambda: self.sink.tried("patient@far.test") >= 5, 15, "five attempts")
        self.sink.replies.clear()
        with Demo(directory=directory, settings=relaying_to(self.sink, *self.settings)) as demo:
            demo.run("facteur", "queue", "flush")
            received = self.sink.wait("patient@far.test", 5)
            self.assertEqual(sorted(re.search(rb"Subject: (.*)\r", m.content()).group(1) for m in received),
                             [b"patient %d" % i for i in range(5)])
            for queue_id in queue_ids:
                wait_until(lambda: f"{queue_id}: removed" in demo.log_text(), 10, queue_id)
            self.assertEqual(len(self.sink.of("patient@far.test")), 5)


class LineEndTest(RelayCase):
    """SMG-18 and SMG-19: whatever the queue file holds, the wire has CR LF only, and one end."""
    settings = ("smtpd_forbid_bare_newline=no",)
    BODIES = {
        "lf": b"one\ntwo\r\n", "cr": b"one\rtwo\r\n", "lfdotlf": b"a\n.\nb\r\n", "crdotcr": b"a\r.\rb\r\n", "lfdotcrlf": b"a\n.\r\nb\r\n",
        "crcrlf": b"one\r\r\ntwo\r\n", "dotsafterlf": b"a\n..b\n.c\r\n", "onlycr": b"\r\r\n", "endscr": b"last\r\r\n", "empty": b"",
        "smuggle": b"a\n.\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<z@far.test>\r\nDATA\r\nhello\r\n",
    }

    def test_smg_18_smg_19_what_leaves(self):
        for name, body in self.BODIES.items():
            reply = send_raw(self.demo, "alice@example.test", f"{name}@far.test", b"From: x@y.test\r\n\r\n" + body + b".\r\n")
            self.assertTrue(reply.startswith(b"250 "), (name, reply))
        for name in self.BODIES:
            with self.subTest(name):
                wire = self.sink.wait(f"{name}@far.test")[0].wire
                self.assertNotRegex(wire, rb"(?<!\r)\n|\r(?!\n)")
                self.assertNotIn(b"\r\r\n", wire)
                for line in wire.split(b"\r\n"):
                    self.assertNotRegex(line, rb"^\.(?!\.)")
                self.assertTrue(wire.endswith(b"\r\n"))
        self.assertEqual(self.sink.of("z@far.test"), [])
        content = self.sink.of("lfdotlf@far.test")[0].content()
        self.assertTrue(content.endswith(b"\r\n\r\na\r\n.\r\nb\r\n"), content)

    def test_a_message_of_nothing(self):
        reply = send_raw(self.demo, "alice@example.test", "nothing@far.test", b".\r\n")
        self.assertTrue(reply.startswith(b"250 "), reply)
        wire = self.sink.wait("nothing@far.test")[0].wire
        self.assertTrue(wire.startswith(b"Received: "))
        self.assertNotRegex(wire, rb"(?<!\r)\n|\r(?!\n)")


if __name__ == "__main__":
    main()
