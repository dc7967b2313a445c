"""POP3 and IMAP clients that cost little: they send whole commands, take in what comes until the end of the answer, and look at
nothing while the clock runs. Each wait and each answer is bounded."""
import multiprocessing
import re
import socket
import time

PATIENCE = 60  # seconds, for octets to come
LONGEST = 1 << 28  # octets of one answer
END = b"\r\n.\r\n"


class Wire:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.take(lambda pieces: pieces[-1].endswith(b"\r\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def take(self, complete):
        """What comes until complete(pieces), which is asked after each piece."""
        pieces, size = [], 0
        while not pieces or not complete(pieces):
            pieces.append(self.socket.recv(1 << 18))
            size += len(pieces[-1])
            if not pieces[-1] or size > LONGEST:
                raise AssertionError(f"the connection ended, or the answer does not: {b''.join(pieces)[-200:]!r}")
        return b"".join(pieces)


class Pop3(Wire):
    def command(self, text):
        """A command whose answer is a line."""
        self.socket.sendall(text + b"\r\n")
        line = self.take(lambda pieces: pieces[-1].endswith(b"\r\n"))
        if not line.startswith(b"+OK"):
            raise AssertionError(f"{text!r}: {line!r}")
        return line

    def login(self, account, password):
        self.command(b"USER " + account.encode())
        self.command(b"PASS " + password.encode())

    def retrieve(self, numbers):
        """RETR of them, all sent at once; the octets of the messages, without the status lines and the dots behind."""
        missing, tail = len(numbers), b""

        def complete(pieces):
            nonlocal missing, tail
            seen = tail + pieces[-1]
            missing -= seen.count(END)
            tail = seen[-4:]  # one octet too short to be counted again
            return missing <= 0

        self.socket.sendall(b"".join(b"RETR %d\r\n" % number for number in numbers))
        messages = self.take(complete).split(END)
        return sum(len(message) - message.index(b"\r\n") for message in messages[:-1])


class Imap(Wire):
    number = 0

    def command(self, text, untagged=b""):
        """A command; its whole answer when it is OK, and when it begins with what is asked for."""
        self.number += 1
        tag = b"Qx%dz" % self.number  # not in any message
        last = re.compile(rb"(?:\A|\r\n)" + tag + rb" [^\r\n]*\r\n\Z")

        def complete(pieces):
            if len(pieces[-1]) < 1000 and len(pieces) > 1:  # the last line may have come in two pieces
                pieces[-2:] = [pieces[-2] + pieces[-1]]
            return last.search(pieces[-1], max(0, len(pieces[-1]) - 1000)) is not None

        self.socket.sendall(tag + b" " + text + b"\r\n")
        answer = self.take(complete)
        if tag + b" OK" not in answer[-1000:] or not answer.startswith(untagged):
            raise AssertionError(f"{text[:100]!r}: {answer[-1000:]!r}")
        return answer

    def login(self, account, password):
        self.command(f"LOGIN {account} {password}".encode())

    def append(self, message):
        self.command(b"APPEND INBOX {%d+}\r\n" % len(message) + message)

    def idle(self):
        self.socket.sendall(b"idle IDLE\r\n")
        self.take(lambda pieces: pieces[0].startswith(b"+") and pieces[-1].endswith(b"\r\n"))


def pop3_session(port, account, password):
    with Pop3(port) as client:
        client.login(account, password)
        client.command(b"STAT")
        client.command(b"QUIT")


def imap_session(port, account, password):
    with Imap(port) as client:
        client.login(account, password)
        client.command(b"SELECT INBOX")
        client.command(b"LOGOUT")


def again_and_again(session, port, accounts, password, seconds):
    """Sessions of one client, from account to account, for so long: how many, and the seconds they took."""
    count, begun = 0, time.monotonic()
    while time.monotonic() - begun < seconds:
        session(port, accounts[count % len(accounts)], password)
        count += 1
    return count, time.monotonic() - begun


def together(function, arguments):
    """What function gives for each tuple of arguments, each in a process of its own, all begun at once."""
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(len(arguments)), context.SimpleQueue()

    def work(ours):
        start.wait(PATIENCE)
        answers.put(function(*ours))

    workers = [context.Process(target=work, args=(ours,), daemon=True) for ours in arguments]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(PATIENCE)
            if worker.exitcode != 0:
                raise SystemExit(f"a client ended with {worker.exitcode}")
        return [answers.get() for _ in workers]
    finally:
        for worker in workers:
            if worker.pid:
                worker.kill()
                worker.join()
