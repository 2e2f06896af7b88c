# SPDX-License-Identifier: BSD-2-Clause
"""R30: with the peer link down and the peer alive, a member answers questions for the peer's
addresses with the peer's MAC; and never otherwise.

That the peer lives is known by hellos on the backup path; the session ends with the peer link.
"""

import signal
import time
from typing import Iterator

import pytest

from mlab import Pair, wait_for
from mlab.neighbors import arp, solicitation, solicited_node, transmit
from mlab.probe import mac_bytes
from mlab.ring import Ring
from mlab.routing import Routing, address, lay_out, link_local
from mlab.topology import MEMBERS, Switch
from mlab.traffic import Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
PAIR = {"has_backup": True}
NUMBER = 77  # R's second self
NOBODY = "00:00:00:00:00:00"
BROADCAST = "ff:ff:ff:ff:ff:ff"
SLOW = 60      # seconds for what happens at once, or in a few, on a machine that is not ten times slower
ANSWER_S = 5   # for an answer that is to come
SILENCE_S = 0.3  # for one that is not, and for a second one
# What a restart may take: beyond the first the peer goes on without us, beyond the second what was
# concluded is too old.
PATIENT = {"hello-interval": "1s", "dead-multiplier": "20", "restart-hold": "30s"}
REJOIN = 2 * SLOW  # legs wait for twice restart-hold after so many splits


@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair) -> Routing:
    """Static routes, both peered."""
    lab = Routing(layout).build()
    layout.start()
    lab.resolve()
    lab.wait_addresses()
    return lab


@pytest.fixture(name="split")
def without_peer_link(lab: Routing) -> Iterator[Routing]:
    """The peer link is down, and both say so."""
    lab.pair.wait_known(vlan=10)
    lab.pair.s2.namespace.set_up("peerlink", False)
    try:
        for switch in lab.pair.switches.values():
            switch.mlagd.wait_status(SLOW, verdict="split")
            wait_for("the programs", lambda s=switch: filters(s), SLOW)
        yield lab
    finally:
        lab.pair.s2.namespace.set_up("peerlink", True)
        lab.pair.wait_whole(REJOIN)


@pytest.fixture(name="patient")
def patient_pair(lab: Routing) -> Iterator[None]:
    """A daemon may be away for as long as a restart takes on this machine, and is not dead for that.

    Who is silent for the dead time in a split is: the other member takes over, within a second where
    nothing was configured (DESIGN §2).  That is another test (test_failures.py).
    """
    usual = {member: dict(switch.mlagd.config["peer"])
             for member, switch in lab.pair.switches.items()}
    reload(lab, {member: PATIENT for member in usual})
    try:
        yield
    finally:
        reload(lab, usual)


def reload(lab: Routing, values: dict[str, dict[str, str]]) -> None:
    """Other values in [peer], on both members."""
    for member, switch in lab.pair.switches.items():
        switch.mlagd.config["peer"] |= {
            "hello-interval": "100ms", **values[member]}
        switch.mlagd.write_config()
        done = switch.mlagd.ctl("reload")
        assert done.returncode == 0, done.stderr


def filters(switch: Switch) -> list[str]:
    """The devices of a member that have a program which answers."""
    found = []
    for row in switch.namespace.json("ip", "-j", "link", "show"):
        text = switch.namespace.run("tc", "filter", "show", "dev", row["ifname"], "ingress",
                                    check=False).stdout
        if "pref 2 " in text:
            found.append(row["ifname"])
    return found


def ask(port: Port, question: bytes, at: Port | None = None, wait_s: float = ANSWER_S
        ) -> list[bytes]:
    """The answers to a question, ARP replies and neighbour advertisements, where it was asked.

    Waits for one, `wait_s` at most, and then whether there is another.
    """
    where = at or port
    ring = Ring(where.namespace, where.ifname, 1 << 9)

    def answers() -> list[bytes]:
        ring.drain()
        return [frame.data for frame in ring.frames if is_answer(frame.data, question)]

    try:
        transmit(port, question)
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline and not answers():
            time.sleep(0.01)
        time.sleep(SILENCE_S)
        return answers()
    finally:
        ring.close()


