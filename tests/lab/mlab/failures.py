# SPDX-License-Identifier: BSD-2-Clause
"""The harness of every failure: traffic between all kinds of hosts, what may not happen, what it cost.

A row is a generator: what it does before its `yield` is done in silence, what comes after it under
traffic.  Sequence-numbered probes go between all pairs of hosts, and floods from each; whatever
happens, no host sees a frame twice or one of its own, and no frame crosses the peer link twice in one
direction.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Generator

import pytest

from .daemon import ROOT
from .errors import LabError
from .forming import Formed, Forming
from .guard import Guard
from .holds import is_up
from .liveness import MARGIN, daemon_pid, mute
from .topology import MEMBERS, Pair, Switch
from .traffic import BROADCAST, Flow, Traffic, stop_sender
from .wait import wait_for

VLAN = 10
RATE = 20              # frames/s of a flow: some fifty of them on one slow processor
FLOOD_RATE = 10
COUNT = RATE * 150     # more than any row takes; it ends when it is over
ATTEMPTS = 3
STALL_MS = 200         # two hellos: of a machine that stands still so long nothing is measured
SETTLE = RATE          # frames after the last step, of which each has to arrive
TICK_NS = 10_000_000   # by which a sleep may be late though nothing stood still
FORMED_MS = 200        # from the partner's Collecting to the first frame delivered
FORMED_SEEN_NS = 1_000_000_000  # a leg that its partner used for so long has carried something
LEGS = (("a", "s1"), ("a", "s2"), ("h1", "s1"), ("h2", "s2"))  # with LACP, and a cable
RESULTS = os.path.join(os.environ.get("MLAB_ARTIFACTS", os.path.join(ROOT, "build", "lab-artifacts")),
                       "failures.json")
BLACKHOLE = "169.254.1.1/32"

Pairs = Callable[[str, str], bool]


def lay_out(pair: Pair) -> None:
    """Dual hosts with LACP (a) and without (c), half-attached ones (h1, h2), orphans (o1, o2)."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("c", lag_id=3, access=VLAN, is_lacp=False, is_bundle=True)
    pair.host("h1", lag_id=4, access=VLAN)
    pair.host("h2", lag_id=5, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


KINDS = {"a": "dual", "c": "dual", "h1": "half", "h2": "half", "o1": "orphan", "o2": "orphan"}
SIDE = {"h1": "s1", "o1": "s1", "h2": "s2", "o2": "s2"}
NOBODY: Pairs = lambda src, dst: False
EVERYBODY: Pairs = lambda src, dst: True


def without(member: str) -> Pairs:
    """Who is reached by this member alone."""
    return lambda src, dst: member in (SIDE.get(src), SIDE.get(dst))


def apart(src: str, dst: str) -> bool:
    """Two who have no member in common while S1 alone serves the dual hosts."""
    return SIDE.get(src, "s1") != SIDE.get(dst, "s1")


def not_beside_s1(src: str, dst: str) -> bool:
    """All but those whom S1 alone reaches, and the LACP host: it has to choose."""
    return not {src, dst} <= {"a", "h1", "o1"}


def not_beside_s2(src: str, dst: str) -> bool:
    """All but those whom S2 reaches by itself."""
    return not {src, dst} <= {"h2", "o2"}


@dataclass(frozen=True)
class Row:
    """One failure, or one way back.

    `uncounted`: pairs that have no way for some of the time, by the nature of the thing; `lost`: those that
    have none in the end either.  `is_lossless`: of the rest not a frame; `gap_ms`: else how long the
    longest gap may be, without the margin for the slow processor.  `floods_ms`: floods may have one of so
    long though known unicast has none.
    """

    title: str
    play: Callable[["Lab"], Generator[None, None, None]]
    uncounted: Pairs = NOBODY
    lost: Pairs = NOBODY
    is_lossless: bool = False
    gap_ms: float = 1000
    floods_ms: float = 0
    note: str = ""


class Lab:
    """A pair with guards, and the means to break and mend both."""

    def __init__(self, pair: Pair, tell: Callable[[str], None]) -> None:
        self.pair = pair
        self.tell = tell
        self.s1, self.s2 = pair.s1, pair.s2
        self.guards = {name: Guard(switch).start() for name, switch in pair.switches.items()}
        self.downed: list[tuple[Switch, str]] = []
        self.facts: list[str] = []
        for member, name in (("s2", "h1"), ("s1", "h2")):
            pair.fail_leg(pair.hosts[name], member)

    # -- whole ------------------------------------------------------------------------------------

    def check_whole(self) -> bool:
        """Peered, in sync, each leg as the cables are, guarded, S1 the primary."""
        wanted = {"bond1": ("dual", "dual"), "lag3": ("dual", "dual"),
                  "bond4": ("local-only", "peer-only"), "bond5": ("peer-only", "local-only")}
        for index, switch in enumerate(self.pair.switches.values()):
            status = switch.mlagd.query("status")
            if status["verdict"] != "peered" or status["guard"] != "running" or not all(
                    table["match"] for table in status["sync"].values()):
                raise LabError(f"{switch.name}: {status['verdict']}, {status['guard']}, "
                               f"{status['sync']}")
            for row in switch.mlagd.query("lags"):
                if row["state"] != wanted[row["ifname"]][index]:
                    raise LabError(f"{switch.name}: {row['ifname']} {row['state']} "
                                   f"{row['held_reason']}")
        info = self.pair.lacp(self.pair.hosts["a"])
        if (info["ports"], info["in_use"]) != (2, 2):
            raise LabError(f"a: {info}")
        return True

    def wait_whole(self, timeout: float = 60) -> None:
        """Wait for that."""
        wait_for("a whole pair", self.check_whole, timeout, 0.25)

    def begin(self) -> None:
        """Whole, all MACs known."""
        self.wait_whole()
        if self.s1.mlagd.query("status")["role"] != "primary":
            assert self.s1.mlagd.ctl("role", "primary").returncode == 0
        wait_for("S2 secondary", lambda: self.s2.mlagd.query("status")["role"] == "secondary", 5)
        self.pair.wait_known(vlan=VLAN)

    def mend(self) -> None:
        """Undo whatever was done, whichever row did it."""
        stop_sender()
        for switch in (self.s1, self.s2):
            switch.namespace.run("ip", "route", "del", "blackhole", BLACKHOLE, check=False)
            for device in ("peerlink", "backup"):
                mute(switch, device, False)
                switch.namespace.set_up(device, True)
            process = switch.mlagd.process
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
            else:
                self.start(switch)
        while self.downed:
            switch, device = self.downed.pop()
            switch.namespace.set_up(device, True)
        for name in MEMBERS:
            guard = self.guards[name]
            if guard.process is None or guard.process.poll() is not None:
                guard.start()
            guard.send(signal.SIGCONT)
        for host in self.pair.hosts.values():
            for member in host.members:
                if SIDE.get(host.name, member) == member:
                    self.pair.heal_leg(host, member)
        for switch in (self.s1, self.s2):
            wait_for(f"{switch.name} to answer", lambda s=switch: s.mlagd.query("status"), 20)
            switch.mlagd.ctl("undrain")

    # -- breaking ---------------------------------------------------------------------------------

    def cut(self) -> None:
        """The peer link loses its carrier on both sides."""
        self.s2.namespace.set_up("peerlink", False)

    def join(self) -> None:
        """It has it again."""
        self.s2.namespace.set_up("peerlink", True)

    def links(self, switch: Switch) -> list[str]:
        """Everything that is plugged into a box."""
        return ["peerlink", "backup"] + [host.switch_link() for host in self.pair.hosts.values()
                                         if switch.name in host.members]

    def down(self, switch: Switch, *devices: str) -> None:
        """Until mend()."""
        for device in devices:
            switch.namespace.set_up(device, False)
            self.downed.append((switch, device))

    def die(self, switch: Switch) -> None:
        """The box is gone: all that ran there, and the carrier of everything plugged into it."""
        self.guards[switch.name].end(signal.SIGKILL)
        self.kill(switch)
        self.down(switch, *self.links(switch))

    def kill(self, switch: Switch) -> None:
        """SIGKILL."""
        os.kill(daemon_pid(switch), signal.SIGKILL)
        process = switch.mlagd.process
        assert process is not None
        process.wait(5)

    def start(self, switch: Switch) -> None:
        """mlagd, after whatever ended it."""
        switch.mlagd.process = None
        switch.mlagd.start()

    def unbox(self, switch: Switch) -> None:
        """As before a boot: it is dead, and nothing of an earlier daemon is there."""
        self.die(switch)
        switch.detach_links()
        for link in switch.namespace.json("ip", "-j", "link", "show"):
            switch.namespace.run("tc", "qdisc", "del", "dev", link["ifname"], "clsact", check=False)
        inode = os.stat(switch.namespace.path).st_ino
        for name in os.listdir("/sys/fs/bpf/mlag"):
            if name.startswith(f"{inode}-"):
                shutil.rmtree(f"/sys/fs/bpf/mlag/{name}")
        shutil.rmtree(switch.mlagd.run_dir)

    def boot(self, switch: Switch, *but: str) -> None:
        """mlagd and its guard start, and then the links come up, as after a boot."""
        self.start(switch)
        wait_for(f"{switch.name} to answer", lambda: switch.mlagd.query("status"), 20)
        self.guards[switch.name].start()
        for device in self.links(switch):
            if device not in but:
                switch.namespace.set_up(device, True)
                self.downed.remove((switch, device))

    def wait_verdict(self, *verdicts: str, on: Switch | None = None, timeout: float = 20) -> None:
        """Wait until both members, or one, say one of these."""
        for switch in [on] if on is not None else [self.s1, self.s2]:
            wait_for(f"{switch.name} {verdicts}",
                     lambda s=switch: s.mlagd.query("status")["verdict"] in verdicts, timeout,
                     show=lambda s=switch: s.mlagd.query("status")["verdict"])

    def wait_serving(self, switch: Switch, *lags: str, timeout: float = 20) -> None:
        """Wait until legs of a member serve."""
        for lag in lags:
            wait_for(f"{switch.name}: {lag} up", lambda g=lag: switch.mlagd.lag(g)["local_up"],
                     timeout)

    def is_held(self, switch: Switch, device: str) -> bool:
        """Down."""
        return not is_up(switch, device)

    def close(self) -> None:
        """End the guards."""
        for guard in self.guards.values():
            guard.end()


# -- measuring -----------------------------------------------------------------------------------


@dataclass
class Probe:
    """One flow, from whom to whom."""

    src: str
    dst: str  # "" for a flood
    flow: Flow


Probing = Callable[[Lab, Traffic], list[Probe]]


def probes(lab: Lab, run: Traffic) -> list[Probe]:
    """Known unicast between all pairs, by both ports of a bond; floods of all."""
    found = []
    hosts = lab.pair.hosts
    for src in hosts.values():
        sources = [src.mac]
        if src.is_dual and src.name not in SIDE:
            sources.append(f"02:00:00:0b:{src.index:02x}:{src.index ^ 1:02x}")
        for mac in sources:
            for dst in hosts.values():
                if dst is not src:
                    found.append(Probe(src.name, dst.name, run.flow(
                        f"{src.name} to {dst.name}", src.port, dst.mac, mac, rate=RATE,
                        count=COUNT)))
            found.append(Probe(src.name, "", run.flow(f"flood of {src.name}", src.port, BROADCAST,
                                                      mac, rate=FLOOD_RATE,
                                                      count=COUNT * FLOOD_RATE // RATE)))
    return found


def assert_safe(lab: Lab, run: Traffic, sent: list[Probe]) -> None:
    """Nothing twice at a host, nothing back at its sender, nothing twice on the peer link one way."""
    faults = []
    for probe in sent:
        for name in [*lab.pair.hosts, "to-s1", "to-s2"]:
            result = run.result(probe.flow, name)
            if name == probe.src and result.unique:
                faults.append(f"echo: {result}")
            elif result.duplicates:
                faults.append(f"twice: {result}: {result.duplicate_list[:10]}")
    if faults:
        raise Unsafe("\n".join(faults[:12]))


class Unsafe(AssertionError):
    """What may never happen, whatever the machine does."""


class Late(AssertionError):
    """Later than it may be: measured again, for on a machine with others on it once says little."""


class Stall:
    """When this machine stood still, and how long at most, while it was looked at."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.times: list[tuple[int, int]] = []  # from when to when, as frames are stamped
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        before = time.time_ns()
        while not self._is_over.wait(0.02):
            now = time.time_ns()
            late_ns = now - before - 20_000_000
            self.longest_ms = max(self.longest_ms, late_ns / 1e6)
            if late_ns > TICK_NS:
                self.times.append((now - late_ns, now))
            before = now

    def within_ms(self, from_ns: int, until_ns: int) -> float:
        """How much of this time it did."""
        return sum(max(0, min(until_ns, end) - max(from_ns, begin))
                   for begin, end in self.times) / 1e6

    def __enter__(self) -> "Stall":
        self._thread.start()
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self._is_over.set()
        self._thread.join()


class Cost:
    """What a row lost, by kind of host."""

    def __init__(self) -> None:
        self.sent = dict.fromkeys(("dual", "half", "orphan", "floods"), 0)
        self.lost = dict.fromkeys(self.sent, 0)
        self.gap_ms = 0.0
        self.formed_ms: float | None = None

    def add(self, kind: str, result: Any) -> None:
        """One flow at one receiver."""
        self.sent[kind] += result.sent
        self.lost[kind] += result.missing
        self.gap_ms = max(self.gap_ms, result.gap_ms)

    def cells(self) -> list[str]:
        """For the table."""
        cells = [f"{self.lost[kind]:,} of {self.sent[kind]:,}".replace(",", " ")
                 if self.sent[kind] else "" for kind in self.sent]
        return [*cells, f"{self.gap_ms:.0f} ms" if any(self.lost.values()) else "",
                "" if self.formed_ms is None else f"{self.formed_ms:.0f} ms"]


def worst_kind(*names: str) -> str:
    """A flow counts for the less fortunate of its ends."""
    kinds = {KINDS[name] for name in names}
    return next(kind for kind in ("orphan", "half", "dual") if kind in kinds)


def judge(lab: Lab, row: Row, run: Traffic, sent: list[Probe]) -> Cost:
    """What it cost; and nothing beyond what the row allows."""
    cost, faults = Cost(), []
    for probe in sent:
        for dst in [probe.dst] if probe.dst else [name for name in lab.pair.hosts
                                                  if name != probe.src]:
            result = run.result(probe.flow, dst)
            late = range(probe.flow.sent - (SETTLE if probe.dst else SETTLE // 2), probe.flow.sent)
            if not row.lost(probe.src, dst) and set(late) & set(result.missing_list):
                faults.append(f"not restored: {result}")
            if row.uncounted(probe.src, dst):
                continue
            cost.add("floods" if not probe.dst else worst_kind(probe.src, dst), result)
            limit = 0 if row.is_lossless else row.gap_ms
            if not probe.dst:
                limit = max(limit, row.floods_ms)
            if result.missing and (limit == 0 or result.gap_ms > limit * MARGIN):
                faults.append(f"too much: {result}: {result.missing_list[:10]}")
    assert any(cost.sent.values()) or row.uncounted is EVERYBODY
    lab.tell(f"{row.title}: lost {cost.lost} of {cost.sent}, longest gap {cost.gap_ms:.0f} ms")
    assert not faults, "\n".join(faults[:12])
    return cost


def judge_formed(lab: Lab, row: Row, formed: list[Formed], stall: Stall) -> float | None:
    """Where LACP formed again: delivered in time, but for what the machine stood still; the longest."""
    faults, longest = [], None
    for one in formed:
        is_seen = one.until_ns - one.from_ns >= FORMED_SEEN_NS
        for way, ms in one.delays.items():
            if ms is None:
                faults += [f"nothing {way} the host: {one}"] if is_seen else []
                continue
            own_ms = max(0.0, ms - stall.within_ms(one.from_ns, one.from_ns + int(ms * 1e6)))
            longest = max(longest or 0.0, own_ms)
            if own_ms > FORMED_MS:
                faults.append(f"later than {FORMED_MS} ms: {own_ms:.0f} ms: {one}")
    if formed:
        own = "" if longest is None else f"; {longest:.0f} ms without what the machine stood still"
        lab.tell(f"{row.title}: after the partner's Collecting: "
                 + "; ".join(str(one) for one in formed) + own)
    if faults:
        raise Late("\n".join(faults))
    return longest


def play(lab: Lab, row: Row, probing: Probing | None = None) -> None:
    """One row, again when the machine stood still or LACP was late; what is unsafe is so in any case."""
    for attempt in range(1, ATTEMPTS + 1):
        with Stall() as stall:
            try:
                play_once(lab, row, stall, probing)
                return
            except Unsafe:
                raise
            except (AssertionError, LabError) as error:
                fault = error
        is_late = isinstance(fault, Late)
        if stall.longest_ms < STALL_MS and (not is_late or attempt == ATTEMPTS):
            raise fault
        lab.tell(f"{row.title}: the machine stood still for {stall.longest_ms:.0f} ms: {fault}")
        if attempt < ATTEMPTS:
            lab.mend()
            lab.begin()
    pytest.skip(f"the machine stood still each time, the last time for {stall.longest_ms:.0f} ms")


def play_once(lab: Lab, row: Row, stall: Stall, probing: Probing | None) -> None:
    """Before, under traffic, and what came of it; into the page with the usual traffic only."""
    lab.facts = []
    steps = row.play(lab)
    next(steps)
    pair = lab.pair
    logs = {name: guard.size() for name, guard in lab.guards.items()}
    with Forming(pair, LEGS) as forming, pair.traffic(
            1 << 15, **{"to-s1": [lab.s1.peer_link], "to-s2": [lab.s2.peer_link]}) as run:
        sent = (probing or probes)(lab, run)
        run.start()
        rate = int(sent[0].flow.rate)
        run.wait_sent(sent[0].flow, rate)
        for _ in steps:
            raise LabError(f"{row.title}: a row has one yield")
        run.wait_sent(sent[0].flow, run.sent_so_far(sent[0].flow) + 2 * rate)
        until_ns = time.time_ns()
        run.stop()
        for name, size in logs.items():
            if "-> fenced" in lab.guards[name].text(size):
                lab.tell(f"{row.title}: {name} was fenced by its guard")
        assert_safe(lab, run, sent)
        cost = judge(lab, row, run, sent)
        cost.formed_ms = judge_formed(lab, row, forming.read(run, until_ns), stall)
    if probing is None:
        keep(row, cost, lab.facts)


def keep(row: Row, cost: Cost, facts: list[str]) -> None:
    """For docs/failures.md (tests/lab/losses.py)."""
    try:
        with open(RESULTS, encoding="utf-8") as file:
            kept = json.load(file)
    except (OSError, ValueError):
        kept = {}
    note = "; ".join(text for text in (row.note, *facts) if text)
    kept[row.title] = [row.title, *cost.cells(), note]
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    with open(RESULTS + ".new", "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)
    os.replace(RESULTS + ".new", RESULTS)


def leave_pair(lab: Lab, switch: Switch) -> None:
    """`mlagctl leave`; what it leaves down is up again after the row."""
    done = switch.mlagd.ctl("leave")
    assert done.returncode == 0, done.stdout + done.stderr
    assert switch.mlagd.process is not None and switch.mlagd.process.wait(10) == 0
    for device in ("a-leg", "lag3", f"h{switch.name[1]}-leg"):
        assert lab.is_held(switch, device), device
    lab.downed += [(switch, host.switch_link()) for host in lab.pair.hosts.values()
                   if host.is_dual]


def reload(switch: Switch) -> subprocess.CompletedProcess:
    """A configuration that was changed."""
    switch.mlagd.write_config()
    return switch.mlagd.ctl("reload")
