# SPDX-License-Identifier: BSD-2-Clause
"""Whole suites of routed traffic used by more than one test module: what is wrong, as a list.

`to` is the member whose router MAC a packet carries, `by` the one at whose leg it arrives.
"""

import signal
from typing import Sequence

from .daemon import MLAGD, next_release
from .routed import RoutedTraffic, faults_nothing, faults_once
from .routing import BEHIND_H, Routing, address
from .topology import MEMBERS, PL
from .traffic import Flow

WAYS = [(to, by) for to in MEMBERS for by in MEMBERS]
VERSIONS = (4, 6)
COUNT = 20
RESTARTS = ("SIGTERM", "SIGKILL", "upgrade")

Flows = dict[tuple[str, str, int], Flow]


def other_than(member: str) -> str:
    """The other member."""
    return next(name for name in MEMBERS if name != member)


def host_of(lab: Routing, name: str = "h") -> dict[int, str]:
    """Both addresses of a host."""
    return {version: lab.host_ip(lab.pair.hosts[name], version) for version in VERSIONS}


def every_way(lab: Routing, run: RoutedTraffic, dst: dict[int, str], ttl: int = 64,
              count: int = COUNT, rate: float = 100) -> Flows:
    """A flow to a destination by each MAC and leg, IPv4 and IPv6."""
    return {(to, by, version): lab.flow(run, dst[version], to, by, ttl, count=count, rate=rate)
            for to, by in WAYS for version in VERSIONS}


def crossing_faults(run: RoutedTraffic, flow: Flow, wanted: int) -> list[str]:
    """What is wrong when so many frames of a flow should cross the peer link, each once."""
    crossing = run.result(flow, PL)
    if crossing.duplicates or crossing.unique != wanted:
        return [f"{wanted} should cross: {crossing}"]
    return []


def every_way_faults(lab: Routing, h_tag: int | None = None) -> list[str]:
    """R21: to H once, TTL minus one, nobody else, none on the peer link."""
    with lab.traffic() as run:
        flows = every_way(lab, run, host_of(lab))
        run.send()
    faults = []
    for flow in flows.values():
        faults += faults_once(run, flow, "h", ttl=63)
        faults += faults_nothing(run, flow, PL, "r", "o1", "o2")
        if run.result(flow, "h").vlans != {h_tag}:
            faults.append(f"{flow.name}: tags at H: {run.result(flow, 'h').vlans}")
    return faults


def check_own_addresses(lab: Routing, version: int, owner: str, pl_tag: int | None = None
                        ) -> list[str]:
    """R22: each address of a member, with its MAC, by both legs, at TTL 1: once, byte-identical."""
    view, count = f"svi-{owner}", COUNT
    with lab.traffic() as run:
        flows = {(dst, by): lab.flow(run, dst, owner, by, ttl=1, count=count)
                 for dst in lab.own_addresses(owner, version) for by in MEMBERS}
        run.send()
    faults = []
    for (_, by), flow in flows.items():
        faults += faults_once(run, flow, view, ttl=1)
        faults += faults_nothing(run, flow, f"svi-{other_than(owner)}", "h", "o1", "o2", "r")
        faults += [f"bytes changed: {entry}: {entry.ip.hex()}"
                   for entry in run.changed(flow, view)[:1] + run.changed(flow, PL)[:1]]
        faults += [f"answered: {error}" for error in run.errors(flow, "r")[:1]]
        faults += [f"not to the owner's MAC: {entry}" for entry in run.seen(flow, view)[:1]
                   if entry.dst_mac != lab.macs[owner]]
        faults += crossing_faults(run, flow, 0 if by == owner else count)
        if by != owner and run.result(flow, PL).vlans != {pl_tag}:
            faults.append(f"{flow.name}: tags on PL: {run.result(flow, PL).vlans}")
    return faults


def check_ttl_0(lab: Routing) -> list[str]:
    """R24: nothing arrives, nobody answers, and each is counted where it came in."""
    before = {by: lab.pair.switches[by].mlagd.counter("ttl-zero") for by in MEMBERS}
    with lab.traffic() as run:
        flows = every_way(lab, run, host_of(lab), ttl=0)
        run.send()
    faults = []
    for flow in flows.values():
        faults += faults_nothing(run, flow, "h", "o1", "o2", "r", PL)
        faults += [f"answered: {error}" for error in run.errors(flow, "r")[:1]]
    for by in MEMBERS:
        counted = lab.pair.switches[by].mlagd.counter("ttl-zero") - before[by]
        wanted = sum(flow.count for (_, at, _), flow in flows.items() if at == by)
        if counted != wanted:
            faults.append(f"{by} counted {counted} of {wanted} as ttl-zero")
    return faults


