"""facteur demo: what scripts and people rely on."""
import json
import os
import pty
import re
import select
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest

from harness import BIN, PASSWORD, Demo, alive, main, message, need_root, program, wait_until

KEYS = "dir config domain host accounts mail ports pids spool log certificate".split()
PORTS = "smtp submission smtps pop3 pop3s imap imaps".split()


def state_of(folder):
    """Owner, mode and time of change of everything in a folder."""
    paths = [folder] + [os.path.join(parent, name) for parent, folders, files in os.walk(folder) for name in folders + files]
    return {path: (lambda s: (s.st_uid, s.st_gid, s.st_mode, s.st_ctime_ns))(os.lstat(path)) for path in paths}


class DemoTest(unittest.TestCase):
    def test_json_has_what_scripts_rely_on(self):
        with Demo(users=2) as demo:
            for key in KEYS:
                self.assertIn(key, demo.info)
            self.assertEqual(sorted(demo.info["accounts"]), ["alice", "bob", "u1", "u2"])
            self.assertEqual(sorted(demo.info["ports"]), sorted(PORTS))
            for name in ("facteurd", "authd", "queued"):
                self.assertTrue(alive(demo.info["pids"][name]))
            for name in ("smtpd", "remote", "pop3-login", "imap-login"):
                self.assertTrue(all(alive(pid) for pid in demo.info["pids"][name]), name)
                self.assertTrue(demo.info["pids"][name], name)
            for name in ("local", "pop3d", "imapd"):
                self.assertIsInstance(demo.info["pids"][name], list)

    def test_the_mail_of_all_accounts_is_there_at_once(self):
        with Demo(users=50) as demo:
            self.assertEqual(len(demo.info["mail"]), 52)
            for login, path in demo.info["mail"].items():
                for part in ("", "cur", "new", "tmp"):
                    status = os.stat(os.path.join(path, part))
                    self.assertEqual(status.st_mode & 0o7777, 0o700, path)
                    self.assertEqual(status.st_uid, os.stat(os.path.join(demo.directory, "mail")).st_uid)
            demo.send("x@outside.test", "alice@example.test", message("first"))
            demo.wait_for_mail("alice")
        with Demo(settings=["mail_location=mbox:~/mbox"]) as demo:
            for path in demo.info["mail"].values():
                self.assertEqual((os.stat(path).st_size, os.stat(path).st_mode & 0o777), (0, 0o600))

    def test_exec_gets_the_environment_and_gives_its_status(self):
        command = 'test "$FACTEUR_HOST" && test -f "$FACTEUR_CONFIG" && test -d "$FACTEUR_DIR" && ' + \
            " && ".join(f'test "$FACTEUR_{name.upper()}" -gt 0' for name in PORTS) + \
            " && facteur status >/dev/null && mailq | grep -q empty && exit 7"
        ran = subprocess.run([program("facteur"), "demo", "--exec", command], capture_output=True, timeout=60)
        self.assertEqual(ran.returncode, 7, ran.stderr)
        self.assertEqual(ran.stdout, b"")

    def test_a_second_start_is_a_restart(self):
        with tempfile.TemporaryDirectory() as directory:
            with Demo(directory=directory) as demo:
                demo.send("x@outside.test", "alice@example.test", message("first"))
                demo.wait_for_mail("alice")
                certificate = open(demo.info["certificate"]).read()
                users = open(os.path.join(directory, "users.yaml")).read()
            with Demo(directory=directory) as demo:
                self.assertEqual(open(demo.info["certificate"]).read(), certificate)
                self.assertEqual(open(os.path.join(directory, "users.yaml")).read(), users)
                self.assertEqual(demo.info["accounts"]["alice"], PASSWORD)
                self.assertEqual(len(demo.maildir("alice")), 1)
                demo.send("x@outside.test", "alice@example.test", message("second"))
                demo.wait_for_mail("alice", 2)

    def test_a_temporary_folder_is_removed(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            ran = subprocess.run([program("facteur"), "demo", "--exec", 'echo "$FACTEUR_DIR"'], capture_output=True, text=True,
                                 timeout=60, env={**os.environ, "TMPDIR": folder})
            self.assertEqual(ran.returncode, 0)
            self.assertTrue(ran.stdout.startswith(folder + "/facteur-demo-"), ran.stdout)
            self.assertEqual(os.listdir(folder), [])

    def test_a_facteurd_that_fails_at_its_end_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(program("facteur"), folder)
            wrapper = os.path.join(folder, "facteurd")
            with open(wrapper, "w") as script:
                script.write(f'#!/bin/sh\ntrap \'kill -TERM "$child"\' TERM\n"{program("facteurd")}" "$@" &\nchild=$!\n'
                             'wait "$child"; wait "$child"\nexit 42\n')
            os.chmod(wrapper, 0o755)
            ran = subprocess.run([os.path.join(folder, "facteur"), "demo", "--dir", os.path.join(folder, "demo"), "--exec", "true"],
                                 capture_output=True, text=True, timeout=90)
            self.assertEqual(ran.returncode, 70, ran.stderr)
            self.assertIn("facteurd ended with status 42", ran.stderr)

    def test_killed_outright_it_leaves_no_process(self):
        demo = Demo()
        demo.start()
        try:
            processes = demo.all_pids()
            self.assertGreater(len(processes), 6)
            demo.process.kill()
            demo.process.wait()
            demo.process.stdout.close()
            demo.process = None
            wait_until(lambda: not [pid for pid in processes if alive(pid)], 15, "the end of all processes")
        finally:
            demo.clean()

    def test_ports_are_none_that_connections_going_out_could_take(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
            first = int(file.read().split()[0])
        if first < 11000:
            self.skipTest("this machine leaves no room below")
        with Demo() as demo:
            for name, port in demo.info["ports"].items():
                self.assertLess(port, first, name)

    def test_a_port_that_is_taken_meanwhile_is_exchanged(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket() as thief:
            os.chmod(folder, 0o755)
            settings = os.path.join(folder, "facteur.yaml")
            demo = subprocess.Popen([program("facteur"), "demo", "--dir", folder, "--exec", "echo $FACTEUR_SMTP"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_until(lambda: os.path.exists(settings), 20, "the settings")
            with open(settings) as file:
                stolen = int(re.search(r"(?m)^ports\.smtp: (\d+)|^ports:\n(?:  .*\n)*?  smtp: (\d+)", file.read()).expand(r"\1\2"))
            thief.bind(("127.0.0.1", stolen))
            thief.listen()
            said, errors = demo.communicate(timeout=60)
            self.assertEqual(demo.returncode, 0, errors)
            self.assertIn(f"127.0.0.1:{stolen}: Address already in use", errors)
            self.assertNotEqual(int(said), stolen)

    def test_a_port_that_was_asked_for_and_is_taken_is_told(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            ran = subprocess.run([program("facteur"), "demo", "--set", f"ports.smtp={taken}", "--exec", "true"],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(ran.returncode, 69)
            self.assertIn(f"127.0.0.1:{taken}: Address already in use", ran.stderr)

    def test_the_folder_of_another_uid_is_left_alone(self):
        need_root(self)
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            as_other = ["setpriv", "--reuid=63211", "--regid=63211", "--clear-groups"]
            for maker, other, directory in ((as_other, [], "theirs"), ([], as_other, "roots")):
                directory = os.path.join(folder, directory)
                command = [program("facteur"), "demo", "--dir", directory, "--exec", "true"]
                self.assertEqual(subprocess.run([*maker, *command], timeout=60).returncode, 0)
                before = state_of(directory)
                refused = subprocess.run([*other, *command], capture_output=True, text=True, timeout=10)
                self.assertEqual(refused.returncode, 78, refused.stderr)
                self.assertIn(f"made under uid {63211 if maker else 0}", refused.stderr)
                self.assertEqual(state_of(directory), before)
                self.assertEqual(subprocess.run([*maker, *command], timeout=60).returncode, 0)

    def test_a_process_that_cannot_start_is_told_soon(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            for name in os.listdir(BIN):
                shutil.copy(program(name), folder)
            with open(os.path.join(folder, "queued"), "w") as queued:
                queued.write("#!/bin/sh\nexit 70\n")
            ran = subprocess.run([os.path.join(folder, "facteur"), "demo", "--exec", "true"], capture_output=True, text=True,
                                 timeout=20)
            self.assertEqual(ran.returncode, 69)
            self.assertRegex(ran.stderr, r"process queued pid \d+: exit status 70")

    def run_command(self, command, signal_=None):
        """The status of a demo with --exec, after a signal if one is given. Asserts that nothing CMD started is left; each
        of its processes appends its pid to $PIDS."""
        with tempfile.NamedTemporaryFile() as pids:
            demo = subprocess.Popen([program("facteur"), "demo", "--exec", command], stdout=subprocess.DEVNULL,
                                    env={**os.environ, "PIDS": pids.name})
            try:
                if signal_:
                    wait_until(lambda: b"all" in os.pread(pids.fileno(), 1000, 0), 30, "the processes of CMD")
                    demo.send_signal(signal_)
                status = demo.wait(timeout=40)
            finally:
                demo.kill()
                demo.wait()
            started = [int(word) for word in pids.read().split() if word != b"all"]
            left = [pid for pid in started if alive(pid)]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            self.assertTrue(started)
            self.assertEqual(left, [])
            return status

    def test_a_signal_ends_the_command_with_all_it_started(self):
        command = "sleep 77 & echo $! >> $PIDS; sleep 78 & echo $! $$ all >> $PIDS; wait"
        for signal_, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)):
            self.assertEqual(self.run_command(command, signal_), status)

    def test_a_command_that_does_not_listen_is_killed(self):
        command = "trap '' TERM INT; (trap '' TERM; echo $$ >> $PIDS; exec sleep 77) & echo $! $$ all >> $PIDS; while :; do sleep 1; done"
        self.assertEqual(self.run_command(command, signal.SIGTERM), 137)

    def test_a_command_may_clean_up(self):
        command = "trap 'sleep 0.5; exit 3' TERM; echo $$ all >> $PIDS; while :; do sleep 0.1; done"
        self.assertEqual(self.run_command(command, signal.SIGTERM), 3)

    def test_what_a_command_leaves_behind_is_ended(self):
        started = time.monotonic()
        self.assertEqual(self.run_command("sleep 77 & echo $! >> $PIDS; setsid sh -c 'echo $$ >> $PIDS; exec sleep 78' & "
                                          "sleep 0.3; exit 5"), 5)
        self.assertLess(time.monotonic() - started, 20)

    @staticmethod
    def on_a_terminal(script, until, typed=b"", when_silent=lambda said: b""):
        """What a shell with a terminal of its own says, up to `until`. Typed at once, and whenever nothing more is said."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv("/bin/sh", ["sh", "-c", script])
        said = b""
        try:
            os.write(terminal, typed)
            deadline = time.monotonic() + 40
            while until not in said and time.monotonic() < deadline:
                if select.select([terminal], [], [], 2)[0]:
                    said += os.read(terminal, 4096)
                else:
                    os.write(terminal, when_silent(said))
        except OSError:  # its end
            pass
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)
        return said

    def test_a_command_has_the_terminal_and_gives_it_back(self):
        said = self.on_a_terminal(f"{program('facteur')} demo --exec 'read line; echo got $line'; echo status $?; read again; "
                                  "echo then $again", b"then once more", typed=b"hello\nonce more\n")
        for expected in (b"got hello", b"status 0", b"then once more"):
            self.assertIn(expected, said)

    def test_ctrl_c_on_a_terminal_ends_the_command(self):
        # When nothing more is said sleep runs: a shell between two commands may miss a Ctrl-C.
        said = self.on_a_terminal(f"trap : INT; {program('facteur')} demo --exec 'echo rea''dy; sleep 77'; echo status $?",
                                  b"status", when_silent=lambda said: b"\x03" if b"ready" in said else b"")
        self.assertIn(b"status 130", said)

    def test_bad_settings_are_refused_with_the_place_and_the_nearest_name(self):
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run([program("facteur"), "demo", "--set", "hostnam=x"], capture_output=True, text=True, timeout=60,
                                 env={**os.environ, "TMPDIR": folder})
            self.assertEqual(ran.returncode, 78)
            self.assertIn("hostname", ran.stderr)
            self.assertEqual(os.listdir(folder), [])

    def test_what_config_check_finds_is_told_and_mail_that_nobody_can_have_stops_it(self):
        for setting, what, expected in (("mail_location=mbox:/var/mail/%u", "virtual_mail_root", (78, "")),
                                        ("virtual_alias_maps={a@b.test: c@b.test, c@b.test: a@b.test}",
                                         "virtual_alias_maps", (0, "ran\n")),
                                        ("auth_mechanisms=[]", "auth_mechanisms", (78, "")),
                                        ("ports.smtp=30001 and ports.submission=30001", "two listeners on 127.0.0.1:30001", (78, ""))):
            options = [part for text in setting.split(" and ") for part in ("--set", text)]
            ran = subprocess.run([program("facteur"), "demo", *options, "--exec", "echo ran"], capture_output=True,
                                 text=True, timeout=60)
            self.assertEqual((ran.returncode, ran.stdout), expected, ran.stderr)
            self.assertIn(what, ran.stderr)

    def test_a_restart_may_serve_another_domain_and_come_back(self):
        with tempfile.TemporaryDirectory() as directory:
            for domain in ("example.test", "minfo.test", "example.test"):
                with Demo(directory=directory, settings=[f"domains=[{domain}]"]) as demo:
                    demo.send("x@outside.test", f"alice@{domain}", message("here"))

    def test_ctrl_c_ends_it(self):
        with Demo() as demo:
            processes = demo.all_pids()
            demo.process.send_signal(signal.SIGINT)
            self.assertEqual(demo.process.wait(timeout=30), 0)
            demo.process.stdout.close()
            demo.process = None
            wait_until(lambda: not [pid for pid in processes if alive(pid)], 5, "the end of all processes")


class CommandTest(unittest.TestCase):
    def test_users_are_effective_at_once(self):
        with Demo() as demo:
            added = demo.run("facteur", "user", "add", "jim@example.test", "--password-file", "-", input="secret 1\n")
            self.assertEqual(added.returncode, 0, added.stderr)
            self.assertIn("jim@example.test", demo.run("facteur", "user", "list").stdout)
            wait_until(lambda: self.try_send(demo, "jim@example.test"), 5, "mail for the new user")
            deleted = demo.run("facteur", "user", "delete", "jim@example.test")
            self.assertEqual(deleted.returncode, 0, deleted.stderr)
            wait_until(lambda: not self.try_send(demo, "jim@example.test"), 5, "no mail for the deleted user")

    def test_a_user_of_a_domain_that_is_not_ours_is_refused(self):
        with Demo() as demo:
            refused = demo.run("facteur", "user", "add", "joe@other.dom", "--password-file", "-", input="secret\n")
            self.assertEqual(refused.returncode, 65)
            self.assertIn("domains are example.test", refused.stderr)
            self.assertNotIn("joe", demo.run("facteur", "user", "list").stdout)

    def test_a_password_file_of_windows(self):
        with Demo() as demo, tempfile.NamedTemporaryFile() as file:
            file.write(b"secret 2\r\n")
            file.flush()
            demo.run("facteur", "user", "add", "jim", "--password-file", "-", input="secret 1\r\n", check=True)
            demo.run("facteur", "user", "add", "joe", "--password-file", file.name, check=True)
            for login, password in (("jim", "secret 1"), ("joe", "secret 2")):
                wait_until(lambda: self.may_log_in(demo, login, password), 5, f"a login of {login}")

    @staticmethod
    def may_log_in(demo, login, password):
        with demo.smtp("submission") as client:
            try:
                return client.login(login, password)
            except smtplib.SMTPAuthenticationError:
                return None

    @staticmethod
    def try_send(demo, recipient):
        try:
            return demo.send("x@outside.test", recipient, message("to a new user"))
        except AssertionError:
            return None

    def test_config_and_version(self):
        with Demo() as demo:
            self.assertIn("no problem found", demo.run("facteur", "config", "check").stdout)
            self.assertIn("hostname: mail.example.test", demo.run("facteur", "config", "show").stdout)
            self.assertIn("mydestination", demo.run("facteur", "config", "describe", "domains").stdout)
            with open(demo.info["config"], "a") as config:
                config.write("message_size_limit: lots\n")
            checked = demo.run("facteur", "config", "check")
            self.assertEqual(checked.returncode, 78)
            self.assertRegex(checked.stderr, r"facteur\.yaml:\d+:\d+: .*lots")
        self.assertRegex(subprocess.run([program("facteur"), "--version"], capture_output=True, text=True).stdout,
                         r"facteur \d+\.\d+")

    def test_a_reload_serves_on_and_bad_settings_change_nothing(self):
        with Demo() as demo:
            before = demo.pids("smtpd")
            with demo.smtp() as old:
                old.ehlo()
                reloaded = demo.run("facteur", "reload")
                self.assertEqual(reloaded.returncode, 0, reloaded.stderr)
                wait_until(lambda: not set(demo.pids("smtpd")) <= set(before) and self.try_send(demo, "alice@example.test"),
                           10, "a new generation")
                self.assertEqual(old.noop()[0], 250)
            with open(demo.info["config"], "a") as config:
                config.write("nonsense: 1\n")
            refused = demo.run("facteur", "reload")
            self.assertEqual(refused.returncode, 78)
            self.assertIn("nonsense", refused.stderr)
            self.assertTrue(self.try_send(demo, "alice@example.test"))


if __name__ == "__main__":
    main()
