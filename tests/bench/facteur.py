"""Our side: a demo with the face of peer.Peer, from the programs in FACTEUR_BIN or else those of the release build.

Modules of tests/system can be imported once this one was."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "../system"))
os.environ.setdefault("FACTEUR_BIN", os.path.join(HERE, "../../build/release/bin"))
from harness import Demo, PASSWORD  # noqa: E402


class Facteur:
    name, password = "Facteur", PASSWORD

    def __init__(self, folder, users, settings=()):
        directory = os.path.join(folder, "facteur")
        os.makedirs(directory)
        self.demo = Demo(directory=directory, users=users, settings=settings)

    def __enter__(self):
        self.demo.__enter__()
        self.ports, self.pid = self.demo.info["ports"], self.demo.process.pid
        return self

    def __exit__(self, *reason):
        self.demo.__exit__(*reason)

    def maildir(self, login):
        return self.demo.info["mail"][login]
