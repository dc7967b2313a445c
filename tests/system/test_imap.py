"""IMAP4rev1 on Maildir, with Python's imaplib."""
import imaplib
import os
import pathlib
import ssl
import unittest

from harness import PASSWORD, Demo, main, message, parse, wait_until


class ImapTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = Demo().__enter__()
        for i in range(5):
            cls.demo.send("x@outside.test", "alice@example.test", message(f"number {i}", f"body {i}"))
        cls.demo.wait_for_mail("alice", 5)

    @classmethod
    def tearDownClass(cls):
        cls.demo.__exit__(None, None, None)

    def login(self, login="alice", tls=False):
        if tls:
            context = ssl.create_default_context(cafile=self.demo.info["certificate"])
            context.check_hostname = False
            client = imaplib.IMAP4_SSL("127.0.0.1", self.demo.port("imaps"), ssl_context=context, timeout=20)
        else:
            client = imaplib.IMAP4("127.0.0.1", self.demo.port("imap"), timeout=20)
        client.login(login, PASSWORD)
        client.capabilities = tuple(client.capability()[1][0].decode().upper().split())
        return client

    def test_read(self):
        for tls in (False, True):
            client = self.login(tls=tls)
            for capability in ("IMAP4REV1", "IDLE", "NAMESPACE", "ID", "UIDPLUS", "LITERAL+", "SASL-IR"):
                self.assertIn(capability, client.capabilities)
            self.assertEqual(client.select("INBOX")[1], [b"5"])
            subjects = set()
            for number in range(1, 6):
                _, data = client.fetch(str(number), "(UID FLAGS RFC822.SIZE BODY.PEEK[])")
                subjects.add(parse(data[0][1])["Subject"])
                self.assertIn(f"RFC822.SIZE {len(data[0][1])}".encode(), data[0][0])
            self.assertEqual(subjects, {f"number {i}" for i in range(5)})
            self.assertEqual(len(client.search(None, "SUBJECT", "number")[1][0].split()), 5)
            self.assertEqual(client.search(None, "BODY", '"body 3"')[0], "OK")
            _, envelope = client.fetch("1", "(ENVELOPE BODYSTRUCTURE)")
            self.assertIn(b'"outside.test"', envelope[0])
            client.logout()

    def test_two_sessions_see_each_other(self):
        one, two = self.login("bob"), self.login("bob")
        one.create("Shared")
        one.select("Shared")
        two.select("Shared")
        _, appended = one.append("Shared", r"(\Flagged)", None, message("appended").encode())
        self.assertIn(b"APPENDUID", appended[0])
        two.noop()
        self.assertEqual(two.response("EXISTS")[1][-1], b"1")
        one.store("1", "+FLAGS", r"(\Seen \Deleted custom)")
        two.noop()
        self.assertIn(b"\\Deleted", two.fetch("1", "(FLAGS)")[1][0])
        self.assertEqual(one.expunge()[1], [b"1"])
        two.noop()
        self.assertEqual(two.search(None, "ALL")[1][0] or b"", b"")
        one.logout()
        two.logout()

    def test_idle(self):
        """IMP-26: what is delivered and what another session does is told while the client waits; junk is no DONE."""
        client = self.login("bob")
        client.create("Quiet")
        client.select("INBOX")
        before = int(client.response("EXISTS")[1][-1] or 0)
        client.send(b"i1 IDLE\r\n")
        self.assertEqual(client.readline(), b"+ Idling\r\n")
        self.demo.send("x@outside.test", "bob@example.test", message("while idle", "body"))
        self.assertEqual(client.readline(), b"* %d EXISTS\r\n" % (before + 1))
        self.assertRegex(client.readline(), rb"^\* \d+ RECENT\r\n$")
        other = self.login("bob")
        other.select("INBOX")
        other.store(str(before + 1), "+FLAGS.SILENT", r"(\Deleted)")
        other.expunge()
        told = client.readline()
        if b"FETCH" in told:
            told = client.readline()
        self.assertEqual(told, b"* %d EXPUNGE\r\n" % (before + 1))
        client.send(b"DONE\r\n")
        self.assertEqual(client.readline(), b"i1 OK Idle ended\r\n")
        client.send(b"i2 IDLE\r\njunk\r\n")
        self.assertEqual(client.readline(), b"+ Idling\r\n")
        self.assertEqual(client.readline(), b"i2 BAD Expected DONE\r\n")
        client.send(b"i3 IDLE\r\n")
        self.assertEqual(client.readline(), b"+ Idling\r\n")
        client.send(b"x" * 300)
        self.assertIn(b"Line too long", client.readline())
        self.assertIn(b"* BYE", client.readline())
        self.assertEqual(client.readline(), b"")
        other.logout()

    def test_long_message_in_slices(self):
        """A client that reads 8 MB in slices of 64 KB gets the same octets."""
        client = self.login("bob")
        client.create("Long")
        body = b"Subject: long\r\n\r\n" + b"".join(b"%075d\r\n" % i for i in range(104000))
        client.append("Long", None, None, body)
        client.select("Long")
        got = b""
        while len(got) < len(body):
            _, data = client.fetch("1", f"(BODY.PEEK[]<{len(got)}.65536>)")
            self.assertEqual(len(data[0][1]), min(65536, len(body) - len(got)))
            got += data[0][1]
        self.assertEqual(got, body)
        client.logout()

    def test_folders(self):
        client = self.login("bob")
        for name in ("Work", "Work/2026", '"Caf&AOk-"'):
            self.assertEqual(client.create(name)[0], "OK", name)
        listed = b"\n".join(client.list()[1])
        self.assertIn(b"Work/2026", listed)
        self.assertIn(b"Caf&AOk-", listed)
        client.select("INBOX")
        client.append("INBOX", None, None, message("to be copied").encode())
        client.noop()
        self.assertEqual(client.copy("1:*", "Work/2026")[0], "OK")
        self.assertIn(b"MESSAGES 1", client.status("Work/2026", "(MESSAGES UIDNEXT UIDVALIDITY)")[1][0])
        self.assertEqual(client.rename("Work/2026", "Archive")[0], "OK")
        self.assertIn(b"MESSAGES 1", client.status("Archive", "(MESSAGES)")[1][0])
        for hostile in ("../../etc", "a/../b", "/abs"):
            self.assertEqual(client.create(hostile)[0], "NO", hostile)
        self.assertEqual(client.delete("Archive")[0], "OK")
        client.logout()

    def test_uids_survive_the_loss_of_the_index(self):
        client = self.login()
        client.select("INBOX")
        uids = client.uid("SEARCH", None, "ALL")[1]
        validity = client.response("UIDVALIDITY")[1]
        client.logout()
        root = self.demo.info["mail"]["alice"]
        for folder, _, files in os.walk(root):
            for name in files:
                if ".facteur" in folder:
                    os.unlink(os.path.join(folder, name))
        client = self.login()
        client.select("INBOX")
        self.assertEqual(client.response("UIDVALIDITY")[1], validity)
        self.assertEqual(client.uid("SEARCH", None, "ALL")[1], uids)
        client.logout()

    def test_mbox(self):
        """An mbox by IMAP: read, searched, flagged and expunged, with mail coming meanwhile; UIDs stay."""
        with Demo(settings=["mail_location=mbox:~/mbox"]) as demo:
            path = pathlib.Path(demo.info["mail"]["alice"])
            for i in range(3):
                demo.send("x@outside.test", "alice@example.test", message(f"number {i}", f"body {i}\nFrom here on\n"))
                # One after the other: deliveries under way at once come in any order.
                wait_until(lambda: path.exists() and path.read_bytes().count(b"\nSubject: number") == i + 1, 15, f"mail {i}")
            client = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=20)
            client.login("alice", PASSWORD)
            self.assertEqual(client.select("INBOX")[1], [b"3"])
            _, data = client.fetch("2", "(UID RFC822.SIZE BODY.PEEK[])")
            self.assertIn(b"UID 2 RFC822.SIZE %d " % len(data[0][1]), data[0][0])
            self.assertIn(b"\r\nFrom here on\r\n", data[0][1])
            self.assertEqual(client.search(None, "BODY", '"body 1"')[0], "OK")
            client.store("1", "+FLAGS.SILENT", r"(\Deleted)")
            client.store("3", "+FLAGS.SILENT", r"(\Flagged)")
            demo.send("x@outside.test", "alice@example.test", message("number 3", "late"))
            wait_until(lambda: b"Subject: number 3" in path.read_bytes(), 15, "the late mail")
            self.assertEqual(client.expunge()[1], [b"1"])
            client.noop()
            self.assertEqual(client.uid("SEARCH", None, "ALL")[1], [b"2 3 4"])
            self.assertEqual(client.uid("SEARCH", None, "FLAGGED")[1], [b"3"])
            client.logout()
            text = path.read_bytes()
            self.assertNotIn(b"Subject: number 0", text)
            self.assertEqual(text.count(b"\n>From here on"), 2)

    def test_wrong_passwords(self):
        client = imaplib.IMAP4("127.0.0.1", self.demo.port("imap"), timeout=20)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            client.login("alice", "wrong")
        client.logout()


if __name__ == "__main__":
    main()
