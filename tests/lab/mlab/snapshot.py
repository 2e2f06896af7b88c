# SPDX-License-Identifier: BSD-2-Clause
"""Everything of a switch that a daemon could have changed, as comparable text.

What changes by itself is left out: counters, timers, states of links and of LACP, the cost that the
bridge derives from the speed of a link, what the bridge
and the kernel have learned.
"""

import glob
import json
import os
from typing import Any

from .netns import run
from .topology import Switch

# By the name of the key, wherever it stands.
VOLATILE = {
    "operstate", "flags", "ad_info", "mii_status", "link_failure_count", "queue_id", "state",
    "perm_hwaddr_", "ad_aggregator_id", "ad_actor_oper_port_state", "ad_actor_oper_port_state_str",
    "ad_partner_oper_port_state", "ad_partner_oper_port_state_str", "bridge_id", "root_id",
    "designated_bridge", "designated_port", "designated_cost", "designated_root", "hold_timer",
    "hello_timer", "tcn_timer", "gc_timer", "message_age_timer", "forward_delay_timer",
    "topology_change", "topology_change_detected", "topology_change_ack", "config_pending",
    "valid_life_time", "preferred_life_time", "active_slave", "root_port", "root_path_cost",
    "num_multicast_queries", "cost", "used", "updated", "refcnt", "bytes", "packets",
}


def steady(value: Any) -> Any:
    """Without what changes by itself."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items()
                if key not in VOLATILE and not key.endswith(("_timer", "_timer_value"))}
    if isinstance(value, list):
        return [steady(item) for item in value]
    return value


def _lines(kind: str, rows: list[Any]) -> set[str]:
    return {f"{kind}: {json.dumps(steady(row), sort_keys=True)}" for row in rows}


def _links(switch: Switch) -> set[str]:
    """A line for each attribute, so that a difference says which."""
    lines = set()
    for row in switch.namespace.json("ip", "-d", "-j", "link", "show"):
        for part, values in (("", row), ("info", row.get("linkinfo", {}).get("info_data", {})),
                             ("port", row.get("linkinfo", {}).get("info_slave_data", {}))):
            lines |= {f"link {row['ifname']} {part} {key}: {json.dumps(item, sort_keys=True)}"
                      for key, item in steady(values).items() if key != "linkinfo"}
    return lines


def _fdb(switch: Switch) -> set[str]:
    """Entries that nobody has learned; dynamic ones, and groups of links, come and go."""
    return _lines("fdb", [{**row, "kept": row.get("state")} for row in switch.fdb()
                          if (row.get("state") or row.get("flags"))
                          and int(row["mac"][:2], 16) % 2 == 0])


def _tc(switch: Switch) -> set[str]:
    lines = _lines("qdisc", [{key: item for key, item in row.items() if key != "offloaded"}
                             for row in switch.namespace.json("tc", "-j", "qdisc", "show")])
    for name in switch.namespace.json("ip", "-j", "link", "show"):
        for point in ("ingress", "egress"):
            done = switch.namespace.run("tc", "filter", "show", "dev", name["ifname"], point,
                                        check=False)
            lines |= {f"filter {name['ifname']} {point}: {line.strip()}"
                      for line in done.stdout.splitlines()}
    return lines


def _layer3(switch: Switch) -> set[str]:
    lines = set()
    for version in ("-4", "-6"):
        for words in (("rule", "show"), ("route", "show", "table", "all"), ("address", "show")):
            done = switch.namespace.run("ip", version, "-d", "-j", *words, check=False)
            lines |= _lines(f"{version} {words[0]}", json.loads(done.stdout or "[]"))
        neighbors = switch.namespace.json("ip", version, "-d", "-j", "neigh", "show")
        lines |= _lines("neighbor", [{**row, "kept": row["state"]} for row in neighbors
                                     if "PERMANENT" in row.get("state", []) or "protocol" in row
                                     or "extern_learn" in row])
    return lines


def _settings(switch: Switch) -> set[str]:
    lines = set()
    with switch.namespace.entered():
        for path in glob.glob("/proc/sys/net/ipv[46]/conf/*/*"):
            try:
                with open(path, encoding="ascii") as file:
                    lines.add(f"{path}: {file.read().strip()}")
            except OSError:
                pass  # some can only be written
    return {line for line in lines if "stable_secret" not in line}


def _pins(switch: Switch) -> set[str]:
    inode = os.stat(switch.namespace.path).st_ino
    return {f"pin: {path}" for path in glob.glob(f"/sys/fs/bpf/mlag/{inode}-*", recursive=True)}


def _vlans(switch: Switch) -> list[Any]:
    """None where the kernel has no VLAN filtering."""
    done = switch.namespace.run("bridge", "-d", "-j", "vlan", "show", check=False)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []


def take(switch: Switch) -> set[str]:
    """All of it."""
    nft = run(["sh", "-c", "command -v nft"], check=False)
    lines = (_links(switch) | _fdb(switch) | _tc(switch) | _layer3(switch) | _settings(switch)
             | _pins(switch)
             | _lines("vlan", _vlans(switch))
             | _lines("mdb", switch.namespace.json("bridge", "-d", "-j", "mdb", "show")))
    if nft.returncode == 0:
        done = switch.namespace.run("nft", "list", "ruleset", check=False)
        lines |= {f"nft: {line}" for line in done.stdout.splitlines()}
    return lines


def differences(before: set[str], after: set[str]) -> list[str]:
    """What is gone and what is new, sorted so that the two of a pair stand together."""
    return sorted([f"{line}  [gone]" for line in before - after]
                  + [f"{line}  [new]" for line in after - before])


def programs() -> int:
    """How many eBPF programs this kernel has loaded for tc and XDP; of all namespaces."""
    rows = json.loads(run(["/usr/sbin/bpftool", "-j", "prog", "show"]).stdout or "[]")
    return sum(row.get("type") in ("sched_cls", "xdp") for row in rows)
