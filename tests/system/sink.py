"""A recording SMTP server whose replies are scripted: the other host of the relay tests. It keeps each message as it was on the
wire, still dot-stuffed, without the line with the dot that ends it."""
import contextlib
import dataclasses
import os
import re
import socket
import ssl
import subprocess
import threading

EXTENSIONS = ("PIPELINING", "SIZE 20000000", "8BITMIME", "ENHANCEDSTATUSCODES")
END = b"\r\n.\r\n"
LARGEST = 64 << 20


@dataclasses.dataclass
class Received:
    sender: str
    parameters: str
    recipients: list
    wire: bytes
    tls: bool
    greeting: str
    client: str

    def content(self):
        """The message without the dots that the wire wants (RFC 5321 section 4.5.2)."""
        return re.sub(rb"(?m)^\.", b"", self.wire)

    def below_trace(self, first=b"From:"):
        """What is left below the fields that hosts put on top."""
        content = self.content()
        return content[content.index(b"\r\n" + first) + 2:] if not content.startswith(first) else content


def make_certificate(folder, name="sink.test"):
    """A self-signed certificate with its key, by openssl."""
    path = os.path.join(folder, "sink.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2", "-keyout",
                    path, "-out", path + ".cert"], check=True, capture_output=True, timeout=60)
    with open(path, "ab") as both, open(path + ".cert", "rb") as certificate:
        both.write(certificate.read())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Sink:
    """Listens until the with-block ends.

    replies: command, "banner", "data end", a recipient, or a sender after "from " -> a list of replies in octets; each is used
    once, the last for ever; None is the usual reply. A reply of b"" closes the connection."""

    def __init__(self, address="127.0.0.1", port=0, extensions=EXTENSIONS, tls=None):
        self.extensions = list(extensions)
        self.tls = tls
        self.replies = {}
        self.received = []
        self.commands = []
        self.changed = threading.Condition()
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.connections = set()

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(timeout=10)

    def wait(self, recipient, count=1, seconds=20):
        """The messages that a recipient got, as soon as there are so many."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.of(recipient)) >= count, seconds):
                raise AssertionError(f"not within {seconds} s: {count} messages for {recipient}; {self.commands[-20:]}")
            return self.of(recipient)

    def of(self, recipient):
        return [message for message in self.received if recipient in message.recipients]

    def tried(self, recipient):
        """How often the recipient was named in RCPT."""
        with self.changed:
            return sum(1 for verb, rest in self.commands if verb == "RCPT" and f"<{recipient}>" in rest)

    # One connection --------------------------------------------------------------------------------------------------

    def accept(self):
        while True:
            try:
                connection, client = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection, client[0]), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, connection, client):
        self.connections.add(connection)
        connection.settimeout(60)
        conversation = Conversation(self, connection, client)
        try:
            conversation.run()
        except OSError:
            pass  # the other end is gone, or the test is over
        finally:
            self.connections.discard(conversation.connection)
            conversation.connection.close()

    def scripted(self, *names):
        """The reply that the test wants for one of these, else None."""
        with self.changed:
            for name in names:
                if self.replies.get(name):
                    left = self.replies[name]
                    return left.pop(0) if len(left) > 1 else left[0]
        return None


class Conversation:
    def __init__(self, sink, connection, client):
        self.sink = sink
        self.connection = connection
        self.client = client
        self.buffer = b""
        self.encrypted = False
        self.greeting = self.sender = self.parameters = ""
        self.recipients = []

    def run(self):
        if not self.say("banner", usual=b"220 sink.test ESMTP"):
            return
        while (line := self.until(b"\r\n")) is not None:
            verb, _, rest = line.decode("utf-8", "surrogateescape").partition(" ")
            verb = verb.upper()
            with self.sink.changed:
                self.sink.commands.append((verb, rest))
            handler = getattr(self, "on_" + verb.lower(), None)
            if not (handler(rest) if handler else self.say(verb, usual=b"250 2.0.0 Ok")) or verb == "QUIT":
                return

    def until(self, end):
        while end not in self.buffer:
            octets = self.connection.recv(65536)
            if not octets or len(self.buffer) > LARGEST:
                return None
            self.buffer += octets
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def say(self, *names, usual):
        """True if the conversation goes on."""
        reply = self.sink.scripted(*names)
        reply = usual if reply is None else reply
        if not reply:
            return False
        self.connection.sendall(reply if reply.endswith(b"\r\n") else reply + b"\r\n")
        self.last = reply
        return True

    def on_ehlo(self, rest):
        self.greeting = "EHLO " + rest
        lines = ["sink.test", *self.sink.extensions] + (["STARTTLS"] if self.sink.tls and not self.encrypted else [])
        text = "".join(f"250{'-' if i + 1 < len(lines) else ' '}{line}\r\n" for i, line in enumerate(lines))
        return self.say("EHLO", usual=text.encode())

    def on_helo(self, rest):
        self.greeting = "HELO " + rest
        return self.say("HELO", usual=b"250 sink.test")

    def on_starttls(self, _):
        if not self.say("STARTTLS", usual=b"220 2.0.0 Ready"):
            return False
        if self.last.startswith(b"220"):
            if not self.sink.tls:
                return False  # says yes and hangs up
            self.buffer = b""
            raw, self.connection = self.connection, self.sink.tls.wrap_socket(self.connection, server_side=True)
            self.sink.connections.discard(raw)
            self.sink.connections.add(self.connection)
            self.encrypted = True
        return True

    def on_mail(self, rest):
        found = re.match(r"FROM:<([^>]*)> ?(.*)", rest, re.I)
        self.sender, self.parameters = found.groups()
        self.recipients = []
        return self.say("from " + self.sender, "MAIL", usual=b"250 2.1.0 Ok")

    def on_rcpt(self, rest):
        recipient = re.match(r"TO:<([^>]*)>", rest, re.I).group(1)
        going_on = self.say(recipient, "RCPT", usual=b"250 2.1.5 Ok")
        if going_on and self.last.startswith(b"25"):
            self.recipients.append(recipient)
        return going_on

    def on_rset(self, _):
        self.recipients = []
        return self.say("RSET", usual=b"250 2.0.0 Ok")

    def on_quit(self, _):
        return self.say("QUIT", usual=b"221 2.0.0 Bye")

    def on_data(self, _):
        if not self.recipients:
            return self.say("no recipients", usual=b"554 5.5.1 no valid recipients")
        if not self.say("DATA", usual=b"354 go on"):
            return False
        if not self.last.startswith(b"354"):
            return True
        self.buffer = b"\r\n" + self.buffer  # an empty message is its end alone
        octets = self.until(END)
        if octets is None:
            return False
        message = Received(self.sender, self.parameters, self.recipients, octets[2:] + (b"\r\n" if octets else b""), self.encrypted,
                           self.greeting, self.client)
        going_on = self.say("data end", usual=b"250 2.0.0 taken")
        if going_on and self.last.startswith(b"25"):
            with self.sink.changed:
                self.sink.received.append(message)
                self.sink.changed.notify_all()
        self.recipients = []
        return going_on
