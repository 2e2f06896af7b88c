# SPDX-License-Identifier: BSD-2-Clause
"""Every row of DESIGN §2 and every way between them, under traffic of every kind of host.

What may never happen, and what each costs, is in mlab/failures.py; `make check-long` writes the
figures into docs/failures.md.  S1 is the primary.  Labs that look at one thing closely are elsewhere
(test_hold, test_guard, test_liveness, test_restart, test_legs).
"""

import os
import signal
import time
from typing import Generator, Iterator

import pytest

from mlab import Pair
from mlab.failures import (BLACKHOLE, EVERYBODY, FORMED_MS, FORMED_SEEN_NS, NOBODY, SIDE, VLAN, Lab,
                           Row, Stall, apart, assert_safe, judge_formed, lay_out, leave_pair,
                           not_beside_s1, not_beside_s2, play, probes, reload, without)
from mlab.forming import Formed
from mlab.holds import wait_held
from mlab.liveness import codes, daemon_pid, mute, wait_found
from mlab.wait import wait_for

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LONG = True
PAIR = {"has_backup": True}
LAYOUT = lay_out
HOLD = 3  # seconds: restart-hold of the labs

Steps = Generator[None, None, None]


@pytest.fixture(scope="module", name="lab")
def lab_fixture(layout: Pair) -> Iterator[Lab]:
    """Two daemons, two guards, two hosts that have lost a leg."""
    layout.start()
    found = Lab(layout, print)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def whole_again(lab: Lab, tell) -> Iterator[None]:
    """Each row begins whole, and the pair comes together again by itself after it."""
    lab.tell = tell
    lab.begin()
    yield
    lab.mend()


# -- what each row does --------------------------------------------------------------------------


def split(lab: Lab) -> None:
    """Before a row: the peer link is cut, and S2 has given way."""
    lab.cut()
    lab.wait_verdict("split")
    if lab.s1.mlagd.query("status")["role"] != "primary":
        # On a machine that stands still S2 may have thought for a moment that S1 is dead.
        assert lab.s1.mlagd.ctl("role", "primary").returncode == 0
    for lag in ("bond1", "lag3"):
        wait_held(lab.s2, lag, "split")


def cut_peer_link(lab: Lab) -> Steps:
    """Backup alive: S2 gives way where S1 serves, and keeps what S1 does not."""
    yield
    split(lab)
    assert lab.s2.mlagd.lag("bond5")["held_reason"] is None


def mend_peer_link(lab: Lab) -> Steps:
    """Legs return when it has been stable."""
    split(lab)
    yield
    lab.join()
    lab.wait_whole()


def lose_backup(lab: Lab) -> Steps:
    """Named, and nothing else."""
    yield
    lab.s1.namespace.set_up("backup", False)
    wait_found(lab.s1, "peered", "backup-silent")


def regain_backup(lab: Lab) -> Steps:
    """The other way."""
    lab.s1.namespace.set_up("backup", False)
    wait_found(lab.s1, "peered", "backup-silent")
    yield
    lab.s1.namespace.set_up("backup", True)
    lab.wait_whole()


def lose_link_after_backup(lab: Lab) -> Steps:
    """A backup path that died earlier proves nothing."""
    lab.s1.namespace.set_up("backup", False)
    wait_found(lab.s1, "peered", "backup-silent")
    yield
    lab.cut()
    lab.wait_verdict("alone-unsure")
    wait_one_side(lab)


def lose_backup_after_link(lab: Lab) -> Steps:
    """S2's legs are free again, and its LACP partners have to choose."""
    split(lab)
    yield
    lab.s1.namespace.set_up("backup", False)
    lab.wait_verdict("alone-unsure")
    wait_one_side(lab)


def regain_both(lab: Lab) -> Steps:
    """Out of `alone-unsure`."""
    lab.s1.namespace.set_up("backup", False)
    wait_found(lab.s1, "peered", "backup-silent")
    lab.cut()
    lab.wait_verdict("alone-unsure")
    wait_one_side(lab)
    yield
    lab.s1.namespace.set_up("backup", True)
    lab.join()
    lab.wait_whole()


