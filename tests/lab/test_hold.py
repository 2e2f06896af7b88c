# SPDX-License-Identifier: BSD-2-Clause
"""Holding legs (DESIGN §2): which member serves when the two cannot work together, and what it costs.

The pair has a backup path.  S1 is the primary.  A and B are dual hosts with LACP, C is one without
(two ports, both used); O1 and O2 are orphans.  Every row prints what was lost; nothing is ever doubled.
"""

import glob
import os
import shutil
import signal
import time
from typing import Callable, Iterator

import pytest

from mlab import BROADCAST, Pair
from mlab.holds import Row, admin_state, changes, flows_of, is_up, wait_held
from mlab.liveness import Mark, daemon_pid, mend, wait_found
from mlab.topology import Switch
from mlab.wait import wait_for

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
PAIR = {"has_backup": True}
VLAN = 10
VLAN_D = 20
RATE = 200
MARGIN = 5  # one slow processor, shared


def LAYOUT(pair: Pair) -> None:
    """Two LACP hosts, one static, an orphan on each side; D is alone in its VLAN."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("b", lag_id=2, access=VLAN)
    pair.host("c", lag_id=3, access=VLAN, is_lacp=False)
    pair.host("d", lag_id=4, access=VLAN_D)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


@pytest.fixture(autouse=True)
def whole_again(pair: Pair) -> Iterator[None]:
    """Each test begins whole, with S1 as the primary, and leaves everything as it was found."""
    pair.wait_whole(60)
    if pair.s1.mlagd.query("status")["role"] != "primary":
        assert pair.s1.mlagd.ctl("role", "primary").returncode == 0
    wait_for("S2 secondary", lambda: pair.s2.mlagd.query("status")["role"] == "secondary", 5)
    before = admin_state(pair)
    yield
    mend(pair)
    for switch in pair.switches.values():
        switch.mlagd.ctl("undrain")
    pair.wait_whole(60)
    assert admin_state(pair) == before


def cut(pair: Pair) -> None:
    """The peer link loses its carrier on both sides."""
    pair.s2.namespace.set_up("peerlink", False)


def die(switch: Switch, *devices: str) -> None:
    """The box is gone: its daemon, and the carrier of everything plugged into it."""
    os.kill(daemon_pid(switch), signal.SIGKILL)
    for device in ("peerlink", "backup", *devices):
        switch.namespace.set_up(device, False)


BOX = ("a-leg", "b-leg", "d-leg", "lag3", "o1")


# -- split ---------------------------------------------------------------------------------------


def test_split_holds_the_secondarys_legs_where_the_primarys_serve(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """Peer link cut, backup alive: dual hosts go by S1, all that O2 has is lost, nothing is doubled."""
    a, b, o1 = (pair.hosts[name] for name in ("a", "b", "o1"))
    before = admin_state(pair)
    pair.wait_known(vlan=VLAN)
    with pair.traffic() as run:
        row = Row(tell, "peer link cut, backup alive")
        row.add("A to B, both legs", "b", *flows_of(run, a, b.mac, 1200, RATE, "A to B"))
        row.add("A to the primary's orphan", "o1",
                *flows_of(run, a, o1.mac, 1200, RATE, "A to O1"))
        row.add("the primary's orphan to A", "a",
                pair.flow(run, o1, a.mac, vlan=VLAN, rate=RATE, count=1200))
        row.add("broadcasts of the primary's orphan at A", "a",
                pair.flow(run, o1, BROADCAST, vlan=VLAN, rate=RATE, count=1200))
        run.start()
        run.wait_sent(run.flows[0], 400)
        cut(pair)
        wait_held(pair.s2, "bond1", "split")
        wait_held(pair.s2, "bond2", "split")
        wait_held(pair.s2, "lag3", "split")
        run.finish()
    rows = row.report(run)
    for name, result in rows.items():
        assert result["ends_well"] and result["gap_ms"] < 1000 * MARGIN, f"{name}: {result}"
    assert rows["the primary's orphan to A"]["lost"] == 0
    for device in ("a-leg", "b-leg", "lag3"):
        assert not is_up(pair.s2, device) and is_up(pair.s1, device)
    for lag in ("bond1", "bond2", "lag3"):
        assert pair.s1.mlagd.lag(lag)["held_reason"] is None
    assert pair.lacp(a)["ports"] == 1
    status = pair.s2.mlagd.query("status")
    assert "leg-held" in {problem["code"] for problem in status["problems"]}
    with pair.traffic() as run:
        row = Row(tell, "peer link back: the legs return after it was stable")
        row.add("A to B, both legs", "b", *flows_of(run, a, b.mac, 2000, RATE, "A to B"))
        row.add("A to the primary's orphan", "o1",
                *flows_of(run, a, o1.mac, 2000, RATE, "A to O1"))
        row.add("the primary's orphan to A", "a",
                pair.flow(run, o1, a.mac, vlan=VLAN, rate=RATE, count=2000))
        run.start()
        run.wait_sent(run.flows[0], 200)
        pair.s2.namespace.set_up("peerlink", True)
        wait_held(pair.s2, "bond1", None)
        pair.wait_whole()
        run.finish()
    for name, result in row.report(run).items():
        assert result["lost"] == 0, f"{name}: {result}"
    assert admin_state(pair) == before


def test_split_leaves_the_leg_in_service_whose_lag_the_primary_does_not_serve(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """The primary's leg of one LAG is down already when the peer link falls."""
    a, o2 = pair.hosts["a"], pair.hosts["o2"]
    pair.fail_leg(a, "s1")
    wait_for("bond1 peer-only", lambda: pair.s1.mlagd.lag("bond1")["state"] == "peer-only", 10)
    pair.wait_known(vlan=VLAN)
    with pair.traffic() as run:
        row = Row(tell, "the primary's leg of A down already, then the peer link cut")
        row.add("A to the secondary's orphan", "o2",
                *flows_of(run, a, o2.mac, 1000, RATE, "A to O2"))
        row.add("the secondary's orphan to A", "a",
                pair.flow(run, o2, a.mac, vlan=VLAN, rate=RATE, count=1000))
        run.start()
        run.wait_sent(run.flows[0], 300)
        cut(pair)
        wait_held(pair.s2, "bond2", "split")
        run.finish()
    for name, result in row.report(run).items():
        assert result["lost"] == 0, f"{name}: {result}"
    assert pair.s2.mlagd.lag("bond1")["held_reason"] is None
    assert is_up(pair.s2, "a-leg") and not is_up(pair.s2, "b-leg")
    # And the primary's leg of another LAG fails later: the secondary's returns.
    pair.fail_leg(pair.hosts["b"], "s1")
    wait_held(pair.s2, "bond2", None)
    wait_for("B by S2", lambda: pair.s2.mlagd.lag("bond2")["local_up"], 15)


