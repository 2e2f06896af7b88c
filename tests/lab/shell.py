# SPDX-License-Identifier: BSD-2-Clause
"""A prompt to play with the pair: break it, look at it, mend it.  Cleans up on exit.

Commands come from the terminal, or from stdin when that is a file or a pipe; then the exit code
says whether all of them succeeded.
"""

import os
import readline
import shlex
import signal
import sys

from mlab import BROADCAST, LabError, Pair, netns, traffic
from mlab.daemon import MLAGCTL, is_built
from mlab.standard import PICTURE, VLAN, standard_pair
from mlab.topology import MEMBERS, PL, Host

HELP = """
  NODE COMMAND...        run a command on s1, s2, h1, h2, o1 or o2; names of hosts become addresses:
                           s1 mlagctl status     s2 mlagctl -j lags      s1 bridge fdb
                           h1 ping -c 3 o2       h1 tcpdump -ni bond0
  NODE                   a shell there
  fail leg HOST SWITCH   cut a cable:  fail leg h1 s1
  fail pl                cut the peer link
  fail mlagd SWITCH      kill a daemon
  heal                   mend every cable, start every daemon that was killed
  count SRC DST          200 numbered frames by each leg of SRC, who got how many;
                         DST is a host, or all
  wait                   until the pair is whole
  show                   the picture and where everything is
  log SWITCH             the end of mlagd's log
  help, quit
"""
WORDS = ["fail leg ", "fail pl", "fail mlagd ", "heal", "count ", "wait", "show", "log ", "help",
         "quit"]
TOOLS = ["mlagctl ", "ping -c 3 ", "tcpdump -ni ", "bridge fdb", "ip -d link"]


class Usage(Exception):
    """A command that makes no sense; the text says which one would."""


