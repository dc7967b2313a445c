"""Rows KIL-03 and POP-04: smtpd, queued, local and remote die at each system call of one delivery, and pop3d at each of one QUIT. Whatever
the moment, spool and mailbox hold legal states only, and what was acknowledged is true, here and at another host."""
import collections
import os
import random
import smtplib
import time
import unittest

from harness import FULL, Demo, main, wait_until
from ledger import Found, compose, waiting_in
from maildrop import Maildir, Mbox, delete, login, numbers_of, odd, say
from rows import KILLED, check_log
from sink import Sink
from strace import kill_at, need_strace, record

PROGRAMS = ("smtpd", "queued", "local", "remote")
POINTS = 100000 if FULL else 10
OTHER_POINTS = 100000 if FULL else 4  # of each program, beside the calls that change something or tell it to somebody
CHANGES = ("openat", "write", "pwrite64", "fsync", "ftruncate", "renameat", "unlinkat", "sendmsg")
HERE, FAR = "alice@example.test", "far@far.test"
SETTINGS = ("minimal_backoff_time=1s", "maximal_backoff_time=1s", "stop_grace=1s", "sync_threads=1",
            "smtpd_processes=1", "mynetworks=[127.0.0.0/8]")
BACK_WITHIN = 15
ILLEGAL = ("rotten", "version")


def seed():
    return os.environ.get("FACTEUR_SEED") or str(random.SystemRandom().randrange(10**9))


class StepTest(unittest.TestCase):
    def setUp(self):
        need_strace(self)
        self.seed = seed()
        self.draw = random.Random(self.seed)
        self.acknowledged = []
        self.sent = 0
        self.kills = collections.Counter()

    def send(self):
        """The code of the last answer, or None when there was none."""
        self.sent += 1
        identity = f"m-{self.sent}"
        text, _ = compose(identity, HERE, self.draw)
        try:
            with smtplib.SMTP("127.0.0.1", self.demo.port("smtp"), timeout=10) as client:
                client.sendmail("sender@outside.test", [HERE, FAR], text)
        except smtplib.SMTPResponseException as answer:
            return answer.smtp_code
        except smtplib.SMTPRecipientsRefused as answer:
            return min(code for code, _ in answer.recipients.values())
        except (OSError, smtplib.SMTPException):
            return None
        self.acknowledged.append(identity)
        return 250

    def far(self):
        """Ids to how often they are at the other host."""
        return collections.Counter(line.split()[1].decode() for message in self.sink.of(FAR)
                                   for line in message.content().split(b"\r\n") if line.startswith(b"X-Ledger: "))

    def arrived(self, identity):
        return self.far()[identity] and Found(self.demo, ["alice"]).count[identity, "alice"]

    def deliver(self):
        """One message, all the way; whatever was stopped in between is there again then."""
        wait_until(lambda: self.send() == 250, BACK_WITHIN, "a 250")
        identity = self.acknowledged[-1]
        wait_until(lambda: self.arrived(identity), BACK_WITHIN, f"{identity} at both ends")

    def check_disk(self, point):
        """Nobody has mended anything yet: no reader of the mailbox may see half a message, not even for a moment."""
        self.assertEqual(Found(self.demo, ["alice"]).damaged, [], point)
        rows = [row for row in waiting_in(self.demo.info["spool"]) if row["state"] in ILLEGAL or row["folder"] == "corrupt"]
        self.assertEqual(rows, [], point)

    def strike(self, name, point):
        pid, = self.demo.pids(name)
        strace = kill_at(pid, point)
        if strace is None:
            return
        with strace:
            code = self.send()
            self.assertFalse(code is not None and code >= 500, f"{name} {point}: answered {code}")
            deadline = time.monotonic() + 1
            while not strace.killed() and time.monotonic() < deadline and not (code == 250 and self.arrived(self.acknowledged[-1])):
                time.sleep(0.02)
            self.kills[name] += strace.killed()
            self.check_disk(point)
        self.deliver()

    def test_KIL_03_kill_at_each_system_call(self):
        with Sink() as self.sink, Demo(settings=(f'relayhost="[127.0.0.1]:{self.sink.port}"', *SETTINGS)) as self.demo:
            self.deliver()
            points = {}
            for name in PROGRAMS:
                pid, = self.demo.pids(name)
                points[name] = record(pid, self.deliver)
                self.assertGreater(len(points[name]), 5, name)
            tried = {name: self.choose(found) for name, found in points.items()}
            for name, point in [(name, point) for name in PROGRAMS for point in tried[name]]:
                self.strike(name, point)
            self.judge({name: (len(points[name]), len(tried[name])) for name in PROGRAMS})

    def choose(self, points):
        others = [point for point in points if point[1] not in CHANGES]
        return [point for point in points if point[1] in CHANGES] + self.draw.sample(others, min(OTHER_POINTS, len(others)))

    def judge(self, tried):
        wait_until(lambda: not waiting_in(self.demo.info["spool"]), 30, "an empty queue")
        found, far = Found(self.demo, ["alice"]), self.far()
        missing = [identity for identity in self.acknowledged if not found.count[identity, "alice"] or not far[identity]]
        print(f"\nseed {self.seed}; calls and those tried {tried}, kills {dict(self.kills)}; acknowledged {len(self.acknowledged)} of "
              f"{self.sent}, lost {len(missing)}, damaged {len(found.damaged)}, twice here {found.duplicates()}, twice there "
              f"{sum(far.values()) - len(far)}", flush=True)
        self.assertEqual((missing, found.damaged), ([], []))
        self.assertEqual([count for count in (*found.count.values(), *far.values()) if count > 2], [])
        for name in PROGRAMS:
            self.assertGreater(self.kills[name], 0, name)


class UpdateTest(unittest.TestCase):
    """POP-04: pop3d dies at each system call of QUIT."""

    def setUp(self):
        need_strace(self)
        self.seed = seed()

    def check_kind(self, kind):
        with Demo(settings=("sync_threads=1", "auth_failure_delay=0s", *kind.settings)) as demo:
            self.demo, self.box, other = demo, kind(demo, "alice"), kind(demo, "bob")
            for login_, box in (("alice", self.box), ("bob", other)):
                demo.send("x@outside.test", f"{login_}@example.test", "Subject: first\r\n\r\nmakes the mailbox\r\n")
                wait_until(lambda: os.path.exists(box.path), 15, "the mailbox")
            wait_until(lambda: "queue is empty" in demo.run("mailq").stdout, 15, "an empty queue")
            other.fill()
            before = other.state()
            points, draw = self.points(), random.Random(self.seed)
            chosen = draw.sample(points, min(POINTS, len(points)))
            struck = [point for point in chosen if self.strike(point)]
            print(f"\nseed {self.seed}: {len(points)} calls of QUIT, {len(chosen)} tried, {len(struck)} killed", flush=True)
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
            self.assertEqual(sorted(set(numbers_of(wire).values())), self.box.numbers(), point)
            delete(wire, odd)
            self.assertTrue(say(wire, "QUIT").startswith("+OK"), point)
        self.assertEqual(self.box.numbers(), [2, 4, 6], point)

    def test_POP_04_maildir(self):
        self.check_kind(Maildir)

    def test_POP_04_mbox(self):
        self.check_kind(Mbox)


if __name__ == "__main__":
    main()
