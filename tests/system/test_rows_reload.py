"""Rows KIL-06 and KIL-08: the settings are read again and again, the end comes, and whoever is written to goes away. Sessions are open and
mail is under way all the while."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from harness import FULL, PASSWORD, Demo, alive, main, message, wait_until
from ledger import Found, Ledger, Sender, waiting_in
from rows import PERMANENT, QUICK, Wire, check_log, connect_smtp, deliver, holding, imap, pop3, serve, status_of
from sink import Sink

LOGINS = ("alice", "bob")


class SettingsTest(unittest.TestCase):
    """KIL-06: reload, storms of signals, and the end, with sessions open and mail under way."""

    def open_sessions(self, demo):
        """One of each kind, in the middle of something."""
        smtp = connect_smtp(demo).to_data("alice@example.test")
        smtp.send(b"Subject: across\r\n\r\nacross the reload\r\n")
        tls = connect_smtp(demo, "submission", "alice").to_data("alice@example.test", "alice@example.test")
        tls.send(b"Subject: across\r\n\r\nacross the reload\r\n")
        wires = []
        for name in ("imap", "imaps"):
            wire = Wire(demo.port(name))
            if name == "imaps":
                wire.start_tls()
            wire.line()
            wire.send(b"a LOGIN alice %s\r\nb SELECT INBOX\r\nc IDLE\r\n" % PASSWORD.encode())
            while not wire.line().startswith("+ "):
                pass
            wires.append(wire)
        return smtp, tls, *wires

    def finish_sessions(self, demo, smtp, tls, *imaps):
        for wire in (smtp, tls):
            wire.expect(250, b".")
            wire.expect(221, "QUIT")
        wait_until(lambda: len(holding(demo, b"across the reload")) == 2, 15, "both messages")
        for wire in imaps:
            while not wire.line().endswith("EXISTS"):
                pass
            wire.send(b"DONE\r\nd LOGOUT\r\n")
            self.assertIn(b"d OK", wire.rest())
        for wire in (smtp, tls, *imaps):
            wire.socket.close()

    def change(self, demo, old, new):
        with open(demo.info["config"]) as file:
            text = file.read()
        self.assertIn(old, text)
        with open(demo.info["config"], "w") as file:
            file.write(text.replace(old, new))

    def banner(self, demo):
        with Wire(demo.port("smtp")) as wire:
            return wire.line()

    def test_KIL_06_reload_with_broken_then_good_settings(self):
        with tempfile.TemporaryDirectory(prefix="facteur-reload-") as folder, Demo(
                settings=(*QUICK, "smtpd_banner=first", "stop_grace=30s")) as demo:
            ledger = Ledger(os.path.join(folder, "ledger"))
            self.addCleanup(ledger.close)
            deliver(demo, "before")
            senders = [Sender(demo, ledger, f"s{i}", LOGINS, "6", pause=0.005) for i in range(3)]
            for sender in senders:
                sender.start()
            try:
                sessions = self.open_sessions(demo)
                self.change(demo, "first", "second\nsmtpd_timeout: never")
                told = demo.run("facteur", "reload")
                self.assertNotEqual(told.returncode, 0)
                self.assertIn("smtpd_timeout", told.stdout + told.stderr)
                self.assertIn("first", self.banner(demo))
                self.change(demo, "second\nsmtpd_timeout: never", "third")
                self.assertEqual(demo.run("facteur", "reload").returncode, 0)
                wait_until(lambda: "third" in self.banner(demo), 10, "the new banner")
                self.finish_sessions(demo, *sessions)
            finally:
                for sender in senders:
                    sender.stop()
            self.assertEqual(sum(sender.refused for sender in senders), 0)
            wait_until(lambda: not waiting_in(demo.info["spool"]), 20, "an empty queue")
            entries = ledger.entries()
            found = Found(demo, LOGINS)
            self.assertEqual(found.missing(entries), [])
            self.assertEqual(found.duplicates(), 0)
            wait_until(lambda: len(demo.pids("smtpd")) == len(set(demo.info["pids"]["smtpd"])), 15, "the end of the old generation")

    def test_KIL_06_a_storm_of_signals(self):
        """SIGHUP a thousand times a second."""
        with Demo(settings=QUICK) as demo:
            deliver(demo, "before")
            sessions = self.open_sessions(demo)
            self.addCleanup(lambda: [wire.socket.close() for wire in sessions])
            master = demo.info["pids"]["facteurd"]
            ending = threading.Event()

            def storm():
                while not ending.is_set():
                    os.kill(master, signal.SIGHUP)
                    time.sleep(0.001)
            thread = threading.Thread(target=storm)
            thread.start()
            most, served = 0, 0
            try:
                end = time.monotonic() + (20 if FULL else 3)
                while time.monotonic() < end:
                    most = max(most, self.children(master))
                    with contextlib.suppress(OSError, AssertionError):
                        serve(demo)
                        served += 1
                    time.sleep(0.05)
            finally:
                ending.set()
                thread.join()
            print(f"\n{most} processes at most, {served} clients served meanwhile", flush=True)
            self.assertLess(most, 60)
            self.assertGreater(served, 5)
            self.finish_sessions(demo, *sessions)
            deliver(demo, "after")
            wait_until(lambda: self.children(master) < 15, 20, "the end of the old generations")

    @staticmethod
    def children(master):
        return len(subprocess.run(["pgrep", "-P", str(master)], capture_output=True, text=True).stdout.split())

    def test_KIL_06_the_end_comes_within_stop_grace(self):
        """A transaction behind DATA may end, and what hangs is cut off."""
        with Demo(settings=(*QUICK, "stop_grace=2s")) as demo:
            deliver(demo, "before")
            smtp, tls, *imaps = self.open_sessions(demo)
            hung = connect_smtp(demo).to_data("alice@example.test")
            processes = demo.all_pids()
            start = time.monotonic()
            demo.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            smtp.expect(250, b".")
            for wire in imaps:
                self.assertIn(b"BYE", wire.rest(8))
            demo.process.wait(timeout=20)
            took = time.monotonic() - start
            self.assertLess(took, 7)  # two stages, each with its margin
            self.assertEqual([pid for pid in processes if alive(pid)], [])
            for wire in (smtp, tls, hung, *imaps):
                wire.socket.close()
            demo.process.stdout.close()
            demo.process = None
            print(f"\nended in {took:.1f} s", flush=True)
            waiting = [row for row in waiting_in(demo.info["spool"]) if row["state"] == "waiting"]
            self.assertEqual(len(holding(demo, b"across the reload")) + len(waiting), 1)  # the one that was acknowledged


class PipeTest(unittest.TestCase):
    """KIL-08: SIGPIPE ends nobody."""

    def test_KIL_08_ignored_in_each_process(self):
        with Demo(settings=QUICK) as demo:
            deliver(demo, "before")
            imap(demo)
            pop3(demo)
            table = demo.pids()
            self.assertEqual(set(table), {*PERMANENT, "local", "imapd", "pop3d"})
            for name, pid in [("facteurd", demo.info["pids"]["facteurd"])] + [(name, pid) for name in table for pid in table[name]]:
                ignored = int(status_of(pid)["SigIgn"], 16) >> (signal.SIGPIPE - 1) & 1
                self.assertEqual(ignored, 1, name)

    def test_KIL_08_who_is_written_to_goes_away(self):
        with Sink() as sink, Demo(settings=(*QUICK, f'relayhost="[127.0.0.1]:{sink.port}"', "mynetworks=[127.0.0.0/8]")) as demo:
            deliver(demo, "before")
            large = "x" * 70 + "\r\n"
            demo.send("x@outside.test", "alice@example.test", message("large", large * 20000))
            wait_until(lambda: holding(demo, b"Subject: large"), 15, "the large message")
            imap(demo)
            pop3(demo)
            before = demo.pids()
            for name, lines in (("imap", b"a LOGIN alice %s\r\nb SELECT INBOX\r\nc FETCH 1:* BODY[]\r\n"),
                                ("pop3", b"USER alice\r\nPASS %s\r\nRETR 1\r\nRETR 2\r\nRETR 2\r\n"),
                                ("imaps", b"a LOGIN alice %s\r\nb SELECT INBOX\r\nc FETCH 1:* BODY[]\r\n"),
                                ("pop3s", b"USER alice\r\nPASS %s\r\nRETR 2\r\nRETR 2\r\n")):
                for pause in (0, 0.05, 0.3):
                    wire = Wire(demo.port(name))
                    if name.endswith("s"):
                        wire.start_tls()
                    wire.line()
                    wire.send(lines % PASSWORD.encode())
                    time.sleep(pause)
                    wire.rst()
            sink.replies["DATA"] = [b"", b"354 go on", None]  # gone before the message, and in the middle of it
            sink.replies["data end"] = [b"", None]
            demo.send("x@outside.test", "far@far.test", message("far", large * 20000))
            sink.wait("far@far.test", seconds=30)
            wait_until(lambda: not waiting_in(demo.info["spool"]), 20, "an empty queue")
            self.assertEqual(demo.pids(), before)
            check_log(demo)
            deliver(demo, "after")

    def test_KIL_08_the_log_goes_away(self):
        with tempfile.TemporaryDirectory(prefix="facteur-log-") as folder:
            os.chmod(folder, 0o777)
            demo = Demo(settings=(*QUICK, "log=stderr"))
            reading, writing = os.pipe()
            demo.process = subprocess.Popen(demo.command, stdout=subprocess.PIPE, stderr=writing, text=True)
            os.close(writing)
            try:
                demo.info = json.loads(demo.process.stdout.readline())
                deliver(demo, "before")
                before = demo.pids()
                os.close(reading)
                deliver(demo, "after")
                imap(demo)
                pop3(demo)
                self.assertEqual({name: demo.pids(name) for name in PERMANENT}, {name: before[name] for name in PERMANENT})
                demo.stop()
            finally:
                demo.clean()


if __name__ == "__main__":
    main()
