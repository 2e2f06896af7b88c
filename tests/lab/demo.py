# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: a host whose one bond ends on two switches, passing traffic through both.

Says what it does, measures it on the wire, and exits with 1 if anything is not as it should be.
"""

import sys
import time

from mlab import BROADCAST, LabError, Pair, Traffic, netns, traffic
from mlab.daemon import is_built
from mlab.standard import PICTURE, VLAN, standard_pair
from mlab.topology import PL, SYSTEM_MAC

BEGAN = time.monotonic()
FAILURE_MS_MAX = 20


class Demo:
    """The steps, and what went wrong in them."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.faults = 0

    @staticmethod
    def step(text: str) -> None:
        """A headline with the time."""
        print(f"\n[{time.monotonic() - BEGAN:5.1f} s] {text}", flush=True)

    def judge(self, is_right: bool, text: str) -> None:
        """A finding."""
        self.faults += not is_right
        print(f"    {'ok   ' if is_right else 'WRONG'}  {text}", flush=True)

    def bond(self) -> None:
        """What the host's bond believes."""
        h1 = self.pair.hosts["h1"]
        info = self.pair.lacp(h1)
        self.judge(info == {"partner": SYSTEM_MAC, "ports": 2, "in_use": 2},
                   f"h1's bond: {info['ports']} ports in one aggregator, partner {info['partner']}")

    def ping(self) -> None:
        """h1 to everybody."""
        h1 = self.pair.hosts["h1"]
        for name in ("h2", "o1", "o2"):
            address = self.pair.hosts[name].ip(VLAN)
            done = h1.namespace.run("ping", "-n", "-q", "-c", "3", "-i", "0.2", "-W", "1", address,
                                    check=False)
            summary = next((line for line in done.stdout.splitlines() if "received" in line), "")
            self.judge(done.returncode == 0 and "duplicates" not in summary,
                       f"h1 ping {name} ({address}): {summary}")

    def count(self) -> None:
        """Numbered frames by each leg: once at each, never back."""
        pair = self.pair
        h1 = pair.hosts["h1"]
        with pair.traffic() as run:
            floods = [pair.flow(run, h1, BROADCAST, member, VLAN, rate=200, count=300)
                      for member in h1.members]
            floods += [pair.flow(run, pair.hosts[name], BROADCAST, None, VLAN, rate=200, count=300)
                       for name in ("o1", "o2")]
            known = [pair.flow(run, h1, pair.hosts["h2"].mac, member, VLAN, rate=200, count=300)
                     for member in h1.members]
            run.send()
        for flow in floods:
            sender = flow.port.namespace.name
            results = [run.result(flow, name) for name in pair.hosts if name != sender]
            back = run.result(flow, sender).unique
            self.judge(all(r.missing == 0 and r.duplicates == 0 for r in results) and back == 0,
                       f"{flow.count} broadcasts of {flow.port}: "
                       + ", ".join(f"{r.what.split(' at ')[1]} {r.unique}+{r.duplicates}"
                                   for r in results) + f" (unique+copies), {back} back")
        for flow in known:
            result, crossing = run.result(flow, "h2"), run.result(flow, PL)
            self.judge(result.missing == 0 and result.duplicates == 0 and crossing.unique == 0,
                       f"{flow.count} unicasts of {flow.port} to h2: {result.unique} once, "
                       f"{crossing.unique} over the peer link")

    def show(self) -> None:
        """mlagctl for people."""
        for command in ("status", "lags"):
            done = self.pair.s1.mlagd.ctl(command)
            print(f"    $ mlagctl {command}")
            for line in (done.stdout + done.stderr).splitlines():
                print(f"    | {line}", flush=True)
            self.judge(done.returncode == 0, f"mlagctl {command}: exit {done.returncode}")

    def leg(self) -> None:
        """Cut and mend h1's leg to s1 under traffic."""
        pair = self.pair
        h1, o1, o2 = (pair.hosts[name] for name in ("h1", "o1", "o2"))
        with pair.traffic(frames=1 << 15) as run:
            towards = [pair.flow(run, o1, h1.mac, None, VLAN, rate=500, count=3500),
                       pair.flow(run, o2, h1.mac, None, VLAN, rate=500, count=3500)]
            own = pair.flow(run, h1, BROADCAST, None, VLAN, rate=200, count=1400)
            run.start()
            run.wait_sent(towards[0], 400)
            print("    fail leg h1 s1", flush=True)
            pair.fail_leg(h1, "s1")
            run.wait_sent(towards[0], 900)
            print("    heal leg h1 s1", flush=True)
            pair.heal_leg(h1, "s1")
            run.finish()
        self.judge_leg(run, towards, own)
        pair.wait_whole()
        self.bond()

    def judge_leg(self, run: Traffic, towards: list[traffic.Flow], own: traffic.Flow) -> None:
        """Losses by window, copies over all."""
        healed = towards[0].times[900]
        for flow in towards:
            result = run.result(flow, "h1")
            cut = sum(1 for n in result.missing_list if flow.times[n] < healed) * 1000 / flow.rate
            back = result.lost_ms - cut
            self.judge(cut <= FAILURE_MS_MAX and back == 0 and result.duplicates == 0,
                       f"{flow.port.namespace.name} to h1, {flow.count} frames: lost {cut:.0f} ms "
                       f"when the leg failed, {back:.0f} ms when it returned, "
                       f"{result.duplicates} copies")
        echoes = run.result(own, "h1").unique
        self.judge(echoes == 0, f"h1's own broadcasts that came back to it: {echoes}")
        for name in ("o1", "o2", "h2"):
            result = run.result(own, name)
            self.judge(result.duplicates == 0, f"h1's own broadcasts at {name}: {result.unique} of "
                                               f"{result.sent}, {result.duplicates} copies")

    def run(self) -> int:
        """All steps; the number of faults."""
        self.step("Two switches, two hosts with one LACP bond each, two orphans")
        print(PICTURE)
        self.pair.build()
        self.step("mlagd starts on both switches")
        self.pair.start()
        self.judge(True, "peered and healthy, every LAG dual on both")
        self.bond()
        self.pair.wait_known(vlan=VLAN)
        self.step("h1 reaches everybody")
        self.ping()
        self.step("Numbered frames, counted where they arrive")
        self.count()
        self.step("What the pair says")
        self.show()
        self.step("A leg fails under traffic, and returns")
        self.leg()
        return self.faults


def main() -> int:
    """0 when everything was right."""
    if not is_built():
        print("demo: build/mlagd and build/mlagctl are not there: run make", file=sys.stderr)
        return 2
    pair = standard_pair()
    demo = Demo(pair)
    try:
        faults = demo.run()
    except LabError as error:
        print(f"    WRONG  {error}", flush=True)
        faults = demo.faults + 1
        for switch in pair.switches.values():
            if switch.daemon is not None:
                print(f"--- log of {switch.name}\n{switch.daemon.log_tail()}", flush=True)
    finally:
        pair.close()
        traffic.stop_sender()
        netns.remove_all()
    demo.step("Everything was as it should be." if not faults else f"{faults} things were WRONG.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
