# SPDX-License-Identifier: BSD-2-Clause
"""Ports that change hands under the daemon, and what others do to them (DESIGN §3: three facts).

A port that left the bridge has lost what was set at it, however soon it came back, and a device
that was made anew has lost its programs, whatever its number.  What somebody takes away by hand is
noticed and put back.
"""

import os
import signal
import time
from typing import Any, Callable, Iterator

import pytest

from mlab import BROADCAST, LabError, Pair, suites, wait_for
from mlab.netns import Namespace
from mlab.topology import PL, Switch
from mlab.traffic import UNKNOWN

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
VLAN = 10
FLOODS = ("flood", "mcast_flood", "bcast_flood")
STOPPED_S = 0.15
REPAIRED_S = 3.0   # an event and, when the last repair was just before, a second's wait
SOMEBODY = "somebody"


def LAYOUT(pair: Pair) -> None:
    """A and B are dual, O1 and O2 are orphans."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("b", lag_id=2, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


def settings(switch: Switch, ifname: str) -> dict[str, Any]:
    """What the bridge says of a port."""
    return switch.namespace.link(ifname)["linkinfo"].get("info_slave_data", {})


def has_filter(switch: Switch, ifname: str, point: str) -> bool:
    """A program is attached there."""
    return not without_filter(switch, (ifname, point))


def without_filter(switch: Switch, *places: tuple[str, str]) -> list[str]:
    """Those of the places at which no program is attached, or that are not there."""
    lines = "".join(f"filter show dev {ifname} {point}\n" for ifname, point in places)
    done = switch.namespace.run("tc", "-json", "-batch", "-", stdin=lines, check=False)
    shown = done.stdout.splitlines()  # a line for each, until one fails
    shown += [""] * (len(places) - len(shown))
    return [f"{ifname}: no filter at {point}" for (ifname, point), text in zip(places, shown)
            if '"direct-action":true' not in text]


def wrong(switch: Switch) -> list[str]:
    """Everything at this member's ports that is not as it should be while all legs are dual."""
    rows = switch.namespace.json("ip", "-d", "-j", "link", "show", "master", "br0")
    ports = {row["ifname"]: row["linkinfo"].get("info_slave_data", {}) for row in rows}
    faults = []
    if ports.get("peerlink", {}).get("learning", True):
        faults.append("peerlink learns")
    for ifname in ("bond1", "bond2"):
        now = ports.get(ifname, {})
        faults += [f"{ifname}: {name} off" for name in FLOODS if not now.get(name)]
        if now.get("backup_port") != "peerlink":
            faults.append(f"{ifname}: backup_port {now.get('backup_port')}")
    return faults + without_filter(
        switch, ("peerlink", "egress"), ("o1" if switch.name == "s1" else "o2", "ingress"),
        *((ifname, point) for ifname in ("bond1", "bond2") for point in ("egress", "ingress")))


def wait_right(pair: Pair, timeout: float = REPAIRED_S) -> float:
    """Wait until every port of both is as it should be; how long that took."""
    began = time.monotonic()
    wait_for("ports as they should be",
             lambda: not any(wrong(switch) for switch in pair.switches.values()), timeout, 0.02,
             show=lambda: {name: wrong(switch) for name, switch in pair.switches.items()})
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def whole_again(pair: Pair) -> Iterator[None]:
    """Each test begins with a whole pair that knows its hosts, whatever the last one left."""
    try:
        pair.wait_whole(30)
        wait_right(pair)
    except LabError:
        for switch in pair.switches.values():
            switch.mlagd.stop(signal.SIGKILL)
            switch.mlagd.start()
        pair.wait_whole(40)
    pair.wait_known(vlan=VLAN)
    yield
    pair.heal()


def check_forwarding(pair: Pair) -> None:
    """R1, R3, R6: every flood and every unicast once, by the shortest way."""
    pair.wait_whole()
    pair.wait_known(vlan=VLAN)
    for dst in suites.FLOODS.values():
        suites.check_floods(pair, VLAN, dst, rate=60, count=25)
    with pair.traffic() as run:
        sent = suites.unicasts(pair, run, VLAN, 30, 15)
        run.send()
    faults = suites.unicast_faults(pair, run, sent)
    assert not faults, "\n".join(faults)


