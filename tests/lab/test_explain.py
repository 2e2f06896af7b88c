# SPDX-License-Identifier: BSD-2-Clause
"""`mlagctl explain` against the wire: what it says of a frame is what becomes of that frame."""

import re
import signal
import time
from typing import Callable

import pytest

from mlab import Pair, wait_for
from mlab.explained import (COUNT, RATE, MakeFlow, ask, bare, compare, ends, faults, foretell,
                            packet, port_of, rules)
from mlab.routed import Packet, RoutedTraffic
from mlab.routing import BEHIND_H, ROUTE_BEHIND_H, Routing, address, lay_out
from mlab.routing_suites import host_of
from mlab.topology import PL, Host
from mlab.traffic import BROADCAST, MULTICAST, UNKNOWN, Flow

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
NOWHERE = {4: "198.51.100.1", 6: "fd00:dead::1"}
STRANGER = "02:00:00:00:77:09"
ANSWER_KEYS = {"in", "vlan", "frame", "assumed", "verdict", "ttl", "agrees", "not_run", "runs",
               "steps", "copies", "cut"}
FRAME_KEYS = {"dst_mac", "src_mac", "tag", "ethertype", "dst_ip", "src_ip", "ttl", "octets"}
STEP_KEYS = {"member", "stage", "ifname", "rule", "reason", "run", "differs", "text"}
COPY_KEYS = {"member", "fate", "ifname", "lag_id", "peer_link", "vlan", "tagged", "rule", "reason",
             "text"}
# Counted for what only these tests send, so nothing but an explanation could move them.
QUIET_REASONS = ("ttl-zero", "routed-for-peer", "no-route", "malformed", "peer-link-return")



@pytest.fixture(scope="module", name="lab")
def routing(layout: Pair):
    """Static routes, both daemons peered, every neighbour known."""
    lab = Routing(layout).build()
    layout.start()
    lab.wait_addresses()
    lab.pair.wait_known()
    lab.resolve()
    return lab


@pytest.fixture(name="known")
def fixture_known(lab: Routing):
    """Hosts and neighbours are known again, after tests that take something away."""
    lab.pair.wait_known()
    lab.resolve()


KNOWN = pytest.mark.usefixtures("known")


def cases(lab: Routing) -> dict[str, tuple[Host, str, MakeFlow, list[str], str]]:
    """Who sends by which leg what, the rules that must be named, the verdict."""
    hosts = lab.pair.hosts
    r, h, o1, o2 = (hosts[name] for name in ("r", "h", "o1", "o2"))
    table: dict[str, tuple[Host, str, MakeFlow, list[str], str]] = {}
    for version in (4, 6):
        own = address(2, None, version)
        behind = host_of(lab)[version]
        table |= {
            f"R21 {version}": (r, "s1", packet(lab, behind, "s2", "s1"), ["R20", "R21", "R6"],
                               "routed"),
            f"R21 to the peer's orphan {version}": (
                r, "s1", packet(lab, host_of(lab, "o2")[version], "s2", "s1"),
                ["R20", "R21", "R8", "R8"], "routed"),
            f"R20 own MAC {version}": (r, "s1", packet(lab, behind, "s1", "s1"), ["R20", "R6"],
                                       "routed"),
            f"R20 own MAC at the other member {version}": (
                r, "s2", packet(lab, behind, "s2", "s2"), ["R20", "R6"], "routed"),
            f"R22 {version}": (r, "s1", packet(lab, own, "s2", "s1", 1),
                               ["R20", "R22", "R20", "R22"], "to-peer"),
            f"R24 TTL 0 {version}": (r, "s1", packet(lab, behind, "s2", "s1", 0), ["R20", "R24"],
                                     "dropped"),
            f"R24 TTL 1 {version}": (r, "s1", packet(lab, behind, "s2", "s1", 1),
                                     ["R20", "R21", "R24"], "answered"),
            f"R20 own MAC, own address {version}": (
                r, "s1", packet(lab, address(1, 10, version), "s1", "s1", 1), ["R20"], "local"),
        }
    return table | {
        "R23 link-local": (r, "s1", packet(lab, "169.254.7.7", "s2", "s1"),
                           ["R20", "R23", "R20", "R23"], "to-peer"),
        "R23 not IP": (r, "s1", bare(r, "s1", lab.macs["s2"]), ["R20", "R23", "R20", "R23"],
                       "to-peer"),
        "R6 known unicast to a leg": (o1, "s1", bare(o1, "s1", h.mac), ["R6"], "bridged"),
        "R3 broadcast from an orphan": (o1, "s1", bare(o1, "s1", BROADCAST), ["R3", "R3"],
                                        "flooded"),
        "R3 broadcast from a LAG": (h, "s1", bare(h, "s1", BROADCAST), ["R3", "R3"], "flooded"),
        "R3 broadcast by the other leg": (h, "s2", bare(h, "s2", BROADCAST), ["R3", "R3"],
                                          "flooded"),
        "R3 multicast": (h, "s2", bare(h, "s2", MULTICAST), ["R3", "R3"], "flooded"),
        "R3 unknown unicast": (o1, "s1", bare(o1, "s1", UNKNOWN), ["R3", "R3"], "flooded"),
        "R3 broadcast where nobody else is": (o2, "s2", bare(o2, "s2", BROADCAST), ["R3", "R3"],
                                              "flooded"),
        "R8 to an orphan of the peer": (h, "s2", bare(h, "s2", o1.mac), ["R8", "R8"], "bridged"),
        "a VLAN that the port does not have": (o1, "s1", bare(o1, "s1", lab.macs["s2"], 10),
                                               ["R20", "R23"], "dropped"),
    }


