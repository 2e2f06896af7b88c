# SPDX-License-Identifier: BSD-2-Clause
"""Anti-entropy (LIVE-10): a divergence on a real pair is found in seconds, named, and repaired.

What is wrong is made so behind the daemon's back: in its memory (a row of its tables is found by its key
and changed), or in the kernel's tables.  And what a daemon recorded is told to another engine.
"""

import os
import re
import signal
import struct
import subprocess
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from mlab import LabError, Pair, wait_for
from mlab.daemon import BUILD
from mlab.topology import Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
VLAN = 10
SIM = os.path.join(BUILD, "tests", "sim")
FOUND_S = 3.0
ROW = struct.Struct("<Q7I2H")  # struct table_row: before the key
OWN, PEER = 0x02, 0x04
OWN_SEQ, PEER_SEQ, FLAGS = 28, 32, 36


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A pair with a host on a LAG and an orphan on each member, whose MACs are known."""
    built = Pair()
    try:
        built.host("a", lag_id=1, access=VLAN)
        built.orphan("o1", on="s1", access=VLAN)
        built.orphan("o2", on="s2", access=VLAN)
        built.build().start()
        built.wait_known(vlan=VLAN)
        yield built
    finally:
        built.close()


def match(switch: Switch) -> bool:
    """All tables are proven equal."""
    return all(table["match"] for table in switch.mlagd.query("status")["sync"].values())


def repaired(switch: Switch) -> int:
    """How many rows were wrong so far."""
    return sum(table["repaired"] for table in switch.mlagd.query("status")["sync"].values())


def mac_key(mac: str) -> bytes:
    """The key of a MAC as the table has it in memory."""
    return struct.pack("<H6s", VLAN, bytes.fromhex(mac.replace(":", "")))


class Memory:
    """Rows in the memory of a daemon."""

    def __init__(self, switch: Switch) -> None:
        assert switch.mlagd.process is not None
        self.pid = switch.mlagd.process.pid

    def maps(self) -> Iterator[tuple[int, int]]:
        """Anonymous memory that can be written: where the engine is."""
        with open(f"/proc/{self.pid}/maps", encoding="ascii") as file:
            for line in file:
                fields = line.split()
                if fields[1].startswith("rw") and fields[4] == "0" and fields[-1] != "[stack]":
                    start, end = (int(part, 16) for part in fields[0].split("-"))
                    yield start, end

    def find(self, key: bytes, flag: int) -> int:
        """The address of the row of a key that @flag is set in."""
        found = []
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            for start, end in self.maps():
                for base in range(start, end, 1 << 22):
                    try:
                        memory.seek(base)
                        data = memory.read(min(1 << 22, end - base))
                    except OSError:
                        continue
                    at = data.find(key)
                    while at >= 0:
                        if at >= ROW.size:
                            row = ROW.unpack_from(data, at - ROW.size)
                            flags = row[8]
                            if flags & 1 and flags & flag and flags < 0x200 and row[7] < 1 << 31:
                                found.append(base + at - ROW.size)
                        at = data.find(key, at + 1)
        if len(found) != 1:
            raise LabError(f"{len(found)} rows of {key.hex()} in {self.pid}")
        return found[0]

    def change(self, address: int, form: str, change: Any) -> None:
        """Change a number in place."""
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(address)
            value, = struct.unpack(form, memory.read(struct.calcsize(form)))
            memory.seek(address)
            memory.write(struct.pack(form, change(value)))


def wait_equal(pair: Pair) -> None:
    """Both say that every table is proven equal."""
    wait_for("both match", lambda: all(match(switch) for switch in pair.switches.values()), 10)


def expect_named(switch: Switch, mac: str, what: str, before: str) -> None:
    """One line of the log names table and key."""
    new = switch.mlagd.log()[len(before):]
    assert re.search(rf"tables: macs: {mac} VLAN {VLAN}: {what}; put right", new), new


@pytest.mark.parametrize("case", ["deleted", "sequence"])
def test_live10_a_row_that_changed_in_memory_is_found_and_named(pair: Pair, case: str) -> None:
    """A claim of the peer's that vanished, or whose sequence number flipped."""
    s1, s2 = pair.switches["s1"], pair.switches["s2"]
    mac = pair.hosts["o2"].mac
    wait_equal(pair)
    before, count = s1.mlagd.log(), repaired(s1)
    memory = Memory(s1)
    row = memory.find(mac_key(mac), PEER)
    started = time.monotonic()
    if case == "deleted":
        memory.change(row + FLAGS, "<H", lambda flags: flags & ~PEER)
    else:
        memory.change(row + PEER_SEQ, "<I", lambda seq: seq ^ 16)
    wait_for("found", lambda: repaired(s1) > count, FOUND_S)
    print(f"{case}: found and repaired after {time.monotonic() - started:.2f} s")
    expect_named(s1, mac, "the peer's claim was missing here" if case == "deleted"
                 else "the peer's claim was another one here", before)
    wait_equal(pair)
    rows = s1.mlagd.query("macs")
    assert [r["origin"] for r in rows if r["mac"] == mac] == ["peer"]
    assert repaired(s1) == count + 1 and repaired(s2) == 0


