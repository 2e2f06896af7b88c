#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each failure cost, from the last run of test_failures.py into docs/failures.md.

    losses.py RESULTS     print the table and write it between the marks of the page
    losses.py --check     every row of the lab has a line on the page, and no line is without a row

A row that was not run keeps the line that it had.
"""

import json
import os
import re
import sys

LAB = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(LAB, "..", "..", "docs", "failures.md")
MODULE = os.path.join(LAB, "test_failures.py")
BEGIN, END = "<!-- begin: printed by make check-long -->\n", "<!-- end -->\n"
HEAD = ["what happens", "dual hosts", "half-attached", "orphans", "floods", "longest gap", "LACP again", ""]


def titles() -> list[str]:
    """Of the rows, in their order."""
    with open(MODULE, encoding="utf-8") as file:
        text = file.read()
    return re.findall(r'^    Row\("([^"]+)"', text[text.index("ROWS = ["):], re.MULTILINE)


def read_page() -> tuple[str, dict[str, str], str]:
    """What is before the table, its lines by title, what is after it."""
    with open(PAGE, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    table, after = rest.split(END)
    lines = {line.split("|")[1].strip(): line for line in table.splitlines()[2:]}
    return before, lines, after


def line_of(cells: list[str]) -> str:
    """Of the table."""
    return "| " + " | ".join(cells) + " |"


def check() -> int:
    """Page and lab speak of the same rows."""
    _, lines, _ = read_page()
    faults = [f"docs/failures.md: no line for: {title}" for title in titles() if title not in lines]
    faults += [f"test_failures.py: no row for: {title}" for title in lines if title not in titles()]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(lines)} rows of failures, {len(faults)} faults")
    return 1 if faults else 0


def write(path: str) -> int:
    """The results into the page."""
    before, lines, after = read_page()
    with open(path, encoding="utf-8") as file:
        lines |= {title: line_of(cells) for title, cells in json.load(file).items()}
    table = [line_of(HEAD), "|" + "---|" * len(HEAD)]
    table += [lines[title] for title in titles() if title in lines]
    print("\n".join(table))
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n".join(table) + "\n" + END + after)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check() if sys.argv[1] == "--check" else write(sys.argv[1]))