CASES = ([f"{rule} {version}" for version in (4, 6) for rule in
          ("R21", "R21 to the peer's orphan", "R20 own MAC", "R20 own MAC at the other member",
           "R22", "R24 TTL 0", "R24 TTL 1", "R20 own MAC, own address")] +
         ["R23 link-local", "R23 not IP", "R6 known unicast to a leg",
          "R3 broadcast from an orphan", "R3 broadcast from a LAG", "R3 broadcast by the other leg",
          "R3 multicast", "R3 unknown unicast", "R3 broadcast where nobody else is",
          "R8 to an orphan of the peer", "a VLAN that the port does not have"])


@pytest.mark.parametrize("case", CASES)
def test_what_is_explained_is_what_is_seen(lab: Routing, case: str) -> None:
    """Rules, verdict, who gets it, TTL, ICMP errors; the programs were run and agree."""
    host, by, make, wanted_rules, verdict = cases(lab)[case]
    answer = compare(lab, host, by, make)
    assert rules(answer) == wanted_rules, answer["steps"]
    assert answer["verdict"] == verdict
    assert answer["agrees"] is True and answer["not_run"] is None
    assert answer["runs"] >= 1


@KNOWN
def test_the_comparison_can_fail(lab: Routing) -> None:
    """Without the receive program frames take another way than was explained before."""
    s1 = lab.pair.s1
    assert s1.mlagd.process is not None
    with lab.traffic() as run:
        flow = packet(lab, host_of(lab)[4], "s2", "s1")(run)
        foretold = foretell(lab.pair, s1, ask(s1, "bond1", flow))
        s1.mlagd.process.send_signal(signal.SIGSTOP)  # nobody repairs it meanwhile
        try:
            lab.detach_receive(s1)
            run.send()
        finally:
            s1.mlagd.process.send_signal(signal.SIGCONT)
    found = faults(run, flow, foretold, "r")
    assert any(fault.startswith(f"{PL}: foretold 0") for fault in found), found
    lab.pair.wait_whole()
    compare(lab, lab.r, "s1", packet(lab, host_of(lab)[4], "s2", "s1"))


def test_r22_is_taken_by_the_peer_with_its_ttl(lab: Routing) -> None:
    """The copy on the peer's side is its own stack, and there it is."""
    with lab.traffic() as run:
        flow = packet(lab, address(2, None), "s2", "s1", 1)(run)
        answer = ask(lab.pair.s1, "bond1", flow)
        run.send()
    assert ("peer", "stack", None, None) in ends(answer)
    seen = run.seen(flow, "svi-s2")
    assert len(seen) == flow.sent and {entry.ttl for entry in seen} == {answer["ttl"]} == {1}


