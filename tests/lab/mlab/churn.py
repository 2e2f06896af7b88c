# SPDX-License-Identifier: BSD-2-Clause
"""Random operations on a pair that people and their tools do, each of which can be undone.

One thing at a time is wrong with a device: an operation on one that is away brings it back first.
"""

import json
import random
import signal
import time
from typing import Callable

from .netns import run
from .topology import MEMBERS, Host, Pair, Switch
from .wait import wait_for

Undo = Callable[[], None]
ELSEWHERE = "br9"  # another bridge, nothing to do with the pair


class Churn:
    """A seeded sequence of operations."""

    def __init__(self, pair: Pair, vlan: int, seed: int) -> None:
        self.pair = pair
        self.vlan = vlan
        self.random = random.Random(seed)
        self.pending: dict[tuple[str, str], tuple[str, Undo]] = {}
        self.history: list[str] = []
        self.duals = [host for host in pair.hosts.values() if host.is_dual]
        self.orphans = [host for host in pair.hosts.values() if not host.is_dual]
        for switch in pair.switches.values():
            switch.namespace.ip(f"link add {ELSEWHERE} type bridge",
                                f"link set {ELSEWHERE} up")

    # -- one after the other ----------------------------------------------------------------------

    def step(self) -> str:
        """One random operation; what it was."""
        operation = self.random.choice([
            self.rename, self.rename, self.recreate, self.recreate, self.move, self.move,
            self.vlans, self.vlans, self.mtu, self.address, self.router_mac, self.lag_by_reload,
            self.settings_by_reload, self.cable, self.cable, self.restart, self.restart])
        switch = self.pair.switches[self.random.choice(MEMBERS)]
        text = operation(switch)
        self.history.append(f"{switch.name}: {text}")
        return self.history[-1]

    def settle(self) -> None:
        """Undo all that is pending, in random order."""
        names = sorted(self.pending)
        self.random.shuffle(names)
        for name in names:
            self._undo(name)

    def _undo(self, name: tuple[str, str]) -> str:
        text, undo = self.pending.pop(name)
        undo()
        return f"back: {text}"

    def _pend(self, switch: Switch, device: str, text: str, do: Undo, undo: Undo) -> str:
        """Do it, or undo what is pending at the device."""
        name = (switch.name, device)
        if name in self.pending:
            return self._undo(name)
        do()
        self.pending[name] = (text, undo)
        return text

    def _dual(self) -> Host:
        return self.random.choice(self.duals)

    def _device(self, switch: Switch) -> str:
        """A port of the bridge: a leg, an orphan's, the peer link."""
        orphans = [host.name for host in self.orphans if switch.name in host.members]
        return self.random.choice([host.switch_lag() for host in self.duals] * 2
                                  + orphans + ["peerlink"])

    # -- devices ----------------------------------------------------------------------------------

    def _port_vlans(self, device: str) -> list[str]:
        """The `bridge vlan` lines of a port that became one anew."""
        if device == "peerlink":
            return [f"vlan add dev peerlink vid {vlan}" for vlan in (self.vlan, 4094)]
        return [f"vlan add dev {device} vid {self.vlan} pvid untagged"]

    def rename(self, switch: Switch) -> str:
        """Away, and later back."""
        device = self._device(switch)

        def to(old: str, new: str) -> Undo:
            return lambda: switch.namespace.ip(f"link set {old} down",
                                               f"link set {old} name {new}",
                                               f"link set {new} up")

        return self._pend(switch, device, f"{device} renamed", to(device, f"{device}x"),
                          to(f"{device}x", device))

    def recreate(self, switch: Switch) -> str:
        """A bond is deleted, and made again with another number or the one it had."""
        host = self._dual()
        bond = host.switch_lag()
        link = host.switch_link()
        number = f"index {self.random.randrange(1000, 30000)}" if self.random.random() < 0.7 else ""

        def make() -> None:
            switch.namespace.ip(
                f"link add {bond} {number} type bond mode 802.3ad lacp_rate fast miimon 10 "
                f"ad_user_port_key {host.lag_id} xmit_hash_policy layer2+3",
                f"link set {link} down", f"link set {link} master {bond}",
                f"link set {bond} master br0", f"link set {link} up", f"link set {bond} up")
            switch.namespace.bridge(*self._port_vlans(bond))

        def delete() -> None:
            switch.namespace.ip(f"link del {bond}")

        if (switch.name, bond) not in self.pending and self.random.random() < 0.5:
            delete()
            make()
            return f"{bond} deleted and made again at once"
        return self._pend(switch, bond, f"{bond} deleted", delete, make)

    def move(self, switch: Switch) -> str:
        """To another bridge, or out of the bridge and back in one breath."""
        device = self._device(switch)

        def back() -> None:
            switch.namespace.ip(f"link set {device} master br0")
            switch.namespace.bridge(*self._port_vlans(device))

        if (switch.name, device) not in self.pending and self.random.random() < 0.4:
            switch.namespace.ip(f"link set {device} nomaster")
            back()
            return f"{device} out of the bridge and back"
        return self._pend(switch, device, f"{device} in another bridge",
                          lambda: switch.namespace.ip(f"link set {device} master {ELSEWHERE}"), back)

    def vlans(self, switch: Switch) -> str:
        """A VLAN leaves a port, the hosts' own or one that nobody uses comes."""
        device = self._device(switch)
        if (switch.name, device) not in self.pending and self.random.random() < 0.5:
            switch.namespace.bridge(f"vlan add dev {device} vid 333",
                                    f"vlan del dev {device} vid 333")
            return f"VLAN 333 on and off {device}"
        add = self._port_vlans(device)[0]
        return self._pend(switch, device, f"VLAN {self.vlan} off {device}",
                          lambda: switch.namespace.bridge(
                              f"vlan del dev {device} vid {self.vlan}"),
                          lambda: switch.namespace.bridge(add))

    def mtu(self, switch: Switch) -> str:
        """Smaller and back."""
        device = self._device(switch)
        if (switch.name, device) in self.pending:
            return self._undo((switch.name, device))
        switch.namespace.ip(f"link set {device} mtu 1400", f"link set {device} mtu 1500")
        return f"MTU of {device}"

    # -- addresses ----------------------------------------------------------------------------------

    def address(self, switch: Switch) -> str:
        """An address more on the SVI."""
        svi = f"vlan{self.vlan}"
        text = f"10.0.{self.vlan}.{100 + MEMBERS.index(switch.name)}/24 dev {svi}"
        return self._pend(switch, "address", f"address on {svi}",
                          lambda: switch.namespace.ip(f"address add {text}"),
                          lambda: switch.namespace.ip(f"address del {text}"))

    def router_mac(self, switch: Switch) -> str:
        """The SVI gets another MAC."""
        last = self.random.randrange(1, 255)
        switch.namespace.ip(f"link set vlan{self.vlan} address 02:00:00:0{switch.name[1]}:5f:"
                            f"{last:02x}")
        return f"router MAC ends with {last:02x}"

    # -- configuration ------------------------------------------------------------------------------

    @staticmethod
    def _reload(switch: Switch) -> None:
        switch.mlagd.write_config()
        wait_for("the socket of a daemon that was just started",
                 lambda: switch.mlagd.ctl("status").returncode != 2, 20)
        switch.mlagd.ctl("reload", check=True)

    def lag_by_reload(self, switch: Switch) -> str:
        """A [lag] section goes, and later comes."""
        host = self._dual()
        section = f"lag {host.switch_lag()}"

        def remove() -> None:
            switch.mlagd.config.pop(section)
            self._reload(switch)

        def add() -> None:
            switch.mlagd.config[section] = {"id": str(host.lag_id)}
            self._reload(switch)

        return self._pend(switch, section, f"[{section}] removed", remove, add)

    def settings_by_reload(self, switch: Switch) -> str:
        """Timers, priority, a gateway, last resort: one of them changes and later is as before."""
        config = switch.mlagd.config
        key, value = self.random.choice([("hello-interval", "150ms"), ("dead-multiplier", "4"),
                                         ("last-resort", "on"), ("gateway", "")])

        def change() -> None:
            if key == "gateway":
                config[f"gateway vlan{self.vlan}"] = {"address": f"10.0.{self.vlan}.254/24",
                                                      "mac": "00:00:5e:00:01:0a"}
            else:
                config["peer"][key] = value
            self._reload(switch)

        def restore() -> None:
            if key == "gateway":
                config.pop(f"gateway vlan{self.vlan}")
            else:
                config["peer"].pop(key)
            self._reload(switch)

        return self._pend(switch, key, f"{key} by reload", change, restore)

    # -- cables and daemons -------------------------------------------------------------------------

    def cable(self, switch: Switch) -> str:
        """A cable of a host, or the peer link, is out and later in again."""
        if self.random.random() < 0.2:
            device, set_up = "peerlink", lambda up: switch.namespace.set_up("peerlink", up)
        else:
            host = self._dual()
            device = f"cable of {host.name}"

            def set_up(up: bool) -> None:
                port = host.leg(switch.name)
                port.namespace.set_up(port.ifname, up)

        return self._pend(switch, device, f"{device} out", lambda: set_up(False),
                          lambda: set_up(True))

    def restart(self, switch: Switch) -> str:
        """By SIGTERM or SIGKILL; sometimes it stays away for a second."""
        how = self.random.choice([signal.SIGTERM, signal.SIGKILL])
        switch.mlagd.stop(how)
        if self.random.random() < 0.3:
            time.sleep(1)
        switch.mlagd.start()
        return f"mlagd restarted by {how.name}"


