"""tests/bench in its short forms: each measures both stacks, fills its table, and leaves nothing behind."""
import os
import subprocess
import tempfile
import unittest

from harness import BIN, main, need_root

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench")


class BenchTest(unittest.TestCase):
    def short(self, name, *options):
        """The table of a short run: row to the figures of both, once nothing of it is left."""
        need_root(self)
        with tempfile.TemporaryDirectory(prefix="facteur-test-", dir="/var/tmp") as folder:
            os.chmod(folder, 0o755)
            ran = subprocess.run([os.path.join(BENCH, name), "--short", "--dir", folder, *options], capture_output=True, text=True,
                                 timeout=240, env={**os.environ, "FACTEUR_BIN": os.path.abspath(BIN)})
            print(ran.stdout, flush=True)  # the reason, should it skip itself
            if ran.returncode == 77:
                self.skipTest(ran.stdout)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            self.assertEqual(os.listdir(folder), [])
            left = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if self.runs_below(pid, folder)]
            self.assertEqual(left, [])
        with open("/proc/self/mounts") as mounts:
            self.assertNotIn(folder, mounts.read())
        return {row[:38].rstrip(): [float(figure) for figure in row.split()[-3:-1]] for row in ran.stdout.splitlines()[1:]}

    def assert_costs(self, table, rows):
        """So little work may cost less than a tick of the kernel's clock in one cell, never in all of them together. Takes them out."""
        costs = [table.pop(row) for row in list(table) if row.startswith("CPU ms")]
        self.assertEqual(len(costs), rows)
        for side in zip(*costs):
            self.assertGreater(sum(side), 0)

    def assert_figures(self, table):
        for row, figures in table.items():
            self.assertGreater(min(figures), 0, row)

    def test_smtp(self):
        table = self.short("run")
        self.assertEqual(len(table), 12)
        self.assert_costs(table, 4)
        self.assert_figures(table)

    def test_mailboxes(self):
        table = self.short("mailboxes")
        self.assertEqual(len(table), 32)
        self.assert_costs(table, 6)
        self.assert_figures(table)

    @staticmethod
    def runs_below(pid, folder):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return folder.encode() in file.read()
        except OSError:
            return False


if __name__ == "__main__":
    main()
