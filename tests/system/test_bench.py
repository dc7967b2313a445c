"""tests/bench/run in its short form: it measures both stacks, fills its table, and leaves nothing behind."""
import os
import subprocess
import tempfile
import unittest

from harness import BIN, main, need_root

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench/run")


class BenchTest(unittest.TestCase):
    def test_short(self):
        need_root(self)
        with tempfile.TemporaryDirectory(prefix="facteur-test-", dir="/var/tmp") as folder:
            os.chmod(folder, 0o755)
            ran = subprocess.run([BENCH, "--short", "--dir", folder], capture_output=True, text=True, timeout=240,
                                 env={**os.environ, "FACTEUR_BIN": os.path.abspath(BIN)})
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            self.assertEqual(os.listdir(folder), [])
            left = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if self.runs_below(pid, folder)]
            self.assertEqual(left, [])
        rows = ran.stdout.splitlines()[1:]
        self.assertEqual(len(rows), 12, ran.stdout)
        for column in (-3, -2):
            figures = {row[:38].rstrip(): float(row.split()[column]) for row in rows}
            # So few messages may cost less than a tick of the kernel's clock in one cell, never in all of them together.
            costs = [figures.pop(row) for row in list(figures) if row.startswith("CPU ms")]
            self.assertEqual(len(costs), 4, ran.stdout)
            self.assertGreater(sum(costs), 0, ran.stdout)
            self.assertGreater(min(figures.values()), 0, ran.stdout)

    @staticmethod
    def runs_below(pid, folder):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return folder.encode() in file.read()
        except OSError:
            return False


if __name__ == "__main__":
    main()
