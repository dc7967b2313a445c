"""Limits that hold over all processes, because authd counts them: connections of one address to all smtpd processes
(smtpd_client_connection_count_limit), sessions of one user from one address (mail_max_userip_connections). Whatever is killed
takes its own out of the count, and no limit stands in the way of mail."""
import contextlib
import functools
import imaplib
import os
import poplib
import re
import signal
import socket
import time
import unittest

from harness import PASSWORD, Demo, main, slowest_beside, wait_until
from rows import client_context

SERVED, REFUSED = "220", "421"


class Connection:
    """One to port 25, with the first line that came."""

    def __init__(self, demo, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", demo.port("smtp")), 20, (source, 0))
        self.line = ""

    def hear(self):
        if not self.line:
            self.line = self.socket.makefile("rb").readline().decode()
        return self.line[:3]

    def close(self):
        self.socket.close()


class CountedCase(unittest.TestCase):
    LIMIT = 3

    def start(self, *settings):
        demo = Demo(settings=[f"smtpd_client_connection_count_limit={self.LIMIT}", "smtpd_processes=2", *settings])
        self.enterContext(demo)
        self.held = []
        self.addCleanup(self.close)
        return demo

    def close(self):
        while self.held:
            self.held.pop().close()

    def connect(self, demo, count=1, source="127.0.0.1"):
        """So many at once; those that got a banner stay open."""
        made = [Connection(demo, source) for _ in range(count)]
        served = [one for one in made if one.hear() == SERVED]
        for one in made:
            if one not in served:
                self.assertRegex(one.line, rf"^421 4\.7\.0 \S+ Error: too many connections from {re.escape(source)}\r\n$")
                one.close()
        self.held += served
        return served

    def wait_for(self, demo, count):
        """Connects until just so many of eight were served: what was closed is out of the count a moment later."""
        served = []

        def enough():
            for one in self.connect(demo, 8):
                served.append(one)
            return len(served) >= count
        wait_until(enough, 10, f"{count} more connections")
        self.assertEqual(len(served), count)

    @staticmethod
    def process_of(demo, connection):
        """The smtpd that serves it."""
        port = connection.socket.getsockname()[1]
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table]
        inode, = [row[9] for row in rows[1:] if row[1].endswith(f":{demo.port('smtp'):04X}") and row[2].endswith(f":{port:04X}")]
        for pid in demo.pids("smtpd"):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if f"socket:[{inode}]" in [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]:
                    return pid
        return None

    @staticmethod
    def connecting(demo):
        return re.findall(r"facteur/smtpd\[(\d+)\]: connect from", demo.log_text())


class ConnectionsTest(CountedCase):
    def test_one_count_for_all_processes(self):
        demo = self.start()
        self.assertEqual(len(self.connect(demo, 8)), self.LIMIT)
        for _ in range(12):
            self.assertEqual(self.connect(demo, 3), [])
            self.assertEqual(len(self.connect(demo, 1, "127.0.0.2")), 1)  # another address has its own count
            self.held.pop().close()
            self.held.pop().close()
            self.wait_for(demo, 1)  # a place that is free is given again, once
            self.close()
            self.wait_for(demo, self.LIMIT)
        self.assertEqual(len(set(self.connecting(demo))), 2, "both processes served")

    def test_mynetworks_are_not_counted(self):
        demo = self.start("mynetworks=[127.0.0.2/32]")
        self.assertEqual(len(self.connect(demo, 12, "127.0.0.2")), 12)
        self.assertEqual(len(self.connect(demo, 8)), self.LIMIT)

    def test_an_older_generation_still_counts(self):
        demo = self.start()
        self.assertEqual(len(self.connect(demo, 2)), 2)
        before = demo.pids("smtpd")
        self.assertEqual(demo.run("facteur", "reload").returncode, 0)
        wait_until(lambda: len(set(demo.pids("smtpd")) - set(before)) == 2, 10, "a new generation")
        wait_until(lambda: self.connect(demo), 10, "a banner of the new generation")
        self.assertEqual(self.connect(demo, 8), [])
        for one in self.held:
            one.socket.sendall(b"QUIT\r\n")
        self.close()
        self.wait_for(demo, self.LIMIT)

    def test_a_killed_smtpd_frees_its_own(self):
        demo = self.start()
        self.assertEqual(len(self.connect(demo, 8)), self.LIMIT)
        if os.geteuid() == 0:
            victim = self.process_of(demo, self.held[0])
            self.assertIsNotNone(victim)
            its_own = sum(self.process_of(demo, one) == victim for one in self.held)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(set(demo.pids("smtpd")) - {victim}) == 2, 10, "a new smtpd")
        else:  # whose connections are whose is not seen without root
            its_own = self.LIMIT
            for pid in demo.pids("smtpd"):
                os.kill(pid, signal.SIGKILL)
        self.wait_for(demo, its_own)
        self.assertEqual(self.connect(demo, 8), [])

    def test_a_killed_authd_stops_nobody_and_its_successor_is_told(self):
        demo = self.start()
        self.assertEqual(len(self.connect(demo, 8)), self.LIMIT)
        old, = demo.pids("authd")
        os.kill(old, signal.SIGKILL)
        start = time.monotonic()
        self.assertEqual(len(self.connect(demo, 1, "127.0.0.2")), 1)
        self.assertLess(time.monotonic() - start, 5)
        wait_until(lambda: demo.pids("authd") not in ([], [old]), 10, "a new authd")
        # Until it has been told who is served, it may let somebody in.
        wait_until(lambda: self.connect(demo, 2) == [], 10, "a count of the new authd")
        self.close()
        self.wait_for(demo, self.LIMIT)

    def test_an_authd_that_does_not_answer_shuts_nobody_out(self):
        demo = self.start()
        authd, = demo.pids("authd")
        os.kill(authd, signal.SIGSTOP)
        try:
            start = time.monotonic()
            # As many as one process lets in without asking, and no more: it is on its own now.
            self.assertGreaterEqual(len(self.connect(demo, 8)), self.LIMIT)
            self.assertLess(time.monotonic() - start, 10)
            self.connect(demo, 8, "127.0.0.2")
            self.assertLessEqual(demo.log_text().count("authd does not answer: "), 2)
        finally:
            os.kill(authd, signal.SIGCONT)
        self.close()
        self.wait_for(demo, self.LIMIT)


