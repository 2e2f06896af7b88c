# SPDX-License-Identifier: BSD-2-Clause
"""R29 at scale: 50 000 neighbours in a burst, an overrun of netlink, and a kernel that is full."""

import os
import signal
import time
from typing import Iterator

import pytest

from mlab import LabError, Pair, wait_for
from mlab.neighbors import Burst, entries, wait_equal
from mlab.routing import Routing, lay_out
from mlab.topology import Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LONG = True
LAYOUT = lay_out
SVI = "br0.10"
COUNT = 50_000
THRESHOLDS = "/proc/sys/net/ipv4/neigh/default/gc_thresh"


def thresholds(*values: int) -> None:
    """Of the whole machine; only the initial namespace has them."""
    for number, value in enumerate(values, 1):
        with open(f"{THRESHOLDS}{number}", "w", encoding="ascii") as file:
            file.write(str(value))


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Iterator[Routing]:
    """Both daemons peered, and room for what is learned."""
    if not os.access(f"{THRESHOLDS}3", os.W_OK):
        pytest.skip("the thresholds of the kernel's tables cannot be set from here")
    thresholds(200_000, 200_000, 200_000)
    lab = Routing(layout).build()
    layout.start()
    lab.wait_addresses()
    wait_equal(lab)
    yield lab
    thresholds(128, 512, 1024)


def host(number: int) -> str:
    """10.1.0.0/16, from .0.1 on."""
    return f"10.1.{(number + 1) >> 8}.{(number + 1) & 255}"


def mac(number: int, salt: int) -> str:
    """A MAC for it."""
    return f"02:{salt:02x}:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def held(switch: Switch) -> dict[str, str]:
    """Address to MAC in a member's kernel, the hosts of this module only."""
    return {target: row["lladdr"] for target, row in entries(switch, SVI).items()
            if target.startswith("10.1.")}


def counts(lab: Routing) -> list[tuple[int, int]]:
    """(local, remote) of both members."""
    found = []
    for switch in lab.pair.switches.values():
        sync = switch.mlagd.query("status")["sync"]["neighbors"]
        found.append((sync["local"], sync["remote"]))
    return found


def wait_all(lab: Routing, began: float, timeout: float = 60) -> float:
    """Wait until both tables are proven equal and programmed; seconds since `began`."""
    wait_equal(lab, timeout)
    return time.monotonic() - began


def test_r29_fifty_thousand_in_a_burst_all_arrive(lab: Routing, tell) -> None:
    """Learned by S1 as fast as one process can add them."""
    with open("/proc/sys/net/core/rmem_max", encoding="ascii") as file:
        rmem_max = int(file.read())
    burst = Burst(lab.pair.s1.namespace, SVI)
    began = time.monotonic()
    for number in range(COUNT):
        burst.set(host(number), mac(number, 1))
    burst.close()
    learned = time.monotonic()

    def all_there() -> bool:
        found = counts(lab)
        if found[1][1] < COUNT:
            raise LabError(f"S2 has {found[1][1]}")
        return True

    wait_for("50 000 neighbours of the peer", all_there, 60, 0.05)
    took = wait_all(lab, learned)
    here, there = (held(switch) for switch in lab.pair.switches.values())
    lost = "events were lost" in lab.pair.s1.mlagd.log()
    tell(f"{COUNT} neighbours: learned by S1 in {learned - began:.2f} s, in the kernel of S2 and "
         f"proven equal {took:.2f} s after the last; overrun: {'yes' if lost else 'no'}; "
         f"rmem_max {rmem_max}")
    assert len(here) == COUNT and here == there


def test_r29_an_overrun_ends_with_equal_tables(lab: Routing, tell) -> None:
    """The daemon is held while the kernel says more than fits: changes, ends, beginnings."""
    process = lab.pair.s1.mlagd.process
    assert process is not None
    marks = lab.pair.s1.mlagd.log().count("events were lost")
    burst = Burst(lab.pair.s1.namespace, SVI)
    process.send_signal(signal.SIGSTOP)
    try:
        for salt in (7, 2):  # more than twice what the largest buffer holds (40 000)
            for number in range(COUNT):
                if number % 2 and salt == 2:
                    burst.delete(host(number))
                else:
                    burst.set(host(number), mac(number, salt))
        for number in range(COUNT, COUNT + 1000):
            burst.set(host(number), mac(number, 3))
        burst.close()
    finally:
        process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    wait_for("the overrun to be noticed", lambda: lab.pair.s1.mlagd.log().count(
        "events were lost") > marks, 20)

    wait_equal(lab, 60)
    took = time.monotonic() - began
    here, there = (held(switch) for switch in lab.pair.switches.values())
    assert here == there and len(here) == COUNT // 2 + 1000
    assert all(value.startswith(("02:02", "02:03")) for value in here.values())
    tell(f"an overrun of 101 000 events: proven equal after {took:.1f} s")


def test_r29_the_list_of_many_streams(lab: Routing, tell) -> None:
    """A row at a time, and the daemon goes on meanwhile."""
    began = time.monotonic()
    rows = lab.pair.s2.mlagd.query("neighbors", "--vlan", "10")
    tell(f"mlagctl -j neighbors: {len(rows)} rows in {time.monotonic() - began:.2f} s")
    assert len(rows) >= COUNT // 2 + 1000


def test_r29_a_flush_of_all_goes_to_the_peer(lab: Routing, tell) -> None:
    """And with it the work of the tests before."""
    began = time.monotonic()
    lab.pair.s1.namespace.run("ip", "neigh", "flush", "dev", SVI, timeout=120)
    flushed = time.monotonic()
    wait_for("nothing to hold for the peer", lambda: counts(lab)[1][1] < 100, 60)
    wait_for("an empty kernel", lambda: not held(lab.pair.s2), 60, 0.2)
    tell(f"flush of all: {flushed - began:.1f} s on S1, gone on S2 "
         f"{time.monotonic() - flushed:.1f} s later")
    wait_equal(lab, 30)
    assert not held(lab.pair.s1)


def test_a_full_table_of_the_kernel_is_a_problem(lab: Routing) -> None:
    """The machine has one, whatever the namespace; it is named while it lasts."""
    switch = lab.pair.s1

    def codes() -> set[str]:
        return {problem["code"] for problem in switch.mlagd.query("status")["problems"]}

    assert "neighbor-table-full" not in codes()
    thresholds(10, 20, 30)
    try:
        switch.namespace.run("ip", "-force", "-batch", "-", check=False, stdin="".join(
            f"neigh add {host(n)} lladdr {mac(n, 4)} nud reachable dev {SVI}\n"
            for n in range(100)))
        wait_for("the problem", lambda: "neighbor-table-full" in codes(), 25, 0.5,
                 show=lambda: open("/proc/net/stat/arp_cache", encoding="ascii").read())
        text = [problem["text"] for problem in switch.mlagd.query("status")["problems"]]
        assert any("neighbor table full" in line and "IPv4" in line for line in text), text
    finally:
        thresholds(200_000, 200_000, 200_000)
        switch.namespace.run("ip", "neigh", "flush", "dev", SVI)
