# SPDX-License-Identifier: BSD-2-Clause
"""`[lag] bring-up`: what the machine left down at boot comes up when the leg may serve.

Of a bond in 802.3ad mode LACP says which slave serves; here are those where nothing does: a bond in another mode,
and a plain port.  networkd and its kind put a slave into a bond, which sets it up, and then down.
"""

import time
from typing import Iterator

import pytest

from mlab import Pair, wait_for
from mlab.holds import is_up
from mlab.topology import MEMBERS, Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LONG = True
VLAN = 10
WAIT = 60    # for an event
STEADY = 3   # seconds: what stays so for so long does not change by itself


def LAYOUT(pair: Pair) -> None:
    """X has a bond without LACP, and so will the switches; P's legs are plain ports."""
    pair.host("x", lag_id=1, access=VLAN, is_lacp=False, is_bundle=True)
    pair.host("p", lag_id=2, access=VLAN, is_lacp=False, is_bundle=True)


def put_into_bond(switch: Switch) -> None:
    """As a machine does at boot: into the bond, which sets it up; and then it is set down."""
    switch.namespace.ip("link set lag1 down", "link set lag1 master xor1")
    assert is_up(switch, "lag1")


@pytest.fixture(scope="module", name="machines")
def booted(layout: Pair) -> Iterator[Pair]:
    """The legs' devices are down, and the bonds are empty."""
    for member in MEMBERS:
        switch = layout.switches[member]
        switch.namespace.ip(
            "link set lag1 nomaster", "link set lag1 down", "link set lag2 down",
            "link add xor1 type bond mode balance-xor miimon 10", "link set xor1 master br0",
            "link set xor1 up")
        switch.namespace.bridge(f"vlan add dev xor1 vid {VLAN} pvid untagged")
        config = layout.prepare_daemon(member).config
        del config["lag lag1"]
        config["lag xor1"] = {"id": "1", "bring-up": "on"}
        config["lag lag2"]["bring-up"] = "on"
        layout.switches[member].mlagd.start()
    for switch in layout.switches.values():
        switch.mlagd.wait_status(WAIT, verdict="peered")
    yield layout


def wait_state(pair: Pair, ifname: str, state: str) -> None:
    """Of a LAG, on both members."""
    for switch in pair.switches.values():
        wait_for(f"{switch.name}: {ifname} {state}",
                 lambda s=switch: s.mlagd.lag(ifname)["state"] == state, WAIT,
                 show=lambda s=switch: s.mlagd.lag(ifname))


def assert_stays_down(switch: Switch, device: str) -> None:
    """It is somebody's who set it down."""
    deadline = time.monotonic() + STEADY
    while time.monotonic() < deadline:
        assert not is_up(switch, device), f"{switch.name}: {device} was set up"
        time.sleep(0.1)


def test_a_port_that_was_left_down_comes_up(machines: Pair) -> None:
    """And serves."""
    wait_state(machines, "lag2", "dual")


@pytest.mark.parametrize("member", MEMBERS)
def test_a_slave_that_is_set_down_while_its_bond_is_put_together_comes_up(
        machines: Pair, member: str) -> None:
    """It was up for a moment, in a leg that is not held, and has not served for that."""
    switch = machines.switches[member]
    put_into_bond(switch)
    wait_for("mlagd to see its carrier", lambda: switch.mlagd.lag("xor1")["local_up"], WAIT, 0.02)
    switch.namespace.set_up("lag1", False)
    wait_for("the slave to be up", lambda: is_up(switch, "lag1"), WAIT)


def test_without_carrier_nothing_has_served(machines: Pair) -> None:
    """However long it was up: the other end is not there yet."""
    wait_state(machines, "xor1", "dual")
    switch, host = machines.s1, machines.hosts["x"]
    machines.fail_leg(host, "s1")
    put = switch.namespace
    put.ip("link add late type veth peer name late netns " + host.namespace.full_name,
           "link set late master xor1")
    assert is_up(switch, "late")
    time.sleep(STEADY)  # it is up, and there is nothing to wait for
    put.set_up("late", False)
    wait_for("the slave to be up", lambda: is_up(switch, "late"), WAIT)
    put.ip("link del late")
    machines.heal_leg(host, "s1")


@pytest.mark.parametrize("lag, device", [("xor1", "lag1"), ("lag2", "lag2")])
def test_what_has_served_is_the_administrators(machines: Pair, lag: str, device: str) -> None:
    """Set down it stays so, also over a restart; set up it serves again."""
    wait_state(machines, lag, "dual")
    switch = machines.s1
    path = f"{switch.mlagd.run_dir}/legs"
    line = f"served {switch.namespace.link(device)['ifindex']}\n"
    wait_for("it to have served", lambda: line in open(path, encoding="utf-8").read(), WAIT)
    switch.namespace.set_up(device, False)
    assert_stays_down(switch, device)
    switch.mlagd.stop()
    switch.mlagd.start()
    switch.mlagd.wait_status(WAIT, verdict="peered")
    assert_stays_down(switch, device)
    switch.namespace.set_up(device, True)
    wait_state(machines, lag, "dual")


def test_a_drained_leg_comes_back(machines: Pair) -> None:
    """What a hold took down is given back, whoever had set it up."""
    switch = machines.s1
    for lag, device in (("xor1", "lag1"), ("lag2", "lag2")):
        assert switch.mlagd.ctl("drain", lag).returncode == 0
        wait_for("it to be down", lambda d=device: not is_up(switch, d), WAIT)
        assert switch.mlagd.ctl("undrain", lag).returncode == 0
        wait_state(machines, lag, "dual")
