"""kill -9 of each process in turn under load: nothing that was acknowledged is lost or changed, and the service is back soon."""
import collections
import imaplib
import os
import poplib
import random
import signal
import tempfile
import threading
import time
import unittest

from harness import FULL, PASSWORD, Demo, alive, main, wait_until
from ledger import Found, Ledger, Sender, compose, waiting_in

KILLS = 200 if FULL else 20
BACK_WITHIN = 15  # seconds; a healthy machine needs far less
LOGINS = ("alice", "bob")
VICTIMS = "smtpd queued local authd imap-login remote imapd pop3-login pop3d facteurd".split()
SETTINGS = ("minimal_backoff_time=1s", "maximal_backoff_time=2s", "stop_grace=1s")


class Reader(threading.Thread):
    """Logs in and out, by IMAP and by POP3, so that these processes are there and busy."""

    def __init__(self, demo):
        super().__init__(daemon=True)
        self.demo = demo
        self.ending = threading.Event()
        self.logins = 0

    def run(self):
        while not self.ending.wait(0.1):
            for visit in (read_imap, read_pop3):
                try:
                    visit(self.demo)
                    self.logins += 1
                except (OSError, EOFError, imaplib.IMAP4.error, poplib.error_proto):
                    pass

    def stop(self):
        self.ending.set()
        self.join(timeout=30)
        assert not self.is_alive(), "the reader hangs"


def read_imap(demo, login="alice"):
    client = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=10)
    try:
        client.login(login, PASSWORD)
        client.select(readonly=True)
    except BaseException:
        client.shutdown()
        raise
    client.logout()


def read_pop3(demo, login="bob"):
    client = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=10)
    try:
        client.user(login)
        client.pass_(PASSWORD)
        client.quit()
    finally:
        client.close()


class KillTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="facteur-kill-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.seed = os.environ.get("FACTEUR_SEED") or str(random.SystemRandom().randrange(10**9))
        self.draw = random.Random(self.seed)
        self.ledger = Ledger(os.path.join(folder.name, "ledger"))
        self.addCleanup(self.ledger.close)
        self.directory = os.path.join(folder.name, "demo")
        os.mkdir(self.directory)
        self.demo = Demo(directory=self.directory, settings=SETTINGS)
        self.probes = 0
        self.slowest = collections.Counter()

    def restart(self):
        """Kills facteurd; every other process must end with it. Then the same folder is started again."""
        processes = self.demo.all_pids()
        os.kill(self.demo.info["pids"]["facteurd"], signal.SIGKILL)
        wait_until(lambda: not [pid for pid in processes if alive(pid)], BACK_WITHIN, "the end of all without facteurd")
        self.demo.process.wait(timeout=BACK_WITHIN)
        self.demo.process.stdout.close()
        self.demo.errors.close()
        self.demo.start()

    def kill(self, name):
        """Whether there was such a process."""
        if name == "facteurd":
            self.restart()
            return True
        running = wait_until(lambda: self.demo.pids(name) or name in ("imapd", "pop3d", "local"), 5, f"a {name}")
        if running is True:
            return False
        try:
            os.kill(self.draw.choice(running), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def probe(self):
        """A message of the ledger, by a connection of its own."""
        self.probes += 1
        identity, login = f"probe-{self.probes}", self.draw.choice(LOGINS)
        text, digest = compose(identity, f"{login}@example.test", self.draw)
        self.demo.send("prober@outside.test", f"{login}@example.test", text)
        self.ledger.record(identity, login, digest)

    def wait_for_service(self, name):
        """All three protocols answer again, each with what needs every process behind it."""
        start = time.monotonic()
        for what, ask in (("SMTP", self.probe), ("IMAP", lambda: read_imap(self.demo)), ("POP3", lambda: read_pop3(self.demo))):
            last = []

            def answered():
                try:
                    ask()
                    return True
                except (OSError, EOFError, AssertionError, imaplib.IMAP4.error, poplib.error_proto) as error:
                    last[:] = [repr(error)]
                    return False
            try:
                wait_until(answered, BACK_WITHIN, f"{what} after kill -9 of {name}")
            except AssertionError as error:
                raise AssertionError(f"{error}: {last}") from None
        self.slowest[name] = max(self.slowest[name], time.monotonic() - start)

    def test_KIL_01_each_process_in_turn(self):
        killed = collections.Counter()
        with self.demo:
            senders = [Sender(self.demo, self.ledger, f"s{i}", LOGINS, self.seed, pause=0.03 if FULL else 0.002) for i in range(4)]
            reader = Reader(self.demo)
            for thread in (*senders, reader):
                thread.start()
            try:
                for i in range(KILLS):
                    time.sleep(self.draw.uniform(0.05, 0.4))
                    name = VICTIMS[i % len(VICTIMS)]
                    killed[name] += self.kill(name)
                    self.wait_for_service(name)
            finally:
                for thread in (*senders, reader):
                    thread.stop()
            self.judge(senders, killed, reader)

    def judge(self, senders, killed, reader):
        entries = self.ledger.entries()
        try:
            wait_until(lambda: not waiting_in(self.demo.info["spool"]), 60, "an empty queue")
        finally:
            found = Found(self.demo, LOGINS)
            missing = found.missing(entries)
            print(f"\nseed {self.seed}; kills: {dict(killed)}; acknowledged {len(entries)}, lost {len(missing)}, damaged "
                  f"{len(found.damaged)}, twice {found.duplicates()}; refused {sum(s.refused for s in senders)}, connections broken "
                  f"{sum(s.broken for s in senders)}, logins {reader.logins}; slowest to be back: "
                  + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in self.slowest.most_common()), flush=True)
        self.assertEqual((missing[:20], found.damaged[:20]), ([], []))
        self.assertEqual([s.permanent for s in senders if hasattr(s, "permanent")], [])
        self.assertGreater(len(entries), 10 * KILLS)
        for name in set(VICTIMS) - {"imapd", "pop3d", "local"}:
            self.assertGreater(killed[name], 0, name)


class CheckTest(unittest.TestCase):
    """The judge itself: what is lost, changed, mixed up or there twice must be seen."""

    def found(self, *messages):
        judged = Found.__new__(Found)
        judged.count, judged.damaged = collections.Counter(), []
        for login, octets in messages:
            judged.look_at(login, "name", octets)
        return judged

    def test_the_judge(self):
        text, digest = compose("s0-1", "alice@example.test", random.Random(1))
        octets = text.replace("\r\n", "\n").encode()
        entries = {"s0-1": ("alice", digest)}
        self.assertEqual(self.found(("alice", octets)).missing(entries), [])
        self.assertEqual(self.found().missing(entries), ["s0-1"])
        self.assertEqual(self.found(("bob", octets)).missing(entries), ["s0-1"])
        self.assertEqual(self.found(("alice", octets), ("alice", octets)).duplicates(), 1)
        for changed in (octets[:-1], octets + b"x\n", b"", octets.replace(b"\ns0-1", b"\n.s0-1"), octets.replace(b"X-Ledger", b"X")):
            judged = self.found(("alice", changed))
            self.assertEqual((judged.damaged, judged.missing(entries)), (["alice/name"], ["s0-1"]))


if __name__ == "__main__":
    main()
