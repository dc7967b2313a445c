"""Moving out to Dovecot and back: `facteur user export-dovecot`, and Debian's own Dovecot on the same Maildir.

What clients keep must be the same on both sides: UIDVALIDITY, UIDs, UIDNEXT, flags, keywords, subscriptions, and the ids of POP3."""
import email.utils
import hashlib
import imaplib
import os
import poplib
import re
import shutil
import sys
import tempfile
import unittest

from debian import unpack
from harness import PASSWORD, Demo, main, message, need_root, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))
from dovecot import PACKAGES, Dovecot, overlay_refused  # noqa: E402

UNAVAILABLE, DATAERR, NOUSER, USAGE = 69, 65, 67, 64
POP3_IDS = "pop3_uidl_format='%08Xu%08Xv'"  # as Dovecot has them unless it is told otherwise
MAILBOXES = ["INBOX", "Entw&APw-rfe/Sub", "Empty", "Many", "High"]
HIGH = 4_291_967_295  # a UID and a UIDVALIDITY that need all 32 bits
MANY = [f"word{n}" for n in range(30)]


class Client(imaplib.IMAP4):
    """A login of alice's. Mailboxes have '/' between their levels here, whatever the server has."""

    def __init__(self, port):
        super().__init__("127.0.0.1", port, timeout=20)
        self.login("alice", PASSWORD)
        self.separator = re.search(rb'\) "(.)" ', self.list('""', '""')[1][0]).group(1).decode()

    def __exit__(self, *reason):
        self.logout()

    def name(self, mailbox):
        return '"' + mailbox.replace("/", self.separator) + '"'

    def ok(self, answer):
        kind, data = answer
        assert kind == "OK", (kind, data)
        return data

    def enter(self, mailbox):
        self.ok(self.select(self.name(mailbox)))

    def put(self, mailbox, text, flags=()):
        """Its UID."""
        done = self.ok(self.append(self.name(mailbox), f"({' '.join(flags)})", None, text.encode()))
        return int(re.search(rb"APPENDUID \d+ (\d+)", done[0]).group(1))

    def set_flags(self, uids, how, *flags):
        self.ok(self.uid("STORE", ",".join(map(str, uids)), how, f"({' '.join(flags)})"))

    def remove(self, uids):
        self.set_flags(uids, "+FLAGS", r"\Deleted")
        self.ok(self.expunge())

    def counters(self, mailbox):
        status = self.ok(self.status(self.name(mailbox), "(UIDVALIDITY UIDNEXT)"))[0].decode()
        return tuple(int(re.search(rf"{word} (\d+)", status).group(1)) for word in ("UIDVALIDITY", "UIDNEXT"))

    def messages(self, mailbox):
        """UID to flags, size, internal date and digest."""
        self.ok(self.select(self.name(mailbox), readonly=True))
        found = {}
        for part in self.ok(self.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[])")):
            if not isinstance(part, tuple):
                continue
            uid = int(re.search(rb"UID (\d+)", part[0]).group(1))
            flags = frozenset(flag.decode() for flag in imaplib.ParseFlags(part[0])) - {r"\Recent"}
            size = int(re.search(rb"RFC822.SIZE (\d+)", part[0]).group(1))
            date = email.utils.mktime_tz((*imaplib.Internaldate2tuple(part[0])[:9], 0))
            found[uid] = (flags, size, date, hashlib.sha256(part[1]).hexdigest())
        return found

    def subscribed(self):
        lines = self.ok(self.lsub('""', '"*"'))
        return sorted(line.split()[-1].strip(b'"').decode().replace(self.separator, "/") for line in lines if line)

    def listed(self):
        lines = self.ok(self.list('""', '"*"'))
        names = [line for line in lines if rb"\Noselect" not in line and rb"\NoSelect" not in line]
        return sorted(line.split()[-1].strip(b'"').decode().replace(self.separator, "/") for line in names)


