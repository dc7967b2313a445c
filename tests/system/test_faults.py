"""Injected failures of system calls at every step of one delivery: no 250 without the message, in whichever process and call.

strace makes the n-th call of a kind fail (or kills the process there) in the running smtpd, queued or local. One message goes to
two accounts by an alias, so that its queue file is appended to as well. With one pool thread a process the n-th call is the same
one in each run."""
import collections
import contextlib
import os
import random
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from harness import FULL, Demo, main, need_root, wait_until
from ledger import Found, compose, waiting_in

SECONDS = 1500 if FULL else 75
DEEPEST = 12 if FULL else 4  # the n-th call of a kind that is still tried
BACK_WITHIN = 15
LOGINS = ("alice", "bob")
SETTINGS = ("minimal_backoff_time=1s", "maximal_backoff_time=1s", "stop_grace=1s", "sync_threads=1")
CALLS = {
    "smtpd": "pwrite64 write fsync ftruncate sendmsg",
    "queued": "openat pread64 pwrite64 write fsync fcntl unlinkat newfstatat sendmsg",
    "local": "openat pread64 write fsync renameat newfstatat getdents64 sendmsg",
}
ERRORS = ("EIO", "ENOSPC") if FULL else ("EIO",)
SOCKET_ERRORS = ("EIO", "ENOBUFS") if FULL else ("EIO",)


class Injector:
    """strace on the processes of a program, until the with-block ends."""

    def __init__(self, demo, name, call, action, when, folder):
        self.output = os.path.join(folder, "strace")
        self.pids = demo.pids(name)
        self.command = ["strace", "-f", "-q", "-o", self.output, "-e", f"trace={call}", "-e",
                        f"inject={call}:{action}:when={when}"]
        for pid in self.pids:
            self.command += ["-p", str(pid)]

    def __enter__(self):
        open(self.output, "w").close()
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(self.attached, 10, "strace attached")
        except BaseException:
            self.__exit__()
            raise
        return self

    def attached(self):
        if self.process.poll() is not None and self.struck():
            return True  # an attempt that was due anyway met the fault already
        if self.process.poll() is not None:
            raise AssertionError(f"strace ended: {self.process.stderr.read()}")
        return all(self.traced(pid) for pid in self.pids)

    @staticmethod
    def traced(pid):
        """Every thread has its tracer."""
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/status") as lines:
                    if "TracerPid:\t0\n" in lines.read():
                        return False
        except (FileNotFoundError, ProcessLookupError):
            pass
        return True

    def struck(self):
        with open(self.output, errors="replace") as lines:
            text = lines.read()
        return "(INJECTED)" in text or "killed by SIGKILL" in text

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stderr.close()


