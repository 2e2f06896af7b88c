# SPDX-License-Identifier: BSD-2-Clause
"""The layout: two switches with a peer link, and hosts on one or both of them.

Names: switches s1 and s2 with bridge br0 and port peerlink; a dual-attached host H has devices
leg-s1 and leg-s2 (under bond0 when it speaks LACP), and LAG id N is bond<N> on each switch over the
link H-leg (or lag<N>, a plain port, for a static LAG); an orphan has eth0, its switch port is its
name.
"""

import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from typing import Any, Sequence

from .daemon import MLAGCTL, Config, Daemon, is_built
from .errors import LabError
from .netns import Namespace, run
from .traffic import Flow, Port, Traffic
from .wait import wait_for

PEER_VLAN = 4094
SYSTEM_MAC = "44:38:39:ff:00:01"
MEMBERS = ("s1", "s2")
PL = "pl"  # the name of the peer link among a measurement's receivers


@dataclass(frozen=True)
class Vlans:
    """VLAN membership of a switch port: one untagged, others tagged."""

    access: int | None = None
    trunk: tuple[int, ...] = ()

    def all(self) -> set[int]:
        """Every VLAN of the port."""
        return set(self.trunk) | ({self.access} if self.access else set())


@dataclass
class Host:
    """A host: dual-attached when it has two members, else an orphan."""

    name: str
    index: int
    members: tuple[str, ...]
    lag_id: int | None
    is_lacp: bool
    vlans: dict[str, Vlans]
    is_bundle: bool = False
    namespace: Namespace = field(init=False, repr=False)

    @property
    def mac(self) -> str:
        """The MAC the host sends from."""
        return f"02:00:00:00:01:{self.index:02x}"

    @property
    def is_dual(self) -> bool:
        """Attached to both members."""
        return len(self.members) == 2

    @property
    def has_bond(self) -> bool:
        """It has one device of two ports, by LACP or (is_bundle) without."""
        return self.is_lacp or self.is_bundle

    @property
    def device(self) -> str:
        """The device the host itself uses."""
        if self.has_bond:
            return "bond0"
        return "leg-s1" if self.is_dual else "eth0"

    @property
    def port(self) -> Port:
        """Where the host sends when it does not matter by which leg."""
        return Port(self.namespace, self.device)

    def leg(self, member: str) -> Port:
        """The host's end of the leg to a member; frames sent here take exactly this leg."""
        if member not in self.members:
            raise LabError(f"{self.name} has no leg to {member}")
        return Port(self.namespace, f"leg-{member}" if self.is_dual else "eth0")

    def ports(self) -> list[Port]:
        """Every leg."""
        return [self.leg(member) for member in self.members]

    def view(self) -> tuple[Port, ...]:
        """The devices whose frames the host itself would see."""
        return (self.port,) if self.has_bond or not self.is_dual else tuple(self.ports())

    def switch_lag(self) -> str:
        """The device of the LAG (or the orphan's port) on a switch."""
        if not self.is_dual:
            return self.name
        return f"bond{self.lag_id}" if self.is_lacp else f"lag{self.lag_id}"

    def switch_link(self) -> str:
        """The switch's end of the leg's cable."""
        return f"{self.name}-leg" if self.is_lacp else self.switch_lag()

    def ip(self, vlan: int | None = None) -> str:
        """The address in a VLAN (None: of a plain bridge)."""
        return f"10.0.{vlan or 0}.{self.index + 10}"

    def tag(self, vlan: int | None) -> int | None:
        """The tag the host's frames in a VLAN carry."""
        if vlan is None or any(entry.access == vlan for entry in self.vlans.values()):
            return None
        return vlan

    def is_in(self, vlan: int | None) -> bool:
        """Attached to a VLAN on any leg."""
        return vlan is None or any(vlan in entry.all() for entry in self.vlans.values())


