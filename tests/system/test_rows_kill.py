"""Rows KIL on the whole family: everything dies at once, a program dies at each start, one stops answering. KIL-01 is test_kill.py,
KIL-03 test_rows_steps.py, KIL-06 and KIL-08 test_rows_reload.py."""
import concurrent.futures
import contextlib
import imaplib
import os
import poplib
import random
import re
import shutil
import signal
import tempfile
import time
import unittest

import harness
from harness import FULL, PASSWORD, Demo, alive, main, message, wait_until
from ledger import Found, Ledger, Sender, waiting_in
from rows import PERMANENT, QUICK, Wire, check_log, connect_smtp, deliver, holding, imap, plain, pop3, serve

LOGINS = ("alice", "bob")


class GroupTest(unittest.TestCase):
    """KIL-02: the master, or all at once, under load; the next start finds locks, sockets and half files."""
    ROUNDS = 20 if FULL else 3

    def kill_and_start(self, demo, everybody):
        processes = demo.all_pids()
        demo_pid = demo.process.pid
        for pid in [demo_pid, *reversed(processes)] if everybody else [demo.info["pids"]["facteurd"]]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not everybody:
            wait_until(lambda: not [pid for pid in processes if alive(pid)], 10, "the end of all without facteurd")
        demo.process.wait(timeout=10)
        demo.process.stdout.close()
        start = time.monotonic()
        demo.start()
        serve(demo)
        return time.monotonic() - start

    def check(self, everybody):
        with tempfile.TemporaryDirectory(prefix="facteur-group-") as folder:
            os.chmod(folder, 0o755)
            directory = os.path.join(folder, "demo")
            os.mkdir(directory)
            ledger = Ledger(os.path.join(folder, "ledger"))
            self.addCleanup(ledger.close)
            seed = os.environ.get("FACTEUR_SEED") or str(random.SystemRandom().randrange(10**9))
            draw, starts = random.Random(seed), []
            with Demo(directory=directory, settings=QUICK) as demo:
                senders = [Sender(demo, ledger, f"s{i}", LOGINS, seed, pause=0.002) for i in range(4)]
                for sender in senders:
                    sender.start()
                try:
                    for _ in range(self.ROUNDS):
                        time.sleep(draw.uniform(0.2, 0.8))
                        starts.append(self.kill_and_start(demo, everybody))
                    time.sleep(0.3)
                finally:
                    for sender in senders:
                        sender.stop()
                wait_until(lambda: not waiting_in(demo.info["spool"]), 60, "an empty queue")
                entries, found = ledger.entries(), Found(demo, LOGINS)
                print(f"\nseed {seed}; acknowledged {len(entries)}, lost {len(found.missing(entries))}, twice {found.duplicates()}; started "
                      f"in {max(starts):.2f} s at most", flush=True)
                self.assertEqual((found.missing(entries), found.damaged), ([], []))
                self.assertGreater(len(entries), 10 * self.ROUNDS)
                self.assertLess(max(starts), 10)

    def test_KIL_02_the_master_is_killed(self):
        self.check(everybody=False)

    def test_KIL_02_all_are_killed(self):
        self.check(everybody=True)


