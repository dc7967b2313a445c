"""Rows SMG on the wire: whatever stands where the end of data could be, one message stays one message. On port 25 in clear and inside
TLS on submission, in the modes of smtpd_forbid_bare_newline, for strangers and for trusted networks, whole and octet by octet."""
import itertools
import re
import threading
import time
import unittest

from harness import FULL, Demo, main, wait_until
from ledger import waiting_in
from rows import RowCase, beside_each_other, connect_smtp, holding
from sink import Sink

PAUSE = 0.02 if FULL else 0.002  # between two octets
LF_CASES = {"SMG-01": b"\n.\n", "SMG-02": b"\n.\r\n", "SMG-03": b"\r\n.\n", "SMG-07": b"\n.\r"}
CR_CASES = {"SMG-04": b"\r.\r", "SMG-06": b"\r.\r\n", "SMG-08": b"\r\n.\rx", "SMG-09": b"\r\n.\r\r\n", "SMG-10": b"\r\r\n.\r\r\n"}
BEHIND = b"MAIL FROM:<x@e.org>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: b %s\r\n\r\nsmuggled\r\n.\r\n"
NUMBERS = itertools.count(1)
LOCK = threading.Lock()


def fresh():
    """A word that no other message of the test has."""
    with LOCK:
        return b"token%05dx" % next(NUMBERS)


def text_of(sequence, token, recipient=b"alice@example.test"):
    return b"Subject: a %s\r\n\r\nbody%s" % (token, sequence) + BEHIND % (recipient, token)


class SmugglingCase(RowCase):
    """How a text is sent, and what may be found then."""

    def setUp(self):
        self.sent = {}

    def connect(self, port):
        return connect_smtp(self.demo, port, None if port == "smtp" else "alice").to_data("alice@example.test", "alice@example.test")

    def finish(self, wire, token, wanted):
        """One reply to one message, and the session is where it should be."""
        code, text = wire.reply()
        self.assertEqual(code, wanted, text)
        wire.expect(221, "QUIT")
        self.assertEqual(wire.rest(), b"")
        self.sent[token] = int(code == 250)

    def attack(self, port, cut, octets, token, wanted=250):
        with self.connect(port) as wire:
            if cut == "whole":
                wire.send(octets)
            else:
                wire.pieces(octets, PAUSE)
            self.finish(wire, token, wanted)

    def judge(self):
        """Every message that was acknowledged is there once, and what was in it is in no second one."""
        wait_until(lambda: not waiting_in(self.demo.info["spool"]), 20, "an empty queue")
        found = list(self.demo.maildir("alice").values())
        for token, wanted in self.sent.items():
            with_token = [octets for octets in found if token in octets]
            self.assertEqual(len(with_token), wanted, (token, with_token))
            for octets in with_token:
                self.assertNotIn(b"Subject: b", octets.partition(b"\n\n")[0])

    def row(self, *sequences, **wanted):
        """The sequences on both ports, in both cuts. wanted: mode to code."""
        cases = []
        for sequence, port, cut in itertools.product(sequences, ("smtp", "submission"), ("whole", "octets")):
            token = fresh()
            cases.append((port, cut, text_of(sequence, token), token, wanted.get(self.mode, 250)))
        beside_each_other(self.attack, cases)
        self.judge()


class Matrix:
    """The rows that are the same for everyone: no exemption by network (SMG-20)."""

    def test_SMG_01_lf_dot_lf(self):
        self.row(LF_CASES["SMG-01"], reject=550)

    def test_SMG_02_lf_dot_crlf(self):
        self.row(LF_CASES["SMG-02"], reject=550)

    def test_SMG_03_crlf_dot_lf(self):
        self.row(LF_CASES["SMG-03"], reject=550)

    def test_SMG_04_cr_dot_cr(self):
        self.row(CR_CASES["SMG-04"], reject=550)

    def test_SMG_06_cr_dot_crlf(self):
        self.row(CR_CASES["SMG-06"], reject=550)

    def test_SMG_07_lf_dot_cr(self):
        self.row(LF_CASES["SMG-07"], reject=550)

    def test_SMG_08_crlf_dot_cr_and_text(self):
        self.row(CR_CASES["SMG-08"], reject=550)

    def test_SMG_09_crlf_dot_cr_crlf(self):
        self.row(CR_CASES["SMG-09"], reject=550)

    def test_SMG_10_cr_crlf_dot_cr_crlf(self):
        self.row(CR_CASES["SMG-10"], reject=550)

    def test_SMG_11_nul_before_the_dot(self):
        self.row(b"\r\n\0.\r\n", normalize=550, reject=550)

    def test_SMG_12_something_behind_the_dot(self):
        self.row(b"\r\n.\0\r\n", normalize=550, reject=550)
        self.row(*(b"\r\n.%c\r\n" % octet for octet in b"\x0b\x0c\x85 \t"))


