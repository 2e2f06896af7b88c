# SPDX-License-Identifier: BSD-2-Clause
"""As many LAGs as there may be, static ones on plain bridges: nothing waits for all of them.

All legs of a member fail and return at once, and a daemon is started again, while both control
sockets are asked all the time: no hello and no session is missed for it.
"""

import time
from typing import Callable, Iterator

import pytest

from mlab import LabError, Pair, wait_for
from mlab.many import Watched, cable_legs, costs, healthy, leg_name, states

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_backup": True}
LONG = True
LEGS = 256
MARGIN = 5
IS_LACP = False


def LAYOUT(pair: Pair) -> None:
    """All legs come by cable_legs()."""
    del pair


def wait_dual(pair: Pair, timeout: float = 60) -> None:
    """Wait until every LAG has both legs."""
    def probe() -> bool:
        found = {name: states(switch) for name, switch in pair.switches.items()}
        if any(counts != {"dual": LEGS} for counts in found.values()):
            raise LabError(str(found))
        return True

    wait_for("all of them dual", probe, timeout, 0.02)


@pytest.fixture(scope="module", name="pair")
def _pair(layout: Pair) -> Pair:
    """Both daemons, from nothing to a healthy pair."""
    cable_legs(layout, LEGS, IS_LACP)
    for member in layout.switches:
        layout.prepare_daemon(member).config["peer"]["hello-interval"] = "300ms"
    layout.start(timeout=180)
    wait_dual(layout)
    return layout


@pytest.fixture(name="watched")
def _watched(pair: Pair) -> Iterator[Watched]:
    """Both, asked all the time."""
    watched = Watched(pair)
    yield watched
    watched.close()


def set_legs(pair: Pair, member: str, how: str) -> float:
    """All legs of a member at once; when that was done."""
    pair.switches[member].namespace.ip(*[f"link set {leg_name(number, IS_LACP)} {how}"
                                         for number in range(1, LEGS + 1)])
    return time.monotonic()


def wait_states(watched: Watched, pair: Pair, wanted: dict[str, str], timeout: float) -> float:
    """Ask for the states until they are as wanted; the moment at which they were."""
    def probe(said: dict[str, dict]) -> bool:
        del said
        return all(states(pair.switches[name]) == {state: LEGS}
                   for name, state in wanted.items())

    watched.wait(f"legs {wanted}", timeout, probe)
    return time.monotonic()


def test_all_legs_fail_and_return_at_once_and_no_hello_is_missed(
        pair: Pair, watched: Watched, tell: Callable[[str], None]) -> None:
    """S1 loses every leg: the peer opens its filter for each, and the session stands."""
    failed = set_legs(pair, "s1", "down")
    opened = wait_states(watched, pair, {"s1": "peer-only", "s2": "local-only"}, 30)
    returned = set_legs(pair, "s1", "up")
    dual = wait_states(watched, pair, {"s1": "dual", "s2": "dual"}, 60)
    tell(f"{LEGS} legs: failed, known to both after {opened - failed:.2f} s; returned, dual after "
         f"{dual - returned:.2f} s; the slowest of {watched.asked} answers {watched.slowest_ms:.0f} "
         f"ms; memory {[f'{cost.rss / 1024:.1f} MiB' for cost in costs(pair).values()]}")
    assert not watched.lost()
    assert opened - failed < MARGIN and dual - returned < MARGIN
    assert watched.slowest_ms < 2000  # on two busy processors; 3600 when it was blocked


def test_a_restart_takes_over_all_legs_and_holds_none(pair: Pair,
                                                      tell: Callable[[str], None]) -> None:
    """What served goes on: nothing is taken out of service, and the pair is healthy soon."""
    mark = len(pair.s2.mlagd.log())
    began = time.monotonic()
    pair.s2.mlagd.stop()
    pair.s2.mlagd.start()
    wait_for("an answer", lambda: pair.s2.mlagd.query("status"), 30, 0.01)
    answered = time.monotonic()
    watched = Watched(pair)
    try:
        watched.wait("healthy", 60, healthy)
        whole = time.monotonic()
        wait_dual(pair)
    finally:
        watched.close()
    tell(f"{LEGS} legs: answers {answered - began:.2f} s after the end of the last daemon began, "
         f"healthy after {whole - began:.2f} s; slowest answer {watched.slowest_ms:.0f} ms")
    assert whole - began < 3 * MARGIN
    assert "out of service" not in pair.s2.mlagd.log()[mark:]


def test_what_256_legs_cost_while_nothing_happens(pair: Pair, tell: Callable[[str], None]) -> None:
    """Their states are polled; that is no work worth speaking of."""
    before, began = costs(pair), time.monotonic()
    wait_for("five seconds", lambda: time.monotonic() - began > 5, 10, 0.5)
    passed = time.monotonic() - began
    after = costs(pair)
    shares = [(after[name].cpu - before[name].cpu) / passed for name in after]
    tell(f"{LEGS} legs: {max(shares):.1%} of a processor each")
    assert max(shares) < 0.1 * MARGIN
