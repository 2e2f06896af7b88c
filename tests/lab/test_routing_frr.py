# SPDX-License-Identifier: BSD-2-Clause
"""Routing protocols between R and both members over one LAG, by FRR (the issue's own diagram).

Half of what R sends to either member arrives at the other one.  Hellos are a second and the dead
time is four, BFD is 3 x 300 ms: a packet that takes a wrong way or comes twice shows.  MLAB_LONG=1
makes every wait a minute.
"""

import contextlib
import os
import threading
import time
from typing import Iterator

import pytest

from mlab import Pair, frr, wait_for
from mlab.routed import faults_nothing, faults_once
from mlab.routing import (BEHIND_H, DEAD_S, ROUTE_BEHIND_H, ROUTER, Routing, address, bfd_downs,
                          bgp_config, check_state, kernel_hops, lay_out, link_local, log_changes,
                          ping, wait_state)
from mlab.topology import MEMBERS, PL

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
SECONDS = 60 if os.environ.get("MLAB_LONG") else 20
BFD_INTERVAL_S = 0.3
IDS = {"s1": address(1, None), "s2": address(2, None), "r": address(ROUTER, None)}
OSPF = ("ospfd", "ospf6d")
VERSIONS = (4, 6)

pytestmark = pytest.mark.skipif(not frr.is_installed(), reason="FRR is not installed")


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair):
    """Both daemons peered, no static route anywhere; OSPF, OSPFv3 and BFD on S1, S2 and R."""
    lab = Routing(layout).build(has_static_routes=False)
    layout.start()
    lab.wait_addresses()
    try:
        lab.start_frr("ospfd", "ospf6d", "bfdd")
        yield lab
    finally:
        lab.stop_frr()


def neighbors(node: str, daemon: str = "ospfd", is_external: bool = True) -> list[str]:
    """Who must be a good neighbour of a node in a daemon."""
    peers = MEMBERS if node == "r" else ("r",)
    if daemon in OSPF:
        return [IDS[peer] for peer in peers]
    numbers = {"s1": 1, "s2": 2, "r": ROUTER}
    if daemon == "bfdd":
        return [address(numbers[peer], 10) for peer in peers]
    return [address(numbers[peer], 10 if is_external else None, version)
            for peer in peers for version in VERSIONS]


def settled(lab: Routing, *daemons: str, timeout: float = 40, is_external: bool = True) -> None:
    """Every node has all its neighbours."""
    for daemon in daemons:
        for node, router in lab.frr.items():
            wait_state(router, daemon, neighbors(node, daemon, is_external), timeout)


def changes(lab: Routing, *daemons: str) -> dict[str, list[str]]:
    """What each daemon of each node logged about its neighbours so far."""
    return {f"{daemon} of {node}": log_changes(router, daemon)
            for node, router in lab.frr.items() for daemon in daemons}


def assert_unchanged(lab: Routing, before: dict[str, list[str]], *daemons: str) -> None:
    """No neighbour has changed its state, however briefly."""
    after = changes(lab, *daemons)
    faults = [f"{name}: {line}" for name in before for line in after[name][len(before[name]):]]
    faults += [fault for daemon in daemons for node, router in lab.frr.items()
               for fault in check_state(router, daemon, neighbors(node, daemon))]
    assert not faults, "\n".join(faults)


def wait_route(lab: Routing, node: str, dst: str, hops: int, timeout: float = 15) -> None:
    """The kernel of a node has this many next hops to a network (0: no route)."""
    wait_for(f"{hops} next hops to {dst} on {node}",
             lambda: len(kernel_hops(lab.namespace(node), dst)) == hops, timeout, 0.2,
             show=lambda: lab.namespace(node).run("ip", "route").stdout)


