# SPDX-License-Identifier: BSD-2-Clause
# bash completion for mlagctl

_mlagctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="status lags macs addresses gateways counters reload"
	local options="-S --socket -j --json -h --help --version"
	local word command="" skip=0

	case $prev in
	-S | --socket)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--vlan | --lag | --mac)
		COMPREPLY=()
		return
		;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if ((skip)); then
			skip=0
			continue
		fi
		case $word in
		-S | --socket) skip=1 ;;
		-*) ;;
		*)
			command=$word
			break
			;;
		esac
	done
	if [[ $command == macs ]]; then
		options="$options --vlan --lag --mac"
	fi
	if [[ -n $command || $cur == -* ]]; then
		commands=""
	fi
	mapfile -t COMPREPLY < <(compgen -W "$commands $options" -- "$cur")
}
complete -F _mlagctl mlagctl
