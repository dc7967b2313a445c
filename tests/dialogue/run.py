#!/usr/bin/env python3
"""Runs dialogue files (README.md) against a real server over TCP.

    run.py --port 2525 [--host 127.0.0.1] [--tls] [--cut whole|octets|SEED] [--set user=alice]... [--given 'key value']...
           FILE...

Prints one line a file; the exit status is the number of files that failed, at most 99.
"""
import argparse
import base64
import itertools
import random
import re
import socket
import ssl
import sys
import time

STEPS = {"C:": ("send", False), "C\\": ("send", True), "S:": ("line", False), "S~": ("regex", False),
         "S>": ("until", False), "S\\": ("octets", True), "S!": ("closed", False)}
FINE = 512  # octets at each end of a send that go one by one
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


class Wrong(Exception):
    """The server said something else."""


def account(user, password, domain):
    def code(text):
        return base64.b64encode(text.encode()).decode()
    return {"user": user, "password": password, "domain": domain, "user64": code(user), "password64": code(password),
            "user_octets": str(len(user)), "password_octets": str(len(password)), "plain": code(f"\0{user}\0{password}")}


def unescape(text):
    out = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2:at + 4], 16))
            at += 4
        elif text[at + 1] == "{":
            end = text.index("}", at)
            count, _, piece = text[at + 2:end].partition("*")
            out += unescape(piece) * int(count)
            at = end + 1
        else:
            out += ESCAPES[text[at + 1]]
            at += 2
    return bytes(out)


def substitute(text, variables):
    return re.sub(r"\$\{(\w+)\}", lambda found: variables[found.group(1)], text)


def parse(path, variables):
    """Returns the @ lines and the steps (kind, text or octets, line number)."""
    given, steps = [], []
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            if not line or line.startswith("#"):
                continue
            if line.startswith("@"):
                given.append(" ".join(line[1:].split(None, 1)))
            elif line.startswith("!"):
                steps.append(("directive", line[1:].split(), number))
            else:
                kind, escaped = STEPS[line[:2]]
                text = substitute(line[2:].removeprefix(" "), variables)
                octets = unescape(text) if escaped else text.encode()
                if kind == "send" and not escaped:
                    octets += b"\r\n"
                steps.append((kind, octets, number))
    return given, steps


class Client:
    """One connection that runs steps."""

    def __init__(self, host, port, tls, cut, timeout):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.said = b""
        self.pending = b""
        self.cut = None if cut == "whole" else cut if cut == "octets" else random.Random(int(cut))
        if tls:
            self.start_tls()

    def close(self):
        self.socket.close()

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def pieces(self, octets):
        """What is sent at a time. Of a long send the middle, which repeats itself, is spared the finest cuts."""
        if self.cut == "octets":
            fine = [range(len(octets))] if len(octets) <= 2 * FINE else [range(FINE), range(len(octets) - FINE, len(octets))]
            cuts = sorted({at for ends in fine for at in ends} | {len(octets)})
        elif self.cut:
            cuts, largest = [0], max(4096, len(octets) // 16)
            while cuts[-1] < len(octets):
                cuts.append(cuts[-1] + self.cut.randint(1, min(len(octets) - cuts[-1], largest)))
        else:
            cuts = [0, len(octets)]
        return [octets[start:end] for start, end in itertools.pairwise(cuts)]

    def flush(self):
        octets, self.pending = self.pending, b""
        try:
            for number, piece in enumerate(self.pieces(octets)):
                if number:
                    time.sleep(0.001 if self.cut == "octets" else 0.01)
                self.socket.sendall(piece)
        except (ConnectionError, ssl.SSLError):
            pass  # the server closed: what it said before is still to be read

    def more(self):
        try:
            octets = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return False
        self.said += octets
        return bool(octets)

    def next_line(self):
        while b"\r\n" not in self.said:
            if not self.more():
                raise Wrong(f"closed after {self.said!r}")
        line, _, self.said = self.said.partition(b"\r\n")
        return line

    def directive(self, words):
        if words[0] == "tls":
            self.start_tls()
        elif words[0] == "closewrite":
            self.socket.shutdown(socket.SHUT_WR)
        elif words[0] == "pause":
            time.sleep(float(words[1]) if len(words) > 1 else 0.02)
        else:
            raise Wrong(f"unknown act {words[0]}")

    def expect(self, kind, wanted):
        if kind == "octets":
            while len(self.said) < len(wanted) and self.more():
                pass
            if not self.said.startswith(wanted):
                raise Wrong(f"other octets: {self.said[:200]!r}")
            self.said = self.said[len(wanted):]
        elif kind == "closed":
            while not self.said and self.more():
                pass
            if self.said:
                raise Wrong(f"more before the close: {self.said[:200]!r}")
        else:
            while True:
                line = self.next_line()
                if line == wanted if kind == "line" else re.fullmatch(wanted, line):
                    return
                if kind != "until":
                    raise Wrong(f"line was {line!r}")

    def step(self, kind, what):
        if kind == "send":
            self.pending += what
            return
        self.flush()
        if kind == "directive":
            self.directive(what)
        else:
            self.expect(kind, what)

    def finish(self):
        self.flush()
        self.socket.settimeout(0.05)
        try:
            self.more()
        except TimeoutError:
            pass
        if self.said:
            raise Wrong(f"left over: {self.said[:200]!r}")


def run(path, options, variables):
    """Returns 'ok', 'skip ...' or what went wrong."""
    given, steps = parse(path, variables)
    missing = [line for line in given if line not in options.given]
    if missing:
        return f"skip: not given: {missing[0]}"
    number = 0
    client = Client(options.host, options.port, options.tls, options.cut, options.timeout)
    try:
        for kind, what, number in steps:
            client.step(kind, what)
        client.finish()
    except (Wrong, OSError) as error:
        return f"line {number}: {error}"
    finally:
        client.close()
    return "ok"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--cut", default="whole")
    parser.add_argument("--timeout", type=float, default=10)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--given", action="append", default=[])
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    settings = dict(item.split("=", 1) for item in options.set)
    variables = account(settings.get("user", "alice"), settings.get("password", "secret"),
                        settings.get("domain", "example.test"))
    variables["host"] = "localhost"
    variables.update(settings)
    failed = 0
    for path in options.files:
        result = run(path, options, variables)
        print(f"{path}: {result}", flush=True)
        failed += result != "ok" and not result.startswith("skip")
    return min(failed, 99)


if __name__ == "__main__":
    sys.exit(main())
