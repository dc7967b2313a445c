"""Starts whole installations of Facteur for the system tests, and looks at what they leave.

A test is a unittest file of its own; `main()` runs it. FACTEUR_BIN names the folder of the programs. Everything listens on
loopback, or in network namespaces that the test made; every wait is bounded; a demo ends all its processes and says so."""
import email
import json
import mailbox
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = os.environ.get("FACTEUR_BIN", os.path.join(os.path.dirname(__file__), "../../build/release/bin"))
PASSWORD = "correct-horse"
FULL = os.environ.get("FACTEUR_FULL") == "1"


def program(name):
    return os.path.abspath(os.path.join(BIN, name))


def slowest_beside(crowd, act, seconds):
    """How long act() took at most, done again and again for so long, while each of the crowd goes on in a thread of its own until
    the event that it is given."""
    ending, longest = threading.Event(), 0
    threads = [threading.Thread(target=one, args=(ending,)) for one in crowd]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            start = time.monotonic()
            act()
            longest = max(longest, time.monotonic() - start)
    finally:
        ending.set()
        for thread in threads:
            thread.join(30)
    return longest


def wait_until(condition, seconds, what):
    """The first true value of condition(), asked again and again for so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Demo:
    """A running `facteur demo`. Its JSON is in `info`; ends with the with-block."""

    def __init__(self, *options, settings=(), directory=None, users=0, prefix=(), json_within=60):
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="facteur-test-")
        os.chmod(self.directory, 0o755)
        self.prefix = list(prefix)
        command = [*prefix, program("facteur"), "demo", "--json", "--dir", self.directory, "--password", PASSWORD]
        if users:
            command += ["--users", str(users)]
        for setting in settings:
            command += ["--set", setting]
        self.command = command + list(options)
        self.json_within = json_within
        self.process = None
        self.errors = None
        self.info = None

    def start(self):
        self.close_errors()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(timeout=self.json_within)
            raise AssertionError(f"the demo did not start: {self.errors_text()}\n{self.log_text()[-3000:]}")
        self.info = json.loads(line)
        return self

    def stop(self, within=30):
        """Ends it by SIGTERM; asserts that it and its facteurd ended well and left no process."""
        if self.process is None:
            return
        processes = self.all_pids()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the demo did not end")
        finally:
            self.process.stdout.close()
            self.process = None
        wait_until(lambda: not [pid for pid in processes if alive(pid)], 5, "the end of all processes")
        if status != 0:
            raise AssertionError(f"the demo ended with {status}: {self.errors_text()}")

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.clean()
            raise

    def __exit__(self, kind, value, trace):
        try:
            if kind is not None:
                print("--- end of the log:", self.log_text()[-4000:], sep="\n", file=sys.stderr)
            self.stop()
        finally:
            self.clean()

    def errors_text(self):
        """What it said on stderr."""
        if not self.errors:
            return ""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def close_errors(self):
        if self.errors:
            self.errors.close()
            self.errors = None

    def clean(self):
        self.close_errors()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if getattr(self, "errors", None):
            self.errors.close()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    # What it says and holds ------------------------------------------------------------------------------------------

    def port(self, name):
        return self.info["ports"][name]

    def pids(self, name=None):
        """The processes as they are now: of one program, or name to pids."""
        rows = json.loads(self.run("facteur", "status", "--json").stdout or "[]")
        table = {}
        for row in rows:
            table.setdefault(row["program"], []).append(row["pid"])
        return table.get(name, []) if name else table

    def all_pids(self):
        try:
            return [pid for pids in self.pids().values() for pid in pids] + [self.info["pids"]["facteurd"]]
        except (subprocess.SubprocessError, ValueError):
            return [self.info["pids"]["facteurd"]]

    def run(self, name, *arguments, input=None, check=False, timeout=30, env=None):
        environment = {**os.environ, "FACTEUR_CONFIG": self.info["config"], **(env or {})}
        return subprocess.run([*self.prefix, program(name), *arguments], input=input, text=True, capture_output=True, timeout=timeout,
                              env=environment, check=check)

    def log_text(self):
        path = (self.info or {}).get("log") or os.path.join(self.directory, "log")
        try:
            with open(path, errors="replace") as log:
                return log.read()
        except OSError:
            return ""

    def maildir(self, login):
        """The messages of a Maildir, as octets, by name."""
        found = {}
        for folder in ("new", "cur"):
            path = os.path.join(self.info["mail"][login], folder)
            for name in os.listdir(path) if os.path.isdir(path) else []:
                try:
                    with open(os.path.join(path, name), "rb") as message:
                        found[name] = message.read()
                except FileNotFoundError:
                    pass  # moved meanwhile
        return found

    def wait_for_mail(self, login, count=1, seconds=15):
        """The messages of a login as soon as there are so many."""
        return list(wait_until(lambda: len(self.maildir(login)) >= count and self.maildir(login), seconds,
                               f"{count} messages for {login}").values())

    # What it is asked ------------------------------------------------------------------------------------------------

    def smtp(self, port="smtp"):
        return smtplib.SMTP("127.0.0.1", self.port(port), timeout=20)

    def send(self, sender, recipients, text, login=None):
        """Sends a message; the reply to end of data, which names its queue id."""
        with self.smtp() as client:
            if login:
                client.login(login, PASSWORD)
            client.ehlo()
            code, reply = client.mail(sender)
            assert code == 250, reply
            for recipient in [recipients] if isinstance(recipients, str) else recipients:
                code, reply = client.rcpt(recipient)
                assert code == 250, reply
            code, reply = client.data(text)
            assert code == 250, (code, reply)
            return reply.decode()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end between the open and the read
        return False


def message(subject, body="hello", sender="sender@outside.test", to="alice@example.test"):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{body}\r\n"


def parse(octets):
    return email.message_from_bytes(octets)


def need_root(test):
    """Skips without root: loudly, but where root runs the test as well (as-user)."""
    if os.geteuid() != 0:
        if "FACTEUR_SECOND_RUN" not in os.environ:
            print("SKIPPED: needs root", flush=True)
        test.skipTest("needs root")


def main():
    program_ = unittest.main(exit=False, verbosity=2)
    result = program_.result
    sys.exit(0 if result.wasSuccessful() else 1)