def addresses(switch: Switch, device: str) -> list[tuple[str, int]]:
    """The addresses of a device but the link-local ones."""
    return sorted((row["local"], row["prefixlen"])
                  for row in switch.namespace.json("ip", "-j", "address", "show", device)[0]["addr_info"]
                  if row["scope"] == "global")


@pytest.fixture(name="svis")
def svis_fixture(pair: Pair) -> Iterator[tuple[str, str]]:
    """Interfaces of both VLANs on both members; the one that nobody but D reaches comes first."""
    wait_for("a plain pair", lambda: not holds_anything(pair), 10)
    for number, switch in enumerate(pair.switches.values(), 1):
        switch.namespace.sysctl(ipv6__conf__all__disable_ipv6=0)
        for vlan in (VLAN, VLAN_D):
            switch.namespace.bridge(f"vlan add dev br0 vid {vlan} self")
            switch.namespace.ip(f"link add link br0 name br0.{vlan} type vlan id {vlan}",
                                f"link set br0.{vlan} up",
                                f"address add 10.0.{vlan}.{number}/24 dev br0.{vlan}")
            switch.namespace.sysctl(**{f"ipv6__conf__br0.{vlan}__disable_ipv6": 0})
            switch.namespace.ip(f"address add fd00:{vlan}::{number}/64 dev br0.{vlan} nodad")
    try:
        pair.wait_whole()
        time.sleep(1)
        yield f"br0.{VLAN_D}", f"br0.{VLAN}"
    finally:
        for switch in pair.switches.values():
            for vlan in (VLAN, VLAN_D):
                switch.namespace.ip(f"link del br0.{vlan}")
                switch.namespace.bridge(f"vlan del dev br0 vid {vlan} self")
            switch.namespace.sysctl(ipv6__conf__all__disable_ipv6=1)


