"""sendmail, mailq and newaliases, as local programs call them."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import Demo, main, parse, program, wait_until

EX_OK, EX_USAGE, EX_DATAERR, EX_NOUSER, EX_TEMPFAIL, EX_CONFIG = 0, 64, 65, 67, 75, 78


class SendmailTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.demo = Demo().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.demo.__exit__(None, None, None)

    def fresh(self, login="bob"):
        return set(self.demo.maildir(login))

    def arrived(self, before, login="bob"):
        def look():
            return {name: octets for name, octets in self.demo.maildir(login).items() if name not in before}
        octets, = wait_until(look, 15, f"mail for {login}").values()
        return octets

    def sendmail(self, *arguments, text="", status=EX_OK, env=None):
        done = self.demo.run("sendmail", *arguments, input=text, env=env)
        self.assertEqual(done.returncode, status, done.stderr)
        if status == EX_OK:
            self.assertEqual(done.stderr, "")
        else:
            self.assertRegex(done.stderr, r"^(sendmail|facteur): .")
        return done

    def deliver(self, *arguments, text, login="bob"):
        """Sends to one account; the message as it lies there."""
        before = self.fresh(login)
        self.sendmail(*arguments, text=text)
        return self.arrived(before, login)

    def test_a_plain_message(self):
        octets = self.deliver("-F", "Jim Doe", "-f", "jim@minfo.test", "bob", text="Subject: plain\n\nhello\n")
        delivered = parse(octets)
        self.assertEqual(delivered["From"], "Jim Doe <jim@minfo.test>")
        self.assertEqual(delivered["Return-Path"], "<jim@minfo.test>")
        self.assertEqual(delivered["Delivered-To"], "bob@example.test")
        self.assertIsNotNone(delivered["Date"])
        self.assertRegex(delivered["Message-ID"], r"^<.+@.+>$")
        self.assertTrue(octets.endswith(b"\n\nhello\n"), octets[-40:])
        self.assertNotIn(b"\r", octets)

    def test_the_sender_is_who_calls(self):
        delivered = parse(self.deliver("bob@example.test", text="no header at all\n"))
        self.assertRegex(delivered["Return-Path"], r"^<\S+@example\.test>$")
        self.assertIn(delivered["Return-Path"].strip("<>"), delivered["From"])
        self.assertEqual(delivered.get_payload(), "no header at all\n")

    def test_recipients_of_the_header(self):
        before = self.fresh("alice"), self.fresh("bob")
        self.sendmail("-t", "-i", text="From: Jim <jim@minfo.test>\nTo: Alice\n <alice@example.test>\nSubject: t\n"
                                       "Bcc: nobody-sees@example.test,\n\tbob\n\nBcc: stays in the body\n",
                      status=EX_NOUSER)
        for login, old in zip(("alice", "bob"), before):
            octets = self.arrived(old, login)
            self.assertIsNone(parse(octets)["Bcc"])
            self.assertNotIn(b"nobody-sees", octets)
            self.assertNotIn(b"\n\tbob", octets)
            self.assertIn(b"\n\nBcc: stays in the body\n", octets)

    def test_a_body_right_behind_the_header(self):
        before, others = self.fresh("bob"), self.fresh("alice")
        self.sendmail("-t", text="To: bob\nSubject: no empty line\nhello bob,\nTo: alice\n\nbye\n")
        octets = self.arrived(before)
        self.assertTrue(octets.endswith(b"\nSubject: no empty line\n\nhello bob,\nTo: alice\n\nbye\n"), octets[-80:])
        self.assertEqual(self.fresh("alice"), others)

    def test_resent_recipients(self):
        old = self.fresh("alice")
        self.deliver("-t", text="Resent-From: bob@example.test\nResent-To: bob@example.test\nFrom: x@y.test\n"
                                "To: alice@example.test\n\nhello\n")
        self.assertEqual(self.fresh("alice"), old)

    def test_dots(self):
        self.assertTrue(self.deliver("bob", text="Subject: d\n\none\n..\n.two\n.\nthree\n").endswith(b"\n\none\n..\n.two\n"))
        for flag in ("-i", "-oi"):
            octets = self.deliver(flag, "bob", text="Subject: d\r\n\r\none\r\n.\r\nthree\r\n")
            self.assertTrue(octets.endswith(b"\n\none\n.\nthree\n"), octets[-40:])

    def test_eight_bit_text(self):
        octets = self.deliver("-i", "bob", text="Subject: acht\n\nJürgen\n")
        self.assertTrue(octets.endswith("\n\nJürgen\n".encode()))

    def test_verbose(self):
        before = self.fresh()
        said = self.sendmail("-v", "-f", "jim@minfo.test", "bob", text="Subject: v\n\nhello\n").stdout
        for line in (r"<<< 220 ", r">>> EHLO ", r">>> MAIL FROM:<jim@minfo\.test>", r">>> RCPT TO:<bob@example\.test>",
                     r">>> DATA", r"<<< 354 ", r"<<< 250 2\.0\.0 Ok: queued as \w+", r">>> QUIT"):
            self.assertRegex(said, "(?m)^" + line)
        self.arrived(before)

    def test_smtp_on_stdin(self):
        before = self.fresh()
        said = self.sendmail("-bs", text="EHLO here\r\nMAIL FROM:<jim@minfo.test>\r\nRCPT TO:<bob@example.test>\r\n"
                                         "DATA\r\nSubject: bs\r\n\r\nhello\r\n.\r\nQUIT\r\n").stdout
        codes = re.findall(r"(?m)^(\d{3}) ", said)
        self.assertEqual(codes, ["220", "250", "250", "250", "354", "250", "221"], said)
        self.assertEqual(parse(self.arrived(before))["Subject"], "bs")

    def test_smtp_on_stdin_with_line_ends_of_this_machine(self):
        before = self.fresh()
        said = self.sendmail("-bs", text="EHLO here\nMAIL FROM:<jim@minfo.test>\nRCPT TO:<bob@example.test>\n"
                                         "DATA\nSubject: lf\n\nhello\n.\nQUIT\n").stdout
        self.assertEqual(re.findall(r"(?m)^(\d{3}) ", said), ["220", "250", "250", "250", "354", "250", "221"], said)
        octets = self.arrived(before)
        self.assertTrue(octets.endswith(b"\n\nhello\n"), octets[-40:])

    def test_smtp_on_stdin_that_ends_within_a_message(self):
        before = self.fresh()
        start = "EHLO here\r\nMAIL FROM:<jim@minfo.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
        for cut in ("", "Subject: cut\r\n\r\nhel", "Subject: cut\r\n\r\nhello\r\n", "Subject: cut\r\n\r\nhello\r\n."):
            done = self.sendmail("-bs", text=start + cut, status=EX_DATAERR)
            self.assertEqual(done.stdout.splitlines()[-1][:4], "354 ", done.stdout)
            self.assertIn("not accepted", done.stderr)
        # Between messages an end is nothing worse than a forgotten QUIT.
        self.sendmail("-bs", text="EHLO here\r\nMAIL FROM:<jim@minfo.test>\r\n")
        self.deliver("bob", text="Subject: whole\n\nhello\n")
        self.assertEqual(len(self.fresh() - before), 1)

    def test_options_that_only_tune_are_taken(self):
        for options in (("-V", "id"), ("-X", "log"), ("-x",), ("-E",), ("-q15m",), ("-d8.1",)):
            self.deliver(*options, "bob", text="Subject: o\n\nhello\n")

    def test_an_unknown_recipient_does_not_stop_the_others(self):
        before = self.fresh()
        done = self.sendmail("nobody-here", "bob", text="Subject: u\n\nhello\n", status=EX_NOUSER)
        self.assertRegex(done.stderr, r"nobody-here@example\.test is refused: 550 5\.1\.1")
        self.assertIn("the message was sent to the other recipients", done.stderr)
        self.arrived(before)
        alone = self.sendmail("nobody-here", text="Subject: u\n\nhello\n", status=EX_NOUSER)
        self.assertNotIn("was sent", alone.stderr)

    def test_what_is_wrong_is_said_and_nothing_sent(self):
        before = self.fresh()
        text = "Subject: w\n\nhello\n"
        self.assertIn("-t", self.sendmail(text=text, status=EX_USAGE).stderr)
        self.sendmail("-Z", "bob", text=text, status=EX_USAGE)
        self.sendmail("-F", "x\nBcc: y@z.test", "bob", text=text, status=EX_USAGE)
        self.sendmail("-f", "a b c@d", "bob", text=text, status=EX_USAGE)
        self.sendmail("bob", "a@b@c.test", text=text, status=EX_USAGE)
        self.sendmail("-t", text="To: bob, a@b@c.test\n\nhello\n", status=EX_DATAERR)
        self.sendmail("-t", text="Subject: nobody\n\nhello\n", status=EX_USAGE)
        self.sendmail("bob", text="x" * 76 + "\n" + ("y" * 99 + "\n") * 110000, status=EX_DATAERR)
        self.sendmail("bob", text=text, status=EX_CONFIG, env={"FACTEUR_CONFIG": "/nonexistent/facteur.yaml"})
        self.assertEqual(self.fresh(), before)

    def test_a_message_with_nul_is_refused_at_once(self):
        before = self.fresh()
        for text in ("Subject: x\n\na\0b\n", "Sub\0ject: x\n\nx\n", "Subject: x\n\nx\n\0"):
            self.assertIn("NUL", self.sendmail("-v", "bob", text=text, status=EX_DATAERR).stderr)
        self.sendmail("-i", "-O", "x=y", "bob", text="Subject: x\n\n\\0 is no NUL\n")
        self.assertIn(b"is no NUL", self.arrived(before))
        self.assertEqual(len(self.fresh() - before), 1)

    def test_rel_18_many_recipients(self):
        names = ", ".join(f"u{i}@example.test" for i in range(100000))
        done = self.sendmail("-t", text=f"Bcc: {names}\nSubject: many\n\nhello\n", status=EX_DATAERR)
        self.assertIn("10000", done.stderr)

    def test_the_queue_is_listed(self):
        self.sendmail("far@elsewhere.test", text="Subject: waits\n\nhello\n")
        wait_until(lambda: "far@elsewhere.test" in self.demo.run("mailq").stdout, 10, "mailq")
        self.assertIn("far@elsewhere.test", self.sendmail("-bp").stdout)
        self.sendmail("-q")

    def test_aliases(self):
        path = os.path.join(self.demo.directory, "aliases")
        with open(path, "a") as aliases:
            aliases.write("crew: bob\n")
        self.assertRegex(self.demo.run("newaliases", check=True).stdout, r"\d+ aliases")
        self.assertEqual(parse(self.deliver("crew", text="Subject: crew\n\nhello\n"))["X-Original-To"],
                         "crew@example.test")
        with open(path) as aliases:
            good = aliases.read()
        try:
            with open(path, "a") as aliases:
                aliases.write('runs: "|/bin/true"\n')
            for command in (("newaliases",), ("sendmail", "-bi")):
                told = self.demo.run(*command)
                self.assertEqual(told.returncode, EX_DATAERR, told.stderr)
                self.assertRegex(told.stderr, rf"{re.escape(path)}:\d+")
            with open(path, "w") as aliases:
                aliases.write(good + "one: two\ntwo: bob, one\n")
            line = good.count("\n") + 2
            chain = "one@example.test -> two@example.test -> one@example.test"
            told = self.demo.run("newaliases")
            self.assertEqual(told.returncode, EX_DATAERR)
            self.assertEqual(told.stderr, f"facteur: {path}:{line}: aliases loop: {chain}\n")
            self.assertIn(chain, self.demo.run("facteur", "config", "check").stderr)
        finally:
            with open(path, "w") as aliases:
                aliases.write(good)


class MaildropTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="facteur-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def left(self):
        return os.listdir(os.path.join(self.directory, "spool/maildrop"))

    def sendmail(self, config, *arguments, text=""):
        return subprocess.run([program("sendmail"), *arguments], input=text, text=True, capture_output=True, timeout=30,
                              env={**os.environ, "FACTEUR_CONFIG": config})

    def test_a_message_waits_for_facteurd(self):
        with Demo(directory=self.directory) as demo:
            config = demo.info["config"]
        text = "From: jim@minfo.test\nTo: alice@example.test\nBcc: bob\nSubject: waited\n\none\n.two\n.\nthree\n"
        done = self.sendmail(config, "-t", "-i", "-f", "jim@minfo.test", text=text)
        self.assertEqual((done.returncode, done.stderr), (EX_OK, ""))
        name, = self.left()
        self.assertFalse(name.startswith("."))
        bs = self.sendmail(config, "-bs", text="QUIT\r\n")
        self.assertEqual((bs.returncode, bs.stdout[:4]), (EX_TEMPFAIL, "421 "))
        self.assertEqual(self.sendmail(config, "-bp").returncode, EX_TEMPFAIL)
        with Demo(directory=self.directory) as demo:
            for login in ("alice", "bob"):
                octets, = demo.wait_for_mail(login, seconds=30)
                self.assertEqual(parse(octets)["Return-Path"], "<jim@minfo.test>")
                self.assertIsNone(parse(octets)["Bcc"])
                self.assertTrue(octets.endswith(b"\n\none\n.two\n.\nthree\n"), octets[-60:])
            wait_until(lambda: not self.left(), 15, "an empty maildrop")

    def test_what_is_refused_for_good_is_kept_and_the_log_says_why(self):
        with Demo(directory=self.directory) as demo:
            config = demo.info["config"]
        for text in ("Subject: x\n\na\0b\n", "\0"):
            done = self.sendmail(config, "alice", text=text)
            self.assertEqual(done.returncode, EX_DATAERR)
            self.assertIn("NUL", done.stderr)
        self.assertEqual(self.left(), [])
        # Somebody may write there without our sendmail.
        hand_made = {"withnul": b"EHLO x\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n\r\n\0\r\n.\r\nQUIT\r\n",
                     "nosmtp": b"hello\r\n"}
        for name, octets in hand_made.items():
            with open(os.path.join(self.directory, "spool/maildrop", name), "wb") as file:
                file.write(octets)
        with Demo(directory=self.directory) as demo:
            corrupt = os.path.join(self.directory, "spool/corrupt")
            wait_until(lambda: not self.left(), 15, "an empty maildrop")
            wait_until(lambda: len(os.listdir(corrupt)) == 2, 5, "two files in corrupt/")
            for name, octets in hand_made.items():
                with open(os.path.join(corrupt, "maildrop-" + name), "rb") as file:
                    self.assertEqual(file.read(), octets)
            second = os.path.join(self.directory, "spool/maildrop/nosmtp")  # writes over nothing that is kept
            with open(second, "wb") as file:
                file.write(b"another\r\n")
            wait_until(lambda: "it stays there" in demo.log_text(), 15, "the refusal of a second one of that name")
            self.assertTrue(os.path.exists(second))
            with open(os.path.join(corrupt, "maildrop-nosmtp"), "rb") as file:
                self.assertEqual(file.read(), hand_made["nosmtp"])
            listed = self.sendmail(config, "-bp").stdout
            for name in hand_made:
                self.assertRegex(listed, rf"(?m)^maildrop-{name}# +\d+ .*\(refused by smtpd: the log says why\)$")
            self.assertIn("Mail queue is empty\n-- 2 files in corrupt/", listed)
            log = demo.log_text()
            uid = os.geteuid()
            self.assertRegex(log, rf"maildrop: withnul of uid {uid} is refused: 550 5\.6\.0 [^;\\]*NUL[^;\\]*; it is kept as corrupt/maildrop-withnul")
            self.assertRegex(log, rf"maildrop: nosmtp of uid {uid} is refused: 5\d\d .*; it is kept as corrupt/maildrop-nosmtp")
            self.assertEqual(demo.maildir("alice"), {})

    def test_without_a_maildrop_the_caller_keeps_the_message(self):
        with Demo(directory=self.directory) as demo:
            config = demo.info["config"]
        shutil.rmtree(os.path.join(self.directory, "spool/maildrop"))
        done = self.sendmail(config, "alice", text="Subject: x\n\nhello\n")
        self.assertEqual(done.returncode, EX_TEMPFAIL)
        self.assertIn("try again", done.stderr)


# Connections of one user to the submit socket, held while they are served; tells how many. Two processes take them in turns, but
# not in equal ones: so many attempts that both have as many as they serve.
MANY_CONNECTIONS = """
import socket, sys, time
held, attempts = [], 0
while attempts < 60 or len(held) < 10 and attempts < 3000:
    attempts += 1
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(10)
    one.connect(sys.argv[1])
    if one.recv(512).startswith(b"220"):
        held.append(one)
    time.sleep(0.002)