class Shell:
    """The commands."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.nodes = {**{name: switch.namespace for name, switch in pair.switches.items()},
                      **{name: host.namespace for name, host in pair.hosts.items()}}
        self.bin = os.path.join(pair.directory, "bin")
        os.makedirs(self.bin)
        wrapper = os.path.join(self.bin, "mlagctl")
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {shlex.quote(MLAGCTL)} -S "$MLAG_LAB_SOCKET" "$@"\n')
        os.chmod(wrapper, 0o755)

    def host(self, name: str) -> Host:
        """A host by name."""
        if name not in self.pair.hosts:
            raise Usage(f"no host {name}: {', '.join(self.pair.hosts)}")
        return self.pair.hosts[name]

    @staticmethod
    def member(name: str) -> str:
        """A switch by name."""
        if name not in MEMBERS:
            raise Usage(f"no switch {name}: {' or '.join(MEMBERS)}")
        return name

    def on_node(self, name: str, argv: list[str]) -> int:
        """Run something there, on this terminal."""
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ.get('PATH', '')}"}
        if name in MEMBERS:
            run_dir = self.pair.switches[name].mlagd.run_dir
            environment["MLAG_LAB_SOCKET"] = os.path.join(run_dir, "control.sock")
        if not argv:
            environment["PS1"] = f"{name}# "
            argv = ["bash", "--norc", "-i"]
        argv = [self.pair.hosts[word].ip(VLAN) if n and word in self.pair.hosts else word
                for n, word in enumerate(argv)]
        process = self.nodes[name].popen(["env", *argv], env=environment)
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # it got the signal too, and ends by itself

    def fail(self, words: list[str]) -> None:
        """Cut or kill."""
        match words:
            case ["leg", host, member]:
                self.pair.fail_leg(self.host(host), self.member(member))
            case ["pl"]:
                self.pair.s1.namespace.set_up("peerlink", False)
            case ["mlagd", member]:
                self.pair.switches[self.member(member)].mlagd.stop(signal.SIGKILL)
            case _:
                raise Usage("fail leg HOST SWITCH, fail pl, or fail mlagd SWITCH")

    def heal(self) -> None:
        """Mend everything and wait for it."""
        self.pair.heal()
        for switch in self.pair.switches.values():
            if not switch.mlagd.is_running():
                switch.mlagd.start()
        self.wait()

    def wait(self) -> None:
        """Until whole."""
        self.pair.wait_whole(60)
        print("the pair is whole")

    def count(self, words: list[str]) -> None:
        """Numbered frames."""
        if len(words) != 2:
            raise Usage("count SRC DST")
        src = self.host(words[0])
        dst = BROADCAST if words[1] == "all" else self.host(words[1]).mac
        with self.pair.traffic() as run:
            flows = [self.pair.flow(run, src, dst, member, VLAN, rate=200, count=200)
                     for member in src.members]
            run.send()
        for flow in flows:
            for name in [*self.pair.hosts, PL]:
                result = run.result(flow, name)
                print(f"  by {str(flow.port):<12} at {name:<3} {result.unique:>4} of {result.sent}"
                      f" once, {result.duplicates} surplus")

    def show(self) -> None:
        """Where everything is."""
        print(PICTURE)
        for host in self.pair.hosts.values():
            where = " and ".join(f"{member} port {host.switch_lag()}" for member in host.members)
            print(f"  {host.name}  {host.mac}  {host.ip(VLAN):<12} {host.device:<6} on {where}")

    def execute(self, line: str) -> bool:
        """One line; False when it failed."""
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise Usage(str(error)) from error
        match words:
            case []:
                pass
            case ["help"]:
                print(HELP)
            case ["show"]:
                self.show()
            case ["wait"]:
                self.wait()
            case ["heal"]:
                self.heal()
            case ["fail", *rest]:
                self.fail(rest)
            case ["count", *rest]:
                self.count(rest)
            case ["log", member]:
                print(self.pair.switches[self.member(member)].mlagd.log_tail(40))
            case [name, *argv] if name in self.nodes:
                return self.on_node(name, argv) == 0
            case _:
                raise Usage(f"{words[0]}: no such command; try help")
        return True

    def complete(self, text: str, state: int) -> str | None:
        """For readline: the whole line so far decides."""
        begin = readline.get_begidx()
        before = readline.get_line_buffer()[:begin].split()
        if not before:
            chosen = [f"{name} " for name in self.nodes] + WORDS
        elif before[0] == "fail":
            chosen = (["leg ", "pl", "mlagd "] if len(before) == 1 else
                      [f"{name} " for name in self.pair.hosts]
                      if before[1:] == ["leg"] else list(MEMBERS))
        elif before[0] == "count":
            chosen = [f"{name} " for name in self.pair.hosts] + ["all"]
        elif before[-1] == "mlagctl":
            chosen = ["status", "lags", "macs", "counters"]
        else:
            chosen = TOOLS + list(self.pair.hosts)
        matches = [word for word in chosen if word.startswith(text)]
        return matches[state] if state < len(matches) else None

    def loop(self, is_terminal: bool) -> int:
        """Until quit or the end of input; how many lines failed."""
        failed = 0
        while True:
            try:
                line = input("mlag> ") if is_terminal else sys.stdin.readline()
            except EOFError:
                return failed
            except KeyboardInterrupt:
                print()
                continue
            if not is_terminal:
                if not line:
                    return failed
                print(f"mlag> {line.rstrip()}", flush=True)
            if line.strip() in ("quit", "exit"):
                return failed
            try:
                failed += not self.execute(line)
            except (Usage, LabError) as error:
                failed += 1
                print(error)
            except KeyboardInterrupt:
                print("stopped")
            sys.stdout.flush()


def main() -> int:
    """Lay out, prompt, clean up."""
    if not is_built():
        print("lab: build/mlagd and build/mlagctl are not there: run make", file=sys.stderr)
        return 2
    is_terminal = sys.stdin.isatty()
    pair = standard_pair()
    try:
        print("laying out the pair and starting mlagd on s1 and s2 ...", flush=True)
        pair.build()
        try:
            pair.start()
        except LabError as error:
            print(f"the pair is not whole, look for yourself: {error}", flush=True)
        shell = Shell(pair)
        shell.show()
        print("\n  help shows the commands; quit cleans up", flush=True)
        if is_terminal:
            readline.set_completer(shell.complete)
            readline.set_completer_delims(" ")
            readline.parse_and_bind("tab: complete")
        failed = shell.loop(is_terminal)
        return 1 if failed and not is_terminal else 0
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        pair.close()
        traffic.stop_sender()
        netns.remove_all()


if __name__ == "__main__":
    sys.exit(main())
