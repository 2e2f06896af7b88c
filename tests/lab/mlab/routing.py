# SPDX-License-Identifier: BSD-2-Clause
"""The layout this project exists for: a router on a LAG to both members, hosts behind others.

        R  10.0.10.9, one bond          VLAN 10: R and an SVI on each member (.1 on S1, .2 on S2)
       / \\                              VLAN 20: H (dual-attached), orphan O1 on S1, SVIs .1 and .2
     S1 === S2                          VLAN 30: orphan O2 on S2, SVIs .1 and .2
    / | \\  / |                          loopbacks 10.255.0.1, .2 and .9; 192.0.2.1 is behind H
   O1  \\__H  O2                         IPv6 alike: fd00:VLAN::N, fd00:ff::N, fd00:99::1 behind H

An SVI has the MAC of its member's bridge, as Linux makes it.  Nothing here knows of the peer's
router MAC: what that needs is the daemon's business.
"""

import ipaddress
import socket
import time
from typing import Sequence

from .errors import LabError
from .frr import Frr
from .netns import Namespace
from .probe import UDP_PORT
from .routed import Packet, RoutedTraffic
from .topology import MEMBERS, Host, Pair, Switch
from .traffic import Flow, Port
from .wait import wait_for

VLANS = (10, 20, 30)
VLAN_OF = {"r": 10, "h": 20, "o1": 20, "o2": 30}  # on a plain bridge, where all are in one VLAN
ROUTER = 9  # R's number in addresses; S1 is 1, S2 is 2
BEHIND_H = {4: "192.0.2.1", 6: "fd00:99::1"}
UPSTREAM = {4: "198.51.100.1", 6: "fd00:ee::1"}  # beyond each member that has an uplink
UPLINK = "uplink"
ROUTE_BEHIND_H = {4: "192.0.2.0/24", 6: "fd00:99::/64"}
HELLO_S, DEAD_S = 1, 4


def address(number: int, vlan: int | None, version: int = 4) -> str:
    """The address of S1 (1), S2 (2), R (9) or a host in a VLAN; None: its loopback."""
    if version == 4:
        return f"10.0.{vlan}.{number}" if vlan else f"10.255.0.{number}"
    return f"fd00:{vlan}::{number}" if vlan else f"fd00:ff::{number}"


def network_of(host: Host) -> int:
    """The one VLAN a host is in, which is also the number of its network."""
    found = set[int]().union(*(vlans.all() for vlans in host.vlans.values()))
    return min(found) if found else VLAN_OF[host.name]


def link_local(mac: str) -> str:
    """The link-local address that the kernel makes of a MAC."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + interface))


def lay_out(pair: Pair) -> None:
    """For a module's LAYOUT; on plain bridges static legs, and one VLAN holds everything."""
    if not pair.vlan_aware:
        pair.host("r", lag_id=1, is_lacp=False)
        pair.host("h", lag_id=2, is_lacp=False)
        pair.orphan("o1", on="s1")
        pair.orphan("o2", on="s2")
        return
    pair.host("r", lag_id=1, access=10)
    pair.host("h", lag_id=2, access=20)
    pair.orphan("o1", on="s1", access=20)
    pair.orphan("o2", on="s2", access=30)


def lay_out_tagged(pair: Pair) -> None:
    """The same with R and H on trunks."""
    pair.host("r", lag_id=1, trunk=[10])
    pair.host("h", lag_id=2, trunk=[20])
    pair.orphan("o1", on="s1", access=20)
    pair.orphan("o2", on="s2", access=30)


