# SPDX-License-Identifier: BSD-2-Clause
"""The dead-man (DESIGN §2): mlagd is dead or hung for good, and mlag-guard does what can be done.

It fences this member only while the peer's daemon is heard, and leg by leg: what a host is left with
is never taken.  The labs' restart-hold is 3 s.  Losses are printed.
"""

import os
import re
import signal
import time
from typing import Callable, Iterator

import pytest

from mlab import BROADCAST, Pair
from mlab.guard import Guard, is_leg_up
from mlab.holds import changes, wait_held
from mlab.liveness import Mark, codes, daemon_pid, mend, mute, mute_at_once, wait_found
from mlab.topology import Switch
from mlab.traffic import Flow, Traffic, stop_sender
from mlab.wait import wait_for

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
PAIR = {"has_backup": True}
VLAN = 10
HOLD = 3                # seconds: restart-hold of the labs
RATE = 200
FENCED_LINE = "mlag-guard has fenced this member"


def LAYOUT(pair: Pair) -> None:
    """A host with LACP, one with a static LAG, an orphan on each side."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("b", lag_id=2, access=VLAN, is_lacp=False)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


@pytest.fixture(scope="module")
def guards(pair: Pair) -> Iterator[dict[str, Guard]]:
    """A guard on each member."""
    both = {name: Guard(switch).start() for name, switch in pair.switches.items()}
    yield both
    for guard in both.values():
        guard.end()


@pytest.fixture(autouse=True)
def whole_again(pair: Pair, guards: dict[str, Guard]) -> Iterator[None]:
    """Each test begins whole, and the pair comes together again by itself after it."""
    wait_whole(pair)
    yield
    stop_sender()
    for guard in guards.values():
        if guard.process is None or guard.process.poll() is not None:
            guard.start()
        guard.send(signal.SIGCONT)
    mend_paths(pair)
    wait_whole(pair)
    for switch in pair.switches.values():
        for name in "ab":
            assert is_leg_up(pair, switch, pair.hosts[name]), f"{name} at {switch.name}"


def mend_paths(pair: Pair) -> None:
    """As mend(), but the switches' own ends of the legs are the guards' to give back."""
    heal = pair.heal
    pair.heal = lambda: None  # type: ignore[method-assign]
    try:
        mend(pair)
    finally:
        pair.heal = heal  # type: ignore[method-assign]
    for host in pair.hosts.values():
        for member in host.members:
            pair.heal_leg(host, member, "host")


def wait_whole(pair: Pair) -> None:
    """Both are whole, and watched over."""
    pair.wait_whole(60)
    for switch in pair.switches.values():
        wait_for(f"{switch.name}: a guard",
                 lambda switch=switch: switch.mlagd.query("status")["guard"] == "running")


def flows_of(pair: Pair, run: Traffic, count: int) -> list[tuple[Flow, str]]:
    """Unicast and broadcasts, from and to dual hosts and orphans; each with who is to hear it."""
    hosts = pair.hosts
    return [(pair.flow(run, hosts[src], dst if dst == BROADCAST else hosts[dst].mac, vlan=VLAN,
                       rate=RATE, count=count), at)
            for src, dst, at in (("o1", "a", "a"), ("o2", "a", "a"), ("o1", "b", "b"),
                                 ("o2", "b", "b"), ("a", "o1", "o1"), ("a", "o2", "o2"),
                                 ("o1", BROADCAST, "a"), ("o2", BROADCAST, "a"))]


def tell_losses(tell: Callable[[str], None], run: Traffic, flows: list[tuple[Flow, str]]) -> None:
    """Print what each flow lost; nothing may come twice, whatever happened."""
    for flow, at in flows:
        result = run.result(flow, at)
        tell(str(result))
        result.assert_no_duplicate()


def kill(switch: Switch) -> float:
    """SIGKILL, and nobody starts it again."""
    since = time.monotonic()  # to be told of its end takes its time
    os.kill(daemon_pid(switch), signal.SIGKILL)
    process = switch.mlagd.process
    assert process is not None
    process.wait(5)
    return since


def wait_fenced(pair: Pair, guard: Guard, offset: int) -> float:
    """S2's guard fences, S1 says so."""
    when = guard.wait(r"^\w+ -> fenced", offset)
    wait_found(pair.s1, "alone", "peer-fenced", peer="fenced", timeout=5)
    return when