@pytest.mark.long
def test_split_takes_interfaces_down_whose_vlans_are_reached_by_held_legs_alone(
        pair: Pair, svis: tuple[str, str]) -> None:
    """D is alone in its VLAN: nobody is to be sent there by S2; the VLAN with S2's orphan stays up."""
    svi, other = svis
    before = {name: addresses(pair.s2, name) for name in svis}
    assert all(len(rows) == 2 for rows in before.values()), before
    cut(pair)
    wait_for(f"{svi} down", lambda: not is_up(pair.s2, svi), 10)
    assert is_up(pair.s2, other) and is_up(pair.s1, svi) and is_up(pair.s1, other)
    pair.s2.mlagd.stop(signal.SIGKILL)
    pair.s2.mlagd.start()
    wait_held(pair.s2, "bond4", "split")
    wait_for(f"{svi} down", lambda: not is_up(pair.s2, svi), 10)
    assert is_up(pair.s2, other)
    pair.s2.namespace.set_up("peerlink", True)
    wait_for(f"{svi} up", lambda: is_up(pair.s2, svi), 10)
    wait_for("its addresses", lambda: addresses(pair.s2, svi) == before[svi], 5,
             show=lambda: addresses(pair.s2, svi))
    pair.wait_whole(60)


LEGS = ("a-leg", "b-leg", "d-leg", "lag3")


def leave(pair: Pair, before: dict) -> None:
    """S2 leaves: its legs are down and stay so, all the rest is as it was, and nothing is owed."""
    done = pair.s2.mlagd.ctl("leave")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{pair.s2.mlagd.log_tail()}"
    assert pair.s2.mlagd.process is not None and pair.s2.mlagd.process.wait(5) == 0
    after = admin_state(pair)
    peer_link = {"s1/peerlink", "s2/peerlink"}
    for name in before:
        device = name.split("/")[1]
        if name in {f"s2/{leg}" for leg in LEGS}:
            assert not after[name][0], name
        elif name not in peer_link:
            assert after[name][0] == before[name][0], name
        if name.startswith("s2/bond"):
            assert after[name][1] == before[name][1], f"{device}: its priority: {after[name]}"
    with open(os.path.join(pair.s2.mlagd.run_dir, "held"), encoding="ascii") as file:
        assert len(file.read().splitlines()) == 1, "something is still owed"
    for leg in LEGS:
        pair.s2.namespace.set_up(leg, True)


@pytest.mark.long
def test_leave_in_a_split_leaves_held_legs_down_and_gives_interfaces_back(
        pair: Pair, svis: tuple[str, str]) -> None:
    """Nobody is peered; what was held is not set up by what the goodbye changes."""
    before = admin_state(pair)
    cut(pair)
    wait_held(pair.s2, "bond1", "split")
    wait_for("its interface down", lambda: not is_up(pair.s2, svis[0]), 10)
    leave(pair, before)
    wait_found(pair.s1, "alone", "peer-left", peer="left")


@pytest.mark.long
def test_leave_while_drained_leaves_the_leg_down(pair: Pair) -> None:
    """The next daemon does not know of the drain any more, and finds the leg as somebody set it."""
    before = admin_state(pair)
    assert pair.s2.mlagd.ctl("drain", "bond1").returncode == 0
    wait_held(pair.s2, "bond1", "drained")
    leave(pair, before)
    wait_found(pair.s1, "alone", "peer-left", peer="left")
    pair.s2.mlagd.process = None
    pair.s2.mlagd.start()
    pair.wait_whole(60)


@pytest.mark.long
def test_leave_while_a_partner_is_being_told_puts_the_priority_back(pair: Pair) -> None:
    """Drain, and leave at once: the one has not done what the other has to undo."""
    before = admin_state(pair)
    assert pair.s2.mlagd.ctl("drain", "all").returncode == 0
    leave(pair, before)


