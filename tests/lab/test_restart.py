# SPDX-License-Identifier: BSD-2-Clause
"""Restarts and upgrades of mlagd under traffic (DESIGN §2): nobody notices.

SIGTERM and SIGKILL, of one daemon, of both one after the other and of both at once, with traffic from
and to every kind of host: A and B are dual, H is half-attached (its leg to S2 is cut), O1 and O2 are
orphans.  Every frame is counted where it arrives.  Routed traffic is in test_routing.py.
"""

import json
import os
import signal
import socket
import struct
import time
from typing import Any, Callable, Iterator, Sequence

import pytest

from mlab import BROADCAST, LabError, Pair, suites, wait_for
from mlab.daemon import MLAGD, ROOT, next_release
from mlab.netns import run as run_command
from mlab.topology import MEMBERS, PL, Host, Switch
from mlab.traffic import UNKNOWN, Traffic

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
VLAN = 10
FLOOD_RATE, UNICAST_RATE = 40, 12
MANY = 50_000
HOLD_S = 8  # restart-hold here: far beyond what a restart takes on a slow machine
WITHOUT_BPFFS = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/bpf && exec "$0" "$@"']


def LAYOUT(pair: Pair) -> None:
    """A and B are dual, H loses its leg to S2, O1 and O2 are orphans."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("b", lag_id=2, access=VLAN)
    pair.host("h", lag_id=3, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


def wait_half(pair: Pair, timeout: float = 30) -> None:
    """Wait until both are peered, A and B dual, H on S1 only, and all are known to both."""
    wanted = {"s1": {"bond1": "dual", "bond2": "dual", "bond3": "local-only"},
              "s2": {"bond1": "dual", "bond2": "dual", "bond3": "peer-only"}}

    def probe() -> bool:
        for name, switch in pair.switches.items():
            status = switch.mlagd.query("status")
            if status["verdict"] != "peered" or not status["sync"]["macs"]["match"]:
                raise LabError(f"{name}: {status['verdict']}, {status['problems']}")
            states = {row["ifname"]: row["state"] for row in switch.mlagd.query("lags")}
            if states != wanted[name]:
                raise LabError(f"{name}: {states}")
        return True

    wait_for("a half-attached pair", probe, timeout, 0.1)


@pytest.fixture(scope="module", name="half")
def half_attached(layout: Pair) -> Pair:
    """The pair with H's leg to S2 cut for good."""
    for member in MEMBERS:
        layout.prepare_daemon(member).config["peer"]["restart-hold"] = f"{HOLD_S}s"
    layout.start()
    layout.fail_leg(layout.hosts["h"], "s2")
    return layout


@pytest.fixture(autouse=True)
def settled(half: Pair) -> Iterator[None]:
    """Each test begins with both daemons running and every host known to both."""
    for switch in half.switches.values():
        switch.mlagd.command = [MLAGD]
        if not switch.mlagd.is_running():
            switch.mlagd.start()
    wait_half(half)
    half.wait_known(vlan=VLAN)
    wait_half(half)
    yield


def legs_of(host: Host) -> list[str]:
    """The members by which a host can send."""
    return ["s1"] if host.name == "h" else list(host.members)


