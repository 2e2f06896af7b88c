# SPDX-License-Identifier: BSD-2-Clause
"""The routing lab itself, without mlagd: FRR works in it, and it counts what goes wrong.

The two members are plain bridges with one LACP system id.  What R sends to S2's MAC over the leg to
S1 is bridged to S2 over the peer link: correct, and half of R's traffic crosses there.
"""

import pytest

from mlab import Pair, frr, wait_for
from mlab.routed import faults_once
from mlab.routing import ROUTER, Routing, address, check_state, lay_out, ping, wait_state
from mlab.topology import MEMBERS, PL

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
PAIR = {"has_daemons": False}
LAYOUT = lay_out
MEMBER_IDS = [address(number, None) for number in (1, 2)]

pytestmark = pytest.mark.skipif(not frr.is_installed(), reason="FRR is not installed")


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair):
    """Routers and hosts that know each other; no mlagd."""
    lab = Routing(layout).build()
    for switch in layout.switches.values():
        switch.namespace.bridge("link set dev peerlink learning off")  # or H moves there
    for host in (lab.r, lab.h):
        layout.wait_lacp(host)
    lab.resolve()
    yield lab
    lab.stop_frr()


def test_members_and_hosts_reach_each_other(lab: Routing) -> None:
    """By the real stacks, whichever leg the bonds choose."""
    for version in (4, 6):
        for target in (lab.host_ip(lab.h, version), lab.host_ip(lab.pair.hosts["o1"], version),
                       lab.host_ip(lab.pair.hosts["o2"], version), address(1, None, version),
                       address(2, None, version)):
            wait_for(f"R to reach {target}",
                     lambda t=target, v=version: ping(lab.r.namespace, t, "-I",
                                                      address(ROUTER, 10, v)), 5)


def test_half_of_what_r_sends_crosses_the_peer_link_by_plain_bridging(lab: Routing) -> None:
    """The disease: each packet arrives once, and half of them took the long way."""
    with lab.traffic() as run:
        flows = {(to, by, version): lab.flow(run, lab.host_ip(lab.h, version), to, by, count=40)
                 for to in MEMBERS for by in MEMBERS for version in (4, 6)}
        run.send()
    faults = [fault for flow in flows.values() for fault in faults_once(run, flow, "h", ttl=63)]
    assert not faults, "\n".join(faults)
    for (to, by, _), flow in flows.items():
        assert run.result(flow, PL).unique == (0 if to == by else 40), str(run.result(flow, PL))


def test_ospf_is_full_with_both_members_over_one_lag(lab: Routing) -> None:
    """FRR 8.4 of the distribution, R and both members, by plain bridging."""
    lab.start_frr("ospfd")
    took = [wait_state(lab.frr["r"], "ospfd", MEMBER_IDS)]
    for member in MEMBERS:
        took.append(wait_state(lab.frr[member], "ospfd", [address(ROUTER, None)]))
    print(f"Full after {took[0]:.1f} s at R; {took[1:]} s later at the members")
    assert not check_state(lab.frr["r"], "ospfd", MEMBER_IDS)
