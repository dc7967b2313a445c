"""The dialogues of tests/dialogue on the wire: whole, octet by octet, and in seeded pieces, against running servers."""
import concurrent.futures
import glob
import os
import random
import subprocess
import sys
import unittest

from harness import PASSWORD, Demo, main

HERE = os.path.dirname(os.path.abspath(__file__))
DIALOGUES = os.environ.get("FACTEUR_DIALOGUES", os.path.join(HERE, "../dialogue"))
SEED = int(os.environ.get("FACTEUR_SEED", random.randrange(1 << 30)))
# Mail arrives in the middle of it, by an act of the engine's test; test_imap.py does that on the wire.
ENGINE_ONLY = {"imap-idle.txt"}
CUTS = ["whole", "octets"] + [str(SEED + i) for i in range(16)]


def run_files(demo, names, port, given, without):
    """Runs the dialogues in every cut; gives how many passed, and what failed."""
    files = [path for path in sorted(glob.glob(os.path.join(DIALOGUES, names))) if os.path.basename(path) not in without]

    def one(cut):
        command = [sys.executable, os.path.join(DIALOGUES, "run.py"), "--port", str(demo.port(port)), "--cut", cut,
                   "--set", f"user=u{CUTS.index(cut) + 1}", "--set", f"password={PASSWORD}", "--set", "domain=example.test",
                   "--set", "host=mail.example.test", "--timeout", "30"]
        for line in given:
            command += ["--given", line]
        ran = subprocess.run(command + files, capture_output=True, text=True, timeout=280)
        return [(cut, line) for line in ran.stdout.splitlines()] or [(cut, ran.stderr)]

    with concurrent.futures.ThreadPoolExecutor(len(CUTS)) as pool:
        lines = [line for lines in pool.map(one, CUTS) for line in lines]
    passed = sum(line.endswith(": ok") for _, line in lines)
    failed = [f"cut {cut}: {line}" for cut, line in lines if not line.endswith(": ok") and ": skip: " not in line]
    return passed, failed


class DialogueTest(unittest.TestCase):
    def check(self, names, port, given, at_least, settings=(), without=()):
        print("seed", SEED, flush=True)
        quick = ["auth_failure_delay=0s", "auth_failure_limit=100000", "smtpd_error_sleep_time=0s",
                 "smtpd_client_connection_count_limit=0"]
        # A user for each cut: the dialogues expect an empty mailbox.
        with Demo(settings=quick + list(settings), users=len(CUTS)) as demo:
            passed, failed = run_files(demo, names, port, given, without)
        self.assertEqual(failed, [])
        self.assertGreaterEqual(passed, at_least * len(CUTS), "too few dialogues were run")

    def test_smtp(self):
        self.check("smtp-*.txt", "smtp", ["tls may", "starttls yes", "plaintext_auth yes", "cleartext yes"], 10)

    def test_smtp_reject(self):
        self.check("smtp-bare-lf-reject.txt", "smtp", ["smtpd_forbid_bare_newline reject"], 1, ["smtpd_forbid_bare_newline=reject"])

    def test_pop3(self):
        self.check("pop3-*.txt", "pop3", ["cleartext yes", "stls yes", "tls may"], 3)

    def test_imap(self):
        self.check("imap-*.txt", "imap", ["cleartext yes", "starttls yes", "message_size_limit 10000"], 3,
                   ["message_size_limit=10000"], without=ENGINE_ONLY)


if __name__ == "__main__":
    main()
