# SPDX-License-Identifier: BSD-2-Clause
"""mlagd of one switch: its configuration file, its process, and mlagctl to ask it."""

import ctypes
import json
import os
import signal
import subprocess
from typing import Any, Mapping

from .errors import LabError
from .netns import Namespace, run
from .wait import wait_for

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.environ.get("MLAG_BUILD", os.path.join(ROOT, "build"))
MLAGD = os.path.join(BUILD, "mlagd")
MLAGCTL = os.path.join(BUILD, "mlagctl")
NEXT = os.path.join(BUILD, "next", "mlagd")

Config = dict[str, dict[str, str]]
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def is_built() -> bool:
    """True when there is something to test."""
    return os.access(MLAGD, os.X_OK) and os.access(MLAGCTL, os.X_OK)


def next_release() -> str:
    """An mlagd of some later release (tests/lab/next.sh); built unless it is there."""
    done = subprocess.run(["make", "-C", ROOT, "build/next/mlagd"], capture_output=True, text=True,
                          check=False, timeout=600)
    if done.returncode != 0 or not os.access(NEXT, os.X_OK):
        raise LabError(f"no later release: {done.stdout}{done.stderr}")
    return NEXT


def die_with_parent() -> None:
    """In a child: whatever kills the test kills the daemon too."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def config_text(config: Mapping[str, Mapping[str, str]]) -> str:
    """The INI text of a configuration."""
    lines = []
    for section, values in config.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


class Daemon:
    """One mlagd in one namespace."""

    def __init__(self, namespace: Namespace, directory: str, config: Config) -> None:
        self.namespace = namespace
        self.config = config
        self.config_path = os.path.join(directory, f"{namespace.name}.conf")
        self.log_path = os.path.join(directory, f"{namespace.name}.log")
        self.run_dir = os.path.join(directory, namespace.name)
        self.process: subprocess.Popen | None = None
        self.command = [MLAGD]  # another program, or one that runs it

    def write_config(self) -> None:
        """Put the configuration where the daemon reads it."""
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(config_text(self.config))

    def start(self, *more: str) -> None:
        """Start the process; the log goes on where the last one ended."""
        if not is_built():
            raise LabError(f"{MLAGD} and {MLAGCTL} are not built (run make)")
        os.makedirs(self.run_dir, exist_ok=True)
        self.write_config()
        argv = [*self.command, "-c", self.config_path, "--run-dir", self.run_dir, *more]
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, start_new_session=True,
                                                preexec_fn=die_with_parent)

    def is_running(self) -> bool:
        """True while the process lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 10) -> int | None:
        """End the process; its exit code (negative: killed by that signal)."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout)
                self.process = None
                raise LabError(f"mlagd of {self.namespace.name} did not end after "
                               f"{how.name} in {timeout} s") from None
        code = self.process.returncode
        self.process = None
        return code

    def ctl(self, *argv: str, check: bool = False) -> subprocess.CompletedProcess:
        """mlagctl ARGV for this daemon."""
        socket_path = os.path.join(self.run_dir, "control.sock")
        return run([MLAGCTL, "-S", socket_path, *argv], check=check, timeout=10)

    def query(self, *argv: str) -> Any:
        """What `mlagctl -j ARGV` says; LabError when there is no answer yet."""
        done = self.ctl("-j", *argv)
        if done.returncode not in (0, 1) or not done.stdout.strip():
            if self.process is not None and self.process.poll() is not None:
                raise LabError(f"mlagd of {self.namespace.name} has ended with "
                               f"{self.process.returncode}:\n{self.log_tail()}")
            raise LabError(f"mlagctl {' '.join(argv)}: exit {done.returncode}: "
                           f"{done.stderr.strip()}")
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise LabError(f"mlagctl -j {' '.join(argv)}: {error}: {done.stdout!r}") from error

    def lag(self, ifname: str) -> dict[str, Any]:
        """The row of `lags -j` for a device."""
        for row in self.query("lags"):
            if row["ifname"] == ifname:
                return row
        raise LabError(f"{self.namespace.name}: no {ifname} in lags")

    def counter(self, reason: str, ifname: str | None = None) -> int:
        """Packets counted for a reason."""
        return sum(row["packets"] for row in self.query("counters")
                   if row["reason"] == reason and ifname in (None, row["ifname"]))

    def wait_status(self, timeout: float = 20, **wanted: str) -> dict[str, Any]:
        """Wait until `status -j` has all the wanted values; returns it."""
        def probe() -> dict[str, Any] | None:
            status = self.query("status")
            return status if all(status.get(k) == v for k, v in wanted.items()) else None

        return wait_for(f"{self.namespace.name} status {wanted}", probe, timeout,
                        show=lambda: self.query("status"))

    def log(self) -> str:
        """All that was logged."""
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self.log().splitlines()[-lines:])