class Everything:
    """Broadcasts and known unicast from every host by every leg, all the time of a test."""

    def __init__(self, pair: Pair, run: Traffic, seconds: float) -> None:
        self.pair, self.run = pair, run
        self.floods = [
            suites.Sent(pair.flow(run, src, BROADCAST, member, VLAN, rate=FLOOD_RATE,
                                  count=int(FLOOD_RATE * seconds)), src, member, VLAN)
            for src in pair.hosts.values() for member in legs_of(src)]
        self.unicasts = [
            suites.Sent(pair.flow(run, src, dst.mac, member, VLAN, rate=UNICAST_RATE,
                                  count=int(UNICAST_RATE * seconds)), src, member, VLAN, dst)
            for src in pair.hosts.values() for dst in pair.hosts.values() if dst is not src
            for member in legs_of(src)]

    def begin(self) -> None:
        """Send, and wait until it flows."""
        self.run.start()
        self.run.wait_sent(self.floods[0].flow, FLOOD_RATE)

    def results(self) -> list[Any]:
        """What had to arrive: of each flow at each of its receivers."""
        found = [self.run.result(sent.flow, host.name) for sent in self.floods
                 for host in self.pair.hosts.values() if host is not sent.src]
        return found + [self.run.result(sent.flow, sent.dst.name) for sent in self.unicasts
                        if sent.dst is not None]

    def faults(self) -> list[str]:
        """Lost, doubled, back at its sender, twice on the peer link, or where it does not belong."""
        found = [str(result) for result in self.results() if result.missing or result.duplicates]
        for sent in self.floods + self.unicasts:
            crossing = self.run.result(sent.flow, PL)
            if crossing.duplicates:
                found.append(f"twice on the peer link: {crossing}")
            for host in self.pair.hosts.values():
                strange = host is sent.src or (sent.dst is not None and host is not sent.dst)
                if strange and self.run.result(sent.flow, host.name).unique:
                    found.append(f"must not arrive: {self.run.result(sent.flow, host.name)}")
        return found

    def lost(self) -> int:
        """Frames that did not arrive somewhere."""
        return sum(result.missing for result in self.results())

    def doubled(self) -> int:
        """Surplus copies."""
        return sum(result.duplicates for result in self.results())

    def count(self) -> int:
        """Frames that had to arrive."""
        return sum(result.sent for result in self.results())


def opinion(switch: Switch) -> dict[str, Any]:
    """What must be the same before and after: role, verdict, LAGs, MACs, addresses."""
    status = switch.mlagd.query("status")
    macs = sorted(switch.mlagd.query("macs"), key=lambda row: (row["vlan"], row["mac"]))
    return {"role": status["role"], "role_epoch": status["role_epoch"],
            "verdict": status["verdict"],
            "lags": switch.mlagd.query("lags"), "macs": macs,
            "addresses": sorted(switch.mlagd.query("addresses"), key=json.dumps)}


def entries(switch: Switch) -> list[str]:
    """The FDB without what moves by itself: MAC, VLAN, port and kind of each entry."""
    return sorted(json.dumps([row["mac"], row.get("vlan"), row["ifname"], row["flags"],
                              row.get("state")]) for row in switch.fdb())


def end(switches: Sequence[Switch], how: signal.Signals) -> None:
    """All get the signal before any is waited for."""
    for switch in switches:
        assert switch.mlagd.process is not None
        switch.mlagd.process.send_signal(how)
    for switch in switches:
        switch.mlagd.stop(how)


def log_since(switch: Switch, size: int) -> str:
    """What was logged since the log had this size."""
    return switch.mlagd.log()[size:]


def check_restart(pair: Pair, members: Sequence[str], how: signal.Signals, tell: Callable,
                  seconds: float = 6, command: Sequence[str] = ()) -> list[str]:
    """Restart under traffic; demand 0 lost, 0 doubled, same opinions.  Returns the new log texts."""
    switches = [pair.switches[name] for name in members]
    before = {name: opinion(switch) for name, switch in pair.switches.items()}
    sizes = [len(switch.mlagd.log()) for switch in switches]
    with pair.traffic(frames=1 << 15) as run:
        everything = Everything(pair, run, seconds)
        everything.begin()
        end(switches, how)
        time.sleep(0.5)  # frames meet a switch without a daemon
        for switch in switches:
            switch.mlagd.command = list(command) or switch.mlagd.command
            switch.mlagd.start()
        wait_half(pair)
        run.finish()
    after = {name: opinion(switch) for name, switch in pair.switches.items()}
    tell(f"{how.name} of {' and '.join(members)}: {everything.lost()} lost and "
         f"{everything.doubled()} doubled of {everything.count()}")
    faults = everything.faults()
    assert not faults, "\n".join(faults)
    assert after == before
    return [log_since(switch, size) for switch, size in zip(switches, sizes)]


# -- the matrix -------------------------------------------------------------------------------


@pytest.mark.parametrize("members, how", [
    (("s1",), "SIGKILL"), (("s2",), "SIGTERM"), (("s1", "s2"), "SIGKILL"),
    *(pytest.param(members, how, marks=pytest.mark.long)
      for members, how in ((("s1",), "SIGTERM"), (("s2",), "SIGKILL"), (("s1", "s2"), "SIGTERM")))])