class BrokenProgramTest(unittest.TestCase):
    """KIL-04: a program that dies at each start is started with pauses, and the others serve."""
    SECONDS = 40 if FULL else 6

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="facteur-broken-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.bin = os.path.join(folder, "bin")
        shutil.copytree(harness.BIN, self.bin, symlinks=True)
        os.chmod(folder, 0o755)
        self.true_bin, harness.BIN = harness.BIN, self.bin
        self.addCleanup(setattr, harness, "BIN", self.true_bin)

    def replace(self, name, source):
        path = os.path.join(self.bin, name)
        shutil.copy(source, path + ".new")
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def starts(self, demo, name, since):
        """How often it was started and died."""
        return len(re.findall(rf"process {name} pid \d+: exit status", demo.log_text()[since:]))

    def die_at_each_start(self, demo, name, longest):
        self.replace(name, "/bin/false")
        since = len(demo.log_text())
        for pid in demo.pids(name):
            os.kill(pid, signal.SIGKILL)
        time.sleep(self.SECONDS)
        log = demo.log_text()[since:]
        copies = 2 if name == "smtpd" else 1
        deaths = self.starts(demo, name, since)
        pauses = [int(pause) for pause in re.findall(rf"{name} is started again in (\d+) s", log)]
        self.assertGreaterEqual(deaths, 2 * copies, log)
        self.assertLessEqual(deaths, copies * (4 if self.SECONDS < 10 else 8), log)
        self.assertEqual(sorted(pauses)[:copies], [1] * copies, log)
        self.assertEqual(max(pauses), min(longest, 2 ** (len(pauses) // copies - 1)), log)
        self.assertLess(len(log.splitlines()), 60 + 10 * self.SECONDS)
        self.replace(name, os.path.join(self.true_bin, name))
        return max(pauses)

    def check(self, name, longest, meanwhile):
        with Demo(settings=QUICK) as demo:
            deliver(demo, "before")
            others = {other: demo.pids(other) for other in PERMANENT if other != name}
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                dying = pool.submit(self.die_at_each_start, demo, name, longest)
                time.sleep(1)
                meanwhile(demo)
                pause = dying.result()
            wait_until(lambda: demo.pids(name), 2 * pause + 5, f"{name} again")

            def served():
                try:
                    serve(demo)
                    pop3(demo)
                    return True
                except (OSError, EOFError, AssertionError, poplib.error_proto):
                    return False
            wait_until(served, 2 * pause + 5, "service again")
            deliver(demo, "after")
            self.assertEqual({other: demo.pids(other) for other in others}, others)

    def test_KIL_04_remote(self):
        self.check("remote", 60, lambda demo: deliver(demo, "meanwhile"))

    def test_KIL_04_queued(self):
        """A client waits or is told to come again, never that its mail is wrong; and what is acknowledged is there."""
        def meanwhile(demo):
            pop3(demo)
            with connect_smtp(demo) as wire:
                wire.expect(250, "EHLO client.test")
                wire.expect(250, "MAIL FROM:<x@outside.test>")
                wire.expect(250, "RCPT TO:<alice@example.test>")
                code = wire.ask("DATA")[0]
                code = wire.ask("Subject: patient\r\n\r\nx\r\n.")[0] if code == 354 else code
                self.assertIn(code, (250, 421, 451, 452))
            if code == 250:
                wait_until(lambda: holding(demo, b"Subject: patient"), 20, "the message")
        self.check("queued", 10, meanwhile)

    def test_KIL_04_smtpd(self):
        self.check("smtpd", 60, lambda demo: (imap(demo), pop3(demo)))

    def test_KIL_04_a_worker(self):
        """Started at a login only: each that fails is one process, and the client hears that it is not its fault."""
        with Demo(settings=QUICK) as demo:
            self.replace("pop3d", "/bin/false")
            for _ in range(5):
                with self.assertRaisesRegex(poplib.error_proto, "UNAVAILABLE|SYS/TEMP|EOF"):
                    pop3(demo)
            time.sleep(1)
            self.assertLessEqual(self.starts(demo, "pop3d", 0), 5)
            imap(demo)
            self.replace("pop3d", os.path.join(self.true_bin, "pop3d"))
            pop3(demo)


class StopTest(unittest.TestCase):
    """KIL-05: a process that hangs. What it was asked hangs with it or fails for now; nothing wrong is said for it."""
    SECONDS = 60 if FULL else 1.5
    PATIENCE = 90

    def smtp_client(self, number):
        """The code that a message got, or None."""
        try:
            with connect_smtp(self.demo) as wire:
                wire.socket.settimeout(self.PATIENCE)
                for line in ("EHLO client.test", "MAIL FROM:<x@outside.test>", "RCPT TO:<alice@example.test>", "DATA",
                             f"Subject: stopped\r\n\r\n{self.name} {number}.\r\n."):
                    code = wire.ask(line)[0]
                    if code >= 400:
                        return code
                return code
        except (OSError, AssertionError):
            return None

    def login_client(self, password):
        try:
            with Wire(self.demo.port("smtp"), timeout=self.PATIENCE) as wire:
                wire.expect(220)
                wire.expect(250, "EHLO client.test")
                return wire.ask(b"AUTH PLAIN " + plain("alice", password))[0]
        except (OSError, AssertionError):
            return None

    def mail_client(self, read):
        try:
            read(self.demo, "alice")  # the others of a moment are bob
            return "ok"
        except (imaplib.IMAP4.error, poplib.error_proto) as error:
            return str(error)
        except (OSError, EOFError):
            return None

    def stop_one(self, name, others):
        """SIGSTOP, clients that need it, others that do not, SIGCONT, and what the clients heard."""
        self.name = name
        pid = self.demo.pids(name)[0]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            os.kill(pid, signal.SIGSTOP)
            try:
                mails = [pool.submit(self.smtp_client, number) for number in range(4)]
                logins = {password: pool.submit(self.login_client, password) for password in (PASSWORD, "wrong")}
                readers = [pool.submit(self.mail_client, read) for read in (imap, pop3)]
                start = time.monotonic()
                for other in others:
                    other(self.demo)
                self.assertLess(time.monotonic() - start, 2, f"others waited for {name}")
                time.sleep(max(0.0, self.SECONDS - (time.monotonic() - start)))
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_until(lambda: all(future.done() for future in (*mails, *logins.values(), *readers)), 30, f"answers after {name}")
        codes = [mail.result() for mail in mails]
        self.assertEqual([code for code in codes if code is not None and code >= 500], [], name)
        self.assertIn(logins[PASSWORD].result(), (235, 454, 421, None), name)
        self.assertIn(logins["wrong"].result(), (535, 454, 421, None), name)
        for reader in readers:
            self.assertRegex(reader.result() or "ok", r"ok|UNAVAILABLE|SYS/TEMP|IN-USE", name)
        for number, code in enumerate(codes):
            if code == 250:
                words = f"{name} {number}.".encode()
                wait_until(lambda: len(holding(self.demo, words)) == 1, 20, f"what was acknowledged while {name} hung")
        deliver(self.demo, f"after {name}", seconds=10)
        self.assertEqual(self.mail_client(imap), "ok")
        self.assertEqual(self.mail_client(pop3), "ok")

    def test_KIL_05_one_process_hangs(self):
        with Demo(settings=QUICK) as self.demo:
            deliver(self.demo, "before")
            imap(self.demo)
            pop3(self.demo)
            greeting = lambda demo: Wire(demo.port("smtp")).__exit__()
            mail = lambda demo: demo.send("x@outside.test", "bob@example.test", message("meanwhile"))
            for name, others in (("authd", ()), ("queued", (imap, pop3)), ("local", (mail, imap, pop3)), ("remote", (mail, imap, pop3)),
                                 ("smtpd", (imap, pop3)), ("pop3-login", (mail, imap)), ("imap-login", (mail, pop3)),
                                 ("imapd", (mail, pop3)), ("pop3d", (mail, imap)), ("facteurd", (mail, greeting))):
                self.stop_one(name, others) if name != "facteurd" else self.stop_master(others)
            check_log(self.demo)

    def stop_master(self, others):
        """The master is needed by no session that runs."""
        pid = self.demo.info["pids"]["facteurd"]
        os.kill(pid, signal.SIGSTOP)
        try:
            for other in others:
                other(self.demo)
            time.sleep(self.SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)
        deliver(self.demo, "after facteurd")


if __name__ == "__main__":
    main()