def traffic_for(lab: Routing, seconds: float, ttl: int = 63) -> list[str]:
    """R to H by each MAC and leg for a while, 200 packets a second; what was wrong with it."""
    ways = [(to, by, version) for to in MEMBERS for by in MEMBERS for version in VERSIONS]
    with lab.traffic(frames=1 << 14) as run:
        flows = [lab.flow(run, lab.host_ip(lab.h, version), to, by, rate=25,
                          count=int(25 * seconds)) for to, by, version in ways]
        run.send()
    return [fault for flow in flows for fault in
            [*faults_once(run, flow, "h", ttl=ttl), *faults_nothing(run, flow, PL)]]


def test_ospf_v2_and_v3_are_full_with_both_members(lab: Routing) -> None:
    """R with S1 and with S2, and they with R, over one LAG."""
    began = time.monotonic()
    settled(lab, *OSPF)
    print(f"all Full {time.monotonic() - began:.1f} s after the start")


def test_r_has_two_equal_next_hops_and_reaches_h_by_both(lab: Routing) -> None:
    """What OSPF gave to the kernel: ECMP over S1 and S2, v4 and v6; and H answers."""
    wait_route(lab, "r", "10.0.20.0/24", 2)
    wait_route(lab, "r", "fd00:20::/64", 2)
    for version in VERSIONS:
        dst = lab.host_ip(lab.h, version)
        done = lab.r.namespace.run("ping", "-n", "-q", "-i", "0.05", "-c", "40", "-W", "2", dst,
                                   check=False)
        assert "40 received" in done.stdout and "duplicates" not in done.stdout, done.stdout


@contextlib.contextmanager
def standstill() -> Iterator[list[float]]:
    """How long at most (s) nobody here was run who wanted to: a BFD daemon neither."""
    longest, is_over = [0.0], threading.Event()

    def watch() -> None:
        last = time.monotonic()
        while not is_over.wait(0.02):
            now = time.monotonic()
            longest[0], last = max(longest[0], now - last), now

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield longest
    finally:
        is_over.set()
        thread.join()


def test_ospf_and_bfd_stay_up_through_traffic(lab: Routing) -> None:
    """Not one change of a neighbour while R's packets take all four ways; each arrives once.

    A BFD session of 3 x 300 ms that misses three packets in a row goes down and is counted.  Where
    the machine itself stood still for longer than such an interval a session that fell says nothing:
    once more then.
    """
    for _ in range(3):
        settled(lab, *OSPF, "bfdd")
        lab.resolve()
        before, downs = changes(lab, *OSPF), {n: bfd_downs(router) for n, router in lab.frr.items()}
        with standstill() as longest:
            faults = traffic_for(lab, SECONDS)
        assert_unchanged(lab, before, *OSPF)
        after = {node: bfd_downs(router) for node, router in lab.frr.items()}
        print(f"the machine stood still for {longest[0] * 1000:.0f} ms at most; BFD {after}")
        if downs == after or longest[0] < BFD_INTERVAL_S:
            break
    assert downs == after, f"sessions went down: {downs} before, {after} after"
    settled(lab, "bfdd", timeout=1)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_ospf_stays_full_through_a_restart_of_mlagd(lab: Routing, how: str, member: str) -> None:
    """The programs stay; longer than the dead time passes without that daemon, then with it."""
    settled(lab, *OSPF)
    before = changes(lab, *OSPF)
    daemon = lab.pair.switches[member].mlagd
    if how == "SIGKILL":
        daemon.process.kill()
        daemon.process.wait(10)
        time.sleep(1)
    else:
        daemon.stop()
    daemon.start()
    began = time.monotonic()
    lab.pair.wait_whole()
    lab.wait_addresses()
    time.sleep(max(0.0, DEAD_S + 1 - (time.monotonic() - began)))
    assert_unchanged(lab, before, *OSPF)