def ask_again(port: Port, question: bytes, at: Port) -> list[bytes]:
    """As a host does that gets no answer.

    What answers does so for three seconds after a daemon's end, and a slow machine may take longer to start
    the next one.
    """
    return wait_for("an answer", lambda: ask(port, question, at, 1), SLOW, 0)


def hears_nothing(port: Port, question: bytes, at: Port | None = None) -> bool:
    """Nobody answers."""
    return not ask(port, question, at, 0)


def is_answer(data: bytes, asked: bytes) -> bool:
    """A reply of ARP, or an advertisement, to this question."""
    if data[12:14] == b"\x08\x06":
        return data[20:22] == b"\0\2" and data[38:42] == asked[28:32]
    return data[12:14] == b"\x86\xdd" and data[20] == 58 and data[54] == 136 and \
        data[38:54] == asked[22:38]


def question(lab: Routing, target: str, asker: str, mac: str, owner: str, is_unicast: bool
             ) -> bytes:
    """For an address, of everybody or of its owner."""
    if ":" not in target:
        dst = lab.macs[owner] if is_unicast else BROADCAST
        return arp(1, dst, mac, asker, NOBODY, target)
    group, group_mac = solicited_node(target)
    return solicitation(lab.macs[owner] if is_unicast else group_mac, mac, asker,
                        target if is_unicast else group, target)


def targets(lab: Routing, member: str) -> list[str]:
    """Addresses of a member in VLAN 10."""
    number = MEMBERS.index(member) + 1
    return [address(number, 10), address(number, 10, 6), link_local(lab.macs[member])]


def serve_by(lab: Routing, leg: str) -> None:
    """In a split the primary's leg serves, and the other one is held."""
    switch = lab.pair.switches[leg]
    if switch.mlagd.query("status")["role"] != "primary":
        assert switch.mlagd.ctl("role", "primary").returncode == 0
    lag = lab.r.switch_lag()
    wait_for(f"R's leg to {leg}", lambda: switch.mlagd.lag(lag)["local_up"], SLOW)


@pytest.mark.parametrize("is_unicast", [False, pytest.param(True, marks=pytest.mark.long)],
                         ids=["group", "unicast"])
@pytest.mark.parametrize("owner", MEMBERS)
@pytest.mark.parametrize("leg", MEMBERS)
def test_r30_one_answer_from_the_owners_mac_by_either_leg(
        split: Routing, owner: str, leg: str, is_unicast: bool) -> None:
    """The owner answers on its own leg; on the other one the peer does, in its name."""
    serve_by(split, leg)
    for target in targets(split, owner):
        asker = address(NUMBER, 10, 6 if ":" in target else 4)
        answers = ask(split.r.leg(leg), question(split, target, asker, split.r.mac, owner,
                                                 is_unicast), split.r.port)
        assert len(answers) == 1, f"{target}: {len(answers)} answers"
        assert answers[0][:6] == mac_bytes(split.r.mac)
        assert answers[0][6:12] == mac_bytes(split.macs[owner]), answers[0].hex()
        if ":" in target:
            assert answers[0][58] == 0xE0 if not is_unicast else answers[0][58] & 0x40
        else:
            assert answers[0][22:28] == mac_bytes(split.macs[owner])


def test_r30_without_the_program_nobody_answers(split: Routing) -> None:
    """So this lab can fail."""
    serve_by(split, "s1")
    namespace = split.pair.s1.namespace
    namespace.run("tc", "filter", "del", "dev", "br0.10", "ingress", "pref", "2")
    for target in targets(split, "s2"):
        asker = address(NUMBER, 10, 6 if ":" in target else 4)
        assert hears_nothing(split.r.leg("s1"), question(split, target, asker, split.r.mac, "s2",
                                                         False), split.r.port)


def test_r30_what_is_not_the_peers_or_tries_an_address_gets_no_answer(split: Routing) -> None:
    """A third party's address; ARP probes and DAD; the peer's MAC as sender."""
    serve_by(split, "s1")
    leg, mac, bond = split.r.leg("s1"), split.r.mac, split.r.port
    peers, peers6 = targets(split, "s2")[:2]
    group, group_mac = solicited_node(peers6)
    for frame in (
            arp(1, BROADCAST, mac, address(NUMBER, 10), NOBODY, address(99, 10)),
            arp(1, BROADCAST, mac, "0.0.0.0", NOBODY, peers),
            arp(1, BROADCAST, mac, peers, NOBODY, peers),
            solicitation(group_mac, mac, "::", group, peers6, has_source_mac=False),
            arp(1, BROADCAST, split.macs["s2"], address(NUMBER, 10), NOBODY, peers)):
        assert hears_nothing(leg, frame, bond), frame.hex()


