# SPDX-License-Identifier: BSD-2-Clause
"""R26: a member dies, and routers go on using its MAC until their dead timer.

What R sends to the dead member's MAC over the leg to the other one is received and routed there.
What R sent into the dead leg is lost, and nothing else; how much is printed.  With static routes R
uses the dead MAC for ever, with FRR until OSPF's dead time has passed.
"""

import re
import signal
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Iterator

import pytest

from mlab import Flow, Pair, frr, wait_for
from mlab.routed import RoutedTraffic, faults_nothing
from mlab.routing import (DEAD_S, ROUTER, Routing, address, kernel_hops, lay_out, log_changes,
                          ping, wait_state)
from mlab.topology import MEMBERS
from mlab.traffic import Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
# Who finds both paths silent at once knows that the peer is dead.  Without a backup path a secondary
# cannot know, and has LACP form again under its own id (alone-unsure).
PAIR = {"has_backup": True}
HAS_FRR = frr.is_installed("zebra", "ospfd")
RATE = 100
LOSS_MS_MAX = 1000
NETWORK_H = "10.0.20.0/24"
MARGIN = 5         # of a slow machine, in what a daemon's timers are late
SECONDS_MAX = 2 + MARGIN * DEAD_S  # of traffic; it ends when R has seen the death, and two seconds more
ATTEMPTS = 3       # when R lost the living member too, for the machine stood still


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Iterator[Routing]:
    """OSPF on R and on both members; static routes where there is no FRR."""
    lab = Routing(layout).build(has_static_routes=not HAS_FRR)
    layout.start()
    if HAS_FRR:
        lab.start_frr("ospfd")
    yield lab
    lab.stop_frr()


@pytest.fixture(autouse=True)
def whole(lab: Routing) -> None:
    """Whoever died in the test before is back."""
    make_whole(lab)


def make_whole(lab: Routing) -> None:
    """Everybody is back, and everything known."""
    lab.pair.heal()
    for switch in lab.pair.switches.values():
        if not switch.mlagd.is_running():
            switch.mlagd.start()
    lab.pair.wait_whole(60)
    lab.wait_addresses(60)
    lab.pair.wait_known(timeout=60)
    lab.resolve(60)
    if HAS_FRR:
        wait_state(lab.frr["r"], "ospfd", [address(number, None) for number in (1, 2)], 120)
        wait_for("two next hops at R", lambda: len(kernel_hops(lab.r.namespace, NETWORK_H)) == 2, 60)


def kill(lab: Routing, member: str) -> None:
    """The machine is gone: its daemon, then every link at once."""
    switch = lab.pair.switches[member]
    assert switch.mlagd.process is not None
    switch.mlagd.process.send_signal(signal.SIGKILL)
    links = [host.switch_link() for host in lab.pair.hosts.values() if member in host.members]
    for ifname in [*links, *lab.pair.between()]:
        switch.namespace.set_up(ifname, False)


def describe(run: RoutedTraffic, flow: Flow, died_ns: int) -> tuple[float, str]:
    """How much of a flow was lost after the death (ms), and when."""
    result = run.result(flow, "h")
    moments = [(flow.times[n] - died_ns) / 1e6 for n in result.missing_list]
    when = f", sent {min(moments):.0f} to {max(moments):.0f} ms after" if moments else ""
    return result.lost_ms, f"  {result.what}: {result.lost_ms:.0f} ms{when}"


def falls(lab: Routing, member: str, since_ns: int) -> list[tuple[float, str]]:
    """When R's adjacency with a member fell since then (s), and why, by R's own log."""
    identity = address(MEMBERS.index(member) + 1, None)
    found = []
    for line in log_changes(lab.frr["r"], "ospfd"):
        if f"Nbr {identity}" in line and ("-> Down" in line or "-> Deleted" in line):
            moment = re.match(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+)", line)
            assert moment is not None, line
            at = datetime.strptime(moment[1], "%Y/%m/%d %H:%M:%S.%f")
            seconds = at.replace(tzinfo=timezone.utc).timestamp() - since_ns / 1e9
            if seconds > 0:
                found.append((seconds, line))
    return found


