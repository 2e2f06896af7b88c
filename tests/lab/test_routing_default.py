# SPDX-License-Identifier: BSD-2-Clause
"""A default route at each member, announced by FRR, is lost by one member (R25), or by both.

An upstream router is beyond each member; `default-information originate` tells R of both, which
sends by ECMP.  `to` is the member whose MAC a packet carries, `by` the one at whose leg it arrives.
Every packet is accounted for: it arrives once, or its sender gets one ICMP error, never both.
"""

from dataclasses import dataclass
from typing import Iterator

import pytest

from mlab import Flow, Pair, frr, wait_for
from mlab.routed import RoutedTraffic, faults_nothing, faults_once
from mlab.routing import (ROUTER, UPLINK, UPSTREAM, Routing, address, kernel_hops, lay_out,
                          ospf_config, wait_state)
from mlab.routing_suites import WAYS
from mlab.topology import MEMBERS, PL

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
RATE, SECONDS, TTL = 50, 4.0, 64
DST = UPSTREAM[4]

pytestmark = pytest.mark.skipif(not frr.is_installed("zebra", "ospfd"),
                                reason="FRR is not installed")


WAYS_OUT = ("only its own", "the peer's too", "the peer's too, last-resort on")


def config(number: int, uses_the_peers: bool) -> str:
    """Announce our own default; use the peer's when ours is gone, or never."""
    text = ospf_config(number)
    if number == ROUTER:
        return text
    more = " default-information originate metric 10 metric-type 1\n"
    if not uses_the_peers:
        more += " distance ospf external 255\n"
    return text.replace("router ospf\n", f"router ospf\n{more}")


@pytest.fixture(scope="module", name="base")
def peered(layout: Pair) -> Routing:
    """Both daemons peered, no static route but the members' defaults."""
    lab = Routing(layout).build(has_static_routes=False)
    for member in MEMBERS:
        lab.add_upstream(member)
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    layout.wait_known()
    return lab


@pytest.fixture(scope="module", name="lab", params=[
    WAYS_OUT[0], pytest.param(WAYS_OUT[1], marks=pytest.mark.long), WAYS_OUT[2]])
def routing(request: pytest.FixtureRequest, base: Routing, unlimited_errors: None
            ) -> Iterator[Routing]:
    """OSPF on S1, S2 and R; a member uses the peer's default when its own is gone, or not."""
    del unlimited_errors
    uses = request.param != WAYS_OUT[0]
    for switch in base.pair.switches.values():
        switch.mlagd.config["peer"]["last-resort"] = "on" if request.param == WAYS_OUT[2] else "off"
        switch.mlagd.write_config()
        switch.mlagd.ctl("reload", check=True)
    try:
        base.start_frr("ospfd", ospfd={node: config(number, uses) for node, number in
                                       (("s1", 1), ("s2", 2), ("r", ROUTER))})
        wait_state(base.frr["r"], "ospfd", [address(number, None) for number in (1, 2)])
        yield base
    finally:
        base.stop_frr()


@pytest.fixture(name="loops")
def may_loop(request: pytest.FixtureRequest) -> bool:
    """Members play a packet back until OSPF has withdrawn both routes: nobody prevents it."""
    return WAYS_OUT[1] + "]" in request.node.name


@pytest.fixture(autouse=True)
def whole(lab: Routing) -> Iterator[None]:
    """Both ways out when a test begins."""
    wait_default(lab, 2)
    lab.resolve()
    yield
    for member in MEMBERS:
        set_uplink(lab, member, True)


def wait_default(lab: Routing, hops: int) -> None:
    """R's kernel has so many ways out."""
    wait_for(f"{hops} default routes at R",
             lambda: len(kernel_hops(lab.r.namespace, "default")) == hops, 20, 0.05,
             show=lambda: lab.r.namespace.run("ip", "route").stdout)


