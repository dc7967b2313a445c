"""Rows AUT on the wire: no password in clear, each exchange alone, and no name or response that gets in by being odd."""
import base64
import itertools
import re
import time

from harness import FULL, PASSWORD, main
from rows import RowCase, Wire, beside_each_other, connect_smtp, plain, rss_at_rest


def code(octets):
    return base64.b64encode(octets)


def authenticate(wire, name, *lines):
    """AUTH with these lines behind each other in whichever protocol; the last answer: yes, no, or closed."""
    lines = list(lines)
    if name in ("imap", "imaps"):
        lines[0] = b"a AUTHENTICATE " + lines[0]
    else:
        lines[0] = b"AUTH " + lines[0]
    for line in lines:
        try:
            wire.send(line + b"\r\n")
        except ConnectionError:
            pass
        while True:
            try:
                answer = wire.line()
            except AssertionError:
                return "closed", ""
            if not answer.startswith("* "):
                break
    if re.match(r"235 |\+OK|a OK|-ERR \[IN-USE\]", answer):  # POP3 opens a mailbox once at a time
        return "yes", answer
    return "more" if answer[0] in "3+" else "no", answer


def greeted(demo, name):
    wire = Wire(demo.port(name))
    wire.line()
    if name == "smtp":
        wire.expect(250, "EHLO client.test")
    return wire


class ClearTest(RowCase):
    """AUT-01: what is neither offered nor taken without TLS."""
    settings = ("allow_plaintext_from=[]",)

    @classmethod
    def warm_up(cls):
        with connect_smtp(cls.demo, "submission", "alice"):
            pass

    def test_AUT_01_smtp(self):
        for name in ("smtp", "submission"):
            with self.subTest(name), connect_smtp(self.demo, name) as wire:
                self.assertNotIn("AUTH", wire.expect(250, "EHLO client.test"))
                wire.expect(538, b"AUTH PLAIN " + plain("alice"))
                wire.expect(538, "AUTH LOGIN")
                wire.expect(538, "AUTH NO-SUCH")
                wire.expect(530 if name == "submission" else 250, "MAIL FROM:<alice@example.test>")
        with connect_smtp(self.demo, "submission", "alice") as wire:
            wire.expect(250, "MAIL FROM:<alice@example.test>")

    def test_AUT_01_pop3(self):
        with greeted(self.demo, "pop3") as wire:
            wire.send(b"CAPA\r\n")
            capabilities = list(iter(wire.line, "."))
            self.assertIn("STLS", capabilities)
            self.assertEqual([line for line in capabilities if line.startswith(("USER", "SASL"))], [])
            for command in (b"USER alice", b"PASS " + PASSWORD.encode(), b"AUTH PLAIN " + plain("alice")):
                wire.send(command + b"\r\n")
                self.assertRegex(wire.line(), "^-ERR")

    def test_AUT_01_imap(self):
        with Wire(self.demo.port("imap")) as wire:
            self.assertIn("LOGINDISABLED", wire.line())
            for command, answer in ((b"LOGIN alice " + PASSWORD.encode(), "^a NO "), (b"AUTHENTICATE PLAIN " + plain("alice"), "^a NO ")):
                wire.send(b"a " + command + b"\r\n")
                self.assertRegex(wire.line(), answer)
            wire.send(b"a CAPABILITY\r\n")
            offered = wire.line()
            self.assertIn("LOGINDISABLED", offered)
            self.assertNotIn("AUTH=", offered)


