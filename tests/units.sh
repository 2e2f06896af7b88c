#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The systemd units: each is valid, may do what mlagd needs, and is exposed at most 2.5
# (systemd-analyze security).  Skipped where systemd is not installed.
#
# usage: units.sh UNIT...

set -u
limit_tenths=25
status=0

fail()
{
	echo "units: $1" >&2
	status=1
}

command -v systemd-analyze >/dev/null || {
	echo "units: systemd-analyze is not installed; skipped"
	exit 0
}
for unit in "$@"; do
	exposure=$(systemd-analyze security --offline=true --no-pager "$unit" 2>/dev/null |
		sed -n 's/.*Overall exposure level for .*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p')
	if [ -z "$exposure" ]; then
		fail "$unit: systemd-analyze says nothing of it"
	elif [ "$exposure" -gt "$limit_tenths" ]; then
		fail "$unit: exposure $exposure tenths, at most $limit_tenths are allowed"
	fi
	# What the code opens: netlink, hellos and announcements, the session; /proc/sys/net.
	for word in AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET; do
		grep -q "^RestrictAddressFamilies=.*\b$word\b" "$unit" || fail "$unit: no $word"
	done
	for word in CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_PERFMON; do
		grep -q "^CapabilityBoundingSet=.*\b$word\b" "$unit" || fail "$unit: no $word"
	done
	for word in /sys/fs/bpf /proc/sys/net; do
		grep -q "^ReadWritePaths=.*$word\b" "$unit" || fail "$unit: $word is read-only"
	done
	echo "units: $unit: exposure ${exposure:-?} tenths"
done
exit $status
