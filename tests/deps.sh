#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Usage: tests/deps.sh PACKAGE...      (normally: make deps)
#
# Installs the Debian packages of the list that are missing.  A name may be bound to one
# architecture, as in amd64:user-mode-linux.  Without root, or where there is no apt, it says what
# is needed instead.  With QUIET=1 it says nothing when nothing is missing.

set -eu

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
	if [ "${QUIET:-0}" = 0 ]; then
		echo "This is not Debian.  What mlag needs, by its Debian names:"
		printf '%s\n' "$*" | sed 's/amd64://' | fold -s -w 76 | sed 's/^/    /'
		echo
	fi
	exit 0
fi

arch=$(dpkg --print-architecture)
missing=
for package in "$@"; do
	case $package in
	*:*)
		[ "${package%%:*}" = "$arch" ] || continue
		package=${package#*:}
		;;
	esac
	status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | sort -u) || status=
	case $status in
	*"installed"*) case $status in *not-installed*) missing="$missing $package" ;; esac ;;
	*) missing="$missing $package" ;;
	esac
done

if [ -z "$missing" ]; then
	[ "${QUIET:-0}" = 1 ] || echo "Nothing is missing."
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "Missing packages; as root run 'make deps', or:" >&2
	echo "    apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
install() { apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 $missing </dev/null; }
# The lists of a fresh machine are empty, and old ones name files that are gone.
apt-get update -q || echo "apt-get update failed; trying with the lists there are" >&2
install
