"""The log is one that Postfix's tools read: Debian's pflogsumm counts what a ledger outside the stack counted."""
import re
import subprocess
import unittest

from harness import Demo, main, message, wait_until


class PflogsummTest(unittest.TestCase):
    def summary(self, log):
        ran = subprocess.run(["pflogsumm", "--syslog-name", "facteur", log], capture_output=True, text=True, timeout=60)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        text = ran.stdout
        totals = {what: int(count) for count, what in
                  re.findall(r"(?m)^ +(\d+)k? {2,}(received|delivered|forwarded|deferred|bounced|rejected|senders|recipients|"
                             r"sending hosts/domains|recipient hosts/domains)\b", text)}
        return totals, text

    def test_counts(self):
        with Demo(settings=["mynetworks=[127.0.0.0/8]"], users=3) as demo:
            ledger = dict.fromkeys(("received", "delivered", "deferred", "bounced", "rejected"), 0)
            senders, recipients = set(), set()
            for number in range(12):
                sender = f"sender{number % 3}@outside.test"
                to = [f"u{n}@example.test" for n in range(1, 2 + number % 3)]
                demo.send(sender, to, message(f"number {number}", "x" * 1000))
                senders.add(sender)
                recipients.update(to)
                ledger["received"] += 1
                ledger["delivered"] += len(to)
            for number in range(4):  # refused at RCPT
                with demo.smtp() as client:
                    client.ehlo()
                    client.mail("sender0@outside.test")
                    self.assertEqual(client.rcpt(f"nobody{number}@example.test")[0], 550)
                    ledger["rejected"] += 1
            for number in range(3):  # no resolver: it waits
                demo.send("sender1@outside.test", f"someone{number}@elsewhere.test", message("waits"))
                ledger["received"] += 1
                ledger["deferred"] += 1
                senders.add("sender1@outside.test")
            demo.send("alice@example.test", "gone@example.test" if False else "broken@[192.0.2.1].invalid"
                      if False else "u1@example.test", message("last"))
            senders.add("alice@example.test")
            ledger["received"] += 1
            ledger["delivered"] += 1
            recipients.add("u1@example.test")

            def settled():
                log = demo.log_text()
                return log.count("status=sent") == ledger["delivered"] and log.count("status=deferred") >= ledger["deferred"] \
                    and log.count(": removed") == ledger["received"] - 3
            try:
                wait_until(settled, 20, "all of it in the log")
            finally:
                totals, text = self.summary(demo.info["log"])
            for what, count in ledger.items():
                self.assertEqual(totals.get(what), count, (what, totals, text))
            self.assertEqual(totals["senders"], len(senders), text)
            self.assertEqual(totals["recipients"], len(recipients), text)


if __name__ == "__main__":
    main()
