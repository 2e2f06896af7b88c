#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: tests/purity.sh LIBRARY NM CC      (normally: make check-purity)
#
# The engine is pure (DESIGN: lib/ decides).  In a plain build its objects may need only mem*, str*
# and the assert hook, and may hold no variable of their own.  First the test shows that it can
# fail: an object that reads the clock and one with a static counter must be refused.

set -eu

library=$1
nm=$2
cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Prints what is wrong with an object or archive, nothing when it is pure.
impurities() {
	"$nm" -u "$1" | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u >"$dir/wanted"
	"$nm" --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u >"$dir/defined"
	comm -23 "$dir/wanted" "$dir/defined" |
		grep -vE '^(mem[a-z]+|str[a-z]+|mlag_assert_failed|_GLOBAL_OFFSET_TABLE_)$' |
		sed 's/^/calls outside: /' || true
	"$nm" --defined-only "$1" | awk 'NF == 3 && $2 ~ /^[bBdDC]$/ { print "has a variable: " $3 }'
}

echo 'long time(long *); long clock_reader(void); long clock_reader(void) { return time(0); }' \
	>"$dir/clock.c"
echo 'int counter(void); int counter(void) { static int calls; return ++calls; }' \
	>"$dir/variable.c"
for sample in clock variable; do
	"$cc" -O2 -fno-pie -c -o "$dir/$sample.o" "$dir/$sample.c"
	if [ -z "$(impurities "$dir/$sample.o")" ]; then
		echo "purity: the test does not see what it should ($sample)" >&2
		exit 1
	fi
done

found=$(impurities "$library")
if [ -n "$found" ]; then
	echo "purity: $library" >&2
	printf '%s\n' "$found" | sed 's/^/    /' >&2
	exit 1
fi
if [ "$("$nm" --defined-only "$library" | awk 'NF == 3 && $2 == "T"' | wc -l)" = 0 ]; then
	echo "purity: $library is empty" >&2
	exit 1
fi
echo "purity: $(ar t "$library" | wc -l) objects call nothing but mem*, str* and the assert hook"
