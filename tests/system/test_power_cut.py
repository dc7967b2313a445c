"""Rows DSK-10, DSK-12 and MDR-01: the power goes. What was acknowledged is in a mailbox or in the queue when the disks are there again,
and is delivered in the end: with all on one file system, and with the mail on a file system of its own, where no log keeps the order
of the two."""
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from harness import FULL, Demo, main, wait_until
from ledger import Found, Ledger, Sender, compose, waiting_in
from power import Disk, cut_power, kill_family, need_power_cuts
from sink import Sink

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../torture"))
import read_spool  # noqa: E402

ROUNDS = 30 if FULL else 3
CUTS_IN_RECOVERY = 10 if FULL else 4
LOGINS = ("alice", "bob")
FAR = "far"  # an account of another host, which is down until the end: its mail stays in the queue
DOMAINS = {FAR: "far.test"}
SETTINGS = ("mynetworks=[127.0.0.0/8]", "minimal_backoff_time=2s", "maximal_backoff_time=4s", "smtpd_client_connection_count_limit=0")


def address_of(login):
    return f"{login}@{DOMAINS.get(login, 'example.test')}"


def queued(spool):
    """Ids of the ledger in the queue, with the recipients that still wait; and the files that no cut may leave behind."""
    found, wrong = set(), []
    for row in read_spool.read_spool(spool):
        if row["state"] in ("rotten", "version") or row["folder"] == "corrupt":
            wrong.append(f"{row['folder']}/{row['id']} is {row['state']}")
        if row["state"] != "waiting":
            continue
        try:
            with open(os.path.join(spool, row["folder"], row["id"]), "rb") as file:
                header = read_spool.Message(file.read()).delivered_octets().partition(b"\r\n\r\n")[0]
        except (FileNotFoundError, read_spool.Unfinished):
            continue  # delivered meanwhile: the file is gone, or empty and kept for a slot
        identity, = [line.split()[1].decode() for line in header.split(b"\r\n") if line.startswith(b"X-Ledger: ")]
        found |= {(identity, one["address"]) for one in row["recipients"] if one["fate"] == "pending"}
    return found, wrong