@pytest.mark.long
def test_a_held_leg_keeps_its_reason_and_its_wait_over_a_restart(pair: Pair) -> None:
    """kill -9 in a split: it is held for the split, not anew; and the next wait is not the first."""
    before = admin_state(pair)
    log2 = Mark(pair.s2)
    for _ in range(2):
        cut(pair)
        wait_held(pair.s2, "bond1", "split")
        pair.s2.namespace.set_up("peerlink", True)
        wait_for("peered", lambda: pair.s2.mlagd.query("status")["verdict"] == "peered", 10)
    cut(pair)
    wait_held(pair.s2, "bond1", "split")
    for moment in ("split", "rejoin"):
        pair.s2.mlagd.stop(signal.SIGKILL)
        offset = len(log2.text())
        pair.s2.mlagd.start()
        if moment == "split":
            wait_held(pair.s2, "bond1", "split")
            pair.s2.namespace.set_up("peerlink", True)
            wait_held(pair.s2, "bond1", "rejoin")
            assert "starting" not in log2.text()[offset:], log2.text()[offset:]
    log2.wait(r"^synced: pending -> synced")
    synced = time.monotonic()
    log2.wait(r"^leg bond1 .*held: (rejoin|resync) -> none", 20)
    assert "held: starting" not in log2.text(), log2.text()
    assert time.monotonic() - synced > 2, "the third time the wait is 4 s"
    pair.wait_whole(60)
    assert admin_state(pair) == before


def holds_anything(pair: Pair) -> bool:
    """Some leg is held."""
    return any(row["held_reason"] for switch in pair.switches.values()
               for row in switch.mlagd.query("lags"))