def set_uplink(lab: Routing, member: str, is_up: bool) -> None:
    """The kernel itself takes the routes of a device that is down away; not so the way back."""
    namespace, number = lab.pair.switches[member].namespace, MEMBERS.index(member) + 1
    namespace.set_up(UPLINK, is_up)
    if is_up:
        namespace.ip(f"route replace default via 172.16.{number}.2 dev {UPLINK}")


@dataclass
class Sent:
    """What send() has done."""

    run: RoutedTraffic
    forced: dict[tuple[str, str], Flow]
    own: list[Flow]
    lost_at: int   # so many frames of each forced flow had been sent when the way out was lost
    settled: int   # from this frame on of each forced flow R had long given up the routes


def send(lab: Routing, lose: list[str]) -> Sent:
    """All ways by force, and R's own stack; after a second the members in `lose` lose the way out.
    """
    ports = {f"u-{member}": lab.upstreams[member] for member in MEMBERS}
    views = {**{name: [port] for name, port in ports.items()}, "up": list(ports.values())}
    with RoutedTraffic.of(lab.pair, 1 << 14, **views) as run:
        forced = {(to, by): lab.flow(run, DST, to, by, rate=RATE, count=int(RATE * SECONDS))
                  for to, by in WAYS}
        own = [run.datagrams(f"R itself, port {port}", lab.r.port, address(ROUTER, 10), DST, port,
                             RATE / 2, int(RATE * SECONDS / 2)) for port in range(30_001, 30_009)]
        run.start()
        first = forced["s1", "s1"]
        run.wait_sent(first, RATE)
        for member in lose:
            set_uplink(lab, member, False)
        wait_default(lab, 2 - len(lose))
        settled = run.sent_so_far(first) + RATE // 2
        run.finish()
    assert settled < RATE * (SECONDS - 1), "R has not given up the routes in time"
    return Sent(run, forced, own, RATE, settled)


def account(run: RoutedTraffic, flow: Flow) -> list[str]:
    """Every packet that was sent arrived once, or has one ICMP error, and not both."""
    arrived = {sequence for sequence, _ in run.result(flow, "up").arrivals}
    errors = [error.sequence for error in run.errors(flow, "r")]
    result = run.result(flow, "up")
    faults = [f"{flow.name}: doubled: {result}"] if result.duplicates else []
    twice = {n for n in errors if errors.count(n) > 1}
    faults += [f"{flow.name}: {len(twice)} packets with two ICMP errors"] if twice else []
    both = arrived & set(errors)
    faults += [f"{flow.name}: {len(both)} packets arrived and have an ICMP error"] if both else []
    lost = set(result.missing_list) - set(errors)
    if lost:
        faults.append(f"{flow.name}: {len(lost)} packets of {result.sent} without a trace: "
                      f"{sorted(lost)[:10]}")
    return faults


def crossings(run: RoutedTraffic, flow: Flow) -> dict[int, int]:
    """How often each packet of a flow was on the peer link, by its number."""
    counts: dict[int, int] = {}
    for sequence, _ in run.result(flow, PL).arrivals:
        counts[sequence] = counts.get(sequence, 0) + 1
    return counts


def loop_faults(sent: Sent, loops: bool) -> list[str]:
    """No packet is on the peer link twice, or back at R.

    Members that use each other's default play a packet back for the milliseconds that OSPF takes
    to withdraw both: that is routing, so its TTL ends it (the first time may be R25, untouched).
    It must be over when R has settled.  With last-resort on there is none of it: what was handed
    over by R25 in that time may come back routed, and is refused where it came from.
    """
    faults, tally = [], dict[int, int]()
    for flow in sent.run.flows:
        back = sent.run.seen(flow, "r")
        faults += [f"{flow.name}: {len(back)} came back to R, e.g. {back[0]}"] if back else []
        share = flow.rate / RATE
        window = range(int(sent.lost_at * share) - 1, int(sent.settled * share) + 1)
        for sequence, count in crossings(sent.run, flow).items():
            tally[count] = tally.get(count, 0) + 1
            is_ospfs = sequence in window and count <= (TTL if loops else 2)
            if count > 1 and not is_ospfs:
                faults.append(f"{flow.name}: #{sequence} was {count} times on the peer link")
    print(f"packets on the peer link by how often each was there: {tally}")
    return faults


