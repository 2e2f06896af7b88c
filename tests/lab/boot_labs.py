# SPDX-License-Identifier: BSD-2-Clause
"""A member boots, lives and goes down under a real systemd, with networkd and with ifupdown, and FRR.

S1 is a User Mode Linux of its own with systemd as its first process, the installed units, and the files
of systemd/examples as they are; S2, a router with one bond over both and an orphan are beside it in
namespaces (bootworld.py), which no shutdown of S1 stops.  What is said here is read from captures at
the router, at the orphan and on the peer link, from link states and from the peer; the
journal says when systemd did what.
"""

import os
import shutil
import tempfile
import time
from typing import Callable, Iterator

import pytest

from mlab.bootlab import (CARDS, RESTART_HOLD_S, frames, leave_first, loss, prepare)
from mlab.daemon import BUILD, is_built
from mlab.errors import LabError
from mlab.machine import Machine, is_possible
from mlab.wait import wait_for

NEEDS = []  # each machine here is a User Mode Linux
LONG = True
ALONE = True
ALL_LEGS = ["leg-a", "leg-b", "leg-s2"]
pytestmark = [pytest.mark.long,
              pytest.mark.skipif(not is_possible(), reason="needs user-mode-linux, systemd, udev"),
              pytest.mark.skipif(not is_built(), reason="run make")]
MANAGERS = {"networkd": "/lib/systemd/systemd-networkd", "ifupdown": "/sbin/ifup"}


def made(manager: str, change: Callable[[Machine], None] = lambda machine: None) -> Machine:
    """A machine, booted."""
    if not os.access(MANAGERS[manager], os.X_OK):
        pytest.skip(f"{manager} is not installed")
    machine = prepare(tempfile.mkdtemp(prefix=".machine-", dir=BUILD), manager)
    change(machine)
    try:
        machine.boot()
    except BaseException:
        ended(machine)
        raise
    return machine


def ended(machine: Machine) -> None:
    """Off, and nothing left but what a failed test needs (kept by keep_evidence)."""
    machine.close()
    shutil.rmtree(machine.directory, ignore_errors=True)


@pytest.fixture(name="machine", scope="module", params=list(MANAGERS))
def _machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """S1, booted by this manager of networks; the tests go through its life in order."""
    machine = made(request.param)
    yield machine
    ended(machine)


def on_the_wire(machine: Machine) -> list[str]:
    """The legs of the router's bond that it uses."""
    return sorted(machine.world(do="bond"))


def wait_whole(machine: Machine, timeout: float = 90) -> None:
    """Both members peered and healthy, every leg in use at the router, OSPF by both."""
    def probe() -> bool:
        for status in (machine.json("mlagctl -j status"),
                       machine.world(do="s2", argv=["status"])):
            if status["verdict"] != "peered" or status["problems"]:
                raise LabError(f"{status['verdict']}, {status['problems']}")
        if on_the_wire(machine) != ALL_LEGS:
            raise LabError(f"the router uses {on_the_wire(machine)}")
        hops = sorted(machine.world(do="routes", of="r"))
        if hops != ["10.0.10.1", "10.0.10.2"]:
            raise LabError(f"the router's next hops: {hops}")
        return True

    wait_for("a whole pair", probe, timeout, 0.5,
             show=lambda: machine.run("mlagctl status; mlagctl lags; ip -br link; "
                                      "journalctl -b -n 60 --no-pager", check=False))


def flags(machine: Machine, *devices: str) -> list[bool]:
    """Which are administratively up."""
    rows = {row["ifname"]: row for row in machine.json("ip -j link show")}
    return ["UP" in rows[name]["flags"] for name in devices]


def test_nothing_leaves_the_slaves_before_mlagd_releases_them(
        machine: Machine, tell: Callable[[str], None]) -> None:
    """On the wire: the first LACPDU of S1 is later than the release, and then the legs serve."""
    wait_whole(machine)
    released = machine.said("mlagd.service", "held: starting -> none")
    ready = machine.said("mlagd.service", "ready: links and FDB are read")
    first = min(frame.when for name in ("r-leg-a", "r-leg-b") for frame in frames(machine, name)
                if frame.is_lacp and frame.source in CARDS)
    tell(f"mlagd ready {released - ready:+.2f} s before it released the leg; first LACPDU of S1 on the wire "
         f"{first - released:.2f} s after that")
    assert ready < released < first


