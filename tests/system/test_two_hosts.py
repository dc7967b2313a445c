"""The network of a lecture: the hosts jules and alfred with mail domains of their own, found by MX records. Each has accounts of its
name, and jim is on both."""
import contextlib
import email
import imaplib
import poplib
import re
import smtplib
import ssl
import unittest

from harness import main, message, need_root, wait_until
from lab import Lab

NAMES = "10.9.0.53"
ADDRESSES = {"jules": "10.9.0.11", "alfred": "10.9.0.12"}
ZONES = {
    "maison.mrs.": ["ns A 10.9.0.53"] + [line for name, address in ADDRESSES.items() for line in (
        f"{name} A {address}", f"{name} MX 10 {name}.maison.mrs.")],
    "9.10.in-addr.arpa.": [f"{address.split('.')[3]}.0 PTR {name}.maison.mrs." for name, address in ADDRESSES.items()],
}
JIM = "jim's password"


def trusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def domain(host):
    return f"{host}.maison.mrs"


def new_host(lab, host):
    return lab.demo(host, settings=[
        f"hostname={domain(host)}", f"domains=[{domain(host)}]", "inet_interfaces=[all]", f'dns.servers=["{NAMES}:53"]',
        "minimal_backoff_time=1s", "maximal_backoff_time=2s", "smtp_connect_timeout=2s"])


