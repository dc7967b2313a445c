"""Rows CMD and REL on the wire that no dialogue can hold: connections that are reset, that hardly send, that come in crowds; and who may
send where."""
import functools
import itertools
import random
import time

from harness import FULL, main, slowest_beside, wait_until
from ledger import waiting_in
from rows import RowCase, Wire, beside_each_other, connect_smtp, holding, plain, serve

RECIPIENT = "alice@example.test"


class ResetTest(RowCase):
    """CMD-25. Whether a message is there is decided by its sync, not by its reply."""

    #        what is sent; whether its reply is read
    STEPS = ((b"EHLO client.test\r\n", True), (b"MAIL FROM:<x@outside.test>\r\n", True), (b"RCPT TO:<alice@example.test>\r\n", True),
             (b"DATA\r\n", True), (b"Subject: %s\r\n\r\n", False), (b"text\r\n", False), (b".\r\n", True))

    def setUp(self):
        self.allowed = {}  # token to the counts that are right
        self.draw = random.Random(25)

    def reset(self, port, steps, read_last, pause, token):
        """RST behind so many steps, with the last reply read or not."""
        self.allowed[token] = {0} if steps < len(self.STEPS) else {1} if read_last else {0, 1}
        wire = connect_smtp(self.demo, port, "alice" if port == "submission" else None)
        for number, (octets, has_reply) in enumerate(self.STEPS[:steps], 1):
            wire.send(octets.replace(b"%s", token))
            if has_reply and (number < steps or read_last):
                self.assertLess(wire.reply()[0], 400)
        time.sleep(pause)
        wire.rst()

    def judge(self):
        wait_until(lambda: not waiting_in(self.demo.info["spool"]), 20, "an empty queue")
        for token, counts in self.allowed.items():
            self.assertIn(len(holding(self.demo, token)), counts, token)
        return sum(len(holding(self.demo, token)) for token in self.allowed)

    def test_CMD_25_reset_at_each_step(self):
        ways = itertools.product(("smtp", "submission"), range(len(self.STEPS) + 1), (False, True), (0, 0.05))
        beside_each_other(self.reset, [(*way, b"step%04d." % number) for number, way in enumerate(ways)])
        self.assertGreaterEqual(self.judge(), 4)

    def test_CMD_25_reset_while_the_250_is_written(self):
        cases = [("smtp", len(self.STEPS), False, self.draw.uniform(0, 0.03), b"late%04d." % n) for n in range(1000 if FULL else 150)]
        beside_each_other(self.reset, cases, threads=16)
        taken = self.judge()
        print(f"{taken} of {len(cases)} taken", flush=True)
        self.assertGreater(taken, 0)  # else the reset came too early to prove anything


class SlowTest(RowCase):
    """CMD-27: an octet every now and then buys no time."""
    settings = ("smtpd_timeout=2s", "smtpd_starttls_timeout=2s", "auth_timeout=2s")
    ENDS_WITHIN = 4.5

    def trickle(self, wire, octets, ended_with):
        """An octet a second until the server has had enough."""
        start = time.monotonic()
        wire.socket.settimeout(1)
        for octet in itertools.cycle(octets):
            try:
                if not wire.more():
                    break
            except TimeoutError:
                try:
                    wire.raw(bytes([octet]))
                except ConnectionError:
                    break
            self.assertLess(time.monotonic() - start, self.ENDS_WITHIN, wire.said)
        self.assertRegex(wire.said, ended_with)

    TIMEOUT = rb"^421 4\.4\.2 [^\r\n]*\r\n$"

    def test_CMD_27_slow_in_each_state(self):
        def commands(name, *lines, then=b"x", ended_with=self.TIMEOUT):
            with connect_smtp(self.demo) as wire:
                for line in lines:
                    self.assertLess(wire.ask(line)[0], 400, line)
                self.trickle(wire, then, ended_with)
        to_data = ("EHLO a.test", "MAIL FROM:<x@outside.test>", f"RCPT TO:<{RECIPIENT}>", "DATA")
        cases = [("nothing",), ("EHLO",), ("MAIL", "EHLO a.test"), ("RCPT", *to_data[:2]), ("AUTH", "EHLO a.test", "AUTH PLAIN"),
                 ("DATA", *to_data)]

        def one(name, *lines):
            commands(name, *lines, then={"DATA": b"text\r\n", "AUTH": plain("alice")}.get(name, name.encode() + b" "))
        beside_each_other(one, cases + [(f"{name} again", *lines) for name, *lines in cases])

    def test_CMD_27_whole_commands_buy_time(self):
        with connect_smtp(self.demo) as wire:
            for _ in range(5):
                time.sleep(1)
                wire.expect(250, "NOOP")

    def test_CMD_27_slow_in_the_handshake(self):
        def hello(port):
            with connect_smtp(self.demo) if port == "smtp" else Wire(self.demo.port(port)) as wire:
                if port == "smtp":
                    wire.expect(220, "STARTTLS")
                self.trickle(wire, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), rb"^$")
        beside_each_other(hello, [("smtp",), ("smtps",)])

    def test_CMD_27_slow_behind_quit(self):
        with connect_smtp(self.demo) as wire:
            wire.expect(221, "QUIT")
            self.trickle(wire, b"x", rb"^$")

    def test_CMD_27_slow_content_at_the_least_rate_is_taken(self):
        """What keeps the rate is no attack, however long it takes."""
        with connect_smtp(self.demo).to_data(RECIPIENT) as wire:
            for _ in range(40):
                wire.send(b"x" * 78 + b"\r\n")
                time.sleep(0.1)
            wire.expect(250, ".")


