# SPDX-License-Identifier: BSD-2-Clause
"""LACP that forms: how long after the partner's Collecting the first frame was delivered.

The partner says Collecting in its LACPDUs, and they are read on the wire: at the switch's end of the
leg, beside the data.  From then on the host takes what arrives by that leg, and sends by it; the first
frame that was delivered, to the host and from it, gives the figures.
"""

from dataclasses import dataclass, field
from typing import Callable, Iterable, Iterator

from . import probe
from .ring import Frame, Ring
from .topology import Host, Pair
from .traffic import Flow, Port, Traffic

LACPDU = b"\x88\x09\x01"  # slow protocols, LACP
ACTOR_STATE = 32          # octet of an LACPDU
COLLECTING = 0x10

Moments = dict[str, dict[tuple[int, int], int]]


@dataclass
class Leg:
    """A leg of a host with LACP, and all that arrives at its two ends."""

    host: Host
    member: str
    at_host: Ring
    at_switch: Ring

    def __str__(self) -> str:
        return f"{self.host.name} by {self.member}"


@dataclass
class Formed:
    """Once: from the partner's Collecting (ns) on, until it said otherwise or nobody looked any more."""

    leg: Leg | str
    from_ns: int
    until_ns: int
    delays: dict[str, float | None] = field(default_factory=dict)  # ms, "to" the host and "from" it

    def __str__(self) -> str:
        return f"{self.leg}: " + ", ".join(
            f"{way} it " + ("nothing" if ms is None else f"{ms:.0f} ms")
            for way, ms in self.delays.items())


def collecting(frames: Iterable[Frame]) -> Iterator[tuple[int, bool]]:
    """When the partner began to say Collecting, and when it ended to."""
    before: bool | None = None
    for frame in frames:
        if frame.data[12:15] != LACPDU:
            continue
        now = bool(frame.data[ACTOR_STATE] & COLLECTING)
        if before is not None and now != before:
            yield frame.time_ns, now
        before = now


class Forming:
    """The legs of some hosts, from the with statement on."""

    def __init__(self, pair: Pair, legs: Iterable[tuple[str, str]]) -> None:
        self._pair = pair
        self._names = list(legs)
        self.legs: list[Leg] = []

    def __enter__(self) -> "Forming":
        for name, member in self._names:
            host = self._pair.hosts[name]
            ends = [Ring(port.namespace, port.ifname) for port in (
                host.leg(member), Port(self._pair.switches[member].namespace, host.switch_link()))]
            self.legs.append(Leg(host, member, *ends))
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        for leg in self.legs:
            leg.at_host.close()
            leg.at_switch.close()

    def read(self, run: Traffic, until_ns: int) -> list[Formed]:
        """Each time that it formed, and what was delivered then; after the traffic."""
        arrivals = _arrivals(run, self._pair.hosts)
        found = []
        for leg in self.legs:
            leg.at_host.drain()
            leg.at_switch.drain()
            moments = [*collecting(leg.at_switch.frames), (until_ns, False)]
            for (moment, is_on), (end, _) in zip(moments, moments[1:]):
                if is_on:
                    formed = Formed(leg, moment, end)
                    formed.delays = {
                        "to": _first(formed, run, leg.at_host,
                                     lambda key, name=leg.host.name: arrivals[name].get(key)),
                        "from": _first(formed, run, leg.at_switch,
                                       lambda key: _anywhere(arrivals, key))}
                    found.append(formed)
        return found


def _arrivals(run: Traffic, hosts: Iterable[str]) -> Moments:
    """When which frame of which flow arrived first, at each host."""
    found: Moments = {}
    for name in hosts:
        found[name] = {}
        for flow in run.flows:
            for sequence, when in run.result(flow, name).arrivals:
                found[name].setdefault((flow.number, sequence), when)
    return found


def _anywhere(arrivals: Moments, key: tuple[int, int]) -> int | None:
    """When it arrived at the first host that it was for."""
    return min((found[key] for found in arrivals.values() if key in found), default=None)


def _first(formed: Formed, run: Traffic, ring: Ring,
           delivered: Callable[[tuple[int, int]], int | None]) -> float | None:
    """The first delivery of what arrived at an end of the leg after Collecting: how much later (ms)."""
    flows: dict[int, Flow] = {flow.number: flow for flow in run.flows}
    for frame in ring.frames:
        if not formed.from_ns <= frame.time_ns < formed.until_ns:
            continue
        what = probe.parse(frame.data)
        if what is None or what[1] != run.number or what[0] not in flows:
            continue
        when = delivered((what[0], what[2]))
        if when is not None and when >= formed.from_ns:
            return (when - formed.from_ns) / 1e6
    return None