class ExchangeTest(RowCase):
    settings = ("smtpd_hard_error_limit=1000000", "smtpd_soft_error_limit=1000000", "smtpd_error_sleep_time=0s")
    PROTOCOLS = ("smtp", "pop3", "imap")
    MALFORMED = {
        "=": b"=", "===": b"===", "no base64": b"!!!!", "half base64": b"AAA", "inner pad": b"AA==AAAA", "space": b"AAAA AAAA",
        "no NUL": code(b"alice"), "one NUL": code(b"alice\0" + PASSWORD.encode()), "two NULs alone": code(b"\0\0"),
        "three NULs alone": code(b"\0\0\0"), "three NULs": code(b"\0alice\0" + PASSWORD.encode() + b"\0"),
        "NUL behind the password": code(b"\0alice\0" + PASSWORD.encode() + b"\0x"), "no user": code(b"\0\0" + PASSWORD.encode()),
        "no password": code(b"\0alice\0"), "only a NUL": code(b"\0"), "8 bit": code(b"\0\xff\xfe\0\xff"), "at the limit": b"A" * 12284,
        "a line of 12288": b"A" * 12286, "a line of 12289": b"A" * 12287, "huge": b"A" * 1000000,
    }

    def refuse(self, name, case, octets, initial):
        """Refused, and nobody but this session feels it."""
        with greeted(self.demo, name) as wire:
            lines = [b"PLAIN " + octets] if initial else [b"PLAIN", octets]
            outcome, answer = authenticate(wire, name, *lines)
            if outcome == "more":  # a long line may be taken for a command and its challenge
                outcome, answer = authenticate(wire, name, b"PLAIN", b"*")
            self.assertIn(outcome, ("no", "closed"), f"{case}: {answer}")
            if name == "smtp":
                self.assertRegex(answer, r"^(501|535|500) ")
            if len(octets) < 12000:  # a session that is not told to go is as it was
                self.assertEqual(authenticate(wire, name, b"PLAIN " + plain("alice"))[0], "yes", case)

    def test_AUT_02_malformed_responses(self):
        cases = [(name, case, octets, initial) for name, (case, octets), initial
                 in itertools.product(self.PROTOCOLS, self.MALFORMED.items(), (False, True))]
        beside_each_other(self.refuse, cases, threads=16)

    def test_AUT_02_nul_behind_the_right_password(self):
        """A password that is cut at a NUL would be right."""
        def login(name):
            with greeted(self.demo, name) as wire:
                lines = [b"LOGIN", code(b"alice"), code(PASSWORD.encode() + b"\0x")]
                self.assertIn(authenticate(wire, name, *lines)[0], ("no", "closed"))
        beside_each_other(login, [(name,) for name in self.PROTOCOLS])

    def test_AUT_03_many_exchanges_on_one_session(self):
        authd, = self.demo.pids("authd")
        wrong = b"PLAIN " + plain("alice", "wrong")
        rounds = ((b"LOGIN", b"*"), (b"LOGIN", code(b"alice"), b"*"), (b"PLAIN", b"*"), (wrong,), (b"LOGIN", code(b"bob"), code(b"wrong")),
                  (b"CRAM-MD5",), (b"PLAIN", b"!!!!"))
        before = 0
        with greeted(self.demo, "smtp") as wire:
            for number in range(1000):
                if number == 200:
                    before = rss_at_rest(authd)
                self.assertEqual(authenticate(wire, "smtp", *rounds[number % len(rounds)])[0], "no")
            self.assertEqual(authenticate(wire, "smtp", b"LOGIN", code(b"alice"), code(PASSWORD.encode()))[0], "yes")
            wire.expect(503, b"AUTH PLAIN " + plain("bob"))
        self.assertLess(rss_at_rest(authd) - before, 1024)

    def test_AUT_05_twice_and_in_a_transaction(self):
        with connect_smtp(self.demo, "smtp") as wire:
            wire.expect(250, "EHLO client.test")
            wire.expect(250, "MAIL FROM:<x@outside.test> AUTH=<>")
            wire.expect(503, b"AUTH PLAIN " + plain("alice"))
            wire.expect(250, "RCPT TO:<bob@example.test>")
            wire.expect(503, b"AUTH PLAIN " + plain("alice"))
            wire.expect(250, "RSET")
            wire.expect(235, b"AUTH PLAIN " + plain("alice"))
            wire.expect(503, b"AUTH PLAIN " + plain("alice"))
            wire.expect(503, "AUTH NO-SUCH")
            wire.expect(250, "EHLO again.test")
            wire.expect(503, b"AUTH PLAIN " + plain("bob"))
            wire.expect(250, "MAIL FROM:<alice@example.test> AUTH=<>")


class BrokenExchangeTest(RowCase):
    """AUT-04. Whatever authd was not told of it would still have when its patience ends, and would say so."""
    PATIENCE = 5
    settings = (f"auth_timeout={PATIENCE}s", "auth_failure_max_delay=1s")

    def broken_exchange(self, name, lines, end):
        with greeted(self.demo, name) as wire:
            if lines[-1] is None:  # the answer to the last line is not waited for
                if len(lines) > 2:
                    self.assertEqual(authenticate(wire, name, *lines[:-2])[0], "more")
                    wire.send(lines[-2] + b"\r\n")
                else:
                    wire.send((b"a AUTHENTICATE " if name == "imap" else b"AUTH ") + lines[0] + b"\r\n")
            else:
                self.assertEqual(authenticate(wire, name, *lines)[0], "more")
            getattr(wire, end)()

    def test_AUT_04_disconnect_in_each_step(self):
        authd, = self.demo.pids("authd")
        steps = ([b"PLAIN"], [b"PLAIN", None], [b"LOGIN"], [b"LOGIN", None], [b"LOGIN", code(b"alice")], [b"LOGIN", code(b"alice"), None],
                 [b"PLAIN", plain("alice"), None], [b"PLAIN", plain("alice", "wrong"), None], [b"PLAIN " + plain("alice"), None],
                 [b"LOGIN", code(b"alice"), code(PASSWORD.encode()), None], [b"LOGIN", code(b"alice"), code(b"wrong"), None])
        cases = list(itertools.product(ExchangeTest.PROTOCOLS, steps, ("fin", "rst")))
        sizes = []
        for _ in range(20 if FULL else 4):
            beside_each_other(self.broken_exchange, cases, threads=16)
            sizes.append(rss_at_rest(authd))
        print(f"{len(cases) * len(sizes)} broken exchanges; authd's KiB after each round: {sizes}", flush=True)
        self.assertLess(sizes[-1] - sizes[0], 1024)
        time.sleep(self.PATIENCE + 2)  # authd looks once a second for exchanges that took too long
        self.assertNotIn("took longer than auth_timeout", self.demo.log_text(), "authd held an exchange whose client was gone")


