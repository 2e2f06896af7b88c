#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Usage: tests/fuzz/corpora.sh BUILD SECONDS FUZZER...        (make fuzz-corpora, as root)
#
# Makes the corpora in tests/fuzz/corpus anew: seeds from this kernel and our own encoders, what is
# there already, what `make fuzz` found (build/fuzz/corpus), SECONDS of fuzzing more; of all that, per
# target, the smallest inputs that together reach all that is reached.  Look at the difference with
# git before you commit it.

set -eu

build=$1
seconds=$2
shift 2
namespace=mlag-corpora-$$
work=$(mktemp -d)
trap 'rm -rf "$work"; ip netns del "$namespace" 2>/dev/null || true' EXIT

# Inputs larger than this are not kept: the tree stays small, and the smoke quick.
size_max=4096

# Something of everything that a kernel may be asked for; what it does not have is left out.
populate()
{
	ip -batch - -force <<-END 2>/dev/null || true
		link set lo up
		link add br0 type bridge vlan_filtering 1 mcast_snooping 0
		link add br0 type bridge
		link add pl type veth peer name other
		link add bond1 type bond mode 802.3ad
		link add vrf1 type vrf table 10
		link set pl master br0
		link set br0 up
		link set pl up
		link set other up
		link set pl alias fuzz
		link add link br0 name vlan10 type vlan id 10
		link add link br0 name br0-gw type macvlan mode private
		address add 10.0.0.1/24 dev br0
		address add 10.0.1.1 peer 10.0.1.2/32 dev br0
		address add 2001:db8::1/64 dev br0 nodad
		route add default via 10.0.0.2 metric 7
		route add 10.9.0.0/16 nexthop via 10.0.0.3 nexthop via 10.0.0.4
		route add unreachable 10.8.0.0/16
		nexthop add id 1 via 10.0.0.9 dev br0
		route add 10.7.0.0/16 nhid 1
		-6 route add default via 2001:db8::2
		rule add pref 32800 fwmark 0/1 iif br0 table 109
		-6 rule add pref 32800 fwmark 0/1 iif br0 table 109
		neigh add 10.0.0.20 lladdr 02:00:00:00:00:20 dev br0 nud permanent
		neigh add 10.0.0.21 lladdr 02:00:00:00:00:21 dev br0 nud stale protocol 109
		neigh add 2001:db8::20 lladdr 02:00:00:00:00:20 dev br0 nud stale
	END
	bridge fdb add 02:00:00:00:00:30 dev pl master static || true
	bridge fdb add 02:00:00:00:00:31 dev pl master sticky static || true
	bridge fdb add 02:00:00:00:00:32 dev pl master dynamic extern_learn || true
}

ip netns add "$namespace"
export -f populate
nsenter --net="/run/netns/$namespace" bash -c populate
nsenter --net="/run/netns/$namespace" "$build/tests/fuzz_seeds" "$work/seeds" \
	systemd/mlagd.conf systemd/examples/*.conf

for binary in "$@"; do
	name=${binary##*/fuzz_}
	kept=tests/fuzz/corpus/$name
	found=build/fuzz/corpus/$name
	mkdir -p "$kept" "$found" "$work/seeds/$name" "$work/new"
	rm -f "$work/new"/*
	if [ "$seconds" -gt 0 ]; then
		"$binary" -max_total_time="$seconds" -timeout=10 -max_len="$size_max" \
			-artifact_prefix="build/fuzz/$name-" "$found" "$kept" \
			"$work/seeds/$name" >"$work/out" 2>&1 || { tail -n 40 "$work/out"; exit 1; }
	fi
	"$binary" -set_cover_merge=1 -timeout=10 -max_len="$size_max" "$work/new" \
		"$work/seeds/$name" "$kept" "$found" >"$work/out" 2>&1 ||
		{ tail -n 40 "$work/out"; exit 1; }
	rm -f "$kept"/*
	cp "$work/new"/* "$kept"/
	printf '  %-12s %4d inputs, %d octets\n' "$name" "$(find "$kept" -type f | wc -l)" \
		"$(cat "$kept"/* | wc -c)"
done