print(len(held), flush=True)
sys.stdin.read()
"""


class SubmitLimitTest(unittest.TestCase):
    def test_one_local_user_shuts_nobody_else_out(self):
        with Demo(settings=["smtpd_client_connection_count_limit=5", "smtpd_processes=2"]) as demo:
            socket_path = os.path.join(demo.directory, "run", "submit")
            as_stranger = {"user": 12345, "group": 12345, "extra_groups": []} if os.geteuid() == 0 else {}
            stranger = subprocess.Popen(["/usr/bin/python3", "-c", MANY_CONNECTIONS, socket_path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, cwd="/", **as_stranger)
            try:
                self.assertEqual(int(stranger.stdout.readline()), 2 * 5)
                for _ in range(10):
                    with demo.smtp() as client:
                        self.assertEqual(client.noop()[0], 250)
                if os.geteuid() == 0:
                    done = demo.run("sendmail", "bob", input="Subject: of another user\n\nx\n")
                    self.assertEqual((done.returncode, done.stderr), (EX_OK, ""))
                # The one who is at the limit keeps no mail in his hands either: it waits, and comes.
                done = subprocess.run([program("sendmail"), "-v", "alice"], input="Subject: of the same user\n\nx\n", text=True,
                                      capture_output=True, timeout=30, cwd="/",
                                      env={**os.environ, "FACTEUR_CONFIG": demo.info["config"]}, **as_stranger)
                self.assertEqual((done.returncode, done.stderr), (EX_OK, ""))
                self.assertRegex(done.stdout, r"(?m)^<<< 421 ")
                self.assertIn("the message waits in the maildrop", done.stdout)
                octets, = demo.wait_for_mail("alice", seconds=30)
                self.assertEqual(parse(octets)["Subject"], "of the same user")
                wait_until(lambda: not os.listdir(os.path.join(demo.directory, "spool/maildrop")), 15, "an empty maildrop")
                self.assertIn("too many connections from uid", demo.log_text())
            finally:
                stranger.stdin.close()
                stranger.wait(20)
                stranger.stdout.close()


if __name__ == "__main__":
    main()