def test_live10_an_own_claim_that_changed_in_memory_is_told_again(pair: Pair) -> None:
    """The peer has what was sent; what was sent is not what is there."""
    s1, s2 = pair.switches["s1"], pair.switches["s2"]
    mac = pair.hosts["o1"].mac
    wait_equal(pair)
    before, count = s1.mlagd.log(), repaired(s1)
    memory = Memory(s1)
    memory.change(memory.find(mac_key(mac), OWN) + OWN_SEQ, "<I", lambda seq: seq ^ 32)
    wait_for("found", lambda: repaired(s1) > count, FOUND_S)
    expect_named(s1, mac, "our own claim was not what the peer had been told", before)
    wait_equal(pair)
    row = s2.mlagd.query("diff", mac)[0]
    assert row["equal"] and row["here"]["heard"] == row["peer"]["own"]


def test_diff_shows_both_views(pair: Pair) -> None:
    """Of a key what each claims and has heard; of a table the sums; by the word of the peer."""
    s1 = pair.switches["s1"]
    wait_equal(pair)
    rows = s1.mlagd.query("diff")
    assert {row["table"] for row in rows} == {"legs", "macs", "addresses", "neighbors"}
    assert all(row["key"] is None and row["equal"] for row in rows)
    row = s1.mlagd.query("diff", pair.hosts["o2"].mac)[0]
    assert row["key"] == f"{pair.hosts['o2'].mac} VLAN {VLAN}" and row["equal"]
    assert row["here"]["own"] is None and row["peer"]["heard"] is None
    assert row["here"]["heard"] == row["peer"]["own"] and row["peer"]["own"]["lag_id"] is None
    leg = s1.mlagd.query("diff", "legs")
    assert leg[0]["here"]["own"]["count"] == 1 and leg[0]["equal"]


def test_diff_shows_what_differs_before_it_is_repaired(pair: Pair) -> None:
    """The row is there, and the exit code says so; a moment later it is gone."""
    s1 = pair.switches["s1"]
    mac = pair.hosts["o2"].mac
    wait_equal(pair)
    memory = Memory(s1)
    row = memory.find(mac_key(mac), PEER)
    memory.change(row + PEER_SEQ, "<I", lambda seq: seq ^ 16)
    shown = [r for r in s1.mlagd.query("diff", "macs") if r["key"] is not None]
    assert [r["key"] for r in shown] == [f"{mac} VLAN {VLAN}"] and not shown[0]["equal"]
    assert shown[0]["here"]["heard"]["sequence"] == shown[0]["peer"]["own"]["sequence"] ^ 16
    def rows() -> list[dict]:
        return [r for r in s1.mlagd.query("diff", "macs") if r["key"] is not None]

    # Equal by the last digest may be of before: each row is read again once a second.
    wait_for("nothing that differs", lambda: not rows(), 5, show=rows)
    wait_equal(pair)


def test_an_fdb_entry_deleted_in_the_kernel_is_back(pair: Pair) -> None:
    """What the peer sees and somebody takes away here is written again."""
    s1 = pair.switches["s1"]
    mac = pair.hosts["o2"].mac

    def present() -> bool:
        return any(entry["mac"] == mac and entry["ifname"] == "peerlink" for entry in s1.fdb())

    wait_for("it is there", present, 5)
    s1.namespace.run("bridge", "fdb", "del", mac, "dev", "peerlink", "master", "vlan", str(VLAN))
    wait_for("it is back", present, FOUND_S)


def test_without_a_session_diff_says_so(pair: Pair) -> None:
    """A key is shown as far as it is known here; a table is refused."""
    s1, s2 = pair.switches["s1"], pair.switches["s2"]
    s2.mlagd.stop()
    try:
        wait_for("no session", lambda: s1.mlagd.query("status")["peer"]["session"] == "down", 5)
        row = s1.mlagd.query("diff", pair.hosts["o2"].mac)[0]
        assert row["peer"] is None and row["equal"] is None
        assert row["here"]["heard"] is not None
        done = s1.mlagd.ctl("diff", "macs")
        assert done.returncode == 4 and "no session" in done.stderr
    finally:
        s2.mlagd.start()
        wait_equal(pair)


def replay(path: str) -> str:
    """What the simulator says of a record; it must come to the same."""
    done = subprocess.run([SIM, "--replay", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


def test_what_was_recorded_is_replayed_step_by_step(pair: Pair, tmp_path: Path) -> None:
    """Every effect, message and operation comes as it came then."""
    s1 = pair.switches["s1"]
    path = str(tmp_path / "events")
    # What changes in memory without an event is in no record: a daemon that nobody touched.
    s1.mlagd.stop()
    s1.mlagd.start()
    wait_equal(pair)
    pair.fail_leg(pair.hosts["a"], "s1")
    wait_for("the leg is down", lambda: not s1.mlagd.lag("bond1")["local_up"], 5)
    pair.heal_leg(pair.hosts["a"], "s1")
    pair.wait_whole()
    done = s1.mlagd.ctl("record", path)
    assert done.returncode == 0, done.stderr
    story = replay(path)
    print(story.splitlines()[-1])
    assert re.search(r"leg 1: \w+ -> down", story) and "ready -> open" in story
    assert re.search(r"; [0-9]+ compared, 0 different$", story)


def test_the_last_events_of_a_crashed_daemon_are_kept(pair: Pair) -> None:
    """SIGSEGV: the next one finds them, says so, and they are replayed."""
    s2 = pair.switches["s2"]
    s2.mlagd.stop(signal.SIGSEGV)
    s2.mlagd.start()
    try:
        path = os.path.join(s2.mlagd.run_dir, "events.crash")
        wait_for("it is kept", lambda: os.path.exists(path), 5)
        assert "did not come to its end" in replay(path)
        assert "its last events are in" in s2.mlagd.log()
    finally:
        wait_equal(pair)
