# SPDX-License-Identifier: BSD-2-Clause
"""R21 to R25 with `datapath = xdp`, on plain bridges with static legs, in the drivers of veth.

XDP needs a kernel that tells what its devices can do (6.3): this module is skipped on an older one,
where test_routing_xdp_fallback.py shows what becomes of `xdp` there.
"""

import os
import subprocess
import time
from typing import Callable, Iterator

import pytest

from mlab import Pair, wait_for
from mlab.daemon import BUILD
from mlab.routed import Packet, faults_nothing, faults_once
from mlab.routing import Routing, lay_out
from mlab.routing_suites import (COUNT, RESTARTS, check_own_addresses, check_restart, check_ttl_0,
                                 check_ttl_1, check_without_route, crossing_faults,
                                 every_way_faults, host_of, other_than)
from mlab.topology import MEMBERS, PL, Switch

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False}
LAYOUT = lay_out
SOMEBODY_ELSES = os.path.join(BUILD, "aid.bpf.o")

pytestmark = pytest.mark.skipif(tuple(int(part) for part in os.uname().release.split(".")[:2]) <
                                (6, 3), reason="the kernel does not tell what devices can do")


def ethtool(switch_or_host: object, ifname: str, *features: str) -> None:
    """Turn features of a device on or off."""
    switch_or_host.namespace.run("ethtool", "-K", ifname, *features)  # type: ignore[attr-defined]


def ports(pair: Pair, switch: Switch) -> list[str]:
    """The ports that frames come by, the peer link not among them."""
    return [host.switch_lag() for host in pair.hosts.values() if switch.name in host.members]


def prepare(pair: Pair) -> None:
    """Tags inside frames, and every far end takes what XDP redirects to it."""
    for switch in pair.switches.values():
        ethtool(switch, "peerlink", "gro", "on")
        for ifname in ports(pair, switch):
            ethtool(switch, ifname, "rxvlan", "off")
    for host in pair.hosts.values():
        for port in host.ports():
            ethtool(host, port.ifname, "txvlan", "off", "gro", "on")


def has_xdp(switch: Switch, ifname: str) -> bool:
    """A program in the driver."""
    return "xdp" in switch.namespace.link(ifname)


def heard(switch: Switch) -> int:
    """What the bridge's own device received so far."""
    return int(switch.namespace.json("ip", "-s", "-j", "link", "show",
                                     "br0")[0]["stats64"]["rx"]["packets"])


def problems(switch: Switch) -> list[str]:
    """Why XDP does not run where it should."""
    return [problem["text"] for problem in switch.mlagd.query("status")["problems"]
            if problem["code"] == "xdp-not-possible"]


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Routing:
    """Static routes, both daemons peered, every neighbour known, XDP asked for."""
    lab = Routing(layout).build()
    prepare(layout)
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


@pytest.fixture(name="s1")
def whole_s1(lab: Routing) -> Iterator[Switch]:
    """S1, where a test may spoil something; afterwards all is as it was."""
    yield lab.pair.s1
    wait_for("XDP everywhere again", lambda: not problems(lab.pair.s1) and all(
        has_xdp(lab.pair.s1, name) for name in ports(lab.pair, lab.pair.s1)), 15)


def test_xdp_runs_at_every_port_but_the_peer_link(lab: Routing) -> None:
    """And nobody has a problem."""
    for switch in lab.pair.switches.values():
        assert [name for name in ports(lab.pair, switch) if not has_xdp(switch, name)] == []
        assert not has_xdp(switch, "peerlink")
        assert switch.mlagd.query("status")["health"] == "ok"


def test_r21_once_ttl_minus_one_none_on_the_peer_link(lab: Routing) -> None:
    """By each MAC and leg, IPv4 and IPv6."""
    assert not (faults := every_way_faults(lab)), "\n".join(faults)


