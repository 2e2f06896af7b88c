# SPDX-License-Identifier: BSD-2-Clause
"""R31 on the wire: a member that lost its default route sends by its peer what has no other one.

The layout is that of the routed labs, with an upstream router behind each member:

        R      H, O1, O2                 U1 is behind S1 alone, U2 behind S2 alone: links of their
       / \\                               own, 100.64.N.0/30 and fd64:N::/64.  Both members have a
     S1 === S2                           default route by their own upstream router, metric 50.
     |       |
     U1      U2                          203.0.113.9 and fd00:dead::9 are somewhere beyond.
"""

import json
import os
import signal
import socket
import time

import pytest

from mlab import Pair, explained, wait_for
from mlab.gateway import Gateways
from mlab.netns import Namespace
from mlab.probe import UDP_PORT
from mlab.routed import Packet, RoutedTraffic, faults_nothing, faults_once
from mlab.routing import ROUTER, Routing, address, lay_out, link_local, ping
from mlab.routing_suites import VERSIONS, crossing_faults
from mlab.topology import MEMBERS, PL
from mlab.traffic import Flow, Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
OUTSIDE = {4: "203.0.113.9", 6: "fd00:dead::9"}
PROTOCOL, TABLE, RULES, METRIC = 109, 0x6D6C6167, 32800, 0x6D6C6167
RETURNS = 999
COUNT = 20
TTL_MAX = 64
PL_PORT = "peerlink"


class Upstream:
    """The two upstream routers, and the members' default routes."""

    def __init__(self, lab: Routing) -> None:
        self.lab = lab
        self.namespaces = {}
        self.listeners = []
        for number, member in enumerate(MEMBERS, 1):
            upstream = self.namespaces[member] = Namespace(f"u{number}")
            switch = lab.pair.switches[member].namespace
            switch.ip(f"link add up0 type veth peer name up0 netns {upstream.full_name}",
                      "link set up0 up", f"address add 100.64.{number}.1/30 dev up0")
            upstream.ip("link set up0 up", "link set lo up",
                        f"address add 100.64.{number}.2/30 dev up0",
                        *(f"address add {text} dev lo" for text in OUTSIDE.values()))
            for namespace, host in ((switch, 1), (upstream, 2)):
                namespace.sysctl(**{"ipv6/conf/up0/disable_ipv6": 0,
                                    "ipv6/conf/up0/accept_dad": 0,
                                    "ipv6/conf/up0/accept_ra": 0})
                namespace.ip(f"address add fd64:{number}::{host}/64 dev up0 nodad")
            switch.sysctl(**{"ipv4/conf/up0/rp_filter": 0})
            upstream.ip(f"route add default via 100.64.{number}.1",
                        f"route add default via fd64:{number}::1")
            sock = upstream.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind(("0.0.0.0", UDP_PORT))  # taken unread: no ICMP port unreachable
            self.listeners.append(sock)

    def close(self) -> None:
        """Remove the namespaces."""
        for sock in self.listeners:
            sock.close()
        for namespace in self.namespaces.values():
            namespace.remove()

    def give(self, *members: str) -> None:
        """Let members have their default routes again."""
        for member in members:
            number = MEMBERS.index(member) + 1
            self.lab.pair.switches[member].namespace.ip(
                f"route replace default via 100.64.{number}.2 metric 50",
                f"route replace default via fd64:{number}::2 metric 50")

    def take(self, *members: str) -> None:
        """Take the default routes of members, one right after the other."""
        for member in members:
            self.lab.pair.switches[member].namespace.ip(
                "route del default", f"route del default via fd64:{MEMBERS.index(member) + 1}::2")

    def traffic(self) -> RoutedTraffic:
        """A measurement with u1 and u2 among the receivers."""
        views = {f"u{number}": [Port(self.namespaces[member], "up0")]
                 for number, member in enumerate(MEMBERS, 1)}
        return RoutedTraffic.of(self.lab.pair, 1 << 13, **views)


