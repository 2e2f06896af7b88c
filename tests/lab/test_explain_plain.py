# SPDX-License-Identifier: BSD-2-Clause
"""`mlagctl explain` against the wire on plain bridges with static legs: no VLANs anywhere.

This module runs on any kernel with bridge and veth, so it also runs the programs by
BPF_PROG_TEST_RUN as that kernel has them (just-in-time compiled).
"""

import time
from typing import Callable

import pytest

from mlab import Pair, wait_for
from mlab.explained import MakeFlow, ask, bare, compare, ends, packet, port_of, rules
from mlab.routing import BEHIND_H, ROUTE_BEHIND_H, Routing, address, lay_out
from mlab.routing_suites import host_of
from mlab.topology import Host
from mlab.traffic import BROADCAST

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False}
LAYOUT = lay_out


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair):
    """Static routes, both daemons peered, every neighbour known."""
    lab = Routing(layout).build()
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    return lab


@pytest.fixture(autouse=True)
def known(lab: Routing):
    """Hosts and neighbours are known when a test begins."""
    lab.pair.wait_known()
    lab.resolve()
# There is one SVI, the bridge: what is routed leaves by the device it came by.
BACK = ["R20", "R21", "R27"]


def cases(lab: Routing) -> dict[str, tuple[Host, str, MakeFlow, list[str], str]]:
    """Who sends by which leg what, the rules that must be named, the verdict."""
    hosts = lab.pair.hosts
    r, h, o1, o2 = (hosts[name] for name in ("r", "h", "o1", "o2"))
    to_h, to_o2 = host_of(lab), host_of(lab, "o2")
    return {
        "R21": (r, "s1", packet(lab, to_h[4], "s2", "s1"), BACK + ["R6"], "routed"),
        "R21 v6": (r, "s2", packet(lab, to_h[6], "s1", "s2"), BACK + ["R6"], "routed"),
        "R21 to the peer's orphan": (r, "s1", packet(lab, to_o2[4], "s2", "s1"),
                                     BACK + ["R8", "R8"], "routed"),
        "R22": (r, "s1", packet(lab, address(2, None), "s2", "s1", 1),
                ["R20", "R22", "R20", "R22"], "to-peer"),
        "R23": (r, "s1", bare(r, "s1", lab.macs["s2"]), ["R20", "R23", "R20", "R23"], "to-peer"),
        "R24 TTL 0": (r, "s1", packet(lab, to_h[4], "s2", "s1", 0), ["R20", "R24"], "dropped"),
        "R24 TTL 1": (r, "s1", packet(lab, to_h[4], "s2", "s1", 1), ["R20", "R21", "R24"],
                      "answered"),
        "R6": (o1, "s1", bare(o1, "s1", h.mac), ["R6"], "bridged"),
        "R8": (o1, "s1", bare(o1, "s1", o2.mac), ["R8", "R8"], "bridged"),
        "R3 from an orphan": (o1, "s1", bare(o1, "s1", BROADCAST), ["R3", "R3"], "flooded"),
        "R3 from a LAG": (h, "s2", bare(h, "s2", BROADCAST), ["R3", "R3"], "flooded")}


CASES = ["R21", "R21 v6", "R21 to the peer's orphan", "R22", "R23", "R24 TTL 0", "R24 TTL 1", "R6",
         "R8", "R3 from an orphan", "R3 from a LAG"]


@pytest.mark.parametrize("case", CASES)
def test_what_is_explained_is_what_is_seen(lab: Routing, case: str) -> None:
    """Rules, verdict, who gets it, TTL, ICMP errors; the programs were run and agree."""
    host, by, make, wanted_rules, verdict = cases(lab)[case]
    answer = compare(lab, host, by, make)
    assert rules(answer) == wanted_rules, answer["steps"]
    assert answer["verdict"] == verdict and answer["vlan"] is None
    assert answer["agrees"] is True and answer["not_run"] is None


def test_r25_no_route_here(lab: Routing) -> None:
    """As on a VLAN-aware bridge."""
    namespace = lab.pair.s1.namespace
    namespace.ip(f"route del {ROUTE_BEHIND_H[4]}")
    try:
        answer = compare(lab, lab.r, "s1", packet(lab, BEHIND_H[4], "s2", "s1"))
    finally:
        namespace.ip(f"route add {ROUTE_BEHIND_H[4]} via {lab.host_ip(lab.h)}")
    assert rules(answer) == ["R20", "R25", "R20"]


def test_r5_leg_down_what_if_and_in_truth(lab: Routing) -> None:
    """The same end of every copy before, by what-if, and after, really; the wire agrees."""
    s1, o1 = lab.pair.s1, lab.pair.hosts["o1"]
    with lab.traffic() as run:
        what_if = ask(s1, port_of(o1), bare(o1, "s1", lab.h.mac)(run), "leg lag2 down")
    lab.pair.fail_leg(lab.h, "s1", side="switch")  # its own addresses stay
    try:
        wait_for("S1 to see it", lambda: s1.mlagd.lag("lag2")["state"] == "peer-only", 20)
        wait_for("S2 to lift R1", lambda: not lab.pair.s2.mlagd.lag("lag2")["isolated"], 10)
        answer = compare(lab, o1, "s1", bare(o1, "s1", lab.h.mac))
        assert ends(answer) == ends(what_if)
        assert ("peer", "sent", None, 2) in ends(answer)
    finally:
        lab.pair.heal()
        lab.pair.wait_whole(60)


def test_a_vlan_makes_no_sense_here(lab: Routing) -> None:
    """Exit 3, and why."""
    done = lab.pair.s1.mlagd.ctl("explain", "--in", "o1", "--vlan", "10", "--dst-mac", lab.h.mac)
    assert done.returncode == 3 and "br0 does not filter VLANs" in done.stderr


def test_how_long_a_question_takes(lab: Routing, tell: Callable[[str], None]) -> None:
    """With starting mlagctl; the first one loads the programs a second time."""
    argv = ("explain", "--in", "lag1", "--dst-mac", lab.macs["s2"], "--dst-ip", host_of(lab)[4])
    times = []
    for _ in range(50):
        began = time.monotonic()
        lab.pair.s2.mlagd.query(*(argv if times else ("status",)))
        times.append(1000 * (time.monotonic() - began))
    tell(f"explain: {sorted(times)[25]:.0f} ms at the median; status once: {times[0]:.0f} ms")
    assert lab.pair.s2.mlagd.query("status")["health"] == "ok"