def test_frr_speaks_only_after_mlagd_is_ready(machine: Machine,
                                              tell: Callable[[str], None]) -> None:
    """On the peer link and at the router: no OSPF of S1's before mlagd has its programs in place."""
    ready = machine.said("mlagd.service", "ready: links and FDB are read")
    first = min(frame.when for name in ("s2-peerlink", "r-bond0")
                for frame in frames(machine, name) if frame.is_ospf_of("10.0.10.1"))
    tell(f"first OSPF packet of S1 {first - ready:.2f} s after mlagd was ready")
    assert ready < first


def test_a_stopped_mlagd_is_killed_by_the_watchdog_and_nothing_is_lost(
        machine: Machine, tell: Callable[[str], None]) -> None:
    """SIGSTOP: systemd kills it after WatchdogSec and starts another one, which goes on; no leg flinches."""
    wait_whole(machine)
    machine.world(do="send")
    wait_for("traffic", lambda: loss(machine, 0, time.time() - 1).sent > 400, 30)
    before = machine.run("systemctl show -P MainPID mlagd").strip()
    since = time.time()
    machine.run(f"kill -STOP {before}")

    def probe() -> bool:
        now = machine.run("systemctl show -P MainPID mlagd").strip()
        return now not in ("0", before) and machine.run("systemctl is-active mlagd",
                                                        check=False).strip() == "active"

    wait_for("another mlagd", probe, 60, 0.5)
    wait_whole(machine)
    said = machine.said("mlagd.service", "Watchdog timeout")
    result = loss(machine, since, time.time() - 1)
    tell(f"killed {said - since:.1f} s after SIGSTOP; from the router to the orphan: {result}, the first "
         f"{result.first - since if result.lost else 0:.1f} s after SIGSTOP")
    machine.run("systemctl reset-failed mlagd")
    assert result.sent > 100 and result.doubled == 0 and result.lost == 0


def test_given_up_by_systemd_the_guard_fences_and_a_new_start_heals(
        machine: Machine, tell: Callable[[str], None]) -> None:
    """Killed until systemd gives up: its guard takes the slaves down, the peer says so, the router moves."""
    wait_whole(machine)
    for _ in range(40):
        if machine.run("systemctl is-failed mlagd", check=False).strip() == "failed":
            break
        machine.run("systemctl kill -s KILL mlagd; sleep 0.4", check=False)
    dead = time.time()
    assert machine.run("systemctl is-failed mlagd", check=False).strip() == "failed"
    assert machine.run("systemctl is-active mlag-guard").strip() == "active"
    wait_for("the slaves down", lambda: not any(flags(machine, "swp1", "swp2")),
             3 * RESTART_HOLD_S, 0.5)
    tell(f"fenced {time.time() - dead:.1f} s after systemd gave up, restart-hold is "
         f"{RESTART_HOLD_S} s")
    wait_for("the router to use the other leg alone",
             lambda: on_the_wire(machine) == ["leg-s2"], 20, 0.5)
    codes = {row["code"] for row in machine.world(do="s2", argv=["status"])["problems"]}
    assert "peer-fenced" in codes
    machine.run("systemctl reset-failed mlagd; systemctl start mlagd")
    wait_whole(machine)