@pytest.fixture(scope="module", autouse=True, name="unlimited")
def every_error_is_sent():
    """The kernel answers five at once and then one a second, for all namespaces together.

    In a kernel of our own that is switched off, so that errors can be counted one by one.
    """
    is_ours = bool(os.environ.get("MLAB_IN_UML"))
    if is_ours:
        with open("/proc/sys/net/ipv4/route/error_cost", "w", encoding="ascii") as file:
            file.write("0")
    return is_ours


@pytest.fixture(scope="module", name="up")
def upstream_routers(layout: Pair):
    """The pair with static routes and upstream routers; last-resort is off."""
    lab = Routing(layout).build()
    up = Upstream(lab)
    up.give(*MEMBERS)
    for member in MEMBERS:  # a busy machine takes seconds to start a daemon that was killed
        layout.prepare_daemon(member).config["peer"]["restart-hold"] = "20s"
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    yield up
    up.close()


def configure(up: Upstream, word: str, *members: str) -> None:
    """Write last-resort = on or off and reload."""
    for member in members or MEMBERS:
        daemon = up.lab.pair.switches[member].mlagd
        daemon.config["peer"]["last-resort"] = word
        daemon.write_config()
        daemon.ctl("reload", check=True)


def states(up: Upstream, member: str) -> dict[int, str]:
    """State by family, as status -j has it."""
    rows = up.lab.pair.switches[member].mlagd.query("status")["last_resort"]
    return {row["family"]: row["state"] for row in rows}


def wait_states(up: Upstream, member: str, state: str) -> None:
    """Wait until both families of a member are in a state."""
    wait_for(f"{member}: {state}", lambda: set(states(up, member).values()) == {state}, 5, 0.02,
             show=lambda: up.lab.pair.switches[member].mlagd.query("status")["last_resort"])


def own_routes(up: Upstream, member: str, version: int) -> list[dict]:
    """What is in our table."""
    done = up.lab.pair.switches[member].namespace.run(
        "ip", "-j", f"-{version}", "route", "show", "table", str(TABLE), check=False)
    return json.loads(done.stdout or "[]") if done.returncode == 0 else []


def own_rules(up: Upstream, member: str, version: int) -> set[str]:
    """The devices of the rules with our protocol number; "any" is what has no device."""
    rows = up.lab.pair.switches[member].namespace.json("ip", "-d", "-j", f"-{version}", "rule")
    return {row.get("iif", "any") for row in rows if str(row.get("protocol")) == str(PROTOCOL)}


@pytest.fixture(name="on")
def switched_on(up: Upstream):
    """On at both, with both default routes, ready: whatever the test before left."""
    restore(up)
    for member in MEMBERS:
        wait_states(up, member, "ready")
        wait_for(f"{member} to be armed", lambda m=member: own_rules(up, m, 4) and
                 own_rules(up, m, 6), 5, 0.05)
    return up


def restore(up: Upstream) -> None:
    """Whole again, on, with all routes."""
    up.give(*MEMBERS)
    for member in MEMBERS:
        daemon = up.lab.pair.switches[member].mlagd
        is_off = daemon.config["peer"].get("last-resort") != "on"
        daemon.config["peer"]["last-resort"] = "on"
        if not daemon.is_running():
            daemon.start()
            continue
        daemon.process.send_signal(signal.SIGCONT)
        if is_off:
            daemon.write_config()
            daemon.ctl("reload", check=True)
    up.lab.pair.wait_whole()
    up.lab.pair.wait_known()
    up.lab.resolve()
    up.lab.wait_addresses()


def ways(up: Upstream, run: RoutedTraffic, to: str, by: str, count: int = COUNT, rate: float = 100
         ) -> list[Flow]:
    """R to the outside by a member's MAC and leg, IPv4 and IPv6."""
    return [up.lab.flow(run, OUTSIDE[version], to, by, count=count, rate=rate)
            for version in VERSIONS]


def unreachable(run: RoutedTraffic, flow: Flow) -> list[int]:
    """Of which packets the sender heard that they are unreachable."""
    return sorted(error.sequence for error in run.errors(flow, "r")
                  if error.error == "unreachable")


