"""What an administrator does to a running installation, and what its local users may try: reloads, rotated logs, files that go
away for a moment, a second start, junk in the maildrop, a crowd at the control socket."""
import imaplib
import os
import poplib
import re
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest

from harness import PASSWORD, Demo, alive, main, message, need_root, program, wait_until

EX_USAGE, EX_DATAERR, EX_UNAVAILABLE, EX_OSERR, EX_CONFIG = 64, 65, 69, 71, 78


def accepts(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class AdminTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="facteur-admin-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)

    def code_at_rcpt(self, demo, recipient):
        with demo.smtp() as client:
            client.ehlo()
            client.mail("sender@outside.test")
            return client.rcpt(recipient)[0]

    def set_line(self, demo, name, value):
        """Another value of a setting, as an editor would write it."""
        with open(demo.info["config"]) as file:
            lines = [line for line in file if not line.startswith(f"{name}:")]
        with open(demo.info["config"], "w") as file:
            file.writelines([*lines, f"{name}: {value}\n"])

    def test_a_users_file_that_goes_away_makes_nobody_unknown(self):
        with Demo(directory=self.folder) as demo:
            users = os.path.join(self.folder, "users.yaml")
            self.assertEqual(self.code_at_rcpt(demo, "bob@example.test"), 250)
            with open(users) as file:
                text = file.read()
            for away in (lambda: os.rename(users, users + ".away"), lambda: open(users, "w").close()):
                away()
                wait_until(lambda: "the tables stay as they were" in demo.log_text(), 5, "a warning")
                self.assertEqual(self.code_at_rcpt(demo, "bob@example.test"), 250)
                self.assertEqual(self.code_at_rcpt(demo, "nobody@example.test"), 550)
                for command in (("facteur", "reload"), ("newaliases",)):
                    told = demo.run(*command)
                    self.assertEqual(told.returncode, EX_DATAERR, told)
                    self.assertIn("the tables stay as they were", told.stderr)
                    self.assertIn(users, told.stderr)
                if os.path.exists(users + ".away"):
                    os.rename(users + ".away", users)
            with open(users, "w") as file:
                file.write(text)
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            os.rename(users, users + ".away")
            checked = demo.run("facteur", "config", "check")
            self.assertEqual(checked.returncode, EX_CONFIG)
            self.assertIn("users.yaml", checked.stderr)

    def test_a_reload_tells_what_is_wrong_with_the_aliases(self):
        with Demo(directory=self.folder) as demo:
            path = os.path.join(self.folder, "aliases")
            with open(path, "a") as aliases:
                aliases.write("crew: bob\n: nobody\n")
            for command in (("facteur", "reload"), ("newaliases",)):
                told = demo.run(*command)
                self.assertEqual(told.returncode, EX_DATAERR, told)
                self.assertRegex(told.stderr, re.escape(path) + r":4")
                self.assertEqual("the settings are reloaded" in told.stderr, "reload" in command)
            self.assertEqual(self.code_at_rcpt(demo, "crew@example.test"), 250)

    def test_what_would_reach_nobody_waits_and_is_told(self):
        """A postmaster that is not there, and virtual aliases that are no addresses: 451 at RCPT until they are mended."""
        with Demo(directory=self.folder) as demo:
            self.assertEqual(self.code_at_rcpt(demo, "postmaster@example.test"), 250)
            with open(os.path.join(self.folder, "aliases"), "w") as aliases:
                aliases.write("crew: bob\n")
            for name, value, recipient in (("postmaster_address", "boss@example.test", "postmaster@example.test"),
                                           ("virtual_alias_maps", "{info@example.test: '|/bin/true'}", "info@example.test")):
                self.set_line(demo, name, value)
                for command, code in ((("facteur", "config", "check"), EX_CONFIG), (("facteur", "reload"), EX_DATAERR)):
                    told = demo.run(*command)
                    self.assertEqual(told.returncode, code, told)
                    self.assertIn(f"{name}: ", told.stderr)
                wait_until(lambda: self.code_at_rcpt(demo, recipient) == 451, 5, f"{recipient} to wait")
            self.set_line(demo, "postmaster_address", "bob@example.test")
            self.set_line(demo, "virtual_alias_maps", "{info@example.test: bob}")
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            for recipient in ("postmaster@example.test", "info@example.test"):
                wait_until(lambda: self.code_at_rcpt(demo, recipient) == 250, 5, f"{recipient} to be taken")

    def test_without_the_space_that_is_to_stay_free_no_message_is_taken(self):
        """queue_minfree: from the reload on, whatever was made ready for messages before."""
        def answers(demo):
            with demo.smtp() as client:
                client.ehlo()
                client.mail("sender@outside.test")
                client.rcpt("alice@example.test")
                answer = client.docmd("DATA")
                client.close()
                return answer

        with Demo(directory=self.folder) as demo:
            self.assertEqual(answers(demo)[0], 354)
            self.set_line(demo, "queue_minfree", str(2 ** 40))
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            wait_until(lambda: answers(demo)[0] != 354, 5, "the new settings")
            self.assertEqual(answers(demo), (452, b"4.3.1 Insufficient system storage"))
            self.set_line(demo, "queue_minfree", "0")
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            wait_until(lambda: answers(demo)[0] == 354, 5, "the old settings")

    def test_without_its_users_file_from_the_start_mail_waits(self):
        with Demo(directory=self.folder) as demo:
            self.set_line(demo, "users", f"{self.folder}/none.yaml")
        facteurd = subprocess.Popen([program("facteurd"), "--config", demo.info["config"]])
        try:
            wait_until(lambda: "none.yaml" in demo.log_text(), 15, "a warning")
            self.assertEqual(wait_until(lambda: self.code_or_none(demo, "bob@example.test"), 15, "an answer"), 451)
        finally:
            facteurd.terminate()
            facteurd.wait(timeout=30)

    def code_or_none(self, demo, recipient):
        try:
            return self.code_at_rcpt(demo, recipient)
        except ConnectionRefusedError:
            return None

    def test_a_rotated_log_is_let_go_by_everybody(self):
        with Demo(directory=self.folder) as demo:
            demo.send("sender@outside.test", "alice@example.test", message("before"))
            demo.wait_for_mail("alice")
            os.rename(demo.info["log"], demo.info["log"] + ".1")
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            wait_until(lambda: "a new generation" in demo.log_text(), 10, "a new log")
            time.sleep(0.5)
            old = os.path.getsize(demo.info["log"] + ".1")
            demo.send("sender@outside.test", "alice@example.test", message("after"))
            demo.wait_for_mail("alice", 2)
            wait_until(lambda: ": removed" in demo.log_text(), 5, "the lines of queued")
            self.assertEqual(os.path.getsize(demo.info["log"] + ".1"), old)

    def inbox(self, demo, login):
        """How many messages a fresh session sees; None if it is not served."""
        client = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=10)
        try:
            client.login(login, PASSWORD)
            return int(client.select()[1][0])
        except imaplib.IMAP4.error:
            return None
        finally:
            client.shutdown()

    def deliver(self, demo, login):
        queue_id = demo.send("sender@outside.test", f"{login}@example.test", message("moved")).split()[-1]
        wait_until(lambda: f"{queue_id}: removed" in demo.log_text(), 15, "a delivery")

    def test_a_reload_that_moves_the_mail_moves_everybody(self):
        """Workers of before are in jails around the old place: others serve from then on, and old sessions end."""
        with Demo(directory=self.folder) as demo:
            self.deliver(demo, "alice")
            idle = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=10)
            idle.login("bob", PASSWORD)
            idle.select()
            old = os.path.dirname(os.path.dirname(os.path.dirname(demo.info["mail"]["alice"])))
            new = os.path.join(self.folder, "elsewhere", "mail")
            for root, before, now in ((new, 1, 0), (old, 1, 1), (new, 1, 1)):
                self.assertEqual(wait_until(lambda: self.inbox(demo, "alice") or 0, 10, "the mail of before"), before)
                self.set_line(demo, "virtual_mail_root", root)
                reloaded = demo.run("facteur", "reload")
                self.assertEqual(reloaded.returncode, 0, reloaded.stderr)
                if idle:
                    idle.sock.settimeout(10)
                    self.assertTrue(idle.readline().startswith(b"* BYE"))
                    idle.shutdown()
                    idle = None
                found = wait_until(lambda: {"messages": self.inbox(demo, "alice")} if self.inbox(demo, "alice") is not None else None,
                                   10, "a session")
                self.assertEqual(found["messages"], now, root)
                if root == new and now == 0:
                    self.deliver(demo, "alice")
                    self.assertEqual(self.inbox(demo, "alice"), 1)
                    self.assertEqual(os.stat(new).st_uid, os.stat(old).st_uid)

    def test_a_worker_that_was_told_to_end_keeps_nobody_waiting(self):
        with Demo(directory=self.folder, settings=["stop_grace=60s"]) as demo:
            self.deliver(demo, "alice")
            slow = imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=10)
            slow.login("alice", PASSWORD)
            slow.append("INBOX", None, None, b"Subject: large\r\n\r\n" + 200_000 * b"a line of a large message of which nothing is read\r\n")
            slow.select()
            slow.send(b"x FETCH 1:* BODY[]\r\n")
            worker = demo.pids("imapd")
            self.assertEqual(len(worker), 1)
            wait_until(lambda: demo.pids("imapd") == worker, 5, "the worker")
            time.sleep(0.5)
            os.kill(worker[0], signal.SIGTERM)
            wait_until(lambda: self.inbox(demo, "bob") == 0, 5, "a session of somebody else")
            self.assertIn(worker[0], demo.pids("imapd"))
            slow.shutdown()
            wait_until(lambda: worker[0] not in demo.pids("imapd"), 10, "the end of the first worker")

    def test_receivers_that_were_told_to_end_keep_nobody_waiting(self):
        with Demo(directory=self.folder, settings=["stop_grace=60s", "smtpd_processes=2"]) as demo:
            slow = demo.smtp()
            slow.ehlo()
            slow.mail("sender@outside.test")
            slow.rcpt("alice@example.test")
            self.assertEqual(slow.docmd("DATA")[0], 354)
            reader = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=10)
            before = demo.pids("smtpd") + demo.pids("pop3-login")
            for pid in before:
                os.kill(pid, signal.SIGTERM)

            def successors():
                fresh = set(demo.pids("smtpd") + demo.pids("pop3-login")) - set(before)
                return len(fresh) == 3

            # Whom one of them had let in before it heard of it is told 421.
            wait_until(successors, 10, "others in their place")
            time.sleep(0.5)
            for _ in range(12):
                with demo.smtp() as client:
                    self.assertEqual(client.ehlo()[0], 250)
            another = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=10)
            self.assertIn("USER", another.capa())
            another.quit()
            reader.close()
            slow.sock.sendall(b"Subject: kept\r\n\r\nuntil the end\r\n.\r\n")
            self.assertEqual(slow.getreply()[0], 250)
            slow.close()
            demo.wait_for_mail("alice")
            wait_until(lambda: not set(before) & set(demo.pids("smtpd") + demo.pids("pop3-login")), 15, "the end of the first ones")
            self.assertEqual((len(demo.pids("smtpd")), len(demo.pids("pop3-login"))), (2, 1))

    def test_too_few_descriptors_are_told_at_the_start(self):
        with Demo(directory=self.folder) as demo:
            pass
        few = ["sh", "-c", 'ulimit -n 100 && exec "$@"', "sh", program("facteurd"), "--config", demo.info["config"]]
        refused = subprocess.run(few, capture_output=True, text=True, timeout=20)
        self.assertEqual(refused.returncode, EX_OSERR)
        self.assertIn("100 files may be open at once, and it needs 256", refused.stderr)

    def test_a_refused_reload_changes_nothing(self):
        with Demo(directory=self.folder) as demo:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                other = probe.getsockname()[1]
            self.set_line(demo, "ports.smtp", other)
            certificate = demo.info["certificate"]
            self.set_line(demo, "tls.certificate", "/nonexistent")
            refused = demo.run("facteur", "reload")
            self.assertEqual(refused.returncode, EX_CONFIG)
            self.assertIn("No such file", refused.stderr)
            if os.geteuid() == 0:
                self.set_line(demo, "tls.certificate", certificate)
                self.set_line(demo, "queue_user", "there-is-no-such-user")
                self.assertEqual(demo.run("facteur", "reload").returncode, EX_CONFIG)
                other_user, = re.findall(r"(?m)^out_user: (\S+)", demo.run("facteur", "config", "show", "--all").stdout)
                self.set_line(demo, "queue_user", other_user)
                for command in (("facteur", "reload"), ("facteur", "config", "check")):
                    refused = demo.run(*command)
                    self.assertEqual(refused.returncode, EX_CONFIG)
                    self.assertRegex(refused.stderr, rf"{re.escape(demo.info['config'])}:\d+:1: \w+: {other_user} is uid \d+, and so is "
                                                     r"(queue|out)_user ")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", other), timeout=5)
            demo.send("sender@outside.test", "alice@example.test", message("as before"))

    def test_a_listener_has_settings_of_its_own(self):
        """Who may log in in the clear, for how long, under which name: on POP3 and IMAP as on SMTP."""
        with Demo(directory=self.folder) as demo:
            ports = {}
            for role in ("smtp", "pop3", "imap"):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    ports[role] = probe.getsockname()[1]
            entries = [f"{{address: 127.0.0.1, port: {ports['imap']}, role: imap, tls: starttls, allow_plaintext_from: [], "
                       "login_timeout: 2s, hostname: imap.example.test}",
                       f"{{address: 127.0.0.1, port: {ports['pop3']}, role: pop3, tls: starttls, allow_plaintext_from: []}}",
                       f"{{address: 127.0.0.1, port: {ports['smtp']}, role: smtp, mynetworks: [127.0.0.0/8]}}"]
            self.set_line(demo, "listeners", f"[{', '.join(entries)}]")
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            wait_until(lambda: all(accepts(port) for port in ports.values()), 5, "the listeners")

            client = imaplib.IMAP4("127.0.0.1", ports["imap"], timeout=20)
            self.assertIn(b"imap.example.test", client.welcome)
            self.assertIn("LOGINDISABLED", client.capabilities)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "PRIVACYREQUIRED"):
                client.login("alice", PASSWORD)
            begun = time.monotonic()
            self.assertEqual(client.sock.recv(1000).split()[:2], [b"*", b"BYE"])
            self.assertLess(time.monotonic() - begun, 10)
            client.shutdown()
            with imaplib.IMAP4("127.0.0.1", demo.port("imap"), timeout=20) as client:
                client.login("alice", PASSWORD)
            client = poplib.POP3("127.0.0.1", ports["pop3"], timeout=20)
            with self.assertRaises(poplib.error_proto):
                client.user("alice")
            client.close()
            codes = []
            for port in (ports["smtp"], demo.port("smtp")):
                with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                    client.ehlo()
                    client.mail("alice@example.test")
                    codes.append(client.rcpt("x@elsewhere.test")[0])
            self.assertEqual(codes, [250, 554])

    def test_what_config_check_refuses_in_the_settings_a_reload_and_a_start_refuse_too(self):
        with Demo(directory=self.folder) as demo:
            with open(demo.info["config"]) as file:
                good = file.read()
            for name, value in (("ports.submission", demo.info["ports"]["smtp"]), ("bounce_queue_lifetime", "30d"), ("auth_mechanisms", "[]"),
                                ("listeners", f"[{{address: 127.0.0.1, port: {demo.info['ports']['smtp']}, role: submission}}]")):
                self.set_line(demo, name, value)
                told = [demo.run("facteur", "config", "check"), demo.run("facteur", "reload"),
                        subprocess.run([program("facteurd"), "--config", demo.info["config"]], capture_output=True, text=True, timeout=10)]
                for ran in told:
                    self.assertEqual(ran.returncode, EX_CONFIG, ran)
                    self.assertRegex(ran.stderr, rf"{re.escape(demo.info['config'])}:\d+:1: {name}: ")
                with open(demo.info["config"], "w") as file:
                    file.write(good)
            demo.send("sender@outside.test", "alice@example.test", message("as before"))

    def test_a_reload_with_the_settings_of_another_installation_is_refused(self):
        with Demo(directory=self.folder) as demo:
            def ask(*command, config):
                return subprocess.run([program(command[0]), *command[1:]], text=True, capture_output=True, timeout=30,
                                      env={**os.environ, "FACTEUR_CONFIG": config})
            before = demo.pids("smtpd")
            spool = demo.info["spool"]
            other = os.path.join(self.folder, "other.yaml")
            with open(demo.info["config"]) as own, open(other, "w") as copy:
                copy.write(own.read().replace(spool, spool + "-of-another"))
            for command in (("facteur", "reload"), ("newaliases",)):
                refused = ask(*command, config=other)
                self.assertEqual(refused.returncode, EX_CONFIG, refused.stderr)
                self.assertIn(f"serves the queue_directory {spool}, these settings name {spool}-of-another:", refused.stderr)
                self.assertEqual(ask(*command, config=demo.info["config"]).returncode, 0)
            wait_until(lambda: not set(demo.pids("smtpd")) <= set(before), 10, "a new generation, by the right settings")
            # Nor does the spool of a facteurd that runs become another one.
            os.replace(other, demo.info["config"])
            os.kill(demo.info["pids"]["facteurd"], signal.SIGHUP)
            wait_until(lambda: f"the settings stay as they were: queue_directory is {spool}-of-another now" in demo.log_text(), 10,
                       "the reason in the log")
            self.assertFalse(os.path.exists(spool + "-of-another"))

    def test_fewer_receivers_after_a_reload_leave_none_of_the_old_rules(self):
        with Demo(directory=self.folder, settings=["smtpd_processes=3", "mynetworks=[127.0.0.0/8]"]) as demo:
            self.assertEqual(self.code_at_rcpt(demo, "far@outside.test"), 250)
            old = demo.pids("smtpd")
            self.assertEqual(len(old), 3)
            self.set_line(demo, "smtpd_processes", 1)
            self.set_line(demo, "mynetworks", "[]")
            self.assertEqual(demo.run("facteur", "reload").returncode, 0)
            wait_until(lambda: not any(alive(pid) for pid in old), 10, "the end of the old receivers")
            self.assertEqual({self.code_at_rcpt(demo, "far@outside.test") for _ in range(12)}, {554})

    def test_a_second_start_is_refused_and_hurts_nobody(self):
        with Demo(directory=self.folder) as demo:
            with open(demo.info["config"]) as config:
                settings = config.read()
            second = subprocess.run(demo.command, capture_output=True, text=True, timeout=30)
            self.assertEqual(second.returncode, EX_UNAVAILABLE)
            self.assertIn("another facteurd serves", second.stderr)
            self.assertEqual(len(second.stderr.splitlines()), 1, second.stderr)
            with open(demo.info["config"]) as config:
                self.assertEqual(config.read(), settings)
            self.assertTrue(demo.pids("queued"))
            demo.send("sender@outside.test", "alice@example.test", message("still here"))
            demo.wait_for_mail("alice")

    def test_junk_in_the_maildrop_stops_no_mail(self):
        with Demo(directory=self.folder) as demo:
            maildrop = os.path.join(demo.info["spool"], "maildrop")
            for number in range(30):
                os.mkdir(os.path.join(maildrop, f"junk{number:02}"))
            with open(os.path.join(maildrop, "a-lie"), "w") as file:
                file.write("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nonsense\r\nDATA\r\n")
            hidden = os.path.join(demo.info["dir"], "run/submit")
            os.rename(hidden, hidden + ".away")
            sent = demo.run("sendmail", "-f", "bob@example.test", "alice@example.test", input="Subject: waits\n\nx\n")
            os.rename(hidden + ".away", hidden)
            self.assertEqual(sent.returncode, 0, sent.stderr)
            demo.wait_for_mail("alice", seconds=20)
            wait_until(lambda: "a-lie" not in os.listdir(maildrop), 15, "the refused file out of the way")
            self.assertEqual(os.listdir(os.path.join(demo.info["spool"], "corrupt")), ["maildrop-a-lie"])
            self.assertEqual(demo.log_text().count("junk07"), 1)

    def test_a_crowd_at_the_control_socket_keeps_nobody_out(self):
        need_root(self)
        with Demo(directory=self.folder) as demo:
            crowd = subprocess.Popen(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", """
import socket, sys, time
held = []
for _ in range(200):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.connect(sys.argv[1])
    held.append(one)
print("held", flush=True)
time.sleep(60)
""", os.path.join(demo.info["dir"], "run/control")], stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(crowd.stdout.readline(), "held\n")
                self.assertEqual(demo.run("facteur", "status").returncode, 0)
                self.assertEqual(demo.run("mailq").returncode, 0)
            finally:
                crowd.kill()
                crowd.wait()
                crowd.stdout.close()

    def test_the_first_message_of_an_empty_mbox_comes_once(self):
        with Demo(directory=self.folder, settings=[f"mail_location=mbox:{self.folder}/mail/%u"]) as demo:
            demo.send("sender@outside.test", "alice@example.test", message("once"))
            wait_until(lambda: ": removed" in demo.log_text(), 10, "a delivery")
            with open(demo.info["mail"]["alice"]) as mbox:
                self.assertEqual(mbox.read().count("Subject: once"), 1)
            self.assertNotIn("status=deferred", demo.log_text())

    def test_the_demo_serves_the_domain_that_it_is_told(self):
        with Demo(directory=self.folder, settings=["domains=[jules.maison.mrs]"]) as demo:
            self.assertEqual(demo.info["domain"], "jules.maison.mrs")
            demo.send("sender@outside.test", "alice@jules.maison.mrs", message("home"))
            demo.wait_for_mail("alice")
            self.assertEqual(self.code_at_rcpt(demo, "alice@example.test"), 554)
            checked = demo.run("facteur", "config", "check")
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_facteurd_itself_ends_well(self):
        with Demo(directory=self.folder) as demo:
            config, port = demo.info["config"], demo.port("smtp")
        for ending in (signal.SIGTERM, signal.SIGINT):
            facteurd = subprocess.Popen([program("facteurd"), "--config", config], stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: accepts(port), 15, "an open port")
                facteurd.send_signal(ending)
                self.assertEqual(facteurd.wait(timeout=15), 0)
            finally:
                facteurd.kill()
                facteurd.wait()

    def test_wrong_use_is_told_by_the_status(self):
        with Demo(directory=self.folder) as demo:
            for arguments in ((), ("nonsense",), ("queue", "delete"), ("queue", "list", "--nonsense")):
                self.assertEqual(demo.run("facteur", *arguments).returncode, EX_USAGE, arguments)


if __name__ == "__main__":
    main()
