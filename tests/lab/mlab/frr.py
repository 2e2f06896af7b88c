# SPDX-License-Identifier: BSD-2-Clause
"""FRR in a network namespace: its real daemons, each in the foreground and with a log of its own.

    frr = Frr(namespace, directory)
    frr.start("zebra")
    frr.start("ospfd", text_of_its_configuration)
    frr.json("ospfd", "show ip ospf neighbor json")
    frr.close()

Daemons are children of this process, so they are ended by their process id and by nothing else.
Commands go straight to a daemon's vty socket: what vtysh does too, without its second of start.
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import time
from typing import Any

from .errors import LabError
from .netns import Namespace
from .wait import wait_for

DAEMONS_DIRECTORY = "/usr/lib/frr"
USER = "frr"
END = b"\0\0\0"  # then one byte: the result of the command
SUCCESS = (0, 2)  # done, and a warning
NICE = -5  # a second's hello timer must not depend on who else computes


def is_installed(*daemons: str) -> bool:
    """True when these daemons are on this machine."""
    return all(os.access(os.path.join(DAEMONS_DIRECTORY, name), os.X_OK)
               for name in daemons or ("zebra", "ospfd", "ospf6d", "bgpd", "bfdd"))


class Frr:
    """The routing daemons of one namespace."""

    def __init__(self, namespace: Namespace, directory: str) -> None:
        self.namespace = namespace
        self.directory = os.path.join(directory, f"frr-{namespace.name}")
        self._processes: dict[str, subprocess.Popen] = {}
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(directory, 0o711)  # made for us alone; FRR is not root
        user = pwd.getpwnam(USER)
        for path in ("/run/frr", self.directory):
            os.makedirs(path, exist_ok=True)
            os.chown(path, user.pw_uid, user.pw_gid)

    def path(self, daemon: str, what: str) -> str:
        """A file of a daemon: conf, log, pid, vty."""
        return os.path.join(self.directory, f"{daemon}.{what}")

    def start(self, daemon: str, config: str = "", timeout: float = 20) -> None:
        """Start a daemon with a configuration; returns when it answers."""
        if self.is_running(daemon):
            raise LabError(f"{daemon} of {self.namespace.name} is running already")
        with open(self.path(daemon, "conf"), "w", encoding="utf-8") as file:
            file.write(f"hostname {self.namespace.name}\nlog timestamp precision 6\n"
                       f"log file {self.path(daemon, 'log')} informational\n{config}\n")
        argv = ["nice", "-n", str(NICE), os.path.join(DAEMONS_DIRECTORY, daemon),
                "--vty_socket", self.directory, "-P", "0",
                "-z", os.path.join(self.directory, "zebra.sock"),
                "-i", self.path(daemon, "pid"), "-f", self.path(daemon, "conf")]
        if daemon == "bfdd":
            argv += ["--bfdctl", os.path.join(self.directory, "bfdd.sock")]
        with open(self.path(daemon, "out"), "ab") as out:
            self._processes[daemon] = self.namespace.popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

        def probe() -> bool:
            if not self.is_running(daemon):
                raise LabError(f"ended: {self.log(daemon)[-2000:]}")
            return "FRRouting" in self.command(daemon, "show version")

        wait_for(f"{daemon} of {self.namespace.name} to answer", probe, timeout, 0.05)

    def is_running(self, daemon: str) -> bool:
        """True while the process lives."""
        process = self._processes.get(daemon)
        return process is not None and process.poll() is None

    def stop(self, daemon: str, how: signal.Signals = signal.SIGTERM, timeout: float = 10) -> None:
        """End one daemon and wait for its end."""
        process = self._processes.pop(daemon, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout)

    def command(self, daemon: str, text: str, timeout: float = 5) -> str:
        """What a daemon says to a command of the enable mode."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as vty:
            vty.settimeout(timeout)
            try:
                vty.connect(self.path(daemon, "vty"))
                self._ask(vty, "enable")
                return self._ask(vty, text)
            except OSError as error:
                raise LabError(f"{daemon} of {self.namespace.name}, {text!r}: {error}") from error

    @staticmethod
    def _ask(vty: socket.socket, text: str) -> str:
        vty.sendall(text.encode() + b"\0")
        answer = b""
        while answer[-4:-1] != END:
            chunk = vty.recv(1 << 16)
            if not chunk:
                raise LabError(f"{text!r}: the daemon closed its vty")
            answer += chunk
        output = answer[:-4].decode(errors="replace")
        if answer[-1] not in SUCCESS:
            raise LabError(f"{text!r}: {output.strip() or f'result {answer[-1]}'}")
        return output

    def configure(self, daemon: str, *lines: str) -> None:
        """Lines of the configuration mode, in order."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as vty:
            vty.settimeout(5)
            try:
                vty.connect(self.path(daemon, "vty"))
                for line in ("enable", "configure terminal", *lines, "end"):
                    self._ask(vty, line)
            except OSError as error:
                raise LabError(f"{daemon} of {self.namespace.name}, {lines}: {error}") from error

    def json(self, daemon: str, text: str) -> Any:
        """The JSON a command prints."""
        output = self.command(daemon, text)
        try:
            return json.loads(output)
        except ValueError as error:
            raise LabError(f"{daemon} {text!r}: {error}: {output[:500]!r}") from error

    def log(self, daemon: str) -> str:
        """All that a daemon logged."""
        text = ""
        for what in ("log", "out"):
            try:
                with open(self.path(daemon, what), encoding="utf-8", errors="replace") as file:
                    text += file.read()
            except FileNotFoundError:
                pass
        return text

    def close(self) -> None:
        """End all daemons, zebra last."""
        deadline = time.monotonic() + 10
        others = [name for name in self._processes if name != "zebra"]
        for process in [self._processes[name] for name in others]:
            process.terminate()
        for name in [*others, *(["zebra"] if "zebra" in self._processes else [])]:
            self.stop(name, timeout=max(0.5, deadline - time.monotonic()))