def test_peer_link_cut_and_then_the_primary_dies_is_not_dark(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """The secondary gives its legs free by itself; LACP has to form again."""
    a, b, c, o2 = (pair.hosts[name] for name in ("a", "b", "c", "o2"))
    cut(pair)
    wait_held(pair.s2, "bond1", "split")
    log2 = Mark(pair.s2)
    with pair.traffic() as run:
        row = Row(tell, "peer link cut, then the primary dies")
        row.add("A to B", "b", *flows_of(run, a, b.mac, 2400, RATE, "A to B"))
        row.add("the secondary's orphan to A", "a",
                pair.flow(run, o2, a.mac, vlan=VLAN, rate=RATE, count=2400))
        row.add("the secondary's orphan to C, static", "c",
                pair.flow(run, o2, c.mac, vlan=VLAN, rate=RATE, count=2400))
        run.start()
        run.wait_sent(run.flows[0], 200)
        since = time.monotonic()
        die(pair.s1, *BOX)
        freed = log2.wait(r"^leg bond1 .*held: .* -> none") - since
        opened = log2.wait(r"^leg bond1 .*-> open") - since
        run.finish()
    tell(f"the primary dies in a split: legs given free after {freed * 1e3:.0f} ms, "
         f"LACP formed and the leg open after {opened * 1e3:.0f} ms")
    for name, result in row.report(run).items():
        assert result["ends_well"], f"{name}: {result}"
    assert freed < 1 * MARGIN


@pytest.mark.long
def test_flapping_peer_link_moves_the_legs_once_and_the_wait_grows(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """Rejoin with back-off: legs that gave way stay away until the peer link has proved stable."""
    a, b = pair.hosts["a"], pair.hosts["b"]
    log2 = Mark(pair.s2)
    pair.wait_known(vlan=VLAN)
    with pair.traffic() as run:
        row = Row(tell, "peer link flaps 6 times")
        row.add("A to B, both legs", "b", *flows_of(run, a, b.mac, 2400, RATE, "A to B"))
        run.start()
        run.wait_sent(run.flows[0], 200)
        for _ in range(6):
            cut(pair)
            wait_found(pair.s2, "split")
            pair.s2.namespace.set_up("peerlink", True)
            wait_for("peered", lambda: pair.s2.mlagd.query("status")["verdict"] == "peered", 10)
            time.sleep(0.3)
        back = time.monotonic()
        run.finish()
    result = row.report(run)["A to B, both legs"]
    assert result["ends_well"] and result["gap_ms"] < 1000 * MARGIN
    text = log2.text()
    assert text.count("leg bond1 (LAG 1): held: none -> split") == 1, text
    pair.wait_whole(60)
    tell(f"6 flaps: the legs returned {time.monotonic() - back:.1f} s after the last, once")


# -- somebody asks for it --------------------------------------------------------------------------


def test_drain_and_undrain_lose_nothing(pair: Pair, tell: Callable[[str], None]) -> None:
    """Known unicast 0; of floods at most what a control round trip holds, and none doubled."""
    a, b, o1, o2 = (pair.hosts[name] for name in ("a", "b", "o1", "o2"))
    before = admin_state(pair)
    pair.wait_known(vlan=VLAN)
    for what, argv in (("drain", ("drain", "bond1")), ("undrain", ("undrain", "bond1"))):
        with pair.traffic() as run:
            row = Row(tell, what)
            for src in (o1, o2):
                row.add(f"{src.name} to A", "a",
                        pair.flow(run, src, a.mac, vlan=VLAN, rate=RATE, count=1400))
            for dst in (o1, o2, b):
                row.add(f"A to {dst.name}", dst.name,
                        *flows_of(run, a, dst.mac, 700, RATE / 2, f"A to {dst.name}"))
            floods = [("floods of o1 at A", o1), ("floods of o2 at A", o2)]
            for name, src in floods:
                row.add(name, "a", pair.flow(run, src, BROADCAST, vlan=VLAN, rate=RATE,
                                             count=1400))
            run.start()
            run.wait_sent(run.flows[0], 300)
            done = pair.s1.mlagd.ctl(*argv)
            assert done.returncode == 0, done.stderr
            wait_held(pair.s1, "bond1", "drained" if what == "drain" else None)
            if what == "drain":
                assert not is_up(pair.s1, "a-leg") and is_up(pair.s1, "b-leg")
            else:
                pair.wait_whole()
            run.finish()
        for name, result in row.report(run).items():
            limit = 0.1 * RATE if name.startswith("floods") else 0
            assert result["lost"] <= limit, f"{what}: {name}: {result}"
    assert admin_state(pair) == before


@pytest.mark.long
def test_drain_outlives_the_daemon_and_is_refused_where_it_cuts_off(pair: Pair) -> None:
    """kill -9 while drained: the next daemon holds the same, and gives back nothing else."""
    a = pair.hosts["a"]
    daemon = pair.s1.mlagd
    assert daemon.ctl("drain", "1").returncode == 0
    wait_held(pair.s1, "bond1", "drained")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    wait_held(pair.s1, "bond1", "drained")
    assert not is_up(pair.s1, "a-leg") and is_up(pair.s1, "b-leg") and is_up(pair.s1, "lag3")
    refused = pair.s2.mlagd.ctl("drain", "all")
    assert refused.returncode == 4 and "bond1" in refused.stderr and "cut off" in refused.stderr
    assert pair.s2.mlagd.lag("bond2")["held_reason"] is None
    forced = pair.s2.mlagd.ctl("drain", "bond1", "--force")
    assert forced.returncode == 0, forced.stderr
    wait_held(pair.s2, "bond1", "drained")
    assert pair.lacp(a)["in_use"] == 0


# -- at start --------------------------------------------------------------------------------------


def boot(switch: Switch) -> None:
    """As after a boot: no daemon was here, the links are as the machine's configuration has them."""
    switch.mlagd.stop()
    switch.detach_links()
    for link in switch.namespace.json("ip", "-j", "link", "show"):
        switch.namespace.run("tc", "qdisc", "del", "dev", link["ifname"], "clsact", check=False)
    inode = os.stat(switch.namespace.path).st_ino
    for pins in glob.glob(f"/sys/fs/bpf/mlag/{inode}-*"):
        shutil.rmtree(pins)
    for name in ("legs", "held"):
        path = os.path.join(switch.mlagd.run_dir, name)
        if os.path.exists(path):
            os.remove(path)


def test_legs_come_up_after_sync_and_not_by_a_timer(pair: Pair,
                                                    tell: Callable[[str], None]) -> None:
    """A member that boots beside a peer that serves: held, in sync, then in service."""
    a, b, o1 = (pair.hosts[name] for name in ("a", "b", "o1"))
    pair.wait_known(vlan=VLAN)
    log2 = Mark(pair.s2)
    boot(pair.s2)
    with pair.traffic() as run:
        row = Row(tell, "S2 boots beside a peer that serves (its legs had been up)")
        row.add("A to B, both legs", "b", *flows_of(run, a, b.mac, 1600, RATE, "A to B"))
        row.add("o1 to A", "a", pair.flow(run, o1, a.mac, vlan=VLAN, rate=RATE, count=1600))
        run.start()
        run.wait_sent(run.flows[0], 100)
        pair.s2.mlagd.start()
        held = log2.wait(r"^leg bond1 .*held: none -> starting")
        freed = log2.wait(r"^leg bond1 .*held: starting -> none")
        pair.wait_whole()
        run.finish()
    text = log2.text()
    assert text.index("sync: pending -> synced" if "sync: pending" in text else "-> synced") < \
        text.index("held: starting -> none"), text
    tell(f"held for {(freed - held) * 1e3:.0f} ms, until in sync")
    for name, result in row.report(run).items():
        assert result["ends_well"], f"{name}: {result}"


@pytest.mark.long
def test_who_boots_alone_serves_after_startup_wait(pair: Pair) -> None:
    """Nobody is to be heard: startup-wait, then the legs."""
    for switch in pair.switches.values():
        boot(switch)
    log1 = Mark(pair.s1)
    since = time.monotonic()
    pair.s1.mlagd.start()
    log1.wait(r"^leg bond1 .*held: none -> starting")
    freed = log1.wait(r"^leg bond1 .*held: starting -> none", 20) - since
    assert freed >= 3, f"startup-wait is 3 s, and the legs were free after {freed:.1f} s"
    wait_for("bond1 in service", lambda: pair.s1.mlagd.lag("bond1")["local_up"], 15)


@pytest.mark.long
def test_both_boot_with_the_peer_link_cut_and_one_serves(pair: Pair) -> None:
    """The primary at once, for there will be no sync; the secondary where the primary does not."""
    for switch in pair.switches.values():
        boot(switch)
    cut(pair)
    for switch in pair.switches.values():
        switch.mlagd.start()
    wait_for("the primary serves", lambda: pair.s1.mlagd.lag("bond1")["local_up"], 20)
    time.sleep(4)  # startup-wait
    assert pair.s1.mlagd.lag("bond1")["local_up"]
    assert pair.s2.mlagd.lag("bond1")["state"] == "held"
    assert pair.s2.mlagd.lag("bond1")["held_reason"] in ("starting", "split")


def test_restart_holds_nothing_that_was_in_service(pair: Pair) -> None:
    """kill -9 and start: no leg is taken down, not for a moment."""
    log2 = Mark(pair.s2)
    pair.s2.mlagd.stop(signal.SIGKILL)
    pair.s2.mlagd.start()
    pair.wait_whole()
    assert "held:" not in log2.text() and "out of service" not in log2.text(), log2.text()


# -- as it was found -------------------------------------------------------------------------------


def test_held_legs_are_given_back_exactly_after_kill_9(pair: Pair) -> None:
    """A slave that somebody had down stays down; one that comes to a held bond is held too."""
    s2 = pair.s2.namespace
    s2.ip("link add x1 type veth peer name x1p", "link add x2 type veth peer name x2p",
          "link set x1p up", "link set x2p up", "link set x1 master bond1", "link set x1 down")
    try:
        before = admin_state(pair)
        cut(pair)
        wait_held(pair.s2, "bond1", "split")
        s2.ip("link set x2 master bond1")
        wait_for("the new slave held too", lambda: not is_up(pair.s2, "x2"), 5)
        pair.s2.mlagd.stop(signal.SIGKILL)
        # What somebody else set down meanwhile is his.
        s2.set_up("o2", False)
        with changes(pair.s2) as seen:
            pair.s2.mlagd.start()
            wait_for("bond1 held", lambda: pair.s2.mlagd.lag("bond1")["state"] == "held", 15)
            assert not is_up(pair.s2, "a-leg") and not is_up(pair.s2, "x2")
        assert not any("a-leg" in line or "x2" in line for line in seen), seen
        s2.set_up("peerlink", True)
        wait_held(pair.s2, "bond1", None, 30)
        wait_for("a-leg up", lambda: is_up(pair.s2, "a-leg") and is_up(pair.s2, "x2"), 5)
        after = admin_state(pair)
        assert not after["s2/x1"][0] and not after["s2/o2"][0]
        changed = {name for name in before if after[name] != before[name]}
        assert changed == {"s2/x2", "s2/o2"}, changed
    finally:
        s2.set_up("o2", True)
        s2.ip("link del x1", "link del x2")