def test_safe40_a_restart_is_not_noticed(half: Pair, members: tuple[str, ...], how: str,
                                         tell: Callable[[str], None]) -> None:
    """0 lost, 0 doubled; role, verdict, LAGs, MACs and the kernel's entries as before."""
    kernels = {name: entries(switch) for name, switch in half.switches.items()}
    ports = {name: sorted(dump(switch, "mlag_ports"), key=json.dumps)
             for name, switch in half.switches.items()}
    for log in check_restart(half, members, signal.Signals[how], tell):
        assert "going on with the data plane" in log
        assert "verdict: starting" not in log and "leg bond" not in log, log
    assert {name: entries(switch) for name, switch in half.switches.items()} == kernels
    # Gates, R1, generations, and where each port counts.
    assert {name: sorted(dump(switch, "mlag_ports"), key=json.dumps)
            for name, switch in half.switches.items()} == ports


@pytest.mark.long
def test_safe40_one_restart_after_the_other_is_not_noticed(half: Pair,
                                                           tell: Callable[[str], None]) -> None:
    """The second daemon ends as soon as the first is back."""
    with half.traffic(frames=1 << 15) as run:
        everything = Everything(half, run, 9)
        everything.begin()
        for _ in range(2):
            for switch in half.switches.values():
                end([switch], signal.SIGKILL)
                switch.mlagd.start()
                time.sleep(0.3)
        run.finish()
    tell(f"{everything.lost()} lost and {everything.doubled()} doubled of {everything.count()}")
    faults = everything.faults()
    assert not faults, "\n".join(faults)


def test_safe40_the_peers_daemon_is_dead(half: Pair, tell: Callable[[str], None]) -> None:
    """A restart while nobody answers: no hold until startup-wait, floods by all legs go on."""
    role = half.s1.mlagd.query("status")["role"]
    with half.traffic(frames=1 << 15) as run:
        everything = Everything(half, run, 9)
        everything.begin()
        end([half.s2], signal.SIGKILL)
        end([half.s1], signal.SIGKILL)
        half.s1.mlagd.start()
        half.s1.mlagd.wait_status(10, verdict="resync", role=role)
        run.finish()
    tell(f"{everything.lost()} lost and {everything.doubled()} doubled of {everything.count()}")
    faults = everything.faults()
    assert not faults, "\n".join(faults)
    # What it knew of the peer it knows still.
    assert {row["mac"] for row in half.s1.mlagd.query("macs")} >= {
        host.mac for host in half.hosts.values()}


@pytest.mark.long
def test_safe40_nothing_is_held_by_a_start_after_the_lease(half: Pair,
                                                           tell: Callable[[str], None]) -> None:
    """Both were dead for longer than restart-hold; one starts, alone."""
    end([half.s1, half.s2], signal.SIGTERM)
    time.sleep(HOLD_S + 1)
    with half.traffic(frames=1 << 15) as run:
        everything = Everything(half, run, 8)
        everything.begin()
        half.s1.mlagd.start()
        half.s1.mlagd.wait_status(10)
        time.sleep(2)
        half.s2.mlagd.start()
        run.finish()
    tell(f"{everything.lost()} lost and {everything.doubled()} doubled of {everything.count()}")
    faults = everything.faults()
    assert not faults, "\n".join(faults)


# -- the world changed while nobody looked ------------------------------------------------------


@pytest.mark.parametrize("change", ["fails", pytest.param("returns", marks=pytest.mark.long)])
def test_safe40_a_leg_changes_while_the_daemon_is_down(half: Pair, change: str,
                                                       tell: Callable[[str], None]) -> None:
    """What is wrong by now is put right; everything else is left alone, and nothing is doubled."""
    a, b, o1, o2 = (half.hosts[name] for name in ("a", "b", "o1", "o2"))
    if change == "returns":
        half.fail_leg(a, "s1")
        wait_for("the leg down", lambda: half.s1.mlagd.lag("bond1")["state"] == "peer-only")
    with half.traffic(frames=1 << 15) as run:
        others = [half.flow(run, src, dst, member, VLAN, rate=50, count=500)
                  for src, dst, member in ((b, o1.mac, "s1"), (b, o1.mac, "s2"), (o2, b.mac, None),
                                           (o1, b.mac, None), (b, BROADCAST, "s1"),
                                           (b, BROADCAST, "s2"), (o1, BROADCAST, None))]
        to_a = [half.flow(run, src, dst, None, VLAN, rate=100, count=1000)
                for src, dst in ((o1, a.mac), (o2, a.mac), (o1, UNKNOWN), (o2, BROADCAST))]
        run.start()
        run.wait_sent(others[0], 50)
        end([half.s1], signal.SIGKILL)
        (half.fail_leg if change == "fails" else half.heal_leg)(a, "s1")
        time.sleep(0.5)
        half.s1.mlagd.start()
        if change == "fails":
            wait_for("the leg down", lambda: half.s1.mlagd.lag("bond1")["state"] == "peer-only")
        else:
            wait_half(half)
        run.finish()
    for flow, names in zip(others, (("o1",), ("o1",), ("b",), ("b",), ("o1", "o2"), ("o1", "o2"),
                                    ("b", "o2"))):
        for name in names:
            run.result(flow, name).assert_exactly_once()
    for flow in others + to_a:
        for name in (*half.hosts, PL):
            run.result(flow, name).assert_no_duplicate()
    lost = [f"{flow.name} {run.result(flow, 'a').lost_ms:.0f} ms" for flow in to_a]
    tell(f"a leg {change}; lost towards A: {', '.join(lost)}")
    half.heal_leg(a, "s1")


