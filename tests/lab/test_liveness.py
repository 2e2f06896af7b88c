# SPDX-License-Identifier: BSD-2-Clause
"""Liveness and verdicts (DESIGN §2): every way to lose the peer is another finding in `status`.

The pair has a backup path.  Each test breaks one thing, reads what both members find and conclude,
mends it, and sees the pair peered again by itself.  Times are those at which the line is in the log.
"""

import os
import re
import signal
import socket
import struct
import time
from typing import Callable, Iterator

import pytest

from mlab import BROADCAST, Pair
from mlab.liveness import Mark, daemon_pid, expect_in_time, mend, mute, stop, wait_found
from mlab.netns import Namespace
from mlab.topology import MEMBERS

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
PAIR = {"has_backup": True}
VLAN = 10
HOLD = 3 * 1.2                # seconds: restart-hold of the labs + 20 %
ETHERTYPE = 0x88b5
GROUP = bytes.fromhex("0180c2000002")


def LAYOUT(pair: Pair) -> None:
    """A dual host and an orphan on each side."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


@pytest.fixture(autouse=True)
def whole_again(pair: Pair) -> Iterator[None]:
    """Each test begins whole, and the pair comes together again by itself after it."""
    pair.wait_whole()
    yield
    mend(pair)
    pair.wait_whole(60)


# -- the hellos themselves ---------------------------------------------------------------------


def hear(namespace: Namespace, ifname: str) -> socket.socket:
    """A socket on hellos of one device."""
    sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((ifname, ETHERTYPE))
    sock.settimeout(0.2)
    return sock


def test_r10_hellos_are_on_the_peer_link_every_interval_and_do_not_cross_the_bridge(
        pair: Pair) -> None:
    """Ten a second on the device itself, none at a host, also with group_fwd_mask at its worst."""
    for switch in pair.switches.values():
        switch.namespace.ip("link set br0 type bridge group_fwd_mask 65528")
    try:
        with hear(pair.s2.namespace, "peerlink") as link:
            hosts = [hear(port.namespace, port.ifname)
                     for host in pair.hosts.values() for port in host.ports()]
            frames, deadline = [], time.monotonic() + 2
            while time.monotonic() < deadline:
                try:
                    frames.append(link.recv(2048))
                except TimeoutError:
                    pass
            assert 10 <= len(frames) <= 30, len(frames)
            for frame in frames:
                assert frame[:6] == GROUP and frame[14:18] == b"mlag"
                assert struct.unpack(">H", frame[20:22])[0] <= len(frame) - 14
            for sock in hosts:
                sock.setblocking(False)
                with pytest.raises(BlockingIOError):
                    sock.recv(2048)
                sock.close()
        assert pair.s1.mlagd.query("status")["peer_link"]["usable"]
    finally:
        for switch in pair.switches.values():
            switch.namespace.ip("link set br0 type bridge group_fwd_mask 0")


def test_both_paths_alive_and_heard_both_ways_in_a_whole_pair(pair: Pair) -> None:
    """The contract's keys, and what explains the verdict."""
    for switch in pair.switches.values():
        status = switch.mlagd.query("status")
        assert status["peer"]["paths"] == {"peer_link": "alive", "backup": "alive"}
        assert status["findings"] == {"peer": "well", "peer_link": "good", "backup": "good"}
        assert status["peer_link"]["usable"]
        assert status["because"] and status["next"]


# -- the daemon of the peer ----------------------------------------------------------------------