def one_error_each(run: RoutedTraffic, flow: Flow) -> list[str]:
    """What is wrong when the sender should hear of each packet once that it is unreachable."""
    heard = unreachable(run, flow)
    wanted = list(range(flow.sent)) if os.environ.get("MLAB_IN_UML") else sorted(set(heard))
    if heard != wanted or not heard:
        return [f"{flow.name}: {len(heard)} ICMP unreachable for {flow.sent}"]
    return []


def test_r31_off_the_sender_gets_icmp_unreachable(up: Upstream) -> None:
    """The difference: without it what has S1's own MAC ends there."""
    assert set(states(up, "s1").values()) == {"off"}
    up.take("s1")
    try:
        with up.traffic() as run:
            flows = ways(up, run, "s1", "s1")
            run.send()
    finally:
        up.give("s1")
    faults = []
    for flow in flows:
        faults += one_error_each(run, flow) + faults_nothing(run, flow, "u1", "u2", PL)
    assert not faults, "\n".join(faults)
    assert not own_rules(up, "s1", 4) and not own_routes(up, "s1", 4)


def test_r31_ready_changes_nothing(on: Upstream) -> None:
    """With both default routes there everything leaves where it arrives."""
    with on.traffic() as run:
        flows = {(to, by): ways(on, run, to, by) for to in MEMBERS for by in MEMBERS}
        run.send()
    faults = []
    for (_, by), both in flows.items():
        for flow in both:
            faults += faults_once(run, flow, f"u{MEMBERS.index(by) + 1}", ttl=TTL_MAX - 1)
            faults += faults_nothing(run, flow, PL, f"u{2 - MEMBERS.index(by)}")
    assert not faults, "\n".join(faults)
    for version in VERSIONS:
        assert own_rules(on, "s1", version) >= {"br0.10", "br0.20", "br0.30"}
        assert not own_routes(on, "s1", version)


@pytest.mark.parametrize("loser", MEMBERS)
def test_r31_lost_here_it_goes_by_the_peer(on: Upstream, loser: str) -> None:
    """Own MAC by the own leg: once, TTL minus two, over PL once.  R25 and R21 are as they were."""
    other = next(name for name in MEMBERS if name != loser)
    beyond, here = f"u{MEMBERS.index(other) + 1}", f"u{MEMBERS.index(loser) + 1}"
    on.take(loser)
    wait_states(on, loser, "active")
    with on.traffic() as run:
        flows = {(to, by): ways(on, run, to, by) for to in MEMBERS for by in MEMBERS}
        orphan = on.lab.pair.hosts["o1" if loser == "s1" else "o2"]
        vlan = 20 if loser == "s1" else 30
        by_orphan = [run.packets(f"{orphan.name}, IPv{version}", orphan.port, on.lab.macs[loser],
                                 orphan.mac, Packet(on.lab.host_ip(orphan, version),
                                                    OUTSIDE[version]), 100, COUNT)
                     for version in VERSIONS]
        run.send()
    assert vlan  # the next hop is in VLAN 10, whichever VLAN the packet came from
    faults = []
    for (to, by), both in flows.items():
        ttl = TTL_MAX - 2 if (to, by) == (loser, loser) else TTL_MAX - 1
        for flow in both:
            faults += faults_once(run, flow, beyond, ttl=ttl)
            faults += faults_nothing(run, flow, here, "h", "o1", "o2")
            faults += crossing_faults(run, flow, flow.sent if by == loser else 0)
            faults += [f"answered: {error}" for error in run.errors(flow, "r")
                       if error.error != "redirect"][:1]
    for flow in by_orphan:
        faults += faults_once(run, flow, beyond, ttl=TTL_MAX - 2)
        faults += crossing_faults(run, flow, flow.sent)
    assert not faults, "\n".join(faults)
    rows = on.lab.pair.switches[loser].mlagd.query("status")["last_resort"]
    number = MEMBERS.index(other) + 1
    assert {row["next_hop"] for row in rows} == {address(number, 10), link_local(
        on.lab.macs[other])}, rows
    assert {row["ifname"] for row in rows} == {"br0.10"}
    text = on.lab.pair.switches[loser].mlagd.ctl("status").stdout
    assert "Last resort  IPv4 active by" in text, text
    assert "IPv4 ready -> IPv4 active" in on.lab.pair.switches[loser].mlagd.log()


