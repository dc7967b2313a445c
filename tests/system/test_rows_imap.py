"""Rows IMP on the wire: what a client announces costs nothing until it is sent."""
import re

from harness import PASSWORD, main
from rows import RowCase, Wire, status_of

ANNOUNCED = ("4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "1073741824", "67108864", "-1", "", "1", "01", " 1")
MOST_GROWTH = 4096  # KiB


def room(pid):
    """KiB of data that a process has asked for, whether it uses them or not."""
    return int(status_of(pid)["VmData"].split()[0])


class LiteralTest(RowCase):
    """IMP-01. No size makes room: neither one that is refused nor one that is allowed and never comes."""

    def check_room(self, program, before, announced):
        for pid in self.demo.pids(program):
            if pid in before:
                self.assertLess(room(pid) - before[pid], MOST_GROWTH, f"{program} after {announced}")

    def announce(self, wire, line):
        """What is said to a literal: "+" if it may come."""
        wire.send(line + b"\r\n")
        while True:
            answer = wire.line()
            if not answer.startswith("* ") or answer.startswith("* BYE"):
                return answer

    def test_IMP_01_sizes_before_login(self):
        before = {pid: room(pid) for pid in self.demo.pids("imap-login")}
        for size in ANNOUNCED:
            with self.subTest(size), Wire(self.demo.port("imap")) as wire:
                wire.line()
                answer = self.announce(wire, b"a LOGIN {%s}" % size.encode())
                self.check_room("imap-login", before, size)
                self.assertRegex(answer, r"^\+ " if size == "1" else r"^(a|\*) (BAD|NO|BYE) ")

    def test_IMP_01_sizes_after_login(self):
        for command in (b"SELECT", b"APPEND INBOX"):
            for size in ("4294967295", "4294967296", "10000000", "8000000"):
                with self.subTest(f"{command} {size}"), Wire(self.demo.port("imap")) as wire:
                    wire.line()
                    self.assertTrue(self.announce(wire, b"a LOGIN alice " + PASSWORD.encode()).startswith("a OK"))
                    before = {pid: room(pid) for pid in self.demo.pids("imapd")}
                    answer = self.announce(wire, b"b %s {%s}" % (command, size.encode()))
                    self.check_room("imapd", before, size)
                    may_come = command == b"APPEND INBOX" and int(size) <= 10240000
                    self.assertRegex(answer, r"^\+ " if may_come else r"^(b|\*) (BAD|NO|BYE) ")

    def test_IMP_02_unasked_and_huge(self):
        """What a client sends without waiting is thrown away up to a bound, and then it is sent away."""
        before = {pid: room(pid) for pid in self.demo.pids("imap-login")}
        with Wire(self.demo.port("imap")) as wire:
            wire.line()
            try:
                wire.send(b"a LOGIN {100000000+}\r\n")
                for _ in range(100000000 >> 16):
                    wire.send(b"A" * 65536)
            except (ConnectionError, TimeoutError):
                pass
            self.check_room("imap-login", before, "100000000+")
            self.assertTrue(re.search(rb"^\* (BYE|BAD) .*", wire.rest(), re.M) or not wire.said, wire.said)


if __name__ == "__main__":
    main()
