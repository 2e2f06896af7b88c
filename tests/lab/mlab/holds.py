# SPDX-License-Identifier: BSD-2-Clause
"""Legs out of service: what a hold looks like, and what is lost around it."""

import contextlib
import select
import subprocess
from typing import Any, Callable, Iterator

from .errors import LabError
from .topology import Host, Pair, Switch
from .traffic import Flow, Traffic
from .wait import wait_for

SOURCES = 4  # flows of one host, so that its bond uses both legs


def is_up(switch: Switch, device: str) -> bool:
    """Administratively."""
    return "UP" in switch.namespace.link(device)["flags"]


def admin_state(pair: Pair) -> dict[str, tuple[bool, Any]]:
    """What a hold changes, and must give back exactly: flags, and the priority told to partners."""
    found = {}
    for switch in pair.switches.values():
        for link in switch.namespace.json("ip", "-d", "-j", "link", "show"):
            data = link.get("linkinfo", {}).get("info_data", {})
            found[f"{switch.name}/{link['ifname']}"] = ("UP" in link["flags"],
                                                        data.get("ad_actor_sys_prio"),
                                                        data.get("ad_actor_system"))
    return found


def wait_held(switch: Switch, ifname: str, reason: str | None, timeout: float = 15) -> None:
    """Wait until a leg is held for this reason, or (None) is not held."""
    def probe() -> bool:
        row = switch.mlagd.lag(ifname)
        if row["held_reason"] != reason or (row["state"] == "held") != (reason is not None):
            raise LabError(f"{switch.name} {ifname}: {row['state']}, {row['held_reason']}")
        return True

    wait_for(f"{switch.name}: {ifname} held: {reason}", probe, timeout)


def flows_of(run: Traffic, host: Host, dst: str, count: int, rate: float, what: str) -> list[Flow]:
    """Several senders behind one host, by its bond: some go by each leg."""
    return [run.flow(f"{what} #{n}", host.port, dst=dst,
                     src=host.mac if n == 0 else f"02:00:00:0b:{host.index:02x}:{n:02x}",
                     rate=rate, count=count) for n in range(SOURCES)]


@contextlib.contextmanager
def changes(switch: Switch) -> Iterator[list[str]]:
    """What the kernel says of the switch's links meanwhile: a leg that was up for a moment is there too."""
    lines: list[str] = []
    mark = "02:00:00:00:0c:0e"
    switch.namespace.ip("link add said type dummy")
    monitor = switch.namespace.popen(["ip", "-o", "monitor", "link"], stdout=subprocess.PIPE, text=True)
    try:
        assert monitor.stdout is not None
        # It listens when it says what happens.
        while not select.select([monitor.stdout], [], [], 0.05)[0]:
            switch.namespace.ip("link set said up", "link set said down")
        yield lines
        switch.namespace.ip(f"link set said address {mark}")
        for line in monitor.stdout:
            if mark in line:
                break
            lines.append(line.strip())
    finally:
        monitor.kill()
        monitor.wait()
        switch.namespace.ip("link del said")


class Row:
    """Flows by name, and how each fared."""

    def __init__(self, tell: Callable[[str], None], title: str) -> None:
        self.tell = tell
        self.title = title
        self.flows: list[tuple[str, str, list[Flow]]] = []

    def add(self, name: str, view: str, *flows: Flow) -> None:
        """Flows that are counted together at one receiver."""
        self.flows.append((name, view, list(flows)))

    def report(self, run: Traffic) -> dict[str, dict[str, float]]:
        """Print lost, doubled and the longest gap of each; never is a frame doubled."""
        rows = {}
        lines = [f"{self.title}:"]
        for name, view, flows in self.flows:
            results = [run.result(flow, view) for flow in flows]
            rows[name] = {
                "sent": sum(result.sent for result in results),
                "lost": sum(result.missing for result in results),
                "doubled": sum(result.duplicates for result in results),
                "gap_ms": max(result.gap_ms for result in results),
                "ends_well": all(flow.sent - 1 not in result.missing_list
                                 for flow, result in zip(flows, results)),
            }
            row = rows[name]
            lines.append(f"    {name}: {row['lost']} of {row['sent']} lost, {row['doubled']} doubled, "
                         f"longest gap {row['gap_ms']:.0f} ms"
                         f"{'' if row['ends_well'] else ', not restored'}")
        self.tell("\n    ".join(lines))
        for name, row in rows.items():
            assert row["doubled"] == 0, f"{name}: {row}"
        return rows
