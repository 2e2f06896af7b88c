#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves that the simulator can fail: deliberate bugs in lib/, one at a time.

Each is a mistake that somebody could make.  The simulator is linked with the one changed file and must
find a violation within a thousand seeds; which promise it names is printed.

usage: mutants.py CC SOURCE_DIRECTORY BUILD_DIRECTORY
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SEEDS = 1000


class Bug(NamedTuple):
    name: str
    file: str
    old: str
    new: str


BUGS = (
    Bug("a skipped sequence check", "mac.c",
        "if (row->own_seq != row->peer_seq) {\n\t\treturn row->own_seq > row->peer_seq;",
        "if (0) {\n\t\treturn row->own_seq > row->peer_seq;"),
    Bug("a dump trusted for deletion", "mac.c",
        "\t\t\tlocal->verify = true;\n\t\t\ttable_program(&engine->macs, row);\n\t\t}\n\t}\n}\n\nvoid mac_failed(",
        "\t\t\tmemset(&local->seen, 0, sizeof(local->seen));\n"
        "\t\t\tlocal->believed = local->seen;\n\t\t\ttable_withdraw(&engine->macs, row);\n"
        "\t\t\tevaluate(engine, row);\n\t\t}\n\t}\n}\n\nvoid mac_failed("),
    Bug("an acknowledgement before the filter is written", "leg.c",
        "value.enforced = leg->applied_generation;",
        "value.enforced = leg->program_generation;"),
    Bug("a leg that opens without the acknowledgement", "leg.c",
        "if (leg->state == MLAG_LEG_READY && is_acked(engine, row)) {",
        "if (leg->state == MLAG_LEG_READY) {"),
    Bug("an acknowledgement of another coming-up", "leg.c",
        "return (peer != NULL && peer->enforced == leg_of(engine, row)->generation &&",
        "return (peer != NULL && peer->enforced != 0 &&"),
    Bug("a stale verdict", "pair.c",
        "if (verdict.verdict == engine->verdict) {",
        "if (verdict.verdict == engine->verdict || engine->session == MLAG_SESSION_UP) {"),
    Bug("a split that leaves R1 lifted", "engine.c",
        "if (!link->present || engine->verdict == MLAG_VERDICT_SPLIT) {",
        "if (!link->present) {"),
    Bug("a lost withdraw", "table.c",
        "\tdrop_own(table, row);\n\trow->own_seq = 0;\n\tpublish(table, row);",
        "\tdrop_own(table, row);\n\trow->own_seq = 0;"),
    Bug("an off-by-one in a digest", "table.c",
        "return table_row_index(table, row) <= table->scrub.cursor;",
        "return table_row_index(table, row) < table->scrub.cursor;"),
    Bug("a snapshot whose end withdraws nothing", "table.c",
        "if (table_row_is_peer(row) && row->peer_epoch != table->peer_epoch) {",
        "if (table_row_is_peer(row) && row->peer_epoch > table->peer_epoch) {"),
    Bug("an older peer's message misread", "wire.c",
        "uint32_t count = buf_left(reader) > 0 ? buf_get_u8(reader) : 0;",
        "uint32_t count = buf_get_u8(reader);"),
    Bug("a newer peer's message refused", "wire.c",
        "\tif (reader->failed || hello.version_min > hello.version) {",
        "\tif (reader->failed || buf_left(reader) > 0 || hello.version_min > hello.version) {"),
    Bug("a repair that drops nothing", "repair.c",
        "if (table_row_is_peer(row) && row->peer_epoch != table->peer_epoch &&",
        "if (table_row_is_peer(row) && row->peer_epoch > table->peer_epoch &&"),
    Bug("rows that are never read again", "engine.c",
        "if (digest_scrub(table, (uint32_t)looks) &&",
        "if (digest_scrub(table, 0) &&"),
    Bug("a last resort without the peer's word", "lastresort.c",
        "return active || (row->flags & TABLE_ROW_ACKED) != 0 ? NULL : unacked_text;",
        "return NULL;"),
    Bug("hearsay that is repeated", "neighbor.c",
        "local->sighted = !entry->marked || confirmed || moved ||",
        "local->sighted = true || confirmed || moved ||"),
)


def build(number: int, bug: Bug, compiler: str, source: Path, directory: Path) -> Path | str:
    """The simulator with one bug in it, or what is wrong."""
    path = source / "lib" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        return f"{bug.file}: the text to change is there {text.count(bug.old)} times"
    work = directory / f"bug-{number}"
    work.mkdir(parents=True, exist_ok=True)
    (work / bug.file).write_text(text.replace(bug.old, bug.new))
    objects = directory.parent
    sim = work / "sim"
    done = subprocess.run(
        [compiler, "-O2", "-std=gnu17", "-D_GNU_SOURCE", "-w", f"-I{source}/lib", "-o", sim,
         work / bug.file, *sorted(map(str, (objects / "obj/tests/sim").glob("*.o"))),
         objects / "libunit.a", objects / "libmlag.a"], capture_output=True, text=True)
    return sim if done.returncode == 0 else "does not build: " + done.stderr[:400]


def run(number: int, bug: Bug, compiler: str, source: Path, directory: Path) -> tuple[bool, str]:
    """Whether it was found, and by what."""
    sim = build(number, bug, compiler, source, directory)
    if isinstance(sim, str):
        return False, sim
    done = subprocess.run([sim, "--until-failed", str(SEEDS)], capture_output=True, text=True)
    said = (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""])[-1]
    return done.returncode not in (0, 3), said if done.returncode != 0 else "NOT found"


def main() -> int:
    if len(sys.argv) != 4:
        sys.exit(__doc__.rstrip().rsplit("\n", 1)[1])
    compiler, source, directory = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        answers = list(pool.map(lambda item: run(*item, compiler, source, directory),
                                enumerate(BUGS)))
    for bug, (found, said) in zip(BUGS, answers):
        print(f"{'found' if found else 'MISSED':7} {bug.name}: {said}")
    missed = sum(not found for found, _ in answers)
    print(f"mutants: {len(BUGS)} bugs in lib/: {len(BUGS) - missed} found by the simulator, "
          f"{missed} not")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
