# SPDX-License-Identifier: BSD-2-Clause
"""R29: neighbours that one member knows, the other knows too.

What a kernel knows by itself is written into the other's kernel with a mark; what is only heard is
never told on; and what its owner forgets goes everywhere.
"""

import signal
import time

import pytest

from mlab import Pair, wait_for
from mlab.neighbors import (Watcher, add, arp, entries, entry, is_marked, listed,
                            solicitation, transmit, wait_entry, wait_equal)
from mlab.ring import Ring
from mlab.routed import Packet
from mlab.routing import ROUTER, Routing, address, lay_out
from mlab.topology import MEMBERS
from mlab.wait import wait_for as wait

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
SVI = "br0.10"
MAC_A, MAC_B, MAC_C = ("02:00:00:00:09:0a", "02:00:00:00:09:0b", "02:00:00:00:09:0c")
OTHER = {"s1": "s2", "s2": "s1"}
BEFORE = {"s1": ["10.0.10.201", "fd00:10::201"], "s2": ["10.0.10.202", "fd00:10::202"]}


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair):
    """Static routes; some neighbours before the daemons start; then both peered."""
    lab = Routing(layout).build()
    for member, targets in BEFORE.items():
        for target in targets:
            add(layout.switches[member], SVI, target, MAC_A)
    # This lab can fail: without the daemons nobody tells anybody.
    time.sleep(0.5)
    for member, targets in BEFORE.items():
        for target in targets:
            assert not entry(layout.switches[OTHER[member]], SVI, target)
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    return lab


@pytest.fixture(autouse=True)
def settled(lab: Routing):
    """Nothing is under way from the test before."""
    wait_equal(lab)


def switches(lab: Routing, member: str):
    """The member and the other one."""
    return lab.pair.switches[member], lab.pair.switches[OTHER[member]]


def test_r29_what_was_there_before_the_start_is_synced(lab: Routing) -> None:
    """Both ways, both families, as hearsay."""
    for member, targets in BEFORE.items():
        owner, other = switches(lab, member)
        for target in targets:
            wait_entry(other, SVI, target, MAC_A, marked=True)
            assert not is_marked(entry(owner, SVI, target))
            assert listed(owner)[target]["origin"] == "local"
            row = listed(other)[target]
            assert row == {"ip": target, "mac": MAC_A, "vlan": 10, "ifname": SVI, "device": "svi",
                           "origin": "peer", "state": "heard"}


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("version", [4, 6])
def test_r29_a_host_that_speaks_to_one_is_known_to_both(lab: Routing, member: str, version: int
                                                        ) -> None:
    """Its question comes by one leg; and it need not speak to the other at all."""
    number = MEMBERS.index(member) + 1
    target, own = address(60 + number, 10, version), address(number, 10, version)
    leg, mac = lab.r.leg(member), lab.macs[member]
    if version == 4:
        transmit(leg, arp(1, mac, lab.r.mac, target, "00:00:00:00:00:00", own))
    else:
        transmit(leg, solicitation(mac, lab.r.mac, target, own, own))
    for switch in switches(lab, member):
        wait_entry(switch, SVI, target, lab.r.mac)


def test_r29_the_members_own_addresses_are_no_neighbours(lab: Routing) -> None:
    """Each knows the other's MAC; nobody publishes that."""
    for number, member in enumerate(MEMBERS, 1):
        switch, _ = switches(lab, member)
        for version in (4, 6):
            target = address(3 - number, 10, version)
            switch.namespace.run("ping", "-n", "-q", "-c", "1", "-W", "1", target)
            assert entry(switch, SVI, target)["lladdr"] == lab.macs[OTHER[member]]
    time.sleep(0.5)
    own = {address(number, vlan, version) for number in (1, 2) for vlan in (10, 20, 30)
           for version in (4, 6)}
    for switch in lab.pair.switches.values():
        assert not own & set(listed(switch))


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("version", [4, 6])
def test_r29_a_changed_mac_is_right_on_both_at_once(lab: Routing, member: str, version: int,
                                                    tell) -> None:
    """The new MAC speaks to one member by its leg; ten times to and fro."""
    number = MEMBERS.index(member) + 1
    target, own = address(70 + number, 10, version), address(number, 10, version)
    leg, mac = lab.r.leg(member), lab.macs[member]
    _, other = switches(lab, member)
    took = []
    watcher = Watcher(other.namespace)
    try:
        for round_ in range(10):
            source = (MAC_A, MAC_B)[round_ % 2]
            frame = arp(1, mac, source, target, "00:00:00:00:00:00", own) if version == 4 else \
                solicitation(mac, source, target, own, own)
            began = time.monotonic()
            transmit(leg, frame)
            took.append(watcher.wait(target, source) - began)
            for switch in switches(lab, member):
                wait_entry(switch, SVI, target, source)
            # Linux does not believe a second ARP within a second (locktime).
            time.sleep(1.1 if version == 4 else 0)
    finally:
        watcher.close()
    tell(f"IPv{version}, noticed by {member}: right in the other's kernel "
         f"{1000 * sorted(took)[5]:.1f} ms after the frame (median), {1000 * max(took):.1f} ms at "
         "worst")
    assert sorted(took)[5] < 0.5


