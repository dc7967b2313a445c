"""The log is one that Postfix's tools read: Debian's pflogsumm counts what a ledger outside the stack counted."""
import re
import socketserver
import subprocess
import threading
import unittest

from harness import Demo, main, message, wait_until


class OtherHost(socketserver.StreamRequestHandler):
    """Takes mail for everybody but those whose address begins with `refused` (550) or `later` (450)."""

    def handle(self):
        self.say("220 other.test ESMTP")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                refused, later = b"<refused" in line, b"<later" in line
                self.say("550 5.1.1 unknown" if refused else "450 4.2.0 not now" if later else "250 2.1.5 ok")
            elif verb == b"DATA":
                self.say("354 go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.say("250 2.0.0 taken")
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 ok")

    def say(self, reply):
        self.wfile.write(reply.encode() + b"\r\n")


class Ledger:
    """What was done to the stack, counted as pflogsumm names it."""

    def __init__(self, demo):
        self.demo = demo
        self.counts = dict.fromkeys(("received", "delivered", "deferred", "bounced", "rejected"), 0)
        self.senders, self.recipients = set(), set()

    def send(self, sender, recipients, fate="delivered"):
        self.demo.send(sender, recipients, message("counted", "x" * 500))
        self.counts["received"] += 1
        self.counts[fate] += len(recipients)
        self.senders.add(sender)
        if fate == "delivered":
            self.recipients.update(recipients)

    def bounced_to(self, sender):
        """A bounce is made here: pflogsumm counts it as delivered, but neither as received nor among the senders."""
        self.counts["delivered"] += 1
        self.recipients.add(sender)

    def refuse(self, recipient):
        with self.demo.smtp() as client:
            client.ehlo()
            client.mail("sender0@outside.test")
            assert client.rcpt(recipient)[0] >= 500
        self.counts["rejected"] += 1


class PflogsummTest(unittest.TestCase):
    def summary(self, log):
        ran = subprocess.run(["pflogsumm", "--syslog-name", "facteur", log], capture_output=True, text=True, timeout=60)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        totals = re.findall(r"(?m)^ +(\d+) {2,}(received|delivered|deferred|bounced|rejected|senders|recipients)\b", ran.stdout)
        return {what: int(count) for count, what in totals}, ran.stdout

    def test_it_counts_what_the_ledger_counts(self):
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OtherHost) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            self.addCleanup(other.shutdown)
            relay = f"relayhost='[127.0.0.1]:{other.server_address[1]}'"
            with Demo(settings=["mynetworks=[127.0.0.0/8]", relay], users=3) as demo:
                self.load(demo, Ledger(demo))

    def load(self, demo, ledger):
        for number in range(12):  # one to three recipients each, of three senders
            ledger.send(f"sender{number % 3}@outside.test", [f"u{n}@example.test" for n in range(1, 2 + number % 3)])
        for number in range(5):
            ledger.send("alice@example.test", [f"taken{number}@elsewhere.test"])
        for number in range(4):
            ledger.refuse(f"nobody{number}@example.test")
        for number in range(3):
            ledger.send("sender1@outside.test", [f"later{number}@elsewhere.test"], "deferred")
        for number in range(2):
            ledger.send("bob@example.test", [f"refused{number}@elsewhere.test"], "bounced")
            ledger.bounced_to("bob@example.test")

        def settled():
            log = demo.log_text()
            return all(log.count(f"status={word}") == ledger.counts[what]
                       for word, what in (("sent", "delivered"), ("deferred", "deferred"), ("bounced", "bounced")))
        wait_until(settled, 20, f"all of it in the log: {ledger.counts}")
        totals, text = self.summary(demo.info["log"])
        self.assertEqual({what: totals.get(what) for what in ledger.counts}, ledger.counts, text)
        self.assertEqual((totals["senders"], totals["recipients"]), (len(ledger.senders), len(ledger.recipients)), text)


if __name__ == "__main__":
    main()
