"""Rows POP on the wire: lines without end, sessions that end in each bad way, two of them on one mailbox, and a kill at each system
call of the update. On Maildir and on mbox."""
import os
import random
import re
import signal
import time
import unittest

from harness import FULL, PASSWORD, Demo, main, wait_until
from rows import RowCase, Wire, check_log, rss
from strace import kill_at, need_strace, record

COUNT = 6
SEED = os.environ.get("FACTEUR_SEED") or str(random.SystemRandom().randrange(10**9))
KILLED = re.compile(r".*(?:killed by signal (?!9\b)|exit status|door to .*:|check failed|is started again).*")
POINTS = 100000 if FULL else 12


def text(number):
    return b"From: x@outside.test\nSubject: number %d\n\nbody %d\n.\nthe last line of %d\n" % (number, number, number)


class Maildir:
    """A mailbox of COUNT messages that the test fills and reads by itself."""
    settings = ()

    def __init__(self, demo, login):
        self.path = demo.info["mail"][login]

    def fill(self):
        owner = os.stat(self.path)
        for folder in ("new", "cur"):
            for name in os.listdir(os.path.join(self.path, folder)):
                os.unlink(os.path.join(self.path, folder, name))
        for number in range(1, COUNT + 1):
            name = f"{1700000000 + number}.M{time.monotonic_ns()}.test"
            path = os.path.join(self.path, "tmp", name)
            with open(path, "wb") as message:
                message.write(text(number))
            os.chmod(path, 0o600)
            os.chown(path, owner.st_uid, owner.st_gid)
            os.rename(path, os.path.join(self.path, "new", name))

    def state(self):
        """Everything there is, so that what is the same before and after is untouched: sorted contents."""
        found = []
        for folder in ("new", "cur"):
            for name in os.listdir(os.path.join(self.path, folder)):
                with open(os.path.join(self.path, folder, name), "rb") as message:
                    found.append(message.read())
        return sorted(found)

    numbers = lambda self: self.whole(self.state())

    @staticmethod
    def whole(contents):
        """The numbers of the messages, each of which must be as it was written."""
        numbers = [next((n for n in range(1, COUNT + 1) if text(n) == content), None) for content in contents]
        assert None not in numbers, f"a message was changed: {contents}"
        return numbers


class Mbox(Maildir):
    settings = ("mail_location=mbox:~/mbox", "mbox_dotlock_change_timeout=1s")
    SEPARATOR = b"From x@outside.test Mon Oct  5 11:00:00 2026\n"

    def fill(self):
        folder = os.stat(os.path.dirname(self.path))
        with open(self.path, "wb") as mbox:
            for number in range(1, COUNT + 1):
                mbox.write(self.SEPARATOR + text(number) + b"\n")
        os.chmod(self.path, 0o600)
        os.chown(self.path, folder.st_uid, folder.st_gid)

    def state(self):
        """Without the fields that say what was seen and which id it has."""
        with open(self.path, "rb") as mbox:
            parts = mbox.read().split(self.SEPARATOR)
        assert parts[0] == b"", parts[0]
        return sorted(map(clean, parts[1:]))


def clean(part):
    header, _, body = part.partition(b"\n\n")
    kept = [line for line in header.split(b"\n") if not line.startswith((b"Status:", b"X-Status:", b"X-UID:", b"X-IMAP", b"X-Keywords:"))]
    assert body.endswith(b"\n\n"), part
    return b"\n".join(kept) + b"\n\n" + body[:-1]


def login(demo, user="alice", tls=False, within=10):
    """A session, as soon as the lock of the one before is gone."""
    answers = []

    def attempt():
        wire = Wire(demo.port("pop3s" if tls else "pop3"))
        try:
            if tls:
                wire.start_tls()
            wire.line()
            wire.send(b"USER %s\r\nPASS %s\r\n" % (user.encode(), PASSWORD.encode()))
            answers[:] = [wire.line(), wire.line()]
            if answers[1].startswith("+OK"):
                return wire
        except AssertionError as error:  # the worker has just been killed
            answers[:] = [error]
        wire.socket.close()
        return None
    try:
        return wait_until(attempt, within, f"a POP3 session of {user}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {answers}") from None


def say(wire, command):
    wire.send(command.encode() + b"\r\n")
    return wire.line()