@pytest.mark.parametrize("member", MEMBERS)
def test_r29_a_flush_of_its_owner_withdraws_an_entry(lab: Routing, member: str) -> None:
    """And a flush of hearsay brings it back."""
    owner, other = switches(lab, member)
    for target in ("10.0.10.80", "fd00:10::80"):
        add(owner, SVI, target, MAC_C)
        wait_entry(other, SVI, target, MAC_C, marked=True)
        family = "-6" if ":" in target else "-4"
        other.namespace.run("ip", family, "neigh", "flush", "dev", SVI, "to", target)
        wait_entry(other, SVI, target, MAC_C, marked=True)
        owner.namespace.run("ip", family, "neigh", "flush", "dev", SVI, "to", target)
        wait_entry(other, SVI, target, None)
        time.sleep(0.3)
        assert not entry(owner, SVI, target) and not entry(other, SVI, target)


def test_r29_a_flush_does_not_take_what_the_other_has_of_its_own(lab: Routing) -> None:
    """The flushed member gets it back, as hearsay."""
    target = "10.0.10.81"
    for switch in lab.pair.switches.values():
        add(switch, SVI, target, MAC_C)
    wait_for("both to claim it", lambda: all(listed(switch).get(target, {}).get("origin") == "both"
                                             for switch in lab.pair.switches.values()), 5)
    lab.pair.s1.namespace.run("ip", "neigh", "del", target, "dev", SVI)
    wait_entry(lab.pair.s1, SVI, target, MAC_C, marked=True)
    assert not is_marked(entry(lab.pair.s2, SVI, target))
    lab.pair.s2.namespace.run("ip", "neigh", "del", target, "dev", SVI)
    for switch in lab.pair.switches.values():
        wait_entry(switch, SVI, target, None)


def probe_in_vain(switch, target: str) -> None:
    """Let the kernel verify an entry of somebody who does not answer."""
    switch.namespace.run("ip", "neigh", "change", target, "dev", SVI, "nud", "probe")


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("target", ["10.0.10.82", "fd00:10::82"])
def test_r29_what_failed_at_its_owner_is_withdrawn(lab: Routing, member: str, target: str) -> None:
    """The kernel's own probing fails there."""
    owner, other = switches(lab, member)
    add(owner, SVI, target, MAC_C)
    wait_entry(other, SVI, target, MAC_C)
    probe_in_vain(owner, target)
    wait_entry(other, SVI, target, None, timeout=15)
    assert not entry(owner, SVI, target)


@pytest.mark.parametrize("target", ["10.0.10.83", "fd00:10::83"])
def test_r29_hearsay_that_does_not_answer_is_not_insisted_on(lab: Routing, target: str) -> None:
    """It is gone here, with no trace in the kernel, until there is news of it."""
    add(lab.pair.s1, SVI, target, MAC_C)
    wait_entry(lab.pair.s2, SVI, target, MAC_C)
    family = "ipv6" if ":" in target else "ipv4"
    lab.pair.s2.namespace.sysctl(**{f"{family}/neigh/{SVI}/delay_first_probe_time": 1})
    lab.pair.s2.namespace.run("ping", "-n", "-q", "-c", "1", "-W", "1", target, check=False)
    wait_entry(lab.pair.s2, SVI, target, None, timeout=15)

    def is_gone() -> bool:
        return not lab.pair.s2.namespace.json("ip", "-j", "neigh", "show", target, "dev", SVI)

    wait_for("no trace of it in the kernel", is_gone, 5)
    assert entry(lab.pair.s1, SVI, target)
    add(lab.pair.s1, SVI, target, MAC_B)
    wait_entry(lab.pair.s2, SVI, target, MAC_B)
    lab.pair.s1.namespace.run("ip", "neigh", "del", target, "dev", SVI)
    wait_entry(lab.pair.s2, SVI, target, None)


