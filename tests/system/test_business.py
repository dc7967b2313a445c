"""The small business minfo.sn: its own network relays without a password, its people from anywhere with one, nobody else."""
import contextlib
import imaplib
import poplib
import smtplib
import ssl
import subprocess
import unittest

from harness import main, message, need_root, parse, wait_until
from lab import Lab
from sink import Sink

NAMES = "203.0.113.53"
SERVER = {"lan": "192.168.10.1", "world": "203.0.113.10"}
PARTNER = "203.0.113.25"
ZONES = {
    "minfo.sn.": [f"ns A {NAMES}", f"mail A {SERVER['world']}", "@ MX 10 mail"],
    # The first host is down, the second serves.
    "partenaire.sn.": [f"ns A {NAMES}", "down A 203.0.113.24", f"mx A {PARTNER}", "stranger A 203.0.113.66",
                       "@ MX 10 down", "@ MX 20 mx"],
    "113.0.203.in-addr.arpa.": ["10 PTR mail.minfo.sn.", "66 PTR stranger.partenaire.sn."],
}
PASSWORD = "ndank ndank"


class BusinessTest(unittest.TestCase):
    as_user = False

    @classmethod
    def setUpClass(cls):
        need_root(cls)
        cls.lab = cls.enterClassContext(Lab())
        if cls.as_user:
            cls.lab.programs_as_user()
        for switch in ("lan", "world"):
            cls.lab.switch(switch)
        cls.lab.host("server", **{switch: f"{address}/24" for switch, address in SERVER.items()})
        cls.lab.host("desk", lan="192.168.10.20/24")
        for host, address in {"names": NAMES, "partner": PARTNER, "stranger": "203.0.113.66"}.items():
            cls.lab.host(host, world=f"{address}/24")
        cls.lab.name_server("names", NAMES, ZONES)
        with cls.lab.inside("partner"):
            cls.partner = cls.enterClassContext(Sink(PARTNER, 25))
        with cls.lab.inside("server"):
            cls.demo = cls.enterClassContext(cls.lab.demo("server", settings=[
                "hostname=mail.minfo.sn", "domains=[minfo.sn]", "inet_interfaces=[all]", "mynetworks=[192.168.10.0/24]",
                f'dns.servers=["{NAMES}"]', "minimal_backoff_time=1s", "smtp_connect_timeout=2s", "auth_failure_delay=0s"]))
        for name in ("awa", "modou"):
            added = cls.demo.run("facteur", "user", "add", f"{name}@minfo.sn", "--password-file", "-", input=PASSWORD + "\n")
            assert added.returncode == 0, added.stderr

    @classmethod
    def skipTest(cls, reason):
        raise unittest.SkipTest(reason)

    @staticmethod
    def trusting():
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def smtp(self, host, port=25):
        address = SERVER["lan" if host == "desk" else "world"]
        with self.lab.inside(host):
            if port == 465:
                return smtplib.SMTP_SSL(address, port, timeout=20, context=self.trusting())
            client = smtplib.SMTP(address, port, timeout=20)
        if port == 587:
            client.starttls(context=self.trusting())
        return client

    @contextlib.contextmanager
    def imap(self, host, name):
        with self.lab.inside(host):
            client = imaplib.IMAP4_SSL(SERVER["world"], 993, ssl_context=self.trusting(), timeout=20)
        client.login(f"{name}@minfo.sn", PASSWORD)
        client.select("INBOX", readonly=True)
        yield client
        client.logout()

    def found_by_imap(self, host, name, subject):
        with self.imap(host, name) as client:
            numbers = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            return [parse(client.fetch(number, "(BODY.PEEK[])")[1][0][1]) for number in numbers]

    def wait_for(self, name, subject):
        return wait_until(lambda: self.found_by_imap("stranger", name, subject), 20, f"{subject} for {name}")

    def curl(self, host, *arguments):
        with self.lab.inside(host):
            return subprocess.run(["curl", "--silent", "--show-error", "--insecure", "--max-time", "30", *arguments],
                                  capture_output=True, timeout=40)

    def test_a_desk_relays_without_a_password(self):
        with self.smtp("desk") as client:
            client.sendmail("awa@minfo.sn", ["client@partenaire.sn", "modou@minfo.sn"], message("from the desk"))
        received, = self.partner.wait("client@partenaire.sn")
        self.assertEqual(received.sender, "awa@minfo.sn")
        self.assertEqual(received.recipients, ["client@partenaire.sn"])
        self.assertEqual(received.client, SERVER["world"])
        self.assertEqual(received.greeting, "EHLO mail.minfo.sn")
        self.assertIn(b"[192.168.10.20]", received.content())
        self.assertEqual(len(self.wait_for("modou", "from the desk")), 1)

    def test_a_desk_cannot_submit_without_a_password(self):
        with self.smtp("desk", 587) as client:
            client.ehlo()
            self.assertEqual(client.mail("awa@minfo.sn")[0], 530)

    def test_a_stranger_is_refused(self):
        with self.smtp("stranger") as client:
            client.ehlo("desk.minfo.sn")
            client.mail("awa@minfo.sn")
            for recipient in ("client@partenaire.sn", "client%partenaire.sn@minfo.sn", '"client@partenaire.sn"@minfo.sn',
                              "@minfo.sn:client@partenaire.sn", "client@[203.0.113.25]"):
                code, text = client.rcpt(recipient)
                self.assertEqual(code // 100, 5, (recipient, text))
            code, text = client.rcpt("client@partenaire.sn")
            self.assertEqual((code, text[:5]), (554, b"5.7.1"))
            self.assertEqual(client.rcpt("nobody@minfo.sn")[:1], (550,))
            self.assertEqual(client.rcpt("awa@minfo.sn")[0], 250)
            self.assertEqual(client.data(message("from a stranger"))[0], 250)
        delivered, = self.wait_for("awa", "from a stranger")
        self.assertIn("stranger.partenaire.sn [203.0.113.66]", delivered["Received"])

    def test_a_user_on_the_road_is_served(self):
        for port in (465, 587):
            with self.smtp("stranger", port) as client:
                client.ehlo()
                self.assertIn("PLAIN", client.esmtp_features["auth"].split())
                self.assertEqual(client.mail("awa@minfo.sn")[0], 530)
                client.user, client.password = "awa@minfo.sn", "wrong"
                with self.assertRaises(smtplib.SMTPAuthenticationError):
                    client.auth("PLAIN", client.auth_plain)
                client.password = PASSWORD
                self.assertEqual(client.auth("PLAIN", client.auth_plain)[0], 235)
                client.sendmail("awa@minfo.sn", [f"road{port}@partenaire.sn", "modou@minfo.sn"], message(f"by port {port}"))
            received, = self.partner.wait(f"road{port}@partenaire.sn")
            self.assertIn(b"ESMTPSA", received.content())
            self.assertIn(b"\r\nMessage-ID: <", received.content())
            self.assertEqual(len(self.wait_for("modou", f"by port {port}")), 1)

    def test_no_password_is_taken_in_clear(self):
        with self.lab.inside("stranger"):
            client = smtplib.SMTP(SERVER["world"], 587, timeout=20)
        with client:
            client.ehlo()
            self.assertNotIn("auth", client.esmtp_features)
            self.assertGreaterEqual(client.docmd("AUTH", "PLAIN AGF3YQBuZGFuayBuZGFuaw==")[0], 500)
        with self.lab.inside("stranger"):
            pop3 = poplib.POP3(SERVER["world"], timeout=20)
            imap = imaplib.IMAP4(SERVER["world"], timeout=20)
        with self.assertRaises(poplib.error_proto):
            pop3.user("awa@minfo.sn")
            pop3.pass_(PASSWORD)
        self.assertIn("LOGINDISABLED", imap.capabilities)
        with self.assertRaises(imaplib.IMAP4.error):
            imap.login("awa@minfo.sn", PASSWORD)
        pop3.close()
        imap.shutdown()

    def test_it_is_read_by_imaps_and_pop3s(self):
        with self.smtp("desk") as client:
            client.sendmail("modou@minfo.sn", ["awa@minfo.sn"], message("to read", "line\r\n.dot\r\nend"))
        self.wait_for("awa", "to read")
        with self.lab.inside("stranger"):
            pop3 = poplib.POP3_SSL(SERVER["world"], 995, timeout=20, context=self.trusting())
        pop3.user("awa@minfo.sn")
        pop3.pass_(PASSWORD)
        messages = [b"\r\n".join(pop3.retr(i + 1)[1]) for i in range(pop3.stat()[0])]
        pop3.quit()
        mine = next(i for i, octets in enumerate(messages) if b"Subject: to read\r\n" in octets)
        self.assertTrue(messages[mine].endswith(b"\r\n\r\nline\r\n.dot\r\nend"), messages[mine])
        login = ("--user", f"awa@minfo.sn:{PASSWORD}")
        for url in (f"pop3s://{SERVER['world']}/{mine + 1}", f"imaps://{SERVER['world']}/INBOX;MAILINDEX={mine + 1}"):
            fetched = self.curl("stranger", *login, url)
            self.assertEqual(fetched.returncode, 0, fetched.stderr)
            self.assertEqual(fetched.stdout.rstrip(), messages[mine], url)
        refused = self.curl("stranger", "--user", "awa@minfo.sn:wrong", f"imaps://{SERVER['world']}/INBOX;MAILINDEX=1")
        self.assertEqual(refused.returncode, 67, refused.stderr)

    def test_curl_sends(self):
        with open(f"{self.demo.directory}/letter", "w") as letter:
            letter.write(message("by curl"))
        for url in (f"smtps://{SERVER['world']}", f"smtp://{SERVER['world']}:587"):
            sent = self.curl("stranger", "--ssl-reqd", "--user", f"awa@minfo.sn:{PASSWORD}", "--login-options", "AUTH=PLAIN",
                             "--mail-from", "awa@minfo.sn", "--mail-rcpt", "curl@partenaire.sn", "--upload-file",
                             f"{self.demo.directory}/letter", url)
            self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(len(self.partner.wait("curl@partenaire.sn", 2)), 2)


class BusinessAsUserTest(BusinessTest):
    as_user = True


if __name__ == "__main__":
    main()
