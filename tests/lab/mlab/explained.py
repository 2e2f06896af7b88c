# SPDX-License-Identifier: BSD-2-Clause
"""What `mlagctl explain` says of a frame, held against what the wire shows of the same frame."""

from dataclasses import dataclass, field
from typing import Any, Callable

from .errors import LabError
from .routed import RoutedTraffic
from .routing import Routing
from .topology import MEMBERS, PL, Host, Pair, Switch
from .traffic import Flow

COUNT, RATE = 10, 100
Answer = dict[str, Any]
MakeFlow = Callable[[RoutedTraffic], Flow]


def ask(switch: Switch, ifname: str, flow: Flow, *what_if: str) -> Answer:
    """The explanation of a flow's very frame, arriving at a port of a switch."""
    argv = ["explain", "--in", ifname, "--frame", flow.frame.hex()]
    for text in what_if:
        argv += ["--if", text]
    answer = switch.mlagd.query(*argv)
    if answer["agrees"] is False:
        raise LabError(f"a program differs: {rules(answer)} {answer['steps']}")
    return answer


def rules(answer: Answer) -> list[str]:
    """The rules taken, in order."""
    return [step["rule"] for step in answer["steps"] if step["rule"]]


def ends(answer: Answer) -> set[tuple[str, str, str | None, int | None]]:
    """Where the copies end, without the words."""
    return {(copy["member"], copy["fate"], copy["ifname"], copy["lag_id"])
            for copy in answer["copies"]}


@dataclass
class Foretold:
    """Who gets each frame of a flow once, and who may get it, for all that is known at one end."""

    certain: set[str] = field(default_factory=set)
    possible: set[str] = field(default_factory=set)
    is_answered: bool = False
    ttl: int | None = None


def foretell(pair: Pair, switch: Switch, answer: Answer) -> Foretold:
    """The copies of an explanation as names of hosts."""
    by_lag = {host.lag_id: host.name for host in pair.hosts.values() if host.is_dual}
    other = next(name for name in MEMBERS if name != switch.name)
    orphans = {host.name for host in pair.hosts.values()
               if host.members == (other,) and host.is_in(answer["vlan"])}
    found = Foretold(is_answered=answer["verdict"] == "answered", ttl=answer["ttl"])
    for copy in answer["copies"]:
        if copy["peer_link"] and copy["fate"] == "sent":
            found.certain.add(PL)
        elif copy["lag_id"] is not None and copy["fate"] == "sent":
            found.certain.add(by_lag[copy["lag_id"]])
        elif copy["member"] == "here" and copy["fate"] == "sent":
            found.certain.add(copy["ifname"])
        elif copy["member"] == "peer" and copy["fate"] == "sent":
            found.certain |= {host.name for host in pair.hosts.values()
                              if host.members == (other,) and host.is_in(copy["vlan"])}
        elif copy["member"] == "peer" and copy["fate"] == "unknown":
            # Which orphans the peer has is not known there, but here it is; its routes are not.
            (found.certain if answer["verdict"] == "flooded" else found.possible).update(
                orphans if answer["verdict"] == "flooded" else pair.hosts)
    return found


def faults(run: RoutedTraffic, flow: Flow, foretold: Foretold, sender: str) -> list[str]:
    """What the wire shows that the explanation does not say, and the other way."""
    views = ["r", "h", "o1", "o2", PL]
    found = []
    for view in views:
        result = run.result(flow, view)
        wanted = flow.sent if view in foretold.certain else 0
        if not flow.sent or result.duplicates or (
                result.unique != wanted and not (view in foretold.possible and
                                                 result.unique in (0, flow.sent))):
            found.append(f"{view}: foretold {wanted}, seen: {result}")
    errors = run.errors(flow, sender)
    if bool(errors) != foretold.is_answered:
        found.append(f"answers foretold: {foretold.is_answered}; seen: {len(errors)}")
    if foretold.ttl is not None:
        wrong = [entry for view in foretold.certain if view != PL
                 for entry in run.seen(flow, view) if entry.ttl != foretold.ttl]
        found += [f"TTL foretold {foretold.ttl}: {entry}" for entry in wrong[:1]]
    return found


def bare(host: Host, by: str, dst: str, vlan: int | None = None, src: str | None = None
         ) -> MakeFlow:
    """A frame that is not IP, by a host's leg."""
    return lambda run: run.flow(f"{host.name} by {by} to {dst}", host.leg(by), dst, src or host.mac,
                                rate=RATE, count=COUNT, vlan=vlan)


def packet(lab: Routing, dst: str, to: str, by: str, ttl: int = 64) -> MakeFlow:
    """A packet of R's to the router MAC of `to`, by the leg to `by`."""
    return lambda run: lab.flow(run, dst, to, by, ttl, rate=RATE, count=COUNT)


def port_of(host: Host) -> str:
    """The port of the switch that a host's leg ends at."""
    return host.switch_lag()


def compare(lab: Routing, host: Host, by: str, make: MakeFlow) -> Answer:
    """Ask, send, compare; the answer, for what else is to be seen in it."""
    switch = lab.pair.switches[by]
    with lab.traffic() as run:
        flow = make(run)
        answer = ask(switch, port_of(host), flow)
        run.send()
    found = faults(run, flow, foretell(lab.pair, switch, answer), host.name)
    assert not found, f"{flow.name}: {rules(answer)} {answer['copies']}\n" + "\n".join(found)
    return answer
