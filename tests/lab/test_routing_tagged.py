# SPDX-License-Identifier: BSD-2-Clause
"""R21 to R25 with R and H on trunks, then with R's VLAN untagged on the peer link (R22's tag)."""

from typing import Callable

import pytest

from mlab.routing import Routing, lay_out_tagged
from mlab.routing_suites import (RESTARTS, check_own_addresses, check_restart, check_ttl_0,
                                 check_without_route, every_way_faults)
from mlab.topology import MEMBERS

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out_tagged

pytestmark = pytest.mark.usefixtures("on_pl", "known")


@pytest.fixture(scope="module", name="on_pl", params=["tagged", "untagged"])
def on_peer_link(request: pytest.FixtureRequest, lab: Routing):
    """How VLAN 10 travels on the peer link."""
    how = "pvid untagged" if request.param == "untagged" else ""
    for switch in lab.pair.switches.values():
        switch.namespace.bridge(f"vlan add dev peerlink vid 10 {how}".strip())
    lab.pair.wait_whole()
    return request.param


def test_r21_once_ttl_minus_one_none_on_the_peer_link(lab: Routing) -> None:
    """By each MAC and leg, IPv4 and IPv6; H sees its own tag."""
    assert not (faults := every_way_faults(lab, h_tag=20)), "\n".join(faults)


@pytest.mark.parametrize("owner", ["s1", "s2"])
@pytest.mark.parametrize("version", [4, 6])
def test_r22_own_addresses_once_with_the_peer_links_tag(lab: Routing, on_pl: str, version: int,
                                                        owner: str) -> None:
    """Byte-identical at the owner; on the peer link tagged as that VLAN is there."""
    tag = 10 if on_pl == "tagged" else None
    faults = check_own_addresses(lab, version, owner, pl_tag=tag)
    assert not faults, "\n".join(faults)


def test_r24_ttl_0_is_dropped_and_counted(lab: Routing) -> None:
    """Nothing arrives, nobody answers."""
    assert not (faults := check_ttl_0(lab)), "\n".join(faults)


@pytest.mark.parametrize("without", ["s1", "s2"])
def test_r25_no_route_here_the_peer_delivers(lab: Routing, on_pl: str, without: str) -> None:
    """Handed to the peer with the peer link's tag."""
    tag = 10 if on_pl == "tagged" else None
    assert not (faults := check_without_route(lab, without, pl_tag=tag)), "\n".join(faults)


@pytest.mark.parametrize("how", RESTARTS)
def test_safe40_a_restart_or_an_upgrade_is_not_noticed(lab: Routing, how: str,
                                                       tell: Callable[[str], None]) -> None:
    """Of both, to either MAC by either leg, and to the members' own addresses: 0 lost, 0 doubled."""
    text, faults = check_restart(lab, MEMBERS, how)
    tell(text)
    assert not faults, "\n".join(faults)
