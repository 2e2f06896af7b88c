# SPDX-License-Identifier: BSD-2-Clause
"""R9: an entry ages when both members have stopped seeing the MAC, and not before; also after a
restart.  A MAC that flaps is damped, and named.

Every case runs in the same time: machines of all kinds fall silent or go on talking by one leg.
"""

import signal
import time
from typing import Callable

import pytest

from mlab import BROADCAST, LabError, Pair, wait_for
from mlab.topology import Switch
from mlab.traffic import Traffic

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
VLAN = 10
AGEING = 8.0
SLACK = 10.0
TALK_RATE = 1  # frames a second
RESTARTS = {"none": (), "s1": ("s1",), "both": ("s1", "s2")}
# Who is where, and by which member it goes on talking.
CAST = {"02:00:00:00:aa:01": ("a", None), "02:00:00:00:aa:02": ("o1", None),
        "02:00:00:00:aa:03": ("o2", None), "02:00:00:00:bb:01": ("a", "s1"),
        "02:00:00:00:bb:02": ("a", "s2"), "02:00:00:00:bb:03": ("o1", "s1"),
        "02:00:00:00:bb:04": ("o2", "s2")}
SILENT = {mac for mac, (_, by) in CAST.items() if by is None}


def LAYOUT(pair: Pair) -> None:
    """A is dual-attached, O1 and O2 are orphans; entries age soon."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


@pytest.fixture(name="aged", scope="module")
def aged_fixture(layout: Pair) -> Pair:
    """The pair, with a short ageing time on both bridges."""
    for switch in layout.switches.values():
        switch.namespace.ip(f"link set br0 type bridge ageing_time {int(AGEING * 100)}")
    return layout.start()


def known(switch: Switch) -> set[str]:
    """Those of the cast that `macs` has."""
    return {row["mac"] for row in switch.mlagd.query("macs")} & set(CAST)


def in_kernel(switch: Switch) -> set[str]:
    """Those of the cast that the bridge has."""
    return {row["mac"] for row in switch.fdb() if row.get("vlan") == VLAN} & set(CAST)


def wait_all_known(pair: Pair) -> None:
    """Both members know the whole cast, in `macs` and in the kernel."""
    for switch in pair.switches.values():
        wait_for(f"{switch.name} to know all",
                 lambda s=switch: known(s) == set(CAST) == in_kernel(s), 10,
                 show=lambda s=switch: set(CAST) - (known(s) & in_kernel(s)))


@pytest.mark.parametrize("restarts", [pytest.param("none", marks=pytest.mark.long),
                                      pytest.param("s1", marks=pytest.mark.long), "both"])
def test_r9_silent_on_both_goes_on_both_and_who_talks_to_either_stays(
        aged: Pair, restarts: str, tell: Callable[[str], None]) -> None:
    """Silent ones are gone within ageing time and 10 s; the others never were, on neither."""
    talk = int(3 * (AGEING + SLACK) * TALK_RATE)
    with Traffic({}) as first:
        for mac, (name, _) in CAST.items():
            for port in aged.hosts[name].ports():
                first.flow(f"first word of {mac}", port, dst=BROADCAST, src=mac, rate=20, count=2)
        first.send()
    silent_since = time.monotonic()
    with Traffic({}) as run:
        for mac, (name, by) in CAST.items():
            if by is not None:
                run.flow(f"{mac} by {by}", aged.hosts[name].leg(by), dst=BROADCAST, src=mac,
                         rate=TALK_RATE, count=talk)
        run.start()
        wait_all_known(aged)
        for member in RESTARTS[restarts]:
            aged.switches[member].mlagd.stop(signal.SIGKILL)
        for member in RESTARTS[restarts]:
            aged.switches[member].mlagd.start()
        for switch in aged.switches.values():
            switch.mlagd.wait_status(20, verdict="peered")
        gone: dict[str, float] = {}
        while time.monotonic() < silent_since + 2 * AGEING + SLACK + 4:
            try:
                left = set.union(*(known(switch) | in_kernel(switch)
                                   for switch in aged.switches.values()))
                both = set.intersection(*(known(switch) & in_kernel(switch)
                                          for switch in aged.switches.values()))
            except LabError:
                continue  # a daemon that has just been started
            now = time.monotonic() - silent_since
            for mac in SILENT - left:
                gone.setdefault(mac, now)
            missing = set(CAST) - SILENT - both
            assert not missing, f"{missing} talk, and are not known after {now:.1f} s"
            time.sleep(0.25)
        run.stop()
    tell(f"silent ones gone after {sorted(round(value, 1) for value in gone.values())} s, "
         f"ageing time {AGEING:g} s")
    assert set(gone) == SILENT, f"still there: {SILENT - set(gone)}"
    assert max(gone.values()) <= AGEING + SLACK
    assert min(gone.values()) >= AGEING / 2


def test_r9_a_mac_that_flaps_is_named_and_costs_the_peer_nothing(
        aged: Pair, tell: Callable[[str], None]) -> None:
    """One address at A and at O1, both talk 20 times a second: named within 10 s, followed later."""
    mac = "02:00:00:00:cc:01"

    def named_here() -> list[str]:
        return [problem["text"] for problem in aged.s1.mlagd.query("status")["problems"]
                if problem["code"] == "mac-flapping"]

    aged.wait_whole()
    with Traffic({}) as run:
        for port in (aged.hosts["a"].leg("s1"), aged.hosts["o1"].leg("s1")):
            run.flow(f"{mac} at {port}", port, dst=BROADCAST, src=mac, rate=20, count=160)
        run.start()
        began = time.monotonic()
        named = wait_for("the MAC to be named", named_here, 15, 0.1,
                         show=lambda: aged.s1.mlagd.query("status"))
        tell(f"named after {time.monotonic() - began:.1f} s: {named[0]}")
        assert mac in named[0]
        assert "flapping" in aged.s1.mlagd.log()
        run.finish()
    wait_for("the problem to go", lambda: not named_here(), 30)
    with Traffic({}) as run:
        run.flow(f"{mac} rests at a", aged.hosts["a"].leg("s2"), dst=BROADCAST, src=mac, rate=10,
                 count=5)
        run.flow(f"{mac} rests at a too", aged.hosts["a"].leg("s1"), dst=BROADCAST, src=mac,
                 rate=10, count=5)
        run.send()
    for switch in aged.switches.values():
        wait_for(f"{switch.name} to have it at bond1", lambda s=switch: any(
            row["mac"] == mac and row["ifname"] == "bond1" for row in s.mlagd.query("macs")), 10,
            show=lambda s=switch: [row for row in s.mlagd.query("macs") if row["mac"] == mac])