class Ends:
    """The rows about the true end of data, which every mode takes."""

    def test_SMG_13_unicode_line_ends_are_text(self):
        self.row(b"\xe2\x80\xa8.\xe2\x80\xa8", b"\xc2\x85.\xc2\x85")

    def test_SMG_14_one_dot_is_taken_off(self):
        self.row(b"\r\n..\r\n...\r\n")
        for token in self.sent:
            octets, = holding(self.demo, token)
            self.assertIn(b"\nbody\n.\n..\nMAIL FROM", octets)

    def test_SMG_15_a_message_of_nothing(self):
        before = len(self.demo.maildir("alice"))
        for count, (port, cut) in enumerate(itertools.product(("smtp", "submission"), ("whole", "octets")), 1):
            self.attack(port, cut, b".\r\n", b"no token")
            wait_until(lambda: len(self.demo.maildir("alice")) >= before + count, 15, "the empty message")
        wait_until(lambda: not waiting_in(self.demo.info["spool"]), 20, "an empty queue")
        self.assertEqual(len(self.demo.maildir("alice")), before + count)

    def test_SMG_16_the_end_in_pieces(self):
        def in_pieces(port, cuts, token):
            with self.connect(port) as wire:
                wire.send(b"Subject: a %s\r\n\r\nbody" % token)
                for piece in cuts:
                    time.sleep(0.02)
                    wire.send(piece)
                self.finish(wire, token, 250)
        ways = ([b"\r", b"\n.", b"\r", b"\n"], [b"\r\n", b".\r\n"], [b"\r\n.", b"\r\n"], [b"\r\n.\r", b"\n"])
        beside_each_other(in_pieces, [(port, cuts, fresh()) for port in ("smtp", "submission") for cuts in ways])
        self.judge()

    def test_SMG_16_the_dot_at_the_ends_of_buffers(self):
        cases = []
        # Each octet of CR LF . CR LF is the last one before an edge once, and the first one behind it.
        for edge, step, port in itertools.product((1024, 4096, 8192, 16384, 65536), range(-3, 3), ("smtp", "submission")):
            token = fresh()
            head = b"Subject: a %s\r\n\r\n" % token
            size = edge + step - len(head) - 2
            body = (b"x" * 76 + b"\r\n") * (size // 78)
            text = head + body + b"y" * (size - len(body)) + b"\r\n.\r\n"
            self.assertEqual(text.index(b"\r\n.\r\n") + 2, edge + step)
            cases.append((port, "whole", text, token))
        beside_each_other(self.attack, cases)
        self.judge()


class NormalizeTest(Matrix, Ends, SmugglingCase):
    mode = "normalize"
    settings = ("smtpd_forbid_bare_newline=normalize",)

    def in_records(self, port, pieces, segments, token):
        """TLS records of our choice, in one segment or each in its own."""
        with self.connect(port) as wire:
            records = [wire.record(piece) for piece in pieces]
            for segment in records if segments else [b"".join(records)]:
                wire.raw(segment)
                time.sleep(0.001)
            self.finish(wire, token, 250)

    def test_SMG_17_the_end_on_a_record_boundary(self):
        cases = []
        for at, segments, port in itertools.product(range(5), (False, True), ("submission", "smtps")):
            token = fresh()
            text = text_of(b"\n.\r\n", token)[:-5]
            cases.append((port, [text + b"\r\n.\r\n"[:at], b"\r\n.\r\n"[at:]], segments, token))
        beside_each_other(self.in_records, cases)
        self.judge()

    def test_SMG_17_records_of_one_octet(self):
        cases = []
        for sequence, segments in itertools.product((b"\n.\n", b"\r\n.\r\r\n", b"\r\n..\r\n"), (False, True)):
            token = fresh()
            cases.append(("submission", [bytes([octet]) for octet in text_of(sequence, token)], segments, token))
        beside_each_other(self.in_records, cases)
        self.judge()

    def test_SMG_22_chunks_that_were_not_offered(self):
        """The chunk is no command: nothing behind BDAT is answered, whole, in a second chunk or octet by octet."""
        def chunks(port, pause):
            token = fresh()
            self.sent[token] = 0
            payload = text_of(b"\r\n.\r\n", token) + b"RSET\r\n" + BEHIND % (b"alice@example.test", token)
            with connect_smtp(self.demo, port, None if port == "smtp" else "alice") as wire:
                wire.expect(250, "EHLO client.test")
                wire.expect(250, "MAIL FROM:<alice@example.test>")
                wire.expect(250, "RCPT TO:<alice@example.test>")
                half = len(payload) // 2
                try:
                    for text in (b"BDAT %d\r\n" % half + payload[:half], b"BDAT %d LAST\r\n" % (len(payload) - half) + payload[half:]):
                        wire.pieces(text, pause, 1 if pause else len(text))
                except ConnectionError:
                    pass
                self.assertRegex(wire.rest(), rb"^502 5\.5\.1 [^\r\n]*\r\n$")
        beside_each_other(chunks, [(port, pause) for port in ("smtp", "submission") for pause in (0, 0.0005)])
        self.judge()

    def test_SMG_26_the_connection_ends_first(self):
        def cut_short(port, end, behind):
            token = fresh()
            self.sent[token] = 0
            with self.connect(port) as wire:
                wire.send(text_of(b"\n.\n", token)[:-5] + behind)
                time.sleep(0.1)  # so that it is in the queue file
                getattr(wire, end)()
                if end != "rst":
                    self.assertNotRegex(wire.rest(), rb"^2")
        cases = [(port, end, behind) for port, end in (("smtp", "fin"), ("smtp", "rst"), ("submission", "fin"), ("submission", "rst"),
                                                       ("submission", "close_notify"), ("smtps", "close_notify"))
                 for behind in (b"", b"\r\n", b"\r\n.", b"\r\n.\r")]
        beside_each_other(cut_short, cases)
        self.judge()


class RejectTest(Matrix, Ends, SmugglingCase):
    mode = "reject"
    settings = ("smtpd_forbid_bare_newline=reject",)


class TrustedTest(Matrix, SmugglingCase):
    """SMG-20: a client of mynetworks is judged as strictly."""
    mode = "normalize"
    settings = ("smtpd_forbid_bare_newline=normalize", "mynetworks=[127.0.0.0/8]")


class TrustedRejectTest(Matrix, SmugglingCase):
    mode = "reject"
    settings = ("smtpd_forbid_bare_newline=reject", "mynetworks=[127.0.0.0/8]")


class OutputTest(unittest.TestCase):
    """SMG-20: the ways out that exist, relay and bounce with the original in it, to a host that records."""

    def relay(self, mode):
        sequences = [*LF_CASES.values(), *CR_CASES.values(), b"\r\n.\x0b\r\n", b"\r\n..\r\n...\r\n"]
        quick = ("mynetworks=[127.0.0.0/8]", "minimal_backoff_time=1s", "maximal_backoff_time=1s")
        with Sink() as sink, Demo(settings=(f'relayhost="[127.0.0.1]:{sink.port}"', f"smtpd_forbid_bare_newline={mode}", *quick,
                                            "smtpd_client_connection_count_limit=0")) as demo:
            for number in range(len(sequences)):
                sink.replies[f"bad{number}@far.test"] = [b"550 5.1.1 no such user"]

            def send(number, sequence):
                for recipient in (f"good{number}@far.test", f"bad{number}@far.test"):
                    with connect_smtp(demo).to_data(recipient, f"back{number}@far.test") as wire:
                        wire.send(text_of(sequence, b"token", b"stolen@far.test"))
                        wire.expect(250)
                        wire.expect(221, "QUIT")
            beside_each_other(send, list(enumerate(sequences)))
            for number in range(len(sequences)):
                for message in sink.wait(f"good{number}@far.test") + sink.wait(f"back{number}@far.test"):
                    self.assertNotRegex(message.wire, rb"(?<!\r)\n|\r(?!\n)")
                    self.assertNotRegex(message.wire, rb"(?m)^\.(?!\.)")
                    self.assertTrue(b"smuggled" in message.content() and message.sender in (f"back{number}@far.test", ""))
            wait_until(lambda: not waiting_in(demo.info["spool"]), 20, "an empty queue")
            self.assertEqual(sink.of("stolen@far.test"), [])
            self.assertEqual(len(sink.received), 2 * len(sequences))
            self.assertEqual(sum(re.match(r"stolen", rest) is not None for _, rest in sink.commands), 0)

    def test_SMG_20_relay_and_bounce(self):
        self.relay("normalize")

    def test_SMG_20_relay_and_bounce_as_it_came(self):
        self.relay("no")


if __name__ == "__main__":
    main()