def leftovers(pair: Pair) -> dict[str, int]:
    """What must not grow: in the kernel, in bpffs, in the daemons."""
    counts = {}
    for kind in ("prog", "map", "link"):
        done = run(["/usr/sbin/bpftool", "-j", kind, "show"], check=False)
        for row in json.loads(done.stdout or "[]"):
            name = f"{kind} {row.get('name', '')}"
            counts[name] = counts.get(name, 0) + 1
    for name, switch in pair.switches.items():
        assert switch.mlagd.process is not None
        pid = switch.mlagd.process.pid
        counts[f"{name} fds"] = len(run(["ls", f"/proc/{pid}/fd"]).stdout.split())
        qdiscs = switch.namespace.json("tc", "-j", "qdisc", "show")
        counts[f"{name} clsacts"] = sum(row["kind"] == "clsact" for row in qdiscs)
        counts[f"{name} strangers"] = len(strangers(pair, switch))
    return counts


def filters(pair: Pair) -> list[str]:
    """Every filter of every device, for who looks for one too many."""
    lines = []
    for switch in pair.switches.values():
        for row in switch.namespace.json("ip", "-j", "link", "show"):
            done = switch.namespace.run("tc", "filter", "show", "dev", row["ifname"], "ingress",
                                        check=False)
            lines += [f"{switch.name} {row['ifname']} {line.strip()}"
                      for line in done.stdout.splitlines() if "handle" in line]
    return lines


def strangers(pair: Pair, switch: Switch) -> set[tuple[str, int]]:
    """Entries that nobody has learned, of MACs that nobody has: no host, and no SVI of the peer."""
    peer = next(other for other in pair.switches.values() if other is not switch)
    known = {host.mac for host in pair.hosts.values()} | {
        row["address"] for row in peer.namespace.json("ip", "-j", "link", "show")}
    return {(row["mac"], row.get("vlan", 0)) for row in switch.fdb()
            if (row.get("state") == "static" or set(row.get("flags", [])) & {"extern_learn",
                                                                            "sticky"})
            and row["mac"] not in known}


def rss_kib(switch: Switch) -> int:
    """Resident memory of the daemon."""
    assert switch.mlagd.process is not None
    with open(f"/proc/{switch.mlagd.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
