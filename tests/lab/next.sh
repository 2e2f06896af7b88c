#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: tests/lab/next.sh DIRECTORY      (normally: make build/next/mlagd)
#
# Builds the mlagd of some later release into DIRECTORY: a program that is another one, two maps with
# room for more rows, two whose rows became longer, and a new reason among the counters.  That is
# what an upgrade of a running daemon has to cope with.

set -eu

directory=$1
source=$directory/source

rm -rf "$source"
mkdir -p "$source"
cp -R Makefile lib ebpf daemon "$source"

# change FILE FROM TO: exactly one line must match, or the sources have outgrown this script.
change() {
	if [ "$(grep -c -- "$2" "$source/$1")" != 1 ]; then
		echo "next: $1 has no single line with '$2'" >&2
		exit 1
	fi
	sed -i "s|$2|$3|" "$source/$1"
}

change ebpf/mlag_maps.h 'define MLAG_MAP_PORTS_MAX 1024' 'define MLAG_MAP_PORTS_MAX 1536'
change ebpf/mlag_maps.h 'define MLAG_MAP_ADDRESSES_MAX 16384' 'define MLAG_MAP_ADDRESSES_MAX 20000'
change lib/forward_types.h '	struct mlag_port_memory memory;' '	struct mlag_port_memory memory; __u64 later;'
change lib/forward_types.h '	__u64 epoch;' '	__u64 epoch; __u64 later;'
change lib/forward_types.h 'X(MLAG_REASON_NONE, "none", "", 1)' \
	'X(MLAG_REASON_NONE, "none", "", 1) X(MLAG_REASON_LATER, "later", "", 1)'
change ebpf/isolate.bpf.c 'return (int)bpf_redirect(' \
	'if (!skb->len) { count(skb, MLAG_REASON_LATER); } return (int)bpf_redirect('
make -C "$source" --no-print-directory BUILD=build build/mlagd >"$directory/log" 2>&1 ||
	{ cat "$directory/log" >&2; exit 1; }
cp "$source/build/mlagd" "$directory/mlagd.new"
rm -rf "$source"
mv "$directory/mlagd.new" "$directory/mlagd"