def numbers_of(wire):
    """Message number to which of ours it is: what came back in an mbox may stand elsewhere in the list."""
    out = {}
    for number in range(1, int(say(wire, "STAT").split()[1]) + 1):
        assert say(wire, f"TOP {number} 0").startswith("+OK")
        out[number] = int(next(line.split()[-1] for line in list(iter(wire.line, ".")) if line.startswith("Subject: ")))
    return out


def delete(wire, chosen):
    """Those of ours of which chosen(which) is true."""
    for number, which in numbers_of(wire).items():
        if chosen(which):
            assert say(wire, f"DELE {number}").startswith("+OK"), number


def odd(which):
    return which % 2 == 1


class LineTest(RowCase):
    def endless(self, wire, program):
        """A line without an end: one answer at most, an end within the time that a close may take, and no memory for it."""
        before = {pid: rss(pid) for pid in self.demo.pids(program)}
        start = time.monotonic()
        try:
            while time.monotonic() - start < 10:
                wire.send(b"A" * 65536)
        except (ConnectionError, TimeoutError):
            pass
        self.assertLess(time.monotonic() - start, 5)
        self.assertRegex(wire.rest(), rb"\A(-ERR [^\r\n]*\r\n)?\Z")
        for pid, size in before.items():
            self.assertLess(rss(pid) - size, 8192)

    def test_POP_02_a_line_without_an_end(self):
        with Wire(self.demo.port("pop3")) as wire:
            wire.line()
            self.endless(wire, "pop3-login")
        with Wire(self.demo.port("pop3s")) as wire:
            wire.start_tls().line()
            self.endless(wire, "pop3-login")
        with login(self.demo) as wire:
            self.endless(wire, "pop3d")

    def test_POP_02_a_long_command(self):
        for make in (lambda: Wire(self.demo.port("pop3")), lambda: login(self.demo)):
            for size in (256, 300, 2000):
                with make() as wire:
                    wire.send(b"NOOP " + b"x" * (size - 7) + b"\r\n")
                    self.assertIn(b"-ERR", wire.rest())

    def test_POP_02_unknown_commands_before_login(self):
        with Wire(self.demo.port("pop3")) as wire:
            wire.line()
            wire.send(b"XYZZY\r\n" * 100)
            said = wire.rest()
            self.assertLess(said.count(b"\r\n"), 30)
            self.assertEqual(said.count(b"-ERR"), said.count(b"\r\n"))