def state(port):
    """What clients remember of a server."""
    with Client(port) as client:
        boxes = {mailbox: (client.counters(mailbox), client.messages(mailbox)) for mailbox in MAILBOXES}
        return boxes, client.subscribed(), client.listed()


def pop3_ids(port):
    client = poplib.POP3("127.0.0.1", port, timeout=20)
    client.user("alice")
    client.pass_(PASSWORD)
    ids = [line.split()[1] for line in client.uidl()[1]]
    client.quit()
    return ids


class House:
    """A demo in a folder that stays while it starts and stops."""

    def __init__(self, *settings):
        self.folder = tempfile.mkdtemp(prefix="facteur-move-out-", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        directory = os.path.join(self.folder, "demo")
        os.mkdir(directory)
        self.demo = Demo(directory=directory, settings=settings)

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.demo.__exit__(*reason)
        shutil.rmtree(self.folder)

    def export(self, *arguments):
        ran = self.demo.run("facteur", "user", "export-dovecot", *arguments, timeout=60)
        return ran.returncode, ran.stdout, ran.stderr


class MoveOutTest(unittest.TestCase):
    def assert_same(self, before, after, at_least=False):
        """The same of every mailbox; with `at_least` UIDNEXT may have gone on: who takes over skips UIDs that may have been told."""
        self.assertEqual(before[1:], after[1:])
        for mailbox in MAILBOXES:
            with self.subTest(mailbox):
                (validity, uid_next), messages = before[0][mailbox]
                (validity_now, uid_next_now), messages_now = after[0][mailbox]
                self.assertEqual(validity, validity_now)
                self.assertEqual(messages, messages_now)
                (self.assertLessEqual if at_least else self.assertEqual)(uid_next, uid_next_now)

    def put_by_hand(self, demo, path, text):
        """A file in the Maildir, by another program of the owner's."""
        maildir = demo.info["mail"]["alice"]
        path = os.path.join(maildir, path)
        owner = os.stat(maildir)
        for folder in (os.path.dirname(os.path.dirname(path)), os.path.dirname(path)):
            if not os.path.isdir(folder):
                os.mkdir(folder)
                os.chown(folder, owner.st_uid, owner.st_gid)
        with open(path, "w") as file:
            file.write(text.replace("\r\n", "\n"))
        os.chown(path, owner.st_uid, owner.st_gid)

    def fill(self, demo):
        self.put_by_hand(demo, ".High/cur/1700000000.high:2,S", message("high"))
        self.put_by_hand(demo, ".High/tmp/none", "")
        self.put_by_hand(demo, ".High/dovecot-uidlist", f"3 V{HIGH} N{HIGH + 1} G{32 * 'a'}\n{HIGH} :1700000000.high\n")
        with Client(demo.port("imap")) as client:
            for mailbox in MAILBOXES[1:-1]:
                client.ok(client.create(client.name(mailbox)))
                client.ok(client.subscribe(client.name(mailbox)))
            client.ok(client.unsubscribe(client.name("Empty")))
            uids = [client.put("INBOX", message(f"number {n}", "x" * n), [r"\Seen"] if n % 2 else []) for n in range(8)]
            client.enter("INBOX")
            client.set_flags(uids[:2], "+FLAGS", r"\Flagged", r"\Answered", "$Forwarded", "Work")
            client.set_flags(uids[2:4], "+FLAGS", "Work")
            client.set_flags(uids[3:4], "-FLAGS", "Work")
            client.set_flags(uids[3:4], "+FLAGS", "long" * 32)
            client.remove([uids[1], uids[5], uids[7]])  # the last, too: UIDNEXT is not the highest UID and one
            client.enter("High")
            client.set_flags([HIGH], "+FLAGS", r"\Answered")
            client.put(MAILBOXES[1], message("draft", "no end")[:-2], [r"\Draft", "$Forwarded"])
            client.put("Many", message("many"), MANY)
            client.put("Many", message("some"), MANY[2:])
        for n in range(3):
            demo.send("x@outside.test", "alice@example.test", message(f"delivered {n}"))
        wait_until(lambda: len(demo.maildir("alice")) == 8, 15, "the deliveries")
        with Client(demo.port("imap")) as client:
            client.enter("INBOX")
            newest = max(client.messages("INBOX"))
            client.enter("INBOX")
            client.set_flags([newest], "+FLAGS", "Later")

    def left_to_dovecot(self, before):
        """Four of 30 keywords have no letter: two that the fewest messages have, and the last of the others."""
        boxes = dict(before[0])
        counters, many = boxes["Many"]
        boxes["Many"] = counters, {uid: (flags - set(MANY[:2] + MANY[28:]), *rest) for uid, (flags, *rest) in many.items()}
        return boxes, *before[1:]

    def work(self, port, demo):
        """What people do with their mail at Dovecot's."""
        with Client(port) as client:
            client.put("INBOX", message("by Dovecot"), [r"\Flagged", "Dovecots"])
            last = client.put("INBOX", message("by Dovecot, gone"))
            client.enter("INBOX")
            client.remove([last])
            first, second, *_ = sorted(client.messages("INBOX"))
            client.enter("INBOX")
            client.set_flags([first], "-FLAGS", "Work", r"\Flagged")
            client.set_flags([second], "+FLAGS", r"\Seen", "Work", "Dovecots")
            client.ok(client.uid("COPY", str(second), client.name("Empty")))
            client.ok(client.subscribe(client.name("Empty")))
            self.put_by_hand(demo, "new/1700000000.M1P1.elsewhere", message("put there"))
            client.noop()
            self.assertGreater(client.put("High", message("higher")), HIGH)

    def test_to_dovecot_and_back(self):
        need_root(self)
        with House(POP3_IDS) as house:
            root = unpack(PACKAGES, os.path.join(house.folder, "debian"))
            if refusal := overlay_refused(root):
                print(f"SKIPPED: needs an overlay over /usr, for Dovecot: {refusal}", flush=True)
                self.skipTest("needs an overlay over /usr")
            demo = house.demo.start()
            self.fill(demo)
            before, ids = state(demo.port("imap")), pop3_ids(demo.port("pop3"))
            maildir = demo.info["mail"]["alice"]
            owner = os.stat(maildir).st_uid, os.stat(maildir).st_gid
            self.assertNotEqual(owner[0], 0)
            demo.stop()
            code, said, errors = house.export("alice")
            self.assertEqual(code, 0, errors)
            self.assertEqual(len(said.splitlines()), len(MAILBOXES), said)
            self.assertIn("26 keywords in a mailbox", errors)

            def dovecot():
                return Dovecot(house.folder, root, owner, ["alice"], PASSWORD, homes=maildir.replace("alice", "%u"))

            with dovecot() as theirs:
                self.assert_same(self.left_to_dovecot(before), state(theirs.ports["imap"]))
                self.assertEqual(pop3_ids(theirs.ports["pop3"]), ids)
                self.work(theirs.ports["imap"], demo)
                served, ids = state(theirs.ports["imap"]), pop3_ids(theirs.ports["pop3"])
            self.assertNotEqual(served, before)

            demo.start()
            back = state(demo.port("imap"))
            left_out = back[0]["Many"][1]
            self.assertEqual(left_out, before[0]["Many"][1])  # what Dovecot could not keep is there again
            self.assert_same(served, self.left_to_dovecot(back), at_least=True)
            self.assertEqual(pop3_ids(demo.port("pop3")), ids)
            with Client(demo.port("imap")) as client:
                uid = client.put("INBOX", message("by Facteur again"), ["Work"])
                self.assertGreaterEqual(uid, served[0]["INBOX"][0][1])
                oldest = min(client.messages("INBOX"))
                client.enter("INBOX")
                client.remove([oldest])
            again = state(demo.port("imap"))
            demo.stop()

            # Dovecot has an index of its own by now.
            code, said, errors = house.export("--all")
            self.assertEqual(code, 0, errors)
            self.assertIn("alice@example.test Entwürfe/Sub: 1 messages, ", said)
            self.assertIn("bob@example.test INBOX: 0 messages, ", said)
            with dovecot() as theirs:
                self.assert_same(self.left_to_dovecot(again), state(theirs.ports["imap"]))
                with open(theirs.path("log")) as log:
                    complaints = [line for line in log if "(alice)" in line and ": Info: " not in line]
                self.assertEqual(complaints, [])

    def test_it_is_for_when_facteurd_is_down(self):
        with House() as house:
            demo = house.demo.start()
            with Client(demo.port("imap")) as client:
                client.put("INBOX", message("one"), ["Work"])
            code, said, errors = house.export("alice")
            self.assertEqual((code, said), (UNAVAILABLE, ""))
            self.assertIn("facteurd is running", errors)
            maildir = demo.info["mail"]["alice"]
            self.assertFalse(os.path.exists(os.path.join(maildir, "dovecot-uidlist")))
            demo.stop()
            self.assertEqual(house.export("alice")[0], 0)
            with open(os.path.join(maildir, "dovecot-uidlist")) as file:
                self.assertRegex(file.read(), r"\A3 V\d+ N2 G[0-9a-f]{32}\n1 W\d+ :[^:\n]+\n\Z")
            with open(os.path.join(maildir, "dovecot-keywords")) as file:
                self.assertEqual(file.read(), "0 Work\n")
            owner = os.stat(maildir)
            for name in ("dovecot-uidlist", "dovecot-keywords", "facteur-uids"):
                status = os.stat(os.path.join(maildir, name))
                self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (owner.st_uid, owner.st_gid, 0o600))
            code, said, _ = house.export("alice@example.test")
            self.assertEqual(code, 0)
            self.assertIn("has been handed over before", said)

    def test_one_that_fails_stops_no_other(self):
        with House() as house:
            demo = house.demo.start()
            for login in ("alice", "bob"):
                client = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=20)
                client.login(login, PASSWORD)
                client.create("Other")
                client.append("Other", None, None, message("one").encode())
                client.append("INBOX", None, None, message("two").encode())
                client.logout()
            added = demo.run("facteur", "user", "add", "carol", "--password-file", "-", input="open sesame\n")
            self.assertEqual(added.returncode, 0, added.stderr)
            demo.stop()
            inbox = demo.info["mail"]["alice"]
            os.rename(os.path.join(inbox, "facteur-uids"), os.path.join(inbox, "kept"))
            os.mkdir(os.path.join(inbox, "facteur-uids"))
            code, said, errors = house.export("nobody", "alice", "carol", "bob")
            self.assertNotEqual(code, 0)
            self.assertIn("no account nobody", errors)
            self.assertIn("alice@example.test INBOX: ", errors)
            for done in ("alice@example.test Other: 1 messages", "bob@example.test INBOX: 1 messages", "bob@example.test Other: ",
                         "carol@example.test: has no mail yet"):
                self.assertIn(done, said)
            self.assertFalse(os.path.exists(os.path.join(inbox, "dovecot-uidlist")))
            self.assertEqual(house.export("nobody")[0], NOUSER)
            self.assertEqual(house.export()[0], USAGE)
            self.assertEqual(house.export("--all", "alice")[0], USAGE)

    def test_an_mbox_is_refused(self):
        with House("mail_location=mbox:~/mbox") as house:
            demo = house.demo.start()
            demo.send("x@outside.test", "alice@example.test", message("one"))
            wait_until(lambda: os.path.isfile(demo.info["mail"]["alice"]), 15, "the delivery")
            demo.stop()
            code, said, errors = house.export("alice")
            self.assertEqual((code, said), (DATAERR, ""))
            self.assertIn("mbox", errors)


if __name__ == "__main__":
    main()