@pytest.mark.parametrize("kind", ["eBGP with TTL 1", "iBGP between loopbacks"])
def test_bgp_is_established_with_both_members_and_stays(lab: Routing, kind: str) -> None:
    """IPv4 and IPv6 sessions; routes in both directions; no session falls within the time."""
    is_external = kind.startswith("eBGP")
    settled(lab, *OSPF)
    lab.start_frr("bgpd", bgpd={node: bgp_config(number, is_external)
                                for node, number in (("s1", 1), ("s2", 2), ("r", ROUTER))})
    try:
        settled(lab, "bgpd", is_external=is_external)
        before = changes(lab, "bgpd")
        if is_external:
            for member in MEMBERS:
                wait_route(lab, member, "203.0.113.0/24", 1)
                wait_route(lab, member, "fd00:113::/64", 1)
        faults = traffic_for(lab, SECONDS / 3)
        after = changes(lab, "bgpd")
        fallen = [line for name in before for line in after[name][len(before[name]):]]
        assert not fallen, "\n".join(fallen)
        assert not faults, "\n".join(faults)
        settled(lab, "bgpd", timeout=1, is_external=is_external)
    finally:
        for router in lab.frr.values():
            router.stop("bgpd")


def test_link_local_unicast_of_ospf_v3_reaches_its_owner(lab: Routing) -> None:
    """R pings each member's link-local address by its own stack, many echoes over both legs."""
    for member in MEMBERS:
        target = f"{link_local(lab.macs[member])}%bond0"
        assert ping(lab.r.namespace, target), target


def test_an_external_route_comes_and_goes_for_both_next_hops(lab: Routing) -> None:
    """S1 alone has it; its forwarding address is H, so R sends by both members, and all arrives."""
    via = lab.host_ip(lab.h)
    lab.pair.s1.namespace.ip(f"route add {ROUTE_BEHIND_H[4]} via {via}")
    try:
        lab.frr["s1"].configure("ospfd", "router ospf", "redistribute kernel")
        wait_route(lab, "r", ROUTE_BEHIND_H[4], 2)
        wait_route(lab, "s2", ROUTE_BEHIND_H[4], 1)
        done = lab.r.namespace.run("ping", "-n", "-q", "-i", "0.05", "-c", "20", "-W", "2",
                                   BEHIND_H[4], check=False)
        assert "20 received" in done.stdout and "duplicates" not in done.stdout, done.stdout
    finally:
        lab.pair.s1.namespace.ip(f"route del {ROUTE_BEHIND_H[4]} via {via}")
    wait_route(lab, "r", ROUTE_BEHIND_H[4], 0)


def test_ospf_and_bfd_outlast_a_leg_and_this_suite_can_fail(lab: Routing) -> None:
    """R's leg to S1 fails: all that is for S1 crosses from S2 (R22), and no neighbour changes.

    Then a hop is taken off on that way: BFD, which wants a TTL of 255, goes down within moments.
    """
    settled(lab, *OSPF, "bfdd")
    before, downs = changes(lab, *OSPF), bfd_downs(lab.frr["s1"])
    namespace = lab.pair.s2.namespace
    lab.pair.fail_leg(lab.r, "s1")
    try:
        time.sleep(DEAD_S + 1)  # for something not to happen there is no event
        assert_unchanged(lab, before, *OSPF)
        assert bfd_downs(lab.frr["s1"]) == downs
        namespace.run("tc", "filter", "add", "dev", "peerlink", "egress", "pref", "100", "protocol",
                      "802.1q", "flower", "vlan_ethtype", "ip", "dst_mac", lab.macs["s1"], "action",
                      "pedit", "ex", "munge", "ip", "ttl", "add", "0xff", "pipe", "csum", "ip")
        wait_for("BFD to go down", lambda: bfd_downs(lab.frr["s1"]) > downs, 5, 0.1)
    finally:
        namespace.run("tc", "filter", "del", "dev", "peerlink", "egress", "pref", "100",
                      check=False)
        lab.pair.heal_leg(lab.r, "s1")
    lab.pair.wait_whole()
    settled(lab, "bfdd")