def test_r21_most_packets_never_meet_the_bridge(lab: Routing) -> None:
    """What carries the peer's MAC goes by XDP: the bridge itself hears one a second of a sender."""
    sent = 300
    with lab.traffic() as run:
        flow = lab.flow(run, lab.host_ip(lab.h), "s2", "s1", count=sent, rate=300)
        before = heard(lab.pair.s1)
        run.send()
        after = heard(lab.pair.s1)
    assert not (faults := faults_once(run, flow, "h", ttl=63)), "\n".join(faults)
    print(f"br0 heard {after - before} of {sent}")
    assert after - before < sent / 5


@pytest.mark.parametrize("owner", ["s1", "s2"])
@pytest.mark.parametrize("version", [4, 6])
def test_r22_own_addresses_once_ttl_1_and_byte_identical(lab: Routing, version: int, owner: str
                                                         ) -> None:
    """All on br0; link-local ones too."""
    assert not (faults := check_own_addresses(lab, version, owner)), "\n".join(faults)


def test_r24_ttl_0_is_dropped_and_counted(lab: Routing) -> None:
    """Nothing arrives, nobody answers."""
    assert not (faults := check_ttl_0(lab)), "\n".join(faults)


def test_r24_ttl_1_is_one_icmp_time_exceeded_from_here(lab: Routing) -> None:
    """From the member where it arrived."""
    assert not (faults := check_ttl_1(lab)), "\n".join(faults)


@pytest.mark.parametrize("without", ["s1", "s2"])
def test_r25_no_route_here_the_peer_delivers(lab: Routing, without: str) -> None:
    """Handed to the peer, whose MAC it has."""
    assert not (faults := check_without_route(lab, without, pl_tag=None)), "\n".join(faults)


def test_r5_r21_into_a_leg_that_is_down_goes_over_the_peer_link(lab: Routing) -> None:
    """The gate of the leg it would leave by is read at XDP."""
    lab.pair.fail_leg(lab.h, "s1", "switch")
    try:
        wait_for("S1 to know", lambda: not lab.pair.s1.mlagd.lag("lag2")["local_up"], 5)
        with lab.traffic() as run:
            flows = [lab.flow(run, host_of(lab)[version], "s2", "s1") for version in (4, 6)]
            run.send()
    finally:
        lab.pair.heal_leg(lab.h, "s1", "switch")
        lab.pair.wait_whole()
    for flow in flows:
        faults = faults_once(run, flow, "h", ttl=63) + crossing_faults(run, flow, COUNT)
        assert not faults, "\n".join(faults)


@pytest.mark.parametrize("how,stranger", [("state 0", "02:00:00:00:77:01"),
                                          ("locked on", "02:00:00:00:77:02")])
def test_r20_a_blocked_or_locked_port_is_no_way_around_the_bridge(lab: Routing, how: str,
                                                                  stranger: str) -> None:
    """O1's port is disabled, or locked and the sender unknown there: nothing comes through."""
    o1, namespace = lab.pair.hosts["o1"], lab.pair.s1.namespace
    namespace.bridge(f"link set dev o1 {how}")
    try:
        time.sleep(0.5)  # for the daemon to hear of it: there is nothing to wait for
        with lab.traffic() as run:
            flows = [run.packets(f"O1 to {dst}", o1.leg("s1"), lab.macs["s2"], stranger,
                                 Packet(lab.host_ip(o1), dst), 50, 20)
                     for dst in (lab.host_ip(lab.h), *lab.own_addresses("s2", 4))]
            run.send()
    finally:
        namespace.bridge("link set dev o1 state 3", "link set dev o1 locked off")
    faults = [fault for flow in flows for fault in
              faults_nothing(run, flow, PL, "r", "h", "o2", "svi-s1", "svi-s2")]
    assert not faults, "\n".join(faults)


def test_a_port_that_takes_tags_out_of_frames_is_left_to_tc(lab: Routing, s1: Switch) -> None:
    """`status` names it and says what to do; forwarding goes on."""
    ethtool(s1, "lag1", "rxvlan", "on")
    wait_for("the problem", lambda: any("lag1" in text and "rxvlan off" in text
                                        for text in problems(s1)), 15)
    assert not has_xdp(s1, "lag1") and has_xdp(s1, "lag2")
    assert s1.mlagd.query("status")["health"] == "degraded"
    assert not (faults := every_way_faults(lab)), "\n".join(faults)
    ethtool(s1, "lag1", "rxvlan", "off")


