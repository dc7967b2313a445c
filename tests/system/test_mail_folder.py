"""Mboxes in the system's mail folder, as Debian has it: 2775 root:mail, no user is of that group. Dotlocks there are taken by
local-run, which runs dotlockfile; other programs hold theirs by dotlockfile as well.

As root: the test has mounts of its own, a tmpfs on /var/mail and accounts in passwd and shadow."""
import contextlib
import ctypes
import fcntl
import grp
import imaplib
import os
import poplib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from accounts import Saslauthd, make_accounts
from dotlocks import DOTLOCKFILE, HELD, OtherProgram
from harness import Demo, alive, main, message, need_root, wait_until
from strace import Strace, need_strace, threads

CLONE_NEWNS = 0x00020000
UID = 61701
PASSWORD = "right horse"
FOLDER = "/var/mail"
MBOX = f"{FOLDER}/fjim"
LOCK = f"{MBOX}.lock"
OTHER = OtherProgram(UID, LOCK)
QUICK = ("minimal_backoff_time=1s", "maximal_backoff_time=1s", "auth_failure_delay=0s")
LONG = 3  # seconds that a call is delayed, for a look at what holds meanwhile


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True, timeout=20)


def status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


class MailFolderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root(cls())
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        mount("--make-rprivate", "/")
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="facteur-mail-folder-", dir="/var/tmp"))
        os.chmod(cls.folder, 0o755)
        for path, name in zip(make_accounts(cls.folder, {"fjim": PASSWORD}, UID), ("passwd", "shadow")):
            mount("--bind", path, f"/etc/{name}")
        mount("-t", "tmpfs", "-o", f"mode=2775,gid={grp.getgrnam('mail').gr_gid}", "mail", FOLDER)
        socket_folder = os.path.join(cls.folder, "run")
        os.mkdir(socket_folder, 0o755)
        cls.saslauthd = cls.enterClassContext(Saslauthd([], socket_folder))

    def setUp(self):
        for name in os.listdir(FOLDER):
            os.unlink(os.path.join(FOLDER, name))

    @contextlib.contextmanager
    def demo(self, *settings, prefix=()):
        """An installation whose system users have their mail in the folder. It leaves no lock."""
        with tempfile.TemporaryDirectory(dir=self.folder) as directory:
            os.chmod(directory, 0o755)
            users = os.path.join(directory, "nobody.yaml")  # the mail of virtual users cannot lie there
            with open(users, "w") as file:
                file.write("{}\n")
            with Demo(directory=directory, prefix=prefix, settings=[
                    "system_users=yes", f"users={users}", f"mail_location=mbox:{FOLDER}/%u",
                    f"saslauthd_path={self.saslauthd.socket}", *QUICK, *settings]) as demo:
                yield demo
        self.assertEqual([name for name in os.listdir(FOLDER) if name != "fjim"], [])

    # What is done, and what is seen ----------------------------------------------------------------------------------

    def send(self, demo, subject):
        reply = demo.send("sender@outside.test", "fjim@example.test", message(subject, to="fjim@example.test"))
        return reply.split()[-1]

    def wait_for_delivery(self, demo, *queue_ids):
        for queue_id in queue_ids:
            wait_until(lambda: f"{queue_id}: removed" in demo.log_text(), 30, "a delivery")

    def deliver(self, demo, *subjects):
        """One after the other: what is sent at once comes in any order."""
        for subject in subjects:
            self.wait_for_delivery(demo, self.send(demo, subject))

    def subjects(self):
        with open(MBOX) as mbox:
            return re.findall(r"^Subject: (.*)$", mbox.read(), re.M)

    def pop3(self, demo):
        client = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=30)
        self.addCleanup(client.close)
        client.user("fjim")
        client.pass_(PASSWORD)
        return client

    def imap(self, demo):
        client = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=30)
        self.addCleanup(client.shutdown)
        client.login("fjim", PASSWORD)
        self.assertEqual(client.select()[0], "OK")
        return client

    def wait_for_lock(self, gone=False):
        wait_until(lambda: os.path.exists(LOCK) != gone, 10, "no dotlock" if gone else "a dotlock")

    @contextlib.contextmanager
    def slow(self, demo, name, call="fsync", time=f"{LONG}s"):
        """A call of a worker takes long: it holds its locks meanwhile."""
        need_strace(self)
        pid = demo.pids(name)[0]
        with Strace(threads(pid), "-f", "-e", f"trace={call}", "-e", f"inject={call}:delay_enter={time}"):
            yield pid

    # Locks of others -------------------------------------------------------------------------------------------------

    def test_a_delivery_waits_for_a_dotlock_of_another_program(self):
        for order in ("fcntl dotlock", "dotlock fcntl"):
            with self.subTest(order), self.demo(f'mbox_write_locks="{order}"', "mbox_lock_timeout=2s") as demo:
                self.deliver(demo, "before")
                with OTHER.holds():
                    queue_id = self.send(demo, "waits")
                    wait_until(lambda: "is locked by another program" in demo.log_text(), 15, "a delivery that is put off")
                    self.assertRegex(demo.log_text(), rf"{queue_id}: .*dsn=4\.2\.0, status=deferred .*is locked by another")
                    self.assertEqual(self.subjects(), ["before"])
                    self.assertTrue(os.path.exists(LOCK))
                self.wait_for_delivery(demo, queue_id)
                self.assertEqual(self.subjects(), ["before", "waits"])
                self.wait_for_lock(gone=True)
                os.unlink(MBOX)

    def test_a_delivery_goes_on_as_soon_as_the_dotlock_is_gone(self):
        with self.demo() as demo:
            self.deliver(demo, "before")
            with OTHER.holds_for(1.5) as told:
                self.deliver(demo, "waits")
            self.assertGreater(time.monotonic(), told[0])
            self.assertNotIn("status=deferred", demo.log_text())

    def test_pop3_waits_at_its_end(self):
        with self.demo("mbox_lock_timeout=3s") as demo:
            self.deliver(demo, "one", "two", "three")
            client = self.pop3(demo)
            client.dele(1)
            with OTHER.holds_for(1) as told:
                self.assertTrue(client.quit().startswith(b"+OK"))
                self.assertGreater(time.monotonic(), told[0])
            self.assertEqual(self.subjects(), ["two", "three"])
            client = self.pop3(demo)
            client.dele(1)
            with OTHER.holds(), self.assertRaisesRegex(poplib.error_proto, "-ERR"):
                client.quit()
            self.assertEqual(self.subjects(), ["two", "three"])
            self.assertEqual(self.pop3(demo).stat()[0], 2)

    def test_imap_waits_to_change_and_reads_on_without_a_lock_of_its_own(self):
        with self.demo("mbox_lock_timeout=3s") as demo:
            self.deliver(demo, "one", "two")
            client = self.imap(demo)
            with OTHER.holds_for(1) as told:
                self.assertEqual(client.store("1", "+FLAGS", r"(\Deleted)")[0], "OK")
                self.assertGreater(time.monotonic(), told[0])
            with OTHER.holds_for(1) as told:
                self.assertEqual(client.expunge()[0], "OK")
                self.assertGreater(time.monotonic(), told[0])
            self.assertEqual(self.subjects(), ["two"])
            with OTHER.holds():
                self.assertEqual(client.store("1", "+FLAGS", r"(\Flagged)")[0], "NO")
            self.assertEqual(client.store("1", "+FLAGS", r"(\Flagged)")[0], "OK")
            self.assertEqual(client.fetch("1", "(FLAGS)")[0], "OK")

    def test_the_fcntl_lock_of_another_program_leaves_no_dotlock(self):
        for order in ("fcntl dotlock", "dotlock fcntl"):
            with self.subTest(order), self.demo(f'mbox_write_locks="{order}"', "mbox_lock_timeout=1s") as demo:
                self.deliver(demo, "before")
                with open(MBOX, "r+") as mbox:
                    fcntl.lockf(mbox, fcntl.LOCK_EX)
                    queue_id = self.send(demo, "waits")
                    wait_until(lambda: "is locked by another program" in demo.log_text(), 15, "a delivery that is put off")
                self.wait_for_delivery(demo, queue_id)
                self.wait_for_lock(gone=True)
                os.unlink(MBOX)

    def test_a_program_that_knows_dotlocks_alone(self):
        """It appends beside deliveries, each of which has found the end of the file a while before it writes there: nothing is lost,
        nothing is mixed."""
        script = ('i=0; while [ $i -lt 25 ]; do dotlockfile -l -p -r 50 -i 1 "$1.lock" || exit 1; '
                  'printf "From x Mon Oct  5 11:00:00 2026\\nSubject: theirs %s\\n\\n" $i >>"$1"; sleep 0.02; printf "end\\n\\n" >>"$1"; '
                  'dotlockfile -u "$1.lock"; i=$((i + 1)); sleep 0.05; done')
        with self.demo() as demo:
            self.deliver(demo, "first")
            theirs = subprocess.Popen([*OTHER.as_user, "sh", "-c", script, "sh", MBOX])
            try:
                with self.slow(demo, "local", "pwrite64", "30ms"):
                    self.wait_for_delivery(demo, *[self.send(demo, f"ours {number}") for number in range(40)])
                self.assertEqual(theirs.wait(timeout=90), 0)
            finally:
                theirs.kill()
                theirs.wait()
            with open(MBOX) as mbox:
                text = mbox.read()
            found = self.subjects()
            self.assertEqual(sorted(found), sorted(["first", *(f"ours {n}" for n in range(40)), *(f"theirs {n}" for n in range(25))]))
            self.assertEqual(len(re.findall(r"^Subject: theirs \d+\n\nend\n\n", text, re.M)), 25)

    # Our lock --------------------------------------------------------------------------------------------------------

    def test_others_find_our_dotlock_and_nothing_else(self):
        with self.demo() as demo:
            self.deliver(demo, "first")
            with self.slow(demo, "local"):
                queue_id = self.send(demo, "slow")
                self.wait_for_lock()
                for options in (("-p",), ()):
                    self.assertEqual(OTHER.try_lock(*options), HELD)
                locker = demo.pids("local-run")
                with open(LOCK) as lock:
                    self.assertEqual([int(lock.read())], locker)
                self.assertEqual(os.stat(LOCK).st_uid, UID)
                self.look_at(locker[0])
                self.wait_for_delivery(demo, queue_id)
            self.wait_for_lock(gone=True)
            self.assertEqual(OTHER.try_lock(), 0)
            OTHER.unlock()

    def look_at(self, pid):
        """local-run has no jail: it has the user's rights, and nothing of ours."""
        status = status_of(pid)
        for key in ("Uid", "Gid"):
            self.assertEqual(set(status[key].split()), {str(UID)})
        self.assertEqual(set(status["Groups"].split()) - {str(UID)}, set())
        for key in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(int(status[key], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "0")
        self.assertEqual(os.stat(f"/proc/{pid}/fd").st_uid, 0)  # not dumpable
        files = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd") if int(number) > 2]
        files = [path for path in files if not re.match(r"socket:|pipe:|anon_inode:\[event", path)]
        self.assertEqual(files, [LOCK])

    def test_a_pop3_session_holds_the_lock_while_it_rewrites(self):
        with self.demo() as demo:
            self.deliver(demo, "one", "two")
            client = self.pop3(demo)
            client.dele(1)
            with self.slow(demo, "pop3d"):
                ended = threading.Thread(target=client.quit)
                ended.start()
                self.wait_for_lock()
                self.assertEqual(OTHER.try_lock("-p"), HELD)
                ended.join()
            self.assertEqual(self.subjects(), ["two"])
            self.wait_for_lock(gone=True)

    def test_a_worker_that_is_killed_leaves_no_dotlock(self):
        with self.demo() as demo:
            self.deliver(demo, "first")
            with self.slow(demo, "local") as worker:
                queue_id = self.send(demo, "again")
                self.wait_for_lock()
                locker = demo.pids("local-run")[0]
                os.kill(worker, signal.SIGKILL)
                self.wait_for_lock(gone=True)
                wait_until(lambda: not alive(locker), 5, "the end of local-run")
            self.wait_for_delivery(demo, queue_id)
            self.assertIn("again", self.subjects())

    def test_when_local_run_is_killed_its_dotlock_is_nobodys(self):
        with self.demo() as demo:
            self.deliver(demo, "first")
            with self.slow(demo, "local"):
                queue_id = self.send(demo, "slow")
                self.wait_for_lock()
                locker = demo.pids("local-run")[0]
                os.kill(locker, signal.SIGKILL)
                self.wait_for_delivery(demo, queue_id)
            self.assertTrue(os.path.exists(LOCK))
            with open(LOCK) as lock:
                self.assertEqual(int(lock.read()), locker)
            # Who reads finds out, too.
            self.assertEqual(self.pop3(demo).stat()[0], 2)
            self.deliver(demo, "next")
            self.assertNotIn("status=deferred", demo.log_text())
            self.assertEqual(self.subjects(), ["first", "slow", "next"])
            self.wait_for_lock(gone=True)

    def test_when_all_are_killed_nothing_waits_for_the_dotlock(self):
        with self.demo() as demo:
            self.deliver(demo, "first")
            with self.slow(demo, "local") as worker:
                self.send(demo, "slow")
                self.wait_for_lock()
                locker = demo.pids("local-run")[0]
                for pid in (locker, worker):
                    os.kill(pid, signal.SIGKILL)
                self.assertTrue(os.path.exists(LOCK))
            self.deliver(demo, "next")
            self.assertNotIn("status=deferred (mbox", demo.log_text())
            self.assertIn("next", self.subjects())
            self.wait_for_lock(gone=True)

    def test_when_facteurd_is_killed_no_dotlock_is_left(self):
        with self.demo() as demo:
            self.deliver(demo, "first")
            with self.slow(demo, "local") as worker:
                self.send(demo, "slow")
                self.wait_for_lock()
                os.kill(worker, signal.SIGSTOP)
            try:
                self.assertTrue(os.path.exists(LOCK))
                pids = demo.all_pids()
                os.kill(demo.info["pids"]["facteurd"], signal.SIGKILL)
                self.wait_for_lock(gone=True)
            finally:
                os.kill(worker, signal.SIGCONT)
            demo.process.wait(timeout=20)  # without facteurd there is no demo
            demo.process.stdout.close()
            demo.process = None
            wait_until(lambda: not any(map(alive, pids)), 10, "the end of all processes")

    def test_an_mbox_in_a_home_is_locked_as_well(self):
        """The jail gives the worker the file, not the home."""
        home = os.path.join(self.folder, "fjim")
        with self.demo("mail_location=mbox:~/mbox") as demo:
            self.deliver(demo, "first")
            with self.slow(demo, "local"):
                queue_id = self.send(demo, "slow")
                wait_until(lambda: os.path.exists(f"{home}/mbox.lock"), 10, "a dotlock")
                self.wait_for_delivery(demo, queue_id)
            self.assertFalse(os.path.exists(f"{home}/mbox.lock"))

    def test_one_process_serves_a_worker_as_long_as_that_lives(self):
        with self.demo() as demo:
            self.deliver(demo, "one", "two", "three")
            first = demo.pids("local-run")
            self.assertEqual(len(first), 1)
            self.deliver(demo, "four")
            self.assertEqual(demo.pids("local-run"), first)
            self.wait_for_lock(gone=True)
            client = self.imap(demo)
            client.fetch("1:*", "(BODY.PEEK[])")
            self.assertEqual(demo.pids("local-run"), first)  # a reader needs none
            client.store("1", "+FLAGS", r"(\Flagged)")
            self.assertEqual(len(demo.pids("local-run")), 2)
            self.assertNotIn("local-run", demo.info["pids"])
            os.kill(demo.pids("local")[0], signal.SIGTERM)
            wait_until(lambda: len(demo.pids("local-run")) == 1, 10, "the end of one")

    # Where no dotlock can be had -------------------------------------------------------------------------------------

    def without_dotlocks(self, script, told):
        with self.demo("mbox_lock_timeout=2s", prefix=["unshare", "-m", "sh", "-ec", f'{script}; exec "$@"', "sh"]) as demo:
            self.deliver(demo, "one", "two")
            lines = [line for line in demo.log_text().splitlines() if "its fcntl lock must do" in line]
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(told, lines[0])
            with OTHER.holds():  # is seen all the same
                self.send(demo, "waits")
                wait_until(lambda: "is locked by another program" in demo.log_text(), 15, "a delivery that is put off")
            wait_until(lambda: "waits" in self.subjects(), 15, "the delivery")

    def test_without_dotlockfile_the_log_tells_what_to_install(self):
        empty = os.path.join(self.folder, "empty")
        with open(empty, "w"):
            os.chmod(empty, 0o644)
        self.without_dotlocks(f"mount --bind {empty} {DOTLOCKFILE}", "install the package liblockfile-bin")

    def test_where_the_group_of_dotlockfile_is_not_honoured(self):
        self.without_dotlocks(f"mount --bind {DOTLOCKFILE} {DOTLOCKFILE}; mount -o remount,bind,nosuid {DOTLOCKFILE}",
                              f"{DOTLOCKFILE} has no right to make {LOCK}")


if __name__ == "__main__":
    main()
