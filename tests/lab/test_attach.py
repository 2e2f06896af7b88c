# SPDX-License-Identifier: BSD-2-Clause
"""Many ports get their programs, one does not get them: nobody waits for that.

By tcx the kernel takes 20 to 40 ms for each program at a port that has none yet. Plain bridges are
enough, so this runs natively wherever the labs run.
"""

import os
import time
from typing import Callable, Iterator

import pytest

from mlab import LabError, Pair, tcx, wait_for
from mlab.client import Client, Gaps

NEEDS = ["bridge", "veth"]
ALONE = True  # it measures time
PAIR = {"vlan_aware": False, "has_backup": True}
MARGIN = 5
LEGS = 256 if os.environ.get("MLAB_LONG") else 48
WAITING, REFUSED = "ports-waiting", "port-not-set-up"
PERIOD_S = 6


def LAYOUT(pair: Pair) -> None:
    """A static LAG, and on S1 many more whose other ends lead nowhere."""
    pair.host("a", lag_id=1, is_lacp=False)


@pytest.fixture(scope="module", name="many")
def _many(layout: Pair) -> Pair:
    """S2's daemon runs; S1 has its legs, and no daemon yet."""
    lines = []
    for number in range(2, LEGS + 1):
        lines += [f"link add more{number} type veth peer name end{number}",
                  f"link set more{number} master br0", f"link set end{number} up",
                  f"link set more{number} up"]
    layout.s1.namespace.ip(*lines)
    daemon = layout.prepare_daemon("s1")
    for number in range(2, LEGS + 1):
        daemon.config[f"lag more{number}"] = {"id": str(number)}
    layout.prepare_daemon("s2").start()
    layout.s2.mlagd.wait_status(verdict="starting")
    return layout


def codes(status: dict) -> set[str]:
    """Of its problems."""
    return {problem["code"] for problem in status["problems"]}


def flooding(pair: Pair) -> set[str]:
    """S1's legs that flood something."""
    kinds = ("flood", "mcast_flood", "bcast_flood")
    return {row["ifname"] for row in pair.s1.namespace.json("bridge", "-d", "-j", "link", "show")
            if row["ifname"].startswith(("more", "lag")) and any(row[kind] for kind in kinds)}


def test_a_first_start_with_many_legs_keeps_nobody_waiting(many: Pair,
                                                           tell: Callable[[str], None]) -> None:
    """Hellos, session and control socket go on; no leg floods before its programs are there."""
    daemon = many.s1.mlagd
    waited, unready, taken = 0, set[str](), list[float]()
    with Gaps(many.s2.namespace, "peerlink", "02:00:00:00:ff:01") as hellos:
        began = time.monotonic()
        daemon.start()
        client = wait_for("the control socket", lambda: Client(daemon.run_dir), 20, 0.002)
        first = time.monotonic()
        client.status()
        first = (time.monotonic() - first) * 1e3
        while True:
            floods = flooding(many)
            since = time.monotonic()
            status = client.status()
            taken.append((time.monotonic() - since) * 1e3)
            served = {row["ifname"] for row in daemon.query("lags") if row["local_up"]}
            unready |= floods - served
            if WAITING not in codes(status):
                break
            waited += 1
        whole = time.monotonic() - began
        client.close()
        many.wait_whole(60)
        gap = hellos.widest()
    tell(f"{LEGS} legs have their programs after {whole:.1f} s ({waited} looks meanwhile); the "
         f"first status {first:.0f} ms, then {max(taken):.0f} ms at most; {gap * 1e3:.0f} ms between two hellos at most")
    assert waited > 0 or not tcx.is_known(), "nothing waited: this proves nothing"
    assert not unready, f"flooded before they were set up: {sorted(unready)}"
    if waited > 0:  # nobody is kept for long, or at least for no great part of it all
        assert max(first, *taken[:waited]) < max(100 * MARGIN, whole * 1e3 / 4)
        assert gap < max(0.1 * MARGIN, whole / 4)
    assert not [line for line in many.s2.mlagd.log().splitlines()
                if line.startswith(("peer: well ->", "peer: no-session -> hung"))]


