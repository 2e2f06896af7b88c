# SPDX-License-Identifier: BSD-2-Clause
"""Many of something beside the hosts of a Pair: LAGs, and how a daemon is while there are many."""

import json
import os
import socket
import time
from typing import Any

from .errors import LabError
from .scale import Cost
from .topology import MEMBERS, Pair, Switch

NEAR, FAR = "leg", "far"  # a static leg, and its end in the farm
BOND, SLAVE = "lag", "port"


class Client:
    """One connection to a control socket, for asking often."""

    def __init__(self, run_dir: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(os.path.join(run_dir, "control.sock"))
        self.slowest_ms = 0.0
        self.asked = 0

    def ask(self, method: str = "status") -> Any:
        """One answer; the slowest is remembered."""
        began = time.monotonic()
        self._socket.sendall(json.dumps({"method": method}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = self._socket.recv(1 << 18)
            if not part:
                raise LabError(f"{method}: the daemon hung up")
            answer += part
        self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1e3)
        self.asked += 1
        return json.loads(answer)["result"]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Watched:
    """Both daemons, asked all the time while something happens."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._clients = {name: Client(switch.mlagd.run_dir)
                         for name, switch in pair.switches.items()}
        self._marks = {name: len(switch.mlagd.log()) for name, switch in pair.switches.items()}

    def status(self, member: str) -> dict[str, Any]:
        """What `mlagctl status -j` says."""
        return dict(self._clients[member].ask())

    def wait(self, what: str, timeout: float, probe) -> float:
        """Ask both until the probe is content with {member: status}; the seconds that took."""
        began = time.monotonic()
        while True:
            said = {member: self.status(member) for member in self._clients}
            if probe(said):
                return time.monotonic() - began
            if time.monotonic() - began > timeout:
                raise LabError(f"{what}: not within {timeout:g} s: {said}")
            time.sleep(0.01)

    def lost(self) -> list[str]:
        """Lines of the logs that say that hellos or the session were missed since the beginning."""
        marks = ("session: up", "peer: alive", "verdict: peered", "peer_link: usable")
        return [line for name, switch in self._pair.switches.items()
                for line in switch.mlagd.log()[self._marks[name]:].splitlines()
                if any(mark in line for mark in marks)]

    @property
    def slowest_ms(self) -> float:
        """Of all answers."""
        return max(client.slowest_ms for client in self._clients.values())

    @property
    def asked(self) -> int:
        """How many answers that were."""
        return sum(client.asked for client in self._clients.values())

    def close(self) -> None:
        """Hang up."""
        for client in self._clients.values():
            client.close()


def healthy(said: dict[str, dict[str, Any]]) -> bool:
    """Both are."""
    return all(status["health"] == "ok" and status["verdict"] == "peered"
               for status in said.values())


def matched(said: dict[str, dict[str, Any]]) -> bool:
    """Both have proven their tables of MACs equal."""
    return all(status["sync"]["macs"]["match"] for status in said.values())


def costs(pair: Pair) -> dict[str, Cost]:
    """Of both daemons."""
    found = {}
    for name, switch in pair.switches.items():
        assert switch.mlagd.process is not None
        found[name] = Cost.of(switch.mlagd.process.pid)
    return found


def cable_legs(pair: Pair, count: int, is_lacp: bool) -> None:
    """LAGs 1 to `count`: their other ends are all in one namespace, and in both configurations."""
    farm = pair.more_namespace("farm")
    near = SLAVE if is_lacp else NEAR
    for member in MEMBERS:
        switch = pair.switches[member].namespace.full_name
        # An older kernel looks for the name where the command runs.
        farm.ip(*[f"link add {near}{number} netns {switch} type veth peer name "
                  f"{FAR}{number}{member} netns {farm.full_name}"
                  for number in range(1, count + 1)])
    hosts = []
    for number in range(1, count + 1):
        if is_lacp:
            hosts.append(f"link add host{number} type bond mode 802.3ad lacp_rate fast miimon 100")
        for member in MEMBERS:
            if is_lacp:
                hosts.append(f"link set {FAR}{number}{member} master host{number}")
            hosts.append(f"link set {FAR}{number}{member} up")
        if is_lacp:
            hosts.append(f"link set host{number} up")
    farm.ip(*hosts)
    for member in MEMBERS:
        pair.switches[member].namespace.ip(*_legs(count, is_lacp))
        config = pair.prepare_daemon(member).config
        for number in range(1, count + 1):
            config[f"lag {leg_name(number, is_lacp)}"] = {"id": str(number)}


def leg_name(number: int, is_lacp: bool) -> str:
    """The device of a LAG on a member."""
    return f"{BOND if is_lacp else NEAR}{number}"


def _legs(count: int, is_lacp: bool) -> list[str]:
    lines = []
    for number in range(1, count + 1):
        name = leg_name(number, is_lacp)
        if is_lacp:
            lines += [f"link add {name} type bond mode 802.3ad lacp_rate fast miimon 100 "
                      f"ad_user_port_key {number}",
                      f"link set {SLAVE}{number} master {name}",
                      f"link set {SLAVE}{number} up"]
        lines += [f"link set {name} master br0", f"link set {name} up"]
    return lines


def states(switch: Switch) -> dict[str, int]:
    """How many legs are in which state."""
    counts: dict[str, int] = {}
    for leg in switch.mlagd.query("lags"):
        counts[leg["state"]] = counts.get(leg["state"], 0) + 1
    return counts
