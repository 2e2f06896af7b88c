# SPDX-License-Identifier: BSD-2-Clause
"""mlag-guard of one switch: its process, its log, and what it has taken down."""

import os
import re
import signal
import subprocess
import time

from .daemon import BUILD, die_with_parent
from .errors import LabError
from .topology import Host, Pair, Switch

GUARD = os.path.join(BUILD, "mlag-guard")


class Guard:
    """One mlag-guard beside one mlagd."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self.log_path = f"{switch.mlagd.run_dir}.guard.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> "Guard":
        """Start the process; the log goes on where the last one ended."""
        with open(self.log_path, "ab") as log:
            self.process = self.switch.namespace.popen(
                [GUARD, "--run-dir", self.switch.mlagd.run_dir], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent)
        return self

    def send(self, how: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(how)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(10)
        self.process = None

    def size(self) -> int:
        """Where the log ends now."""
        return os.path.getsize(self.log_path)

    def text(self, offset: int = 0) -> str:
        """The log from an offset on."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            file.seek(offset)
            return file.read()

    def wait(self, pattern: str, offset: int = 0, timeout: float = 15) -> float:
        """The time at which a line was in the log."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.text(offset), re.MULTILINE):
            if time.monotonic() > deadline:
                raise LabError(f"not in the log of {self.switch.name}'s guard within {timeout} s: "
                               f"{pattern}\n{self.text(offset)}")
            time.sleep(0.005)
        return time.monotonic()


def is_leg_up(pair: Pair, switch: Switch, host: Host) -> bool:
    """Whether the devices of a leg are up, as somebody set them."""
    del pair
    return "UP" in switch.namespace.link(host.switch_link())["flags"]