@pytest.mark.parametrize("version", [4, 6])
def test_r29_hearsay_that_is_used_becomes_the_kernels_own(lab: Routing, version: int) -> None:
    """R answers: the mark comes off, and both have it of their own."""
    target = address(ROUTER, 10, version)
    switch = lab.pair.s2
    switch.namespace.run("ip", f"-{version}", "neigh", "flush", "dev", SVI, "to", target)
    wait_entry(switch, SVI, target, lab.r.mac, marked=True)
    assert "extern_learn" in entry(switch, SVI, target)

    def used() -> bool:
        switch.namespace.run("ping", "-n", "-q", "-c", "1", "-W", "1", target)
        return not is_marked(entry(switch, SVI, target))

    wait("the entry to be the kernel's own", used, 15, 0.5)
    assert "extern_learn" not in entry(switch, SVI, target)
    for each in lab.pair.switches.values():
        wait_for("both to claim it", lambda s=each: listed(s)[target]["origin"] == "both", 5)


def test_r29_what_a_person_set_stays_and_is_synced(lab: Routing) -> None:
    """Also against what the other member meets."""
    target = "10.0.10.84"
    add(lab.pair.s1, SVI, target, MAC_A, "permanent")
    wait_entry(lab.pair.s2, SVI, target, MAC_A, marked=True)
    transmit(lab.r.leg("s2"), arp(1, lab.macs["s2"], MAC_B, target, "00:00:00:00:00:00",
                                  address(2, 10)))
    time.sleep(0.5)
    wait_entry(lab.pair.s2, SVI, target, MAC_A)
    assert entry(lab.pair.s1, SVI, target)["state"] == ["PERMANENT"]
    assert listed(lab.pair.s1)[target]["state"] == "static"
    lab.pair.s1.namespace.run("ip", "neigh", "del", target, "dev", SVI)
    wait_entry(lab.pair.s2, SVI, target, None)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
@pytest.mark.parametrize("member", MEMBERS)
def test_r29_a_restart_changes_nothing_and_hearsay_stays_hearsay(
        lab: Routing, member: str, how: signal.Signals) -> None:
    """What was heard before is not told as known afterwards; what went meanwhile goes."""
    switch, other = switches(lab, member)
    for target in ("10.0.10.85", "10.0.10.86", "fd00:10::85"):
        add(other, SVI, target, MAC_C)
        wait_entry(switch, SVI, target, MAC_C, marked=True)
    own = {target: row["mac"] for target, row in listed(switch).items()
           if row["origin"] != "peer"}
    switch.mlagd.stop(how)
    other.namespace.run("ip", "neigh", "del", "10.0.10.86", "dev", SVI)
    assert entry(switch, SVI, "10.0.10.86")["lladdr"] == MAC_C
    switch.mlagd.start()
    lab.pair.wait_whole()
    wait_equal(lab)
    wait_entry(switch, SVI, "10.0.10.86", None)
    for target in ("10.0.10.85", "fd00:10::85"):
        wait_entry(switch, SVI, target, MAC_C, marked=True)
        assert listed(other)[target]["origin"] == "local"
    now = {target: row["mac"] for target, row in listed(switch).items()
           if row["origin"] != "peer"}
    assert own == now
    for target in ("10.0.10.85", "fd00:10::85"):
        other.namespace.run("ip", "neigh", "del", target, "dev", SVI)
        wait_entry(switch, SVI, target, None)


# -- VRFs, carrier ------------------------------------------------------------------------------


