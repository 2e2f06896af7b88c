# SPDX-License-Identifier: BSD-2-Clause
"""The layout people meet first: two LACP hosts on both switches and an orphan on each, one VLAN."""

from .topology import Pair

VLAN = 10
PICTURE = """
     o1          o2          s1, s2  the pair: two Linux bridges, each with its mlagd
     |           |           h1, h2  hosts with ONE 802.3ad bond over both switches
    s1 ===PL=== s2           o1, o2  orphans: one plain link
    | \\_______/ |           all of them in VLAN 10
    |  _/   \\_  |
    h1         h2
"""


def standard_pair() -> Pair:
    """Not built yet."""
    pair = Pair()
    pair.host("h1", lag_id=1, access=VLAN)
    pair.host("h2", lag_id=2, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)
    return pair
