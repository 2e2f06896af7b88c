#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the parts of `make check` and counts.  Called by the Makefile:
#
#   check.sh cmocka PART BUILD BINARY...           cmocka programs, one after another
#   check.sh one PART BUILD COMMAND...             a command that is one test
#   check.sh fuzz PART BUILD SECONDS BINARY...     libFuzzer targets over their corpus
#   check.sh lab PART BUILD COMMAND...             the labs; they count themselves
#   check.sh root MODE PART BUILD ...              the same as MODE, skipped without root
#   check.sh all MAKE BUILD PART...                every part, then the totals
#
# Each part leaves "passed failed skipped" in BUILD/results/PART; `all` adds them up.

set -u

# A test that hangs is a test that fails.  Seconds.
test_timeout_s=${TEST_TIMEOUT:-300}
lab_timeout_s=${LAB_TIMEOUT:-2400}

record()
{
	mkdir -p "$build/results"
	echo "$1 $2 $3" >"$build/results/$part"
}

# The total of a part, and its exit status.
finish()
{
	record "$passed" "$failed" "$skipped"
	echo "$part: $passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
	[ "$failed" = 0 ]
}

# Sums the numbers that sed finds in a file with the given script.
sum()
{
	sed -n "$1" "$2" | awk '{ total += $1 } END { print total + 0 }'
}

seconds_since()
{
	awk -v then="$1" -v now="$(date +%s.%N)" 'BEGIN { printf "%.2f", now - then }'
}

run_cmocka()
{
	local binary output status started good bad
	output=$build/results/$part.out
	for binary in "$@"; do
		started=$(date +%s.%N)
		# shellcheck disable=SC2086 # WRAP is a command with its arguments
		timeout -k 5 "$test_timeout_s" ${WRAP:-} "$binary" >"$output" 2>&1 </dev/null
		status=$?
		good=$(sum 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$output")
		bad=$(sum 's/^\[  FAILED  \] .* \([0-9]*\) test.*/\1/p' "$output")
		# A crash, a sanitizer's report or a timeout leaves no line of its own.
		if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
			bad=1
		fi
		# A program that checked nothing has not passed.
		if [ "$status" = 0 ] && [ "$good" = 0 ]; then
			echo "$binary: no test ran" >>"$output"
			bad=1
		fi
		passed=$((passed + good))
		failed=$((failed + bad))
		if [ "$bad" = 0 ]; then
			printf '  ok      %-32s %4d tests  %s s\n' "${binary##*/}" "$good" \
				"$(seconds_since "$started")"
		else
			cat "$output"
			printf '  FAILED  %-32s exit status %d\n' "${binary##*/}" "$status"
		fi
	done
	finish
}

run_one()
{
	local status=0

	timeout -k 5 "$test_timeout_s" "$@" </dev/null || status=$?
	case $status in
	0) passed=1 ;;
	77) skipped=1 ;;
	*)
		echo "$part: FAILED, exit status $status"
		failed=1
		;;
	esac
	finish
}

run_fuzz()
{
	local seconds=$1 binary name corpus seeds output
	shift
	output=$build/results/$part.out
	for binary in "$@"; do
		name=${binary##*/fuzz_}
		corpus=build/fuzz/corpus/$name
		mkdir -p "$corpus"
		# These are only read; what is found new goes to build/.
		seeds=tests/fuzz/corpus/$name
		if [ -z "$(ls -A "$seeds" 2>/dev/null)" ]; then
			failed=$((failed + 1))
			printf '  FAILED  %-32s has no corpus: make fuzz-corpora\n' "${binary##*/}"
			continue
		fi
		if timeout -k 5 $((seconds + 120)) "$binary" -max_total_time="$seconds" \
			-timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix="build/fuzz/$name-" "$corpus" "$seeds" \
			>"$output" 2>&1 </dev/null; then
			passed=$((passed + 1))
			printf '  ok      %-32s %s runs\n' "${binary##*/}" \
				"$(sum 's/^stat::number_of_executed_units: *//p' "$output")"
		else
			failed=$((failed + 1))
			tail -n 60 "$output"
			printf '  FAILED  %s\n' "${binary##*/}"
		fi
	done
	finish
}

run_lab()
{
	local status output total
	output=$build/results/$part.out
	timeout -k 30 "$lab_timeout_s" "$@" </dev/null 2>&1 | tee "$output"
	status=${PIPESTATUS[0]}
	# tests/lab/run ends with "lab: 12 passed, 0 failed", and ", 1 skipped" where there are any.
	total=$(sed -n 's/^lab: \([0-9]* passed, [0-9]* failed.*\)/\1/p' "$output" | tail -n 1)
	passed=$(expr "$total" : '\([0-9]*\) passed')
	failed=$(expr "$total" : '[0-9]* passed, \([0-9]*\) failed')
	skipped=$(expr "$total" : '.* failed, \([0-9]*\) skipped')
	passed=${passed:-0} failed=${failed:-0} skipped=${skipped:-0}
	if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
		echo "$part: FAILED, exit status $status"
		failed=1
	elif [ "$status" = 0 ] && [ "$passed" = 0 ]; then
		echo "$part: no test ran"
		failed=1
	fi
	finish
}

run_all()
{
	local make=$1 name good bad left started status=0
	build=$2
	shift 2
	for name in "$@"; do
		echo "== $name"
		started=$(date +%s.%N)
		rm -f "$build/results/$name"
		if ! $make --no-print-directory "$name"; then
			status=1
			# One that broke before it could count, as by a compiler's error.
			if [ ! -f "$build/results/$name" ]; then
				part=$name record 0 1 0
			fi
		elif [ ! -f "$build/results/$name" ]; then
			part=$name record 1 0 0
		fi
		echo "   $(seconds_since "$started") s"
	done
	echo
	for name in "$@"; do
		[ -f "$build/results/$name" ] || continue
		read -r good bad left <"$build/results/$name"
		passed=$((passed + good))
		failed=$((failed + bad))
		skipped=$((skipped + left))
		printf '%-18s %5d passed, %d failed%s\n' "$name" "$good" "$bad" \
			"$([ "$left" = 0 ] || echo ", $left skipped")"
	done
	if [ "$skipped" != 0 ]; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	# Labs that failed beside others and passed alone: nobody is to overlook them.
	sed -n '/^UNSTEADY/p' "$build"/results/*.out 2>/dev/null
	[ "$status" = 0 ] && [ "$failed" = 0 ]
}

mode=$1
shift
passed=0
failed=0
skipped=0

if [ "$mode" = all ]; then
	run_all "$@"
	exit
fi

need_root=0
if [ "$mode" = root ]; then
	need_root=1
	mode=$1
	shift
fi
part=$1
build=$2
shift 2
mkdir -p "$build/results"
if [ "$need_root" = 1 ] && [ "$(id -u)" != 0 ]; then
	echo "$part: needs root; skipped (sudo make $part)"
	record 0 0 1
	exit 0
fi
if [ "$#" = 0 ]; then
	echo "$part: there is nothing to run"
	record 0 0 0
	exit 0
fi

case $mode in
cmocka) run_cmocka "$@" ;;
one) run_one "$@" ;;
fuzz) run_fuzz "$@" ;;
lab) run_lab "$@" ;;
*)
	echo "check.sh: unknown mode $mode" >&2
	exit 2
	;;
esac