class TwoHostsTest(unittest.TestCase):
    as_user = False

    @classmethod
    def setUpClass(cls):
        need_root(cls)
        cls.lab = cls.enterClassContext(Lab())
        if cls.as_user:
            cls.lab.programs_as_user()
        cls.lab.switch("lan")
        for host, address in {"names": NAMES, "client": "10.9.0.100", **ADDRESSES}.items():
            cls.lab.host(host, lan=f"{address}/24")
        cls.lab.name_server("names", NAMES, ZONES)
        cls.hosts = {}
        for host in ADDRESSES:
            with cls.lab.inside(host):
                cls.hosts[host] = cls.enterClassContext(new_host(cls.lab, host))
            for name in (host, "jim"):
                cls.add_user(host, name)

    @classmethod
    def skipTest(cls, reason):
        raise unittest.SkipTest(reason)

    @classmethod
    def add_user(cls, host, name):
        added = cls.hosts[host].run("facteur", "user", "add", f"{name}@{domain(host)}", "--password-file", "-", input=JIM + "\n")
        assert added.returncode == 0, added.stderr

    def send(self, at, sender, recipient, subject, login=None):
        """From a client on the host itself, or with a password from the client's host."""
        with self.lab.inside("client" if login else at):
            smtp = smtplib.SMTP_SSL(ADDRESSES[at], 465, timeout=20, context=trusting())
        with smtp:
            smtp.login(login or sender, JIM)
            self.assertEqual(smtp.sendmail(sender, [recipient], message(subject, sender=sender, to=recipient)), {})

    @contextlib.contextmanager
    def pop3(self, host, name="jim"):
        with self.lab.inside("client"):
            client = poplib.POP3(ADDRESSES[host], timeout=20)
        client.stls(trusting())
        client.user(f"{name}@{domain(host)}")
        client.pass_(JIM)
        yield client
        client.quit()

    @contextlib.contextmanager
    def imap(self, host, name="jim"):
        with self.lab.inside("client"):
            client = imaplib.IMAP4_SSL(ADDRESSES[host], ssl_context=trusting(), timeout=20)
        client.login(f"{name}@{domain(host)}", JIM)
        yield client
        client.logout()

    def by_pop3(self, host, name="jim"):
        """Subject to message."""
        with self.pop3(host, name) as client:
            found = [b"".join(line + b"\r\n" for line in client.retr(i + 1)[1]) for i in range(client.stat()[0])]
        return {message["Subject"]: message for message in map(email.message_from_bytes, found)}

    def by_imap(self, host, name="jim"):
        with self.imap(host, name) as client:
            client.select("INBOX", readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            found = [client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers]
        return {message["Subject"]: message for message in map(email.message_from_bytes, found)}

    def wait_for(self, host, *subjects, name="jim", seconds=30):
        return wait_until(lambda: (found := self.by_pop3(host, name)).keys() >= set(subjects) and found, seconds,
                          f"{subjects} for {name} on {host}")

    def test_1_jim_is_written_to_from_everywhere(self):
        wanted = {}
        for to in ADDRESSES:
            for at in ADDRESSES:
                self.send(at, f"{at}@{domain(at)}", f"jim@{domain(to)}", f"from {at} to {to}")
                self.send(at, f"jim@{domain(at)}", f"jim@{domain(to)}", f"jim himself on {at} to {to}", login=f"jim@{domain(at)}")
            wanted[to] = {f"{who} {at} to {to}" for who in ("from", "jim himself on") for at in ADDRESSES}
        for host in ADDRESSES:
            by_pop3 = self.wait_for(host, *wanted[host])
            self.assertEqual(set(by_pop3), wanted[host])
            by_imap = self.by_imap(host)
            self.assertEqual({name: str(message) for name, message in by_imap.items()},
                             {name: str(message) for name, message in by_pop3.items()})
            other = next(name for name in ADDRESSES if name != host)
            relayed = by_imap[f"from {other} to {host}"]
            self.assertEqual(relayed["Return-Path"], f"<{other}@{domain(other)}>")
            received = relayed.get_all("Received")
            self.assertEqual(len(received), 2)
            self.assertIn(f"from {domain(other)} ({domain(other)} [{ADDRESSES[other]}])", received[0])
            self.assertIn(f"by {domain(host)}", received[0])
            self.assertIn(f"by {domain(other)}", received[1])
            self.assertRegex(self.hosts[other].log_text(),
                             rf"to=<jim@{domain(host)}>, relay={domain(host)}\[{ADDRESSES[host]}\]:25, .*dsn=2\.0\.0, status=sent")

    def test_2_an_unknown_name_comes_back(self):
        for recipient, status in ((f"nobody@{domain('alfred')}", "5.1.1"), ("jim@nowhere.maison.mrs", "5.4.4")):
            self.send("jules", f"jules@{domain('jules')}", recipient, f"to {recipient}")
            bounce = wait_until(lambda: [m for m in self.by_pop3("jules", "jules").values() if f"to {recipient}" in str(m)], 20,
                                f"a bounce about {recipient}")[0]
            self.assertEqual(bounce.get_content_type(), "multipart/report")
            self.assertRegex(str(bounce), rf"(?m)^Final-Recipient: rfc822; ?{re.escape(recipient)}$")
            self.assertRegex(str(bounce), r"(?m)^Status: 5\.\d+\.\d+$")

    def test_3_mail_waits_for_a_host_that_is_down(self):
        alfred = self.hosts["alfred"]
        alfred.stop()
        subjects = [f"for later {i}" for i in range(3)]
        for subject in subjects:
            self.send("jules", f"jules@{domain('jules')}", f"jim@{domain('alfred')}", subject)
        jules = self.hosts["jules"]
        wait_until(lambda: re.search(r"to=<jim@alfred\.maison\.mrs>.*dsn=4\.4\.1, status=deferred \(.*refused", jules.log_text()), 15,
                   "deferred")
        listed = jules.run("facteur", "queue", "list").stdout
        self.assertEqual(listed.count("jim@alfred.maison.mrs"), 3, listed)
        with self.lab.inside("alfred"):
            alfred.start()
        jules.run("facteur", "queue", "flush")
        self.wait_for("alfred", *subjects)
        wait_until(lambda: "Mail queue is empty" in jules.run("facteur", "queue", "list").stdout, 10, "an empty queue")
        self.assertEqual(len([name for name in self.by_imap("alfred") if name.startswith("for later")]), 3)

    def test_4_what_is_deleted_by_pop3_is_gone_by_imap(self):
        with self.pop3("jules") as client:
            count = client.stat()[0]
            self.assertGreater(count, 0)
            client.dele(1)
        self.assertEqual(len(self.by_imap("jules")), count - 1)


class TwoHostsAsUserTest(TwoHostsTest):
    as_user = True


if __name__ == "__main__":
    main()