def test_with_both_ways_out_every_packet_goes_out_where_it_arrives(lab: Routing) -> None:
    """The counter-check: nothing is lost, nothing crosses, R's own stack uses both."""
    sent = send(lab, [])
    run = sent.run
    faults = [fault for flow in run.flows for fault in faults_once(run, flow, "up", ttl=63)]
    faults += [fault for flow in run.flows for fault in faults_nothing(run, flow, PL, "r")]
    assert not faults, "\n".join(faults)
    for (_, by), flow in sent.forced.items():
        assert run.result(flow, f"u-{by}").unique == flow.count
    for member in MEMBERS:
        assert sum(run.result(flow, f"u-{member}").unique for flow in sent.own), member


def test_r25_s1_alone_loses_it_and_the_peer_delivers(request: pytest.FixtureRequest, lab: Routing,
                                                     loops: bool) -> None:
    """With S2's MAC every packet goes out once, also by the leg to S1, all the time.

    With S1's MAC by the leg to S1 it is answered by S1 once, or routed by S2 where S1 may use
    S2's default; R itself loses nothing that it does not hear of.
    """
    uses = "the peer's too" in request.node.name
    sent = send(lab, ["s1"])
    run = sent.run
    faults = [fault for flow in run.flows for fault in account(run, flow)] + \
        loop_faults(sent, loops)
    for (to, by), flow in sent.forced.items():
        result = run.result(flow, "up")
        if to == "s2":
            faults += faults_once(run, flow, "up")
        late = [n for n in result.missing_list if n >= sent.settled]
        if by == "s1" and to == "s1" and not uses:
            faults += [] if len(late) == flow.count - sent.settled else [f"who delivered? {result}"]
        elif late:
            faults.append(f"lost for good: {result}")
    crossed = sum(1 for n in crossings(run, sent.forced["s2", "s1"]) if n >= sent.settled)
    if crossed != RATE * SECONDS - sent.settled:
        faults.append(f"{crossed} crossed the peer link after {sent.settled}")
    lost = sum(run.result(flow, "up").missing for flow in sent.own)
    print(f"R itself: {lost} answered by ICMP, none lost without a word")
    assert not faults, "\n".join(faults)


def test_r25_both_lose_it_at_once_one_icmp_unreachable_each_and_nothing_loops(
        lab: Routing, loops: bool) -> None:
    """Until R has settled and after: each packet is out, or its sender hears of it once."""
    sent = send(lab, list(MEMBERS))
    run = sent.run
    faults = [fault for flow in run.flows for fault in account(run, flow)] + \
        loop_faults(sent, loops)
    for (to, by), flow in sent.forced.items():
        late = {error.sequence for error in run.errors(flow, "r")
                if error.error == "unreachable" and error.sequence >= sent.settled}
        if len(late) != flow.count - sent.settled:
            faults.append(f"{flow.name}: {len(late)} unreachable for {flow.count - sent.settled}")
        crossed = [n for n in crossings(run, flow) if n >= sent.settled]
        if len(crossed) != (0 if to == by else flow.count - sent.settled):
            faults.append(f"{flow.name}: {len(crossed)} crossed after {sent.settled}")
    kinds = {error.error for flow in run.flows for error in run.errors(flow, "r")}
    if not loops and kinds != {"unreachable"}:
        faults.append(f"R heard more than unreachable: {kinds}")
    print(f"R heard: {kinds}; its kernel refused "
          f"{sum(run.result(flow, 'up').refused for flow in sent.own)} more by itself")
    assert not faults, "\n".join(faults)
