# SPDX-License-Identifier: BSD-2-Clause
"""R1 and R8 per VLAN: a VLAN on only one leg of a LAG stays reachable over the peer link."""

import pytest

from mlab import Pair, suites, wait_for
from mlab.topology import PL, Vlans

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]


def LAYOUT(pair: Pair) -> None:
    """A's leg on S1 carries VLANs 10 and 20, the one on S2 only 10."""
    pair.host("a", lag_id=1, vlans={"s1": Vlans(trunk=(10, 20)), "s2": Vlans(trunk=(10,))})
    pair.host("b", lag_id=2, trunk=[10, 20])
    pair.orphan("o1", on="s1", trunk=[10, 20])
    pair.orphan("o2", on="s2", trunk=[10, 20])


@pytest.mark.parametrize("kind", list(suites.FLOODS))
def test_r1_is_per_vlan_floods_reach_the_host_by_its_only_leg(pair: Pair, kind: str) -> None:
    """From S2's side over the peer link and out of the leg on S1, one copy."""
    pair.wait_known(vlan=20)
    suites.check_floods(pair, 20, suites.FLOODS[kind])


def test_r8_is_per_vlan_unicast_takes_the_peer_link_only_there(pair: Pair) -> None:
    """In VLAN 20 S2 reaches A over the peer link, in VLAN 10 by its own leg."""
    suites.check_unicasts(pair, 20)
    suites.check_unicasts(pair, 10)


def test_r8_macs_name_the_port_per_vlan(pair: Pair) -> None:
    """The rows of A on S2: the leg in VLAN 10, the peer link in VLAN 20."""
    a = pair.hosts["a"]
    pair.wait_known(a)
    def ports() -> bool:
        rows = {row["vlan"]: row for row in pair.s2.mlagd.query("macs") if row["mac"] == a.mac}
        return (rows[10]["ifname"], rows[20]["ifname"]) == ("bond1", "peerlink")

    wait_for("A's rows on S2", ports, 5, show=lambda: pair.s2.mlagd.query("macs"))


def test_vlan_added_to_the_second_leg_takes_the_short_way(pair: Pair) -> None:
    """Membership may change at any time: no duplicates before, during and after."""
    a, o2 = pair.hosts["a"], pair.hosts["o2"]
    pair.wait_known(vlan=20)
    with pair.traffic() as run:
        flood = pair.flow(run, o2, suites.BROADCAST, "s2", 20, rate=200, count=800)
        known = pair.flow(run, o2, a.mac, "s2", 20, rate=200, count=800)
        run.start()
        run.wait_sent(flood, 200)
        pair.s2.namespace.bridge("vlan add dev bond1 vid 20")
        run.wait_sent(flood, 500)
        pair.s2.namespace.bridge("vlan del dev bond1 vid 20")
        run.finish()
    print(run.result(flood, "a"), run.result(known, "a"), run.result(known, PL), sep="\n")
    run.result(flood, "a").assert_no_duplicate()
    run.result(known, "a").assert_no_duplicate()
    assert run.result(flood, "o2").unique == 0
    assert run.result(known, "a").lost_ms <= 100, str(run.result(known, "a"))