def wait_one_side(lab: Lab) -> None:
    """The LACP host uses one member, whichever."""
    lab.pair.wait_lacp(lab.pair.hosts["a"], ports=1)


def mute_both_ways(lab: Lab) -> Steps:
    """Carrier stays, nothing passes."""
    yield
    for switch in (lab.s1, lab.s2):
        mute(switch, "peerlink", True)
    lab.wait_verdict("split")
    wait_held(lab.s2, "bond1", "split")


def mute_one_way(lab: Lab) -> Steps:
    """S1 does not hear S2."""
    yield
    mute(lab.s1, "peerlink", True)
    lab.wait_verdict("split")
    wait_held(lab.s2, "bond1", "split")


def unmute(lab: Lab) -> Steps:
    """It passes again."""
    mute(lab.s1, "peerlink", True)
    wait_held(lab.s2, "bond1", "split")
    yield
    mute(lab.s1, "peerlink", False)
    lab.wait_whole()


def refuse_session(lab: Lab) -> Steps:
    """Another domain: its hellos prove life and nothing else.  Frozen for as long as it lasts."""
    yield
    daemon = lab.s2.mlagd
    daemon.stop()
    daemon.config["domain"]["id"] = "2"
    try:
        daemon.start()
        wait_found(lab.s1, "resync", "refused", timeout=20)
        time.sleep(HOLD + 1)  # what is waited for is that nothing happens
        assert lab.s1.mlagd.query("status")["verdict"] == "resync"
    finally:
        daemon.config["domain"]["id"] = "1"
        daemon.stop()
        daemon.start()
    lab.wait_whole()


def block_session(lab: Lab) -> None:
    """TCP does not pass, hellos do."""
    lab.s2.namespace.run("ip", "route", "add", "blackhole", BLACKHOLE)


def unblock_session(lab: Lab) -> None:
    """It does again."""
    lab.s2.namespace.run("ip", "route", "del", "blackhole", BLACKHOLE)


def miss_session(lab: Lab) -> Steps:
    """Trusted hellos: past restart-hold S2 gives way, and S1 lifts R1 by its hellos' word."""
    yield
    block_session(lab)
    lab.wait_verdict("resync")
    wait_held(lab.s2, "bond1", "resync")
    assert not lab.s1.mlagd.lag("bond1")["isolated"]


def regain_session(lab: Lab) -> Steps:
    """And back."""
    block_session(lab)
    wait_held(lab.s2, "bond1", "resync")
    yield
    unblock_session(lab)
    lab.wait_whole()


def link_before_session(lab: Lab) -> Steps:
    """The peer link is back before the session is: held legs wait for it."""
    split(lab)
    block_session(lab)
    yield
    lab.join()
    lab.wait_verdict("resync")
    unblock_session(lab)
    lab.wait_whole()


def cut_then_primary_dies(lab: Lab) -> Steps:
    """Not both dark: S2 gives its legs free by itself, and LACP forms again."""
    split(lab)
    yield
    lab.die(lab.s1)
    since = time.monotonic()
    lab.wait_serving(lab.s2, "bond1", "lag3", "bond5")
    lab.facts.append(f"all legs in service after {time.monotonic() - since:.1f} s")


def primary_dies(lab: Lab) -> Steps:
    """S2's legs never flinch."""
    size = len(lab.s2.mlagd.log())
    yield
    lab.die(lab.s1)
    lab.wait_verdict("alone", on=lab.s2)
    text = lab.s2.mlagd.log()[size:]
    assert "open ->" not in text and "held:" not in text, text


def secondary_dies(lab: Lab) -> Steps:
    """S1's neither."""
    size = len(lab.s1.mlagd.log())
    yield
    lab.die(lab.s2)
    lab.wait_verdict("alone", on=lab.s1)
    text = lab.s1.mlagd.log()[size:]
    assert "open ->" not in text and "held:" not in text, text


