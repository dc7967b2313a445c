"""Messages that both sides are given: made once, and hard-linked into their Maildirs, so that they have the same files with the same
names. Every run makes the same ones."""
import os
import random

EPOCH = 1700000000
FILLER = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod.\n"
HEADERS = """\
Return-Path: <sender{number}@outside.test>
Received: from client.outside.test (client.outside.test [192.0.2.7])
\tby mail.example.test with ESMTPS id {number:08X}
\tfor <u1@example.test>; Tue, 14 Nov 2023 22:13:20 +0000
Date: Tue, 14 Nov 2023 22:13:20 +0000
From: "Sender {number}" <sender{number}@outside.test>
To: First <first@example.test>, Second <second@example.test>
Cc: third@example.test
Subject: {subject} {number}
Message-ID: <bench.{number}.{size}@outside.test>
MIME-Version: 1.0
"""
ONE_PART = "Content-Type: text/plain; charset=utf-8\n\n{text}"
TWO_PARTS = """\
Content-Type: multipart/mixed; boundary="limit"

--limit
Content-Type: text/plain; charset=utf-8

short
--limit
Content-Type: application/octet-stream; name="data.bin"
Content-Disposition: attachment; filename="data.bin"

{text}
--limit--
"""


def message(number, size):
    """About `size` octets with LF. Every 100th has the word that SEARCH SUBJECT looks for, every 250th that of SEARCH TEXT, every
    fifth has an attachment."""
    subject = "zebra" if number % 100 == 1 else "about nothing"
    head = HEADERS.format(number=number, size=size, subject=subject) + (TWO_PARTS if number % 5 == 0 else ONE_PART)
    length = max(0, size - len(head))
    text = (FILLER * (length // len(FILLER) + 1))[:length]
    return head.format(text=text + (" quokka\n" if number % 250 == 2 else "\n")).encode()


class Messages:
    """Files of one size, in a folder of their own. Three of four are seen.

    Their names are like those of a delivery agent, microseconds and process of all values: counted-up ones share few values of the
    hash of Dovecot, which then needs a second where it needs milliseconds."""

    def __init__(self, folder, count, size, owner):
        self.folder = os.path.join(folder, f"messages-{count}-{size}")
        os.makedirs(self.folder)
        drawn = random.Random(count)
        for number in range(1, count + 1):
            unique = f"M{drawn.randrange(1000000)}P{drawn.randrange(300, 32768)}"
            name = f"{EPOCH + number}.{unique}.mail.example.test:2,{'' if number % 4 == 0 else 'S'}"
            path = os.path.join(self.folder, name)
            with open(path, "wb") as file:
                file.write(message(number, size))
            os.chmod(path, 0o600)
            os.chown(path, *owner)
            os.utime(path, (EPOCH + number, EPOCH + number))

    def link(self, maildir):
        """Puts them into a Maildir that has none."""
        for name in os.listdir(self.folder):
            os.link(os.path.join(self.folder, name), os.path.join(maildir, "cur", name))
