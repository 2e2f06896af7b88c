#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Everything that can be refused is refused once: memory, and system calls, at each place of each program.

    faults.py [--smoke SECONDS] [--only PROGRAM] [--part K/N] [--at N [--repeat]] [--kinds ms] [--list]

tests/faults/fail.c makes the Nth call fail, in programs built with ASan and UBSan (build/fuzz).  One
run without a failure counts the places; then there is a run for each.  The programs are the real
ones on real bridges, with a real peer:

    mlagd    starts, joins the pair, is asked, reads its configuration again, and leaves
    check    mlagd --check
    guard    mlag-guard beside a daemon that was killed, until it has fenced
    ctl      mlagctl, every question that there is

After each: no crash, no report of a sanitizer and no leak; who gave up says at which thing, and why;
who went on does what he would have done, or names what is missing; and when mlagd has left (or
the next one has, that knows nothing of the failure) links, FDB, filters, rules, routes, addresses,
settings and pins are what they were before.

Exit status: 0 nothing found, 1 something, 77 this kernel has not what it takes.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Callable, Iterator

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))

# pylint: disable=wrong-import-position
from mlab import Pair, kernel, snapshot  # noqa: E402
from mlab.daemon import Daemon, die_with_parent  # noqa: E402
from mlab.errors import LabError  # noqa: E402
from mlab.netns import remove_all  # noqa: E402
from mlab.wait import wait_for  # noqa: E402

ASAN = os.path.join(ROOT, "build", "fuzz")  # the objects of the fuzzers, with ASan and UBSan
RELEASE = os.path.join(ROOT, "build")
FAIL = os.path.join(RELEASE, "tests", "fail.so")
ASAN_STATUS = 99
REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|this cannot be:")
# <3> and <4> are errors and warnings: who gives up says so in one of them.
COMPLAINT = re.compile(r"^<[0-4]>.*\S", re.MULTILINE)
NEEDS = ["bridge", "veth", "macvlan"]
SETTLED_S = 30.0
LEAVE_S = 10.0
SMOKE_MIN = 4  # failures of each program, however slow the machine is


class Finding(Exception):
    """What a failure has led to, and should not have."""


