"""The table of a measurement: both sides measured in turns, medians, how many times better ours is. It judges nothing."""
import math
import statistics

import processes

LESS, MORE = -1, 1  # which is better


def row(what, better, figures):
    ours, theirs = figures
    return what, figures, (ours / theirs) ** better if ours and theirs else math.nan


def in_turns(stacks, rounds, measure):
    """Rows of medians. measure(stack, turn) gives {(what, LESS or MORE): figure}; who comes first changes with each turn."""
    results = {stack: [] for stack in stacks}
    for turn in range(rounds):
        for stack in stacks if turn % 2 == 0 else reversed(stacks):
            results[stack].append(measure(stack, turn))
    return [row(what, better, [statistics.median(result[what, better] for result in results[stack]) for stack in stacks])
            for what, better in results[stacks[0]][0]]


def memory(stacks, when):
    return [row(f"PSS MiB {when}", LESS, [processes.pss_kib(stack.pid) / 1024 for stack in stacks]),
            row(f"processes {when}", LESS, [len(processes.tree(stack.pid)) for stack in stacks])]


def show(stacks, rows):
    print(f"{'':38} {stacks[0].name:>10} {stacks[1].name:>10} {'times better':>13}")
    for what, (ours, theirs), ratio in rows:
        print(f"{what:38} {ours:10.2f} {theirs:10.2f} {ratio:13.2f}")
