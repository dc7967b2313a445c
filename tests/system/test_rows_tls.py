"""Rows TLS on the wire: nothing said in clear lives on inside TLS, nothing cut off inside TLS is taken for whole, and old protocols are
refused. For SMTP, POP3 and IMAP, on the ports with STARTTLS and on those that begin with TLS."""
import ctypes
import ctypes.util
import itertools
import os
import signal
import socket
import struct
import time

from harness import FULL, main, wait_until
from ledger import waiting_in
from rows import RowCase, Wire, beside_each_other, connect_smtp, holding, peak, plain

#           the greeting, the command, the yes to it; what is injected; a harmless command and the answer to it
SERVICES = {
    "smtp": (b"220 ", b"STARTTLS\r\n", b"220 ", b"EHLO evil\r\n", b"NOOP\r\n", b"250 "),
    "submission": (b"220 ", b"STARTTLS\r\n", b"220 ", b"EHLO evil\r\n", b"NOOP\r\n", b"250 "),
    "pop3": (b"+OK", b"STLS\r\n", b"+OK", b"USER x\r\n", b"NOOP\r\n", b"+OK"),
    "imap": (b"* OK", b"a STARTTLS\r\n", b"a OK", b"b LOGIN x y\r\n", b"c NOOP\r\n", b"c OK"),
}
PROGRAMS = {"smtp": "smtpd", "submission": "smtpd", "pop3": "pop3-login", "imap": "imap-login"}
IMPLICIT = {"smtps": "submission", "pop3s": "pop3", "imaps": "imap"}
HTTP = b"GET / HTTP/1.1\r\nHost: mail.example.test\r\n\r\n"
ALERT, HANDSHAKE = 0x15, 0x16
TLS_1_2, TLS_1_3 = 0x0303, 0x0304


def greeted(demo, name, tls=False):
    """A connection past its greeting and, if wanted, inside TLS."""
    wire = Wire(demo.port(name))
    if name in IMPLICIT:
        wire.start_tls()
    greeting, command, ready = SERVICES[IMPLICIT.get(name, name)][:3]
    line = wire.line().encode()
    assert line.startswith(greeting), line
    if tls and name not in IMPLICIT:
        wire.send(command)
        line = wire.line().encode()
        assert line.startswith(ready), line
        wire.start_tls()
    return wire


def to_handshake(demo, name):
    """A connection on which the server now waits for a ClientHello."""
    if name in IMPLICIT:
        return Wire(demo.port(name))
    wire = greeted(demo, name)
    wire.send(SERVICES[name][1])
    line = wire.line().encode()
    assert line.startswith(SERVICES[name][2]), line
    return wire


class InjectionTest(RowCase):
    def refused(self, name, pieces, pause, before=None, meanwhile=None):
        """The command is refused, nothing behind it is answered, and the connection ends."""
        ready = SERVICES[name][2]
        with greeted(self.demo, name) as wire:
            if before:
                before()
            for piece in pieces:
                wire.raw(piece)
                time.sleep(pause)
            if meanwhile:
                meanwhile()
            said = wire.rest()
            self.assertEqual(said.count(b"\r\n"), 2 if name == "imap" else 1, said)  # IMAP says BYE, too
            self.assertFalse(said.startswith(ready) or b"evil" in said or b"LOGIN" in said, said)

    def injected(self, name):
        self.refused(name, [SERVICES[name][1] + SERVICES[name][3]], 0)

    def test_TLS_01_commands_behind_starttls(self):
        self.injected("smtp")
        self.injected("submission")

    def test_TLS_02_commands_behind_stls_and_starttls(self):
        self.injected("pop3")
        self.injected("imap")

    def test_TLS_03_injected_before_the_answer(self):
        """The command and what is behind it in segments of their own, and both there before the server looks."""
        for name in SERVICES:
            pids = self.demo.pids(PROGRAMS[name])

            def tell(number):
                for pid in pids:
                    os.kill(pid, number)
            try:
                self.refused(name, SERVICES[name][1:4:2], 0.05, lambda: tell(signal.SIGSTOP), lambda: tell(signal.SIGCONT))
            finally:
                tell(signal.SIGCONT)

    def test_TLS_03_injected_about_the_time_of_the_answer(self):
        def race(name, pause):
            _, command, ready, evil = SERVICES[name][:4]
            with greeted(self.demo, name) as wire:
                wire.raw(command)
                time.sleep(pause)
                wire.raw(evil)
                said = wire.rest()
                self.assertNotIn(b"evil", said)
                lines = said.split(b"\r\n")
                if lines[0].startswith(ready):  # it was too late to refuse the command: then the handshake fails
                    self.assertTrue(len(said) == len(lines[0]) + 2 or said[len(lines[0]) + 2] == ALERT, said)
        beside_each_other(race, list(itertools.product(SERVICES, (0, 0.0001, 0.0005, 0.002, 0.01))))

    def test_TLS_03_injected_before_the_client_hello(self):
        for name in SERVICES:
            with self.subTest(name), to_handshake(self.demo, name) as wire:
                with self.assertRaises(Exception) as failed:
                    wire.start_tls(before=SERVICES[name][3])
                self.assertIn(type(failed.exception).__name__, ("ConnectionError", "ConnectionResetError", "SSLError"))

    def test_TLS_04_half_a_command_behind_starttls(self):
        for name in SERVICES:
            half = SERVICES[name][4][:3]
            self.refused(name, [SERVICES[name][1] + half], 0)
            self.refused(name, [SERVICES[name][1][:4], SERVICES[name][1][4:] + half], 0.05)

    def test_TLS_08_no_client_hello(self):
        def garbage(name, octets):
            with to_handshake(self.demo, name) as wire:
                wire.raw(octets)
                said = wire.rest()
                self.assertTrue(said == b"" or said[0] == ALERT, said)  # never back in clear
        beside_each_other(garbage, list(itertools.product([*SERVICES, *IMPLICIT], (b"QUIT\r\n", HTTP, bytes(64), b"\xff" * 64,
                                                                                     b"\x16\x03\x01\xff\xff" + b"A" * 70000))))


