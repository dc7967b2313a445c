"""System users: the accounts of passwd, whose home is closed to everybody else, and virtual users with a uid of their own.

As root, with a passwd of its own in a private mount namespace."""
import os
import poplib
import re
import shutil
import stat
import tempfile
import unittest

from harness import PASSWORD, Demo, main, message, need_root, wait_until

UID = 61501
WITH_PASSWD = ["unshare", "-m", "sh", "-ec", 'mount --make-rprivate /; mount --bind "$1" /etc/passwd; shift; exec "$@"', "sh"]


class SystemUsersTest(unittest.TestCase):
    def setUp(self):
        need_root(self)
        folder = tempfile.mkdtemp(prefix="facteur-users-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        self.folder = folder
        self.home = os.path.join(folder, "jim")
        os.mkdir(self.home, 0o700)
        os.chown(self.home, UID, UID)
        self.passwd = os.path.join(folder, "passwd")
        shutil.copy("/etc/passwd", self.passwd)
        with open(self.passwd, "a") as passwd:
            passwd.write(f"fjim:x:{UID}:{UID}:Jim:{self.home}:/bin/sh\n")

    def demo(self, mail_location):
        return Demo(directory=os.path.join(self.folder, "demo"), prefix=[*WITH_PASSWD, self.passwd],
                    settings=["system_users=yes", f"mail_location={mail_location}"])

    def deliver(self, mail_location, path):
        """The first mail arrives at the first attempt, and is the user's own."""
        os.mkdir(os.path.join(self.folder, "demo"))
        with self.demo(mail_location) as demo:
            queue_id = demo.send("sender@outside.test", "fjim@example.test", message("first", to="fjim@example.test")).split()[-1]
            wait_until(lambda: f"{queue_id}: removed" in demo.log_text(), 10, "a delivery")
            self.assertNotIn("status=deferred", demo.log_text())
            status = os.stat(os.path.join(self.home, path))
            self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o077), (UID, UID, 0))

    def test_the_first_mail_into_a_maildir(self):
        self.deliver("maildir:~/Maildir", "Maildir/new")

    def test_the_first_mail_into_a_maildir_below_a_folder(self):
        self.deliver("maildir:~/mail/in", "mail/in/new")

    def test_the_first_mail_into_an_mbox(self):
        self.deliver("mbox:~/mail/inbox", "mail/inbox")

    def test_mail_moves_out_by_the_hands_of_its_owner(self):
        """Root runs the command; what it writes is the user's, and no link of his leads it to what is not."""
        os.mkdir(os.path.join(self.folder, "demo"))
        demo = self.demo("maildir:~/Maildir")
        self.addCleanup(demo.clean)
        demo.start()
        demo.send("sender@outside.test", "fjim@example.test", message("first", to="fjim@example.test"))
        maildir = os.path.join(self.home, "Maildir")
        wait_until(lambda: os.path.isdir(f"{maildir}/new") and os.listdir(f"{maildir}/new"), 10, "a delivery")
        demo.stop()
        precious = os.path.join(self.folder, "precious")
        with open(precious, "w") as file:
            file.write("of root")
        os.symlink(precious, f"{maildir}/dovecot-uidlist.new")
        ran = demo.run("facteur", "user", "export-dovecot", "fjim")
        self.assertEqual(ran.returncode, 75, ran.stderr)
        self.assertIn("dovecot-uidlist.new", ran.stderr)
        os.symlink(precious, f"{maildir}/dovecot-uidlist")
        ran = demo.run("facteur", "user", "export-dovecot", "--all")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("fjim@example.test INBOX: 1 messages, ", ran.stdout)
        status = os.lstat(f"{maildir}/dovecot-uidlist")
        self.assertEqual((stat.S_ISREG(status.st_mode), status.st_uid, status.st_gid, status.st_mode & 0o077), (True, UID, UID, 0))
        with open(precious) as file:
            self.assertEqual(file.read(), "of root")

    def test_a_virtual_user_with_a_uid_of_his_own(self):
        """Both ways in: by a delivery, and by a login before there was any."""
        os.mkdir(os.path.join(self.folder, "demo"))
        with Demo(directory=os.path.join(self.folder, "demo")) as demo:
            with open(os.path.join(demo.directory, "users.yaml")) as users:
                hashed = re.search(r"\$\w+\$[\w./$]+", users.read()).group()
            with open(os.path.join(demo.directory, "users.yaml"), "a") as users:
                for name in ("v1", "v2"):
                    users.write(f'{name}@example.test: {{password: "{hashed}", uid: 5000, '
                                f'mail: "maildir:{demo.directory}/mail/{name}box"}}\n')
            wait_until(lambda: "v1" in demo.run("facteur", "user", "list").stdout, 5, "new users")
            queue_id = demo.send("sender@outside.test", "v1@example.test", message("first", to="v1@example.test")).split()[-1]
            wait_until(lambda: f"{queue_id}: removed" in demo.log_text(), 10, "a delivery")
            self.assertNotIn("status=deferred", demo.log_text())
            client = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=10)
            client.user("v2")
            client.pass_(PASSWORD)
            self.assertEqual(client.stat(), (0, 0))
            client.quit()


if __name__ == "__main__":
    main()