@pytest.mark.parametrize("version", (4, 6))
def test_r25_no_route_here(lab: Routing, version: int) -> None:
    """The what-if first, then the route is really gone: both say R25, and the peer delivers."""
    namespace, by = lab.pair.s1.namespace, "s1"
    make = packet(lab, BEHIND_H[version], "s2", by)
    with lab.traffic() as run:
        flow = make(run)
        before = ask(lab.pair.s1, "bond1", flow)
        what_if = ask(lab.pair.s1, "bond1", flow, "no route")
    assert before["verdict"] == "routed"
    namespace.ip(f"route del {ROUTE_BEHIND_H[version]}")
    try:
        with lab.traffic() as run:
            flow = make(run)
            answer = ask(lab.pair.s1, "bond1", flow)
            run.send()
    finally:
        namespace.ip(f"route add {ROUTE_BEHIND_H[version]} via {lab.host_ip(lab.h, version)}")
    assert rules(answer) == rules(what_if) == ["R20", "R25", "R20"]
    assert ends(answer) == ends(what_if)
    assert answer["verdict"] == "to-peer" and answer["agrees"] is True
    # How the peer routes it is not known at this end; that it does is seen.
    assert run.result(flow, PL).unique == run.result(flow, "h").unique == flow.sent


@pytest.mark.parametrize("version", (4, 6))
def test_no_route_with_the_own_mac_is_answered(lab: Routing, version: int) -> None:
    """ICMP unreachable from here, nothing to the peer."""
    with lab.traffic() as run:
        flow = lab.flow(run, NOWHERE[version], "s1", "s1", rate=RATE, count=2)
        answer = ask(lab.pair.s1, "bond1", flow)
        run.send()
    found = faults(run, flow, foretell(lab.pair, lab.pair.s1, answer), "r")
    assert answer["verdict"] == "answered" and not found, found


@KNOWN
def test_r27_back_into_its_vlan_without_a_redirect(lab: Routing) -> None:
    """H to O1 by S1's router MAC: routed back to where it came from, and H hears nothing of it."""
    o1 = lab.pair.hosts["o1"]

    def make(run: RoutedTraffic) -> Flow:
        return run.packets("H to O1 by S1's MAC", lab.h.leg("s1"), lab.macs["s1"], lab.h.mac,
                           Packet(lab.host_ip(lab.h), lab.host_ip(o1)), RATE, COUNT)

    answer = compare(lab, lab.h, "s1", make)  # an ICMP error to H would be a fault
    assert rules(answer) == ["R20", "R27"], answer["steps"]
    text = next(step["text"] for step in answer["steps"] if step["rule"] == "R27")
    assert "send_redirects is off" in text and "the program drops them at br0" in text


def test_r27_a_redirect_is_dropped_by_the_program_itself(lab: Routing) -> None:
    """Of somebody's redirect, to be routed: the program of the SVIs is run, and agrees."""
    with lab.traffic() as run:
        flow = packet(lab, host_of(lab)[4], "s1", "s1")(run)
        frame = bytearray(flow.frame)
    frame[23], frame[34] = 1, 5  # ICMP, a redirect
    answer = lab.pair.s1.mlagd.query("explain", "--in", "bond1", "--frame", frame.hex())
    assert (answer["verdict"], answer["agrees"], answer["runs"]) == ("dropped", True, 2)
    assert rules(answer) == ["R20", "R27"], answer["steps"]
    assert [step["reason"] for step in answer["steps"] if step["run"]][-1] == "redirect"


@KNOWN
def test_r1_from_the_peer_link_to_a_lag(lab: Routing) -> None:
    """H's broadcast by its leg to S2, as S2 sends it over the peer link, and as S1 gets it."""
    with lab.traffic() as run:
        flow = bare(lab.h, "s2", BROADCAST)(run)
        at_s2 = ask(lab.pair.s2, "bond2", flow)
        run.send()
    at_s1 = lab.pair.s1.mlagd.query("explain", "--in", "peer-link", "--vlan", "20", "--dst-mac",
                                    BROADCAST, "--src-mac", lab.h.mac)
    assert ("here", "dropped", "bond2", 2) in ends(at_s1)
    assert ("here", "sent", "o1", None) in ends(at_s1)
    isolated = [copy for copy in at_s1["copies"] if copy["lag_id"] == 2]
    assert [(copy["rule"], copy["reason"]) for copy in isolated] == [("R1", "isolated")]
    # The other end says the same of it from there.
    assert ("peer", "dropped", None, 2) in ends(at_s2)
    assert run.result(flow, PL).unique == run.result(flow, "o1").unique == flow.sent
    assert run.result(flow, "h").unique == 0


