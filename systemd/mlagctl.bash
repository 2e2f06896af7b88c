# SPDX-License-Identifier: BSD-2-Clause
# bash completion for mlagctl

# Ports of bridges, and what can be assumed of them (mlagctl explain).
_mlagctl_ports()
{
	local path

	for path in /sys/class/net/*/brport; do
		path=${path%/brport}
		[[ $path == *'*'* ]] || echo "${path##*/}"
	done
}

_mlagctl_assumptions()
{
	local port

	for port in $(_mlagctl_ports); do
		printf '%s\n' "leg $port down" "leg $port up" "peer leg $port down" "peer leg $port up"
	done
	printf '%s\n' "peer dead" "peer alive" "peer link down" "peer link up" "no route" "mac unknown"
}

_mlagctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="status lags macs neighbors addresses gateways counters explain diff record reload role drain undrain leave genkey"
	local options="-S --socket -j --json -h --help --version"
	local word command="" skip=0

	case $prev in
	-S | --socket)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--in)
		mapfile -t COMPREPLY < <(compgen -W "$(_mlagctl_ports) peer-link" -- "$cur")
		return
		;;
	--if)
		compopt -o filenames
		mapfile -t COMPREPLY < <(IFS=$'\n' && compgen -W "$(_mlagctl_assumptions)" -- "$cur")
		return
		;;
	--vlan | --lag | --mac | --dst-mac | --dst-ip | --src-mac | --src-ip | --ttl | --frame)
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
		-S | --socket | --in | --if | --vlan | --lag | --mac | --dst-mac | --dst-ip | --src-mac | \
			--src-ip | --ttl | --frame) skip=1 ;;
		-*) ;;
		*)
			command=$word
			break
			;;
		esac
	done
	if [[ $command == macs ]]; then
		options="$options --vlan --lag --mac"
	elif [[ $command == neighbors ]]; then
		options="$options --vlan --mac"
	fi
	if [[ $command == explain ]]; then
		options="$options --in --vlan --dst-mac --dst-ip --src-mac --src-ip --ttl --frame --if"
	fi
	if [[ $command == diff && $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "legs macs addresses neighbors" -- "$cur")
		return
	elif [[ $command == diff ]]; then
		options="$options --vlan"
	fi
	if [[ $command == drain ]]; then
		options="$options --force"
	fi
	if [[ $command == drain || $command == undrain ]] && [[ $prev == "$command" && $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "all $(_mlagctl_ports)" -- "$cur")
		return
	fi
	if [[ ($command == record || $command == genkey) && $cur != -* ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	if [[ $command == role && $prev == role ]]; then
		mapfile -t COMPREPLY < <(compgen -W "primary" -- "$cur")
		return
	fi
	if [[ -n $command || $cur == -* ]]; then
		commands=""
	fi
	mapfile -t COMPREPLY < <(compgen -W "$commands $options" -- "$cur")
}
complete -F _mlagctl mlagctl
