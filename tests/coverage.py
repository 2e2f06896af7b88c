#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which branches of lib/ the unit tests and the simulator took, file by file, and whether they suffice.

Reads what gcov knows of a build with --coverage that was run.  The always-on asserts are left out:
they are there to be never taken.  So is the way past a switch that names every value of its type: it
has no default, the compiler sees to it that no value is missing (-Wswitch-enum), and nothing takes it.

usage: coverage.py BUILD_DIRECTORY PERCENT_DEMANDED [FILE_WHOSE_MISSING_BRANCHES_ARE_NAMED...]
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

# (file, line): how often each branch of it was taken, over all objects that it was compiled into
Branches = dict[tuple[str, int], list[int]]

# Always inlined, so that gcov counts every copy; the checker walks all of forward.h, and mutants.py
# takes out each rule (make check-mutants, and tests/bpf/mutants.py for the shortcuts).
LEFT_OUT = ("lib/forward.h", "lib/shortcut.h", "lib/answer.h")


def add_lines(branches: Branches, file: dict) -> None:
    for line in file["lines"]:
        counts = [branch["count"] for branch in line["branches"]]
        have = branches.setdefault((file["file"], line["line_number"]), [0] * len(counts))
        have += [0] * (len(counts) - len(have))
        for index, count in enumerate(counts):
            have[index] += count


def read_branches(build: Path) -> Branches:
    branches: Branches = {}
    notes = sorted(str(path) for part in ("lib", "daemon", "tests/unit", "tests/sim")
                   for path in (build / "obj" / part).rglob("*.gcda"))
    if not notes:
        sys.exit(f"coverage: nothing was run in {build}")
    # One at a time: of many at once gcov makes one line that has the branches of all.
    for note in notes:
        done = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", note],
                              capture_output=True, text=True, check=True)
        for file in json.loads(done.stdout)["files"]:
            if file["file"].startswith("lib/") and file["file"] not in LEFT_OUT:
                add_lines(branches, file)
    return branches


def assert_lines(path: Path) -> set[int]:
    """The lines that asserts stand on."""
    lines, inside = set(), False
    for number, text in enumerate(path.read_text().splitlines(), 1):
        inside = inside or "mlag_assert(" in text
        if inside:
            lines.add(number)
            inside = not text.rstrip().endswith(";")
    return lines


def past_switches(path: Path) -> set[int]:
    """The lines of switches without a default: of each, one branch leads past all of its cases."""
    lines, opened = set(), []  # (line, depth, has a default) of switches that have not ended
    depth = 0
    for number, text in enumerate(path.read_text().splitlines(), 1):
        if text.lstrip().startswith("switch ("):
            opened.append([number, depth, False])
        if text.lstrip().startswith("default:") and opened:
            opened[-1][2] = True
        depth += text.count("{") - text.count("}")
        if opened and depth == opened[-1][1] and "}" in text:
            line, _, has_default = opened.pop()
            if not has_default:
                lines.add(line)
    return lines


def without_one_never(counts: list[int]) -> list[int]:
    """All but one of the branches that were never taken."""
    return sorted(counts)[1:] if 0 in counts else counts


def main() -> int:
    if len(sys.argv) < 3:
        sys.exit(__doc__.rstrip().rsplit("\n", 1)[1])
    demanded, named = float(sys.argv[2]), sys.argv[3:]
    files: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
    for (name, line), counts in read_branches(Path(sys.argv[1])).items():
        files[name].append((line, counts))
    all_taken = all_count = 0
    for name, lines in sorted(files.items()):
        asserts = assert_lines(Path(name))
        switches = past_switches(Path(name))
        lines = sorted((line, without_one_never(counts) if line in switches else counts)
                       for line, counts in lines if line not in asserts)
        count = sum(len(counts) for _, counts in lines)
        taken = sum(sum(1 for times in counts if times) for _, counts in lines)
        all_taken += taken
        all_count += count
        if count:
            print(f"  {100 * taken / count:6.1f} %  {taken:5} of {count:5}  {name}")
        if name in named:
            text = Path(name).read_text().splitlines()
            for line, counts in lines:
                if 0 in counts:
                    print(f"      {line}: {counts} {text[line - 1].strip()}")
    share = 100 * all_taken / all_count
    print(f"coverage: {share:.1f} % of {all_count} branches of lib/ taken by unit tests and "
          f"simulator, {demanded:g} % demanded")
    return 0 if share >= demanded else 1


if __name__ == "__main__":
    sys.exit(main())