class TruncationTest(RowCase):
    """TLS-09 and TLS-10: where it hurts, and each way in which the rest does not come."""

    def in_data(self, port):
        wire = connect_smtp(self.demo, port, "alice").to_data("alice@example.test", "alice@example.test")
        wire.send(b"Subject: cut short\r\n\r\ncut short\r\n")
        return wire

    def in_auth(self, port):
        wire = greeted(self.demo, port, tls=True)
        wire.expect(250, "EHLO client.test")
        wire.expect(334, "AUTH PLAIN")
        wire.send(plain("alice")[:8])
        return wire

    def in_login(self, port):
        wire = greeted(self.demo, port, tls=True)
        wire.send(b"a LOGIN {5}\r\n")
        self.assertTrue(wire.line().startswith("+ "))
        wire.send(b"al")
        return wire

    def in_append(self, port):
        wire = greeted(self.demo, port, tls=True)
        wire.send(b'a LOGIN alice correct-horse\r\nb APPEND INBOX {1000}\r\n')
        while not wire.line().startswith("+ "):
            pass
        wire.send(b"Subject: cut short\r\n\r\ncut short\r\n")
        return wire

    def in_pass(self, port):
        wire = greeted(self.demo, port, tls=True)
        wire.send(b"USER alice\r\nPASS corr")
        self.assertTrue(wire.line().startswith("+OK"))
        return wire

    PLACES = (("in_data", "smtp"), ("in_data", "submission"), ("in_data", "smtps"), ("in_auth", "smtp"), ("in_auth", "smtps"),
              ("in_login", "imap"), ("in_login", "imaps"), ("in_append", "imap"), ("in_append", "imaps"), ("in_pass", "pop3"),
              ("in_pass", "pop3s"))

    def ended(self, place, port, end):
        with getattr(self, place)(port) as wire:
            time.sleep(0.1)
            end(wire)
            said = wire.rest(2)
            self.assertNotRegex(said, rb"^(2\d\d|\+OK|[ab] OK)")

    def judge(self):
        wait_until(lambda: not waiting_in(self.demo.info["spool"]), 10, "an empty queue")
        self.assertEqual(holding(self.demo, b"cut short"), [])

    def test_TLS_09_close_notify_and_a_clear_octet(self):
        def end(wire):
            wire.close_notify()
            try:
                time.sleep(0.02)
                wire.raw(b"x")
            except ConnectionError:
                pass
        beside_each_other(self.ended, [(place, port, end) for place, port in self.PLACES])
        self.judge()

    def test_TLS_09_close_notify_and_the_rest_in_clear(self):
        def end(wire):
            wire.raw(wire_close(wire) + b"\r\n.\r\nQUIT\r\n" + bytes(200))
        beside_each_other(self.ended, [(place, port, end) for place, port in self.PLACES])
        self.judge()

    def test_TLS_10_fin_without_close_notify(self):
        beside_each_other(self.ended, [(place, port, Wire.fin) for place, port in self.PLACES])
        self.judge()

    def test_TLS_10_a_forged_record(self):
        """What an attacker on the line may do: octets that no key made."""
        def end(wire):
            wire.raw(b"\x17\x03\x03\x00\x20" + b"\r\n.\r\n" + bytes(27))
        beside_each_other(self.ended, [(place, port, end) for place, port in self.PLACES])
        self.judge()


