# SPDX-License-Identifier: BSD-2-Clause
"""What `mlagctl leave` costs (DESIGN §2: goodbye, drain, leave the slaves down): under dense traffic.

Dual hosts with LACP and without, hosts that the other member alone reaches, and orphans on both sides.  What only the
leaving member's legs reach goes with them; its orphans stay, over the peer link.  As a drain: of known unicast nothing
is lost, of floods one control round trip, and nothing comes twice.  test_failures.py has the same at 20 frames/s.
"""

from typing import Callable, Generator, Iterator

import pytest

from mlab import Pair
from mlab.failures import SIDE, Lab, Probe, Row, lay_out, leave_pair, play
from mlab.topology import MEMBERS
from mlab.traffic import BROADCAST, Traffic

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LONG = True
PAIR = {"has_backup": True}
LAYOUT = lay_out
RATE = 100
COUNT = RATE * 60
UNICAST = (("a", "c"), ("c", "a"), ("a", "o1"), ("o1", "a"), ("a", "o2"), ("o2", "a"), ("c", "o2"),
           ("o2", "c"), ("a", "h1"), ("h1", "a"), ("a", "h2"), ("h2", "a"), ("h1", "o2"),
           ("o1", "h2"), ("o1", "o2"), ("o2", "o1"))
FLOODS = ("a", "h1", "h2", "o1", "o2")


@pytest.fixture(scope="module", name="lab")
def lab_fixture(layout: Pair) -> Iterator[Lab]:
    """Two daemons, two guards, two hosts that have lost a leg."""
    layout.start()
    found = Lab(layout, print)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def whole_again(lab: Lab, tell: Callable[[str], None]) -> Iterator[None]:
    """Each test begins whole."""
    lab.tell = tell
    lab.begin()
    yield
    lab.mend()


def dense(lab: Lab, run: Traffic) -> list[Probe]:
    """Each kind from and to each, of a bond by both ports."""
    hosts = lab.pair.hosts
    found = []
    for src, dst in [*UNICAST, *((name, "") for name in FLOODS)]:
        host = hosts[src]
        sources = [host.mac]
        if src not in SIDE:
            sources.append(f"02:00:00:0b:{host.index:02x}:{host.index ^ 1:02x}")
        for mac in sources:
            found.append(Probe(src, dst, run.flow(
                f"{src} to {dst or 'all'}", host.port, hosts[dst].mac if dst else BROADCAST, mac,
                rate=RATE, count=COUNT)))
    return found


@pytest.mark.parametrize("member", MEMBERS)
def test_of_known_unicast_nothing_is_lost(lab: Lab, member: str) -> None:
    """The primary leaves, or the secondary; to and from everybody who still has a way."""
    def steps(lab: Lab) -> Generator[None, None, None]:
        yield
        leave_pair(lab, lab.pair.switches[member])
        lab.wait_verdict("alone", on=lab.pair.switches["s2" if member == "s1" else "s1"])

    def of_its_leg(src: str, dst: str) -> bool:
        return f"h{member[1]}" in (src, dst)

    play(lab, Row(f"{member} leaves", steps, of_its_leg, of_its_leg, is_lossless=True, floods_ms=100),
         dense)
