#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves that the exhaustive checker can fail: deletes each rule of lib/forward.h in turn.

Every condition of a decision function is taken out, every choice of a return is made once for each
side, and each helper that answers a question about a port answers yes, and no.  The checker is built
with each such header and must find a violation.  A mutant that survives is a rule that nobody would
miss, or a promise that nobody checks: either is a defect.

usage: mutants.py CC SOURCE_DIRECTORY BUILD_DIRECTORY
"""

import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, NamedTuple, Optional

DECISIONS = ("mlag_peer_link_to_leg", "mlag_local_to_held_vlan", "mlag_local_to_leg",
             "mlag_leg_egress", "mlag_peer_link_egress", "mlag_receive_own",
             "mlag_receive_third_party", "mlag_receive_for_peer", "mlag_receive")
HELPERS = ("mlag_port_is_held", "mlag_port_is_isolated", "mlag_is_from_peer_link",
           "mlag_gate_restricts", "mlag_ipv4_is_routable")

# What the model cannot see, each with the reason.
EQUIVALENT = {
    ("mlag_leg_egress", "port->kind != MLAG_PORT_LEG"):
        "isolate_leg is attached to legs only",
    ("mlag_peer_link_egress", "ingress->kind != MLAG_PORT_LEG"):
        "the gate of another port is none, and nothing is held there",
    ("mlag_peer_link_egress", "frame->reserved"):
        "the bridge forwards none, so they come from the member itself, which passes anyway",
    ("mlag_local_to_held_vlan", "frame->group"):
        "spares a lookup: a group MAC is in no map",
    ("mlag_receive", "port->kind == MLAG_PORT_PEER_LINK"):
        "receive is not attached to the peer link",
    ("mlag_receive", "packet->group"):
        "spares a lookup: no router has a group MAC",
}


class Mutant(NamedTuple):
    function: str
    change: str
    text: str


def functions(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of the body of every function."""
    for match in re.finditer(r"^MLAG_INLINE [^\n;]*?\b(mlag_\w+)\((?:[^{};]*)\)\n\{\n", text, re.M):
        yield match[1], match.end(), text.index("\n}\n", match.end()) + 1


def closing(text: str, start: int) -> int:
    """The index after the parenthesis that closes the one at @start."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    raise ValueError("unbalanced")


def clauses(condition: str) -> list[str]:
    """The operands of the outermost || of a condition."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(condition):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and condition.startswith("||", index):
            parts.append(condition[start:index].strip())
            start = index + 2
    return parts + [condition[start:].strip()]


def mutate_decision(text: str, name: str, start: int, end: int) -> Iterator[Mutant]:
    for match in re.finditer(r"\bif \(", text[start:end]):
        at = start + match.end() - 1
        after = closing(text, at)
        condition = text[at + 1:after - 1]
        for clause in clauses(condition):
            without = [part for part in clauses(condition) if part != clause] or ["0"]
            words = " ".join(clause.split())
            if (name, words) in EQUIVALENT:
                continue
            yield Mutant(name, f"without: {words}",
                         text[:at] + "(" + " || ".join(without) + ")" + text[after:])
    for match in re.finditer(r"return ([^;?]*)\?([^;:]*):([^;]*);", text[start:end]):
        for side in (2, 3):
            words = " ".join(match[side].split())
            yield Mutant(name, f"always: {words}",
                         text[:start + match.start()] + f"return {match[side].strip()};" +
                         text[start + match.end():])


def mutate_helper(text: str, name: str, start: int) -> Iterator[Mutant]:
    for value in ("false", "true"):
        yield Mutant(name, f"always {value}", f"{text[:start]}\treturn {value};\n{text[start:]}")


def mutants(text: str) -> Iterator[Mutant]:
    found = set()
    for name, start, end in functions(text):
        if name in DECISIONS:
            found.add(name)
            yield from mutate_decision(text, name, start, end)
        elif name in HELPERS:
            found.add(name)
            yield from mutate_helper(text, name, start)
    missing = set(DECISIONS + HELPERS) - found
    if missing:
        sys.exit(f"mutants: lib/forward.h has no {', '.join(sorted(missing))}")


class Answer(NamedTuple):
    promise: Optional[str]  # that the checker saw broken, with its number; None: it saw nothing
    said: str


def run(number: int, mutant: Mutant, compiler: str, source: Path, build: Path) -> Answer:
    """Which promise a mutant breaks, in the checker's words."""
    directory = build / f"mutant-{number}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "forward.h").write_text(mutant.text)
    checker = directory / "checker"
    built = subprocess.run([compiler, "-O2", "-std=gnu17", "-D_GNU_SOURCE", "-w",
                            f"-I{directory}", f"-I{source}/lib", "-o", checker,
                            *sorted(map(str, (source / "tests/checker").glob("*.c")))],
                           capture_output=True, text=True)
    if built.returncode != 0:
        return Answer(None, "does not compile: " + built.stderr[:300])
    done = subprocess.run([checker, "--first"], capture_output=True, text=True)
    broken = re.search(r"^((?:SAFE-|LIVE-|R)\d+): .*", done.stdout, re.M)
    if done.returncode == 1 and broken is not None:
        return Answer(broken[1], broken[0])
    if done.returncode == 1 and "a worker did not end as it should" in done.stderr:
        return Answer("a crash", "a port that there is not is read")
    return Answer(None, f"survives (exit status {done.returncode})")


def main() -> int:
    if len(sys.argv) != 4:
        sys.exit(__doc__.rstrip().rsplit("\n", 1)[1])
    compiler, source, build = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    todo = list(mutants((source / "lib/forward.h").read_text()))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(lambda item: run(*item, compiler, source, build), enumerate(todo)))
    bad = [answer for answer in answers if answer.promise is None]
    for mutant, answer in zip(todo, answers):
        print(f"  {'found ' if answer.promise else 'MISSED'}  {mutant.function}, {mutant.change}: "
              f"{answer.said}")
    found = Counter(answer.promise for answer in answers if answer.promise is not None)
    print("  by " + ", ".join(f"{promise} {count}" for promise, count in found.most_common()))
    print(f"mutants: {len(todo)} rules of forward.h taken out one at a time: "
          f"{len(todo) - len(bad)} noticed by the checker, {len(bad)} not")
    return 1 if bad or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
