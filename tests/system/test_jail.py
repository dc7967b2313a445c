"""The jails: what each program says of its own, and what the serving processes look like from outside."""
import fcntl
import imaplib
import json
import os
import poplib
import pty
import re
import subprocess
import termios
import unittest

from harness import PASSWORD, Demo, main, message, program, wait_until

ROOT = os.geteuid() == 0
EMPTY_ROOT = {"smtpd", "remote", "pop3-login", "imap-login"}
WORKERS = {"local", "imapd", "pop3d"}
JAILED = EMPTY_ROOT | WORKERS | {"queued", "authd"}
NOT_FILES = re.compile(r"socket:|pipe:|anon_inode:\[event|anon_inode:\[timerfd|anon_inode:\[signalfd|/memfd:|/dev/null$")
READ, WRITE, BOTH = {os.O_RDONLY}, {os.O_WRONLY}, {os.O_RDONLY, os.O_WRONLY, os.O_RDWR}


def status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def files_allowed(name, demo):
    """The files that a program may hold: a prefix of their path, and in which modes."""
    messages = os.path.join(demo.info["spool"], "queue") + "/"
    allowed = []  # not the log either: its processes have a pipe
    if name == "smtpd":
        allowed.append((messages, WRITE))
    if name == "remote":
        allowed.append((messages, READ))
    if name == "local":
        allowed.append((messages, READ))
    if name == "queued":
        allowed.append((demo.info["spool"] + "/", BOTH))
    if name == "authd":
        allowed += [("anon_inode:inotify", READ)]
        allowed += [(os.path.join(demo.directory, table), READ) for table in ("users.yaml", "aliases")]
    if name in WORKERS:
        allowed += [("anon_inode:inotify", READ), (os.path.join(demo.directory, "mail") + "/", BOTH)]
    return allowed


def descriptor_faults(pid, name, demo):
    """The descriptors above standard error that the program must not hold."""
    faults = []
    for number in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
            with open(f"/proc/{pid}/fdinfo/{number}") as lines:
                flags = next(int(line.split()[1], 8) for line in lines if line.startswith("flags"))
        except FileNotFoundError:
            continue  # closed meanwhile
        if number <= 2 or NOT_FILES.match(target):
            continue
        mode = flags & os.O_ACCMODE
        if not any(target.startswith(prefix) and mode in modes for prefix, modes in files_allowed(name, demo)):
            faults.append(f"descriptor {number} is {target} with flags {flags:o}")
    return faults


def identity_faults(status):
    faults = [f"{key} is {status[key].strip()}" for key in ("CapEff", "CapPrm", "CapInh", "CapAmb") if int(status[key], 16)]
    faults += [f"{key} is {status[key]}" for key, wanted in (("NoNewPrivs", "1"), ("Seccomp", "2")) if status[key] != wanted]
    for key in ("Uid", "Gid"):
        numbers = set(status[key].split())
        if len(numbers) != 1 or ROOT and "0" in numbers:
            faults.append(f"{key} is {status[key]}")
    if ROOT and status["Groups"].split():
        faults.append(f"Groups is {status['Groups']}")
    return faults


def root_faults(pid, name, demo):
    shown = os.readlink(f"/proc/{pid}/root")
    if name in EMPTY_ROOT and (shown == "/" or os.listdir(f"/proc/{pid}/root")):
        return [f"its root {shown} is not an empty folder"]
    if name in EMPTY_ROOT and os.stat(f"/proc/{pid}/root").st_uid != 0:
        return [f"its root {shown} is not root's"]
    if name == "queued" and shown != demo.info["spool"]:
        return [f"its root is {shown}, not the spool"]
    return []


def jail_faults(pid, name, demo):
    """What is wrong with the jail of a process, seen from outside."""
    faults = identity_faults(status_of(pid))
    if not ROOT:
        try:
            os.listdir(f"/proc/{pid}/fd")
        except PermissionError:
            return faults
        return faults + ["its own user may look into it: it is dumpable"]
    if os.stat(f"/proc/{pid}/fd").st_uid != 0:
        faults.append("its own user may look into it: it is dumpable")
    return faults + root_faults(pid, name, demo) + descriptor_faults(pid, name, demo)


class JailTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = Demo().__enter__()
        demo = cls.demo
        demo.send("x@outside.test", "alice@example.test", message("so that local runs"))
        demo.wait_for_mail("alice")
        cls.imap = imaplib.IMAP4("127.0.0.1", demo.port("imap"))
        cls.imap.login("alice", PASSWORD)
        cls.imap.select()
        cls.pop3 = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
        cls.pop3.user("bob")
        cls.pop3.pass_(PASSWORD)

    @classmethod
    def tearDownClass(cls):
        cls.pop3.quit()
        cls.imap.logout()
        cls.demo.__exit__(None, None, None)

    def test_what_the_programs_say_themselves(self):
        for name in sorted(JAILED):
            with self.subTest(name):
                told = self.demo.run(name, "--self-test-jail", "--config", self.demo.info["config"])
                self.assertEqual((told.returncode, told.stderr), (0, ""), told.stdout)
                *acts, verdict = told.stdout.splitlines()
                self.assertGreater(len(acts), 8)
                for act in acts:
                    self.assertRegex(act, r"^(refused|allowed by its role): ")
                self.assertRegex(verdict, r": the jail holds$")

    def test_the_one_program_without_a_jail_says_so(self):
        """It runs a program that is set-id, as the user: test_mail_folder.py looks at it from outside."""
        told = self.demo.run("local-run", "--self-test-jail", "--config", self.demo.info["config"])
        self.assertEqual((told.returncode, told.stdout), (64, ""))
        self.assertIn("local-run has no jail", told.stderr)

    def test_every_serving_process_is_jailed(self):
        running = self.demo.pids()
        self.assertEqual(set(running) & JAILED, JAILED)
        faults = [f"{name}[{pid}]: {fault}" for name in JAILED for pid in running[name]
                  for fault in jail_faults(pid, name, self.demo)]
        self.assertEqual(faults, [])

    def test_no_process_has_a_terminal(self):
        """Also when facteurd was started from one: the demo of this test has none, so a second one gets a new terminal."""
        master, slave = pty.openpty()
        demo = Demo()
        started = subprocess.Popen(demo.command, stdin=slave, stdout=subprocess.PIPE, stderr=slave,
                                   start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        try:
            info = json.loads(started.stdout.readline())
            faults = []
            for name in ("authd", "queued", "smtpd", "pop3-login", "imap-login", "remote", "local"):
                pids = info["pids"][name]
                for pid in pids if isinstance(pids, list) else [pids]:
                    with open(f"/proc/{pid}/stat") as stat:
                        fields = stat.read().rpartition(")")[2].split()
                    if fields[3] != str(pid) or fields[4] != "0":
                        faults.append(f"{name}[{pid}] is of session {fields[3]}, terminal {fields[4]}")
                    for number in os.listdir(f"/proc/{pid}/fd") if ROOT else ():  # descriptors are seen by root
                        target = os.readlink(f"/proc/{pid}/fd/{number}")
                        with open(f"/proc/{pid}/fdinfo/{number}") as lines:
                            flags = next(int(line.split()[1], 8) for line in lines if line.startswith("flags"))
                        if target.startswith("/dev/pts/") and flags & os.O_ACCMODE != os.O_WRONLY:
                            faults.append(f"{name}[{pid}] has the terminal open for reading as {number}")
            self.assertEqual(faults, [])
        finally:
            started.terminate()
            self.assertEqual(started.wait(20), 0)
            started.stdout.close()
            os.close(master)
            demo.clean()

    def test_facteurd_alone_is_root(self):
        running = self.demo.pids()
        roots = {pid for name in JAILED for pid in running[name] if "0" in status_of(pid)["Uid"].split()}
        self.assertEqual(roots, set())
        self.assertEqual(status_of(self.demo.info["pids"]["facteurd"])["Uid"].split(), [str(os.geteuid())] * 4)
        if not ROOT:
            return
        uids = {name: {status_of(pid)["Uid"] for pid in running[name]} for name in JAILED}
        self.assertEqual(uids["pop3-login"], uids["imap-login"])
        self.assertEqual(uids["local"], uids["imapd"])
        self.assertEqual(uids["local"], uids["pop3d"])
        owner = os.stat(self.demo.info["mail"]["alice"]).st_uid
        self.assertEqual({uid.split()[0] for uid in uids["local"]}, {str(owner)})
        self.assertEqual(len({frozenset(shown) for shown in uids.values()}), 6)  # smtpd, login, authd, queued, remote, mail

    def test_every_descendant_of_facteurd_is_known(self):
        known = set(self.demo.all_pids())
        found = {self.demo.info["pids"]["facteurd"]}
        for _ in range(3):
            found |= {child for child in map(int, filter(str.isdigit, os.listdir("/proc"))) if self.parent(child) in found}
        self.assertEqual(found - known, set())

    @staticmethod
    def parent(pid):
        try:
            return int(status_of(pid)["PPid"])
        except (FileNotFoundError, ProcessLookupError):
            return 0


class CheckTest(unittest.TestCase):
    """The check itself: a process without a jail, or with most of one, must not pass."""

    def planted(self, command, name="smtpd", stdout=None):
        demo = Demo()
        demo.info = {"spool": os.path.join(demo.directory, "spool"), "log": os.path.join(demo.directory, "log")}
        planted = subprocess.Popen(command, pass_fds=[stdout] if stdout else [])
        try:
            wait_until(lambda: status_of(planted.pid)["Name"] == "sleep", 10, "the planted process")
            return jail_faults(planted.pid, name, demo)
        finally:
            planted.kill()
            planted.wait()
            demo.clean()

    def assert_told(self, faults, *words):
        for word in words:
            self.assertTrue([fault for fault in faults if word in fault], f"{word} is not among {faults}")

    def test_no_jail_at_all(self):
        faults = self.planted(["sleep", "60"])
        self.assert_told(faults, "NoNewPrivs", "Seccomp")
        if not ROOT:
            self.assert_told(faults, "dumpable")
        else:
            self.assert_told(faults, "Uid", "Gid", "CapEff", "CapPrm", "its root")
            self.assert_told(self.planted(["sleep", "60"], "queued"), "not the spool")

    def test_only_another_user(self):
        if not ROOT:
            self.skipTest("becomes another user")
        become = ["setpriv", "--reuid", "63211", "--regid", "63211", "--no-new-privs"]
        faults = self.planted([*become, "--clear-groups", "sleep", "60"])
        self.assert_told(faults, "Seccomp", "dumpable", "its root")
        self.assertFalse([fault for fault in faults if re.match("Uid|Gid|Cap|NoNew|Groups", fault)], faults)
        self.assert_told(self.planted([*become, "--groups", "63212", "sleep", "60"]), "Groups")

    def test_descriptors_too_many(self):
        if not ROOT:
            self.skipTest("descriptors of others are seen by root")
        for path, flags in (("/", os.O_PATH), ("/etc", os.O_RDONLY), ("/etc/passwd", os.O_RDONLY)):
            held = os.open(path, flags)
            self.addCleanup(os.close, held)
            for name in JAILED:
                self.assert_told(self.planted(["sleep", "60"], name, held), f"descriptor {held} is {path}")


if __name__ == "__main__":
    main()
