"""Maildrops that a test fills and reads by itself, as Maildir and as mbox, and POP3 sessions by hand."""
import os
import time

from harness import PASSWORD, wait_until
from rows import Wire

COUNT = 6


def text(number):
    return b"From: x@outside.test\nSubject: number %d\n\nbody %d\n.\nthe last line of %d\n" % (number, number, number)


class Maildir:
    """A mailbox of COUNT messages that the test fills and reads by itself."""
    settings = ()

    def __init__(self, demo, login):
        self.path = demo.info["mail"][login]

    def fill(self):
        owner = os.stat(self.path)
        for folder in ("new", "cur"):
            for name in os.listdir(os.path.join(self.path, folder)):
                os.unlink(os.path.join(self.path, folder, name))
        for number in range(1, COUNT + 1):
            name = f"{1700000000 + number}.M{time.monotonic_ns()}.test"
            path = os.path.join(self.path, "tmp", name)
            with open(path, "wb") as message:
                message.write(text(number))
            os.chmod(path, 0o600)
            os.chown(path, owner.st_uid, owner.st_gid)
            os.rename(path, os.path.join(self.path, "new", name))

    def state(self):
        """Everything there is, so that what is the same before and after is untouched: sorted contents."""
        found = []
        for folder in ("new", "cur"):
            for name in os.listdir(os.path.join(self.path, folder)):
                with open(os.path.join(self.path, folder, name), "rb") as message:
                    found.append(message.read())
        return sorted(found)

    def numbers(self):
        return self.whole(self.state())

    @staticmethod
    def whole(contents):
        """The numbers of the messages, each of which must be as it was written."""
        numbers = [next((n for n in range(1, COUNT + 1) if text(n) == content), None) for content in contents]
        assert None not in numbers, f"a message was changed: {contents}"
        return numbers


class Mbox(Maildir):
    settings = ("mail_location=mbox:~/mbox", "mbox_dotlock_change_timeout=1s")
    SEPARATOR = b"From x@outside.test Mon Oct  5 11:00:00 2026\n"

    def fill(self):
        folder = os.stat(os.path.dirname(self.path))
        with open(self.path, "wb") as mbox:
            for number in range(1, COUNT + 1):
                mbox.write(self.SEPARATOR + text(number) + b"\n")
        os.chmod(self.path, 0o600)
        os.chown(self.path, folder.st_uid, folder.st_gid)

    def state(self):
        """Without the fields that say what was seen and which id it has."""
        with open(self.path, "rb") as mbox:
            parts = mbox.read().split(self.SEPARATOR)
        assert parts[0] == b"", parts[0]
        return sorted(map(clean, parts[1:]))

    def numbers(self):
        """A rewrite that is cut short may leave messages twice, never less than once (common/store/FORMAT.md)."""
        return sorted(set(super().numbers()))


def clean(part):
    header, _, body = part.partition(b"\n\n")
    kept = [line for line in header.split(b"\n") if not line.startswith((b"Status:", b"X-Status:", b"X-UID:", b"X-IMAP", b"X-Keywords:"))]
    assert body.endswith(b"\n\n"), part
    return b"\n".join(kept) + b"\n\n" + body.rstrip(b"\n") + b"\n"  # and some empty lines


def login(demo, user="alice", tls=False, within=10):
    """A session, as soon as the lock of the one before is gone."""
    answers = []

    def attempt():
        wire = Wire(demo.port("pop3s" if tls else "pop3"))
        try:
            if tls:
                wire.start_tls()
            wire.line()
            wire.send(b"USER %s\r\nPASS %s\r\n" % (user.encode(), PASSWORD.encode()))
            answers[:] = [wire.line(), wire.line()]
            if answers[1].startswith("+OK"):
                return wire
        except AssertionError as error:  # the worker has just been killed
            answers[:] = [error]
        wire.socket.close()
        return None
    try:
        return wait_until(attempt, within, f"a POP3 session of {user}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {answers}") from None


def say(wire, command):
    wire.send(command.encode() + b"\r\n")
    return wire.line()


def numbers_of(wire):
    """Message number to which of ours it is: what came back in an mbox may stand elsewhere in the list."""
    out = {}
    for number in range(1, int(say(wire, "STAT").split()[1]) + 1):
        assert say(wire, f"TOP {number} 0").startswith("+OK")
        out[number] = int(next(line.split()[-1] for line in list(iter(wire.line, ".")) if line.startswith("Subject: ")))
    return out


def delete(wire, chosen):
    """Those of ours of which chosen(which) is true."""
    for number, which in numbers_of(wire).items():
        if chosen(which):
            assert say(wire, f"DELE {number}").startswith("+OK"), number


def odd(which):
    return which % 2 == 1