def readd(switch: Switch, ifname: str, *vlans: str) -> None:
    """Out of the bridge and into it again in one breath."""
    switch.namespace.ip(f"link set {ifname} nomaster", f"link set {ifname} master br0")
    switch.namespace.bridge(*(f"vlan add dev {ifname} vid {vlan}" for vlan in vlans))


def make_bond1_anew(switch: Switch, ifindex: int, gap_s: float) -> None:
    """Delete the leg's bond and make it again under the number it had."""
    lines = [f"link add bond1 index {ifindex} type bond mode 802.3ad lacp_rate fast miimon 10 "
             "ad_user_port_key 1 xmit_hash_policy layer2+3",
             "link set a-leg down", "link set a-leg master bond1", "link set bond1 master br0",
             "link set a-leg up", "link set bond1 up"]
    if gap_s:
        switch.namespace.ip("link del bond1")
        time.sleep(gap_s)
        switch.namespace.ip(*lines)
    else:
        switch.namespace.ip("link del bond1", *lines)
    switch.namespace.bridge(f"vlan add dev bond1 vid {VLAN} pvid untagged")


def complaints(switch: Switch, ifname: str = "") -> list[str]:
    """What the log says of others, at one port or at all."""
    return [line for line in switch.mlagd.log().splitlines()
            if SOMEBODY in line and f"port {ifname}" in line]


def wait_complaint(switch: Switch, ifname: str, before: int, began: float) -> float:
    """Wait until one more is in the log, which is written after the repair; how long that took."""
    wait_for(f"a complaint about {ifname}", lambda: len(complaints(switch, ifname)) > before,
             REPAIRED_S, 0.002, show=switch.mlagd.log_tail)
    return (time.monotonic() - began) * 1000


# -- ports that leave and return --------------------------------------------------------------


@pytest.mark.parametrize("is_stopped", [True, False], ids=["unseen", "seen"])
def test_r7_a_peer_link_that_left_and_returned_learns_nothing(pair: Pair, is_stopped: bool
                                                              ) -> None:
    """Between two looks of the daemon, or under its eyes: learning off, backup ports back.

    What is seen is a split for a moment: S2's legs give way, and return when the link was stable.
    """
    process = pair.s1.mlagd.process
    assert process is not None
    for _ in range(1 if is_stopped else 3):
        if is_stopped:
            process.send_signal(signal.SIGSTOP)
        readd(pair.s1, "peerlink", str(VLAN), "4094")
        if is_stopped:
            time.sleep(STOPPED_S)
            process.send_signal(signal.SIGCONT)
        wait_right(pair, 20)
    check_forwarding(pair)


def test_r1_an_open_leg_that_left_and_returned_unseen_is_set_up_again(pair: Pair) -> None:
    """Its backup port is back (R5), and nothing is doubled."""
    process = pair.s1.mlagd.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    readd(pair.s1, "bond1", f"{VLAN} pvid untagged")
    time.sleep(STOPPED_S)
    process.send_signal(signal.SIGCONT)
    wait_right(pair, 10)
    check_forwarding(pair)


def test_r1_a_leg_that_left_and_returned_without_link_does_not_flood_while_pending(pair: Pair
                                                                                   ) -> None:
    """When its link comes, no flood leaves by it before the peer has acknowledged the leg."""
    a, b, o1, o2 = (pair.hosts[name] for name in ("a", "b", "o1", "o2"))
    pair.fail_leg(a, "s1")
    wait_for("flood off", lambda: not any(settings(pair.s1, "bond1")[name] for name in FLOODS))
    pair.s1.namespace.ip("link set bond1 nomaster")
    time.sleep(0.5)
    pair.s1.namespace.ip("link set bond1 master br0")
    pair.s1.namespace.bridge(f"vlan add dev bond1 vid {VLAN} pvid untagged")
    time.sleep(0.5)
    with pair.traffic() as run:
        flows = [pair.flow(run, o1, UNKNOWN, None, VLAN, rate=200, count=1200),
                 pair.flow(run, o1, BROADCAST, None, VLAN, rate=100, count=600),
                 pair.flow(run, b, UNKNOWN, "s1", VLAN, rate=100, count=600),
                 pair.flow(run, o2, a.mac, None, VLAN, rate=100, count=600)]
        run.start()
        run.wait_sent(flows[0], 100)
        pair.heal_leg(a, "s1")
        run.finish()
    for flow in flows:
        for name in (*pair.hosts, PL):
            run.result(flow, name).assert_no_duplicate()
    wait_right(pair, 10)


