# SPDX-License-Identifier: BSD-2-Clause
"""`datapath = xdp` where the kernel does not tell what its devices can do, with R and H on trunks.

XDP is then not possible, which is a problem by name, and tc takes the ways round the bridge: with
real VLAN filtering, tags and bonds, which the kernels that have XDP for test_routing_xdp.py may not
have.  The fast entry itself is shown on a bond by the test program tests/bpf/test_xdp_bond.c.
"""

import os
import subprocess
import time

import pytest

from mlab import Pair
from mlab.daemon import BUILD
from mlab.routed import faults_nothing, faults_once
from mlab.routing import Routing, lay_out_tagged
from mlab.routing_suites import (check_own_addresses, check_ttl_0, check_ttl_1,
                                 check_without_route, every_way_faults, host_of)
from mlab.topology import MEMBERS, PL, Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out_tagged
ON_A_BOND = os.path.join(BUILD, "tests", "bpf_xdp_bond")


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Routing:
    """Static routes, both daemons peered, XDP asked for."""
    lab = Routing(layout).build()
    layout.known_problems = {"xdp-not-possible"}
    for member in MEMBERS:
        layout.prepare_daemon(member).config["domain"]["datapath"] = "xdp"
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    return lab


@pytest.fixture(autouse=True)
def known(lab: Routing) -> None:
    """Hosts and neighbours are known when a test begins."""
    lab.pair.wait_known()
    lab.resolve()


def heard(switch: Switch, ifname: str) -> int:
    """What a device received so far."""
    return int(switch.namespace.json("ip", "-s", "-j", "link", "show",
                                     ifname)[0]["stats64"]["rx"]["packets"])


def test_the_fast_entry_on_the_slave_of_a_bond() -> None:
    """LACP and slaves that do not collect pass; XDP is native on the slaves."""
    if not os.path.exists(ON_A_BOND):
        pytest.skip("build/tests/bpf_xdp_bond is not built")
    done = subprocess.run([ON_A_BOND], capture_output=True, text=True, check=False, timeout=120)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "SKIPPED" not in done.stdout + done.stderr


def test_xdp_that_is_not_possible_is_a_problem_with_a_reason(lab: Routing) -> None:
    """For each port, the peer link too; the status is degraded."""
    for switch in lab.pair.switches.values():
        status = switch.mlagd.query("status")
        texts = [problem["text"] for problem in status["problems"]
                 if problem["code"] == "xdp-not-possible"]
        print("\n".join(texts))
        assert status["health"] == "degraded"
        for ifname in ("bond1", "bond2", "peerlink"):
            assert any(ifname in text for text in texts)
        assert "xdp" not in switch.namespace.link("bond1")


def test_r21_once_ttl_minus_one_none_on_the_peer_link(lab: Routing) -> None:
    """By each MAC and leg, IPv4 and IPv6; H sees its own tag."""
    assert not (faults := every_way_faults(lab, h_tag=20)), "\n".join(faults)


def test_r21_most_packets_never_meet_the_svi(lab: Routing) -> None:
    """What carries the peer's MAC goes straight out by tc; one a second of a sender does not."""
    s1, sent = lab.pair.s1, 200
    with lab.traffic() as run:
        flow = lab.flow(run, lab.host_ip(lab.h), "s2", "s1", count=sent, rate=100)
        before = heard(s1, "br0.10")
        run.send()
        after = heard(s1, "br0.10")
    assert not (faults := faults_once(run, flow, "h", ttl=63)), "\n".join(faults)
    print(f"br0.10 heard {after - before} of {sent}")
    assert after - before < sent / 5


@pytest.mark.parametrize("owner", ["s1", "s2"])
@pytest.mark.parametrize("version", [4, 6])
def test_r22_own_addresses_once_with_the_peer_links_tag(lab: Routing, version: int, owner: str
                                                        ) -> None:
    """Byte-identical at the owner."""
    faults = check_own_addresses(lab, version, owner, pl_tag=10)
    assert not faults, "\n".join(faults)


def test_r24_ttl_0_is_dropped_and_counted(lab: Routing) -> None:
    """Nothing arrives, nobody answers."""
    assert not (faults := check_ttl_0(lab)), "\n".join(faults)


def test_r24_ttl_1_is_one_icmp_time_exceeded_from_here(lab: Routing) -> None:
    """From the member where it arrived."""
    assert not (faults := check_ttl_1(lab)), "\n".join(faults)


def test_r25_no_route_here_the_peer_delivers(lab: Routing) -> None:
    """Handed to the peer with the peer link's tag."""
    assert not (faults := check_without_route(lab, "s1", pl_tag=10)), "\n".join(faults)


def test_r20_a_vlan_that_is_blocked_on_a_port_is_not_left_by_a_shortcut(lab: Routing) -> None:
    """The spanning-tree state of VLAN 10 on R's leg: nothing comes through, not to the peer either.
    """
    namespace = lab.pair.s1.namespace
    namespace.bridge("vlan set dev bond1 vid 10 state blocking")
    try:
        time.sleep(0.5)  # for the daemon to hear of it: there is nothing to wait for
        with lab.traffic() as run:
            flows = [lab.flow(run, dst, "s2", "s1")
                     for dst in (*host_of(lab).values(), *lab.own_addresses("s2", 4))]
            run.send()
    finally:
        namespace.bridge("vlan set dev bond1 vid 10 state forwarding")
    faults = [fault for flow in flows for fault in
              faults_nothing(run, flow, PL, "h", "o1", "o2", "svi-s1", "svi-s2")]
    assert not faults, "\n".join(faults)


def test_r21_into_a_vlan_that_is_blocked_on_a_port_is_no_shortcut(lab: Routing) -> None:
    """The bridge's own way does not lead out of it either."""
    namespace = lab.pair.s1.namespace
    namespace.bridge("vlan set dev bond2 vid 20 state blocking")
    try:
        time.sleep(0.5)
        with lab.traffic() as run:
            flow = lab.flow(run, lab.host_ip(lab.h), "s2", "s1")
            run.send()
    finally:
        namespace.bridge("vlan set dev bond2 vid 20 state forwarding")
    assert not (faults := faults_nothing(run, flow, "h", PL)), "\n".join(faults)