def test_r30_a_host_behind_an_access_port_and_no_way_around_the_bridge(split: Routing) -> None:
    """An orphan in its VLAN; a tag of another; a port that is locked, or blocked."""
    host, namespace = split.pair.hosts["o1"], split.pair.s1.namespace
    asker, target = split.host_ip(host), address(2, 20)
    plain = arp(1, BROADCAST, host.mac, asker, NOBODY, target)
    assert len(ask(host.port, plain)) == 1
    tagged = arp(1, BROADCAST, host.mac, address(NUMBER, 10), NOBODY, address(2, 10), tag=10)
    assert hears_nothing(host.port, tagged)
    stranger = arp(1, BROADCAST, "02:00:00:00:09:99", "10.0.20.99", NOBODY, target)
    namespace.run("bridge", "link", "set", "dev", "o1", "locked", "on", "learning", "off")
    try:
        assert hears_nothing(host.port, stranger)
    finally:
        namespace.run("bridge", "link", "set", "dev", "o1", "locked", "off", "learning", "on")
    namespace.run("bridge", "link", "set", "dev", "o1", "state", "0")
    try:
        assert hears_nothing(host.port, plain)
    finally:
        namespace.run("bridge", "link", "set", "dev", "o1", "state", "3")
    assert len(ask(host.port, plain)) == 1


def test_r30_r_finds_both_members_by_its_own_stack(split: Routing) -> None:
    """However its bond hashes, after a flush; so it can go on using the peer as a gateway (R21)."""
    namespace = split.r.namespace
    for version in (4, 6):
        for _ in range(3):
            namespace.run("ip", f"-{version}", "neigh", "flush", "dev", "bond0")
            for number, member in enumerate(MEMBERS, 1):
                target = address(number, 10, version)
                namespace.run("ping", "-n", "-q", "-c", "1", "-W", "1", target, check=False)
                mac = wait_for(f"{target} at R", lambda t=target: found_mac(split, t), ANSWER_S)
                assert mac == split.macs[member], f"{target}: {mac}"


def found_mac(lab: Routing, target: str) -> str | None:
    """At which MAC R's own stack has found an address."""
    rows = lab.r.namespace.json("ip", "-j", "neigh", "show", target, "dev", "bond0")
    return rows[0].get("lladdr") if rows else None


def test_r30_it_is_counted(split: Routing) -> None:
    """At the SVI, once an answer."""
    serve_by(split, "s1")
    before = split.pair.s1.mlagd.counter("answered", "br0.10")
    frame = question(split, address(2, 10), address(NUMBER, 10), split.r.mac, "s2", False)
    assert len(ask(split.r.leg("s1"), frame, split.r.port)) == 1
    assert split.pair.s1.mlagd.counter("answered", "br0.10") == before + 1


def test_r30_it_ends_with_the_split(lab: Routing) -> None:
    """Nothing is attached before and after; then the owner alone answers, over the peer link."""
    for switch in lab.pair.switches.values():
        wait_for("no program", lambda s=switch: not filters(s), SLOW, show=lambda s=switch: filters(s))
    before = lab.pair.s1.mlagd.counter("answered")
    lab.pair.wait_known(vlan=10)
    for target in targets(lab, "s2"):
        asker = address(NUMBER, 10, 6 if ":" in target else 4)
        answers = ask(lab.r.leg("s1"), question(lab, target, asker, lab.r.mac, "s2", False),
                      lab.r.port)
        assert len(answers) == 1 and answers[0][6:12] == mac_bytes(lab.macs["s2"])
    assert lab.pair.s1.mlagd.counter("answered") == before


