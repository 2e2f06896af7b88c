# SPDX-License-Identifier: BSD-2-Clause
"""R26: a member dies, and routers go on using its MAC until their dead timer.

What R sends to the dead member's MAC over the leg to the other one is received and routed there.
What R sent into the dead leg is lost, and nothing else; how much is printed.  With static routes R
uses the dead MAC for ever, with FRR until OSPF's dead time has passed.
"""

import re
import signal
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from typing import Iterator

import pytest

from mlab import Flow, Pair, frr, wait_for
from mlab.routed import RoutedTraffic, faults_nothing
from mlab.routing import (DEAD_S, HELLO_S, ROUTER, Routing, address, kernel_hops, lay_out,
                          log_changes, ping, wait_state)
from mlab.topology import MEMBERS
from mlab.traffic import Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
SECONDS = 6.0      # of which a second before the death, and more than R's dead timer after it
RATE = 100
LOSS_MS_MAX = 1000
NETWORK_H = "10.0.20.0/24"
SLACK_S = 1.5      # of a slow machine, in what a daemon's timers are late


@contextmanager
def whole_pair(has_static_routes: bool) -> Iterator[Routing]:
    """A pair of its own for each test: one member does not come back."""
    with ExitStack() as stack:
        pair = Pair()
        stack.callback(pair.close)
        LAYOUT(pair)
        lab = Routing(pair.build()).build(has_static_routes)
        stack.callback(lab.stop_frr)
        pair.start()
        lab.resolve()
        lab.wait_addresses()
        yield lab


@pytest.fixture(name="lab")
def routing() -> Iterator[Routing]:
    """With static routes."""
    with whole_pair(True) as lab:
        yield lab


@pytest.fixture(name="ospf_lab")
def routing_by_ospf() -> Iterator[Routing]:
    """With OSPF on R and on both members."""
    with whole_pair(False) as lab:
        lab.start_frr("ospfd")
        wait_state(lab.frr["r"], "ospfd", [address(number, None) for number in (1, 2)])
        wait_for("two next hops at R", lambda: len(kernel_hops(lab.r.namespace, NETWORK_H)) == 2)
        yield lab


def kill(lab: Routing, member: str) -> None:
    """The machine is gone: its daemon, then every link at once."""
    switch = lab.pair.switches[member]
    assert switch.mlagd.process is not None
    switch.mlagd.process.send_signal(signal.SIGKILL)
    links = [host.switch_link() for host in lab.pair.hosts.values() if member in host.members]
    for ifname in [*links, "peerlink"]:
        switch.namespace.set_up(ifname, False)


def describe(run: RoutedTraffic, flow: Flow, died_ns: int) -> tuple[float, str]:
    """How much of a flow was lost after the death (ms), and when."""
    result = run.result(flow, "h")
    moments = [(flow.times[n] - died_ns) / 1e6 for n in result.missing_list]
    when = f", sent {min(moments):.0f} to {max(moments):.0f} ms after" if moments else ""
    return result.lost_ms, f"  {result.what}: {result.lost_ms:.0f} ms{when}"