def test_r29_in_a_vrf(lab: Routing) -> None:
    """By VLAN: the VRF follows from it, whatever its number is on the other member."""
    for number, switch in enumerate(lab.pair.switches.values(), 1):
        switch.namespace.ip(f"link add red type vrf table {100 + number}", "link set red up",
                            "link set br0.30 master red")
    try:
        for member, target in (("s1", "10.0.30.91"), ("s2", "fd00:30::92")):
            owner, other = switches(lab, member)
            add(owner, "br0.30", target, MAC_C)
            wait_entry(other, "br0.30", target, MAC_C, marked=True)
    finally:
        for switch in lab.pair.switches.values():
            switch.namespace.ip("link del red")
    wait_equal(lab)


def test_r29_neighbours_outlive_a_carrier_flap_of_the_svi(lab: Routing) -> None:
    """An SVI that follows the ports of its VLAN; and what happens without the setting."""
    pair = lab.pair
    pair.s1.namespace.bridge("vlan add dev o1 vid 40", "vlan add dev br0 vid 40 self",
                             "vlan add dev peerlink vid 40")
    pair.s2.namespace.bridge("vlan add dev br0 vid 40 self", "vlan add dev peerlink vid 40")
    # Only o1 is in the VLAN as far as the carrier goes.
    pair.s1.namespace.bridge("vlan del dev peerlink vid 40")
    pair.s1.namespace.ip("link add link br0 name br0.40 type vlan id 40 bridge_binding on",
                         "link set br0.40 up", "address add 10.0.40.1/24 dev br0.40")
    pair.s2.namespace.ip("link add link br0 name br0.40 type vlan id 40",
                         "link set br0.40 up", "address add 10.0.40.2/24 dev br0.40")
    setting = "/proc/sys/net/ipv4/conf/br0.40/arp_evict_nocarrier"
    try:
        for name, path in (("arp", setting),
                           ("ndisc", "/proc/sys/net/ipv6/conf/br0.40/ndisc_evict_nocarrier")):
            wait_for(f"the setting of {name}", lambda p=path: pair.s1.namespace.run(
                "cat", p).stdout.strip() == "0", 10)
        add(pair.s1, "br0.40", "10.0.40.11", MAC_A)
        add(pair.s2, "br0.40", "10.0.40.12", MAC_B)
        wait_entry(pair.s1, "br0.40", "10.0.40.12", MAC_B)
        flap(lab)
        assert entry(pair.s1, "br0.40", "10.0.40.11").get("lladdr") == MAC_A
        assert entry(pair.s1, "br0.40", "10.0.40.12").get("lladdr") == MAC_B
        wait_entry(pair.s2, "br0.40", "10.0.40.11", MAC_A)
        # This lab can fail.
        pair.s1.namespace.run("sh", "-c", f"echo 1 > {setting}")
        flap(lab)
        assert not entry(pair.s1, "br0.40", "10.0.40.11")
    finally:
        for switch in pair.switches.values():
            switch.namespace.run("ip", "link", "del", "br0.40", check=False)
        pair.s1.namespace.run("bridge", "vlan", "del", "dev", "o1", "vid", "40", check=False)
        pair.s2.namespace.run("bridge", "vlan", "del", "dev", "peerlink", "vid", "40", check=False)


def flap(lab: Routing) -> None:
    """The carrier of br0.40 on S1 goes and comes."""
    namespace = lab.pair.s1.namespace

    def carrier(wanted: bool) -> bool:
        return ("LOWER_UP" in namespace.link("br0.40")["flags"]) == wanted

    wait_for("carrier", lambda: carrier(True), 5)
    namespace.set_up("o1", False)
    try:
        wait_for("no carrier", lambda: carrier(False), 5)
        time.sleep(0.2)
    finally:
        namespace.set_up("o1", True)
    wait_for("carrier again", lambda: carrier(True), 5)