def test_r31_explain_says_so_and_not_for_what_came_over_the_peer_link(on: Upstream) -> None:
    """Our MAC by a leg: by the peer, R31.  The same frame from the peer link has a mark: answered."""
    on.take("s1")
    wait_states(on, "s1", "active")
    with on.traffic() as run:
        flows = ways(on, run, "s1", "s1")
        run.send()
        for flow in flows:
            assert not (faults := faults_once(run, flow, "u2", TTL_MAX - 2)), "\n".join(faults)
            own = explained.ask(on.lab.pair.s1, "bond1", flow)
            assert own["verdict"] == "routed" and "R31" in explained.rules(own), own
            assert [copy["ifname"] for copy in own["copies"] if copy["fate"] == "sent"][0] == PL_PORT
            frame = (flow.frame[:12] + b"\x81\x00\x00\x0a" + flow.frame[12:]).hex()
            back = on.lab.pair.s1.mlagd.query("explain", "--in", PL_PORT, "--frame", frame)
            assert back["verdict"] == "answered" and "R31" not in explained.rules(back), back
    on.give("s1")
    wait_states(on, "s1", "ready")
    again = explained.ask(on.lab.pair.s1, "bond1", flows[0])
    assert again["verdict"] == "routed" and "R31" not in explained.rules(again), again


def test_r31_the_default_route_returns(on: Upstream) -> None:
    """Active to ready under traffic, and back: nothing is lost on the way back."""
    on.take("s1")
    wait_states(on, "s1", "active")
    with on.traffic() as run:
        flows = ways(on, run, "s1", "s1", count=200, rate=200)
        run.start()
        run.wait_sent(flows[0], 60)
        on.give("s1")
        run.finish()
    wait_states(on, "s1", "ready")
    for flow in flows:
        first, second = run.result(flow, "u1"), run.result(flow, "u2")
        assert first.unique and second.unique, (str(first), str(second))
        arrived = [entry.sequence for name in ("u1", "u2") for entry in run.seen(flow, name)]
        assert sorted(arrived) == list(range(flow.sent)), (str(first), str(second))
    assert not own_routes(on, "s1", 4) and not own_routes(on, "s1", 6)


def test_r31_how_long_it_takes(on: Upstream, tell, unlimited: bool) -> None:
    """From the loss of the route to the first packet by the peer, measured at the sender's rate."""
    with on.traffic() as run:
        flows = ways(on, run, "s1", "s1", count=400, rate=400)
        run.start()
        run.wait_sent(flows[0], 100)
        on.take("s1")
        run.finish()
    for flow in flows:
        arrived = {entry.sequence for name in ("u1", "u2") for entry in run.seen(flow, name)}
        lost = flow.sent - len(arrived)
        tell(f"{flow.name}: {lost} of {flow.sent} lost, {lost * 1000 / flow.rate:.0f} ms")
        assert lost * 1000 / flow.rate < 1000
        errors = len(unreachable(run, flow))
        assert errors == lost or not unlimited, f"{flow.name}: {errors} errors, {lost} lost"


def test_r31_both_lose_it_at_once_nothing_circles(on: Upstream, unlimited: bool) -> None:
    """Under traffic: each packet leaves once, or its sender hears once; none crosses PL twice."""
    with on.traffic() as run:
        flows = [flow for to in MEMBERS for by in MEMBERS
                 for flow in ways(on, run, to, by, count=300, rate=150)]
        run.start()
        run.wait_sent(flows[0], 40)
        on.take(*MEMBERS)
        run.finish()
    faults = []
    for flow in flows:
        arrived = [entry.sequence for name in ("u1", "u2") for entry in run.seen(flow, name)]
        errors = unreachable(run, flow)
        if unlimited and sorted(arrived + errors) != list(range(flow.sent)):
            faults.append(f"{flow.name}: {len(arrived)} left, {len(errors)} errors, of {flow.sent}")
        if not errors:
            faults.append(f"{flow.name}: no error at all")
        if run.result(flow, PL).duplicates:
            faults.append(f"twice on PL: {run.result(flow, PL)}")
    assert not faults, "\n".join(faults)
    for member in MEMBERS:
        assert set(states(on, member).values()) == {"ready"}


