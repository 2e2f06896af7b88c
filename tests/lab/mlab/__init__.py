# SPDX-License-Identifier: BSD-2-Clause
"""The lab: two switches, their hosts and measured traffic, in network namespaces.

    pair = Pair()
    a = pair.host("a", lag_id=1, access=10)        # one bond, a leg on each member
    o1 = pair.orphan("o1", on="s1", access=10)     # one plain link
    pair.build()
    pair.start()                                   # mlagd on both, waits for "peered"

    with pair.traffic() as run:
        flow = run.flow("a to o1", a.leg("s2"), dst=o1.mac, rate=500, count=200)
        run.send()
    run.result(flow, o1).assert_exactly_once()

Nothing here sleeps for a fixed time to let something happen: everything waits for what it needs,
with a deadline that names what did not come.
"""

from .errors import LabError
from .topology import Host, Pair, Switch
from .traffic import BROADCAST, MULTICAST, UNKNOWN, Flow, FlowResult, Traffic
from .wait import wait_for

__all__ = ["BROADCAST", "MULTICAST", "UNKNOWN", "Flow", "FlowResult", "Host", "LabError", "Pair",
           "Switch", "Traffic", "wait_for"]
