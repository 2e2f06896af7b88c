# SPDX-License-Identifier: BSD-2-Clause
"""A member boots, lives and goes down under a real systemd, with networkd and with ifupdown, and FRR.

S1 is a User Mode Linux of its own with systemd as its first process, the installed units, and the files
of systemd/examples as they are; S2, a router with one bond over both and an orphan are beside it in
namespaces (bootworld.py), which no shutdown of S1 stops.  What is said here is read from captures at
the router, at the orphan, on the peer link and on the backup path, from link states and from the peer; the
journal says when systemd did what.  And a machine that is a member of two pairs (mlab/domains.py).
"""

import os
import shutil
import tempfile
import time
from typing import Callable, Iterator

import pytest

from mlab.bootlab import (CARDS, PEER_LINK_MAC, RESTART_HOLD_S, SPLIT, Loss, frames, goodbye, leave_first,
                          links_down, loss, prepare, prepare_domains, verdicts_said)
from mlab.daemon import BUILD, is_built
from mlab.domains import NAMES
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
UNITS = {"networkd": "systemd-networkd.service", "ifupdown": "networking.service"}


def boot(machine: Machine) -> Machine:
    """It, booted."""
    try:
        machine.boot()
    except BaseException:
        ended(machine)
        raise
    return machine


def made(manager: str, change: Callable[[Machine], None] = lambda machine: None) -> Machine:
    """A machine, booted."""
    if not os.access(MANAGERS[manager], os.X_OK):
        pytest.skip(f"{manager} is not installed")
    machine = prepare(tempfile.mkdtemp(prefix=".machine-", dir=BUILD), manager)
    change(machine)
    return boot(machine)


def ended(machine: Machine) -> None:
    """Off, and nothing left but what a failed test needs (kept by keep_evidence)."""
    machine.close()
    shutil.rmtree(machine.directory, ignore_errors=True)


@pytest.fixture(name="machine", scope="module", params=list(MANAGERS))
def _machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """S1, booted by this manager of networks; the tests go through its life in order."""
    machine = made(request.param)
    machine.manager = UNITS[request.param]
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


def send(machine: Machine) -> None:
    """Traffic of the router, and of the orphan to it, is on its way."""
    machine.world(do="send")
    for back in (False, True):
        wait_for("traffic", lambda b=back: loss(machine, 0, time.time() - 1, b).sent > 400, 60)


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


def test_safe15_no_hello_of_a_boot_says_split(machine: Machine, tell: Callable[[str], None]) -> None:
    """On both wires: the backup path is up before the peer link, and that is no cut."""
    wait_whole(machine)
    said = {name: verdicts_said(machine, name, PEER_LINK_MAC) for name in ("s2-bk0", "s2-peerlink")}
    first = {name: min(when for when, _ in rows) for name, rows in said.items()}
    tell(f"the first hello by the backup path {1000 * (first['s2-peerlink'] - first['s2-bk0']):+.0f} ms "
         "before the first one on the peer link; "
         f"{sum(map(len, said.values()))} hellos, verdicts {sorted({v for r in said.values() for _, v in r})}")
    for rows in said.values():
        assert SPLIT not in {verdict for _, verdict in rows}


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
    send(machine)
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


def off(machine: Machine) -> tuple[float, float]:
    """Power off under traffic; from when to when."""
    since = time.time()
    machine.poweroff()
    return since, max(frame.when for frame in frames(machine, "r-bond0"))


def shutdown_losses(machine: Machine, since: float, until: float) -> list[Loss]:
    """Of the dual host, to the orphan and from it."""
    return [loss(machine, since, until - 1, back) for back in (False, True)]


def systemd_said(machine: Machine, unit: str) -> tuple[float, float]:
    """When it began to stop a unit, and when that had stopped."""
    return (machine.said(unit, "Stopping ", last=True),
            machine.said(unit, "Deactivated successfully", last=True))