class FaultTest(unittest.TestCase):
    def setUp(self):
        need_root(self)
        if not shutil.which("strace"):
            print("SKIPPED: needs strace", flush=True)
            self.skipTest("needs strace")
        folder = tempfile.TemporaryDirectory(prefix="facteur-faults-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.seed = os.environ.get("FACTEUR_SEED") or str(random.SystemRandom().randrange(10**9))
        self.draw = random.Random(self.seed)
        self.acknowledged = {}  # id to the case it belonged to
        self.refused = {}
        self.cases = collections.Counter()
        self.slowest = collections.Counter()
        self.sent = 0

    def send(self, case):
        """The code of the last answer, or None when there was none."""
        self.sent += 1
        identity = f"m-{self.sent}"
        text, _ = compose(identity, "team@example.test", self.draw)
        try:
            with smtplib.SMTP("127.0.0.1", self.demo.port("smtp"), timeout=10) as client:
                client.sendmail("sender@outside.test", ["team@example.test"], text)
        except smtplib.SMTPRecipientsRefused as answer:
            return answer.recipients["team@example.test"][0]
        except smtplib.SMTPResponseException as answer:
            self.refused[identity] = case
            return answer.smtp_code
        except (OSError, smtplib.SMTPException):
            return None
        self.acknowledged[identity] = case
        return 250

    def arrived(self, identity):
        found = Found(self.demo, LOGINS)
        return all(found.count[identity, login] for login in LOGINS)

    def wait_for_service(self, case):
        wait_until(lambda: self.send(f"after {case}") == 250, BACK_WITHIN, f"a 250 after {case}")
        identity = f"m-{self.sent}"
        wait_until(lambda: self.arrived(identity), BACK_WITHIN, f"a delivery after {case}")

    def strike(self, name, call, action, when):
        """Whether that call was there to fail."""
        case = f"{name} {call} {action} at call {when}"
        start = time.monotonic()
        with Injector(self.demo, name, call, action, when, self.folder) as injector:
            code = self.send(case)
            self.assertFalse(code is not None and code >= 500, f"{case}: answered {code}")
            deadline = time.monotonic() + 1
            while not injector.struck() and time.monotonic() < deadline and not self.done(code):
                time.sleep(0.02)
            time.sleep(0.05)
            struck = injector.struck()
        self.wait_for_service(case)
        self.slowest[case] = time.monotonic() - start
        self.cases[f"{name} {call}"] += struck
        return struck

    def done(self, code):
        return code == 250 and self.arrived(f"m-{self.sent}") and not waiting_in(self.demo.info["spool"])

    def rounds(self):
        """Every program, call and action in an order that the seed decides; each then goes deeper until nothing is left."""
        table = []
        for name, call in [(name, call) for name, calls in CALLS.items() for call in calls.split()]:
            errors = SOCKET_ERRORS if call == "sendmsg" else ERRORS
            table += [(name, call, action) for action in [f"error={error}" for error in errors] + ["signal=KILL"]]
        self.draw.shuffle(table)
        for when in range(1, DEEPEST + 1):
            for entry in list(table):
                yield (*entry, when), lambda entry=entry: table.remove(entry)

    def test_every_call_of_a_delivery(self):
        with self.start():
            deadline = time.monotonic() + SECONDS
            left_out = 0
            for case, exhausted in self.rounds():
                if time.monotonic() > deadline:
                    left_out += 1
                elif not self.strike(*case):
                    exhausted()
            self.judge(left_out)

    def lost(self, found):
        return [f"{case} ({identity})" for identity, case in self.acknowledged.items() for login in LOGINS
                if not found.count[identity, login]]

    def test_a_lie_is_seen(self):
        """The judge itself: a rename that says it was done and was not is a lost message."""
        with self.start():
            self.assertEqual(self.lost(Found(self.demo, LOGINS)), [])
            with Injector(self.demo, "local", "renameat", "retval=0", "1+", self.folder) as injector:
                self.assertEqual(self.send("a lie"), 250)
                wait_until(lambda: injector.struck() and not waiting_in(self.demo.info["spool"]), BACK_WITHIN, "an empty queue")
            self.assertEqual(len(self.lost(Found(self.demo, LOGINS))), 2)

    def start(self):
        self.demo = Demo(settings=SETTINGS).__enter__()
        with contextlib.ExitStack() as stack:
            stack.push(self.demo)
            with open(os.path.join(self.demo.directory, "aliases"), "a") as aliases:
                aliases.write("team: alice, bob\n")
            self.wait_for_service("the start")
            return stack.pop_all()

    def judge(self, left_out):
        try:
            # A file that could not be read is looked at again after a minute.
            wait_until(lambda: not waiting_in(self.demo.info["spool"]), 100, "an empty queue")
        finally:
            found = Found(self.demo, LOGINS)
            lost = self.lost(found)
            anyway = [case for identity, case in self.refused.items() if any(found.count[identity, login] for login in LOGINS)]
            still = [(row["folder"], row["id"], row["state"]) for row in waiting_in(self.demo.info["spool"])]
            print(f"\nseed {self.seed}; faults {sum(self.cases.values())} in {len(+self.cases)} kinds of call, left out {left_out}; "
                  f"acknowledged {len(self.acknowledged)}, lost {len(lost)}, damaged {len(found.damaged)}, twice "
                  f"{found.duplicates()}; refused {len(self.refused)}, of these delivered all the same {len(anyway)}, still queued {still}\n"
                  f"slowest: {[f'{case} {seconds:.1f} s' for case, seconds in self.slowest.most_common(4)]}\n"
                  f"{dict(+self.cases)}", flush=True)
        self.assertEqual((lost, found.damaged), ([], []))
        # A queue that dies between its own record and its answer may deliver what was refused; a receiver's failed write may not.
        self.assertEqual([case for case in anyway if "smtpd" in case and "error=" in case and "sendmsg" not in case], [])
        self.assertGreater(sum(self.cases.values()), 15)


if __name__ == "__main__":
    main()
