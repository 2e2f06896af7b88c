# SPDX-License-Identifier: BSD-2-Clause
"""R26: a member dies, and routers go on using its MAC until their dead timer.

What R sends to the dead member's MAC over the leg to the other one is received and routed there.
What R sent into the dead leg is lost, and nothing else; how much is printed.
"""

import signal
import time

import pytest

from mlab import Flow, Pair
from mlab.routed import RoutedTraffic, faults_nothing
from mlab.routing import Routing, lay_out
from mlab.topology import MEMBERS
from mlab.traffic import Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
SECONDS = 6.0      # of which a second before the death, and more than R's dead timer after it
RATE = 100
LOSS_MS_MAX = 1000


@pytest.fixture(name="lab")
def routing(request: pytest.FixtureRequest):
    """A pair of its own for each test: one member does not come back."""
    pair = Pair()
    try:
        LAYOUT(pair)
        pair.build()
        lab = Routing(pair).build()
        pair.start()
        lab.resolve()
        lab.wait_addresses()
        yield lab
    finally:
        pair.close()


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