def leg_is(lab: Routing, member: str, state: str) -> None:
    """Wait until H's leg of a member is in a state."""
    wait_for(f"{member}: bond2 {state}",
             lambda: lab.pair.switches[member].mlagd.lag("bond2")["state"] == state, 20)


def settle(lab: Routing) -> None:
    """Every leg up again."""
    lab.pair.heal()
    lab.pair.wait_whole(60)


@KNOWN
def test_r5_leg_down_what_if_and_in_truth(lab: Routing) -> None:
    """The same end of every copy before, by what-if, and after, really; the wire agrees."""
    s1, o1 = lab.pair.s1, lab.pair.hosts["o1"]
    makes = {"routed": (lab.r, packet(lab, host_of(lab)[4], "s2", "s1")),
             "bridged": (o1, bare(o1, "s1", lab.h.mac)),
             "broadcast": (o1, bare(o1, "s1", BROADCAST))}
    with lab.traffic() as run:
        what_if = {name: ask(s1, port_of(host), make(run), "leg bond2 down")
                   for name, (host, make) in makes.items()}
    assert all(answer["agrees"] is None and "assumed" in answer["not_run"]
               for answer in what_if.values())
    lab.pair.fail_leg(lab.h, "s1")
    try:
        leg_is(lab, "s1", "peer-only")
        wait_for("S2 to lift R1", lambda: not lab.pair.s2.mlagd.lag("bond2")["isolated"], 10)
        for name, (host, make) in makes.items():
            answer = compare(lab, host, "s1", make)
            assert ends(answer) == ends(what_if[name]), name
            assert answer["agrees"] is True
            assert ("peer", "sent", None, 2) in ends(answer)
            assert answer["verdict"] == what_if[name]["verdict"]
        assert "R5" in rules(what_if["bridged"])
        # And what if it came back?
        with lab.traffic() as run:
            flow = bare(o1, "s1", lab.h.mac)(run)
            back = ask(s1, "o1", flow, "leg 2 up")
        assert ends(back) == {("here", "sent", "bond2", 2)}
    finally:
        settle(lab)


@KNOWN
def test_r2_the_peers_leg_down_what_if_and_in_truth(lab: Routing) -> None:
    """What came over the peer link for H leaves here once S2's leg to it is down."""
    argv = ("explain", "--in", "peer-link", "--vlan", "20", "--dst-mac", lab.h.mac, "--src-mac",
            STRANGER)
    mlagd = lab.pair.s1.mlagd
    before = mlagd.query(*argv)
    what_if = mlagd.query(*argv, "--if", "peer leg bond2 down")
    assert rules(before) == ["R6", "R1"] and before["verdict"] == "dropped"
    lab.pair.fail_leg(lab.h, "s2")
    try:
        leg_is(lab, "s2", "peer-only")
        wait_for("S1 to lift R1", lambda: not mlagd.lag("bond2")["isolated"], 10)
        after = mlagd.query(*argv)
        assert rules(after) == rules(what_if) == ["R6", "R2"]
        assert ends(after) == ends(what_if) == {("here", "sent", "bond2", 2)}
        # O2 is in another VLAN: R's packet to S2, routed there, comes back for H.
        answer = compare(lab, lab.r, "s2", packet(lab, host_of(lab)[4], "s2", "s2"))
        assert ("peer", "sent", None, 2) in ends(answer)
    finally:
        settle(lab)


@KNOWN
@pytest.mark.parametrize("how,src,why", [
    ("state 0", "02:00:00:00:77:01", "the port is disabled"),
    ("locked on", "02:00:00:00:77:02",
     "the port is locked, and the source MAC is not known there")])
def test_a_port_that_may_not(lab: Routing, how: str, src: str, why: str) -> None:
    """Blocked or locked: the explanation says so, and nothing comes through."""
    o1, namespace = lab.pair.hosts["o1"], lab.pair.s1.namespace
    namespace.bridge(f"link set dev o1 {how}")
    try:
        answer = compare(lab, o1, "s1", bare(o1, "s1", lab.h.mac, src=src))
    finally:
        namespace.bridge("link set dev o1 state 3", "link set dev o1 locked off")
    assert answer["verdict"] == "dropped"
    assert [copy["text"] for copy in answer["copies"]] == [why]