def environment(**values: str) -> dict[str, str]:
    """For a program under test."""
    return {**os.environ, "LD_PRELOAD": FAIL, "JOURNAL_STREAM": "1:1",
            "ASAN_OPTIONS": f"verify_asan_link_order=0:exitcode={ASAN_STATUS}:detect_leaks=1:"
                            "fast_unwind_on_malloc=0:malloc_context_size=12:"
                            "allocator_may_return_null=1",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", **values}


def ask(daemon: Daemon, method: str, timeout: float = 3) -> list[dict[str, Any]]:
    """The lines that a method answers; LabError when there is nobody, or he says nothing whole."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        data = b""
        try:
            sock.connect(os.path.join(daemon.run_dir, "control.sock"))
            sock.sendall(json.dumps({"method": method}).encode() + b"\n")
            while not re.search(rb'(^|\n)\{"(result|error)":.*\n$', data):
                more = sock.recv(1 << 16)
                if not more:
                    raise LabError(f"{method}: the connection ended")
                data += more
        except OSError as error:
            raise LabError(f"{method}: {error}") from error
    return [json.loads(line) for line in data.splitlines()]


def check_output(text: str, code: int) -> None:
    """No crash, no report."""
    if code < 0:
        raise Finding(f"killed by signal {-code}\n{text[-2000:]}")
    if code == ASAN_STATUS or REPORT.search(text):
        raise Finding(f"a sanitizer's report\n{text[-3000:]}")


class World:
    """Two switches; s2's daemon is a release that runs all the time."""

    def __init__(self) -> None:
        self.pair = Pair(vlan_aware=False, has_backup=True)
        self.pair.host("a", lag_id=1, is_lacp=False)
        self.pair.orphan("o1", on="s1")
        self.pair.build()
        for member, switch in self.pair.switches.items():
            number = 1 if member == "s1" else 2
            switch.namespace.ip(f"address add 10.0.0.{number}/24 dev br0",
                                "route add default via 10.0.0.11")
            daemon = self.pair.prepare_daemon(member)
            daemon.config["peer"]["last-resort"] = "on"
            daemon.config["gateway br0"] = {"address": "10.0.0.254/24",
                                            "mac": "00:00:5e:00:01:0a"}
            daemon.command = [os.path.join(RELEASE, "mlagd")]
        self.switch = self.pair.s1
        self.daemon = self.switch.mlagd
        wait_for("a snapshot that is steady", lambda: snapshot.take(self.switch)
                 == (time.sleep(0.3) or snapshot.take(self.switch)), 10)
        self.before = snapshot.take(self.switch)
        self.pair.s2.mlagd.start()
        self.settle(self.pair.s2.mlagd, lambda status: status["verdict"] == "alone"
                    or status["verdict"] == "starting")

    def close(self) -> None:
        """Remove everything."""
        self.pair.close()

    @staticmethod
    def settle(daemon: Daemon, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until `status` is good or the daemon has ended."""
        def probe() -> dict[str, Any] | None:
            if not daemon.is_running():
                return {"ended": True}
            status = ask(daemon, "status")[-1].get("result")
            return status if status is not None and good(status) else None

        return wait_for("a status that is good", probe, SETTLED_S, 0.02,
                        show=daemon.log_tail)

    # -- mlagd ----------------------------------------------------------------------------------

    def run_mlagd(self, more: dict[str, str]) -> None:
        """One life of a daemon, from the start to `leave`."""
        daemon = self.daemon
        self.reset()
        daemon.command = ["env", *(f"{key}={value}" for key, value in environment(**more).items()
                                   if os.environ.get(key) != value),
                          os.path.join(ASAN, "mlagd")]
        daemon.start()
        left = False
        said = ""
        try:
            said = self.live(daemon)
            left = said == ""
        except LabError as error:
            said = str(error)
        code = self.end(daemon)
        text = daemon.log()
        check_output(text, code)
        if code not in (0, 1):
            raise Finding(f"exit status {code}")
        if not left and not COMPLAINT.search(text):
            raise Finding(f"nobody said what went wrong ({said})")
        self.clean_up(left)

    @staticmethod
    def live(daemon: Daemon) -> str:
        """Join, be asked, reload, leave: "" when all of it was done, or why not."""
        status = World.settle(daemon, lambda s: s["verdict"] == "peered" and (
            s["health"] == "ok" or any(p["code"] not in ("resync", "tables-differ", "leg-pending")
                                       for p in s["problems"])))
        if "ended" in status:
            return "it ended"
        for method in ("lags", "macs", "neighbors", "addresses", "gateways", "counters", "reload"):
            try:
                ask(daemon, method)
            except LabError:
                pass  # one client's bad luck is nobody else's
        last = ask(daemon, "leave", LEAVE_S)[-1]
        if "error" in last:
            return f"leave: {last['error']}"
        wait_for("the daemon to end", lambda: not daemon.is_running(), LEAVE_S, 0.02)
        return "" if daemon.process is not None and daemon.process.returncode == 0 else "it failed"

    @staticmethod
    def end(daemon: Daemon) -> int:
        """Its exit code."""
        try:
            return daemon.stop(signal.SIGTERM) or 0
        except LabError as error:
            raise Finding(f"it hangs: {error}") from error

    def reset(self) -> None:
        """As if no daemon had been here."""
        shutil.rmtree(self.daemon.run_dir, ignore_errors=True)
        if os.path.exists(self.daemon.log_path):
            os.remove(self.daemon.log_path)
        self.legs_up()

    def legs_up(self) -> None:
        """Who leaves, leaves the legs down; a fence may have done so too."""
        self.switch.namespace.set_up("lag1", True)

    def clean_up(self, left: bool) -> None:
        """After the next daemon's `leave` nothing is left of either."""
        daemon = self.daemon
        if not left:
            daemon.command = [os.path.join(RELEASE, "mlagd")]
            self.legs_up()
            daemon.start()
            self.settle(daemon, lambda s: s["verdict"] == "peered")
            last = ask(daemon, "leave", LEAVE_S)[-1]
            if "error" in last:
                raise Finding(f"the next daemon cannot leave: {last['error']}")
            wait_for("the next daemon to end", lambda: not daemon.is_running(), LEAVE_S, 0.02)
            daemon.stop()
        self.legs_up()
        self.compare()

    def show_that_it_can_fail(self) -> None:
        """What a daemon leaves that was killed is seen, so that the comparison proves something."""
        self.reset()
        self.daemon.command = [os.path.join(RELEASE, "mlagd")]
        self.daemon.start()
        self.settle(self.daemon, lambda s: s["verdict"] == "peered")
        self.daemon.stop(signal.SIGKILL)
        lines = snapshot.differences(self.before, snapshot.take(self.switch))
        for kind in ("fdb: ", "link peerlink port learning", "link br0-gw", "pin: "):
            if not any(kind in line for line in lines):
                raise LabError(f"the comparison sees no {kind}:\n" + "\n".join(lines))
        self.clean_up(False)

    def compare(self) -> None:
        """With what was there before any daemon."""
        deadline = time.monotonic() + 10
        while faults := snapshot.differences(self.before, snapshot.take(self.switch)):
            if time.monotonic() > deadline:
                raise Finding("something is left:\n    " + "\n    ".join(faults[:20]))
            time.sleep(0.2)

    # -- mlag-guard -----------------------------------------------------------------------------

    def run_guard(self, more: dict[str, str]) -> None:
        """A daemon is killed, its guard fences; then a daemon that knows nothing of it."""
        daemon = self.daemon
        self.reset()
        daemon.command = [os.path.join(RELEASE, "mlagd")]
        daemon.start()
        self.settle(daemon, lambda s: s["verdict"] == "peered" and s["health"] == "ok")
        daemon.stop(signal.SIGKILL)
        log = daemon.run_dir + ".guard.log"
        with open(log, "wb") as file:
            guard = self.switch.namespace.popen(
                [os.path.join(ASAN, "mlag-guard"), "--run-dir", daemon.run_dir],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment(**more),
                preexec_fn=die_with_parent)

        def text() -> str:
            with open(log, encoding="utf-8", errors="replace") as said:
                return said.read()

        try:
            wait_for("the fence, or an end", lambda: guard.poll() is not None
                     or "taken down" in text(), SETTLED_S, 0.05)
        except LabError:
            pass  # it may not hear, or not be able to; then it says so below
        ended = guard.poll()
        if ended is None:
            guard.send_signal(signal.SIGTERM)
            ended = guard.wait(10)
        check_output(text(), ended)
        if "taken down" not in text() and not COMPLAINT.search(text()):
            raise Finding("nobody said what went wrong")
        self.clean_up(False)

    # -- mlagctl, mlagd --check -----------------------------------------------------------------

    def tools(self) -> Iterator[tuple[str, list[str]]]:
        """Each with its arguments, on a daemon that runs."""
        yield "check", [os.path.join(ASAN, "mlagd"), "--check", "-c", self.daemon.config_path]
        peer = os.path.join(self.pair.s2.mlagd.run_dir, "control.sock")
        out = os.path.join(self.pair.directory, "out")
        for words in (["status"], ["lags"], ["macs"], ["neighbors"], ["addresses"], ["gateways"],
                      ["counters"], ["diff", "macs"], ["drain", "lag1"], ["undrain"],
                      ["explain", "--in", "lag1", "--dst-mac", "02:00:00:00:01:02"],
                      ["record", out]):
            for more in ([], ["-j"]):
                if more and words[0] == "record":
                    continue
                yield "ctl " + " ".join(words[:1] + more), \
                    [os.path.join(ASAN, "mlagctl"), "-S", peer, *more, *words]

    def run_tool(self, argv: list[str], more: dict[str, str]) -> None:
        """Right to the end, or an exit status and a text that say it was not."""
        path = os.path.join(self.pair.directory, "out")
        if os.path.exists(path):
            os.remove(path)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False,
                              env=environment(**more), stdin=subprocess.DEVNULL)
        check_output(done.stdout + done.stderr, done.returncode)
        if done.returncode in (0, 1):
            if "-j" in argv:
                try:
                    json.loads(done.stdout)
                except ValueError as error:
                    raise Finding(f"exit {done.returncode}, but its JSON is cut off") from error
            elif "record" in argv:
                if not os.path.exists(path) or os.path.getsize(path) < 1000:
                    raise Finding(f"exit {done.returncode}, but no whole file")
            elif not (done.stdout + done.stderr).strip():
                raise Finding(f"exit {done.returncode}, and nothing said")
        elif not done.stderr.strip():
            raise Finding(f"exit {done.returncode}, and nothing said")


class Runner:
    """Places, runs, and what they found."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.findings: list[str] = []
        self.runs = 0
        self.missed = 0  # failures that did not come: another run took another way

    def places(self, name: str, once: Callable[[dict[str, str]], None], directory: str
               ) -> list[tuple[int, str]]:
        """Of a run in which nothing fails."""
        path = os.path.join(directory, "places")
        if os.path.exists(path):
            os.remove(path)
        once({"FAIL_COUNT": path, "FAIL_KINDS": self.options.kinds})
        with open(path, encoding="ascii") as file:
            rows = sorted((int(line.split()[0]), line.split()[1]) for line in file)
        if not rows:
            raise LabError(f"{name}: nothing was counted")
        return rows

    def one(self, name: str, at: int, what: str, once: Callable[[dict[str, str]], None],
            directory: str, repeat: bool) -> None:
        """One failure; with `repeat` it goes on for good."""
        log = os.path.join(directory, "failed")
        if os.path.exists(log):
            os.remove(log)
        self.runs += 1
        try:
            once({"FAIL_AT": str(at), "FAIL_LOG": log, "FAIL_KINDS": self.options.kinds,
                  **({"FAIL_REPEAT": "1"} if repeat else {})})
        except (Finding, LabError, subprocess.TimeoutExpired) as error:
            hit = ""
            if os.path.exists(log):
                with open(log, encoding="ascii") as file:
                    hit = file.readline().strip()
            again = f"--only {name.split()[0]} --at {at}{' --repeat' if repeat else ''}"
            self.findings.append(f"{name}: {what} ({again}; failed: {hit}): {error}")
            print(f"  FAILED  {self.findings[-1]}", flush=True)
        self.missed += not os.path.exists(log)

    def sweep(self, name: str, once: Callable[[dict[str, str]], None], directory: str,
              until: float) -> None:
        """Every place, or with a limit in time as many as there is time for, evenly spread."""
        began = time.monotonic()
        rows = self.places(name, once, directory)
        took = time.monotonic() - began
        if self.options.list:
            print("\n".join(f"{name} {at} {what}" for at, what in rows))
            return
        if self.options.at:
            rows = [(self.options.at, "the call with this number")]
        elif until:
            room = max(SMOKE_MIN, int((until - time.monotonic()) / max(took, 0.05)))
            rows = rows[len(rows) // room // 2::max(1, len(rows) // room)]
        elif self.options.part:
            part, parts = (int(number) for number in self.options.part.split("/"))
            rows = rows[part - 1::parts]
        before, runs = len(self.findings), self.runs
        for index, (at, what) in enumerate(rows):
            if until and time.monotonic() > until and index >= SMOKE_MIN:
                break
            if index % 50 == 49:
                print(f"  ...     {name:<24} {index + 1:4d} of {len(rows)}", flush=True)
            for repeat in ([self.options.repeat] if self.options.at or until else [False]):
                self.one(name, at, what, once, directory, repeat)
        print(f"  {'ok    ' if len(self.findings) == before else 'FAILED'}  {name:<24} "
              f"{self.runs - runs:4d} failures  {time.monotonic() - began:6.1f} s", flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--only", default="", choices=("", "mlagd", "guard", "check", "ctl"))
    parser.add_argument("--at", type=int, default=0, metavar="N")
    parser.add_argument("--part", default="", metavar="K/N", help="every Nth place, from the Kth")
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--kinds", default="ms")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main() -> int:
    """All of it."""
    options = parse()
    runner = Runner(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made is removed all the same
    began = time.monotonic()

    def share(part: float) -> float:
        """When a part of the selection has to be done; `began` is when the first one was."""
        return began + part * options.smoke if options.smoke else 0

    if absent := kernel.missing(NEEDS):
        print(f"skipped: this kernel lacks {', '.join(absent)}")
        return 77
    world = World()
    directory = world.pair.directory
    try:
        if options.only in ("", "mlagd"):
            world.show_that_it_can_fail()
            began = time.monotonic()
            runner.sweep("mlagd", world.run_mlagd, directory, share(0.6))
        if options.only in ("", "guard") and not options.smoke:
            runner.sweep("guard", world.run_guard, directory, 0)
        world.daemon.write_config()
        names = [row for row in world.tools() if options.only in ("", row[0].split()[0])]
        for index, (name, argv) in enumerate(names):
            runner.sweep(name, lambda more, a=argv: world.run_tool(a, more), directory,
                         share(0.6 + 0.4 * (index + 1) / len(names)))
    finally:
        world.close()
        remove_all()
    print(f"{runner.runs} failures made, {runner.missed} did not come to pass, "
          f"{len(runner.findings)} findings, {time.monotonic() - began:.0f} s")
    return 1 if runner.findings else 0


if __name__ == "__main__":
    sys.exit(main())