@pytest.mark.parametrize("gap_s", [1.0, 0.0], ids=["slowly", "at-once"])
def test_r1_a_leg_made_anew_under_its_old_number_gets_its_filter(pair: Pair, gap_s: float) -> None:
    """The same number is not the same device."""
    make_bond1_anew(pair.s1, pair.s1.namespace.link("bond1")["ifindex"], gap_s)
    wait_for("the filter", lambda: has_filter(pair.s1, "bond1", "egress"), REPAIRED_S)
    pair.wait_whole()
    wait_right(pair, 10)
    check_forwarding(pair)


def test_r20_an_orphan_made_anew_under_its_old_number_gets_its_program(pair: Pair) -> None:
    """Out into another namespace and back unseen: it keeps its number, and loses its filter."""
    home, away = pair.s1.namespace, Namespace("away")
    process = pair.s1.mlagd.process
    assert process is not None
    ifindex = home.link("o1")["ifindex"]
    try:
        process.send_signal(signal.SIGSTOP)
        home.ip(f"link set o1 netns {away.full_name}")
        away.ip(f"link set o1 netns {home.full_name}")
        home.ip("link set o1 master br0", "link set o1 up")
        home.bridge(f"vlan add dev o1 vid {VLAN} pvid untagged")
        assert home.link("o1")["ifindex"] == ifindex
        assert not has_filter(pair.s1, "o1", "ingress")
        time.sleep(STOPPED_S)
    finally:
        process.send_signal(signal.SIGCONT)
        away.remove()
    wait_right(pair)
    check_forwarding(pair)


# -- what others do ---------------------------------------------------------------------------


@pytest.mark.parametrize("ifname", ["bond1", "peerlink", "o1"])
def test_r1_a_clsact_that_somebody_deletes_is_put_back(pair: Pair, ifname: str,
                                                       tell: Callable[[str], None]) -> None:
    """With the filter in it, named in the log."""
    before = len(complaints(pair.s1, ifname))
    began = time.monotonic()
    pair.s1.namespace.run("tc", "qdisc", "del", "dev", ifname, "clsact")
    took_ms = wait_complaint(pair.s1, ifname, before, began)
    tell(f"the filter of {ifname} was back {took_ms:.0f} ms after tc(8) was started")
    assert "filter" in complaints(pair.s1, ifname)[-1]
    wait_right(pair)
    check_forwarding(pair)


def test_r1_a_filter_that_somebody_replaces_is_put_back(pair: Pair) -> None:
    """Not only a missing one: in its place, another program."""
    before = len(complaints(pair.s1, "bond1"))
    pair.s1.namespace.run("tc", "filter", "replace", "dev", "bond1", "egress", "prio", "1",
                          "handle", "0x6d6c6167", "protocol", "all", "bpf", "bytecode",
                          "1,6 0 0 4294967295")
    wait_complaint(pair.s1, "bond1", before, time.monotonic())
    wait_right(pair)
    check_forwarding(pair)


@pytest.mark.parametrize("command", [
    "bridge link set dev bond1 flood off", "bridge link set dev bond1 bcast_flood off",
    "ip link set dev bond1 type bridge_slave mcast_flood off",
    "bridge link set dev bond2 nobackup_port",
    "bridge link set dev peerlink learning on",
    "ip link set dev peerlink type bridge_slave learning on"])
def test_r5_r7_what_somebody_sets_at_a_port_is_set_back(pair: Pair, command: str,
                                                        tell: Callable[[str], None]) -> None:
    """Flood flags, backup port, learning; by bridge(8) and by ip(8)."""
    ifname = command.split(" dev ")[1].split()[0]
    before = len(complaints(pair.s1, ifname))
    began = time.monotonic()
    pair.s1.namespace.run(*command.split())
    took_ms = wait_complaint(pair.s1, ifname, before, began)
    tell(f"{command}: undone {took_ms:.0f} ms after it was started")
    wait_right(pair)
    assert pair.s1.mlagd.query("status")["health"] == "ok"