@KNOWN
def test_nothing_is_counted_and_nothing_is_sent(lab: Routing) -> None:
    """Thirty explanations of frames that would be counted: counters and wire stay as they were."""
    def counters() -> dict[tuple[str, str], int]:
        return {(row["ifname"], row["reason"]): row["packets"]
                for row in lab.pair.s1.mlagd.query("counters") if row["reason"] in QUIET_REASONS}

    with lab.traffic() as run:
        flows = [packet(lab, dst, "s2", "s1", ttl)(run) for dst, ttl in
                 ((host_of(lab)[4], 0), (host_of(lab)[6], 0), (host_of(lab)[4], 64),
                  (host_of(lab)[6], 64), (NOWHERE[4], 64))]
        before = counters()
        reasons = set()
        for _ in range(6):
            for flow in flows:
                answer = ask(lab.pair.s1, "bond1", flow)
                reasons |= {step["reason"] for step in answer["steps"] if step["run"]}
        assert counters() == before
        assert {"ttl-zero", "routed-for-peer", "no-route"} <= reasons
        run.read()
    for flow in flows:
        assert not any(run.seen(flow, view) for view in ("r", "h", "o1", "o2", PL, "svi-s1",
                                                         "svi-s2")), flow.name


def test_the_daemon_is_not_held_up(lab: Routing, tell: Callable[[str], None]) -> None:
    """Questions in a row: how long each takes, and the session stays."""
    since = lab.pair.s1.mlagd.query("status")["since"]
    argv = ("explain", "--in", "bond1", "--dst-mac", lab.macs["s2"], "--dst-ip", host_of(lab)[4])
    times = []
    for _ in range(30):
        began = time.monotonic()
        lab.pair.s1.mlagd.query(*argv)
        times.append(1000 * (time.monotonic() - began))
    times.sort()
    tell(f"explain, with starting mlagctl: {times[15]:.0f} ms at the median, {times[-1]:.0f} at most")
    status = lab.pair.s1.mlagd.query("status")
    assert (status["health"], status["since"]) == ("ok", since)


# -- the interface --------------------------------------------------------------------------------


@KNOWN
def test_json_has_the_keys_that_are_documented(lab: Routing) -> None:
    """Every key, also where there is nothing to say; steps and copies alike."""
    answer = lab.pair.s1.mlagd.query("explain", "--in", "bond1", "--dst-mac", lab.macs["s2"],
                                     "--dst-ip", host_of(lab)[4], "--ttl", "9")
    assert set(answer) == ANSWER_KEYS and set(answer["frame"]) == FRAME_KEYS
    assert answer["in"] == {"ifname": "bond1", "kind": "leg", "lag_id": 1}
    assert (answer["vlan"], answer["ttl"], answer["cut"]) == (10, 8, 0)
    # R is known at that port, and by a neighbour entry.
    assert answer["frame"]["src_mac"] == lab.r.mac
    assert answer["frame"]["src_ip"] == address(9, 10)
    assert re.fullmatch(r"(?:[0-9a-f]{2}){60}", answer["frame"]["octets"])
    for step in answer["steps"]:
        assert set(step) == STEP_KEYS and step["member"] in ("here", "peer")
        assert step["rule"] is None or re.fullmatch(r"R\d+", step["rule"])
        assert step["text"] and isinstance(step["run"], bool) and step["differs"] is False
    for copy in answer["copies"]:
        assert set(copy) == COPY_KEYS
    # What was shown can be asked again as it is.
    again = lab.pair.s1.mlagd.query("explain", "--in", "1", "--frame", answer["frame"]["octets"])
    assert again == answer


def test_text_for_people(lab: Routing) -> None:
    """The rules, the verdict, and that the programs were run."""
    mlagd = lab.pair.s1.mlagd
    argv = ("explain", "--in", "bond1", "--dst-mac", lab.macs["s2"], "--dst-ip", host_of(lab)[4])
    done = mlagd.ctl(*argv)
    print(done.stdout)
    assert done.returncode == 0 and not done.stderr
    for text in ("R20", "R21", "Verdict: routed, leaves with TTL 63", "bond2 (LAG 2)", "agrees"):
        assert text in done.stdout, done.stdout
    done = mlagd.ctl(*argv, "--if", "peer dead")
    assert "if peer dead" in done.stdout and "computed, not run" in done.stdout