def test_safe40_a_lag_that_left_the_configuration_is_cleaned(half: Pair) -> None:
    """Removed while the daemon was down: filter, flags, backup port and entries of a leg are gone."""
    switch, daemon = half.s1, half.s1.mlagd
    config = {name: dict(values) for name, values in daemon.config.items()}
    end([switch], signal.SIGTERM)
    del daemon.config["lag bond2"]
    daemon.start()
    try:
        daemon.wait_status(10, verdict="peered")
        port = switch.namespace.link("bond2")["linkinfo"]["info_slave_data"]
        assert port["bcast_flood"] and port["flood"] and port["mcast_flood"]
        assert "backup_port" not in port, port
        shown = switch.namespace.run("tc", "filter", "show", "dev", "bond2", "egress").stdout
        assert "direct-action" not in shown, shown
        assert [row["ifname"] for row in daemon.query("lags")
                if row["state"] == "dual"] == ["bond1"]
        b = half.hosts["b"].mac
        wait_for("no entry of a leg", lambda: not [
            row for row in switch.fdb() if row["mac"] == b and row["ifname"] == "bond2"
            and row.get("state") == "static"], 10)
    finally:
        end([switch], signal.SIGTERM)
        daemon.config.clear()
        daemon.config.update(config)
        daemon.start()


@pytest.mark.long
def test_a_device_that_is_gone_leaves_no_row_behind(half: Pair) -> None:
    """A port deleted while the daemon was down is none of the next one's."""
    namespace = half.s1.namespace
    namespace.ip("link add gone type dummy", "link set gone master br0", "link set gone up")
    ifindex = namespace.link("gone")["ifindex"]
    wait_for("a row", lambda: ifindex in ports_rows(half.s1))
    end([half.s1], signal.SIGTERM)
    namespace.ip("link del gone")
    half.s1.mlagd.start()
    half.s1.mlagd.wait_status(10, verdict="peered")
    assert ifindex not in ports_rows(half.s1)


# -- upgrades, and ways to the maps --------------------------------------------------------------


def pins(switch: Switch) -> str:
    """The directory of a member's pins."""
    return f"/sys/fs/bpf/mlag/{os.stat(switch.namespace.path).st_ino}-1"


def dump(switch: Switch, name: str) -> list[dict[str, Any]]:
    """The rows of a map, by its pin."""
    return json.loads(run_command(["bpftool", "-j", "map", "dump", "pinned",
                                   f"{pins(switch)}/{name}"]).stdout)


def ports_rows(switch: Switch) -> set[int]:
    """The ports that the data plane knows."""
    return {int.from_bytes(bytes(int(octet, 16) for octet in row["key"]), "little")
            for row in dump(switch, "mlag_ports")}


def attached(switch: Switch, ifname: str) -> dict[str, Any]:
    """The program at a port's egress."""
    shown = switch.namespace.json("tc", "-j", "filter", "show", "dev", ifname, "egress")
    return next(row["options"]["prog"] for row in shown if "prog" in row.get("options", {}))


