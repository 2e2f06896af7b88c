# SPDX-License-Identifier: BSD-2-Clause
"""R29 on plain bridges: the bridge itself is the device, and there is no VLAN."""

import pytest

from mlab import Pair, wait_for
from mlab.neighbors import add, entry, is_marked, listed, wait_entry, wait_equal
from mlab.routing import ROUTER, Routing, address, lay_out, ping
from mlab.topology import MEMBERS

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False}
LAYOUT = lay_out
MAC_A, MAC_B = "02:00:00:00:09:0a", "02:00:00:00:09:0b"
OTHER = {"s1": "s2", "s2": "s1"}


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Routing:
    """Static routes, both daemons peered."""
    lab = Routing(layout).build()
    add(layout.s1, "br0", "10.0.10.201", MAC_A)
    assert not entry(layout.s2, "br0", "10.0.10.201")
    layout.start()
    lab.wait_addresses()
    wait_equal(lab)
    return lab


def test_r29_what_was_there_before_the_start_is_synced(lab: Routing) -> None:
    """With no VLAN."""
    wait_entry(lab.pair.s2, "br0", "10.0.10.201", MAC_A, marked=True)
    assert listed(lab.pair.s2)["10.0.10.201"] == {
        "ip": "10.0.10.201", "mac": MAC_A, "vlan": None, "ifname": "br0", "device": "svi",
        "origin": "peer", "state": "heard"}


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("version", [4, 6])
def test_r29_both_ways_learned_changed_flushed(lab: Routing, member: str, version: int) -> None:
    """One entry's life."""
    owner, other = lab.pair.switches[member], lab.pair.switches[OTHER[member]]
    target = address(90, 10, version)
    add(owner, "br0", target, MAC_A)
    wait_entry(other, "br0", target, MAC_A, marked=True)
    add(owner, "br0", target, MAC_B)
    wait_entry(other, "br0", target, MAC_B, marked=True)
    owner.namespace.run("ip", "neigh", "del", target, "dev", "br0")
    wait_entry(other, "br0", target, None)


def test_r29_a_host_that_answers_one_is_known_to_both(lab: Routing) -> None:
    """R's own stack."""
    target = address(ROUTER, 10)
    assert ping(lab.pair.s1.namespace, target)
    wait_entry(lab.pair.s2, "br0", target, lab.r.mac)
    assert not is_marked(entry(lab.pair.s1, "br0", target))
    wait_for("no address of a member in the list", lambda: not {
        address(number, 10) for number in (1, 2)} & set(listed(lab.pair.s1)), 5)