@pytest.mark.parametrize("victim", MEMBERS)
def test_r26_a_member_dies_and_its_mac_is_routed_by_the_other(lab: Routing, victim: str) -> None:
    """R's flows to both MACs, over the leg that stays and as its bond chooses."""
    other = next(name for name in MEMBERS if name != victim)
    dst = {version: lab.host_ip(lab.h, version) for version in (4, 6)}
    count = int(RATE * SECONDS)
    entries = {f"into-{name}": [Port(switch.namespace, lab.r.switch_lag())]
               for name, switch in lab.pair.switches.items()}
    with RoutedTraffic.of(lab.pair, 1 << 14, **entries) as run:
        by_other = [lab.flow(run, dst[version], victim, other, rate=RATE, count=count)
                    for version in (4, 6)]
        own = lab.flow(run, dst[4], other, other, rate=RATE, count=count)
        by_bond = [lab.flow(run, dst[4], victim, None, rate=RATE, count=count, source_port=port)
                   for port in range(30_001, 30_007)]
        run.start()
        run.wait_sent(by_other[0], int(RATE))
        died_ns = time.time_ns()
        kill(lab, victim)
        run.finish()
    rows = {flow.number: describe(run, flow, died_ns) for flow in run.flows}
    print(f"\n{victim} died: lost of each flow", *(text for _, text in rows.values()), sep="\n")
    used = {view for flow in by_bond for view in entries if run.result(flow, view).unique > 50}
    assert used == set(entries), f"R's bond did not use both legs: {used}"
    status = lab.pair.switches[other].mlagd.query("status")
    print(f"{other}: verdict {status['verdict']}, role {status['role']}")
    faults = []
    for flow in [*by_other, own]:
        if rows[flow.number][0]:
            faults.append(f"lost though not sent into the dead leg: {rows[flow.number][1]}")
    for flow in by_bond:
        if rows[flow.number][0] > LOSS_MS_MAX:
            faults.append(f"not bounded by R's link detection: {rows[flow.number][1]}")
    for flow in run.flows:
        result = run.result(flow, "h")
        faults += [str(result)] if result.duplicates else []
        faults += faults_nothing(run, flow, "r", "o1", "o2")
        wrong = [entry for entry in run.seen(flow, "h") if entry.ttl != 63]
        faults += [f"TTL: {entry}" for entry in wrong[:1]]
    assert not faults, "\n".join(faults)


def fallen(lab: Routing, victim: str, died_ns: int) -> tuple[float, str]:
    """How long after the death R's adjacency with the victim fell (s), and why, by R's own log."""
    identity = address(MEMBERS.index(victim) + 1, None)
    for line in log_changes(lab.frr["r"], "ospfd"):
        if f"Nbr {identity}" in line and "-> Down" in line or "-> Deleted" in line:
            moment = re.match(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+)", line)
            assert moment is not None, line
            at = datetime.strptime(moment[1], "%Y/%m/%d %H:%M:%S.%f")
            return at.replace(tzinfo=timezone.utc).timestamp() - died_ns / 1e9, line
    raise AssertionError(f"no fall of {identity} in:\n" + "\n".join(
        log_changes(lab.frr["r"], "ospfd")))


