# SPDX-License-Identifier: BSD-2-Clause
"""What this kernel can do: tried in a throwaway namespace, not guessed from a version."""

import functools

from .errors import LabError
from .netns import run

TRIALS = {
    "bridge": "link add mlabtry type bridge",
    "veth": "link add mlabtry type veth peer name mlabtry2",
    "bond": "link add mlabtry type bond mode 802.3ad lacp_rate fast miimon 10",
    "vlan": "link add mlabtry type bridge vlan_filtering 1 vlan_default_pvid 0",
    "vlan-device": "link add mlabtry type bridge\n"
                   "link add link mlabtry name mlabtry.2 type vlan id 2",
    "macvlan": "link add mlabtry type bridge\n"
               "link add link mlabtry name mlabtry2 type macvlan mode bridge",
    "dummy": "link add mlabtry type dummy",
    "vrf": "link add mlabtry type vrf table 99",
}


@functools.lru_cache(maxsize=None)
def can(feature: str) -> bool:
    """True when the kernel does it here and now."""
    try:
        run(["unshare", "--net", "ip", "-batch", "-"], stdin=TRIALS[feature] + "\n")
    except LabError:
        return False
    return True


def missing(features: list[str]) -> list[str]:
    """Those of `features` that this kernel lacks."""
    return [feature for feature in features if not can(feature)]