class FloodTest(CountedCase):
    """CMD-29 again, by one address that is at its limit: it takes nothing from others, and authd still checks logins."""
    SECONDS = 3

    def crowd(self, demo, counts, ending):
        while not ending.is_set():
            with contextlib.suppress(OSError):
                one = Connection(demo, "127.0.0.9")
                counts.append(one.hear())
                one.close()

    def test_CMD_29_a_flood_from_one_address(self):
        demo = self.start()
        counts = []

        def log_in():
            with demo.smtp() as client:
                client.login("alice", PASSWORD)
        slowest = slowest_beside([functools.partial(self.crowd, demo, counts)] * 12, log_in, self.SECONDS)
        print(f"{len(counts)} connections in {self.SECONDS} s, {counts.count(REFUSED)} refused; a login took {slowest:.3f} s at most", flush=True)
        self.assertLess(slowest, 2)
        self.assertEqual(set(counts), {SERVED, REFUSED})
        self.assertNotIn("authd does not answer", demo.log_text())


class Imap(imaplib.IMAP4):
    def __init__(self, demo, tls=False, source="127.0.0.1"):
        self.tls, self.source = tls, source
        super().__init__("127.0.0.1", demo.port("imaps" if tls else "imap"), timeout=20)

    def _create_socket(self, timeout):
        made = socket.create_connection((self.host, self.port), timeout, (self.source, 0))
        return client_context().wrap_socket(made) if self.tls else made


class Pop3(poplib.POP3):
    def __init__(self, demo, tls=False, source="127.0.0.1"):
        self.tls, self.source = tls, source
        super().__init__("127.0.0.1", demo.port("pop3s" if tls else "pop3"), timeout=20)

    def _create_socket(self, timeout):
        made = socket.create_connection((self.host, self.port), timeout, (self.source, 0))
        return client_context().wrap_socket(made) if self.tls else made


