#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Holds docs/invariants.md against the tree: every promise has a number of its own and names code and
# a test, what is named exists, and a promise that tests or code speak of is one.
#
#   invariants.sh [DOCUMENT]

set -u
cd "$(dirname "$0")/.." || exit 2
document=${1:-docs/invariants.md}
number='(SAFE|LIVE)-[0-9]+'
bad=0

complain()
{
	echo "$document: $*" >&2
	bad=$((bad + 1))
}

# A promise and what is said of it, one to a line.
promises()
{
	awk '/^- \*\*/ { if (text) print text; text = $0; next }
		/^  / { if (text) text = text " " $0; next }
		{ if (text) print text; text = "" }
		END { if (text) print text }' "$document" | grep -E "^- \*\*$number\*\*"
}

# Whether a name, which may have a *, is that of a file: a path, or one of the tests.
exists()
{
	[ -n "$(compgen -G "$1")" ] && return
	case $1 in
	*/*) return 1 ;;
	*) [ -n "$(compgen -G "tests/*/$1")" ] ;;
	esac
}

names()
{
	grep -oE '`[^` ]+`' | tr -d '`' |
		grep -E '^(lib|daemon|ebpf|tests|docs|systemd|man)/|^(test|fuzz|bench)_[^ ]*\.(c|py)$'
}

while read -r twice; do
	complain "$twice is there twice"
done < <(promises | grep -oE "^- \*\*$number" | sort | uniq -d | cut -c 5-)

while read -r name; do
	exists "$name" || complain "there is no $name"
done < <(names <"$document" | sort -u)

count=0
before=
while read -r promise; do
	id=$(echo "$promise" | grep -oE "$number" | head -n 1)
	count=$((count + 1))
	echo "$promise" | names | grep -qE '^(lib|daemon|ebpf)/' || complain "$id names no code"
	if ! echo "$promise" | grep -qE 'tests/|test_|[Ss]imulator|[Cc]hecker|`make check' &&
		! { [ -n "$before" ] && echo "$promise" | grep -q 'The same tests'; }; then
		complain "$id names no test"
	fi
	before=$id
done < <(promises)
[ "$count" != 0 ] || complain "there is no promise"

known=$(promises | grep -oE "^- \*\*$number" | cut -c 5-)
while read -r id; do
	grep -qx "$id" <<<"$known" || complain "there is no $id; see $(git grep -lwE "$id" -- \
		lib daemon ebpf tests docs | tr '\n' ' ')"
done < <(grep -rhowE "$number" lib daemon ebpf tests/*/ docs README.md | sort -u)

# A deliberate bug whose place in the source is gone proves nothing.
tests/bpf/mutants.py . --texts >/dev/null || complain "$(tests/bpf/mutants.py . --texts)"
tests/lab/losses.py --check || bad=1

[ "$bad" = 0 ] && echo "$count promises, each with a number, code and a test"