def face_each_other(on: Upstream) -> None:
    """What the members never do: both kernels send by the other.  Their daemons are stopped."""
    on.take("s1")
    wait_states(on, "s1", "active")
    for switch in on.lab.pair.switches.values():
        switch.mlagd.process.send_signal(signal.SIGSTOP)
    on.take("s2")
    namespace = on.lab.pair.s2.namespace
    namespace.ip(f"route add default via {address(1, 10)} dev br0.10 table {TABLE} "
                 f"proto {PROTOCOL} metric {METRIC}",
                 f"route add default via {link_local(on.lab.macs['s1'])} dev br0.10 "
                 f"table {TABLE} proto {PROTOCOL} metric {METRIC}")


def test_r31_two_that_face_each_other_do_not_loop_for_the_mark(on: Upstream, tell) -> None:
    """Each crosses PL once and is then answered; with the mark's program taken off it circles."""
    face_each_other(on)
    with on.traffic() as run:
        flows = [flow for member in MEMBERS for flow in ways(on, run, member, member, count=3)]
        run.send()
    faults = []
    for flow in flows:
        faults += crossing_faults(run, flow, flow.sent) + one_error_each(run, flow)
        faults += faults_nothing(run, flow, "u1", "u2")
    assert not faults, "\n".join(faults)
    for switch in on.lab.pair.switches.values():
        switch.namespace.run("tc", "filter", "del", "dev", "peerlink", "ingress")
    with on.traffic() as run:
        flow = ways(on, run, "s1", "s1", count=1)[0]
        run.send()
    crossing = len(run.seen(flow, PL))
    tell(f"without the mark one packet crosses the peer link {crossing} times")
    assert crossing > 10


def test_r31_default_routes_that_point_at_each_other_are_unreachable(on: Upstream, tell) -> None:
    """As a routing protocol has it when both lose theirs: once over PL, one error, from the other.

    With the rule taken away the same routes play a packet back until its TTL ends.
    """
    switches = list(on.lab.pair.switches.values())
    on.take(*MEMBERS)
    for number, switch in enumerate(switches, 1):
        switch.namespace.ip(*(f"route add default via {address(3 - number, 10, version)}"
                              for version in VERSIONS))
        for version in VERSIONS:
            assert ping(switch.namespace, address(3 - number, 10, version))
    try:
        with on.traffic() as run:
            flows = [flow for to in MEMBERS for by in MEMBERS for flow in ways(on, run, to, by)]
            run.send()
        faults = []
        for flow in flows:
            faults += crossing_faults(run, flow, flow.sent) + one_error_each(run, flow)
            faults += faults_nothing(run, flow, "u1", "u2")
        assert not faults, "\n".join(faults)
        for switch in switches:
            switch.mlagd.process.send_signal(signal.SIGSTOP)  # or it puts the rule back
            switch.namespace.run("ip", "rule", "del", "pref", str(RETURNS))
        with on.traffic() as run:
            flow = ways(on, run, "s1", "s1", count=1)[0]
            run.send()
        crossing = len(run.seen(flow, PL))
        tell(f"without the rule one packet crosses the peer link {crossing} times")
        assert crossing > 10
    finally:
        for number, switch in enumerate(switches, 1):
            switch.mlagd.process.send_signal(signal.SIGCONT)
            switch.namespace.ip(*(f"route del default via {address(3 - number, 10, version)}"
                                  for version in VERSIONS))