def check_ttl_1(lab: Routing) -> list[str]:
    """R24: one ICMP time exceeded for each, from the member where it arrived; it goes nowhere."""
    with lab.traffic() as run:
        flows = every_way(lab, run, host_of(lab), ttl=1)
        run.send()
    faults = []
    for (_, by, version), flow in flows.items():
        faults += faults_nothing(run, flow, "h", "o1", "o2", "r", PL)
        errors = [error for error in run.errors(flow, "r") if error.error == "time-exceeded"]
        if sorted(error.sequence for error in errors) != list(range(flow.sent)):
            faults.append(f"{flow.name}: {len(errors)} ICMP time exceeded for {flow.sent}")
        number = MEMBERS.index(by) + 1
        own = [address(number, vlan, version) for vlan in (10, 20, 30)]
        faults += [f"not from the member of the leg: {error}" for error in errors[:1]
                   if error.src not in own]
    return faults


def check_without_route(lab: Routing, without: str, pl_tag: int | None = 10) -> list[str]:
    """R25: the route is gone on the member where it arrives; the peer, whose MAC it has, delivers.
    """
    namespace = lab.pair.switches[without].namespace
    namespace.ip(*(f"route del {lab.route_behind_h(version)}" for version in VERSIONS))
    try:
        with lab.traffic() as run:
            flows = [lab.flow(run, BEHIND_H[version], other_than(without), without)
                     for version in VERSIONS]
            run.send()
    finally:
        namespace.ip(*(f"route add {lab.route_behind_h(version)}" for version in VERSIONS))
    faults = []
    for flow in flows:
        faults += faults_once(run, flow, "h", ttl=63) + crossing_faults(run, flow, COUNT)
        faults += faults_nothing(run, flow, "r", "o1", "o2")
        faults += [f"answered: {error}" for error in run.errors(flow, "r")[:1]]
        if run.result(flow, PL).vlans != {pl_tag}:
            faults.append(f"{flow.name}: tags on PL: {run.result(flow, PL).vlans}")
    return faults


def count_crossing(lab: Routing) -> float:
    """Which part of what R sends to H by each MAC and leg crosses the peer link; all arrives once.
    """
    with lab.traffic() as run:
        flows = every_way(lab, run, host_of(lab), count=40)
        run.send()
    for (to, by, _), flow in flows.items():
        faults = faults_once(run, flow, "h", ttl=63)
        assert not faults, faults
        crossing = run.result(flow, PL)
        assert crossing.unique in (0, 40) and (to != by or not crossing.unique), str(crossing)
    crossed = sum(run.result(flow, PL).unique for flow in flows.values())
    print(f"crossed the peer link: {crossed} of {len(flows) * 40}")
    return crossed / (len(flows) * 40)


def check_restart(lab: Routing, members: Sequence[str], how: str) -> tuple[str, list[str]]:
    """SAFE-40: mlagd of these members ends and starts again while packets go to either MAC by
    either leg, and to the members' own addresses; an upgrade is to another program and back.
    Returns what was counted, and every flow that lost a packet or doubled one.
    """
    daemons = [lab.pair.switches[member].mlagd for member in members]
    steps = [next_release(), MLAGD] if how == "upgrade" else [MLAGD]
    end = signal.SIGTERM if how == "upgrade" else signal.Signals[how]
    count = 400 * len(steps)
    with lab.traffic(frames=1 << 15) as run:
        flows = every_way(lab, run, host_of(lab), count=count, rate=50)
        own = [lab.flow(run, address(MEMBERS.index(to) + 1, None), to, by, 1, rate=50, count=count)
               for to, by in WAYS]
        run.start()
        run.wait_sent(own[0], 50)
        for step, program in enumerate(steps):
            for daemon in daemons:
                daemon.stop(end)
            run.wait_sent(own[0], 100 + 400 * step)  # without a daemon
            for daemon in daemons:
                daemon.command = [program]
                daemon.start()
            lab.pair.wait_whole()
        run.finish()
    lab.wait_addresses()
    results = [run.result(flow, "h") for flow in flows.values()]
    results += [run.result(flow, f"svi-{to}") for flow, (to, _) in zip(own, WAYS)]
    crossed = sum(run.result(flow, PL).unique for (to, by, _), flow in flows.items() if to != by)
    text = (f"{how} of {' and '.join(members)}: {sum(result.missing for result in results)} lost and "
            f"{sum(result.duplicates for result in results)} doubled of "
            f"{sum(result.sent for result in results)}; to the other's MAC crossed the peer link: "
            f"{crossed}")
    return text, [str(result) for result in results if result.duplicates or result.missing]