def wait_one_port(pair: Pair) -> None:
    """A's bond uses one leg."""
    wait_for("one port in A's aggregator", lambda: pair.lacp(pair.hosts["a"])["ports"] == 1, 20)


def assert_once(pair: Pair, seconds: float = 1.0) -> None:
    """Everybody reaches everybody, once."""
    with pair.traffic() as run:
        flows = flows_of(pair, run, int(RATE * seconds))
        run.send()
        for flow, at in flows:
            run.result(flow, at).assert_exactly_once()


def test_a_lease_that_is_renewed_changes_nothing(pair: Pair, guards: dict[str, Guard]) -> None:
    """Longer than the hold: nobody is fenced, nothing is lost."""
    pair.wait_known(vlan=VLAN)
    offsets = {name: guard.size() for name, guard in guards.items()}
    assert_once(pair, HOLD + 2)
    for name, guard in guards.items():
        assert "->" not in guard.text(offsets[name])


def test_r2_killed_and_never_restarted_is_fenced_after_the_hold_and_only_then_r1_is_lifted(
        pair: Pair, guards: dict[str, Guard], tell: Callable[[str], None]) -> None:
    """SIGKILL under traffic; the partner uses the other leg; the survivor says why."""
    pair.wait_known(vlan=VLAN)
    offset = guards["s2"].size()
    with pair.traffic() as run:
        flows = flows_of(pair, run, RATE * (HOLD + 4))
        run.start()
        run.wait_sent(flows[0][0], RATE)
        since = kill(pair.s2)
        while True:
            is_isolated = pair.s1.mlagd.lag("bond1")["isolated"]
            if "-> fenced" in guards["s2"].text(offset):
                break
            assert is_isolated, "R1 was lifted on a mere silence"
            assert time.monotonic() < since + HOLD + 5
        fenced = wait_fenced(pair, guards["s2"], offset)
        tell(f"SIGKILL to fenced: {fenced - since:.2f} s (restart-hold {HOLD} s)")
        assert HOLD - 0.5 <= fenced - since <= HOLD + 2
        run.finish()
        tell_losses(tell, run, flows)
        for flow, at in flows:
            assert run.result(flow, at).gap_ms < 2000
    for name in "ab":
        assert not is_leg_up(pair, pair.s2, pair.hosts[name])
    assert not pair.s1.mlagd.lag("bond1")["isolated"]
    assert not pair.s1.mlagd.lag("lag2")["isolated"]
    wait_one_port(pair)
    assert_once(pair)
    text = pair.s1.mlagd.ctl("status").stdout
    assert "guard has taken its legs down" in text, text