def test_hung_daemon_for_a_moment_is_found_and_nothing_else_happens(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """S2 hangs, S1 freezes; S2 goes on and has not held its own absence against S1."""
    log2 = stop(pair, tell, "hung daemon")
    status = wait_found(pair.s1, "resync", "peer-hung", "session-down", peer="hung",
                        peer_link="dead", backup="dead")
    assert status["peer_link"]["carrier"] and not status["peer_link"]["usable"]
    assert status["role"] == "primary"
    os.kill(daemon_pid(pair.s2), signal.SIGCONT)
    pair.wait_whole()
    text = log2.text()
    assert not re.search(r"^(peer link|backup path): good -> silent", text, re.MULTILINE), text
    assert not re.search(r"^verdict: .* -> (alone|split)", text, re.MULTILINE), text
    assert pair.s2.mlagd.query("status")["role"] == "secondary"


@pytest.mark.parametrize("victim", MEMBERS)
def test_hung_daemon_for_long_is_alone_and_r1_stays_in_force(pair: Pair, victim: str) -> None:
    """The silent data plane may forward: promoted after the hold, and nothing is lifted (R2)."""
    switch = pair.switches[victim]
    other = next(entry for entry in pair.switches.values() if entry is not switch)
    before = other.mlagd.query("status")
    since = time.monotonic()
    os.kill(daemon_pid(switch), signal.SIGSTOP)
    status = wait_found(other, "alone", "peer-hung", peer="hung", timeout=20)
    assert time.monotonic() - since >= HOLD - 0.2  # it counts from the last hello
    assert status["role"] == "primary"
    assert (status["role_epoch"] > before["role_epoch"]) == (before["role"] != "primary")
    assert other.mlagd.lag("bond1")["isolated"], "R1 was lifted on a mere silence"
    os.kill(daemon_pid(switch), signal.SIGCONT)
    pair.wait_whole(60)
    # A survivor stays primary.
    assert other.mlagd.query("status")["role"] == "primary"
    assert switch.mlagd.query("status")["role"] == "secondary"


def test_killed_daemon_is_another_finding_than_a_hung_one(pair: Pair,
                                                          tell: Callable[[str], None]) -> None:
    """Its end closed the session: noticed at once, frozen all the same."""
    log1 = Mark(pair.s1)
    since = time.monotonic()
    os.kill(daemon_pid(pair.s2), signal.SIGKILL)
    noticed = log1.wait(r"^peer: .* -> ended")
    expect_in_time(tell, "killed daemon: found to have ended", (noticed - since) * 1e3)
    wait_found(pair.s1, "resync", "peer-ended", peer="ended")


def test_refusing_daemon_is_resync_for_ever_and_never_alone(pair: Pair) -> None:
    """Another domain id: hellos prove life and nothing else, the session is refused."""
    daemon = pair.s2.mlagd
    daemon.stop()
    daemon.config["domain"]["id"] = "2"
    try:
        daemon.start()
        for switch in pair.switches.values():
            wait_found(switch, "resync", "refused", peer="refused", peer_link="alive", timeout=20)
        logs = [Mark(switch) for switch in pair.switches.values()]
        time.sleep(HOLD + 1)
        for switch, log in zip(pair.switches.values(), logs):
            wait_found(switch, "resync", "refused", peer="refused", peer_link="alive")
            assert "verdict:" not in log.text()
    finally:
        daemon.stop()
        daemon.config["domain"]["id"] = "1"
        daemon.start()


def leaving_hello(last: bytes) -> bytes:
    """A hello as docs/protocol.md writes it, of one who leaves: the next but some after `last`."""
    member_id, boot_id, _, sequence = struct.unpack_from(">6sQHI", last, 12)
    head = struct.pack(">4sBBHHH6sQHI", b"mlag", 1, 1, 58, 1, 0, member_id, boot_id, 0,
                       sequence + 1000)
    return head + struct.pack(">QBBBBIHHIH", 0, 0, 1, 0, 0, 0, 2000, 100, 3000, 0)


def test_goodbye_is_left_and_not_dead(pair: Pair) -> None:
    """A hello that says so, on the wire: the one who stays is alone at once, without a hold."""
    with hear(pair.s1.namespace, "peerlink") as link:
        frame = link.recv(2048)
    pair.s2.mlagd.stop()
    with pair.s2.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("peerlink", 0))
        sock.send(frame[:14] + leaving_hello(frame[14:]))
    status = wait_found(pair.s1, "alone", "peer-left", peer="left", timeout=2)
    assert status["role"] == "primary"


# -- the paths -----------------------------------------------------------------------------------


def test_cut_peer_link_is_split_at_once(pair: Pair, tell: Callable[[str], None]) -> None:
    """Carrier counts at once, and a hello that was sent after it proves the peer alive."""
    logs = [Mark(switch) for switch in pair.switches.values()]
    since = time.monotonic()
    pair.s2.namespace.set_up("peerlink", False)
    for switch, log in zip(pair.switches.values(), logs):
        noticed = log.wait(r"^peer link: good -> (no-carrier|unheard)")
        concluded = log.wait(r"^verdict: .* -> split")
        expect_in_time(tell, f"cut peer link: {switch.name} noticed", (noticed - since) * 1e3)
        expect_in_time(tell, f"cut peer link: {switch.name} split", (concluded - since) * 1e3)
        wait_found(switch, "split", "peer-link-down", link="no-carrier", peer_link="dead",
                   backup="alive")
    assert {switch.mlagd.query("status")["role"] for switch in pair.switches.values()} == {
        "primary", "secondary"}


def test_peer_link_that_passes_nothing_with_its_carrier_up(pair: Pair,
                                                           tell: Callable[[str], None]) -> None:
    """Nobody but hellos tells; the pair is split, and nobody is dead."""
    logs = [Mark(switch) for switch in pair.switches.values()]
    for switch in pair.switches.values():
        mute(switch, "peerlink", True)
        if switch is pair.s1:
            since = time.monotonic()  # tc itself takes its time
            for other, log in zip(pair.switches.values(), logs):
                noticed = log.wait(r"^peer link: good -> (silent|deaf|unheard)")
                expect_in_time(tell, f"mute peer link: {other.name} noticed",
                               max(0, noticed - since) * 1e3)
    for switch in pair.switches.values():
        status = wait_found(switch, "split", "peer-link-silent", link="silent", peer_link="dead",
                            backup="alive")
        assert status["peer_link"]["carrier"] and not status["peer_link"]["usable"]


