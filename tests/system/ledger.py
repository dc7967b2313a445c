"""A ledger of what was acknowledged, kept outside of what is tested, and the clients that write it.

Each message carries its own id and the SHA-256 of its body. A line is in the ledger, synced, once its 250 has been read; at the
end everything in the ledger must be found, whole, by plain file reading. What got no final answer may be there or not."""
import collections
import hashlib
import json
import os
import random
import smtplib
import subprocess
import sys
import threading
import time

BODY_LINES = 40
READ_SPOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../torture/read_spool.py")


def waiting_in(spool):
    """The messages that the queue still has, and those it holds for damaged, read without code of Facteur."""
    told = subprocess.run([sys.executable, READ_SPOOL, spool], capture_output=True, text=True, timeout=60)
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    return [row for row in rows if row["folder"] != "queue" or row["state"] not in ("slot", "unfinished", "finished")]


def compose(identity, to, draw):
    """A message under an id, and what its body must read like once delivered."""
    lines = [("." * draw.randrange(3)) + f"{identity} {draw.getrandbits(200):x}" for _ in range(draw.randrange(1, BODY_LINES))]
    body = "\n".join(lines) + "\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    text = f"From: sender@outside.test\nTo: {to}\nSubject: {identity}\nX-Ledger: {identity} {digest}\n\n{body}"
    return text.replace("\n", "\r\n"), digest


class Ledger:
    def __init__(self, path):
        self.path = path
        self.file = open(path, "a")
        self.lock = threading.Lock()

    def record(self, identity, login, digest):
        with self.lock:
            self.file.write(f"{identity} {login} {digest}\n")
            self.file.flush()
            os.fsync(self.file.fileno())

    def entries(self):
        """Id to (login, digest), as the file has them."""
        with open(self.path) as lines:
            return {identity: (login, digest) for identity, login, digest in map(str.split, lines)}

    def close(self):
        self.file.close()


class Found:
    """What the Maildirs hold: ids by login, counted, and the names of what is not what was sent."""

    def __init__(self, demo, logins):
        self.count = collections.Counter()
        self.damaged = []
        for login in logins:
            for name, octets in demo.maildir(login).items():
                self.look_at(login, name, octets)

    def look_at(self, login, name, octets):
        header, _, body = octets.partition(b"\n\n")
        told = [line.split() for line in header.split(b"\n") if line.startswith(b"X-Ledger: ")]
        if len(told) != 1 or hashlib.sha256(body).hexdigest().encode() != told[0][2]:
            self.damaged.append(f"{login}/{name}")
            return
        self.count[told[0][1].decode(), login] += 1

    def missing(self, entries):
        return sorted(identity for identity, (login, _) in entries.items() if not self.count[identity, login])

    def duplicates(self):
        return sum(times - 1 for times in self.count.values())


class Sender(threading.Thread):
    """Sends numbered messages until told to stop; connects again whenever anything goes wrong."""

    def __init__(self, demo, ledger, name, logins, seed, pause=0.01, address_of="{}@example.test".format):
        super().__init__(name=name, daemon=True)
        self.demo, self.ledger, self.logins, self.pause = demo, ledger, logins, pause
        self.address_of = address_of
        self.draw = random.Random(f"{seed}/{name}")
        self.ending = threading.Event()
        self.sent = self.refused = self.broken = 0

    def run(self):
        while not self.ending.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.demo.port("smtp"), timeout=10) as client:
                    self.converse(client)
            except (OSError, smtplib.SMTPException):
                self.broken += 1
                time.sleep(0.05)

    def converse(self, client):
        client.ehlo()
        for _ in range(self.draw.randrange(1, 30)):
            if self.ending.is_set():
                return
            self.send_one(client)
            time.sleep(self.pause)

    def send_one(self, client):
        self.sent += 1
        identity, login = f"{self.name}-{self.sent}", self.draw.choice(self.logins)
        text, digest = compose(identity, self.address_of(login), self.draw)
        try:
            client.sendmail("sender@outside.test", [self.address_of(login)], text)
        except smtplib.SMTPResponseException as answer:
            self.refuse(answer.smtp_code)
        except smtplib.SMTPRecipientsRefused as answer:
            self.refuse(min(code for code, _ in answer.recipients.values()))
        else:
            self.ledger.record(identity, login, digest)

    def refuse(self, code):
        """Nothing here is the fault of the message: an answer that says so would make a real sender give up."""
        self.refused += 1
        if code >= 500:
            self.permanent = getattr(self, "permanent", []) + [code]

    def stop(self):
        self.ending.set()
        self.join(timeout=30)
        assert not self.is_alive(), f"{self.name} hangs"
