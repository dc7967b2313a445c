"""POP3 on Maildir and on mbox, with Python's poplib and as somebody types it."""
import os
import poplib
import socket
import ssl
import unittest

from harness import PASSWORD, Demo, main, message, wait_until

TUTORIAL = b"""From MAILER-DAEMON Mon Oct  5 10:00:00 2026
Date: 05 Oct 2026 10:00:00 +0000
From: Mail System Internal Data <MAILER-DAEMON@jules.maison.mrs>
Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA
Message-ID: <1759658400@jules.maison.mrs>
X-IMAP: 1759658400 0000000003
Status: RO

This text is part of the internal format of your mail folder, and is not
a real message.  It is created automatically by the mail system software.
If deleted, important folder data will be lost, and it will be re-created
with the data reset to initial values.

""" + b"".join(b"From jim@alfred.maison.mrs Mon Oct  5 11:0%d:00 2026\nFrom: jim@alfred.maison.mrs\nTo: jules@jules.maison.mrs\n"
               b"Subject: number %d\n\nBody of number %d.\nSecond line.\n\n" % (i, i, i) for i in (1, 2, 3))


class Typed:
    """A session as in a tutorial with telnet."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.lines = self.socket.makefile("rb")
        self.greeting = self.lines.readline()

    def __call__(self, command, many=False):
        self.socket.sendall(command.encode() + b"\r\n")
        out = [self.lines.readline()]
        while many and out[0].startswith(b"+OK") and out[-1] != b".\r\n":
            out.append(self.lines.readline())
        return b"".join(out).decode()

    def close(self):
        self.lines.close()
        self.socket.close()


class Pop3Test(unittest.TestCase):
    def octets_on_the_wire(self, port):
        """For each message: what LIST says, what RETR says, and what came, byte stuffing taken away."""
        typed = Typed(port)
        try:
            typed("USER alice")
            self.assertTrue(typed(f"PASS {PASSWORD}").startswith("+OK"))
            listed = {int(line.split()[0]): int(line.split()[1]) for line in typed("LIST", many=True).splitlines()[1:-1]}
            self.assertEqual(typed("STAT").split()[1:3], [str(len(listed)), str(sum(listed.values()))])
            out = []
            for number, size in listed.items():
                answer = typed(f"RETR {number}", many=True)
                told = int(answer.split()[1])
                lines = answer.split("\r\n")[1:-2]
                came = sum(len(line) + 2 - line.startswith(".") for line in lines)
                out.append((size, told, came))
            self.assertTrue(typed("QUIT").startswith("+OK"))
            return out
        finally:
            typed.close()

    def test_POP_06_octet_counts_are_those_of_the_wire(self):
        samples = {
            "plain": b"A: 1\n\nx\n", "open": b"A: 1\n\nno end", "dots": b"A: 1\n\n.\n..\n.x", "empty": b"", "header": b"A: 1",
            "1.M1.host,S=12,W=14": b"A: 1\n\nno end",
            "2.M1.host,S=12,W=15": b"A: 2\n\nno end", "3.M1.host,S=5,W=6": b"A: 3\n\nno end", "crlf": b"A: 1\r\n\r\nx\r\n", "nul": b"A: 1\n\n\0\n\0",
        }
        with Demo() as demo:
            new = os.path.join(demo.info["mail"]["alice"], "new")
            demo.send("x@outside.test", "alice@example.test", message("makes the folders"))
            demo.wait_for_mail("alice")
            owner = os.stat(new)
            for name, octets in samples.items():
                with open(os.path.join(new, name), "wb") as file:
                    file.write(octets)
                os.chown(os.path.join(new, name), owner.st_uid, owner.st_gid)
            for _ in range(2):  # the second time from what the first has written down
                found = self.octets_on_the_wire(demo.port("pop3"))
                self.assertEqual(len(found), len(samples) + 1)
                for counts in found:
                    self.assertEqual(len(set(counts)), 1, found)

    def test_POP_06_the_last_message_of_an_mbox_may_have_no_end(self):
        with Demo(settings=["mail_location=mbox:~/mbox"]) as demo:
            path = demo.info["mail"]["alice"]
            demo.send("x@outside.test", "alice@example.test", message("makes the mbox"))
            wait_until(lambda: os.path.exists(path) and os.path.getsize(path), 10, "an mbox")
            with open(path, "ab") as file:
                file.write(b"From a@b Mon Oct  5 11:00:00 2026\nA: 1\n\nno end")
            for counts in self.octets_on_the_wire(demo.port("pop3")):
                self.assertEqual(len(set(counts)), 1, counts)

    def test_maildir_with_poplib(self):
        with Demo() as demo:
            for i in range(3):
                demo.send("x@outside.test", "alice@example.test", message(f"number {i}", ".dot\r\n..dots\r\nlast"))
            demo.wait_for_mail("alice", 3)
            box = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
            self.assertIn("STLS", box.capa())
            box.user("alice")
            box.pass_(PASSWORD)
            count, octets = box.stat()
            self.assertEqual(count, 3)
            sizes = {}
            for number in (1, 2, 3):
                _, lines, size = box.retr(number)
                sizes[number] = sum(len(line) + 2 for line in lines)
                self.assertIn(b"..dots", lines)
                self.assertIn(b".dot", lines)
            self.assertEqual(sum(sizes.values()), octets)
            self.assertEqual([f"{n} {s}".encode() for n, s in sizes.items()], box.list()[1])
            uids = box.uidl()[1]
            box.dele(2)
            box.quit()
            box = poplib.POP3_SSL("127.0.0.1", demo.port("pop3s"), timeout=20, context=self.trusting())
            box.user("alice@example.test")
            box.pass_(PASSWORD)
            self.assertEqual([uid.split()[1] for uid in box.uidl()[1]], [uids[0].split()[1], uids[2].split()[1]])
            box.quit()

    def test_dele_without_quit_deletes_nothing(self):
        with Demo() as demo:
            demo.send("x@outside.test", "bob@example.test", message("stays"))
            demo.wait_for_mail("bob")
            box = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
            box.user("bob")
            box.pass_(PASSWORD)
            box.dele(1)
            box.close()
            def again():
                second = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
                try:
                    second.user("bob")
                    second.pass_(PASSWORD)
                    return second.stat()[0]
                except poplib.error_proto:
                    return 0  # the lock of the first is not yet gone
                finally:
                    second.close()
            wait_until(lambda: again() == 1, 10, "the message, still there")

    def test_wrong_passwords_and_bad_commands(self):
        with Demo() as demo:
            box = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
            with self.assertRaises(poplib.error_proto):
                box.stat()
            box.user("alice")
            with self.assertRaisesRegex(poplib.error_proto, "AUTH"):
                box.pass_("wrong")
            box.user("alice")
            box.pass_(PASSWORD)
            for command in ("RETR 0", "RETR 1", "TOP 1", "LIST 99999999999", "DELE -1", "XYZZY"):
                with self.assertRaises(poplib.error_proto, msg=command):
                    box._shortcmd(command)
            box.quit()

    def test_the_session_of_a_telnet_tutorial_on_mbox(self):
        with Demo(settings=["mail_location=mbox:~/mbox"]) as demo:
            path = demo.info["mail"]["alice"]
            demo.send("x@outside.test", "alice@example.test", message("to be replaced"))
            wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, 15, "the mbox")
            owner = os.stat(path)
            with open(path, "wb") as mbox:
                mbox.write(TUTORIAL)
            for session in (1, 2):
                typed = Typed(demo.port("pop3"))
                self.assertTrue(typed.greeting.startswith(b"+OK"))
                self.assertTrue(typed("USER alice").startswith("+OK"))
                self.assertTrue(typed(f"PASS {PASSWORD}").startswith("+OK"))
                self.assertTrue(typed("STAT").startswith("+OK 3 "))
                self.assertEqual(typed("LIST", many=True).count("\r\n"), 5)
                top = typed("TOP 1 1", many=True)
                self.assertIn("Subject: number 1", top)
                self.assertIn("Body of number 1.", top)
                self.assertNotIn("Second line.", top)
                self.assertTrue(typed("DELE 3").startswith("+OK"))
                self.assertEqual(typed("LIST", many=True).count("\r\n"), 4)
                self.assertTrue(typed("RSET").startswith("+OK"))
                self.assertEqual(typed("LIST", many=True).count("\r\n"), 5)
                self.assertIn("Second line.", typed("RETR 3", many=True))
                self.assertTrue(typed("QUIT").startswith("+OK"), session)
                typed.close()
            with open(path, "rb") as mbox:
                self.assertIn(b"FOLDER INTERNAL DATA", mbox.read())
            self.assertEqual((os.stat(path).st_uid, os.stat(path).st_mode), (owner.st_uid, owner.st_mode))

    @staticmethod
    def trusting():
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


if __name__ == "__main__":
    main()
