#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The systemd units: each is valid, may do what its program needs, and is exposed at most 2.5
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

# needs UNIT KEY WORD...: the key is there with each of these words
needs()
{
	needs_unit=$1
	needs_key=$2
	shift 2
	for word in "$@"; do
		grep -Eq "^$needs_key=(.*[^A-Za-z_])?$word" "$needs_unit" ||
			fail "$needs_unit: $needs_key without $word"
	done
}

# lacks UNIT PATTERN: no such line
lacks()
{
	! grep -Eq "$2" "$1" || fail "$1: $(grep -E "$2" "$1")"
}

# same UNIT OTHER KEY: both say the same
same()
{
	[ "$(grep "^$3=" "$1")" = "$(grep "^$3=" "$2")" ] || fail "$1: $3 is not that of $2"
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
	case "${unit##*/}" in
	mlagd.service | mlagd@.service)
		# What the code opens: netlink, hellos and announcements, the session; /proc/sys/net.
		needs "$unit" RestrictAddressFamilies AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
		needs "$unit" CapabilityBoundingSet CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_PERFMON
		# Longer than what ProtectKernelTunables= names, or it stays read-only; and there before the sandbox is.
		needs "$unit" ReadWritePaths /sys/fs/bpf/mlag /proc/sys/net
		needs "$unit" ExecStartPre /bin/mkdir /sys/fs/bpf/mlag
		needs "$unit" RuntimeDirectoryPreserve yes
		# FRR is Before=network.target: whoever waits for the network must not wait for mlagd for ever.
		needs "$unit" Before frr.service
		lacks "$unit" '^TimeoutStartSec=(infinity|0)'
		lacks "$unit" '^(After|Requires|Wants)=.*network(-online)?[.]target'
		;;
	mlag-guard.service | mlag-guard@.service)
		# Links, hellos on both paths, the lease; and it outlives mlagd, in the same directory.
		needs "$unit" RestrictAddressFamilies AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
		needs "$unit" CapabilityBoundingSet CAP_NET_ADMIN CAP_NET_RAW
		needs "$unit" RuntimeDirectoryPreserve yes
		needs "$unit" Restart always
		lacks "$unit" '^(BindsTo|Requires|PartOf|Conflicts)=.*mlagd'
		lacks "$unit" '^CapabilityBoundingSet=.*(BPF|SYS_)'
		daemon=${unit/mlag-guard/mlagd}
		same "$unit" "$daemon" RuntimeDirectory
		same "$unit" "$daemon" RuntimeDirectoryMode
		same "$unit" "$daemon" Group
		;;
	mlag-leave.service | mlag-leave@.service)
		# Stopped after routing daemons, before mlagd and the network; started by nothing but the boot.
		needs "$unit" RestrictAddressFamilies AF_UNIX
		needs "$unit" After mlagd mlag-guard networking.service systemd-networkd.service
		needs "$unit" Before frr.service
		lacks "$unit" '^After=.*(network(-online)?[.]target|frr)'
		needs "$unit" ExecStop leave
		# `make install` puts BINDIR in the place of /usr/bin.
		needs "$unit" ExecStart /bin/true
		lacks "$unit" '^ExecStart=/usr/bin/true'
		;;
	*)
		fail "$unit: nothing is known of this unit"
		;;
	esac
	# A directive that systemd does not know is one that does nothing.  Programs are not installed here.
	complaints=$(systemd-analyze verify --recursive-errors=no --man=no "$unit" 2>&1 |
		grep -E "Unknown|Failed to parse|Invalid|not a valid|ignoring")
	[ -z "$complaints" ] || fail "$unit: $complaints"
	echo "units: $unit: exposure ${exposure:-?} tenths"
done
exit $status