def test_r31_what_is_generated_here_does_not_use_it(on: Upstream) -> None:
    """S1's own packets have no route; and the mark is nothing that a user sets by chance."""
    on.take("s1")
    wait_states(on, "s1", "active")
    namespace = on.lab.pair.s1.namespace
    for version in VERSIONS:
        assert not ping(namespace, OUTSIDE[version])
        done = namespace.run("ip", f"-{version}", "route", "get", OUTSIDE[version], check=False)
        assert done.returncode != 0, done.stdout
        done = namespace.run("ip", f"-{version}", "route", "get", OUTSIDE[version], "from",
                             address(ROUTER, 10, version), "iif", "br0.10")
        assert "br0.10" in done.stdout


def test_r31_foreign_routes_and_rules_stay(on: Upstream) -> None:
    """Rules at our priority, routes in our table, of somebody else: before, active and after."""
    namespace = on.lab.pair.s1.namespace
    namespace.ip(f"rule add pref {RULES} iif br0.10 lookup 77 protocol static",
                 f"route add default dev up0 table {TABLE} metric 5000000 proto static",
                 "route add default via 100.64.1.2 table 77")

    def foreign() -> list[str]:
        lines = []
        for version in VERSIONS:
            for what in (["rule"], ["route", "show", "table", "all"]):
                lines += namespace.run("ip", "-d", f"-{version}", *what).stdout.splitlines()
        return sorted(line.strip() for line in lines if f"proto {PROTOCOL}" not in line
                      and "metric 50 " not in line + " ")

    try:
        configure(on, "off")
        before = foreign()
        configure(on, "on")
        wait_states(on, "s1", "ready")
        on.take("s1")
        wait_states(on, "s1", "active")
        namespace.run("ip", "rule", "del", "pref", str(RULES), "iif", "br0.20", "protocol",
                      str(PROTOCOL))  # somebody takes one of ours
        wait_for("the rule to be back", lambda: "br0.20" in own_rules(on, "s1", 4), 5, 0.05)
        assert foreign() == before
        configure(on, "off")
        wait_for("all of ours to be gone", lambda: not own_rules(on, "s1", 4), 5, 0.05)
        assert foreign() == before
    finally:
        namespace.ip(f"rule del pref {RULES} iif br0.10 lookup 77 protocol static",
                     f"route del default dev up0 table {TABLE} metric 5000000",
                     "route flush table 77")


def test_r31_a_restart_of_the_daemon_loses_nothing(on: Upstream) -> None:
    """SIGKILL and a new start while active: adopted, not made anew; and of the peer's daemon."""
    on.take("s1")
    wait_states(on, "s1", "active")
    for member in MEMBERS:
        daemon = on.lab.pair.switches[member].mlagd
        with on.traffic() as run:
            flows = ways(on, run, "s1", "s1", count=3000, rate=100)
            run.start()
            run.wait_sent(flows[0], 50)
            daemon.stop(signal.SIGKILL)
            run.wait_sent(flows[0], run.sent_so_far(flows[0]) + 20)
            daemon.start()
            on.lab.pair.wait_whole()
            run.wait_sent(flows[0], run.sent_so_far(flows[0]) + 50)
            run.stop()
        faults = [fault for flow in flows for fault in faults_once(run, flow, "u2", TTL_MAX - 2)]
        assert not faults, f"{member} restarted:\n" + "\n".join(faults)
        wait_states(on, "s1", "active")


def test_r31_a_restart_removes_what_is_not_wanted_any_more(on: Upstream) -> None:
    """Off in the file while the daemon is dead: the next start takes all of it away."""
    on.take("s1")
    wait_states(on, "s1", "active")
    daemon = on.lab.pair.s1.mlagd
    daemon.stop(signal.SIGKILL)
    daemon.config["peer"]["last-resort"] = "off"
    daemon.start()
    wait_for("ours to be gone", lambda: not any(
        own_rules(on, "s1", version) or own_routes(on, "s1", version) for version in VERSIONS),
        10, 0.1)
    status = wait_for("the difference to be named", lambda: [
        problem for problem in on.lab.pair.s2.mlagd.query("status")["problems"]
        if problem["code"] == "last-resort-differs"], 10)
    assert "does not take part" in status[0]["text"]


