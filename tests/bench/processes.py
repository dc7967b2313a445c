"""What a tree of processes costs, read from /proc."""
import os

TICKS = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """The fields of /proc/PID/stat after the name, which may hold spaces; None when it ended meanwhile."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(root):
    """The living processes that descend from root, itself included."""
    parents = {}
    for name in os.listdir("/proc"):
        fields = stat(name) if name.isdigit() else None
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead.extend(parents.get(pid, []))
    return found


def cpu_seconds(root):
    """User and system time of the tree. Ended children count through the parent that waited for them."""
    return sum(sum(map(int, fields[11:15])) for pid in tree(root) if (fields := stat(pid))) / TICKS


def pss_kib(root):
    """Memory of the tree, what is shared divided among its users."""
    total = 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total