def wire_close(wire):
    """The octets of a close_notify."""
    try:
        wire.tls.unwrap()
    except OSError:
        pass
    return wire.outgoing.read()


def declare(name, result, *arguments):
    function = getattr(LIBSSL, name)
    function.restype, function.argtypes = result, arguments
    return function


LIBSSL = ctypes.CDLL(ctypes.util.find_library("ssl"))
POINTER, INT = ctypes.c_void_p, ctypes.c_int
SET_MAX_PROTO_VERSION = 124
SSL_METHOD = declare("TLS_client_method", POINTER)
CTX_NEW, CTX_FREE = declare("SSL_CTX_new", POINTER, POINTER), declare("SSL_CTX_free", None, POINTER)
CTX_CTRL = declare("SSL_CTX_ctrl", ctypes.c_long, POINTER, INT, ctypes.c_long, POINTER)
SSL_NEW, SSL_FREE = declare("SSL_new", POINTER, POINTER), declare("SSL_free", None, POINTER)
SSL_SET_FD = declare("SSL_set_fd", INT, POINTER, INT)
SSL_CONNECT, SSL_HANDSHAKE = declare("SSL_connect", INT, POINTER), declare("SSL_do_handshake", INT, POINTER)
SSL_RENEGOTIATE, SSL_KEY_UPDATE = declare("SSL_renegotiate", INT, POINTER), declare("SSL_key_update", INT, POINTER, INT)
SSL_WRITE = declare("SSL_write", INT, POINTER, ctypes.c_char_p, INT)


class LibSsl:
    """A TLS client by libssl itself, for what Python's ssl does not do."""

    def __init__(self, wire, largest):
        self.context = CTX_NEW(SSL_METHOD())
        CTX_CTRL(self.context, SET_MAX_PROTO_VERSION, largest, None)
        self.ssl = SSL_NEW(self.context)
        wire.socket.settimeout(None)  # libssl wants it to block; the kernel keeps the time
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            wire.socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", 5, 0))
        SSL_SET_FD(self.ssl, wire.socket.fileno())
        assert SSL_CONNECT(self.ssl) == 1, "no handshake"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        SSL_FREE(self.ssl)
        CTX_FREE(self.context)

    def renegotiate(self):
        return SSL_RENEGOTIATE(self.ssl) == 1 and SSL_HANDSHAKE(self.ssl) == 1

    def key_update(self):
        """Ours, and the wish for one of theirs."""
        return SSL_KEY_UPDATE(self.ssl, 1) == 1 and SSL_HANDSHAKE(self.ssl) == 1

    def write(self, octets):
        return SSL_WRITE(self.ssl, octets, len(octets)) == len(octets)


class ProtocolTest(RowCase):
    def renegotiate(self, name):
        with to_handshake(self.demo, name) as wire, LibSsl(wire, TLS_1_2) as client:
            start = time.monotonic()
            self.assertFalse(client.renegotiate())
            self.assertLess(time.monotonic() - start, 2, "not refused but forgotten")

    def test_TLS_11_renegotiation(self):
        for name in [*SERVICES, *IMPLICIT]:
            with self.subTest(name):
                self.renegotiate(name)

    def test_TLS_11_renegotiation_again_and_again(self):
        beside_each_other(self.renegotiate, [(name,) for name in [*SERVICES, *IMPLICIT] * (143 if FULL else 15)], threads=8)

    def flood(self, name, program, harmless, between):
        """Key updates, with a command after every so many, or with none; the process must not grow."""
        before = {pid: peak(pid) for pid in self.demo.pids(program)}
        sent, most = 0, 200000 if FULL else 30000
        with to_handshake(self.demo, name) as wire, LibSsl(wire, TLS_1_3) as client:
            while sent < most and client.key_update():
                sent += 1
                if sent % between == 0 and not client.write(harmless):
                    break
            self.assert_served(2)
        self.assertGreater(sent, 100)
        if between > most:
            self.assertLess(sent, most, f"{name}: key updates without end are read without end")
        for pid, size in before.items():
            self.assertLess(peak(pid) - size, 16384, f"{name}: {sent} key updates")

    def test_TLS_12_key_updates(self):
        for between in (20, 1000, 1 << 30):
            self.flood("smtps", "smtpd", b"NOOP\r\n", between)
            self.flood("pop3s", "pop3-login", b"NOOP\r\n", between)
            self.flood("imaps", "imap-login", b"a NOOP\r\n", between)

    def test_TLS_12_records_too_large_or_empty(self):
        for name, octets in itertools.product(IMPLICIT, (b"\x17\x03\x03\x41\x01" + bytes(0x4101), b"\x17\x03\x03\xff\xff" + bytes(65535),
                                                         b"\x17\x03\x03\x00\x00" * 100000)):
            with self.subTest(f"{name} {len(octets)}"), greeted(self.demo, name) as wire:
                try:
                    wire.raw(octets)
                except ConnectionError:
                    pass
                wire.rest(3)


