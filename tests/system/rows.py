"""What the tests of the hostile rows (tests/torture/ROWS.md) share: a raw client that holds each octet, record and segment in its own
hand, and the checks that hold behind every row."""
import base64
import collections
import concurrent.futures
import contextlib
import imaplib
import os
import poplib
import re
import socket
import ssl
import struct
import time
import unittest

from harness import PASSWORD, Demo, message, wait_until
from ledger import waiting_in

SERVED_WITHIN = 1  # seconds, for a well-behaved client beside the hostile one
QUICK = ("minimal_backoff_time=1s", "maximal_backoff_time=2s", "smtpd_client_connection_count_limit=0",
         "auth_failure_delay=0s")
PERMANENT = ("authd", "queued", "remote", "smtpd", "pop3-login", "imap-login")
LOG_LINE = re.compile(rb"[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d \S+ facteur/[a-z0-9-]+\[\d+\]: [\x20-\x7e]+")
SICK = re.compile(r".*(?:killed by signal|exit status|door to .*:|check failed|Sanitizer|is started again).*")

KILLED = re.compile(SICK.pattern.replace("killed by signal", r"killed by signal (?!9\b)"))  # where the test itself kills


def client_context(**options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in options.items():
        setattr(context, name, value)
    return context


def plain(login, password=PASSWORD):
    return base64.b64encode(f"\0{login}\0{password}".encode())


class Wire:
    """A connection, without any help. TLS runs in memory, so that the test decides which octets leave when."""

    def __init__(self, port, host="127.0.0.1", timeout=20):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = None
        self.said = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # Octets ----------------------------------------------------------------------------------------------------------

    def raw(self, octets):
        """Below TLS."""
        self.socket.sendall(octets)

    def record(self, octets):
        """What would go over the wire for these octets: one TLS record, or the octets."""
        if self.tls is None:
            return octets
        self.tls.write(octets)
        return self.outgoing.read()

    def send(self, octets):
        self.raw(self.record(octets))

    def pieces(self, octets, pause=0.0, size=1):
        for at in range(0, len(octets), size):
            self.send(octets[at:at + size])
            time.sleep(pause)

    def more(self):
        """Reads once; false at the end, however it comes."""
        try:
            octets = self.socket.recv(65536)
        except ConnectionError:
            return False
        if self.tls is None:
            self.said += octets
            return bool(octets)
        self.incoming.write(octets)
        before = len(self.said)
        try:
            while clear := self.tls.read(65536):
                self.said += clear
        except ssl.SSLWantReadError:
            return bool(octets)
        except ssl.SSLError:
            pass
        return len(self.said) > before

    def line(self):
        while b"\n" not in self.said:
            if not self.more():
                raise AssertionError(f"closed after {self.said!r}")
        line, _, self.said = self.said.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def rest(self, seconds=5):
        """All until the other end closes, which it must within this time."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
                if not self.more():
                    return self.said
        except TimeoutError:
            raise AssertionError(f"still open after {seconds} s; said {self.said[-300:]!r}") from None

    def silent(self, seconds=0.2):
        """Whether nothing comes for a while, not even the end."""
        self.socket.settimeout(seconds)
        try:
            self.more()
            return False
        except TimeoutError:
            return not self.said
        finally:
            self.socket.settimeout(20)

    # TLS and the ends of a connection --------------------------------------------------------------------------------

    def start_tls(self, context=None, before=b""):
        """The handshake; `before` goes in front of its first octets."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = (context or client_context()).wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.raw(before + self.outgoing.read())
                before = b""
            octets = self.socket.recv(65536)
            if not octets:
                raise ConnectionError("closed in the handshake")
            self.incoming.write(octets)
        self.raw(self.outgoing.read())
        self.tls = tls
        return self

    def close_notify(self):
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self.raw(self.outgoing.read())

    def fin(self):
        self.socket.shutdown(socket.SHUT_WR)

    def rst(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # SMTP ------------------------------------------------------------------------------------------------------------

    def reply(self):
        """Code and text of a whole SMTP reply."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return int(lines[-1][:3]), "\n".join(line[4:] for line in lines)

    def ask(self, line):
        self.send(line.encode() + b"\r\n" if isinstance(line, str) else line + b"\r\n")
        return self.reply()

    def expect(self, code, line=None):
        got = self.reply() if line is None else self.ask(line)
        assert got[0] == code, f"{line!r} was answered {got}"
        return got[1]

    def to_data(self, recipient, sender="a@outside.test"):
        """From EHLO to 354."""
        self.expect(250, "EHLO client.test")
        self.expect(250, f"MAIL FROM:<{sender}>")
        self.expect(250, f"RCPT TO:<{recipient}>")
        self.expect(354, "DATA")
        return self


def connect_smtp(demo, port="smtp", login=None):
    """Greeted; with a login inside TLS and authenticated."""
    wire = Wire(demo.port(port))
    if port == "smtps":
        wire.start_tls()
    wire.expect(220)
    if login:
        wire.expect(250, "EHLO client.test")
        if port != "smtps":
            wire.expect(220, "STARTTLS")
            wire.start_tls()
            wire.expect(250, "EHLO client.test")
        wire.expect(235, b"AUTH PLAIN " + plain(login))
    return wire


def descriptors(pid):
    """What a process holds, counted by kind, without the message files that queued gave ahead of need."""
    held = collections.Counter()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            held[re.sub(r":\[\d+\]", "", os.readlink(f"/proc/{pid}/fd/{number}"))] += 1
    return collections.Counter({kind: count for kind, count in held.items() if "/spool/queue/" not in kind})


def status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def rss(pid):
    """Resident memory in KiB."""
    return int(status_of(pid)["VmRSS"].split()[0])


def peak(pid):
    """The most resident memory that it ever had, in KiB."""
    return int(status_of(pid)["VmHWM"].split()[0])


def rss_at_rest(pid, seconds=1):
    """The least of a while: a password that is being hashed takes megabytes."""
    deadline, least = time.monotonic() + seconds, rss(pid)
    while time.monotonic() < deadline:
        time.sleep(0.02)
        least = min(least, rss(pid))
    return least


def beside_each_other(act, cases, threads=64):
    """Runs act(*case) for every case in threads; raises one error that names all cases that failed."""
    def one(case):
        try:
            act(*case)
        except Exception as error:  # each case has its line, whatever broke it
            return f"{case}: {type(error).__name__}: {error}"
        return None
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        failed = [line for line in pool.map(one, cases) if line]
    if failed:
        raise AssertionError(f"{len(failed)} of {len(cases)}:\n" + "\n".join(failed[:20]))


class RowCase(unittest.TestCase):
    """Tests on one demo. At their end: nobody died, every process holds what it held before, the queue is empty, the log is text."""
    settings = ()
    users = 0
    sick = SICK

    @classmethod
    def setUpClass(cls):
        cls.demo = cls.enterClassContext(Demo(settings=("smtpd_client_connection_count_limit=0", "auth_failure_delay=0s",
                                                        "auth_failure_limit=100000", *cls.settings), users=cls.users))
        cls.warm_up()
        cls.before = {name: cls.demo.pids(name) for name in PERMANENT}
        cls.held = {pid: descriptors(pid) for pids in cls.before.values() for pid in pids} if os.geteuid() == 0 else {}

    @classmethod
    def warm_up(cls):
        """Every process there is, with every door it needs."""
        for _ in range(4):
            serve(cls.demo)
        cls.demo.send("warm@outside.test", "bob@example.test", message("warm"))
        cls.demo.wait_for_mail("bob")
        with contextlib.closing(poplib.POP3("127.0.0.1", cls.demo.port("pop3"), timeout=20)) as client:
            client.user("bob")
            client.pass_(PASSWORD)
            client.quit()
        with imaplib.IMAP4("127.0.0.1", cls.demo.port("imap"), timeout=20) as client:
            client.login("bob", PASSWORD)
            client.select()

    @classmethod
    def tearDownClass(cls):
        wait_until(lambda: not waiting_in(cls.demo.info["spool"]), 30, "an empty queue")
        check_log(cls.demo, cls.sick)
        for name, pids in cls.before.items():
            assert cls.demo.pids(name) == pids, f"{name} was {pids} and is {cls.demo.pids(name)}"
        for pid, held in cls.held.items():
            try:
                wait_until(lambda: descriptors(pid) <= held, 15, "as few descriptors as before")
            except AssertionError as error:
                raise AssertionError(f"{error}: {pid} of {cls.before} has more: {descriptors(pid) - held}") from None

    def tearDown(self):
        self.assert_served()

    def assert_served(self, within=SERVED_WITHIN):
        start = time.monotonic()
        serve(self.demo)
        self.assertLess(time.monotonic() - start, within, "a well-behaved client had to wait")


def serve(demo):
    """What a well-behaved client does, up to a recipient that is accepted."""
    with Wire(demo.port("smtp")) as wire:
        wire.expect(220)
        wire.expect(250, "EHLO good.test")
        wire.expect(250, "MAIL FROM:<good@outside.test>")
        wire.expect(250, "RCPT TO:<alice@example.test>")
        wire.expect(221, "QUIT")


def check_log(demo, sick=SICK):
    """Each record is one line of printable ASCII, and none tells of a process that is ill."""
    with open(demo.info["log"], "rb") as log:
        lines = log.read().split(b"\n")
    wrong = [line for line in lines[:-1] if not LOG_LINE.fullmatch(line)]
    assert not wrong and lines[-1] == b"", f"not records of one printable line: {wrong[:5]} {lines[-1]!r}"
    ill = [line for line in lines if sick.fullmatch(line.decode("ascii", "replace"))]
    assert not ill, ill[:5]


def holding(demo, text, login="alice"):
    """The messages of a mailbox that hold these octets."""
    return [octets for octets in demo.maildir(login).values() if text in octets]


def pop3(demo, user="bob", password=PASSWORD):
    with contextlib.closing(poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)) as client:
        client.user(user)
        client.pass_(password)
        client.quit()


def imap(demo, user="alice", password=PASSWORD):
    with imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=20) as client:
        client.login(user, password)
        client.select(readonly=True)


def deliver(demo, words, login="alice", seconds=15):
    demo.send("x@outside.test", f"{login}@example.test", message(words, words))
    wait_until(lambda: holding(demo, words.encode(), login), seconds, f"{words} for {login}")