def test_at_poweroff_routing_goes_then_the_pair_is_left_then_mlagd_then_the_networks(
        machine: Machine, tell: Callable[[str], None]) -> None:
    """By the journal and by the wire: each begins when the one before it has stopped; nothing is lost.

    mlagd ends by itself when it has left, so nothing has to stop it.
    """
    wait_whole(machine)
    send(machine)
    since, until = off(machine)
    order = ["frr.service", "mlag-leave.service", machine.manager]
    moments = [systemd_said(machine, unit) for unit in order]
    (_, routing_end), (leave_begin, leave_end), (networks_begin, _) = moments
    done = machine.said("mlagd.service", "leave: done")
    ended_at = machine.said("mlagd.service", "Deactivated successfully", last=True)
    last_ospf = max(frame.when for name in ("s2-peerlink", "r-bond0")
                    for frame in frames(machine, name) if frame.is_ospf_of("10.0.10.1"))
    bye = goodbye(machine, "s2-peerlink", PEER_LINK_MAC)
    last_lacp = max(frame.when for name in ("r-leg-a", "r-leg-b") for frame in frames(machine, name)
                    if frame.is_lacp and frame.source in CARDS)
    legs = [links_down(machine, card)[-1] for card in ("swp1", "swp2")]
    links = [when for when in links_down(machine, "peerlink") if when > since]
    losses = shutdown_losses(machine, since, until)
    tell("after poweroff: " + ", ".join(
        f"{unit} stops {begin - since:.2f} to {end - since:.2f} s"
        for unit, (begin, end) in zip(order, moments)) +
        f"; mlagd has left {done - since:.2f} s, ended {ended_at - since:.2f} s")
    tell(f"on the wire: last OSPF {last_ospf - since:.2f} s, last LACPDU {last_lacp - since:.2f} s, legs down "
         f"{max(legs) - since:.2f} s, goodbye {bye - since:.2f} s, peer link down "
         f"{f'{links[0] - since:.2f} s' if links else 'with the machine'}, off {until - since:.2f} s")
    tell(f"dual host to the orphan {losses[0]}; back {losses[1]}")
    assert last_ospf <= routing_end <= leave_begin
    assert leave_begin <= done <= leave_end <= networks_begin
    assert leave_begin <= min(legs) <= max(legs) <= leave_end
    assert leave_begin <= bye <= leave_end and last_lacp <= bye
    assert all(leave_end <= when for when in links)
    assert bool(links) == (machine.manager == UNITS["ifupdown"])
    for result in losses:
        assert result.sent > 100 and result.doubled == 0 and result.lost == 0


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


def test_the_other_order_for_comparison(tell: Callable[[str], None]) -> None:
    """The pair is left before routing stops: printed, for docs/systemd.md."""
    machine = made("ifupdown", leave_first)
    try:
        wait_whole(machine)
        send(machine)
        since, until = off(machine)
        assert (machine.said("mlag-leave.service", "Deactivated successfully")
                < machine.said("frr.service", "Deactivated successfully"))
        losses = shutdown_losses(machine, since, until)
        tell(f"left before FRR stopped: dual host to the orphan {losses[0]}; back {losses[1]}")
        assert all(result.sent > 100 and result.doubled == 0 for result in losses)
    finally:
        ended(machine)


# -- a machine of two pairs -------------------------------------------------------------------------


@pytest.fixture(name="two", scope="module")
def _two() -> Iterator[Machine]:
    """A machine that boots with mlagd@red and mlagd@blue enabled."""
    machine = boot(prepare_domains(tempfile.mkdtemp(prefix=".machine-", dir=BUILD)))
    yield machine
    ended(machine)


def status_of(machine: Machine, name: str) -> dict:
    """What mlagd@NAME says."""
    return machine.json(f"mlagctl -j -S /run/mlagd-{name}/control.sock status")


def pins_of(machine: Machine) -> list[str]:
    """The domain numbers for which maps are pinned in this machine's own network namespace."""
    return machine.run("ls /sys/fs/bpf/mlag | "
                       "sed -n \"s/^$(stat -Lc %i /proc/1/ns/net)-//p\" | sort").split()


def wait_pairs(machine: Machine) -> None:
    """Both pairs peered and healthy on both sides, each leg in use by the hosts behind them."""
    def probe() -> bool:
        for name in NAMES:
            for status in (status_of(machine, name),
                           machine.world(do="s2", argv=["status"], of=name)):
                if status["verdict"] != "peered" or status["problems"]:
                    raise LabError(f"{name}: {status['verdict']}, {status['problems']}")
            lags = machine.json(f"mlagctl -j -S /run/mlagd-{name}/control.sock lags")
            if [(row["ifname"], row["state"]) for row in lags] != [(f"bond-{name}", "dual")]:
                raise LabError(f"{name}: {lags}")
        return True

    wait_for("two whole pairs", probe, 90, 0.5, show=lambda: machine.run(
        "systemctl status 'mlag*'; journalctl -b -n 60 --no-pager", check=False))


def losses_of(machine: Machine, name: str, since: float, until: float) -> list[Loss]:
    """Of the dual host of a pair, to its orphan and back."""
    ends = (f"h-{name}-bond0", f"o-{name}-eth0")
    return [loss(machine, since, until, back, ends) for back in (False, True)]


def send_in_both(machine: Machine) -> float:
    """There is traffic in both pairs; now."""
    machine.world(do="send")
    wait_for("traffic", lambda: all(result.sent > 400 for name in NAMES for result in
                                    losses_of(machine, name, 0, time.time() - 1)), 60)
    return time.time()


def wait_seen(machine: Machine, since: float) -> float:
    """Until a second of traffic after now is in the captures; until when to count."""
    until = time.time()
    wait_for("more traffic", lambda: all(result.sent > 0 for name in NAMES for result in
                                         losses_of(machine, name, until, time.time())), 30)
    assert until > since
    return until