def test_r30_a_daemon_that_dies_stops_answering(split: Routing) -> None:
    """Its lease runs out: nobody knows any more whether the peer link is down."""
    serve_by(split, "s1")
    target = address(2, 10)
    frame = question(split, target, address(NUMBER, 10), split.r.mac, "s2", False)
    assert len(ask_again(split.r.leg("s1"), frame, split.r.port)) == 1
    split.pair.s1.mlagd.stop(signal.SIGKILL)
    try:
        wait_for("silence", lambda: hears_nothing(split.r.leg("s1"), frame, split.r.port), SLOW, 0.2)
    finally:
        split.pair.s1.mlagd.start()
        split.pair.s1.mlagd.wait_status(SLOW, verdict="split")


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("member", ["s1", pytest.param("s2", marks=pytest.mark.long)])
def test_r30_a_restart_in_a_split_goes_on_answering(patient: None, split: Routing, member: str,
                                                    how: str) -> None:
    """Verdict, role and the peer's addresses are what they were, before the peer has said a word."""
    del patient
    switch = split.pair.switches[member]
    other = next(found for name, found in split.pair.switches.items() if name != member)
    serve_by(split, member)
    before = {key: switch.mlagd.query("status")[key] for key in ("verdict", "role", "role_epoch")}
    assert before["verdict"] == "split"
    size = len(switch.mlagd.log())
    switch.mlagd.stop(signal.Signals[how])
    switch.mlagd.start()
    switch.mlagd.wait_status(SLOW)
    assert {key: switch.mlagd.query("status")[key] for key in before} == before
    for target in targets(split, other.name):
        asker = address(NUMBER, 10, 6 if ":" in target else 4)
        answers = ask_again(split.r.leg(member), question(split, target, asker, split.r.mac, other.name,
                                                          False), split.r.port)
        assert len(answers) == 1 and answers[0][6:12] == mac_bytes(split.macs[other.name]), target
    said = switch.mlagd.log()[size:]
    assert "going on with the data plane" in said and "verdict:" not in said, said
    assert "no longer answered" not in said, said
    other.mlagd.wait_status(SLOW, verdict="split")


def test_r30_r26_a_dead_peers_addresses_are_answered_and_routed_by(lab: Routing) -> None:
    """The box is gone: a router with a static route by it finds its MAC for ever, and loses nothing."""
    victim, switch = lab.pair.s2, lab.pair.s1
    lab.pair.wait_known(vlan=10)
    links = [host.switch_link() for host in lab.pair.hosts.values() if "s2" in host.members]
    r, h, target = lab.r.namespace, lab.host_ip(lab.h), address(2, 10)
    r.ip(f"route replace {h}/32 via {target} dev bond0")
    try:
        assert victim.mlagd.process is not None
        victim.mlagd.stop(signal.SIGKILL)
        for ifname in (*links, "peerlink", "backup"):
            victim.namespace.set_up(ifname, False)
        switch.mlagd.wait_status(SLOW, verdict="alone")
        wait_for("the programs", lambda: filters(switch), SLOW)
        for peers in targets(lab, "s2"):
            asker = address(NUMBER, 10, 6 if ":" in peers else 4)
            answers = ask(lab.r.leg("s1"), question(lab, peers, asker, lab.r.mac, "s2", False),
                          lab.r.port)
            assert len(answers) == 1 and answers[0][6:12] == mac_bytes(lab.macs["s2"]), peers
        r.run("ip", "neigh", "flush", "dev", "bond0")
        done = r.run("ping", "-n", "-q", "-c", "20", "-i", "0.1", "-W", "5", h, check=False)
        assert " 0% packet loss" in done.stdout, done.stdout
        switch.namespace.run("tc", "filter", "del", "dev", "br0.10", "ingress", "pref", "2")
        r.run("ip", "neigh", "flush", "dev", "bond0")
        done = r.run("ping", "-n", "-q", "-c", "3", "-i", "0.1", "-W", "1", h, check=False)
        assert " 100% packet loss" in done.stdout, f"this lab cannot fail: {done.stdout}"
    finally:
        r.ip(f"route del {h}/32 via {target} dev bond0")
        for ifname in (*links, "peerlink", "backup"):
            victim.namespace.set_up(ifname, True)
        victim.mlagd.start()
        lab.pair.wait_whole(REJOIN)


def test_r30_nothing_is_left_in_the_end(lab: Routing) -> None:
    """Also of the daemon that was killed."""
    for switch in lab.pair.switches.values():
        wait_for("no program", lambda s=switch: not filters(s), SLOW, show=lambda s=switch: filters(s))
