# SPDX-License-Identifier: BSD-2-Clause
"""R5 to R8 in the tables: who knows which MAC where, on VLAN-aware and on plain bridges."""

import re
import subprocess
import time
from typing import Any, Iterator

import pytest

from mlab import BROADCAST, LabError, Pair, wait_for
from mlab.topology import Host, Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]


@pytest.fixture(scope="module", params=["vlan-aware", "plain"])
def sized(request: pytest.FixtureRequest) -> Iterator[tuple[Pair, int | None]]:
    """A pair on either kind of bridge, and the VLAN its hosts are in."""
    pair = Pair(vlan_aware=request.param == "vlan-aware")
    vlan = 10 if pair.vlan_aware else None
    try:
        pair.host("a", lag_id=1, access=vlan)
        pair.host("b", lag_id=2, access=vlan)
        pair.orphan("o1", on="s1", access=vlan)
        pair.orphan("o2", on="s2", access=vlan)
        yield pair.build().start(), vlan
    finally:
        pair.close()


def row_of(switch: Switch, mac: str, vlan: int | None) -> dict[str, Any]:
    """The row of a MAC in `macs -j`."""
    rows = [row for row in switch.mlagd.query("macs")
            if row["mac"] == mac and row["vlan"] == vlan]
    if len(rows) != 1:
        raise LabError(f"{switch.name}: {len(rows)} rows of {mac} in {vlan}")
    return rows[0]


def wait_row(switch: Switch, mac: str, vlan: int | None, **wanted: object) -> dict[str, Any]:
    """Wait until the row of a MAC says what is wanted."""
    def probe() -> dict[str, Any] | None:
        row = row_of(switch, mac, vlan)
        return row if all(row[key] == value for key, value in wanted.items()) else None

    return wait_for(f"{switch.name}: {mac} with {wanted}", probe, 5,
                    show=lambda: row_of(switch, mac, vlan))


def kernel_port(switch: Switch, mac: str, vlan: int | None) -> set[str]:
    """Where the bridge has a MAC."""
    return {entry["ifname"] for entry in switch.fdb()
            if entry["mac"] == mac and entry.get("vlan") == vlan
            and entry.get("master") == "br0"}


def wait_kernel(switch: Switch, mac: str, vlan: int | None, ifname: str) -> None:
    """Wait until the bridge has a MAC at a port."""
    wait_for(f"{switch.name}: {mac} at {ifname} in the bridge",
             lambda: kernel_port(switch, mac, vlan) == {ifname}, 5,
             show=lambda: kernel_port(switch, mac, vlan))


def say(pair: Pair, host: Host, mac: str, member: str, vlan: int | None, count: int = 3) -> None:
    """A few broadcasts from a MAC by one leg."""
    with pair.traffic() as run:
        run.flow("say", host.leg(member), BROADCAST, mac, rate=50, count=count, vlan=host.tag(vlan))
        run.send()


def test_r7_nothing_is_learned_from_the_peer_link(sized: tuple[Pair, int | None]) -> None:
    """Learning is off at the port, and a dual host's flood does not move its MAC there."""
    pair, vlan = sized
    for switch in pair.switches.values():
        link = switch.namespace.json("bridge", "-d", "-j", "link", "show", "dev", "peerlink")[0]
        assert link["learning"] is False
    a = pair.hosts["a"]
    pair.wait_known(vlan=vlan)
    for member in ("s1", "s2"):
        say(pair, a, a.mac, member, vlan, count=20)
        for switch in pair.switches.values():
            assert kernel_port(switch, a.mac, vlan) == {"bond1"}


def test_r8_mac_seen_by_one_member_is_on_the_local_leg_of_both(sized: tuple[Pair, int | None]
                                                                ) -> None:
    """A new MAC behind A, seen by S1 only: S2 has it on its own leg, as the peer's word."""
    pair, vlan = sized
    a = pair.hosts["a"]
    mac = "02:00:00:00:aa:01"
    say(pair, a, mac, "s1", vlan)
    wait_row(pair.s1, mac, vlan, ifname="bond1", attached="dual", lag_id=1, origin="local")
    wait_row(pair.s2, mac, vlan, ifname="bond1", attached="dual", lag_id=1, origin="peer")
    wait_kernel(pair.s2, mac, vlan, "bond1")
    say(pair, a, mac, "s2", vlan)
    wait_row(pair.s1, mac, vlan, origin="both")
    wait_row(pair.s2, mac, vlan, origin="both")


def test_r8_mac_of_the_peers_orphan_is_on_the_peer_link(sized: tuple[Pair, int | None]) -> None:
    """O1 hangs on S1: S2 finds it over the peer link, and the other way round."""
    pair, vlan = sized
    pair.wait_known(vlan=vlan)
    for host, near, far in ((pair.hosts["o1"], pair.s1, pair.s2),
                            (pair.hosts["o2"], pair.s2, pair.s1)):
        wait_row(near, host.mac, vlan, ifname=host.name, attached="orphan", lag_id=None)
        wait_row(far, host.mac, vlan, ifname="peerlink", attached="orphan", lag_id=None,
                 origin="peer")
        wait_kernel(far, host.mac, vlan, "peerlink")