class SessionsTest(unittest.TestCase):
    def start(self, limit):
        self.demo = self.enterContext(Demo(settings=[f"mail_max_userip_connections={limit}"]))
        self.limit = limit

    def imap(self, tls=False, source="127.0.0.1", user="alice"):
        client = Imap(self.demo, tls, source)
        self.addCleanup(client.sock.close)
        client.login(user, PASSWORD)
        return client

    def pop3(self, tls=False, source="127.0.0.1", user="alice"):
        client = Pop3(self.demo, tls, source)
        self.addCleanup(client.close)
        client.user(user)
        client.pass_(PASSWORD)
        return client

    def words(self):
        return rf"Maximum number of connections from user\+IP exceeded \(mail_max_userip_connections={self.limit}\)"

    def refused(self, *arguments, **options):
        with self.assertRaisesRegex(imaplib.IMAP4.error, r"\[LIMIT\] " + self.words()):
            self.imap(*arguments, **options)
        return True

    def refused_by_pop3(self, *arguments, **options):
        with self.assertRaisesRegex(poplib.error_proto, r"-ERR \[IN-USE\] " + self.words()):
            self.pop3(*arguments, **options)
        return True

    def tried(self, login, *arguments):
        """A session, or None if the limit was reached."""
        try:
            return login(*arguments)
        except (imaplib.IMAP4.error, poplib.error_proto) as error:
            self.assertRegex(str(error), self.words())
            return None

    def test_imap(self):
        self.start(2)
        for tls in (False, True):
            with self.subTest(tls=tls):
                first, _ = self.imap(tls), self.imap(not tls)
                start = time.monotonic()
                for _ in range(6):  # none of them counts as a wrong password
                    self.refused(tls)
                self.assertLess(time.monotonic() - start, 4)
                self.imap(tls, source="127.0.0.2").logout()
                self.imap(tls, user="bob").logout()
                self.pop3(tls).quit()
                self.assertEqual(first.noop()[0], "OK")
                first.logout()
                third = self.imap(tls)  # at once: the place was free before the last word of LOGOUT
                self.refused(tls)
                third.shutdown()  # without a word
                wait_until(lambda: self.tried(self.imap, tls), 10, "the place of a client that went away")
                os.kill(*self.demo.pids("imapd"), signal.SIGKILL)
                fourth = wait_until(lambda: self.tried(self.imap, tls), 10, "the places of a killed worker")
                fifth = self.imap(tls)
                self.refused(tls)
                for client in (fourth, fifth):
                    client.logout()
        self.assertNotIn("login failed", self.demo.log_text())

    def test_imap_authenticate_and_what_is_pipelined_behind_it(self):
        self.start(1)
        self.imap()
        with self.assertRaisesRegex(imaplib.IMAP4.error, r"\[LIMIT\] " + self.words()):
            client = Imap(self.demo)
            self.addCleanup(client.sock.close)
            client.authenticate("PLAIN", lambda _: f"\0alice\0{PASSWORD}".encode())
        with socket.create_connection(("127.0.0.1", self.demo.port("imap")), 20) as raw:
            raw.sendall(f"a LOGIN alice {PASSWORD}\r\nb SELECT INBOX\r\n".encode())
            heard = raw.makefile("rb").read().decode()
        self.assertRegex(heard, r"(?s)\r\na NO \[LIMIT\] " + self.words() + r"\r\n\* BYE [^\r\n]+\r\n$")

    def test_pop3(self):
        self.start(1)
        for tls in (False, True):
            with self.subTest(tls=tls):
                first = self.pop3(tls)
                self.refused_by_pop3(tls)
                self.refused_by_pop3(not tls)
                with self.assertRaisesRegex(poplib.error_proto, r"\[IN-USE\]") as other:  # another address: the maildrop's lock
                    self.pop3(tls, source="127.0.0.2")
                self.assertNotRegex(str(other.exception), self.words())
                self.pop3(tls, user="bob").quit()
                self.imap(tls).logout()
                self.assertEqual(first.stat(), (0, 0))
                first.quit()
                second = self.pop3(tls)
                self.refused_by_pop3(tls)
                os.kill(*self.demo.pids("pop3d"), signal.SIGKILL)
                third = wait_until(lambda: self.tried(self.pop3, tls), 10, "the place in a killed worker")
                self.refused_by_pop3(tls)
                third.quit()
                second.close()
        self.assertNotIn("login failed", self.demo.log_text())

    def test_a_killed_authd_ends_no_session_and_a_reload_changes_the_limit(self):
        self.start(1)
        first = self.imap()
        self.refused()
        old, = self.demo.pids("authd")
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: self.demo.pids("authd") not in ([], [old]), 10, "a new authd")
        self.assertEqual(first.noop()[0], "OK")

        def unless_unavailable():
            with contextlib.suppress(imaplib.IMAP4.error):
                return self.imap()
        second = wait_until(unless_unavailable, 10, "a login at the new authd, which counts from zero")
        self.refused()
        with open(self.demo.info["config"]) as file:
            lines = [line for line in file if not line.startswith("mail_max_userip_connections:")]
        self.assertLess(0, len(lines))
        with open(self.demo.info["config"], "w") as file:
            file.writelines([*lines, "mail_max_userip_connections: 2\n"])
        self.assertEqual(self.demo.run("facteur", "reload").returncode, 0)
        self.limit = 2
        third = wait_until(unless_unavailable, 10, "a login under the new limit")
        self.refused()
        for client in (first, second, third):
            self.assertEqual(client.noop()[0], "OK")
            client.logout()


if __name__ == "__main__":
    main()
