"""index_location: the index of each account lies where the setting says, and mail needs it nowhere."""
import imaplib
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import PASSWORD, Demo, main, message, need_root, wait_until


class IndexTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="facteur-index-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.indexes = os.path.join(self.folder, "index")

    def demo(self, location, *settings):
        os.makedirs(os.path.join(self.folder, "demo"), exist_ok=True)
        return Demo(directory=os.path.join(self.folder, "demo"), settings=[f"index_location={location}", *settings])

    def subjects(self, demo, login):
        client = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=20)
        client.login(login, PASSWORD)
        client.select()
        found = re.findall(rb'"(subject \d)"', b"".join([part for part in client.uid("FETCH", "1:*", "(ENVELOPE)")[1] if part]))
        client.logout()
        return sorted(found)

    def send(self, demo, login, count=2):
        for number in range(count):
            demo.send("sender@outside.test", f"{login}@example.test", message(f"subject {number}", to=f"{login}@example.test"))
        wait_until(lambda: demo.log_text().count(f"to=<{login}@example.test>") >= count, 15, f"mail for {login}")
        return [f"subject {number}".encode() for number in range(count)]

    def is_written(self, path):
        """The summaries, which are committed when the index has rested, or with others a second later."""
        file = pathlib.Path(path, "data.mdb")
        return file.exists() and b"subject 0" in file.read_bytes()

    def nothing_beside(self, folder):
        for path, folders, _ in os.walk(folder):
            self.assertNotIn("index", folders, path)

    def test_below_a_folder_for_all(self):
        with self.demo(self.indexes + "/%d/%n") as demo:
            # One worker serves both: bob's is made by a process that is in its jail already.
            for login in ("alice", "bob"):
                expected = self.send(demo, login)
                self.assertEqual(self.subjects(demo, login), expected)
                place = os.path.join(self.indexes, "example.test", login)
                self.assertTrue(os.path.exists(os.path.join(place, "data.mdb")), f"the index of {login}")
                self.nothing_beside(demo.info["mail"][login])
                status, mail = os.stat(place), os.stat(demo.info["mail"][login])
                self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (mail.st_uid, mail.st_gid, 0o700))
            shutil.rmtree(os.path.join(self.indexes, "example.test"))
            self.assertEqual(self.subjects(demo, "alice"), expected)
            wait_until(lambda: self.is_written(os.path.join(self.indexes, "example.test", "alice")), 60, "a new index")
            self.assertNotIn("warning", demo.log_text())

    def test_in_the_home_beside_an_mbox(self):
        with self.demo("~/cache", "mail_location=mbox:~/mbox") as demo:
            expected = self.send(demo, "alice", 1)
            self.assertEqual(self.subjects(demo, "alice"), expected)
            home = os.path.dirname(demo.info["mail"]["alice"])
            wait_until(lambda: self.is_written(os.path.join(home, "cache")), 60, "what the index holds")
            state = os.path.join(home, ".facteur")
            self.nothing_beside(state)
            self.assertTrue([names for _, _, names in os.walk(state) if "facteur-uids" in names], "UIDs stay with the mail")

    def test_an_account_with_a_uid_of_its_own(self):
        need_root(self)
        with self.demo(self.indexes + "/%u") as demo:
            with open(os.path.join(demo.directory, "users.yaml")) as users:
                hashed = re.search(r"\$\w+\$[\w./$]+", users.read()).group()
            with open(os.path.join(demo.directory, "users.yaml"), "a") as users:
                users.write(f'own@example.test: {{password: "{hashed}", uid: 5000}}\n')
            wait_until(lambda: "own@" in demo.run("facteur", "user", "list").stdout, 5, "the new user")
            self.assertEqual(self.subjects(demo, "own"), [])
            self.assertEqual(os.stat(os.path.join(self.indexes, "own@example.test")).st_uid, 5000)
            self.assertNotEqual(os.stat(self.indexes).st_uid, 5000)

    def test_where_none_can_be_made_mail_is_read_without(self):
        os.mkdir(self.indexes)
        os.mkdir(os.path.join(self.indexes, "alice@example.test"), 0o500)
        with self.demo(self.indexes + "/%u") as demo:
            expected = self.send(demo, "alice")
            for _ in range(2):
                self.assertEqual(self.subjects(demo, "alice"), expected)
            warnings = [line for line in demo.log_text().splitlines() if "warning" in line]
            self.assertTrue(all("alice@example.test" in line for line in warnings), warnings)
            self.assertEqual(len(warnings), 1)
            self.nothing_beside(demo.info["mail"]["alice"])


if __name__ == "__main__":
    main()