def fallen(lab: Routing, victim: str, died_ns: int) -> tuple[float, str]:
    """The first fall after the death."""
    found = falls(lab, victim, died_ns)
    assert found, f"{victim} has not fallen:\n" + "\n".join(log_changes(lab.frr["r"], "ospfd"))
    return found[0]


@dataclass
class Death:
    """What was measured while a member died."""

    run: RoutedTraffic
    died_ns: int           # it was alive until then
    gone_ns: int           # and its last link was down at this time
    by_other: list[Flow]   # with the dead member's MAC, or the other's, over the leg that stays
    by_bond: list[Flow]    # with the dead member's MAC, over the legs that R's bond chooses
    own: list[Flow]        # of R's own stack: ECMP, and the bond's hash
    into_dead: Flow        # over the leg that dies: the lab can see a loss
    hops: list[tuple[int, list[str]]]  # R's next hops, and when they still were these; it has one at last


def measure_death(lab: Routing, victim: str) -> Death:
    """Traffic of three kinds from R to H; a second later a member dies."""
    other = next(name for name in MEMBERS if name != victim)
    dst = {version: lab.host_ip(lab.h, version) for version in (4, 6)}
    count = RATE * SECONDS_MAX
    entries = {f"into-{name}": [Port(switch.namespace, lab.r.switch_lag())]
               for name, switch in lab.pair.switches.items()}
    lab.r.namespace.run("ip", "neigh", "flush", "dev", "bond0")
    for number in (1, 2):
        assert ping(lab.r.namespace, address(number, 10))  # reachable for 15 s at least
    with RoutedTraffic.of(lab.pair, 1 << 15, **entries) as run:
        by_other = [lab.flow(run, dst[version], to, other, rate=RATE, count=count)
                    for to, version in ((victim, 4), (victim, 6), (other, 4))]
        by_bond = [lab.flow(run, dst[4], victim, None, rate=RATE / 2, count=count // 2,
                            source_port=port) for port in range(30_001, 30_007)]
        own = [run.datagrams(f"R itself, port {port}", lab.r.port, address(ROUTER, 10), dst[4],
                             port, RATE / 4, count // 4)
               for port in range(30_001, 30_017)]
        into_dead = lab.flow(run, dst[4], victim, victim, rate=RATE / 4, count=count // 4)
        run.start()
        run.wait_sent(by_other[0], RATE)
        died_ns = time.time_ns()
        kill(lab, victim)
        gone_ns = time.time_ns()
        hops = watch_hops(lab)
        run.wait_sent(by_other[0], run.sent_so_far(by_other[0]) + 2 * RATE)
        run.stop()
    return Death(run, died_ns, gone_ns, by_other, by_bond, own, into_dead, hops)


def watch_hops(lab: Routing) -> list[tuple[int, list[str]]]:
    """R's next hops until there is one; with static routes two remain for ever."""
    seen: list[tuple[int, list[str]]] = []

    def look() -> bool:
        hops = kernel_hops(lab.r.namespace, NETWORK_H)
        seen.append((time.time_ns(), hops))
        return not HAS_FRR or len(hops) == 1

    wait_for("one next hop at R", look, (MARGIN - 1) * DEAD_S, 0.05)
    return seen


def death_faults(death: Death) -> list[str]:
    """Lost: nothing of what went over the leg that stays, nothing late; no copies."""
    run, faults = death.run, []
    used = {view for flow in death.by_bond for view in ("into-s1", "into-s2")
            if run.result(flow, view).unique > RATE // 4}
    faults += [] if len(used) == 2 else [f"R's bond did not use both legs: {used}"]
    dead = run.result(death.into_dead, "h")
    late = [n for n, _ in dead.arrivals if death.into_dead.times[n] > death.gone_ns]
    if not dead.unique or not dead.missing + dead.refused or late:
        faults.append(f"the dead leg carried {dead}, of it later than its end {late}")
    limit_ms = LOSS_MS_MAX + (death.gone_ns - death.died_ns) / 1e6
    print(f"lost of each flow, beside the {dead.missing + dead.refused} of {death.into_dead.sent} "
          "that the test itself put into the dead leg:")
    for flow in [*death.by_other, *death.by_bond, *death.own]:
        lost_ms, text = describe(run, flow, death.died_ns)
        print(text)
        if lost_ms > (0 if flow in death.by_other else limit_ms):
            faults.append(f"not bounded by R's link detection: {text}")
        result = run.result(flow, "h")
        late = [n for n in result.missing_list
                if flow.times[n] > death.died_ns + limit_ms * 1e6]
        faults += [f"{flow.name}: lost {len(late)} later than {limit_ms:.0f} ms"] if late else []
        faults += [str(result)] if result.duplicates else []
        faults += faults_nothing(run, flow, "r", "o1", "o2")
        wrong = [entry for entry in run.seen(flow, "h") if entry.ttl != 63]
        faults += [f"TTL: {entry}" for entry in wrong[:1]]
    return faults


@pytest.mark.parametrize("victim", MEMBERS)
def test_r26_until_ospfs_dead_timer_and_then_by_the_other_mac_with_no_further_loss(
        lab: Routing, victim: str) -> None:
    """What is sent into the dead leg is lost, at most; FRR takes the dead member out in its time.
    """
    other = next(name for name in MEMBERS if name != victim)
    for _ in range(ATTEMPTS):
        began_ns = time.time_ns()
        death = measure_death(lab, victim)
        if not HAS_FRR or not falls(lab, other, began_ns):
            break
        print(f"R lost {other} too, which lives: the machine stood still; once more")
        make_whole(lab)
    print(f"\n{victim} died; {other}: verdict "
          f"{lab.pair.switches[other].mlagd.query('status')['verdict']}")
    faults = death_faults(death)
    if HAS_FRR:
        fell_s, why = fallen(lab, victim, death.died_ns)
        print(f"R's adjacency fell {fell_s:.2f} s later: {why.split('] ', 1)[-1]}")
        early = [hops for at_ns, hops in death.hops if at_ns < death.died_ns + fell_s * 1e9]
        if not early or any(len(hops) != 2 for hops in early):
            faults.append(f"R had {early} before the adjacency fell")
        if not LOSS_MS_MAX / 1000 < fell_s < MARGIN * DEAD_S:
            faults.append(f"the adjacency fell after {fell_s:.2f} s, the dead timer is {DEAD_S} s")
        faults += used_faults(death, lab.macs, victim, fell_s)
    assert not faults, "\n".join(faults)


def used_faults(death: Death, macs: dict[str, str], victim: str, fell_s: float) -> list[str]:
    """Whether R used the dead MAC over the leg that stays until its adjacency fell, and not after.
    """
    other = next(name for name in MEMBERS if name != victim)
    seen = [((entry.time_ns - death.died_ns) / 1e9, entry.dst_mac) for flow in death.own
            for entry in death.run.seen(flow, f"into-{other}")]
    changed_s = (death.hops[-1][0] - death.died_ns) / 1e9
    before = [mac for at, mac in seen if LOSS_MS_MAX / 1000 < at < fell_s]
    after = [mac for at, mac in seen if at > changed_s]
    print(f"into {other} with the MAC of {victim}: {before.count(macs[victim])} of {len(before)} "
          f"until the adjacency fell, {after.count(macs[victim])} of {len(after)} after R had one "
          f"next hop, {changed_s:.2f} s after the death")
    faults = [] if before.count(macs[victim]) else ["R did not use the dead member's MAC at all"]
    if not after or after.count(macs[other]) != len(after):
        faults.append(f"{after.count(macs[other])} of {len(after)} by the living member's MAC")
    return faults


def test_r26_r22_stops_own_addresses_of_the_dead_member_are_answered_by_nobody(lab: Routing
                                                                               ) -> None:
    """Its addresses died with it: no reply, no storm, no ICMP time exceeded."""
    kill(lab, "s1")
    wait_for("S2 to miss it", lambda: lab.pair.s2.mlagd.query("status")["verdict"].startswith("alone"),
             60)
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
    """After the tests before: links up and new daemons, both MACs are routed where they arrive."""
    with lab.traffic() as run:
        flows = [lab.flow(run, lab.host_ip(lab.h), to, by) for to in MEMBERS for by in MEMBERS]
        run.send()
    for flow in flows:
        run.result(flow, "h").assert_exactly_once()
        run.result(flow, "pl").assert_nothing()
