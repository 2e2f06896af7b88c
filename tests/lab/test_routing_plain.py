# SPDX-License-Identifier: BSD-2-Clause
"""R21 to R25 on plain bridges with static legs: one VLAN, all addresses on br0 itself.

This module runs on any kernel with bridge and veth, so it also shows the programs as that kernel
runs them (just-in-time compiled, tcx).
"""

from typing import Callable

import pytest

from mlab.routing import Routing, lay_out
from mlab.routing_suites import (RESTARTS, check_own_addresses, check_restart, check_ttl_0,
                                 check_ttl_1, check_without_route, count_crossing,
                                 every_way_faults)

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False}
LAYOUT = lay_out

pytestmark = pytest.mark.usefixtures("known")


def test_r21_once_ttl_minus_one_none_on_the_peer_link(lab: Routing) -> None:
    """By each MAC and leg, IPv4 and IPv6."""
    assert not (faults := every_way_faults(lab)), "\n".join(faults)


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


@pytest.mark.parametrize("members", [pytest.param(("s1",), marks=pytest.mark.long),
                                     pytest.param(("s2",), marks=pytest.mark.long), ("s1", "s2")],
                         ids="-".join)
@pytest.mark.parametrize("how", RESTARTS)
def test_safe40_a_restart_or_an_upgrade_is_not_noticed(
        lab: Routing, how: str, members: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """To either MAC by either leg, and to the members' own addresses: 0 lost, 0 doubled."""
    text, faults = check_restart(lab, members, how)
    tell(text)
    assert not faults, "\n".join(faults)


def test_this_suite_can_fail_with_receive_detached_half_crosses_the_peer_link(lab: Routing) -> None:
    """The programs off every port's ingress."""
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        lab.detach_receive(switch)
    try:
        assert count_crossing(lab) == 0.5
    finally:
        lab.pair.start()