def test_somebody_elses_program_is_a_problem_and_stays(lab: Routing, s1: Switch) -> None:
    """It was put in the place of ours by force; nothing of ours comes back before it is gone."""
    if not os.path.exists(SOMEBODY_ELSES):
        pytest.skip("build/aid.bpf.o is not built")
    s1.namespace.run("ip", "-force", "link", "set", "dev", "lag1", "xdpdrv", "object",
                     SOMEBODY_ELSES, "program", "nothing_xdp")
    wait_for("the problem", lambda: any("lag1" in text and "somebody else" in text
                                        for text in problems(s1)), 15)
    assert "nothing_xdp" in s1.namespace.run("ip", "-d", "link", "show", "lag1").stdout + \
        subprocess.run(["bpftool", "prog"], capture_output=True, text=True, check=True,
                       env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}).stdout
    assert not (faults := every_way_faults(lab)), "\n".join(faults)
    s1.namespace.run("ip", "link", "set", "dev", "lag1", "xdpdrv", "off")


def test_a_peer_link_that_takes_no_redirects_is_a_problem(lab: Routing, s1: Switch) -> None:
    """What is for the peer goes there by tc."""
    ethtool(lab.pair.s2, "peerlink", "gro", "off")
    wait_for("the problem", lambda: any("peerlink" in text for text in problems(s1)), 15)
    for version in (4, 6):
        assert not (faults := check_own_addresses(lab, version, "s2")), "\n".join(faults)
    ethtool(lab.pair.s2, "peerlink", "gro", "on")


def test_a_restart_keeps_xdp(lab: Routing, s1: Switch) -> None:
    """The attachment outlives the daemon, and the next one replaces it."""
    before = s1.namespace.link("lag1")["xdp"]["prog"]["id"]
    s1.mlagd.stop()
    assert s1.namespace.link("lag1")["xdp"]["prog"]["id"] == before
    lab.pair.start()
    lab.wait_addresses()
    assert has_xdp(s1, "lag1")
    assert not (faults := every_way_faults(lab)), "\n".join(faults)


@pytest.mark.parametrize("members", [("s1",), ("s1", "s2")], ids="-".join)
@pytest.mark.parametrize("how", RESTARTS)
def test_safe40_a_restart_or_an_upgrade_is_not_noticed(
        lab: Routing, how: str, members: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """To either MAC by either leg, and to the members' own addresses: 0 lost, 0 doubled."""
    text, faults = check_restart(lab, members, how)
    tell(text)
    assert not faults, "\n".join(faults)
    for member in members:
        switch = lab.pair.switches[member]
        assert all(has_xdp(switch, name) for name in ports(lab.pair, switch))


def test_reload_takes_xdp_away_and_brings_it_back(lab: Routing, s1: Switch) -> None:
    """datapath = tc and then xdp."""
    for value, wanted in (("tc", False), ("xdp", True)):
        s1.mlagd.config["domain"]["datapath"] = value
        s1.mlagd.write_config()
        assert s1.mlagd.ctl("reload").returncode == 0
        assert [has_xdp(s1, name) for name in ports(lab.pair, s1)] == \
            [wanted] * len(ports(lab.pair, s1))
        assert not problems(s1)
        assert not (faults := every_way_faults(lab)), "\n".join(faults)


def test_this_suite_can_fail_with_tc_alone_the_bridge_hears_every_packet(lab: Routing) -> None:
    """The measure of test_r21_most_packets_never_meet_the_bridge."""
    s1, sent = lab.pair.s1, 300
    s1.mlagd.config["domain"]["datapath"] = "tc"
    s1.mlagd.write_config()
    assert s1.mlagd.ctl("reload").returncode == 0
    with lab.traffic() as run:
        lab.flow(run, lab.host_ip(lab.h), other_than("s1"), "s1", count=sent, rate=300)
        before = heard(s1)
        run.send()
        assert heard(s1) - before >= sent
