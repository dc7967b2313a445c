"""Rows DSK and MDR: what is on the disk before somebody is told so. A whole way of mail is recorded by strace, smtpd, queued and local
together, and the order of its calls is judged; and a sync that fails once is never asked again. What a power cut leaves is
test_power_cut.py."""
import os
import re
import shutil
import time
import unittest

from harness import Demo, main, message, wait_until
from ledger import waiting_in
from strace import Strace, need_strace, threads

SETTINGS = ("minimal_backoff_time=1s", "maximal_backoff_time=1s", "sync_threads=1", "smtpd_processes=1")
CALLS = "openat,pwrite64,write,writev,sendmsg,sendto,fsync,fdatasync,ftruncate,renameat,renameat2,linkat,unlinkat"
MESSAGES = 150  # more than queued and smtpd have slots for when they begin
LINE = re.compile(r"(\d+) +(?:<\.\.\. )?([a-z_0-9]+)(?: resumed>|\()(.*)")
QUEUED_AS = re.compile(r"250 2\.0\.0 Ok: queued as ([0-9A-Za-z]+)")


class Call:
    """One call: its name, its text, and when it began and had ended, in lines of the record."""

    def __init__(self, name, text, at):
        self.name, self.text, self.began, self.ended = name, text, at, at

    def succeeded(self):
        return re.search(r"\) += \d", self.text) is not None


def calls_of(record):
    """The calls of a record of strace -f, in the order in which they began."""
    calls, open_calls = [], {}
    for at, line in enumerate(record.splitlines()):
        found = LINE.match(line)
        if not found:
            continue
        thread, name, text = found.groups()
        if " resumed>" in line:
            call = open_calls.pop(thread, None)
            if call:
                call.text, call.ended = call.text + text, at
            continue
        calls.append(Call(name, text, at))
        if text.endswith("<unfinished ...>"):
            open_calls[thread] = calls[-1]
            calls[-1].ended = 1 << 60
    return calls


class OrderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() == 0 and shutil.which("strace"):
            cls.record()

    @classmethod
    def record(cls):
        with Demo(settings=SETTINGS) as demo:
            demo.send("x@outside.test", "alice@example.test", message("first"))
            demo.wait_for_mail("alice")
            tids = [tid for name in ("smtpd", "queued", "local") for pid in demo.pids(name) for tid in threads(pid)]
            with Strace(tids, "-f", "-y", "-s", "200", "-e", "signal=none", "-e", f"trace={CALLS}") as strace:
                with demo.smtp() as client:
                    for number in range(MESSAGES):
                        client.sendmail("x@outside.test", ["alice@example.test"], message(f"number {number}"))
                demo.wait_for_mail("alice", MESSAGES + 1, 30)
                wait_until(lambda: not waiting_in(demo.info["spool"]), 15, "an empty queue")
        cls.calls = calls_of(strace.last)
        cls.replies = {found.group(1): call for call in cls.calls if (found := QUEUED_AS.search(call.text))}
        assert len(cls.replies) == MESSAGES, f"{len(cls.replies)} replies in the record"

    def setUp(self):
        need_strace(self)

    def of(self, *names, within):
        return [call for call in self.calls if call.name in names and re.search(within, call.text)]

    def synced(self, within):
        return [call for call in self.of("fsync", within=within) if call.succeeded()]

    def test_DSK_10_a_message_is_synced_before_its_250(self):
        for queue_id, reply in self.replies.items():
            path = rf"/queue/{queue_id}>"
            written = max(call.ended for call in self.of("pwrite64", "write", within=path) if call.began < reply.began)
            synced = [call for call in self.synced(path) if written < call.began and call.ended < reply.began]
            self.assertTrue(synced, f"{queue_id} was acknowledged before it was synced")

    def test_DSK_10_the_name_of_a_message_is_synced_before_its_250(self):
        seen, folders = 0, self.synced(r"/spool/queue>")
        for queue_id, reply in self.replies.items():
            # A file of its own, or that of a finished message under a new name.
            for made in self.of("openat", "renameat", within=rf'"{queue_id}", [A-Z_|]*O_CREAT|/queue>, "{queue_id}"\)'):
                seen += 1
                self.assertTrue([call for call in folders if made.ended < call.began and call.ended < reply.began],
                                f"{queue_id} was acknowledged before its folder was synced")
        self.assertGreater(seen, 30)

    def test_MDR_01_a_delivered_message_is_synced_before_the_queue_forgets_it(self):
        folders = self.synced(r"/new>")
        for queue_id in self.replies:
            put, = self.of("renameat", "renameat2", "linkat", within=rf"/tmp>, [^,]*{queue_id}.*/new>, [^,]*{queue_id}")
            self.assertTrue([call for call in self.synced(rf"/Maildir/tmp/[^>]*{queue_id}") if call.ended < put.began],
                            f"{queue_id} came into new/ before it was synced")
            forgotten = min(call.began for call in self.of("unlinkat", within=rf'/queue>, "{queue_id}"') +
                            self.of("ftruncate", within=rf"/queue/{queue_id}>, 0"))
            self.assertTrue([call for call in folders if put.ended < call.began and call.ended < forgotten],
                            f"the queue forgot {queue_id} before new/ was synced")


class FailedSyncTest(unittest.TestCase):
    """DSK-05: after a sync that failed the kernel may have thrown the octets away, and the next sync says that all is well."""

    def setUp(self):
        need_strace(self)

    def send(self, words):
        """The code of the last answer."""
        try:
            self.demo.send("x@outside.test", "alice@example.test", message(words, words))
        except AssertionError as refused:
            return refused.args[0][0]
        return 250

    def failing_once(self, name):
        pid, = self.demo.pids(name)
        return Strace(threads(pid), "-f", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1")

    def delivered(self, words):
        return sum(words.encode() in octets for octets in self.demo.maildir("alice").values())

    def test_DSK_05_a_sync_of_the_queue_that_failed(self):
        """451, and nothing of the message is kept."""
        with Demo(settings=SETTINGS) as self.demo:
            self.assertEqual(self.send("before"), 250)
            with self.failing_once("smtpd") as strace:
                self.assertEqual(self.send("unsynced"), 451)
                self.assertIn("INJECTED", strace.text())
            self.assertEqual(self.send("after"), 250)
            wait_until(lambda: self.delivered("after"), 15, "the next message")
            time.sleep(1.5)  # longer than a retry waits
            self.assertEqual(self.delivered("unsynced"), 0)
            self.assertEqual(waiting_in(self.demo.info["spool"]), [])

    def test_DSK_05_a_sync_of_the_mailbox_that_failed(self):
        """Not delivered yet: it is tried again with a file of its own, and arrives once."""
        with Demo(settings=SETTINGS) as self.demo:
            self.assertEqual(self.send("before"), 250)
            wait_until(lambda: self.delivered("before"), 15, "the first message")
            with self.failing_once("local") as strace:
                self.assertEqual(self.send("unsynced"), 250)
                wait_until(lambda: "INJECTED" in strace.text(), 10, "the fault")
                wait_until(lambda: self.delivered("unsynced"), 15, "the message")
            wait_until(lambda: not waiting_in(self.demo.info["spool"]), 15, "an empty queue")
            self.assertRegex(self.demo.log_text(), r"to=<alice@example\.test>.* status=deferred")
            self.assertEqual(self.delivered("unsynced"), 1)


if __name__ == "__main__":
    main()