def test_one_way_peer_link_is_found_by_both(pair: Pair) -> None:
    """S1 does not hear S2; S2 hears S1 say so."""
    mute(pair.s1, "peerlink", True)
    wait_found(pair.s1, "split", "peer-link-one-way", link="deaf", peer_link="dead",
               backup="alive")
    wait_found(pair.s2, "split", "peer-link-one-way", link="unheard", peer_link="alive",
               backup="alive")


def test_backup_down_is_named_and_changes_nothing(pair: Pair) -> None:
    """Peered, degraded: the second path would be missed one day."""
    pair.s1.namespace.set_up("backup", False)
    for switch in pair.switches.values():
        wait_found(switch, "peered", "backup-silent", peer="well", peer_link="alive",
                   backup="dead")


def test_one_way_backup_is_named(pair: Pair) -> None:
    """As on the peer link."""
    mute(pair.s1, "backup", True)
    for switch in pair.switches.values():
        wait_found(switch, "peered", "backup-one-way")


def test_dead_box_is_dead_because_both_paths_fell_silent_at_once(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """The survivor is primary after the dead time, and its legs never flinch."""
    log2 = Mark(pair.s2)
    since = time.monotonic()
    os.kill(daemon_pid(pair.s1), signal.SIGKILL)
    for device in ("peerlink", "backup", "a-leg", "o1"):
        pair.s1.namespace.set_up(device, False)
    concluded = log2.wait(r"^verdict: .* -> alone:")
    expect_in_time(tell, "dead box: survivor alone", (concluded - since) * 1e3)
    status = wait_found(pair.s2, "alone", "peer-dead", "peer-link-down", peer="dead")
    assert status["role"] == "primary"
    assert not re.search(r"^leg bond1 .*open ->", log2.text(), re.MULTILINE), log2.text()
    assert "-> split" not in log2.text()


@pytest.mark.parametrize("first", ["backup", "peerlink"])
def test_a_path_that_died_earlier_proves_nothing(pair: Pair, first: str) -> None:
    """One path goes, later the other: nobody is proven dead, nobody is promoted."""
    pair.s1.namespace.set_up(first, False)
    wait_found(pair.s2, "peered" if first == "backup" else "split",
               "backup-silent" if first == "backup" else "peer-link-down")
    time.sleep(1)
    roles = {switch.name: switch.mlagd.query("status")["role"] for switch in pair.switches.values()}
    pair.s1.namespace.set_up("peerlink" if first == "backup" else "backup", False)
    for switch in pair.switches.values():
        status = wait_found(switch, "alone-unsure", "peer-unknown", peer="unknown")
        assert status["role"] == roles[switch.name]


# -- the role --------------------------------------------------------------------------------------


def test_role_moves_by_command_without_loss(pair: Pair) -> None:
    """Both agree, the epoch is higher, and every frame arrives once while it moves."""
    pair.wait_known(vlan=VLAN)
    before = {switch.name: switch.mlagd.query("status") for switch in pair.switches.values()}
    old, new = sorted(pair.switches.values(), key=lambda s: before[s.name]["role"] == "secondary")
    with pair.traffic() as run:
        flows = [pair.flow(run, pair.hosts[name], dst, vlan=VLAN, rate=300, count=900)
                 for name, dst in (("o1", pair.hosts["a"].mac), ("o2", pair.hosts["a"].mac),
                                   ("o1", BROADCAST), ("a", pair.hosts["o2"].mac))]
        run.start()
        run.wait_sent(flows[0], 300)
        done = new.mlagd.ctl("-j", "role", "primary")
        assert done.returncode == 0, done.stderr
        run.finish()
    for flow in flows:
        run.result(flow, "o2" if flow is flows[3] else "a").assert_exactly_once()
    after = {switch.name: switch.mlagd.query("status") for switch in pair.switches.values()}
    assert (after[old.name]["role"], after[new.name]["role"]) == ("secondary", "primary")
    assert after[new.name]["role_epoch"] > before[old.name]["role_epoch"]
    assert {status["verdict"] for status in after.values()} == {"peered"}
    again = new.mlagd.ctl("role", "primary")
    assert again.returncode == 0 and "already" in again.stdout
    wrong = new.mlagd.ctl("role", "secondary")
    assert wrong.returncode == 3, wrong.stdout + wrong.stderr


def test_role_is_not_taken_from_a_peer_that_does_not_answer(pair: Pair) -> None:
    """It may lead, and would not hear of it: refused, with the reason."""
    primary, secondary = sorted(
        pair.switches.values(),
        key=lambda s: s.mlagd.query("status")["role"] == "secondary")
    os.kill(daemon_pid(primary), signal.SIGSTOP)
    wait_found(secondary, "resync", "peer-hung")
    done = secondary.mlagd.ctl("role", "primary")
    assert done.returncode == 4 and "does not answer" in done.stderr, done.stderr
    assert secondary.mlagd.query("status")["role"] == "secondary"