def client_hello(version, suites):
    """A ClientHello by hand: libraries refuse to send the old ones."""
    def listed(form, octets):
        return struct.pack(form, len(octets)) + octets
    groups = listed("!H", struct.pack("!3H", 29, 23, 24))
    signatures = listed("!H", struct.pack("!8H", 0x0403, 0x0804, 0x0401, 0x0503, 0x0603, 0x0203, 0x0201, 0x0501))
    extensions = b"".join(struct.pack("!H", kind) + listed("!H", octets)
                          for kind, octets in ((10, groups), (11, b"\1\0"), (13, signatures)))
    body = struct.pack("!H", version) + bytes(range(32)) + b"\0" + listed("!H", struct.pack(f"!{len(suites)}H", *suites)) + b"\1\0"
    body += listed("!H", extensions) if version > 0x0300 else b""
    hello = b"\1" + struct.pack("!I", len(body))[1:] + body
    return b"\x16" + struct.pack("!H", min(version, 0x0301)) + listed("!H", hello)


GOOD = [0xC02B, 0xC02F, 0xC02C, 0xC030, 0x009C, 0xC009, 0xC013, 0x002F]
WEAK = {"NULL": [0x0001, 0x0002, 0x003B, 0xC006, 0xC010], "EXPORT": [0x0003, 0x0006, 0x0008, 0x0014, 0x0062],
        "RC4": [0x0004, 0x0005, 0xC007, 0xC011],
        "3DES": [0x000A, 0x0016, 0xC008, 0xC012], "anonymous": [0x0018, 0x0034, 0x006C, 0x00A6, 0xC018], "nothing known": [0xFFFE, 0x1234],
        "DES": [0x0009, 0x0015], "MD5": [0x0001, 0x0004]}
SSL2_HELLO = bytes.fromhex("802e010002001500000010") + bytes.fromhex("010080020080030080040080050080060040" "0700c0") + bytes(range(16))
TOO_OLD = {"SSL 3": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302}


class OldTest(RowCase):
    """TLS-13. Port 25 takes the same set as the others: TLS 1.2 and later with the library's default ciphers."""

    def answer(self, name, octets):
        with to_handshake(self.demo, name) as wire:
            wire.raw(octets)
            return wire.rest()

    def assert_refused(self, name, octets):
        said = self.answer(name, octets)
        self.assertEqual((len(said), said[0], said[5]), (7, ALERT, 2), said)  # one fatal alert
        self.assertIn(said[6], (40, 70, 71))  # handshake_failure, protocol_version, insufficient_security

    def test_TLS_13_old_protocols(self):
        beside_each_other(self.assert_refused, [(name, client_hello(version, GOOD)) for name in [*SERVICES, *IMPLICIT]
                                                for version in TOO_OLD.values()])

    def test_TLS_13_ssl_2(self):
        for name in [*SERVICES, *IMPLICIT]:
            said = self.answer(name, SSL2_HELLO)
            self.assertTrue(said == b"" or said[0] == ALERT, said)

    def test_TLS_13_weak_ciphers(self):
        beside_each_other(self.assert_refused, [(name, client_hello(0x0303, suites)) for name in [*SERVICES, *IMPLICIT]
                                                for suites in WEAK.values()])

    def test_TLS_13_the_hello_of_this_test_is_sound(self):
        for name in [*SERVICES, *IMPLICIT]:
            with self.subTest(name), to_handshake(self.demo, name) as wire:
                wire.raw(client_hello(0x0303, GOOD))
                while len(wire.said) < 6 and wire.more():
                    pass
                self.assertEqual((wire.said[0], wire.said[5]), (HANDSHAKE, 2), wire.said[:20])  # a ServerHello


if __name__ == "__main__":
    main()
