"""Rows POP on the wire: lines without end, sessions that end in each bad way, and two of them on one mailbox. On Maildir and on mbox.
POP-04 is in test_rows_steps.py."""
import os
import signal
import time

from harness import PASSWORD, main, wait_until
from maildrop import COUNT, Maildir, Mbox, delete, login, odd, say
from rows import KILLED, RowCase, Wire, peak


class LineTest(RowCase):
    def endless(self, wire, program):
        """A line without an end: one answer at most, an end within the time that a close may take, and no memory for it."""
        before = {pid: peak(pid) for pid in self.demo.pids(program)}
        start = time.monotonic()
        try:
            while time.monotonic() - start < 10:
                wire.send(b"A" * 65536)
        except (ConnectionError, TimeoutError):
            pass
        self.assertLess(time.monotonic() - start, 5)
        self.assertRegex(wire.rest(), rb"\A(-ERR [^\r\n]*\r\n)?\Z")
        for pid, size in before.items():
            self.assertLess(peak(pid) - size, 8192)

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
        self.assertEqual((self.box.numbers(), len(self.box.state())), ([2, 4, 6], 3))

    def second_is_told(self):
        start = time.monotonic()
        with Wire(self.demo.port("pop3")) as wire:
            wire.line()
            wire.send(b"USER alice\r\nPASS %s\r\n" % PASSWORD.encode())
            wire.line()
            self.assertRegex(wire.line(), r"^-ERR \[IN-USE\] ")
        self.assertLess(time.monotonic() - start, 10)  # a second is given to sessions that just end

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


if __name__ == "__main__":
    main()