def test_r31_off_by_reload_removes_everything(on: Upstream) -> None:
    """Rules, route and the program that marks."""
    on.take("s1")
    wait_states(on, "s1", "active")
    namespace = on.lab.pair.s1.namespace
    assert "mark_peer_link" in namespace.run("tc", "filter", "show", "dev", "peerlink",
                                             "ingress").stdout
    configure(on, "off")
    wait_states(on, "s1", "off")
    for version in VERSIONS:
        assert not own_rules(on, "s1", version) and not own_routes(on, "s1", version)
    assert "mark_peer_link" not in namespace.run("tc", "filter", "show", "dev", "peerlink",
                                                 "ingress").stdout


def test_r31_an_svi_is_made_anew(on: Upstream) -> None:
    """The next hop's device goes: another VLAN takes over; it returns: so does the next hop."""
    on.take("s1")
    wait_states(on, "s1", "active")
    namespace = on.lab.pair.s1.namespace
    namespace.ip("link del br0.30", "link del br0.10")

    def hop() -> set[str]:
        return {row["dev"] for version in VERSIONS for row in own_routes(on, "s1", version)}

    wait_for("the next hop to move", lambda: hop() == {"br0.20"}, 5, 0.05,
             show=lambda: on.lab.pair.s1.mlagd.query("status"))
    for vlan in (10, 30):
        namespace.ip(f"link add link br0 name br0.{vlan} type vlan id {vlan}")
        namespace.sysctl(**{f"ipv6/conf/br0.{vlan}/accept_dad": 0,
                            f"ipv6/conf/br0.{vlan}/disable_ipv6": 0,
                            f"ipv4/conf/br0.{vlan}/rp_filter": 0,
                            f"ipv4/conf/br0.{vlan}/send_redirects": 0})
        namespace.ip(f"link set br0.{vlan} up",
                     f"address add {address(1, vlan)}/24 dev br0.{vlan}",
                     f"address add {address(1, vlan, 6)}/64 dev br0.{vlan} nodad")
    wait_for("the next hop to be back", lambda: hop() == {"br0.10"}, 5, 0.05,
             show=lambda: on.lab.pair.s1.mlagd.query("status"))
    with on.traffic() as run:
        flows = ways(on, run, "s1", "s1")
        run.send()
    faults = [fault for flow in flows for fault in faults_once(run, flow, "u2", TTL_MAX - 2)]
    assert not faults, "\n".join(faults)


def test_r31_a_link_that_goes_takes_its_routes_without_a_word(on: Upstream) -> None:
    """The uplink is set down: the kernel says nothing of the IPv4 route that went with it."""
    on.lab.pair.s1.namespace.set_up("up0", False)
    try:
        wait_states(on, "s1", "active")
    finally:
        on.lab.pair.s1.namespace.ip("link set up0 up", "address replace fd64:1::1/64 dev up0 nodad")


def test_r31_frr_does_not_import_it(on: Upstream) -> None:
    """zebra and `redistribute kernel`: neither the table nor the neighbour has the route."""
    config = {node: f"interface {device}\n ip ospf area 0\n"
                    " ip ospf dead-interval minimal hello-multiplier 4\n!\n"
                    f"router ospf\n ospf router-id {address(number, None)}\n"
                    " redistribute kernel\n"
                    " default-information originate\n"
                    # A member whose default is the other's by OSPF needs no last resort.
                    + ("" if node == "r" else " distance ospf external 255\n") + "!\n"
              for number, node, device in ((1, "s1", "br0.10"), (2, "s2", "br0.10"),
                                           (ROUTER, "r", "bond0"))}
    on.lab.start_frr("ospfd", ospfd=config)
    try:
        r = on.lab.frr["r"]
        wait_for("R to hear of the default routes",
                 lambda: "0.0.0.0/0" in r.json("zebra", "show ip route ospf json"), 30)
        on.take("s1")
        wait_states(on, "s1", "active")
        rib = on.lab.frr["s1"].json("zebra", "show ip route json")
        ours = [route for route in rib.get("0.0.0.0/0", []) if route["protocol"] == "kernel"]
        assert not ours, ours

        def by_s2_alone() -> bool:
            rows = r.json("zebra", "show ip route ospf json").get("0.0.0.0/0", [])
            hops = {hop["ip"] for row in rows for hop in row["nexthops"]}
            return hops == {address(2, 10)}

        wait_for("R to go by S2 alone", by_s2_alone, 15)
        time.sleep(2)  # nothing else may come: there is no event to wait for
        assert by_s2_alone()
    finally:
        on.lab.stop_frr()