@pytest.mark.parametrize("members", [("s1",), ("s1", "s2")], ids="-".join)
def test_safe40_an_upgrade_to_a_changed_program_is_not_noticed(
        half: Pair, members: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """Another program, larger maps, longer rows; and back again."""
    tags = [attached(half.s1, ifname)["tag"] for ifname in ("bond1", "peerlink")]
    check_restart(half, members, signal.SIGTERM, tell, command=[next_release()])
    assert [attached(half.s1, ifname)["tag"] for ifname in ("bond1", "peerlink")] != tags
    check_restart(half, members, signal.SIGTERM, tell, command=[MLAGD])
    assert [attached(half.s1, ifname)["tag"] for ifname in ("bond1", "peerlink")] == tags


@pytest.mark.long
def test_safe40_without_bpffs_the_maps_are_found_by_the_programs(half: Pair,
                                                                 tell: Callable[[str], None]
                                                                 ) -> None:
    """As below `ip netns exec`, which hides bpffs: from and to a daemon that sees none."""
    check_restart(half, ["s1"], signal.SIGKILL, tell, command=[*WITHOUT_BPFFS, MLAGD])
    check_restart(half, ["s1"], signal.SIGKILL, tell, command=[MLAGD])


def as_service() -> list[str]:
    """With what systemd/mlagd.service permits: not enough to open a program by its number."""
    with open(os.path.join(ROOT, "systemd", "mlagd.service"), encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("CapabilityBoundingSet="))
    names = [name.removeprefix("CAP_").lower() for name in line.partition("=")[2].split()]
    assert "net_admin" in names and "sys_admin" not in names, names
    return ["setpriv", "--bounding-set", ",".join(["-all", *(f"+{name}" for name in names)])]


def test_safe40_with_the_capabilities_of_the_service_the_pins_lead_to_the_maps(
        half: Pair, tell: Callable[[str], None]) -> None:
    """Without CAP_SYS_ADMIN a program cannot be opened by its number."""
    check_restart(half, ["s1"], signal.SIGTERM, tell, command=[*as_service(), MLAGD])


@pytest.mark.long
def test_pins_of_maps_that_are_not_in_force_are_not_believed(half: Pair) -> None:
    """A daemon without bpffs that started afresh has other maps than those that are pinned."""
    end([half.s1], signal.SIGKILL)
    damage_state(half.s1)
    half.s1.mlagd.command = [*WITHOUT_BPFFS, MLAGD]
    half.s1.mlagd.start()
    wait_half(half)
    end([half.s1], signal.SIGKILL)
    damage_state(half.s1)  # of the pinned one: whole again
    size = len(half.s1.mlagd.log())
    half.s1.mlagd.command = [*as_service(), MLAGD]
    half.s1.mlagd.start()
    wait_half(half)
    assert "going on with the data plane" not in log_since(half.s1, size)


@pytest.mark.long
def test_with_every_filter_gone_the_pins_lead_to_the_maps(half: Pair) -> None:
    """Somebody deletes every clsact while no daemon runs: role, MACs and legs are there still."""
    before = opinion(half.s1)
    end([half.s1], signal.SIGKILL)
    for row in half.s1.namespace.json("bridge", "-j", "link", "show"):
        half.s1.namespace.run("tc", "qdisc", "del", "dev", row["ifname"], "clsact", check=False)
    size = len(half.s1.mlagd.log())
    half.s1.mlagd.start()
    wait_half(half)
    assert "going on with the data plane" in log_since(half.s1, size)
    assert opinion(half.s1) == before


# -- at scale ------------------------------------------------------------------------------------


def learn_many(switch: Switch, ifname: str, count: int) -> None:
    """Dynamic entries at a port, as if so many hosts had sent: by netlink, in batches."""
    ifindex = switch.namespace.link(ifname)["ifindex"]
    sock = switch.namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    for first in range(0, count, 200):
        numbers = range(first, min(first + 200, count))
        batch = b""
        for number in numbers:
            flags = 0x401 | (0x4 if number == numbers[-1] else 0)  # create, request, acknowledge
            batch += struct.pack("=IHHIIBxxxiHBB", 48, 28, flags, number, 0, socket.AF_BRIDGE,
                                 ifindex, 0x02, 0x04, 0)
            batch += struct.pack("=HH2sIxx", 10, 2, b"\x02\x50", number)
            batch += struct.pack("=HHHxx", 6, 5, VLAN)
        sock.send(batch)
        error = struct.unpack_from("=i", sock.recv(1 << 16), 16)[0]
        assert error == 0, os.strerror(-error)
    sock.close()


def test_safe40_with_fifty_thousand_macs(half: Pair, tell: Callable[[str], None]) -> None:
    """Both hold 50 000 MACs of one orphan's port; the daemon of either restarts under traffic."""
    learn_many(half.s1, "o1", MANY)

    def counts() -> list[tuple[int, int, bool]]:
        return [(sync["local"], sync["remote"], sync["match"]) for sync in
                (switch.mlagd.query("status")["sync"]["macs"]
                 for switch in half.switches.values())]

    def all_known() -> bool:
        (s1_local, s1_remote, s1_match), (s2_local, s2_remote, s2_match) = counts()
        return (s1_match and s2_match and s1_local == s2_remote and s2_local == s1_remote
                and s1_local >= MANY)

    try:
        wait_for("both to hold 50 000 MACs", all_known, 60, 0.5, show=counts)
        for switch in half.switches.values():
            before, size = [row[:2] for row in counts()], len(switch.mlagd.log())
            with half.traffic(frames=1 << 15) as run:
                everything = Everything(half, run, 12)
                everything.begin()
                end([switch], signal.SIGKILL)
                began = time.monotonic()
                switch.mlagd.start()
                wait_for("an answer", lambda daemon=switch.mlagd: daemon.query("status"), 10, 0.02)
                answered = time.monotonic() - began
                wait_for("both in sync", all_known, 30, 0.1, show=counts)
                took = time.monotonic() - began
                run.finish()
            read = next(line for line in log_since(switch, size).splitlines() if "rows read" in line)
            tell(f"{switch.name}: {read}; mlagctl answers after {answered * 1000:.0f} ms, in sync "
                 f"after {took * 1000:.0f} ms; {everything.lost()} lost and "
                 f"{everything.doubled()} doubled of {everything.count()}")
            faults = everything.faults()
            assert not faults, "\n".join(faults)
            assert [row[:2] for row in counts()] == before
    finally:
        half.s1.namespace.run("bridge", "fdb", "flush", "dev", "o1", "master", check=False)
        half.s1.namespace.ip("link set o1 down", "link set o1 up")


# -- what cannot be taken over -------------------------------------------------------------------


def test_a_state_that_cannot_be_read_is_no_reason_to_fail(half: Pair) -> None:
    """Scribbled upon: a notice, and a start as if nothing had been there."""
    end([half.s1], signal.SIGKILL)
    damage_state(half.s1)
    size = len(half.s1.mlagd.log())
    half.s1.mlagd.start()
    wait_half(half)
    assert "not taken over: it is damaged" in log_since(half.s1, size)


def test_a_state_of_another_domain_is_refused(half: Pair) -> None:
    """Whose system MAC it is decides: a warning with the cause, and a fresh start; and back."""
    daemon = half.s1.mlagd
    own = daemon.config["domain"]["system-mac"]
    for mac in ("44:38:39:ff:77:77", own):
        end([half.s1], signal.SIGTERM)
        size = len(daemon.log())
        daemon.config["domain"]["system-mac"] = mac
        daemon.start()
        daemon.wait_status()
        said = log_since(half.s1, size)
        assert "not taken over: it is of another domain; starting afresh" in said, said
        assert "going on with the data plane" not in said
    wait_half(half)


def damage_state(switch: Switch) -> None:
    """Change one octet of the state that the daemon before has left."""
    value = [int(octet, 16) for octet in dump(switch, "mlag_state")[0]["value"]]
    value[100] ^= 0xff
    run_command(["bpftool", "map", "update", "pinned", f"{pins(switch)}/mlag_state", "key", "0",
                 "0", "0", "0", "value", *(str(octet) for octet in value)])


def test_this_suite_can_fail_without_the_state_frames_are_lost(half: Pair,
                                                               tell: Callable[[str], None]
                                                               ) -> None:
    """The same restart with a state that nobody can read holds floods until the session is back."""
    with half.traffic(frames=1 << 15) as run:
        everything = Everything(half, run, 8)
        everything.begin()
        end([half.s1, half.s2], signal.SIGKILL)
        for switch in half.switches.values():
            damage_state(switch)
            switch.mlagd.start()
        wait_half(half)
        run.finish()
    tell(f"nothing adopted: {everything.lost()} lost and {everything.doubled()} doubled of "
         f"{everything.count()}")
    assert everything.lost() > 0