class EndTest:
    """POP-03 and POP-08, for each kind of mailbox."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.box = cls.kind(cls.demo, "alice")

    @classmethod
    def warm_up(cls):
        for user in ("alice", "bob"):
            cls.demo.send("x@outside.test", f"{user}@example.test", "Subject: first\r\n\r\nmakes the mailbox\r\n")
            wait_until(lambda: os.path.exists(cls.demo.info["mail"][user]), 15, "the mailbox")
            login(cls.demo, user).socket.close()

    def each_end(self):
        """Ways in which a session is over before QUIT; what must die for it."""
        yield "FIN", False, lambda wire: wire.fin()
        yield "RST", False, lambda wire: wire.rst()
        yield "close_notify", True, lambda wire: wire.close_notify()
        yield "FIN inside TLS", True, lambda wire: wire.fin()
        yield "RST inside TLS", True, lambda wire: wire.rst()
        yield "half a QUIT", False, lambda wire: (wire.send(b"QUIT"), wire.fin())
        yield "kill -9 of pop3d", False, lambda wire: self.kill()
        yield "kill -9 of pop3d under TLS", True, lambda wire: self.kill()

    def kill(self):
        for pid in self.demo.pids("pop3d"):
            os.kill(pid, signal.SIGKILL)

    def test_POP_03_nothing_is_deleted_without_quit(self):
        for name, tls, end in self.each_end():
            with self.subTest(name):
                self.box.fill()
                before = self.box.state()
                with login(self.demo, tls=tls) as wire:
                    delete(wire, lambda which: True)
                    self.assertRegex(say(wire, "STAT"), r"^\+OK 0 0")
                    end(wire)
                with login(self.demo) as wire:
                    self.assertRegex(say(wire, "STAT"), rf"^\+OK {COUNT} ")
                    self.assertEqual(self.box.state(), before)
                    say(wire, "QUIT")
        self.box.fill()
        with login(self.demo) as wire:  # and with QUIT it is
            delete(wire, odd)
            self.assertTrue(say(wire, "QUIT").startswith("+OK"))
        self.assertEqual(self.box.numbers(), [2, 4, 6])

    def second_is_told(self):
        start = time.monotonic()
        with Wire(self.demo.port("pop3")) as wire:
            wire.line()
            wire.send(b"USER alice\r\nPASS %s\r\n" % PASSWORD.encode())
            wire.line()
            self.assertRegex(wire.line(), r"^-ERR \[IN-USE\] ")
        self.assertLess(time.monotonic() - start, 1)

    def test_POP_08_two_sessions_on_one_mailbox(self):
        self.box.fill()
        with login(self.demo) as first:
            self.second_is_told()
            delete(first, odd)
            self.second_is_told()
            login(self.demo, "bob").socket.close()  # another mailbox is free
            self.assertRegex(say(first, "RETR 2"), r"^\+OK")  # and hangs: reads no more
            self.second_is_told()
        login(self.demo).socket.close()

    def test_POP_08_the_lock_dies_with_its_holder(self):
        for name, tls, end in self.each_end():
            with self.subTest(name), login(self.demo, tls=tls) as wire:
                self.second_is_told()
                end(wire)
                login(self.demo, within=5).socket.close()


class KilledCase(RowCase):
    """Processes die here because the test kills them."""
    sick = KILLED


class MaildirEndTest(EndTest, KilledCase):
    kind = Maildir


class MboxEndTest(EndTest, KilledCase):
    kind = Mbox
    settings = Mbox.settings


class UpdateTest(unittest.TestCase):
    """POP-04: pop3d dies at each system call of QUIT."""

    def setUp(self):
        need_strace(self)

    def check_kind(self, kind):
        with Demo(settings=("sync_threads=1", "auth_failure_delay=0s", *kind.settings)) as demo:
            self.demo, self.box, other = demo, kind(demo, "alice"), kind(demo, "bob")
            for login_, box in (("alice", self.box), ("bob", other)):
                demo.send("x@outside.test", f"{login_}@example.test", "Subject: first\r\n\r\nmakes the mailbox\r\n")
                wait_until(lambda: os.path.exists(box.path), 15, "the mailbox")
            wait_until(lambda: "queue is empty" in demo.run("mailq").stdout, 15, "an empty queue")
            other.fill()
            before = other.state()
            points = self.points()
            chosen = random.Random(SEED).sample(points, min(POINTS, len(points)))
            struck = [point for point in chosen if self.strike(point)]
            print(f"\nseed {SEED}: {len(points)} calls of QUIT, {len(chosen)} tried, {len(struck)} killed", flush=True)
            self.assertGreater(len(struck), len(chosen) // 2)
            self.assertEqual(other.state(), before)
            check_log(demo, KILLED)

    def points(self):
        self.box.fill()
        with login(self.demo) as wire:
            delete(wire, odd)
            pid, = self.demo.pids("pop3d")
            found = record(pid, lambda: self.assertTrue(say(wire, "QUIT").startswith("+OK")))
        self.assertEqual(self.box.numbers(), [2, 4, 6])
        self.assertGreater(len(found), 10)
        return found

    def strike(self, point):
        """Whether pop3d died; what is left must be right anyway."""
        self.box.fill()
        with login(self.demo) as wire:
            delete(wire, odd)
            pid, = self.demo.pids("pop3d")
            strace = kill_at(pid, point)
            if strace is None:
                return False
            with strace:
                wire.send(b"QUIT\r\n")
                answer = wire.rest()
                wait_until(lambda: strace.killed() or answer, 1, "the kill") if not answer else time.sleep(0.05)
                killed = strace.killed()
        left = self.box.numbers()
        self.assertEqual([n for n in left if n % 2 == 0], [2, 4, 6], f"{point}: what nobody deleted")
        if answer.startswith(b"+OK"):
            self.assertEqual(left, [2, 4, 6], f"{point}: was said to be deleted")
        self.finish(point)
        return killed

    def finish(self, point):
        """A second session sees what is there and deletes the rest."""
        with login(self.demo) as wire:
            self.assertEqual(sorted(numbers_of(wire).values()), self.box.numbers(), point)
            delete(wire, odd)
            self.assertTrue(say(wire, "QUIT").startswith("+OK"), point)
        self.assertEqual(self.box.numbers(), [2, 4, 6], point)

    def test_POP_04_maildir(self):
        self.check_kind(Maildir)

    def test_POP_04_mbox(self):
        self.check_kind(Mbox)


if __name__ == "__main__":
    main()