class CrowdTest(RowCase):
    """CMD-29: connections as fast as this machine can make them."""
    SECONDS = 60 if FULL else 4

    def crowd(self, way, counts, ending):
        while not ending.is_set():
            try:
                with Wire(self.demo.port("smtp"), timeout=5) as wire:
                    if "banner" in way:
                        wire.expect(220)
                    if "rst" in way:
                        wire.rst()
                counts[way] = counts.get(way, 0) + 1
            except (OSError, AssertionError):
                counts["failed"] = counts.get("failed", 0) + 1

    def test_CMD_29_connection_rate(self):
        counts = {}
        crowd = [functools.partial(self.crowd, way, counts) for way in ("at once", "rst", "banner", "banner and rst") * 2]
        slowest = slowest_beside(crowd, lambda: serve(self.demo), self.SECONDS)
        print(f"connections in {self.SECONDS} s: {counts}; a good client took {slowest:.3f} s at most", flush=True)
        self.assertLess(slowest, 2)
        self.assertGreater(sum(counts.values()), 100 * self.SECONDS)
        self.assertLess(counts.get("failed", 0), 0.01 * sum(counts.values()))


class RelayTest(RowCase):
    def recipient(self, wire, path):
        code, text = wire.ask(f"RCPT TO:{path}")
        return code, text[:5]

    def test_REL_02_source_routes(self):
        with connect_smtp(self.demo) as wire:
            wire.expect(250, "EHLO client.test")
            wire.expect(250, "MAIL FROM:<@relay.test,@other.test:x@outside.test>")
            for path in ("<@example.test:u@other.test>", "<@example.test,@x.test:u@other.test>", "<@x.test,@example.test:u@other.test>",
                         "<@localhost:u@other.test>", "<@mail.example.test:alice%example.test@other.test>"):
                self.assertEqual(self.recipient(wire, path), (554, "5.7.1"), path)
            for path in ("<@example.test:>", "<@example.test>", "<@:u@example.test>", "<@example.test,:u@other.test>", "<@a@b:u@other.test>"):
                self.assertIn(self.recipient(wire, path)[0], (501, 550, 553), path)
            self.assertEqual(self.recipient(wire, "<@other.test,@x.test:alice@example.test>")[0], 250)
            wire.expect(354, "DATA")
            wire.expect(250, b"Subject: routed\r\n\r\nrouted\r\n.")
        wait_until(lambda: holding(self.demo, b"Subject: routed"), 15, "the message")
        octets, = holding(self.demo, b"Subject: routed")
        self.assertTrue(octets.startswith(b"Return-Path: <x@outside.test>\n"), octets[:80])  # RFC 5321 appendix C: the route is dropped
        self.assertIn(b"\nDelivered-To: alice@example.test\n", octets)

    def test_REL_04_a_local_sender_from_outside(self):
        """The name of one of ours gives no right: it may write to us, as any stranger, and to nobody else."""
        for sender in ("alice@example.test", "postmaster@example.test", "postmaster", ""):
            with self.subTest(sender), connect_smtp(self.demo) as wire:
                wire.expect(250, "EHLO mail.example.test")
                wire.expect(250, f"MAIL FROM:<{sender}>" if sender else "MAIL FROM:<>")
                self.assertEqual(self.recipient(wire, "<u@other.test>"), (554, "5.7.1"))
                self.assertEqual(self.recipient(wire, "<nobody-here@example.test>"), (550, "5.1.1"))
                self.assertEqual(self.recipient(wire, "<bob@example.test>")[0], 250)
                wire.expect(354, "DATA")
                wire.expect(250, b"From: alice@example.test\r\nSender: alice@example.test\r\nTo: u@other.test\r\nCc: v@other.test\r\n\r\nhi\r\n.")
        wait_until(lambda: not waiting_in(self.demo.info["spool"]), 20, "an empty queue")
        self.assertNotIn("@other.test>, relay", self.demo.log_text())  # the header names no recipients

    def test_REL_04_submission_wants_the_login_not_the_name(self):
        with connect_smtp(self.demo, "submission") as wire:
            wire.expect(250, "EHLO client.test")
            wire.expect(530, "MAIL FROM:<alice@example.test>")
        with connect_smtp(self.demo, "submission", "bob") as wire:
            wire.expect(250, "MAIL FROM:<bob@example.test> AUTH=alice@example.test")
            wire.expect(250, "RCPT TO:<u@other.test>")
            wire.expect(250, "RSET")


if __name__ == "__main__":
    main()
