"""SMTP in, Maildir out: the rules of reception and what a delivered message looks like."""
import os
import re
import smtplib
import ssl
import unittest

from harness import PASSWORD, Demo, main, message, parse, wait_until


def trusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class ReceiveTest(unittest.TestCase):
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
        return list(wait_until(look, 15, f"mail for {login}").values())

    def test_a_delivered_message(self):
        before = self.fresh()
        reply = self.demo.send("sender@outside.test", "bob@example.test", message("trace", "line one\r\n..dots\r\n"))
        self.assertRegex(reply, r"^2\.0\.0 Ok: queued as [0-9A-Za-z]{10,20}$")
        queue_id = reply.split()[-1]
        octets, = self.arrived(before)
        delivered = parse(octets)
        self.assertEqual(delivered["Return-Path"], "<sender@outside.test>")
        self.assertEqual(delivered["Delivered-To"], "bob@example.test")
        self.assertEqual(delivered["X-Original-To"], "bob@example.test")
        self.assertIn(queue_id, delivered["Received"])
        self.assertIn("127.0.0.1", delivered["Received"])
        self.assertIsNone(delivered["Date"])  # added on submission only
        self.assertTrue(octets.endswith(b"\n\nline one\n..dots\n\n") or octets.endswith(b"\nline one\n..dots\n"), octets[-60:])
        log = self.demo.log_text()
        self.assertRegex(log, rf"facteur/smtpd\[\d+\]: {queue_id}: client=localhost\[127\.0\.0\.1\]")
        wait_until(lambda: f"{queue_id}: removed" in self.demo.log_text(), 5, "removed")
        self.assertRegex(self.demo.log_text(), rf"{queue_id}: from=<sender@outside\.test>, size=\d+, nrcpt=1")
        self.assertRegex(self.demo.log_text(), rf"{queue_id}: to=<bob@example\.test>, .*dsn=2\.\d\.\d, status=sent")

    def test_a_recipient_named_in_several_cases_gets_one_copy(self):
        before = self.fresh()
        self.demo.send("x@outside.test", ["bob@example.test", "Bob@example.test", "BOB@EXAMPLE.test"], message("once"))
        self.demo.send("x@outside.test", "bob@example.test", message("after it"))
        wait_until(lambda: len(self.fresh() - before) >= 2, 15, "both messages")
        octets = self.demo.maildir("bob")
        self.assertEqual(sorted(parse(octets[name])["Subject"] for name in self.fresh() - before), ["after it", "once"])

    def test_literals_of_our_own_are_ours(self):
        """Also of the address family that the client does not use."""
        before = self.fresh()
        with self.demo.smtp() as client:
            client.ehlo()
            for literal, code in (("[127.0.0.1]", 250), ("[IPv6:::1]", 250), ("[::1]", 501), ("[192.0.2.1]", 554),
                                  ("[IPv6:2001:db8::1]", 554)):
                client.mail("x@outside.test")
                self.assertEqual(client.rcpt(f"bob@{literal}")[0], code, literal)
                client.rset()
            client.sendmail("x@outside.test", ["bob@[IPv6:::1]"], message("by literal"))
        self.assertEqual(parse(self.arrived(before)[0])["Delivered-To"], "bob@example.test")

    def test_relay_rules(self):
        with self.demo.smtp() as client:
            client.ehlo()
            client.mail("x@outside.test")
            self.assertEqual(client.rcpt("someone@elsewhere.test")[0], 554)
            code, text = client.rcpt("nobody-here@example.test")
            self.assertEqual((code, text[:5]), (550, b"5.1.1"))
            self.assertEqual(client.rcpt("postmaster@example.test")[0], 250)
            self.assertEqual(client.rcpt("postmaster")[0], 250)
            self.assertEqual(client.rcpt("bob+lists@example.test")[0], 250)
            for twisted in ("someone%elsewhere.test@example.test", "<@example.test:u@elsewhere.test>",
                            '"u@elsewhere.test"@example.test', "elsewhere.test!u@example.test"):
                self.assertGreaterEqual(client.rcpt(twisted)[0], 500, twisted)

    def test_submission_wants_a_login_and_adds_what_is_missing(self):
        for port in ("submission", "smtps"):
            before = self.fresh()
            if port == "smtps":
                client = smtplib.SMTP_SSL("127.0.0.1", self.demo.port(port), timeout=20, context=trusting())
            else:
                client = self.demo.smtp(port)
                client.starttls(context=trusting())
            with client:
                client.ehlo()
                self.assertEqual(client.mail("alice@example.test"), (530, client.mail("x@y.test")[1]))
                with self.assertRaises(smtplib.SMTPAuthenticationError):
                    client.login("alice", "wrong")
                client.login("alice@example.test", PASSWORD)
                client.sendmail("alice@example.test", ["bob@example.test"], "Subject: by submission\r\n\r\nhello\r\n")
            delivered = parse(self.arrived(before)[0])
            self.assertIsNotNone(delivered["Date"])
            self.assertRegex(delivered["Message-ID"], r"^<.+@.+>$")
            self.assertIn("ESMTPSA", delivered["Received"])

    def test_size_is_announced_and_enforced(self):
        with self.demo.smtp() as client:
            client.ehlo()
            limit = int(client.esmtp_features["size"])
            self.assertEqual(client.docmd("MAIL", f"FROM:<x@y.test> SIZE={limit + 1}")[0], 552)
            client.mail("x@y.test")
            client.rcpt("bob@example.test")
            code, _ = client.data("Subject: large\r\n\r\n" + ("x" * 76 + "\r\n") * (limit // 78 + 1))
            self.assertEqual(code, 552)
            self.assertEqual(client.noop()[0], 250)

    def test_aliases_and_details(self):
        with open(os.path.join(self.demo.directory, "aliases"), "a") as aliases:
            aliases.write("team: alice, bob\nloop1: loop2\nloop2: loop1\n")
        before = (self.fresh("alice"), self.fresh("bob"))
        told = self.demo.run("newaliases")
        # What leads nowhere is named, and the daemon takes the rest.
        self.assertEqual(told.returncode, os.EX_DATAERR, told.stderr)
        self.assertRegex(told.stderr, r"/aliases:\d+: aliases loop: loop1@example\.test -> loop2@example\.test -> loop1@")
        self.demo.send("x@outside.test", "team@example.test", message("to all"))
        for login, old in zip(("alice", "bob"), before):
            self.assertEqual(parse(self.arrived(old, login)[0])["X-Original-To"], "team@example.test")
        before = self.fresh("bob")
        self.demo.send("x@outside.test", "bob+shop@example.test", message("detail"))
        self.assertEqual(parse(self.arrived(before)[0])["Delivered-To"], "bob+shop@example.test")

    def test_ipv6_is_served(self):
        try:
            client = smtplib.SMTP("::1", self.demo.port("smtp"), timeout=20)
        except OSError as error:
            print(f"SKIPPED: no IPv6 on loopback ({error})", flush=True)
            self.skipTest("no IPv6")
        with client:
            self.assertEqual(client.ehlo()[0], 250)

    def test_mail_for_others_waits_when_nothing_may_leave(self):
        with self.demo.smtp() as client:
            client.login("alice", PASSWORD)
            client.sendmail("alice@example.test", ["far@elsewhere.test"], message("far away"))
        wait_until(lambda: re.search(r"to=<far@elsewhere\.test>.*dsn=4\.4\.3, status=deferred", self.demo.log_text()), 10,
                   "deferred with 4.4.3")
        self.assertIn("far@elsewhere.test", self.demo.run("mailq").stdout)


if __name__ == "__main__":
    main()