def hang(lab: Lab, seconds: float) -> None:
    """S2's daemon is stopped for so long."""
    os.kill(daemon_pid(lab.s2), signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(daemon_pid(lab.s2), signal.SIGCONT)


def hang_short(lab: Lab) -> Steps:
    """Longer than the dead time, shorter than restart-hold."""
    yield
    hang(lab, 1)
    lab.wait_whole()


def hang_5_s(lab: Lab) -> Steps:
    """Longer than restart-hold: fenced, and given back."""
    yield
    hang(lab, 5)
    lab.wait_whole()


def hang_for_ever(lab: Lab) -> Steps:
    """Fenced, and R1 lifted only then."""
    yield
    os.kill(daemon_pid(lab.s2), signal.SIGSTOP)
    wait_fenced(lab)


def wait_fenced(lab: Lab) -> None:
    """S2 is, and S1 says so and serves alone."""
    wait_found(lab.s1, "alone", "peer-fenced", peer="fenced", timeout=HOLD + 12)
    wait_for("A to use one leg", lambda: lab.pair.lacp(lab.pair.hosts["a"])["ports"] == 1, 20)
    assert lab.is_held(lab.s2, "a-leg") and lab.is_held(lab.s2, "lag3")
    assert not lab.is_held(lab.s2, "h2-leg")
    assert not lab.s1.mlagd.lag("bond1")["isolated"]


def kill_for_ever(lab: Lab) -> Steps:
    """SIGKILL, and nobody starts it."""
    yield
    lab.kill(lab.s2)
    wait_fenced(lab)


def return_from_fence(lab: Lab) -> Steps:
    """Started after all."""
    lab.kill(lab.s2)
    wait_fenced(lab)
    yield
    lab.start(lab.s2)
    lab.wait_whole()


def both_dead(lab: Lab) -> Steps:
    """Nobody hears a daemon: frozen, not fenced."""
    yield
    for switch in (lab.s1, lab.s2):
        lab.kill(switch)
    time.sleep(HOLD + 2)  # what is waited for is that nothing happens
    for switch in (lab.s1, lab.s2):
        assert not lab.is_held(switch, "a-leg") and not lab.is_held(switch, "lag3")


def both_return(lab: Lab) -> Steps:
    """After both had been dead for longer than restart-hold."""
    for switch in (lab.s1, lab.s2):
        lab.kill(switch)
    time.sleep(HOLD + 1)
    yield
    for switch in (lab.s1, lab.s2):
        lab.start(switch)
    lab.wait_whole()


def restart(*members: str, how: signal.Signals):
    """Ended so, and started again at once."""
    def steps(lab: Lab) -> Steps:
        yield
        for member in members:
            lab.pair.switches[member].mlagd.stop(how)
        for member in members:
            lab.pair.switches[member].mlagd.start()
        lab.wait_whole()
    return steps


def both_boot(lab: Lab) -> Steps:
    """At once."""
    for switch in (lab.s1, lab.s2):
        lab.unbox(switch)
    yield
    for switch in (lab.s1, lab.s2):
        lab.boot(switch)
    lab.wait_whole()


def both_boot_apart(lab: Lab) -> Steps:
    """The primary serves, and S2 where S1 does not."""
    for switch in (lab.s1, lab.s2):
        lab.unbox(switch)
    yield
    for switch in (lab.s1, lab.s2):
        lab.boot(switch, "peerlink")
    lab.wait_verdict("split")
    lab.wait_serving(lab.s1, "bond1", "lag3", "bond4")
    lab.wait_serving(lab.s2, "bond5")
    assert not lab.s2.mlagd.lag("bond1")["local_up"]


def one_boots_alone(lab: Lab) -> Steps:
    """Nobody is heard: after startup-wait it serves."""
    for switch in (lab.s1, lab.s2):
        lab.unbox(switch)
    yield
    lab.boot(lab.s1)
    lab.wait_serving(lab.s1, "bond1", "lag3", "bond4", timeout=30)


def boots_beside(lab: Lab) -> Steps:
    """A box that had died returns to one that serves."""
    lab.unbox(lab.s2)
    lab.wait_verdict("alone", on=lab.s1)
    yield
    lab.boot(lab.s2)
    lab.wait_whole()


def flap(lab: Lab) -> Steps:
    """Twenty times: the legs give way once, and return once."""
    size = len(lab.s2.mlagd.log())
    yield
    for _ in range(20):
        lab.cut()
        lab.wait_verdict("split", on=lab.s2)
        lab.join()
        lab.wait_verdict("peered", on=lab.s2)
    lab.wait_whole(90)
    text = lab.s2.mlagd.log()[size:]
    assert text.count("leg bond1 (LAG 1): held: none -> split") == 1, text


def move_role(lab: Lab) -> Steps:
    """By command."""
    yield
    assert lab.s2.mlagd.ctl("role", "primary").returncode == 0
    assert lab.s2.mlagd.query("status")["role"] == "primary"


def drain(lab: Lab) -> Steps:
    """One LAG, the other, and back."""
    yield
    for lag in ("bond1", "lag3"):
        done = lab.s1.mlagd.ctl("drain", lag)
        assert done.returncode == 0, done.stderr
        wait_held(lab.s1, lag, "drained")


def undrain(lab: Lab) -> Steps:
    """Back."""
    for lag in ("bond1", "lag3"):
        assert lab.s1.mlagd.ctl("drain", lag).returncode == 0
        wait_held(lab.s1, lag, "drained")
    yield
    assert lab.s1.mlagd.ctl("undrain").returncode == 0
    lab.wait_whole()


def leave(lab: Lab) -> Steps:
    """S2 says goodbye; its orphans go on by the peer link."""
    yield
    leave_pair(lab, lab.s2)
    lab.wait_verdict("alone", on=lab.s1)


def shut_down(lab: Lab) -> Steps:
    """The machine goes down: it leaves, and then its links are gone."""
    yield
    leave_pair(lab, lab.s2)
    lab.guards["s2"].end()
    lab.down(lab.s2, "peerlink", "backup", "o2")
    lab.wait_verdict("alone", on=lab.s1)


def reload_lag(lab: Lab) -> Steps:
    """H1's LAG is taken out of both configurations, and put in again."""
    yield
    sections = {}
    for switch in (lab.s1, lab.s2):
        sections[switch.name] = switch.mlagd.config.pop("lag bond4")
        assert reload(switch).returncode == 0
    for switch in (lab.s1, lab.s2):
        assert "bond4" not in {row["ifname"] for row in switch.mlagd.query("lags")}
    for switch in (lab.s1, lab.s2):
        switch.mlagd.config["lag bond4"] = sections[switch.name]
        assert reload(switch).returncode == 0
    lab.wait_whole()


def of_h1(src: str, dst: str) -> bool:
    """H1's own: its LAG is another one meanwhile."""
    return "h1" in (src, dst)


def of_h2(src: str, dst: str) -> bool:
    """H2's own."""
    return "h2" in (src, dst)


ROWS = [
    Row("Peer link cut, backup alive", cut_peer_link, apart, apart),
    Row("Peer link back, legs return", mend_peer_link, apart, is_lossless=True, floods_ms=100),
    Row("Backup path down", lose_backup, is_lossless=True),
    Row("Backup path back", regain_backup, is_lossless=True),
    Row("Backup path down, later the peer link", lose_link_after_backup, not_beside_s1,
        not_beside_s1, gap_ms=2000, note="the LACP host takes one side"),
    Row("Peer link down, later the backup path", lose_backup_after_link, not_beside_s1,
        not_beside_s1, gap_ms=2000, note="the LACP host stays with the primary"),
    Row("Both paths back", regain_both, not_beside_s1),
    Row("Peer link passes nothing, both ways, carrier up", mute_both_ways, apart, apart),
    Row("Peer link passes nothing one way, carrier up", mute_one_way, apart, apart),
    Row("Peer link passes again", unmute, apart, is_lossless=True, floods_ms=100),
    Row("Session refused, hellos flow", refuse_session, of_h2, is_lossless=True, floods_ms=100,
        note="a first start, to whom H2's only leg is new: H2's own are not counted"),
    Row("No session for longer than restart-hold, hellos flow", miss_session),
    Row("Session back", regain_session, is_lossless=True, floods_ms=100),
    Row("Peer link back before the session is", link_before_session, apart, is_lossless=True,
        floods_ms=100),
    Row("Peer link cut, then the primary dies", cut_then_primary_dies, not_beside_s2,
        without("s1"), is_lossless=True, note="S2's own hosts are counted"),
    Row("The primary's box dies", primary_dies, without("s1"), without("s1")),
    Row("The secondary's box dies", secondary_dies, without("s2"), without("s2")),
    Row("mlagd hangs for 1 s", hang_short, is_lossless=True),
    Row("mlagd hangs for 5 s: fenced, and back", hang_5_s),
    Row("mlagd hangs for ever: fenced", hang_for_ever),
    Row("mlagd is killed and never restarted: fenced", kill_for_ever),
    Row("mlagd returns from the fence", return_from_fence, is_lossless=True, floods_ms=100),
    Row("Both daemons dead for ever: frozen", both_dead, is_lossless=True),
    Row("Both daemons back", both_return, is_lossless=True, floods_ms=100),
    Row("mlagd restarted (SIGTERM)", restart("s2", how=signal.SIGTERM), is_lossless=True),
    Row("mlagd restarted (SIGKILL)", restart("s1", how=signal.SIGKILL), is_lossless=True),
    Row("Both restarted", restart("s1", "s2", how=signal.SIGKILL), is_lossless=True),
    Row("Both boxes boot at once", both_boot, EVERYBODY),
    Row("Both boxes boot with the peer link cut", both_boot_apart, EVERYBODY, apart),
    Row("One box boots alone", one_boots_alone, EVERYBODY, without("s2")),
    Row("A box boots beside one that serves", boots_beside, without("s2"), is_lossless=True,
        floods_ms=100),
    Row("Peer link flaps 20 times", flap, apart),
    Row("Role moved by command", move_role, is_lossless=True),
    Row("Drain", drain, is_lossless=True, floods_ms=100),
    Row("Undrain", undrain, is_lossless=True, floods_ms=100),
    Row("Leave", leave, of_h2, of_h2, note="H2's only leg goes with it"),
    Row("Shutdown", shut_down, without("s2"), without("s2")),
    Row("Reload that removes a LAG and adds it again", reload_lag, of_h1, is_lossless=True),
]


# -- the tests -------------------------------------------------------------------------------------


def test_this_lab_sees_doubles_and_echoes(lab: Lab) -> None:
    """Without our programs on one member there are some, and nobody there to fence it."""
    lab.guards["s1"].end()
    lab.kill(lab.s1)
    lab.pair.unload_programs(lab.s1)
    with lab.pair.traffic(**{"to-s1": [lab.s1.peer_link], "to-s2": [lab.s2.peer_link]}) as run:
        sent = probes(lab, run)
        run.start()
        run.wait_sent(sent[0].flow, 20)
        run.stop()
        with pytest.raises(AssertionError, match="twice"):
            assert_safe(lab, run, sent)


@pytest.mark.parametrize("ms", [FORMED_MS + 1.0, None], ids=["late", "nothing"])
def test_this_lab_sees_a_leg_that_is_not_used_in_time(lab: Lab, ms: float | None) -> None:
    """After its partner's Collecting, in either direction."""
    for way in ("to", "from"):
        formed = Formed("a by s1", 0, FORMED_SEEN_NS, {"to": 0.0, "from": 0.0, way: ms})
        with pytest.raises(AssertionError):
            judge_formed(lab, ROWS[0], [formed], Stall())


def nothing(lab: Lab) -> Steps:
    """Peace."""
    del lab
    yield


@pytest.mark.parametrize("row", [Row("Nothing happens", nothing, is_lossless=True), *ROWS],
                         ids=lambda row: row.title.replace(" ", "-"))
def test_failure(lab: Lab, row: Row) -> None:
    """Safe, and restored in time."""
    play(lab, row)


def test_every_kind_of_host_is_there(lab: Lab) -> None:
    """Dual with LACP and without, half-attached on either side, orphans on either side."""
    assert set(SIDE) == {"h1", "h2", "o1", "o2"} and NOBODY("a", "c") is False
    assert {host.name for host in lab.pair.members_of(VLAN)} == {"a", "c", *SIDE}
    assert "leg-held" not in codes(lab.s1)