def test_r9_moves_win_over_older_sightings(sized: tuple[Pair, int | None]) -> None:
    """One MAC goes from O1 to O2, behind A, and back to O1; both members follow each time."""
    pair, vlan = sized
    a, o1, o2 = (pair.hosts[name] for name in ("a", "o1", "o2"))
    mac = "02:00:00:00:bb:01"
    for host, member, on_s1, on_s2 in ((o1, "s1", "o1", "peerlink"), (o2, "s2", "peerlink", "o2"),
                                       (a, "s1", "bond1", "bond1"), (o1, "s1", "o1", "peerlink"),
                                       (a, "s2", "bond1", "bond1"), (o2, "s2", "peerlink", "o2")):
        say(pair, host, mac, member, vlan)
        wait_kernel(pair.s1, mac, vlan, on_s1)
        wait_kernel(pair.s2, mac, vlan, on_s2)
        wait_row(pair.s1, mac, vlan, ifname=on_s1)
        wait_row(pair.s2, mac, vlan, ifname=on_s2)
        time.sleep(1)  # a MAC that moves faster than that is damped, which is another test


def test_macs_filters_agree_with_the_whole_list(sized: tuple[Pair, int | None]) -> None:
    """--mac, --lag and --vlan give the rows of the list that match."""
    pair, vlan = sized
    pair.wait_known(vlan=vlan)
    daemon, a = pair.s1.mlagd, pair.hosts["a"]
    rows = daemon.query("macs")
    assert all(set(row) >= {"mac", "vlan", "ifname", "origin", "attached", "lag_id"}
               for row in rows)

    def key(row: dict[str, Any]) -> tuple[str, int]:
        return row["mac"], row["vlan"] or 0

    for argv, keep in ((["--mac", a.mac], lambda row: row["mac"] == a.mac),
                       (["--lag", "bond1"], lambda row: row["lag_id"] == 1),
                       (["--vlan", "10"], lambda row: row["vlan"] == 10)):
        assert sorted(daemon.query("macs", *argv), key=key) == sorted(filter(keep, rows), key=key)


def test_status_proves_the_tables_equal(sized: tuple[Pair, int | None]) -> None:
    """match is true on both, and what is local here is remote there."""
    pair, vlan = sized
    pair.wait_known(vlan=vlan)

    def probe() -> bool:
        one, two = (switch.mlagd.query("status")["sync"]["macs"] for switch in
                    (pair.s1, pair.s2))
        return (one["match"] is True and two["match"] is True and one["local"] == two["remote"]
                and two["local"] == one["remote"] and one["local"] > 0)

    wait_for("equal tables", probe, 10,
             show=lambda: [switch.mlagd.query("status")["sync"] for switch in (pair.s1, pair.s2)])


def test_r5_leg_failure_touches_no_mac(sized: tuple[Pair, int | None]) -> None:
    """With 500 MACs behind A its leg fails: no flush, no entry a MAC, and all stay reachable."""
    pair, vlan = sized
    a, o1 = pair.hosts["a"], pair.hosts["o1"]
    macs = [f"02:00:00:cc:{n >> 8:02x}:{n & 255:02x}" for n in range(500)]
    with pair.traffic() as run:
        for mac in macs:
            run.flow("many", a.leg("s1"), BROADCAST, mac, rate=2, count=1, vlan=a.tag(vlan))
        run.send()
    for switch in pair.switches.values():
        wait_for(f"{switch.name} to have all MACs at bond1", lambda switch=switch: len(
            [entry for entry in switch.fdb() if entry["mac"].startswith("02:00:00:cc:")
             and entry["ifname"] == "bond1"]) >= 500, 10)
    monitor = pair.s1.namespace.popen(["bridge", "monitor", "fdb"], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
    try:
        pair.fail_leg(a, "s1")
        wait_for("S1 to see its leg down", lambda: not pair.s1.mlagd.lag("bond1")["local_up"], 5)
        with pair.traffic() as run:
            for mac in macs[:100]:
                run.flow(f"to {mac}", o1.leg("s1"), mac, o1.mac, rate=5, count=3,
                         vlan=o1.tag(vlan))
            run.send()
            results = [run.result(flow, "a") for flow in run.flows]
    finally:
        monitor.terminate()
        events, _ = monitor.communicate(timeout=10)
        pair.heal()
    for result in results:
        result.assert_exactly_once()
    touched = re.findall(r"02:00:00:cc:\S+", events)
    assert len(touched) < 50, f"{len(touched)} FDB events of the LAG's MACs for one leg failure"
    pair.wait_whole()
