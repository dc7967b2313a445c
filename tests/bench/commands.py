"""What `mailboxes` measures of one side at a time: logins, the commands of IMAP on a large mailbox, APPEND, RETR, and the memory of
clients that wait. Each gives {(row, which is better): figure}."""
import re
import time

import processes
from clients import Imap, Pop3, again_and_again, imap_session, pop3_session, together
from messages import message
from table import LESS, MORE

SESSIONS = {"POP3": pop3_session, "IMAP": imap_session}


class Answers(dict):
    """What was answered first, by question; every later answer, from either side, must be the same."""

    def check(self, stack, question, answer):
        if self.setdefault(question, answer) != answer:
            raise SystemExit(f"{question}: {stack.name} answers {answer!r:.300}, and {self[question]!r:.300} was answered before")


class Meter:
    """The CPU time that a side spends between two moments, with what it cleans away afterwards."""

    def __init__(self, stack):
        self.pid, self.begun = stack.pid, processes.cpu_seconds(stack.pid)

    def milliseconds(self):
        time.sleep(0.5)
        return 1000 * (processes.cpu_seconds(self.pid) - self.begun)


def logins(stack, protocol, clients, accounts, seconds):
    """Clients share the accounts out, so that none finds its maildrop in use. Both sides have just seen each password."""
    session, port = SESSIONS[protocol], stack.ports[protocol.lower()]
    for account in accounts:
        session(port, account, stack.password)
    meter = Meter(stack)
    done = together(again_and_again, [(session, port, accounts[n::clients], stack.password, seconds) for n in range(clients)])
    count, took = sum(count for count, _ in done), max(took for _, took in done)
    what = f"{protocol}, {clients:2} client{'s' if clients > 1 else ''}"
    return {(f"sessions/s, {what}", MORE): count / took, (f"CPU ms a session, {what}", LESS): meter.milliseconds() / count}


def exists(answer):
    return int(re.search(rb"^\* (\d+) EXISTS", answer, re.M)[1])


def fetched(answer):
    return len(re.findall(rb"^\* \d+ FETCH \(", answer, re.M))


def sizes(answer):
    return fetched(answer), sum(map(int, re.findall(rb"RFC822\.SIZE (\d+)", answer)))


def found(answer):
    return sorted(map(int, re.search(rb"^\* SEARCH([ \d]*)", answer, re.M)[1].split()))


def octets(answer):
    return sum(map(int, re.findall(rb"^\* \d+ FETCH [^\r\n]*\{(\d+)\}\r$", answer, re.M)))


SELECT = "SELECT INBOX"
FIRST = [("SELECT, no index", SELECT, exists), ("FETCH ENVELOPE, first", "FETCH 1:* ENVELOPE", fetched),
         ("FETCH BODYSTRUCTURE, first", "FETCH 1:* BODYSTRUCTURE", fetched)]
AGAIN = [("SELECT, again", SELECT, exists), ("FETCH FLAGS", "FETCH 1:* (FLAGS)", fetched),
         ("FETCH UID FLAGS RFC822.SIZE", "FETCH 1:* (UID FLAGS RFC822.SIZE)", sizes),
         ("FETCH ENVELOPE, again", "FETCH 1:* ENVELOPE", fetched), ("FETCH BODYSTRUCTURE, again", "FETCH 1:* BODYSTRUCTURE", fetched),
         ("SEARCH UNSEEN", "SEARCH UNSEEN", found), ("SEARCH SUBJECT", "SEARCH SUBJECT zebra", found),
         ("SEARCH TEXT", "SEARCH TEXT quokka", found), ("FETCH 1:200 BODY.PEEK[]", "FETCH 1:200 BODY.PEEK[]", octets)]


def run(stack, account, table, answers):
    """A session with the commands of the table; their milliseconds."""
    figures = {}
    with Imap(stack.ports["imap"]) as client:
        client.login(account, stack.password)
        for row, text, meaning in table:
            begun = time.perf_counter()
            answer = client.command(text.encode())
            figures[f"ms, {row}", LESS] = 1000 * (time.perf_counter() - begun)
            answers.check(stack, text, meaning(answer))
        client.command(b"LOGOUT")
    return figures


def mailbox(stack, account, answers):
    """The commands on a mailbox that was never opened; again, to have everything warm and cached; and as they are then."""
    meter = Meter(stack)
    figures = run(stack, account, FIRST, answers)
    run(stack, account, AGAIN, answers)
    run(stack, account, AGAIN[:1], answers)  # takes in what the last one wrote to the logs
    figures |= run(stack, account, AGAIN, answers)
    figures["CPU ms, all these with a warm-up", LESS] = meter.milliseconds()
    return figures


def append(stack, account, count):
    figures = {}
    for size in (1024, 10240):
        text = message(1, size).replace(b"\n", b"\r\n")
        with Imap(stack.ports["imap"]) as client:
            client.login(account, stack.password)
            client.command(SELECT.encode())
            begun = time.perf_counter()
            for _ in range(count):
                client.append(text)
            figures[f"APPEND/s, {size // 1024:2} KB", MORE] = count / (time.perf_counter() - begun)
            client.command(b"LOGOUT")
    return figures


def retrieve(stack, account, answers):
    """All messages one by one, and 20 RETR sent at once, behind a session that has opened the maildrop."""
    pop3_session(stack.ports["pop3"], account, stack.password)
    meter, figures = Meter(stack), {}
    for depth, how in ((1, "one by one"), (20, "pipelined")):
        with Pop3(stack.ports["pop3"]) as client:
            client.login(account, stack.password)
            status = client.command(b"STAT").split()[1:3]
            count = int(status[0])
            begun = time.perf_counter()
            total = sum(client.retrieve(range(n, min(n + depth, count + 1))) for n in range(1, count + 1, depth))
            figures[f"RETR/s of 10 KB, {how}", MORE] = count / (time.perf_counter() - begun)
            client.command(b"QUIT")
        answers.check(stack, "STAT", status)
        answers.check(stack, "octets of all RETR", total)
    figures["CPU ms a RETR", LESS] = meter.milliseconds() / (2 * count)
    return figures


def idle(stack, accounts, count):
    """Clients in IDLE, spread over the accounts: what memory each adds to a side that has just started."""
    before, clients = processes.pss_kib(stack.pid), []
    try:
        for n in range(count):
            clients.append(Imap(stack.ports["imap"]))
            clients[-1].login(accounts[n % len(accounts)], stack.password)
            clients[-1].command(SELECT.encode())
            clients[-1].idle()
        time.sleep(2)
        after, there = processes.pss_kib(stack.pid), len(processes.tree(stack.pid))
    finally:
        for client in clients:
            client.socket.close()
    return {(f"PSS KiB a client of {count} in IDLE", LESS): (after - before) / count, (f"processes, {count} clients in IDLE", LESS): there}
