# SPDX-License-Identifier: BSD-2-Clause
"""Ways to lose a peer or a path, and how to see in log and `status` what was made of it."""

import os
import re
import signal
import time
from typing import Any, Callable

from .errors import LabError
from .topology import Pair, Switch
from .wait import wait_for

DETECT_MS = 400   # at defaults: 100 ms x 3, and a hello may just have been sent
MARGIN = 5        # one slow processor, shared


def mute(switch: Switch, device: str, is_mute: bool) -> None:
    """Nothing that arrives at a device is heard any more; its carrier stays."""
    if is_mute:
        mute_at_once(switch, device)
    else:
        switch.namespace.run("tc", "filter", "del", "dev", device, "ingress", "pref", "1",
                             check=False)


def mute_at_once(switch: Switch, *devices: str, first: Callable[[], object] = lambda: None
                 ) -> None:
    """The same of several, by one process; what there is to prepare is done before `first`."""
    run = switch.namespace.run
    for device in devices:
        run("tc", "qdisc", "add", "dev", device, "clsact", check=False)
    first()
    run("tc", "-batch", "-", stdin="".join(
        f"filter add dev {device} ingress pref 1 protocol all matchall action drop\n"
        for device in devices))


def mend(pair: Pair) -> None:
    """All paths pass, all daemons run."""
    for switch in pair.switches.values():
        for device in ("peerlink", "backup"):
            mute(switch, device, False)
            switch.namespace.set_up(device, True)
        daemon = switch.mlagd
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.process.send_signal(signal.SIGCONT)
        else:
            daemon.process = None
            daemon.start()
    pair.heal()


class Mark:
    """A place in a log, and what came after it."""

    def __init__(self, switch: Switch) -> None:
        self.daemon = switch.mlagd
        self.offset = os.path.getsize(self.daemon.log_path)

    def text(self) -> str:
        """The log since the mark."""
        with open(self.daemon.log_path, "rb") as file:
            file.seek(self.offset)
            return file.read().decode(errors="replace")

    def wait(self, pattern: str, timeout: float = 10) -> float:
        """The time at which a line was there."""
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        while not wanted.search(self.text()):
            if time.monotonic() > deadline:
                raise LabError(f"not in the log within {timeout} s: {pattern}\n{self.text()}")
            time.sleep(0.002)
        return time.monotonic()


def codes(switch: Switch) -> set[str]:
    """The problem codes of `status`."""
    return {problem["code"] for problem in switch.mlagd.query("status")["problems"]}


def wait_found(switch: Switch, verdict: str, *wanted: str, timeout: float = 10,
               **finding: str) -> dict[str, Any]:
    """Wait for a verdict with these problems and findings; what is said must be explained."""
    def probe() -> dict[str, Any]:
        status = switch.mlagd.query("status")
        found = {problem["code"] for problem in status["problems"]}
        seen = {"peer": status["findings"]["peer"], "link": status["findings"]["peer_link"],
                **status["peer"]["paths"]}
        if status["verdict"] != verdict or not set(wanted) <= found or any(
                seen[key] != value for key, value in finding.items()):
            raise LabError(f"{switch.name}: {status['verdict']}, {sorted(found)}, {seen}")
        return status

    status: dict[str, Any] = wait_for(f"{switch.name}: {verdict} with {wanted} {finding}", probe,
                                      timeout)
    assert status["because"] and status["next"] and status["health"] == "degraded"
    return status


def expect_in_time(tell: Callable[[str], None], what: str, milliseconds: float,
                   limit: float = DETECT_MS) -> None:
    """Print it; assert with a margin, for the processor is slow and shared."""
    tell(f"{what}: {milliseconds:.0f} ms")
    assert milliseconds < limit * MARGIN


def daemon_pid(switch: Switch) -> int:
    """The process of mlagd."""
    process = switch.mlagd.process
    assert process is not None
    return process.pid


def stop(pair: Pair, tell: Callable[[str], None], what: str) -> Mark:
    """SIGSTOP to S2's daemon; how long S1 takes to notice."""
    log1, log2 = Mark(pair.s1), Mark(pair.s2)
    since = time.monotonic()
    os.kill(daemon_pid(pair.s2), signal.SIGSTOP)
    noticed = log1.wait(r"^peer: .* -> (hung|silent)")
    expect_in_time(tell, f"{what}: noticed after SIGSTOP", (noticed - since) * 1e3)
    return log2