def test_two_instances_run_beside_it(machine: Machine) -> None:
    """mlagd@red and mlagd@blue, a pair of their own on this very machine: own sockets, guards, data planes."""
    for number, name in ((1, "red"), (2, "blue")):
        machine.run(f"ip link add br-{name} type bridge vlan_filtering 1 mcast_snooping 0; "
                    f"ip address add 198.51.100.{number}/32 dev lo")
        text = (f"[domain]\\nsystem-mac = 44:38:39:ff:00:0{1 + number}\\nid = {1 + number}\\nbridge = br-{name}\\n"
                f"[peer]\\nlink = pl-{name}\\nlocal = 198.51.100.{number}\\n"
                f"remote = 203.0.113.{number}\\nsecurity = none\\nstartup-wait = 1s\\n"
                f"[lag leg-{name}]\\nid = 1\\n")
        machine.run(f"ip link add pl-{name} type veth peer name far-{name}; "
                    f"ip link add leg-{name} type veth peer name host-{name}; "
                    f"for i in pl-{name} leg-{name}; do ip link set $i master br-{name} up; done; "
                    f"ip link set far-{name} up; ip link set host-{name} up; "
                    f"ip link set br-{name} up; printf '{text}' >/etc/mlag/{name}.conf")
    machine.run("systemctl start mlagd@red mlagd@blue", timeout=120)
    for name in ("red", "blue"):
        for unit in ("mlagd", "mlag-guard", "mlag-leave"):
            assert machine.run(f"systemctl is-active {unit}@{name}").strip() == "active"
        rows = machine.json(f"mlagctl -j -S /run/mlagd-{name}/control.sock lags")
        assert [row["ifname"] for row in rows] == [f"leg-{name}"]
    machine.run("systemctl kill -s KILL mlagd@red")
    wait_for("mlagd@red again", lambda: machine.run("systemctl is-active mlagd@red",
                                                    check=False).strip() == "active", 30, 0.5)
    machine.run("systemctl stop mlag-leave@red mlag-leave@blue mlagd@red mlagd@blue "
                "mlag-guard@red mlag-guard@blue", timeout=120)
    wait_whole(machine)


def off(machine: Machine) -> tuple[float, float]:
    """Power off under traffic; from when to when."""
    since = time.time()
    machine.poweroff()
    return since, max(frame.when for frame in frames(machine, "r-bond0"))


def test_at_poweroff_routing_goes_then_the_pair_is_left_then_the_links(
        machine: Machine, tell: Callable[[str], None]) -> None:
    """By the wire: S1's last OSPF before its last LACPDU, and the router's packets go on by S2."""
    wait_whole(machine)
    since, until = off(machine)
    last_ospf = max(frame.when for name in ("s2-peerlink", "r-bond0")
                    for frame in frames(machine, name) if frame.is_ospf_of("10.0.10.1"))
    last_lacp = max(frame.when for name in ("r-leg-a", "r-leg-b")
                    for frame in frames(machine, name) if frame.is_lacp and frame.source in CARDS)
    left = machine.said("mlag-leave.service", "Deactivated successfully")
    stopped = machine.said("mlagd.service", "Deactivated successfully")
    routing = machine.said("frr.service", "Deactivated successfully")
    result = loss(machine, since, until - 1)
    tell(f"after poweroff: last OSPF {last_ospf - since:.2f} s, FRR stopped {routing - since:.2f} s, last LACPDU "
         f"{last_lacp - since:.2f} s, left {left - since:.2f} s, mlagd ended {stopped - since:.2f} s, "
         f"off {until - since:.2f} s; {result}")
    assert last_ospf < last_lacp < left <= stopped
    assert routing < left
    assert result.sent > 100 and result.doubled == 0
    assert result.lost == 0


def test_without_mlagd_the_slaves_stay_down(tell: Callable[[str], None]) -> None:
    """What the examples are for: the same boot with mlagd's configuration broken; nothing ever leaves the legs."""
    for manager in MANAGERS:
        def broken(machine: Machine) -> None:
            machine.file("/etc/mlag/mlagd.conf", "[domain]\n")

        machine = made(manager, broken)
        try:
            assert machine.run("systemctl is-failed mlagd", check=False).strip() == "failed"
            assert machine.run("systemctl is-active frr").strip() == "active"
            assert flags(machine, "bond1", "swp1", "swp2") == [True, False, False]
            sent = [frame for name in ("r-leg-a", "r-leg-b") for frame in frames(machine, name)
                    if frame.is_lacp and frame.source in CARDS]
            tell(f"{manager}: {len(sent)} LACPDUs of S1 without mlagd")
            assert not sent and on_the_wire(machine) == ["leg-s2"]
        finally:
            ended(machine)


def test_leaving_before_routing_has_stopped_would_lose_more(tell: Callable[[str], None]) -> None:
    """The other order, for comparison: what the router still sends to S1 has nobody to hand it on."""
    machine = made("ifupdown", leave_first)
    try:
        wait_whole(machine)
        machine.world(do="send")
        wait_for("traffic", lambda: loss(machine, 0, time.time() - 1).sent > 400, 30)
        since, until = off(machine)
        assert (machine.said("mlag-leave.service", "Deactivated successfully")
                < machine.said("frr.service", "Deactivated successfully"))
        tell(f"left before FRR stopped: {loss(machine, since, until - 1)}")
    finally:
        ended(machine)