def test_r29_the_setting_is_put_back_when_the_svi_is_none_of_ours(lab: Routing) -> None:
    """The bridge itself leaves the VLAN, so its device gets nothing any more."""
    namespace = lab.pair.s1.namespace

    def setting() -> str:
        return namespace.run("cat", "/proc/sys/net/ipv4/conf/br0.50/arp_evict_nocarrier"
                             ).stdout.strip()

    namespace.ip("link add link br0 name br0.50 type vlan id 50", "link set br0.50 up")
    try:
        assert setting() == "1"
        namespace.bridge("vlan add dev br0 vid 50 self")
        wait_for("0", lambda: setting() == "0", 10)
        # Also by another daemon than the one that changed it.
        lab.pair.s1.mlagd.stop(signal.SIGKILL)
        assert setting() == "0"
        lab.pair.s1.mlagd.start()
        lab.pair.wait_whole()
        namespace.bridge("vlan del dev br0 vid 50 self")
        wait_for("1", lambda: setting() == "1", 10)
    finally:
        namespace.ip("link del br0.50")


def test_r29_a_gateway_on_the_svi_has_neighbours_of_its_own(lab: Routing) -> None:
    """What one member's gateway knows goes to the other's gateway, and not to its SVI."""
    target = "10.0.10.95"
    for switch in lab.pair.switches.values():
        switch.namespace.ip("link add link br0.10 name gw10 address 00:00:5e:00:01:0a "
                            "type macvlan mode bridge",
                            "address add 10.0.10.250/32 dev gw10", "link set gw10 up")
    try:
        wait_equal(lab)
        add(lab.pair.s1, "gw10", target, MAC_A)
        wait_entry(lab.pair.s2, "gw10", target, MAC_A, marked=True)
        assert not entry(lab.pair.s2, SVI, target)
        assert listed(lab.pair.s2)[target]["device"] == "gateway"
        lab.pair.s1.namespace.run("ip", "link", "del", "gw10")
        wait_entry(lab.pair.s2, "gw10", target, None)
    finally:
        for switch in lab.pair.switches.values():
            switch.namespace.run("ip", "link", "del", "gw10", check=False)
    wait_equal(lab)


# -- what it is for -----------------------------------------------------------------------------


class Answers:
    """Replies of H to R that arrive at S2, whose kernel has just forgotten R."""

    def __init__(self, lab: Routing) -> None:
        self.lab = lab
        self.questions = 0
        self.missing = 0

    def run(self) -> "Answers":
        """Flush, let hearsay come back where it does, and send."""
        lab = self.lab
        lab.pair.s2.namespace.run("ip", "neigh", "flush", "dev", SVI)
        time.sleep(0.2)
        ring = Ring(lab.r.namespace, "bond0", 1 << 10)
        try:
            with lab.traffic() as run:
                flow = run.packets(
                    "H to R by S2", lab.h.leg("s2"), lab.macs["s1"], lab.h.mac,
                    Packet(lab.host_ip(lab.h), address(ROUTER, 10)), rate=500, count=200)
                run.send()
            self.missing = run.result(flow, "r").missing
            ring.drain()
            self.questions = sum(
                frame.data[12:14] == b"\x08\x06" and frame.data[20:22] == b"\0\1" and
                frame.data[0] == 0xff for frame in ring.frames)
        finally:
            ring.close()
        return self


def test_r29_right_after_a_flush_nothing_is_asked_and_nothing_is_lost(lab: Routing, tell) -> None:
    """An answer that hashed to the other member is routed there; without the daemon it floods."""
    switch = lab.pair.s2
    switch.mlagd.stop()
    without = Answers(lab).run()
    switch.mlagd.start()
    lab.pair.wait_whole()
    wait_equal(lab)
    lab.wait_addresses()
    lab.pair.wait_known(vlan=10)
    known = Answers(lab).run()
    tell(f"200 answers by the member that was flushed: without the sync {without.questions} ARP "
         f"broadcasts and {without.missing} lost, with it {known.questions} and {known.missing}")
    assert without.questions > 0
    assert known.questions == 0 and known.missing == 0


def test_the_tables_of_the_kernels_are_equal_in_the_end(lab: Routing) -> None:
    """After all of the above, every device holds the same hosts at the same MACs on both."""
    wait_equal(lab)
    own = {address(number, vlan, version) for number in (1, 2) for vlan in (10, 20, 30)
           for version in (4, 6)}
    for vlan in (10, 20, 30):
        for version in (4, 6):
            held = [{target: row["lladdr"] for target, row in
                     entries(switch, f"br0.{vlan}", version).items()
                     if target not in own and not target.startswith("fe80")}
                    for switch in lab.pair.switches.values()]
            assert held[0] == held[1]