def test_a_quarrel_with_another_program_costs_a_repair_a_second(pair: Pair,
                                                                tell: Callable[[str], None]
                                                                ) -> None:
    """Who insists on having no filter gets one repair a second and few lines in the log."""
    time.sleep(1.2)
    process = pair.s1.mlagd.process
    assert process is not None

    def cpu_s() -> float:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, cpu_before = len(complaints(pair.s1)), cpu_s()
    seconds, seen = 5.0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = pair.s1.namespace.run("tc", "qdisc", "del", "dev", "bond1", "clsact", check=False)
        seen += done.returncode == 0
        time.sleep(0.05)
    used = cpu_s() - cpu_before
    lines = complaints(pair.s1)[before:]
    tell(f"{seen} repairs in {seconds:g} s, {len(lines)} lines in the log, {used:.2f} s of "
         "processor time")
    assert 3 <= seen <= seconds + 2
    assert len(lines) <= 3, lines
    assert used < 1.0
    wait_right(pair)
    check_forwarding(pair)


# -- nobody else ------------------------------------------------------------------------------


def test_own_changes_are_not_taken_for_somebody_elses(pair: Pair) -> None:
    """Legs that fail and return, the peer link too, and restarts: no complaint, no repair."""
    a = pair.hosts["a"]
    before = {name: len(complaints(switch)) for name, switch in pair.switches.items()}
    for member in ("s1", "s2"):
        pair.fail_leg(a, member)
        time.sleep(0.7)
        pair.heal_leg(a, member)
        pair.wait_whole()
    for how in (signal.SIGTERM, signal.SIGKILL):
        for switch in pair.switches.values():
            switch.mlagd.stop(how)
            switch.mlagd.start()
        pair.wait_whole(40)
    time.sleep(6)  # every port had its turn
    for name, switch in pair.switches.items():
        assert complaints(switch)[before[name]:] == []
        assert wrong(switch) == []


@pytest.mark.parametrize("member", ["s1", "s2"])
def test_a_restart_of_the_daemon_is_not_felt(pair: Pair, member: str) -> None:
    """What is right stays in place: nothing lost, nothing doubled while it is taken over."""
    a, b, o1, o2 = (pair.hosts[name] for name in ("a", "b", "o1", "o2"))
    with pair.traffic() as run:
        flows = [pair.flow(run, o1, a.mac, None, VLAN, rate=200, count=800),
                 pair.flow(run, o2, a.mac, None, VLAN, rate=200, count=800),
                 pair.flow(run, a, b.mac, None, VLAN, rate=200, count=800)]
        floods = [pair.flow(run, o1, BROADCAST, None, VLAN, rate=400, count=1600),
                  pair.flow(run, o2, BROADCAST, None, VLAN, rate=400, count=1600)]
        run.start()
        run.wait_sent(flows[0], 100)
        pair.switches[member].mlagd.stop(signal.SIGKILL)
        pair.switches[member].mlagd.start()
        run.finish()
    for flow, name in zip(flows, ("a", "a", "b")):
        run.result(flow, name).assert_exactly_once()
    for flow, sender in zip(floods, ("o1", "o2")):
        run.result(flow, PL).assert_no_duplicate()
        for name in set(pair.hosts) - {sender}:
            run.result(flow, name).assert_exactly_once()


def test_a_bridge_with_tags_of_another_type_is_named(pair: Pair) -> None:
    """802.1ad: what is redirected to the peer link would get the wrong tag."""
    bridge = pair.s1.namespace
    bridge.ip("link set br0 type bridge vlan_protocol 802.1ad")
    try:
        wait_for("the problem", lambda: any(
            problem["code"] == "vlan-protocol" and "br0" in problem["text"]
            for problem in pair.s1.mlagd.query("status")["problems"]), 5)
    finally:
        bridge.ip("link set br0 type bridge vlan_protocol 802.1Q")
    pair.s1.mlagd.wait_status(10, health="ok")