def test_r31_a_vrf_is_left_alone(on: Upstream) -> None:
    """An SVI in a VRF gets no rule: what has no route there ends there (see the manual)."""
    namespace = on.lab.pair.s1.namespace
    namespace.ip("link add red type vrf table 100", "link set red up", "link set br0.30 master red")
    try:
        wait_for("the rules of br0.30 to go", lambda: not any(
            "br0.30" in own_rules(on, "s1", version) for version in VERSIONS), 5, 0.05)
        assert "br0.10" in own_rules(on, "s1", 4)
    finally:
        namespace.ip("link set br0.30 nomaster", "link del red",
                     f"address replace {address(1, 30, 6)}/64 dev br0.30 nodad")
    wait_for("the rules to be back", lambda: "br0.30" in own_rules(on, "s1", 4), 5, 0.05)


def test_r31_what_has_the_shared_mac_goes_by_the_peer_too(on: Upstream) -> None:
    """A shared gateway on br0.20: what comes in by its device has a rule of its own."""
    gateways = Gateways(on.lab)
    for member in MEMBERS:
        on.lab.pair.switches[member].mlagd.config["gateway br0.20"] = gateways.section(20)
    gateways.reload()
    try:
        gateways.wait_state("active", 20)
        wait_for("the rules of its device", lambda: all(
            gateways.device(20) in own_rules(on, "s1", version) for version in VERSIONS), 5, 0.05)
        on.take("s1")
        wait_states(on, "s1", "active")
        orphan = on.lab.pair.hosts["o1"]
        with on.traffic() as run:
            flows = [run.packets(f"O1 to the shared MAC, IPv{version}", orphan.port,
                                 gateways.mac(20), orphan.mac,
                                 Packet(on.lab.host_ip(orphan, version), OUTSIDE[version]),
                                 100, COUNT) for version in VERSIONS]
            run.send()
        faults = []
        for flow in flows:
            faults += faults_once(run, flow, "u2", ttl=TTL_MAX - 2)
            faults += crossing_faults(run, flow, flow.sent) + faults_nothing(run, flow, "u1")
        assert not faults, "\n".join(faults)
    finally:
        for member in MEMBERS:
            del on.lab.pair.switches[member].mlagd.config["gateway br0.20"]
        gateways.reload()
    wait_for("the rules to go", lambda: not any(
        gateways.device(20) in own_rules(on, "s1", version) for version in VERSIONS), 5, 0.05)


def test_r31_the_peer_dies_it_is_withdrawn(on: Upstream) -> None:
    """Daemon and links of S2 at once: the route goes, the sender hears it."""
    on.take("s1")
    wait_states(on, "s1", "active")
    switch = on.lab.pair.s2
    switch.mlagd.process.send_signal(signal.SIGKILL)
    links = [host.switch_link() for host in on.lab.pair.hosts.values() if "s2" in host.members]
    for ifname in [*links, "peerlink"]:
        switch.namespace.set_up(ifname, False)
    wait_states(on, "s1", "ready")
    for version in VERSIONS:
        assert not own_routes(on, "s1", version)
    with on.traffic() as run:
        flows = ways(on, run, "s1", "s1")
        run.send()
    faults = [fault for flow in flows for fault in one_error_each(run, flow)]
    on.lab.pair.heal()
    assert not faults, "\n".join(faults)
