#!/usr/bin/env python3
"""Reads a spool without any code of Facteur, from queue/FORMAT.md alone.

    read_spool.py SPOOL            one JSON line a file in queue/, hold/ and corrupt/
    read_spool.py --message FILE   the octets of one message as it would be delivered

Each line has: folder, id, state (slot, unfinished, version, rotten, waiting, finished), and for sound files
the envelope, the recipients with their fates, and the SHA-256 of the content. The exit status is 1 if any file in
queue/ or hold/ is rotten.
"""
import hashlib
import json
import os
import re
import struct
import sys

HEADER = 64
MAGIC = b"FACTEURQ"
MAX_PAYLOAD = 65536
QUEUE_ID = re.compile(r"^[0-9A-Za-z]{10,20}$")
ENVELOPE, RECIPIENT, END = 1, 2, 3
EVENTS = {16: "delivered", 17: "deferred", 18: "failed", 19: "expanded"}


def crc_table():
    table = []
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0x82F63B78 if octet & 1 else 0)
        table.append(octet)
    return table


TABLE = crc_table()


def crc32c(octets, before=0):
    crc = before ^ 0xFFFFFFFF
    for octet in octets:
        crc = crc >> 8 ^ TABLE[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Broken(Exception):
    pass


class Unfinished(Exception):
    pass


class OtherVersion(Exception):
    pass


class Fields:
    """Takes typed fields from a payload."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def number(self, form):
        size = struct.calcsize(form)
        if self.at + size > len(self.octets):
            raise Broken("payload too short")
        (value,) = struct.unpack_from(form, self.octets, self.at)
        self.at += size
        return value

    u8 = lambda self: self.number("<B")
    u32 = lambda self: self.number("<I")
    time = lambda self: self.number("<q")

    def flag(self):
        value = self.u8()
        if value > 1:
            raise Broken("not a bool")
        return value == 1

    def text(self):
        size = self.u32()
        if self.at + size > len(self.octets):
            raise Broken("text too long")
        value = self.octets[self.at:self.at + size]
        self.at += size
        return value.decode("utf-8", "backslashreplace")

    def end(self):
        if self.at != len(self.octets):
            raise Broken("octets left over in a payload")


def record(octets, at, end):
    """(kind, payload, offset behind the record), or None where no sound record is."""
    if at + 12 > end:
        return None
    size, kind, zero = struct.unpack_from("<IHH", octets, at)
    if size > MAX_PAYLOAD or zero != 0 or at + 12 + size > end:
        return None
    (wanted,) = struct.unpack_from("<I", octets, at + 8 + size)
    if crc32c(octets[at:at + 8 + size]) != wanted:
        return None
    return kind, octets[at + 8:at + 8 + size], at + 12 + size


def read_envelope(payload):
    f = Fields(payload)
    out = {"arrival": f.time()}
    for name in ("reverse_path", "login", "client_name", "client_address", "helo", "protocol", "envid"):
        out[name] = f.text()
    out["ret"], out["body_8bit"], out["smtputf8"] = f.u8(), f.flag(), f.flag()
    f.end()
    return out


def read_recipient(payload):
    f = Fields(payload)
    out = {"number": f.u32(), "address": f.text(), "original_address": f.text(), "notify": f.u8(), "orcpt": f.text(),
           "parent": f.u32(), "has_owner": f.flag(), "owner": f.text()}
    f.end()
    out.update(fate="pending", status="", reason="")
    return out


def read_event(payload):
    f = Fields(payload)
    out = {"time": f.time(), "next_attempt": f.time(), "bounce_id": f.text(), "outcomes": []}
    for _ in range(f.u32()):
        out["outcomes"].append((f.u32(), f.text(), f.text()))
    f.end()
    return out


class Message:
    def __init__(self, octets):
        self.octets = octets
        self.read_header()
        self.read_envelope()
        self.read_end()
        self.read_log()

    def read_header(self):
        octets = self.octets
        if len(octets) < HEADER or not octets[:HEADER].strip(b"\0"):
            raise Unfinished("no header")
        if octets[:8] != MAGIC or crc32c(octets[:60]) != struct.unpack_from("<I", octets, 60)[0]:
            raise Broken("broken header")
        (self.version, envelope, self.content_at, self.content_size, self.top_size, self.end_at,
         self.count, zero1, zero2) = struct.unpack_from("<IIQQQQIII", octets, 8)
        if self.version != 1:
            raise OtherVersion(str(self.version))
        self.top_at = self.content_at + self.content_size
        if (zero1, zero2) != (0, 0) or self.content_at != HEADER + envelope or \
                self.end_at != self.top_at + self.top_size:
            raise Broken("header contradicts itself")

    def read_envelope(self):
        at, kinds = HEADER, []
        self.recipients = []
        while at < self.content_at:
            found = record(self.octets, at, self.content_at)
            if not found:
                raise Broken("envelope record")
            kind, payload, at = found
            kinds.append(kind)
            if kind == ENVELOPE and len(kinds) == 1:
                self.envelope = read_envelope(payload)
            elif kind == RECIPIENT and len(kinds) > 1:
                self.recipients.append(read_recipient(payload))
            else:
                raise Broken("record out of place")
        numbers = [r["number"] for r in self.recipients]
        if not numbers or len(numbers) != self.count or numbers != list(range(1, self.count + 1)):
            raise Broken("recipients")

    def read_end(self):
        found = record(self.octets, self.end_at, len(self.octets))
        if not found or found[0] != END:
            raise Broken("no END")
        f = Fields(found[1])
        self.hops, self.eight_bit, wanted = f.u32(), f.flag(), f.u32()
        f.end()
        if crc32c(self.octets[:HEADER], crc32c(self.octets[HEADER:self.end_at])) != wanted:
            raise Broken("checksum over all")
        self.log_end = found[2]

    def read_log(self):
        at, added, self.events, self.next_attempt = self.log_end, [], 0, 0
        while True:
            found = record(self.octets, at, len(self.octets))
            if not found:
                return
            kind, payload, at = found
            try:
                if kind == RECIPIENT:
                    added.append(read_recipient(payload))
                    if added[-1]["number"] != len(self.recipients) + len(added):
                        return
                    continue
                if kind not in EVENTS or (added and EVENTS[kind] != "expanded"):
                    return
                self.apply(EVENTS[kind], read_event(payload), added)
            except Broken:
                return
            added, self.log_end = [], at
            self.events += 1

    def apply(self, kind, event, added):
        if any(not 1 <= number <= len(self.recipients) for number, _, _ in event["outcomes"]):
            raise Broken("outcome of nobody")
        self.recipients += added
        for number, status, reason in event["outcomes"]:
            recipient = self.recipients[number - 1]
            if recipient["fate"] == "pending":
                recipient.update(fate="pending" if kind == "deferred" else kind, status=status, reason=reason)
        if kind == "deferred":
            self.next_attempt = event["next_attempt"]

    def delivered_octets(self):
        return self.octets[self.top_at:self.end_at] + self.octets[self.content_at:self.top_at]

    def describe(self):
        finished = all(r["fate"] != "pending" for r in self.recipients)
        return {"state": "finished" if finished else "waiting", "envelope": self.envelope,
                "recipients": self.recipients, "hops": self.hops, "eight_bit": self.eight_bit, "events": self.events,
                "size": self.top_size + self.content_size, "next_attempt": self.next_attempt,
                "torn": len(self.octets) - self.log_end,
                "content_sha256": hashlib.sha256(self.octets[self.content_at:self.top_at]).hexdigest()}


def describe(path):
    with open(path, "rb") as file:
        octets = file.read()
    if not octets:
        return {"state": "slot"}
    try:
        return Message(octets).describe()
    except Unfinished as why:
        return {"state": "unfinished", "why": str(why)}
    except OtherVersion as why:
        return {"state": "version", "why": str(why)}
    except Broken as why:
        return {"state": "rotten", "why": str(why)}


def read_spool(spool):
    """Yields one dictionary a file; ends quietly where a folder or file is gone meanwhile."""
    for folder in ("queue", "hold", "corrupt"):
        path = os.path.join(spool, folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            if not QUEUE_ID.match(name):
                continue
            try:
                yield {"folder": folder, "id": name, **describe(os.path.join(path, name))}
            except FileNotFoundError:
                continue


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--message":
        with open(arguments[1], "rb") as file:
            sys.stdout.buffer.write(Message(file.read()).delivered_octets())
        return 0
    if len(arguments) != 1:
        sys.exit(__doc__)
    rotten = False
    for entry in read_spool(arguments[0]):
        print(json.dumps(entry))
        rotten |= entry["state"] == "rotten" and entry["folder"] != "corrupt"
    return 1 if rotten else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
