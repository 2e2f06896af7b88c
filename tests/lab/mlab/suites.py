# SPDX-License-Identifier: BSD-2-Clause
"""Whole suites of traffic used by more than one test module: who must see what, and how often."""

from dataclasses import dataclass

from .topology import PL, Host, Pair
from .traffic import BROADCAST, MULTICAST, UNKNOWN, Flow, FlowResult, Traffic

FLOODS = {"broadcast": BROADCAST, "multicast": MULTICAST, "unknown unicast": UNKNOWN}


@dataclass
class Sent:
    """A flow with who sent it, by which leg, in which VLAN."""

    flow: Flow
    src: Host
    member: str
    vlan: int | None
    dst: Host | None = None


def legs_in(host: Host, vlan: int | None) -> list[str]:
    """The members to which a host has a leg in a VLAN."""
    return [member for member in host.members
            if vlan is None or vlan in host.vlans[member].all()]


def floods(pair: Pair, run: Traffic, vlan: int | None, dst: str, rate: float = 100,
           count: int = 60) -> list[Sent]:
    """A flood from every host of the VLAN by each of its legs."""
    return [Sent(pair.flow(run, src, dst, member, vlan, rate=rate, count=count), src, member, vlan)
            for src in pair.members_of(vlan) for member in legs_in(src, vlan)]


def flood_faults(pair: Pair, run: Traffic, sent: list[Sent]) -> list[str]:
    """R1, R3: one copy to every other host of the VLAN, none to the rest, at most one on PL."""
    faults = []
    for entry in sent:
        for host in pair.hosts.values():
            result = run.result(entry.flow, host.name)
            expected = host.name != entry.src.name and host.is_in(entry.vlan)
            if expected and (result.missing or result.duplicates):
                faults.append(str(result))
            elif not expected and result.unique:
                faults.append(f"must not arrive: {result}")
        crossing = run.result(entry.flow, PL)
        if crossing.duplicates:
            faults.append(f"peer link: {crossing}")
    return faults


def check_floods(pair: Pair, vlan: int | None, dst: str, rate: float = 100, count: int = 60
                 ) -> None:
    """Send the floods and demand that there is no fault."""
    with pair.traffic() as run:
        sent = floods(pair, run, vlan, dst, rate, count)
        run.send()
    faults = flood_faults(pair, run, sent)
    assert not faults, "\n".join(faults)


def count_duplicates(pair: Pair, vlan: int | None, dst: str) -> int:
    """How many surplus copies and echoes the floods give: 0 with the filter, many without."""
    with pair.traffic() as run:
        sent = floods(pair, run, vlan, dst)
        run.send()
    total = 0
    for entry in sent:
        for host in pair.members_of(vlan):
            result = run.result(entry.flow, host.name)
            total += result.duplicates
            total += result.unique if host.name == entry.src.name else 0
    return total


def unicasts(pair: Pair, run: Traffic, vlan: int | None, rate: float = 50, count: int = 40
             ) -> list[Sent]:
    """Known unicast from every host of the VLAN by each leg to every other."""
    hosts = pair.members_of(vlan)
    return [Sent(pair.flow(run, src, dst.mac, member, vlan, rate=rate, count=count), src, member,
                 vlan, dst)
            for src in hosts for dst in hosts if dst is not src
            for member in legs_in(src, vlan)]


def crosses_peer_link(entry: Sent) -> bool:
    """R6: PL only when the member where it enters has no leg to the destination."""
    assert entry.dst is not None
    return entry.member not in legs_in(entry.dst, entry.vlan)


def unicast_faults(pair: Pair, run: Traffic, sent: list[Sent]) -> list[str]:
    """R6: the destination once, nobody else, PL only where there is no shorter way."""
    faults = []
    for entry in sent:
        assert entry.dst is not None
        for host in pair.hosts.values():
            result = run.result(entry.flow, host.name)
            if host is entry.dst and (result.missing or result.duplicates):
                faults.append(str(result))
            elif host is not entry.dst and result.unique:
                faults.append(f"must not arrive: {result}")
        crossing: FlowResult = run.result(entry.flow, PL)
        if crossing.unique and not crosses_peer_link(entry):
            faults.append(f"peer link used: {crossing}")
        if crossing.duplicates:
            faults.append(f"twice on the peer link: {crossing}")
    return faults


def check_unicasts(pair: Pair, vlan: int | None) -> None:
    """Make all known, send, and demand that there is no fault."""
    pair.wait_known(vlan=vlan)
    with pair.traffic() as run:
        sent = unicasts(pair, run, vlan)
        run.send()
    faults = unicast_faults(pair, run, sent)
    assert not faults, "\n".join(faults)