@pytest.mark.parametrize("argv,text", [
    (["--in", "nope", "--dst-mac", "02:00:00:00:00:01"], 'br0 has no port "nope"; allowed: '),
    (["--in", "9", "--dst-mac", "02:00:00:00:00:01"], 'br0 has no port "9"'),
    (["--in", "br0", "--dst-mac", "02:00:00:00:00:01"], 'br0 has no port "br0"'),
    (["--in", "bond1", "--dst-mac", "02:00"], "not a MAC address"),
    (["--in", "bond1", "--dst-mac", "02:00:00:00:00:01", "--dst-ip", "1.2.3"], "not an IP address"),
    (["--in", "bond1", "--dst-mac", "02:00:00:00:00:01", "--vlan", "20"],
     "20 is not allowed on bond1; allowed: 10"),
    (["--in", "peerlink", "--dst-mac", "02:00:00:00:00:01"],
     "missing, and peerlink has none for what has no tag; allowed: 10, 20, 30, 4094"),
    (["--in", "bond1", "--frame", "xyz"], "not hexadecimal"),
    (["--in", "bond1", "--dst-mac", "02:00:00:00:00:01", "--if", "the sky falls"],
     '"the sky falls" is not understood; allowed: '),
    (["--in", "bond1", "--dst-mac", "02:00:00:00:00:01", "--if", "leg bond9 down"],
     "there is no such LAG"),
    (["--in", "bond1"], "needs --in PORT"), ([], "needs --in PORT")])
def test_wrong_questions_are_exit_3_and_say_what_is_right(lab: Routing, argv: list[str], text: str
                                                          ) -> None:
    """Nothing is explained, and the message names the parameter."""
    done = lab.pair.s1.mlagd.ctl("explain", *argv)
    assert done.returncode == 3 and text in done.stderr, done.stderr
    assert not done.stdout


def test_exit_2_without_a_daemon(lab: Routing) -> None:
    """As every command."""
    done = lab.pair.s1.mlagd.ctl("-S", "/nonexistent/socket", "explain", "--in", "bond1",
                                 "--dst-mac", STRANGER)
    assert done.returncode == 2


# -- the last: a member dies ----------------------------------------------------------------------


@KNOWN
def test_r26_peer_dead_what_if_and_in_truth(lab: Routing) -> None:
    """R26 goes on, R22 stops, floods stay here: foretold while S2 lives, true when it is dead."""
    s1, s2, o1 = lab.pair.s1, lab.pair.s2, lab.pair.hosts["o1"]
    makes: dict[str, tuple[Host, MakeFlow]] = {
        "R26": (lab.r, packet(lab, host_of(lab)[4], "s2", "s1")),
        "R22": (lab.r, packet(lab, address(2, None), "s2", "s1")),
        "broadcast": (o1, bare(o1, "s1", BROADCAST))}
    with lab.traffic() as run:
        what_if = {name: ask(s1, port_of(host), make(run), "peer dead")
                   for name, (host, make) in makes.items()}
    assert "R26" in rules(what_if["R26"]) and what_if["R26"]["verdict"] == "routed"
    assert what_if["R22"]["verdict"] == "dropped"
    assert s2.mlagd.process is not None
    s2.mlagd.process.send_signal(signal.SIGKILL)
    for ifname in [*(host.switch_link() for host in lab.pair.hosts.values()
                     if "s2" in host.members), "peerlink"]:
        s2.namespace.set_up(ifname, False)
    wait_for("S1 to be alone", lambda: s1.mlagd.query("status")["verdict"].startswith("alone"), 30)
    for name, (host, make) in makes.items():
        with lab.traffic() as run:
            flow = make(run)
            answer = ask(s1, port_of(host), flow)
            run.send()
        found = faults(run, flow, foretell(lab.pair, s1, answer), host.name)
        assert not found, f"{name}: {answer['copies']}\n" + "\n".join(found)
        assert answer["verdict"] == what_if[name]["verdict"], name
        here = {end for end in ends(answer) if end[0] == "here"}
        assert here == {end for end in ends(what_if[name]) if end[0] == "here"}, name
        assert rules(answer) == rules(what_if[name]), name
