# SPDX-License-Identifier: BSD-2-Clause
"""A machine with systemd as its first process: User Mode Linux, over this machine's own root.

Whatever it writes stays in its memory: its root is an overlay.  Nothing of this machine's is
started there but what is asked for: no unit is wanted that the test does not name.  Beside it runs
one service of the lab (bootworld.py) that the shutdown does not stop: it lays out the other
machines in namespaces, captures, follows the journal, and runs what the test sends over a serial
line.

    machine = Machine(directory)
    machine.file("/etc/network/interfaces", text)
    machine.wants = ["networking", "frr"]
    machine.boot()
    machine.run("systemctl is-active mlagd")
    machine.poweroff()
    machine.journal()
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from typing import Any

from .daemon import BUILD, ROOT, die_with_parent
from .errors import LabError

UML = shutil.which("linux.uml") or "/usr/bin/linux.uml"
UML_MODULES = "/usr/lib/uml/modules"
SYSTEMD = "/lib/systemd/systemd"
WORLD = os.path.join(ROOT, "tests", "lab", "bootworld.py")
MODULES = ("bonding 8021q bridge veth ipv6 cls_bpf act_bpf sch_ingress macvlan dummy vrf sch_netem "
           "af_packet")
MASKED = ("getty.target", "systemd-logind.service", "timers.target", "e2scrub_reap.service",
          "ifupdown-pre.service", "systemd-journal-flush.service", "systemd-tmpfiles-clean.timer")
INSIDE = "/lab"  # where the machine sees its directory

INIT = """#!/bin/sh
# Generated: an overlay over this machine's root, then systemd.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
modprobe -q -d {directory} overlay
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root || exit 1
cd /mnt/root
mkdir -p .{inside} && mount -t hostfs lab .{inside} -o {directory}
mount -t devtmpfs dev dev
mount -t hostfs modules usr/lib/modules -o {modules_directory}
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/systemd/network/* \\
	etc/network/interfaces etc/network/interfaces.d/* var/lib/frr/* etc/frr/frr.conf .dockerenv
cp -a .{inside}/root/. .
rm -f etc/machine-id
echo {machine_id} >etc/machine-id
for module in {modules}; do modprobe -q -d {directory} "$module"; done
umount /proc
pivot_root . mnt
exec chroot . {systemd} </dev/console >/dev/console 2>&1
"""

LAB_SERVICE = f"""# Neither the shutdown nor anything else stops it: it is the rest of the world.
[Unit]
DefaultDependencies=no
After=systemd-journald.service sys-fs-bpf.mount
Requires=systemd-journald.service
Before=network-pre.target systemd-networkd.service networking.service mlagd.service
IgnoreOnIsolate=yes
[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/python3 {WORLD} {INSIDE}
KillMode=none
TimeoutStartSec=120
Environment=MLAG_BUILD={BUILD} PYTHONDONTWRITEBYTECODE=1 MLAB_PREFIX=
"""


def is_possible() -> bool:
    """True where User Mode Linux and systemd are installed."""
    return (os.access(UML, os.X_OK) and os.path.isdir(UML_MODULES) and os.access(SYSTEMD, os.X_OK)
            and os.access("/lib/systemd/systemd-udevd", os.X_OK))


def install(directory: str) -> None:
    """What `make install PREFIX=/usr` installs, into a directory."""
    subprocess.run(["make", "-s", "-C", ROOT, "install", f"DESTDIR={directory}", "PREFIX=/usr"],
                   check=True, stdout=subprocess.DEVNULL)


class Machine:
    """One boot."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.root = os.path.join(directory, "root")
        self.wants: list[str] = []
        self.manager = ""  # the unit that configures its network
        self.process: subprocess.Popen | None = None
        self._line: socket.socket | None = None
        self._buffer = b""
        self._count = 0
        os.makedirs(self.root)
        install(self.root)

    def file(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of the machine's."""
        full = self.root + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(full, mode)

    def example(self, name: str, path: str) -> None:
        """A file of systemd/examples, as it is."""
        with open(os.path.join(ROOT, "systemd", "examples", name), encoding="utf-8") as file:
            self.file(path, file.read())

    def boot(self, timeout: float = 240) -> None:
        """Start it; returns when the world stands and all that is wanted was started (or has failed)."""
        self._prepare()
        ours, theirs = socket.socketpair()
        argv = [UML, "rootfstype=hostfs", "rw", f"init={self.directory}/init", "mem=1G",
                "con=null", "con0=null,fd:1", f"ssl0=fd:{theirs.fileno()}", "loglevel=4",
                "systemd.show_status=0", "systemd.unit=multi-user.target",
                f"uml_dir={self.directory}", "umid=machine"]
        with open(self.path("console"), "wb") as console:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                pass_fds=[theirs.fileno()], start_new_session=True, preexec_fn=die_with_parent)
        theirs.close()
        self._line = ours
        self._ask({"hello": True}, timeout)

    def path(self, name: str) -> str:
        """A file that both kernels see."""
        return os.path.join(self.directory, name)

    def _prepare(self) -> None:
        os.makedirs(self.path("lib"), exist_ok=True)
        os.symlink(UML_MODULES, self.path("lib/modules"))
        with open(self.path("init"), "w", encoding="utf-8") as file:
            file.write(INIT.format(directory=self.directory, inside=INSIDE, systemd=SYSTEMD,
                                   modules=MODULES, modules_directory=UML_MODULES,
                                   machine_id="0123456789abcdef0123456789abcdef"))
        os.chmod(self.path("init"), 0o755)
        units = "/etc/systemd/system/"
        self.file(f"{units}lab.service", LAB_SERVICE)
        for name in MASKED:
            os.symlink("/dev/null", self.root + units + name)
        os.makedirs(self.root + units + "sysinit.target.wants")
        os.symlink("/etc/systemd/system/lab.service",
                   self.root + units + "sysinit.target.wants/lab.service")
        os.makedirs(self.root + units + "multi-user.target.wants")
        for name in self.wants:
            os.symlink(f"/etc/systemd/system/{name}.service",
                       f"{self.root}{units}multi-user.target.wants/{name}.service")

    # -- asking ---------------------------------------------------------------------------------

    def _ask(self, question: dict[str, Any], timeout: float) -> Any:
        """One question over the line, one answer; lines of anybody else are passed over."""
        assert self._line is not None and self.process is not None
        self._count += 1
        question["number"] = self._count
        deadline = time.monotonic() + timeout
        asked = 0.0
        while True:
            now = time.monotonic()
            if now > deadline or self.process.poll() is not None:
                raise LabError(f"no answer to {question}; the console's end:\n{self.console_tail()}")
            # Before somebody reads the line, what is written to it may be lost: so ask again.
            if asked == 0 or ("hello" in question and now > asked + 1):
                self._line.sendall(json.dumps(question).encode() + b"\n")
                asked = now
            if not select.select([self._line], [], [], 0.5)[0]:
                continue
            self._buffer += self._line.recv(1 << 16)
            while b"\n" in self._buffer:
                line, self._buffer = self._buffer.split(b"\n", 1)
                try:
                    answer = json.loads(line)
                except ValueError:
                    continue
                if isinstance(answer, dict) and answer.get("answers") == self._count:
                    return answer

    def run(self, command: str, check: bool = True, timeout: float = 60) -> str:
        """A shell command there; what it prints."""
        answer = self._ask({"run": command, "timeout": timeout}, timeout + 30)
        if check and answer["code"] != 0:
            raise LabError(f"{command}: exit {answer['code']}: {answer['text']}")
        return answer["text"]

    def json(self, command: str) -> Any:
        """The JSON that a command prints."""
        text = self.run(command, check=False)
        try:
            return json.loads(text)
        except ValueError as error:
            raise LabError(f"{command}: {error}: {text[:300]!r}") from error

    def world(self, **what: Any) -> Any:
        """Something that bootworld.py does (its do_ methods)."""
        answer = self._ask({"world": what}, 120)
        if "error" in answer:
            raise LabError(answer["error"])
        return answer.get("result")

    # -- the end --------------------------------------------------------------------------------

    def poweroff(self, timeout: float = 120) -> None:
        """As a person would; returns when the machine is off."""
        self.run("systemctl --no-block poweroff")
        assert self.process is not None
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"still not off after {timeout} s:\n{self.console_tail()}") from None

    def close(self) -> None:
        """Whatever still runs of it is killed."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(10)
        if self._line is not None:
            self._line.close()

    # -- what it left ---------------------------------------------------------------------------

    def console_tail(self) -> str:
        """The last lines of the console."""
        with open(self.path("console"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-30:])

    def journal(self, unit: str | None = None) -> list[tuple[float, str, str]]:
        """(seconds since the epoch, unit, message), in order; what systemd says of a unit is the unit's."""
        rows = []
        with open(self.path("journal"), encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                name = entry.get("UNIT") or entry.get("_SYSTEMD_UNIT") or ""
                message = entry.get("MESSAGE")
                if isinstance(message, str) and unit in (None, name):
                    rows.append((int(entry["__REALTIME_TIMESTAMP"]) / 1e6, name, message))
        return rows

    def said(self, unit: str, text: str, last: bool = False) -> float:
        """When the journal said that of a unit."""
        found = [when for when, _, message in self.journal(unit) if text in message]
        if not found:
            said = "\n".join(f"{when:.3f} {message}" for when, _, message in self.journal(unit))
            raise LabError(f"the journal never says {text!r} of {unit}:\n{said}")
        return found[-1 if last else 0]