@pytest.mark.skipif(not frr.is_installed("zebra", "ospfd"), reason="FRR is not installed")
@pytest.mark.parametrize("victim", MEMBERS)
def test_r26_until_ospfs_dead_timer_and_then_by_the_other_mac_with_no_further_loss(
        ospf_lab: Routing, victim: str) -> None:
    """R's own stack sends: ECMP over both members, its bond's hash; FRR takes the dead one out."""
    lab, other = ospf_lab, next(name for name in MEMBERS if name != victim)
    count = int(RATE * (SECONDS + SLACK_S + 1))
    lab.r.namespace.run("ip", "neigh", "flush", "dev", "bond0")
    for number in (1, 2):
        assert ping(lab.r.namespace, address(number, 10))  # reachable for 15 s at least
    entries = {f"into-{name}": [Port(switch.namespace, lab.r.switch_lag())]
               for name, switch in lab.pair.switches.items()}
    with RoutedTraffic.of(lab.pair, 1 << 15, **entries) as run:
        by_other = lab.flow(run, lab.host_ip(lab.h), victim, other, rate=RATE, count=count)
        own = [run.datagrams(f"R itself, port {port}", lab.r.port, address(ROUTER, 10),
                             lab.host_ip(lab.h), port, RATE / 2, count // 2)
               for port in range(30_001, 30_017)]
        run.start()
        run.wait_sent(by_other, int(RATE))
        died_ns = time.time_ns()
        kill(lab, victim)
        run.wait_sent(by_other, int(RATE * 3))
        hops_in_between = kernel_hops(lab.r.namespace, NETWORK_H)
        run.finish()
    fell_s, why = fallen(lab, victim, died_ns)
    rows = [describe(run, flow, died_ns) for flow in [by_other, *own]]
    print(f"\n{victim} died; R's adjacency fell {fell_s:.2f} s later: {why.split('] ', 1)[-1]}",
          "lost of each flow", *(text for _, text in rows), sep="\n")
    faults = [] if len(hops_in_between) == 2 else [f"R had only {hops_in_between} already"]
    if not DEAD_S - HELLO_S - SLACK_S < fell_s < DEAD_S + SLACK_S:
        faults.append(f"the adjacency fell after {fell_s:.2f} s, the dead timer is {DEAD_S} s")
    faults += [text for flow, (lost, text) in zip([by_other, *own], rows)
               if lost > (0 if flow is by_other else LOSS_MS_MAX)]
    faults += used_faults(run, own, lab.macs, victim, died_ns, fell_s)
    for flow in run.flows:
        late = [n for n in run.result(flow, "h").missing_list
                if flow.times[n] > died_ns + LOSS_MS_MAX * 1e6]
        faults += [f"{flow.name}: lost {len(late)} later than {LOSS_MS_MAX} ms"] if late else []
        faults += [str(run.result(flow, "h"))] if run.result(flow, "h").duplicates else []
        faults += faults_nothing(run, flow, "r", "o1", "o2")
    assert not faults, "\n".join(faults)


def used_faults(run: RoutedTraffic, flows: list[Flow], macs: dict[str, str], victim: str,
                died_ns: int, fell_s: float) -> list[str]:
    """Whether R used the dead MAC over the leg that stays until its adjacency fell, and not after.
    """
    other = next(name for name in MEMBERS if name != victim)
    seen = [((entry.time_ns - died_ns) / 1e9, entry.dst_mac) for flow in flows
            for entry in run.seen(flow, f"into-{other}")]
    before = [mac for at, mac in seen if LOSS_MS_MAX / 1000 < at < fell_s]
    after = [mac for at, mac in seen if at > fell_s + SLACK_S]
    print(f"into {other} with the MAC of {victim}: {before.count(macs[victim])} of {len(before)} "
          f"until the adjacency fell, {after.count(macs[victim])} of {len(after)} after")
    faults = [] if before.count(macs[victim]) else ["R did not use the dead member's MAC at all"]
    if not after or after.count(macs[other]) != len(after):
        faults.append(f"{after.count(macs[other])} of {len(after)} by the living member's MAC")
    return faults


def test_r26_r22_stops_own_addresses_of_the_dead_member_are_answered_by_nobody(lab: Routing
                                                                               ) -> None:
    """Its addresses died with it: no reply, no storm, no ICMP time exceeded."""
    kill(lab, "s1")
    time.sleep(4)
    with lab.traffic() as run:
        flows = [lab.flow(run, dst, "s1", "s2", ttl=64, rate=50, count=20)
                 for dst in lab.own_addresses("s1", 4)]
        run.send()
    faults = [fault for flow in flows for fault in
              faults_nothing(run, flow, "h", "o1", "o2", "r", "svi-s1")]
    faults += [f"answered: {error}" for flow in flows for error in run.errors(flow, "r")
               if error.error != "unreachable"][:3]
    assert not faults, "\n".join(faults)


def test_r26_a_member_returns_after_its_death_and_takes_its_mac_back(lab: Routing) -> None:
    """Links up and a new daemon: both MACs are routed where they arrive again."""
    kill(lab, "s1")
    time.sleep(2)
    lab.pair.heal()
    lab.pair.s1.mlagd.start()
    lab.pair.wait_whole(60)
    lab.wait_addresses()
    lab.pair.wait_known()
    lab.resolve()
    with lab.traffic() as run:
        flows = [lab.flow(run, lab.host_ip(lab.h), to, by) for to in MEMBERS for by in MEMBERS]
        run.send()
    for flow in flows:
        run.result(flow, "h").assert_exactly_once()
        run.result(flow, "pl").assert_nothing()
