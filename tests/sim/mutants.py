#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves that the simulator can fail: deliberate bugs in lib/, one at a time.

Each is a mistake that somebody could make.  The simulator is linked with the one changed file and must
find a violation within a thousand seeds; the seed and the promise that it names are printed.  All of
them get a few seeds first, so that what is found early is known early.

usage: mutants.py CC SOURCE_DIRECTORY BUILD_DIRECTORY [WORD_OF_A_NAME]
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROUNDS = (20, 150, 1000)  # seeds, from 1 on
SEED_SECONDS_MAX = 30  # a bug may also make the pair go round for ever


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
    Bug("an entry that outlives its claim", "mac.c",
        "table_peer(&engine->macs, row));\n\t}\n\treturn none;\n}",
        "table_peer(&engine->macs, row));\n\t}\n\treturn local->believed;\n}"),
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
        "return active || table_row_is_acked(&engine->addresses, row) ? NULL : unacked_text;",
        "return NULL;"),
    Bug("a peer link that was never there taken for lost", "verdict.c",
        "if (!view->link_awaited || view->link == LIVENESS_LINK_USABLE ||",
        "if (view->link_awaited || view->link == LIVENESS_LINK_USABLE ||"),
    Bug("a session of a new boot taken for a split", "liveness.c",
        "take_boot(liveness, boot_id, now_ns);\n\t\tfound = true;",
        "take_boot(liveness, boot_id, now_ns);"),
    Bug("hearsay that is repeated", "neighbor.c",
        "local->sighted = !entry->marked || confirmed || moved ||",
        "local->sighted = true || confirmed || moved ||"),
)


def build(number: int, bug: Bug, compiler: str, source: Path, directory: Path) -> Path:
    """The simulator with one bug in it."""
    path = source / "lib" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        sys.exit(f"mutants: {bug.name}: {bug.file} has the text to change {text.count(bug.old)} times")
    work = directory / f"bug-{number}"
    work.mkdir(parents=True, exist_ok=True)
    (work / bug.file).write_text(text.replace(bug.old, bug.new))
    objects = directory.parent
    sim = work / "sim"
    # The archive's own copy of the file is not taken: what it defines is there already.
    done = subprocess.run(
        [compiler, "-O2", "-std=gnu17", "-D_GNU_SOURCE", "-w", f"-I{source}/lib", "-o", sim,
         work / bug.file, *sorted(map(str, (objects / "obj/tests/sim").glob("*.o"))),
         objects / "obj/daemon/common/release.o", objects / "obj/daemon/mlagd/peer/tls.o",
         objects / "libunit.a", objects / "libmlagguard.a", objects / "libmlag.a", "-lssl",
         "-lcrypto"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"mutants: {bug.name} does not build:\n{done.stderr[:2000]}")
    return sim


def run(sim: Path, seeds: int) -> str | None:
    """What the simulator, or an assertion of the engine, said of the bug; None: nothing."""
    try:
        done = subprocess.run([sim, "--until-failed", str(seeds)], capture_output=True, text=True,
                              timeout=SEED_SECONDS_MAX + seeds)
    except subprocess.TimeoutExpired:
        return "a seed that does not end"
    if done.returncode == 0:
        return None
    said = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode == 1 and said:
        return said[-1]
    return f"ended by {done.returncode}: {said[-1] if said else 'no word'}"


def main() -> int:
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__.rstrip().rsplit("\n", 1)[1])
    compiler, source, directory = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    word = sys.argv[4] if len(sys.argv) == 5 else ""
    bugs = [bug for bug in BUGS if word in bug.name]
    begin = time.monotonic()
    left = [(bug, build(number, bug, compiler, source, directory))
            for number, bug in enumerate(bugs)]
    for seeds in ROUNDS:
        missed = []
        for bug, sim in left:
            said = run(sim, seeds)
            if said is None:
                missed.append((bug, sim))
            else:
                print(f"  found   {bug.name}: {said}", flush=True)
        left = missed
        print(f"  {len(bugs) - len(left)} of {len(bugs)} within {seeds} seeds, "
              f"{time.monotonic() - begin:.0f} s", flush=True)
        if not left:
            break
    for bug, _ in left:
        print(f"  MISSED  {bug.name}")
    print(f"mutants: {len(bugs)} bugs in lib/: {len(bugs) - len(left)} found by the simulator, "
          f"{len(left)} not")
    return 1 if left or not bugs else 0


if __name__ == "__main__":
    sys.exit(main())