class Switch:
    """One member."""

    def __init__(self, name: str, namespace: Namespace) -> None:
        self.name = name
        self.namespace = namespace
        self.daemon: Daemon | None = None

    @property
    def peer_link(self) -> Port:
        """The peer link's device; what arrives here was sent by the other member."""
        return Port(self.namespace, "peerlink")

    @property
    def mlagd(self) -> Daemon:
        """The daemon, which must have been started once."""
        if self.daemon is None:
            raise LabError(f"no mlagd on {self.name}")
        return self.daemon

    def has_program(self, device: str, point: str, program: str) -> bool:
        """Whether mlagd runs there, at "ingress" or "egress": by a tcx link, or as a filter."""
        inode = os.stat(self.namespace.path).st_ino
        ifindex = self.namespace.link(device)["ifindex"]
        return bool(glob.glob(f"/sys/fs/bpf/mlag/{inode}-*/tcx-{ifindex}-{point}")) or \
            program in self.namespace.run("tc", "filter", "show", "dev", device, point).stdout

    def detach_links(self, point: str = "*") -> None:
        """End the tcx links of mlagd at a point of every port: "ingress", "egress" or both.

        At once: a link whose last pin is removed lives until the kernel finds the time.
        """
        inode = os.stat(self.namespace.path).st_ino
        for pin in glob.glob(f"/sys/fs/bpf/mlag/{inode}-*/tcx-*-{point}"):
            run(["/usr/sbin/bpftool", "link", "detach", "pinned", pin])
            os.remove(pin)

    def fdb(self) -> list[dict[str, Any]]:
        """The bridge's forwarding table."""
        return self.namespace.json("bridge", "-j", "fdb", "show", "br", "br0")