def test_given_back_exactly_as_found_when_the_daemon_is_in_sync_again(
        pair: Pair, guards: dict[str, Guard], tell: Callable[[str], None]) -> None:
    """What was down before stays down; the legs return without a frame that comes twice."""
    pair.s2.namespace.ip("link add spare type dummy", "link set spare master bond1",
                         "link set spare down")
    try:
        offset = guards["s2"].size()
        kill(pair.s2)
        wait_fenced(pair, guards["s2"], offset)
        with pair.traffic() as run:
            flows = flows_of(pair, run, RATE * 9)
            run.start()
            run.wait_sent(flows[0][0], RATE // 2)
            pair.s2.mlagd.process = None
            pair.s2.mlagd.start()
            guards["s2"].wait(r"^fenced -> watching", offset)
            pair.wait_whole(30)
            run.finish()
            tell_losses(tell, run, flows)
        assert "UP" not in pair.s2.namespace.link("spare")["flags"]
        assert is_leg_up(pair, pair.s2, pair.hosts["a"])
    finally:
        pair.s2.namespace.ip("link del spare")


def test_hung_for_ever_is_fenced_and_comes_back_when_it_goes_on(
        pair: Pair, guards: dict[str, Guard], tell: Callable[[str], None]) -> None:
    """SIGSTOP: no end that the kernel would tell; SIGCONT brings all of it back by itself."""
    pair.wait_known(vlan=VLAN)
    offset = guards["s2"].size()
    with pair.traffic() as run:
        flows = flows_of(pair, run, RATE * (HOLD + 4))
        run.start()
        run.wait_sent(flows[0][0], RATE)
        since = time.monotonic()
        os.kill(daemon_pid(pair.s2), signal.SIGSTOP)
        fenced = wait_fenced(pair, guards["s2"], offset)
        tell(f"SIGSTOP to fenced: {fenced - since:.2f} s")
        run.finish()
        tell_losses(tell, run, flows)
    assert_once(pair)
    said = pair.s2.mlagd.log().count(FENCED_LINE)
    os.kill(daemon_pid(pair.s2), signal.SIGCONT)
    wait_for("S2 to know", lambda: pair.s2.mlagd.log().count(FENCED_LINE) > said)
    guards["s2"].wait(r"^fenced -> watching: the daemon is in sync", offset)


@pytest.mark.long
def test_hung_for_less_than_the_hold_is_not_fenced(pair: Pair, guards: dict[str, Guard]) -> None:
    """Nothing happens, nothing is lost."""
    pair.wait_known(vlan=VLAN)
    offset = guards["s2"].size()
    with pair.traffic() as run:
        flows = flows_of(pair, run, RATE * 3)
        run.start()
        run.wait_sent(flows[0][0], RATE // 2)
        os.kill(daemon_pid(pair.s2), signal.SIGSTOP)
        time.sleep(HOLD / 5)  # longer than the dead time
        os.kill(daemon_pid(pair.s2), signal.SIGCONT)
        run.finish()
        for flow, at in flows:
            run.result(flow, at).assert_exactly_once()
    assert "->" not in guards["s2"].text(offset)


def test_both_daemons_dead_for_ever_are_frozen_and_nothing_is_lost(
        pair: Pair, guards: dict[str, Guard]) -> None:
    """Nobody hears a daemon, so nobody fences: the last state forwards on."""
    pair.wait_known(vlan=VLAN)
    offsets = {name: guard.size() for name, guard in guards.items()}
    with pair.traffic() as run:
        flows = flows_of(pair, run, RATE * (HOLD + 4))
        run.start()
        for switch in pair.switches.values():
            kill(switch)
        for name, guard in guards.items():
            guard.wait(r"^watching -> frozen", offsets[name])
        run.finish()
        for flow, at in flows:
            run.result(flow, at).assert_exactly_once()
    for name, guard in guards.items():
        assert "fenced" not in guard.text(offsets[name])


def test_a_peer_that_is_not_heard_is_no_reason_to_fence(pair: Pair,
                                                        guards: dict[str, Guard]) -> None:
    """It serves, perhaps; who cannot know keeps his legs.  Heard again, he gives way."""
    offset = guards["s2"].size()
    # The kill is first: a daemon that hears half of it holds its legs.
    mute_at_once(pair.s2, "peerlink", "backup", first=lambda: kill(pair.s2))
    guards["s2"].wait(r"^watching -> frozen", offset)
    assert is_leg_up(pair, pair.s2, pair.hosts["a"])
    mute(pair.s2, "backup", False)
    guards["s2"].wait(r"^frozen -> fenced", offset)
    wait_for("the leg to be down", lambda: not is_leg_up(pair, pair.s2, pair.hosts["a"]))


@pytest.mark.long
def test_a_leg_that_was_held_before_the_fence_is_not_the_guards_to_give_back(
        pair: Pair, guards: dict[str, Guard]) -> None:
    """A is drained at S2, then S2 is fenced and returns: B comes back, A with the end of the drain."""
    a, b = pair.hosts["a"], pair.hosts["b"]
    assert pair.s2.mlagd.ctl("drain", "bond1").returncode == 0
    wait_held(pair.s2, "bond1", "drained")
    offset = guards["s2"].size()
    kill(pair.s2)
    wait_fenced(pair, guards["s2"], offset)
    wait_for("B's leg to be down", lambda: not is_leg_up(pair, pair.s2, b))
    pair.s2.mlagd.process = None
    with changes(pair.s2) as seen:
        pair.s2.mlagd.start()
        guards["s2"].wait(r"^fenced -> watching", offset)
        wait_for("B's leg to be up", lambda: is_leg_up(pair, pair.s2, b), 10)
        wait_held(pair.s2, "bond1", "drained")
        assert not is_leg_up(pair, pair.s2, a)
    assert not any(a.switch_link() in line for line in seen), seen
    assert pair.s2.mlagd.ctl("undrain").returncode == 0
    wait_for("A's leg to be up", lambda: is_leg_up(pair, pair.s2, a), 10)


@pytest.mark.long
def test_a_leg_that_is_drained_while_it_is_fenced_stays_down_when_the_guard_lets_go(
        pair: Pair, guards: dict[str, Guard], tell: Callable[[str], None]) -> None:
    """The guard took it down, the daemon wants it held: it comes back when neither does, and nothing doubles."""
    a, b = pair.hosts["a"], pair.hosts["b"]
    pair.wait_known(vlan=VLAN)
    offset = guards["s2"].size()
    os.kill(daemon_pid(pair.s2), signal.SIGSTOP)
    wait_fenced(pair, guards["s2"], offset)
    with pair.traffic() as run:
        flows = flows_of(pair, run, RATE * 8)
        run.start()
        run.wait_sent(flows[0][0], RATE // 2)
        os.kill(daemon_pid(pair.s2), signal.SIGCONT)
        assert pair.s2.mlagd.ctl("drain", "bond1").returncode == 0
        guards["s2"].wait(r"^fenced -> watching", offset)
        wait_for("B's leg to be up", lambda: is_leg_up(pair, pair.s2, b), 10)
        wait_for("A's leg to be down for the drain", lambda: not is_leg_up(pair, pair.s2, a), 10)
        wait_held(pair.s2, "bond1", "drained")
        run.finish()
        tell_losses(tell, run, flows)
    assert pair.s2.mlagd.ctl("undrain").returncode == 0
    wait_for("A's leg to be up", lambda: is_leg_up(pair, pair.s2, a), 10)


@pytest.mark.long
def test_the_last_leg_of_a_host_is_not_taken_before_the_peer_has_one(
        pair: Pair, guards: dict[str, Guard]) -> None:
    """S1 has no leg to A: S2's guard leaves it, and takes it when S1's is up."""
    host = pair.hosts["a"]
    pair.wait_known(vlan=VLAN)
    pair.fail_leg(host, "s1")
    wait_for("S2 to serve it alone", lambda: pair.s2.mlagd.lag("bond1")["state"] == "local-only")
    offset = guards["s2"].size()
    with pair.traffic() as run:
        flows = [(pair.flow(run, pair.hosts[src], host.mac, vlan=VLAN, rate=RATE,
                            count=RATE * (HOLD + 3)), "a") for src in ("o1", "o2")]
        run.start()
        kill(pair.s2)
        wait_fenced(pair, guards["s2"], offset)
        run.finish()
        for flow, at in flows:
            run.result(flow, at).assert_exactly_once()
    assert is_leg_up(pair, pair.s2, host)
    assert not is_leg_up(pair, pair.s2, pair.hosts["b"])
    pair.heal_leg(host, "s1")
    wait_for("S2's leg to be down", lambda: not is_leg_up(pair, pair.s2, host), 20)
    wait_for("S1 to serve it", lambda: not pair.s1.mlagd.lag("bond1")["isolated"])
    wait_one_port(pair)
    wait_for("floods at S1", lambda: "floods-held" not in codes(pair.s1))
    assert_once(pair)


@pytest.mark.long
def test_a_leg_is_given_back_when_the_survivor_loses_its_own(pair: Pair,
                                                             guards: dict[str, Guard]) -> None:
    """B is down at S2 by the guard, also when somebody sets it up; then S1's leg fails."""
    host = pair.hosts["b"]
    offset = guards["s2"].size()
    kill(pair.s2)
    wait_fenced(pair, guards["s2"], offset)
    wait_for("S2's leg to be down", lambda: not is_leg_up(pair, pair.s2, host))
    pair.s2.namespace.set_up(host.switch_link(), True)
    wait_for("it to be down again", lambda: not is_leg_up(pair, pair.s2, host))
    pair.fail_leg(host, "s1")
    wait_for("S2's leg to be up", lambda: is_leg_up(pair, pair.s2, host), 10)
    with pair.traffic() as run:
        flow = pair.flow(run, pair.hosts["o2"], host.mac, vlan=VLAN, rate=RATE, count=RATE)
        run.send()
        run.result(flow, "b").assert_exactly_once()
    pair.heal_leg(host, "s1")
    wait_for("S2's leg to be down", lambda: not is_leg_up(pair, pair.s2, host))
    wait_for("floods at S1", lambda: "floods-held" not in codes(pair.s1))
    assert_once(pair)


@pytest.mark.long
def test_floods_that_are_held_for_a_dead_peer_are_held_until_it_is_fenced(
        pair: Pair, guards: dict[str, Guard]) -> None:
    """A leg returns while the peer's daemon is dead: nobody acknowledges, until the guard speaks."""
    host = pair.hosts["b"]
    log = Mark(pair.s1)
    offset = guards["s2"].size()
    pair.fail_leg(host, "s1")
    log.wait(r"^leg lag2 .*-> down")
    kill(pair.s2)
    pair.heal_leg(host, "s1")
    wait_fenced(pair, guards["s2"], offset)
    log.wait(r"^leg lag2 .*ready -> open")
    wait_for("floods to be let go", lambda: "floods-held" not in codes(pair.s1))
    lines = [line for line in log.text().splitlines()
             if re.search(r"^(leg lag2 .*-> (ready|open)|peer: .*-> fenced)", line)]
    assert ["ready" in lines[0], "fenced" in lines[1], "open" in lines[2]] == [True] * 3, lines
    assert_once(pair)


@pytest.mark.long
def test_who_did_not_run_himself_fences_nobody(pair: Pair, guards: dict[str, Guard]) -> None:
    """The whole machine stood still, or only the guard: neither is held against the daemon."""
    pair.wait_known(vlan=VLAN)
    offset = guards["s2"].size()
    pid = daemon_pid(pair.s2)
    os.kill(pid, signal.SIGSTOP)
    guards["s2"].send(signal.SIGSTOP)
    time.sleep(HOLD + 2)  # what is waited for is that nothing happens
    guards["s2"].send(signal.SIGCONT)
    time.sleep(0.3)       # the guard is first
    os.kill(pid, signal.SIGCONT)
    pair.wait_whole(30)
    guards["s2"].send(signal.SIGSTOP)
    time.sleep(HOLD + 2)
    assert "guard-absent" not in codes(pair.s1)
    guards["s2"].send(signal.SIGCONT)
    time.sleep(1)
    assert "->" not in guards["s2"].text(offset)


@pytest.mark.long
def test_a_guard_that_is_killed_while_fenced_goes_on_and_gives_back(
        pair: Pair, guards: dict[str, Guard]) -> None:
    """What it took down outlives it."""
    guard = guards["s2"]
    offset = guard.size()
    kill(pair.s2)
    wait_fenced(pair, guard, offset)
    guard.end(signal.SIGKILL)
    guard.start()
    guard.wait(r"an earlier guard has fenced", offset)
    pair.s2.mlagd.process = None
    pair.s2.mlagd.start()
    guard.wait(r"^fenced -> watching", offset)


def test_who_leaves_on_purpose_is_not_fenced(pair: Pair, guards: dict[str, Guard]) -> None:
    """`mlagctl leave`, and no mlagd for longer than the hold: there is nothing to guard."""
    offset = guards["s2"].size()
    done = pair.s2.mlagd.ctl("leave")
    assert done.returncode == 0, done.stdout + done.stderr
    guards["s2"].wait(r"^watching -> idle: this member has left", offset)
    time.sleep(HOLD + 1)  # what is waited for is that nothing happens
    assert "fenced" not in guards["s2"].text(offset)
    pair.s2.mlagd.process = None
    for host in pair.hosts.values():
        if host.is_dual:
            pair.s2.namespace.set_up(host.switch_link(), True)


def test_a_guard_that_is_gone_is_missed(pair: Pair, guards: dict[str, Guard]) -> None:
    """`status` says so, and degraded; nothing else changes."""
    guards["s2"].end(signal.SIGKILL)
    wait_for("the problem", lambda: "guard-absent" in codes(pair.s2), 15)
    status = pair.s2.mlagd.query("status")
    assert status["guard"] == "absent" and status["verdict"] == "peered"


@pytest.mark.long
def test_never_both_dark_the_box_of_the_survivor_dies(pair: Pair,
                                                      guards: dict[str, Guard]) -> None:
    """S2 is fenced, then S1 dies with its peer link: S2's data plane is the only one, and serves."""
    offset = guards["s2"].size()
    kill(pair.s2)
    wait_fenced(pair, guards["s2"], offset)
    kill(pair.s1)
    for device in ("peerlink", "backup", "o1"):
        pair.s1.namespace.set_up(device, False)
    for name in "ab":
        pair.fail_leg(pair.hosts[name], "s1")
    guards["s2"].wait(r"^fenced -> frozen", offset)
    wait_for("the legs", lambda: all(is_leg_up(pair, pair.s2, pair.hosts[name]) for name in "ab"))
    wait_one_port(pair)
    pair.s1.namespace.set_up("o1", True)