class Routing:
    """SVIs, addresses, routes and FRR on a Pair that is laid out by lay_out()."""

    vrf: str | None = None  # of the members' SVIs; see vrf.py

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.frr: dict[str, Frr] = {}
        self.upstreams: dict[str, Port] = {}
        self._listeners: list[socket.socket] = []
        self.r, self.h = pair.hosts["r"], pair.hosts["h"]
        self.macs = {name: switch.namespace.link("br0")["address"]
                     for name, switch in pair.switches.items()}

    # -- laying out ---------------------------------------------------------------------------

    def build(self, has_static_routes: bool = True) -> "Routing":
        """Everything but the daemons; static routes where no routing daemon shall run."""
        for switch in self.pair.switches.values():
            self._build_member(switch)
        self._build_router()
        for host in self.hosts():
            self._build_host(host, network_of(host))
        if has_static_routes:
            self.add_static_routes()
        self._listen()
        for member in MEMBERS if self.pair.has_daemons else ():
            # a stall of a slow machine is not what these labs are about
            self.pair.prepare_daemon(member).config["peer"]["dead-multiplier"] = "10"
        return self

    def _listen(self) -> None:
        """Take the probes, unread, wherever they end: no ICMP port unreachable among the errors."""
        for namespace in [switch.namespace for switch in self.pair.switches.values()] + \
                [host.namespace for host in self.pair.hosts.values()]:
            self._take_probes(namespace)

    def _take_probes(self, namespace: Namespace) -> None:
        for family, anything in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            sock = namespace.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((anything, UDP_PORT))
            self._listeners.append(sock)

    def hosts(self) -> list[Host]:
        """Everybody but R."""
        return [host for host in self.pair.hosts.values() if host is not self.r]

    def svi(self, vlan: int) -> str:
        """A member's own device in a VLAN."""
        return f"br0.{vlan}" if self.pair.vlan_aware else "br0"

    def device(self, host: Host) -> str:
        """The device on which a host has its address."""
        tag = host.tag(self.vlan(host))
        return host.device if tag is None else f"{host.device}.{tag}"

    def vlan(self, host: Host) -> int | None:
        """The VLAN a host is in, None on a plain bridge."""
        return network_of(host) if self.pair.vlan_aware else None

    def _build_member(self, switch: Switch) -> None:
        number, namespace = MEMBERS.index(switch.name) + 1, switch.namespace
        _as_router(namespace)
        if self.pair.vlan_aware:
            namespace.bridge(*(f"vlan add dev br0 vid {vlan} self" for vlan in VLANS))
            for vlan in VLANS:
                namespace.ip(f"link add link br0 name br0.{vlan} type vlan id {vlan}",
                             f"link set br0.{vlan} up")
        devices = {"lo", *(self.svi(vlan) for vlan in VLANS)}
        _enable_ipv6(namespace, *devices)
        _quiet(namespace, *devices)
        _add_addresses(namespace, number, [("lo", None), *((self.svi(v), v) for v in VLANS)])

    def _build_router(self) -> None:
        namespace, device = self.r.namespace, self.device(self.r)
        _as_router(namespace)
        namespace.ip(f"address flush dev {device}")
        if self.r.is_lacp:
            namespace.ip("link set bond0 type bond xmit_hash_policy layer3+4")
        _enable_ipv6(namespace, "lo", device)
        _quiet(namespace, "lo", *(port.ifname for port in self.r.ports()), device)
        _add_addresses(namespace, ROUTER, [("lo", None), (device, 10)])
        self._tie_legs(self.r, 10, ROUTER)

    def _tie_legs(self, host: Host, vlan: int, number: int) -> None:
        """Two legs without a bond: one sends, both answer questions for the host's addresses."""
        if host.is_lacp or not host.is_dual:
            return
        namespace, second = host.namespace, host.ports()[1].ifname
        _enable_ipv6(namespace, second)
        namespace.ip(f"address add {address(number, vlan)}/32 dev {second}",
                     f"address add {address(number, vlan, 6)}/128 dev {second} nodad",
                     *(f"neigh replace {address(n, vlan, version)} lladdr {mac} nud permanent "
                       f"dev {host.device}" for version in (4, 6)
                       for n, mac in enumerate(self.macs.values(), 1)))

    def _build_host(self, host: Host, vlan: int) -> None:
        namespace, gateway, device = host.namespace, int(host.members[0][1:]), self.device(host)
        _answer_always(namespace)
        _quiet(namespace, "all", *(port.ifname for port in host.ports()))
        _enable_ipv6(namespace, "lo", device)
        if not self.pair.vlan_aware:
            namespace.ip(f"address add {host.ip(vlan)}/24 dev {device}")
        namespace.ip(f"address add {self.host_ip(host, 6)}/64 dev {device} nodad",
                     f"route add default via {address(gateway, vlan)}",
                     f"route add default via {address(gateway, vlan, 6)}")
        self._tie_legs(host, vlan, host.index + 10)
        if host is self.h:
            namespace.ip(*(f"address add {text} dev lo" for text in BEHIND_H.values()))

    def add_static_routes(self) -> None:
        """R by both members as equal next hops; the members to R's loopback and each other's."""
        for version in (4, 6):
            hops = " ".join(f"nexthop via {address(n, 10, version)}" for n in (1, 2))
            bits = 32 if version == 4 else 128
            networks = [_network(vlan, version) for vlan in (20, 30)]
            self.r.namespace.ip(
                *(f"route add {network} {hops}"
                  for network in [*networks, ROUTE_BEHIND_H[version]]),
                *(f"route add {address(n, None, version)}/{bits} "
                  f"via {address(n, 10, version)}" for n in (1, 2)))
            for number, member in enumerate(MEMBERS, 1):
                self.pair.switches[member].namespace.ip(
                    *(f"route add {address(n, None, version)}/{bits} "
                      f"via {address(n, 10, version)}{self.in_vrf}"
                      for n in (1, 2, ROUTER) if n != number),
                    f"route add {self.route_behind_h(version)}")

    @property
    def in_vrf(self) -> str:
        """What a route of a member ends in, for `ip route`."""
        return f" vrf {self.vrf}" if self.vrf else ""

    @property
    def by_vrf(self) -> tuple[str, ...]:
        """How ping asks from a member."""
        return ("-I", self.vrf) if self.vrf else ()

    def route_behind_h(self, version: int) -> str:
        """The members' static route to what is behind H, for `ip route`."""
        return f"{ROUTE_BEHIND_H[version]} via {self.host_ip(self.h, version)}{self.in_vrf}"

    @staticmethod
    def host_ip(host: Host, version: int = 4) -> str:
        """The address of a host in the one VLAN it is in."""
        vlan = network_of(host)
        return host.ip(vlan) if version == 4 else f"fd00:{vlan}::{host.index + 10}"

    def own_addresses(self, member: str, version: int) -> list[str]:
        """Every address that R may send to: of the SVIs, the loopback, link-local."""
        number = MEMBERS.index(member) + 1
        found = [address(number, vlan, version) for vlan in (*VLANS, None)]
        return found if version == 4 else [*found, link_local(self.macs[member])]

    def add_upstream(self, member: str) -> None:
        """A router beyond a member, by a routed link that is no port of the bridge.

        It holds UPSTREAM, and the member's default route leads there.
        """
        number, switch = MEMBERS.index(member) + 1, self.pair.switches[member].namespace
        name = f"u{number}"
        beyond = self.pair.more_namespace(name)
        _as_router(beyond)
        switch.ip(f"link add {UPLINK} type veth peer name eth0 netns {beyond.full_name}")
        for namespace, device, own, peer in ((switch, UPLINK, 1, 2), (beyond, "eth0", 2, 1)):
            _enable_ipv6(namespace, device)
            _quiet(namespace, device)
            namespace.ip("link set lo up", f"link set {device} up",
                         f"address add 172.16.{number}.{own}/30 dev {device}",
                         f"address add fd00:e{number}::{own}/64 dev {device} nodad",
                         f"route add default via 172.16.{number}.{peer} dev {device}",
                         f"route add default via fd00:e{number}::{peer} dev {device}")
        _enable_ipv6(beyond, "lo")
        beyond.ip(*(f"address add {text} dev lo" for text in UPSTREAM.values()))
        self._take_probes(beyond)
        self.upstreams[member] = Port(beyond, "eth0")

    # -- knowing each other -------------------------------------------------------------------

    def svis(self, vlan: int = 10) -> dict[str, Sequence[Port]]:
        """What each member's own stack is given in a VLAN, as receivers svi-s1 and svi-s2."""
        return {f"svi-{name}": [Port(switch.namespace, self.svi(vlan))]
                for name, switch in self.pair.switches.items()}

    def resolve(self, timeout: float = 20) -> None:
        """Every member has a neighbour entry for R and for the hosts, v4 and v6; ping for the rest.
        """
        targets = [address(ROUTER, 10, version) for version in (4, 6)]
        targets += [self.host_ip(host, version) for host in self.hosts() for version in (4, 6)]
        for switch in self.pair.switches.values():
            known = _neighbors(switch.namespace)
            for target in targets:
                if target not in known:
                    wait_for(f"{switch.name} to reach {target}",
                             lambda n=switch.namespace, t=target: ping(n, t, *self.by_vrf), timeout,
                             0.1,
                             show=lambda n=switch.namespace: n.run("ip", "neigh").stdout)

    def traffic(self, frames: int = 1 << 13, vlan: int = 10) -> RoutedTraffic:
        """A measurement with the members' SVIs of a VLAN among the receivers."""
        return RoutedTraffic.of(self.pair, frames, **self.svis(vlan))

    def flow(self, run: RoutedTraffic, dst: str, to: str, by: str | None, ttl: int = 64,
             mac: str | None = None, **how: object) -> Flow:
        """From R to the router MAC of member `to` over the leg to `by` (None: as the bond says)."""
        version = ipaddress.ip_address(dst).version
        details = {key: how.pop(key) for key in
                   ("source_port", "options", "fragment", "extension") if key in how}
        src = address(ROUTER, 10, version)
        if ipaddress.ip_address(dst).is_link_local:
            src = link_local(self.r.mac)
        packet = Packet(src, dst, ttl, **details)  # type: ignore[arg-type]
        port = self.r.leg(by) if by else self.r.port
        return run.packets(f"R to {dst} ttl {ttl} with the MAC of {to} by {by or 'bond0'}", port,
                           mac or self.macs[to], self.r.mac, packet,
                           vlan=self.r.tag(self.vlan(self.r)), **how)  # type: ignore[arg-type]

    # -- what mlagd knows and does ------------------------------------------------------------

    def addresses_text(self, member: str) -> str:
        """What `mlagctl addresses` prints on a member."""
        done = self.pair.switches[member].mlagd.ctl("addresses")
        if done.returncode not in (0, 1):
            raise LabError(f"mlagctl addresses: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def wait_addresses(self, timeout: float = 10) -> None:
        """Wait until both members have proven that they know each other's addresses."""
        for switch in self.pair.switches.values():
            def probe(switch: Switch = switch) -> bool:
                sync = switch.mlagd.query("status")["sync"].get("addresses", {})
                return bool(sync.get("match") and sync.get("remote"))

            wait_for(f"{switch.name} to have the peer's addresses", probe, timeout, 0.2,
                     show=lambda s=switch: s.mlagd.query("status"))

    @staticmethod
    def detach_receive(switch: Switch) -> None:
        """Take whatever is attached to the ingress of the bridge's ports off, nothing else."""
        for row in switch.namespace.json("bridge", "-j", "link", "show"):
            switch.namespace.run("tc", "filter", "del", "dev", row["ifname"], "ingress",
                                 check=False)
        switch.detach_links("ingress")

    # -- routing daemons ----------------------------------------------------------------------

    def start_frr(self, *daemons: str, **more: dict[str, str]) -> None:
        """zebra and these daemons on S1, S2 and R; `more` is text by node for a daemon."""
        for number, node in ((1, "s1"), (2, "s2"), (ROUTER, "r")):
            if node not in self.frr:
                self.frr[node] = Frr(self.namespace(node), self.pair.directory)
                self.frr[node].start("zebra")
            for daemon in daemons:
                texts = {"ospfd": ospf_config, "ospf6d": ospf6_config, "bfdd": bfd_config}
                text = more[daemon][node] if daemon in more else texts[daemon](number)
                self.frr[node].start(daemon, text)

    def stop_frr(self) -> None:
        """End every routing daemon."""
        for frr in self.frr.values():
            frr.close()
        self.frr = {}

    def namespace(self, node: str) -> Namespace:
        """Of a member or a host by name."""
        if node in self.pair.switches:
            return self.pair.switches[node].namespace
        return self.pair.hosts[node].namespace


def _neighbors(namespace: Namespace) -> set[str]:
    """The addresses that a kernel could send to without asking first."""
    return {row["dst"] for row in namespace.json("ip", "-j", "neigh", "show")
            if "lladdr" in row and not {"FAILED", "INCOMPLETE"} & set(row["state"])}


def _network(vlan: int, version: int) -> str:
    return f"10.0.{vlan}.0/24" if version == 4 else f"fd00:{vlan}::/64"


def _as_router(namespace: Namespace) -> None:
    namespace.sysctl(**{
        "ipv4/conf/all/forwarding": 1, "ipv6/conf/all/forwarding": 1,
        "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0,
        "ipv4/conf/all/send_redirects": 0, "ipv4/conf/default/send_redirects": 0,
        "ipv4/fib_multipath_hash_policy": 1})
    _answer_always(namespace)


def _answer_always(namespace: Namespace) -> None:
    """ICMP errors are counted here: no limit to their rate."""
    namespace.sysctl(**{"ipv4/icmp_ratemask": 0, "ipv6/icmp/ratelimit": 0})


def _quiet(namespace: Namespace, *ifnames: str) -> None:
    for ifname in ifnames:
        namespace.sysctl(**{f"ipv4/conf/{ifname}/rp_filter": 0,
                            f"ipv4/conf/{ifname}/send_redirects": 0})


def _enable_ipv6(namespace: Namespace, *ifnames: str) -> None:
    for ifname in ifnames:
        namespace.sysctl(**{f"ipv6/conf/{ifname}/accept_dad": 0,
                            f"ipv6/conf/{ifname}/accept_ra": 0,
                            f"ipv6/conf/{ifname}/disable_ipv6": 0})


def _add_addresses(namespace: Namespace, number: int, devices: list[tuple[str, int | None]]
                   ) -> None:
    namespace.ip(*(line for device, vlan in devices for line in (
        f"address add {address(number, vlan)}/{24 if vlan else 32} dev {device}",
        f"address add {address(number, vlan, 6)}/{64 if vlan else 128} dev {device} nodad")))


def ping(namespace: Namespace, target: str, *more: str) -> bool:
    """One echo, answered within a second."""
    argv = ["ping", "-n", "-q", "-c", "1", "-W", "1", *more, target]
    return namespace.run(*argv, check=False).returncode == 0


# -- configurations -----------------------------------------------------------------------------


def _interfaces(number: int) -> tuple[str, list[str]]:
    """The device in VLAN 10, and those that are only announced."""
    if number == ROUTER:
        return "bond0", ["lo"]
    return "br0.10", ["lo", "br0.20", "br0.30"]


def ospf_config(number: int) -> str:
    """OSPFv2: one area, everything announced, adjacencies in VLAN 10 alone."""
    device, others = _interfaces(number)
    passive = "".join(f"interface {other}\n ip ospf area 0\n ip ospf passive\n!\n"
                      for other in others)
    return (f"interface {device}\n ip ospf area 0\n ip ospf hello-interval {HELLO_S}\n"
            f" ip ospf dead-interval {DEAD_S}\n!\n{passive}"
            f"router ospf\n ospf router-id {address(number, None)}\n"
            " log-adjacency-changes detail\n timers throttle spf 0 50 500\n"
            " timers throttle lsa all 50\n timers lsa min-arrival 0\n!\n")


def ospf6_config(number: int) -> str:
    """OSPFv3, alike."""
    device, others = _interfaces(number)
    passive = "".join(f"interface {other}\n ipv6 ospf6 area 0\n ipv6 ospf6 passive\n!\n"
                      for other in others)
    return (f"interface {device}\n ipv6 ospf6 area 0\n ipv6 ospf6 hello-interval {HELLO_S}\n"
            f" ipv6 ospf6 dead-interval {DEAD_S}\n!\n{passive}"
            f"router ospf6\n ospf6 router-id {address(number, None)}\n"
            " log-adjacency-changes detail\n timers throttle spf 0 50 500\n"
            " timers lsa min-arrival 0\n!\n")


def bfd_config(number: int) -> str:
    """BFD sessions of 3 x 300 ms: R with each member, a member with R."""
    device, _ = _interfaces(number)
    peers = (1, 2) if number == ROUTER else (ROUTER,)
    return "bfd\n" + "".join(
        f" peer {address(peer, 10)} interface {device}\n  receive-interval 300\n"
        "  transmit-interval 300\n  detect-multiplier 3\n !\n" for peer in peers) + "!\n"


def bgp_config(number: int, is_external: bool) -> str:
    """eBGP (TTL 1) between the addresses in VLAN 10, or iBGP between the loopbacks; v4 and v6."""
    own = 65009 if is_external and number == ROUTER else 65000
    peers = (1, 2) if number == ROUTER else (ROUTER,)
    lines = [f"router bgp {own}", f" bgp router-id {address(number, None)}",
             " no bgp ebgp-requires-policy", " no bgp default ipv4-unicast",
             " no bgp network import-check", " timers bgp 1 4",
             " bgp log-neighbor-changes"]
    names = []
    for peer in peers:
        remote = 65009 if is_external and peer == ROUTER else 65000
        for version in (4, 6):
            name = address(peer, 10 if is_external else None, version)
            names.append((name, version))
            lines += [f" neighbor {name} remote-as {remote}",
                      f" neighbor {name} timers connect 1"]
            if not is_external:
                lines.append(f" neighbor {name} update-source {address(number, None, version)}")
    for version in (4, 6):
        lines.append(f" address-family ipv{version} unicast")
        lines += [f"  neighbor {name} activate" for name, of in names if of == version]
        if number == ROUTER:
            lines.append("  network " + ("203.0.113.0/24" if version == 4 else "fd00:113::/64"))
        else:
            lines.append(f"  network {_network(20, version)}")
        lines.append(" exit-address-family")
    return "\n".join([*lines, "!", ""])


# -- what the routing daemons say ---------------------------------------------------------------


def ospf_states(frr: Frr) -> dict[str, str]:
    """State by router id, e.g. {"10.255.0.1": "Full"}."""
    found = frr.json("ospfd", "show ip ospf neighbor json")
    neighbors = found.get("neighbors", found)
    return {router_id: rows[0].get("nbrState", rows[0].get("state", "?")).split("/")[0]
            for router_id, rows in neighbors.items()}


def ospf6_states(frr: Frr) -> dict[str, str]:
    """The same of OSPFv3."""
    found = frr.json("ospf6d", "show ipv6 ospf6 neighbor json")
    return {row["neighborId"]: row["state"] for row in found["neighbors"]}


def bgp_states(frr: Frr) -> dict[str, str]:
    """State by neighbour address."""
    found = frr.json("bgpd", "show bgp summary json")
    return {name: row["state"] for family in found.values() if isinstance(family, dict)
            for name, row in family.get("peers", {}).items()}


def bfd_states(frr: Frr) -> dict[str, str]:
    """State by peer address."""
    return {row["peer"]: row["status"] for row in frr.json("bfdd", "show bfd peers json")}


def bfd_downs(frr: Frr) -> int:
    """How often a session went down."""
    return sum(row["session-down"] for row in frr.json("bfdd", "show bfd peers counters json"))


STATES = {"ospfd": (ospf_states, "Full"), "ospf6d": (ospf6_states, "Full"),
          "bgpd": (bgp_states, "Established"), "bfdd": (bfd_states, "up")}
CHANGES = {"ospfd": "AdjChg", "ospf6d": "AdjChg", "bgpd": "%ADJCHANGE", "bfdd": "state-change"}


def wait_state(frr: Frr, daemon: str, neighbors: Sequence[str], timeout: float = 40) -> float:
    """Wait until a daemon's neighbours are all in its good state; the seconds it took."""
    states, good = STATES[daemon]
    began = time.monotonic()

    def probe() -> bool:
        found = states(frr)
        if any(found.get(name) != good for name in neighbors):
            raise LabError(f"{daemon}: {found}")
        return True

    wait_for(f"{daemon} of {frr.namespace.name}: {good} with {', '.join(neighbors)}", probe,
             timeout, 0.2)
    return time.monotonic() - began


def check_state(frr: Frr, daemon: str, neighbors: Sequence[str]) -> list[str]:
    """What is wrong with a daemon's neighbours now."""
    states, good = STATES[daemon]
    found = states(frr)
    return [f"{daemon} of {frr.namespace.name}: {name} is {found.get(name)}"
            for name in neighbors if found.get(name) != good]


def log_changes(frr: Frr, daemon: str) -> list[str]:
    """What a daemon logged about its neighbours so far, however briefly it lasted."""
    return [line for line in frr.log(daemon).splitlines() if CHANGES[daemon] in line]


def adjacency_changes(lab: Routing, daemon: str = "ospfd") -> list[str]:
    """The same of every node."""
    return [f"{node}: {line}" for node, frr in lab.frr.items() for line in log_changes(frr, daemon)]


def kernel_hops(namespace: Namespace, dst: str) -> list[str]:
    """The next hops that a kernel has to a network."""
    rows = namespace.json("ip", "-6" if ":" in dst else "-4", "-j", "route", "show", dst)
    return sorted(hop.get("gateway", hop.get("dev", "?"))
                  for row in rows for hop in row.get("nexthops", [row]))