@pytest.fixture(name="crowded")
def _crowded(many: Pair) -> Iterator[str]:
    """A leg where there is no room for programs of ours."""
    if not tcx.is_known():
        pytest.skip("this kernel has no tcx, and any number of filters")
    name = f"more{LEGS}"
    many.s1.mlagd.stop()
    many.s1.detach_links()
    crowd = tcx.Crowd(many.s1.namespace, name, "egress")
    many.s1.mlagd.start()
    yield name
    crowd.leave()


def refusals(pair: Pair, name: str) -> int:
    """How often the log says that programs could not be attached."""
    return sum(f"port {name}: the programs cannot be attached" in line
               for line in pair.s1.mlagd.log().splitlines())


def test_a_port_that_takes_no_program_is_tried_again_at_the_audits_pace_only(
        many: Pair, crowded: str, tell: Callable[[str], None]) -> None:
    """Whatever is said of legs meanwhile; it is named, floods nothing, and is served in the end."""
    daemon = many.s1.mlagd
    wait_for("the refusal", lambda: refusals(many, crowded) > 0, 30, 0.05)
    before, began, changes = refusals(many, crowded), time.monotonic(), 0
    while time.monotonic() - began < PERIOD_S:
        many.fail_leg(many.hosts["a"], "s1")
        wait_for("the leg to fail", lambda: not daemon.lag("lag1")["local_up"], 10, 0.01)
        many.heal_leg(many.hosts["a"], "s1")
        wait_for("the leg to return", lambda: daemon.lag("lag1")["local_up"], 10, 0.01)
        changes += 1
    tries = refusals(many, crowded) - before
    tell(f"{tries} tries in {PERIOD_S} s with {changes} changes of another leg")
    assert tries <= 4  # after 1, 2 and 4 s
    status = daemon.query("status")
    assert status["health"] == "degraded"
    assert any(problem["code"] == REFUSED and crowded in problem["text"]
               for problem in status["problems"])
    assert crowded not in flooding(many)


def test_a_leg_that_takes_no_program_is_held_and_the_member_is_in_sync_without_it(
        many: Pair, crowded: str) -> None:
    """Nobody waits for it: not the session, not the other legs; `status` and `lags` say why."""
    daemon = many.s1.mlagd
    wait_for("the leg to be held", lambda: daemon.lag(crowded)["held_reason"] == "refused", 30, 0.05)
    wait_for("both in sync without it", lambda: all(
        switch.mlagd.query("status")["verdict"] == "peered"
        and switch.mlagd.query("status")["sync"]["macs"]["match"]
        for switch in many.switches.values()), 60, 0.1)
    wait_for("the other legs", lambda: daemon.lag("lag1")["state"] == "dual", 60, 0.1)
    assert not daemon.lag(crowded)["local_up"]
    assert any(problem["code"] == "leg-held" and crowded in problem["text"]
               for problem in daemon.query("status")["problems"])
    link = many.s1.namespace.json("ip", "-j", "link", "show", "dev", crowded)[0]
    assert "UP" not in link["flags"], "it is in service"


def test_a_port_with_room_again_is_served(many: Pair, tell: Callable[[str], None]) -> None:
    """The others left; eight seconds later at most ours are there."""
    name = f"more{LEGS}"

    def probe() -> bool:
        status = many.s1.mlagd.query("status")
        if codes(status) & {REFUSED, WAITING} or not many.s1.mlagd.lag(name)["local_up"]:
            raise LabError(f"{status['problems']}")
        return True

    since = time.monotonic()
    wait_for("the leg to be served", probe, 60, 0.1)
    tell(f"served {time.monotonic() - since:.1f} s after there was room")
    assert many.s1.has_program(name, "egress", "isolate_leg")
    assert name in flooding(many)