class PowerTest(unittest.TestCase):
    def setUp(self):
        need_power_cuts(self)
        self.stack = self.enterContext(contextlib.ExitStack())
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="facteur-power-"))
        os.chmod(folder, 0o755)
        self.folder = folder
        self.seed = os.environ.get("FACTEUR_SEED") or str(random.SystemRandom().randrange(10**9))
        self.draw = random.Random(self.seed)
        self.ledger = Ledger(os.path.join(folder, "ledger"))
        self.stack.callback(self.ledger.close)
        self.sent = self.twice = 0
        self.took = []

    def begin(self, mail_apart):
        """A demo on its disks, whose own files are at rest."""
        directory = os.path.join(self.folder, "demo")
        self.disks = [self.stack.enter_context(Disk(os.path.join(self.folder, "image"), directory))]
        self.door = self.stack.enter_context(socket.socket())  # it holds the port, and refuses who comes
        self.door.bind(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.demo = Demo(directory=directory, settings=(f'relayhost="[127.0.0.1]:{self.port}"', *SETTINGS))
        self.stack.callback(self.end)
        self.demo.start()
        if mail_apart:
            self.demo.stop()
            mail = os.path.join(directory, "mail")
            owner = os.stat(mail)
            disk = self.stack.enter_context(Disk(os.path.join(self.folder, "image.mail"), mail))
            os.chown(mail, owner.st_uid, owner.st_gid)
            os.chmod(mail, owner.st_mode & 0o7777)
            self.disks.append(disk)
            self.stack.callback(self.end)  # before that disk goes
            self.demo.start()
        for login in LOGINS:  # makes its Maildir
            self.send_one(login)
            wait_until(lambda: self.arrived(login), 15, f"the first mail of {login}")
        for disk in self.disks:
            disk.sync()

    def end(self):
        if self.demo.process is not None:
            kill_family(self.demo.process)
            self.demo.process = None
        self.demo.close_errors()

    def send_one(self, login):
        """One message of which nothing but its acknowledgement is wanted."""
        self.sent += 1
        identity = f"one-{self.sent}"
        text, digest = compose(identity, address_of(login), self.draw)
        self.demo.send("sender@outside.test", address_of(login), text)
        self.ledger.record(identity, login, digest)

    def arrived(self, login):
        """Whether all mail for a login is there, and its queue file gone."""
        spool = self.demo.info["spool"]
        at_rest = not [where for _, where in queued(spool)[0] if where == address_of(login)]
        return at_rest and self.demo.maildir(login)

    def load(self):
        """Senders for a while; they are still at work when it returns."""
        senders = [Sender(self.demo, self.ledger, f"s{len(self.took)}.{i}", (*LOGINS, FAR), f"{self.seed}.{i}", pause=0.002,
                          address_of=address_of) for i in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(self.draw.uniform(0.3, 0.8))
        return senders

    def quiet(self):
        """The one moment without a later sync: a message is delivered and forgotten by the queue, whose disk is synced, the mail's not."""
        for login in LOGINS:
            wait_until(lambda: self.arrived(login), 20, f"the mail of {login}")
        self.send_one("alice")
        wait_until(lambda: self.arrived("alice"), 20, "the last mail of alice")
        time.sleep(0.1)
        self.send_one(FAR)

    def cut(self):
        start = time.monotonic()
        cut_power(self.demo.process, self.disks)
        self.demo.process = None
        self.took.append(time.monotonic() - start)

    def judge(self, moment):
        """What the disks hold, before any program of ours has looked at it."""
        waiting, wrong = queued(self.demo.info["spool"])
        found = Found(self.demo, LOGINS)
        entries = self.ledger.entries()
        lost = [f"{identity} for {login}" for identity, (login, _) in entries.items()
                if not found.count[identity, login] and (identity, address_of(login)) not in waiting]
        self.assertEqual((lost, found.damaged, wrong), ([], [], []), f"{moment}, seed {self.seed}, {len(entries)} acknowledged")

    def rounds(self, number):
        for count in range(number):
            senders = self.load()
            quiet = count % 2 == 1
            try:
                if quiet:
                    for sender in senders:
                        sender.stop()
                    self.quiet()
                self.cut()
            finally:
                for sender in senders:
                    sender.stop()
            self.judge(f"cut {count + 1}, {'at rest' if quiet else 'under load'}")
            self.demo.start()

    def deliver_the_rest(self):
        """The other host is up again: in the end everybody has everything."""
        self.door.close()
        with Sink(port=self.port) as sink:
            self.demo.run("facteur", "queue", "flush", check=True)
            wait_until(lambda: not waiting_in(self.demo.info["spool"]), 60, "an empty queue")
            far = {line.split()[1].decode() for message in sink.received for line in message.content().split(b"\r\n")
                   if line.startswith(b"X-Ledger: ")}
            entries, found = self.ledger.entries(), Found(self.demo, LOGINS)
            lost = [identity for identity, (login, _) in entries.items() if not (identity in far if login == FAR else
                                                                                 found.count[identity, login])]
            self.twice = found.duplicates() + len(sink.received) - len(far)
        self.demo.stop()
        print(f"\nseed {self.seed}; {len(self.took)} cuts on {len(self.disks)} file systems; acknowledged {len(entries)}, of these for "
              f"the other host {len(far)}; lost {len(lost)}, damaged {len(found.damaged)}, twice {self.twice}", flush=True)
        self.assertEqual((lost, found.damaged), ([], []))
        self.assertGreater(len(entries), 20 * ROUNDS)

    def test_DSK_10_one_file_system(self):
        self.begin(mail_apart=False)
        self.rounds(ROUNDS)
        self.deliver_the_rest()

    def test_MDR_01_the_mail_on_a_file_system_of_its_own(self):
        self.begin(mail_apart=True)
        self.rounds(ROUNDS)
        self.deliver_the_rest()

    def test_DSK_12_again_within_the_start(self):
        """The next cut comes while queued reads the spool and takes up what it finds."""
        self.begin(mail_apart=True)
        self.rounds(1)
        for count in range(CUTS_IN_RECOVERY):
            senders = self.load()
            try:
                self.cut()
            finally:
                for sender in senders:
                    sender.stop()
            self.judge(f"cut {count + 1}")
            self.demo.process = subprocess.Popen(self.demo.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(self.draw.uniform(0.05, 0.6))
            self.cut()
            self.judge(f"cut {count + 1}, within the start")
            self.demo.start()
        self.deliver_the_rest()


if __name__ == "__main__":
    main()