def footprint(machine: Machine, name: str) -> tuple[str, str, str, str]:
    """Process, guard, since when its verdict is what it is, and its session: none changes when left alone."""
    def pid(unit: str) -> str:
        return machine.run(f"systemctl show -P MainPID {unit}@{name}").strip()

    return (pid("mlagd"), pid("mlag-guard"), status_of(machine, name)["since"],
            machine.world(do="s2", argv=["status"], of=name)["since"])


def assert_lossless(losses: list[Loss]) -> None:
    """Nothing lost, nothing doubled, and something was sent."""
    for result in losses:
        assert result.sent > 50 and result.lost == 0 and result.doubled == 0, str(result)


def test_two_instances_are_two_pairs_each_with_its_own(two: Machine,
                                                       tell: Callable[[str], None]) -> None:
    """Own process, run directory, guard, pins and peer."""
    wait_pairs(two)
    seen: dict[str, set[str]] = {}
    for name in NAMES:
        for unit in ("mlagd", "mlag-guard", "mlag-leave"):
            assert two.run(f"systemctl is-active {unit}@{name}").strip() == "active"
        for what, value in (("mlagd", footprint(two, name)[0]), ("guard", footprint(two, name)[1]),
                            ("peer", status_of(two, name)["peer"]["member_id"]),
                            ("domain", str(status_of(two, name)["domain"]))):
            seen.setdefault(what, set()).add(value)
    tell(f"pins of domains {pins_of(two)}; {({what: sorted(values) for what, values in seen.items()})}")
    assert all(len(values) == 2 for values in seen.values())
    assert pins_of(two) == ["11", "12"]
    assert two.run("ls -d /run/mlagd*").split() == ["/run/mlagd-blue", "/run/mlagd-red"]


@pytest.mark.parametrize("how", ["systemctl restart mlagd@red",
                                 "systemctl kill -s KILL mlagd@red"])
def test_a_restart_of_one_instance_is_noticed_by_nobody(two: Machine, how: str,
                                                        tell: Callable[[str], None]) -> None:
    """Red goes on where it was, and blue does not even see it: not a frame of either is lost."""
    wait_pairs(two)
    blue, red = footprint(two, "blue"), footprint(two, "red")
    since = send_in_both(two)
    two.run(how)
    wait_for("another mlagd@red", lambda: two.run("systemctl is-active mlagd@red", check=False).strip()
             == "active" and footprint(two, "red")[0] not in ("0", red[0]), 60, 0.5)
    wait_pairs(two)
    until = wait_seen(two, since)
    losses = {name: losses_of(two, name, since, until) for name in NAMES}
    tell(f"{how}: " + "; ".join(f"{name} {there}, back {back}"
                                for name, (there, back) in losses.items()))
    assert footprint(two, "blue") == blue
    for name in NAMES:
        assert_lossless(losses[name])


def test_one_instance_stopped_for_good_is_fenced_by_its_guard_alone(
        two: Machine, tell: Callable[[str], None]) -> None:
    """After restart-hold red's guard takes red's leg down; blue's leg, guard and traffic stay."""
    wait_pairs(two)
    blue = footprint(two, "blue")
    since = send_in_both(two)
    two.run("systemctl stop mlagd@red", timeout=60)
    wait_for("red's slave down", lambda: flags(two, "leg-red") == [False], 3 * RESTART_HOLD_S, 0.5)
    wait_for("the peer to know", lambda: "peer-fenced" in {
        row["code"] for row in two.world(do="s2", argv=["status"], of="red")["problems"]}, 20, 0.5)
    until = wait_seen(two, since)
    losses = losses_of(two, "blue", since, until)
    tell(f"mlagd@red stopped and fenced: blue {losses[0]}, back {losses[1]}; "
         f"red {' and back '.join(map(str, losses_of(two, 'red', since, until)))}")
    assert flags(two, "leg-red", "leg-blue") == [False, True]
    assert footprint(two, "blue") == blue
    assert_lossless(losses)
    two.run("systemctl start mlagd@red", timeout=60)
    wait_pairs(two)


def test_one_instance_leaves_and_the_other_stays(two: Machine, tell: Callable[[str], None]) -> None:
    """`mlagctl leave` of red by its unit: red's leg and pins go without loss, blue's stay."""
    wait_pairs(two)
    blue = footprint(two, "blue")
    since = send_in_both(two)
    two.run("systemctl stop mlag-leave@red", timeout=60)
    wait_for("red's slave down", lambda: flags(two, "leg-red") == [False], 20, 0.5)
    until = wait_seen(two, since)
    losses = {name: losses_of(two, name, since, until) for name in NAMES}
    tell("mlag-leave@red stopped: " + "; ".join(f"{name} {there}, back {back}"
                                               for name, (there, back) in losses.items()))
    assert two.world(do="s2", argv=["status"], of="red")["verdict"] == "alone"
    assert pins_of(two) == ["12"]
    assert flags(two, "leg-red", "leg-blue") == [False, True]
    assert footprint(two, "blue") == blue
    for name in NAMES:
        assert_lossless(losses[name])