class Pair:
    """Two switches, their hosts, and the means to break them."""

    alive: list["Pair"] = []  # for the collection of evidence when a test fails

    def __init__(self, vlan_aware: bool = True, has_daemons: bool = True,
                 has_backup: bool = False, has_key: bool = False) -> None:
        self.vlan_aware = vlan_aware
        self.has_backup = has_backup
        self.has_key = has_key
        self.has_daemons = has_daemons
        self.known_problems: set[str] = set()  # codes that do not keep the pair from being whole
        self.hosts: dict[str, Host] = {}
        self.switches: dict[str, Switch] = {}
        self.directory = tempfile.mkdtemp(prefix="mlab-")
        self.captures: str | None = None
        self._namespaces: list[Namespace] = []
        self._last_traffic: Traffic | None = None
        Pair.alive.append(self)

    @property
    def s1(self) -> Switch:
        """Member S1."""
        return self.switches["s1"]

    @property
    def s2(self) -> Switch:
        """Member S2."""
        return self.switches["s2"]

    # -- what is laid out ---------------------------------------------------------------------

    def host(self, name: str, lag_id: int, access: int | None = None, trunk: Sequence[int] = (),
             vlans: dict[str, Vlans] | None = None, is_lacp: bool = True,
             is_bundle: bool = False) -> Host:
        """A dual-attached host; `vlans` when the two legs differ; `is_bundle`: static, and one device."""
        both = {member: Vlans(access, tuple(trunk)) for member in MEMBERS}
        return self._add(Host(name, len(self.hosts) + 1, MEMBERS, lag_id, is_lacp, vlans or both,
                              is_bundle))

    def orphan(self, name: str, on: str, access: int | None = None, trunk: Sequence[int] = ()
               ) -> Host:
        """A host with one link to one member."""
        return self._add(Host(name, len(self.hosts) + 1, (on,), None, False,
                              {on: Vlans(access, tuple(trunk))}))

    def _add(self, host: Host) -> Host:
        self.hosts[host.name] = host
        return host

    def build(self) -> "Pair":
        """Create all of it; without a daemon the LACP legs share the system id by configuration."""
        self._namespaces = [self._namespace(name) for name in (*MEMBERS, *self.hosts)]
        by_name = {namespace.name: namespace for namespace in self._namespaces}
        for member in MEMBERS:
            self.switches[member] = Switch(member, by_name[member])
        for host in self.hosts.values():
            host.namespace = by_name[host.name]
        run(["ip", "-batch", "-"], stdin="\n".join(self._cables()) + "\n")
        for member, switch in self.switches.items():
            switch.namespace.ip(*self._switch_links(member))
            if self.vlan_aware:
                switch.namespace.bridge(*self._switch_vlans(member))
        for host in self.hosts.values():
            host.namespace.ip(*self._host_links(host))
        return self

    def more_namespace(self, name: str) -> Namespace:
        """A namespace beside the hosts', removed with the pair."""
        self._namespaces.append(self._namespace(name))
        return self._namespaces[-1]

    @staticmethod
    def _namespace(name: str) -> Namespace:
        namespace = Namespace(name)
        for setting in ("ipv6__conf__default__disable_ipv6", "ipv6__conf__all__disable_ipv6"):
            try:
                namespace.sysctl(**{setting: 1})
            except OSError:
                pass
        try:
            namespace.sysctl(**{"bridge__bridge-nf-call-iptables": 0})
        except OSError:
            pass
        return namespace

    def _cables(self) -> list[str]:
        s1, s2 = (self.switches[member].namespace.full_name for member in MEMBERS)
        lines = [f"link add peerlink address 02:00:00:00:ff:01 netns {s1} type veth "
                 f"peer name peerlink address 02:00:00:00:ff:02 netns {s2}"]
        if self.has_backup:
            lines.append(f"link add backup netns {s1} type veth peer name backup netns {s2}")
        for host in self.hosts.values():
            for member in host.members:
                switch = self.switches[member].namespace.full_name
                lines.append(f"link add {host.switch_link()} netns {switch} type veth peer "
                             f"name {host.leg(member).ifname} netns {host.namespace.full_name}")
        return lines

    def _switch_links(self, member: str) -> list[str]:
        number = MEMBERS.index(member) + 1
        aware = "vlan_filtering 1 vlan_default_pvid 0" if self.vlan_aware else ""
        lines = ["link set lo up",
                 f"link add br0 address 02:00:00:00:fe:0{number} type bridge {aware} "
                 "mcast_snooping 0 forward_delay 0",
                 "link set peerlink master br0", "link set peerlink up", "link set br0 up"]
        for host in self.hosts.values():
            if member not in host.members:
                continue
            link, lag = host.switch_link(), host.switch_lag()
            if host.is_lacp:
                shared = "" if self.has_daemons else f"ad_actor_system {SYSTEM_MAC}"
                lines += [f"link add {lag} type bond mode 802.3ad lacp_rate fast miimon 10 "
                          f"ad_user_port_key {host.lag_id} xmit_hash_policy layer2+3 {shared}",
                          f"link set {link} master {lag}"]
            lines += [f"link set {lag} master br0", f"link set {link} up", f"link set {lag} up"]
        if self.vlan_aware:
            lines += [f"link add link br0 name br0.{PEER_VLAN} type vlan id {PEER_VLAN}",
                      f"link set br0.{PEER_VLAN} up"]
        if self.has_backup:
            lines += [f"address add 192.168.7.{number}/24 dev backup", "link set backup up"]
        session = f"br0.{PEER_VLAN}" if self.vlan_aware else "br0"
        return lines + [f"address add 169.254.1.{number}/30 dev {session}"]

    def _switch_vlans(self, member: str) -> list[str]:
        ours = {PEER_VLAN}
        lines = []
        for host in self.hosts.values():
            for vlans in host.vlans.values():
                ours |= vlans.all()
            if member in host.members:
                vlans, lag = host.vlans[member], host.switch_lag()
                lines += [f"vlan add dev {lag} vid {vlan}" for vlan in vlans.trunk]
                if vlans.access:
                    lines.append(f"vlan add dev {lag} vid {vlans.access} pvid untagged")
        lines += [f"vlan add dev peerlink vid {vlan}" for vlan in sorted(ours)]
        return lines + [f"vlan add dev br0 vid {PEER_VLAN} self"]

    def _host_links(self, host: Host) -> list[str]:
        legs = [port.ifname for port in host.ports()]
        lines = ["link set lo up"]
        if host.has_bond:
            mode = "802.3ad lacp_rate fast" if host.is_lacp else "balance-xor"
            lines.append(f"link add bond0 type bond mode {mode} miimon 10 "
                         "xmit_hash_policy layer2+3")
            lines.append(f"link set bond0 address {host.mac}")
            lines += [f"link set {leg} master bond0" for leg in legs]
        else:
            lines += [f"link set {leg} address {host.mac}" for leg in legs]
        lines += [f"link set {leg} up" for leg in legs]
        lines.append(f"link set {host.device} up")
        vlans = set[int | None]()
        for entry in host.vlans.values():
            vlans |= entry.all()
        for vlan in vlans or {None}:
            device = host.device
            if host.tag(vlan) is not None:
                device = f"{host.device}.{vlan}"
                lines += [f"link add link {host.device} name {device} type vlan id {vlan}",
                          f"link set {device} up"]
            lines.append(f"address add {host.ip(vlan)}/24 dev {device}")
        return lines

    # -- the daemons --------------------------------------------------------------------------

    def config(self, member: str) -> Config:
        """The configuration of a member; change what the test is about."""
        number = MEMBERS.index(member) + 1
        config: Config = {
            "domain": {"system-mac": SYSTEM_MAC, "id": "1", "bridge": "br0",
                       "priority": str(1000 * number)},
            "peer": {"link": "peerlink", "local": f"169.254.1.{number}",
                     "remote": f"169.254.1.{3 - number}", "security": "none",
                     "startup-wait": "3s", "restart-hold": "3s"},
        }
        if self.has_backup:
            config["peer"] |= {"backup-local": f"192.168.7.{number}",
                               "backup-remote": f"192.168.7.{3 - number}"}
        if self.has_key:
            config["peer"] |= {"security": "psk", "key-file": self.key_file()}
        for host in self.hosts.values():
            if host.is_dual:
                config[f"lag {host.switch_lag()}"] = {"id": str(host.lag_id)}
        return config

    def key_file(self) -> str:
        """The key of the pair, made when it is first needed."""
        path = os.path.join(self.directory, "peer.key")
        if not os.path.exists(path):
            run([MLAGCTL, "genkey", path])
        return path

    def prepare_daemon(self, member: str) -> Daemon:
        """The daemon of a member, not started."""
        switch = self.switches[member]
        if switch.daemon is None:
            switch.daemon = Daemon(switch.namespace, self.directory, self.config(member))
        return switch.daemon

    def start(self, timeout: float = 40) -> "Pair":
        """Start mlagd on both and wait until the pair is whole."""
        if not is_built():
            raise LabError("build/mlagd and build/mlagctl are not there: run make")
        for member in MEMBERS:
            self.prepare_daemon(member).start()
        self.wait_whole(timeout)
        return self

    def wait_whole(self, timeout: float = 30) -> None:
        """Wait until both are peered and healthy and every LAG is dual on both."""
        duals = [host for host in self.hosts.values() if host.is_dual]

        def probe() -> bool:
            for switch in self.switches.values():
                status = switch.mlagd.query("status")
                problems = [problem for problem in status["problems"]
                            if problem["code"] not in self.known_problems]
                if status["verdict"] != "peered" or problems:
                    raise LabError(f"{switch.name}: {status['verdict']}, {problems}")
                rows = {row["ifname"]: row for row in switch.mlagd.query("lags")}
                for host in duals:
                    state = rows.get(host.switch_lag(), {}).get("state")
                    if state != "dual":
                        raise LabError(f"{switch.name}: {host.switch_lag()} {state}")
            return True

        wait_for("a whole pair", probe, timeout, 0.25)
        for host in duals:
            if host.is_lacp:
                self.wait_lacp(host)

    def wait_lacp(self, host: Host, ports: int = 2, timeout: float = 20) -> None:
        """Wait until the host's bond is one aggregator of `ports` ports, all in use."""
        def probe() -> bool:
            info = self.lacp(host)
            return info["ports"] == ports and info["in_use"] == ports

        wait_for(f"{host.name}: one aggregator of {ports} ports", probe, timeout,
                 show=lambda: self.lacp(host))

    @staticmethod
    def lacp(host: Host) -> dict[str, Any]:
        """The host's view: partner, ports of the active aggregator, ports collecting there."""
        data = host.namespace.link("bond0")["linkinfo"]["info_data"].get("ad_info", {})
        in_use = 0
        for link in host.namespace.json("ip", "-d", "-j", "link", "show", "master", "bond0"):
            slave = link["linkinfo"]["info_slave_data"]
            ours = slave.get("ad_actor_oper_port_state", 0)
            theirs = slave.get("ad_partner_oper_port_state", 0)
            same = slave.get("ad_aggregator_id") == data.get("aggregator")
            if same and ours & 0x30 == 0x30 and theirs & 0x10:
                in_use += 1
        return {"partner": data.get("partner_mac"), "ports": data.get("num_ports", 0),
                "in_use": in_use}

    # -- breaking things ----------------------------------------------------------------------

    def fail_leg(self, host: Host, member: str, side: str = "host") -> None:
        """Cut a leg; `side` is whose end is shut: the other one only loses carrier."""
        self._set_leg(host, member, side, False)

    def heal_leg(self, host: Host, member: str, side: str = "host") -> None:
        """Mend a leg cut by fail_leg."""
        self._set_leg(host, member, side, True)

    def _set_leg(self, host: Host, member: str, side: str, is_up: bool) -> None:
        if side == "host":
            port = host.leg(member)
            port.namespace.set_up(port.ifname, is_up)
        else:
            self.switches[member].namespace.set_up(host.switch_link(), is_up)

    def between(self) -> list[str]:
        """The devices from one member to the other."""
        return ["peerlink", "backup"] if self.has_backup else ["peerlink"]

    def heal(self) -> None:
        """Every cable of every host and those between the members up again."""
        for host in self.hosts.values():
            for member in host.members:
                self.heal_leg(host, member, "host")
                self.heal_leg(host, member, "switch")
        for switch in self.switches.values():
            for ifname in self.between():
                switch.namespace.set_up(ifname, True)

    def unload_programs(self, switch: Switch) -> None:
        """Take the eBPF programs off every port, whichever way they are attached."""
        names = ["peerlink", *(host.switch_lag() for host in self.hosts.values()
                               if switch.name in host.members)]
        switch.detach_links()
        for name in names:
            switch.namespace.run("tc", "qdisc", "del", "dev", name, "clsact", check=False)

    # -- measuring ----------------------------------------------------------------------------

    def traffic(self, frames: int = 1 << 14, **more: Sequence[Port]) -> Traffic:
        """A measurement whose receivers are every host, the peer link ("pl") and `more`."""
        views: dict[str, Sequence[Port]] = {name: host.view() for name, host in self.hosts.items()}
        views[PL] = [switch.peer_link for switch in self.switches.values()]
        self._last_traffic = None
        return Traffic({**views, **more}, frames, self._keep)

    def _keep(self, traffic: Traffic) -> None:
        self._last_traffic = traffic

    def introduce(self, *hosts: Host, vlan: int | None = None) -> None:
        """Let hosts send a few broadcasts by every leg, so that their MACs are known."""
        chosen = hosts or tuple(self.hosts.values())
        with Traffic({}) as run_:
            for host in chosen:
                for vlan_ in ([vlan] if vlan else sorted(self._vlans_of(host)) or [None]):
                    for port in host.ports():
                        run_.flow("introduction", port, dst="ff:ff:ff:ff:ff:ff", src=host.mac,
                                  rate=50, count=2, vlan=host.tag(vlan_))
            run_.send()

    def wait_known(self, *hosts: Host, vlan: int | None = None, timeout: float = 10) -> None:
        """Introduce hosts (default: all of the VLAN); wait until both members know their MACs."""
        chosen = hosts or tuple(self.members_of(vlan))
        self.introduce(*chosen, vlan=vlan)
        wanted = {(host.mac, of_host) for host in chosen
                  for of_host in ([vlan] if vlan else self._vlans_of(host) or [None])}
        for switch in self.switches.values():
            def probe(switch: Switch = switch) -> bool:
                known = {(row["mac"], row["vlan"]) for row in switch.mlagd.query("macs")}
                if wanted - known:
                    raise LabError(f"not known: {sorted(wanted - known)}")
                return True

            wait_for(f"{switch.name} to know {len(wanted)} MACs", probe, timeout, 0.1)

    @staticmethod
    def _vlans_of(host: Host) -> set[int]:
        return set().union(*(entry.all() for entry in host.vlans.values()))

    def members_of(self, vlan: int | None) -> list[Host]:
        """The hosts that are in a VLAN."""
        return [host for host in self.hosts.values() if host.is_in(vlan)]

    def flow(self, traffic: Traffic, src: Host, dst: str, member: str | None = None,
             vlan: int | None = None, **how: Any) -> Flow:
        """A flow from a host by the leg to `member` (None: as the host itself chooses)."""
        port = src.leg(member) if member else src.port
        name = f"{src.name} by {member or src.device} to {dst}"
        return traffic.flow(name if vlan is None else f"{name} in {vlan}", port, dst, src.mac,
                            vlan=src.tag(vlan), **how)

    # -- evidence and the end -----------------------------------------------------------------

    def save_evidence(self, directory: str) -> None:
        """Captures, logs and state, for whoever reads why a test failed."""
        os.makedirs(directory, exist_ok=True)
        if self._last_traffic is not None:
            self._last_traffic.write_captures(directory)
        for switch in self.switches.values():
            self._save_switch(switch, directory)
        for host in self.hosts.values():
            done = host.namespace.run("ip", "-d", "-s", "link", "show", check=False)
            with open(os.path.join(directory, f"{host.name}.txt"), "w", encoding="utf-8") as file:
                file.write(done.stdout)

    @staticmethod
    def _save_switch(switch: Switch, directory: str) -> None:
        text = []
        for command in ("ip -d -s link show", "bridge -d link show", "bridge vlan show",
                        "bridge fdb show br br0", "ip address show", "ip neigh show"):
            done = switch.namespace.run(*command.split(), check=False)
            text.append(f"$ {command}\n{done.stdout}{done.stderr}")
        daemon = switch.daemon
        if daemon is not None:
            for name in ("status", "lags", "macs", "counters"):
                done = daemon.ctl("-j", name)
                text.append(f"$ mlagctl -j {name} (exit {done.returncode})\n{done.stdout}"
                            f"{done.stderr}")
            for path in (daemon.log_path, daemon.config_path):
                if os.path.exists(path):
                    shutil.copy(path, directory)
        with open(os.path.join(directory, f"{switch.name}.txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(text))

    def close(self) -> None:
        """End the daemons and remove everything."""
        if self in Pair.alive:
            Pair.alive.remove(self)
        for switch in self.switches.values():
            if switch.daemon is not None and switch.daemon.process is not None:
                switch.daemon.process.send_signal(signal.SIGKILL)
                try:
                    switch.daemon.process.wait(10)
                except subprocess.TimeoutExpired:
                    pass
        for namespace in self._namespaces:
            for pins in glob.glob(f"/sys/fs/bpf/mlag/{os.stat(namespace.path).st_ino}-*"):
                shutil.rmtree(pins, ignore_errors=True)
            namespace.remove()
        self._namespaces = []
        shutil.rmtree(self.directory, ignore_errors=True)

    def describe(self) -> str:
        """The layout in a few lines, for people."""
        lines = []
        for host in self.hosts.values():
            where = " and ".join(host.members)
            kind = "LACP bond" if host.is_lacp else "static LAG" if host.is_dual else "orphan"
            lines.append(f"{host.name}: {kind} on {where}, {host.mac}, {json.dumps(host.ip())}")
        return "\n".join(lines)