NAMES = [b"../../alice", b"alice\nb", b"alice\r\nb", b"alice/b", b"alice/", b"/alice", b"./alice", b"%n", b"%s%s%s%n", b"*", b"alice*",
         b")(uid=*", b"' OR 1=1 --", b"alice' --", b"A" * 9000, b"A" * 256, b"\xff\xfe", b"alice\xc0\x80", b"\xed\xa0\x80", b"root",
         b"daemon", b"alice*bob", b"bob*alice", b"alice\x7f", b"alice\x1b[2J", b"alice ", b" alice", b"alice@", b"@example.test",
         b"alice@other.test", b"alice@example.test@example.test", b"alice@example.test.", b".", b"..", b"alice,bob", b"alice+x", b"\xe2\x80\xaealice"]


class NameTest(RowCase):
    """AUT-06: each with alice's own password, so that a name that is cut or mended would get in."""
    PROTOCOLS = ("smtp", "pop3", "imap")

    def refuse(self, name, user, lines):
        with greeted(self.demo, name) as wire:
            self.assertIn(authenticate(wire, name, *lines)[0], ("no", "closed"), user)

    def test_AUT_06_names_by_sasl(self):
        password = PASSWORD.encode()
        cases = []
        for name, user in itertools.product(self.PROTOCOLS, NAMES):
            cases.append((name, user, [b"PLAIN " + code(b"\0" + user + b"\0" + password)]))
            cases.append((name, user, [b"PLAIN", code(user + b"\0alice\0" + password)]))  # to act as another
            if len(user) < 5000:
                cases.append((name, user, [b"LOGIN", code(user), code(password)]))
        cases += [(name, b"alice NUL", [b"LOGIN", code(user), code(password)])
                  for name in self.PROTOCOLS for user in (b"alice\0", b"alice\0b", b"\0alice", b"\0")]
        beside_each_other(self.refuse, cases, threads=16)

    def test_AUT_06_names_by_command(self):
        password = PASSWORD.encode()

        def pop3(user):
            with greeted(self.demo, "pop3") as wire:
                wire.send(b"USER " + user + b"\r\nPASS " + password + b"\r\n")
                while True:
                    try:
                        line = wire.line()
                    except AssertionError:
                        return
                    if line.startswith("-ERR"):
                        return
                    self.assertEqual(line, "+OK Send PASS")

        def imap(user):
            with greeted(self.demo, "imap") as wire:
                wire.send(b"a LOGIN {%d+}\r\n%s %s\r\nb LOGOUT\r\n" % (len(user), user, password))
                try:
                    while not wire.line().startswith(("a NO", "a BAD", "* BAD", "* BYE")):
                        pass
                except AssertionError:
                    pass
                self.assertNotIn(b"a OK", wire.said)

        def run(protocol, user):
            {"pop3": pop3, "imap": imap}[protocol](user)
        users = NAMES + [b"alice\0", b"alice\0b", b"alice" + b"A" * 65536]
        cases = [("imap", user) for user in users] + [("pop3", user) for user in users if not set(user) & set(b"\r\n")]
        beside_each_other(run, cases, threads=16)

    def test_AUT_06_the_log_tells_names_apart(self):
        """A name with an escape is logged escaped; LOG_LINE holds the rest at the end of the class."""
        with greeted(self.demo, "smtp") as wire:
            self.assertEqual(authenticate(wire, "smtp", b"PLAIN " + code(b"\0eve\x1b\nfake\0x"))[0], "no")
        self.assertNotIn("\nfake", self.demo.log_text())


if __name__ == "__main__":
    main()
