# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: a host and an OSPF router, each with ONE bond that ends on two switches.

Says what it does, measures it on the wire, ends with a verdict, and exits with 0 when everything
was as it should be, with 1 when anything was not, and with 2 when it could not begin.
"""

import signal
import sys
import time

from mlab import BROADCAST, LabError, Pair, Traffic, frr, netns, traffic
from mlab.daemon import is_built
from mlab.routing import (ROUTER, Routing, address, adjacency_changes, check_state, kernel_hops,
                          wait_state)
from mlab.routing_suites import WAYS
from mlab.topology import MEMBERS, PL, SYSTEM_MAC
from mlab.traffic import Flow
from mlab.wait import wait_for

BEGAN = time.monotonic()
FAILURE_MS_MAX = 40  # seen: 0 to 8; a machine with other work has its pauses
RETURN_MS_MAX = 40  # a frame or two, by chance: docs/invariants.md, limits
RESTART_MS_MAX = 500
DAEMONS = ("zebra", "ospfd")
HOSTS = "10.0.20.0/24"
PICTURE = """
         r                 r       a router: FRR, OSPF with s1 and with s2, ONE LACP bond, VLAN 10
       _/ \\_
     s1==PL==s2            s1, s2  the pair: two Linux bridges, each with its mlagd, its own OSPF,
    /  \\_  _/  \\                   its own router MAC and address in VLAN 10 and in VLAN 20
  o1     \\/     o2         h       a host, ONE LACP bond, VLAN 20
          h                o1, o2  hosts with one plain link each, VLAN 20
"""


def lay_out(pair: Pair) -> None:
    """What the picture shows."""
    pair.host("r", lag_id=1, access=10)
    pair.host("h", lag_id=2, access=20)
    pair.orphan("o1", on="s1", access=20)
    pair.orphan("o2", on="s2", access=20)


class Demo:
    """The steps, and what went wrong in them."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.findings = 0
        self.faults = 0
        self.lab: Routing | None = None

    @property
    def routing(self) -> Routing:
        """What prepare() has laid out."""
        assert self.lab is not None
        return self.lab

    @staticmethod
    def step(text: str) -> None:
        """A headline with the time."""
        print(f"\n[{time.monotonic() - BEGAN:5.1f} s] {text}", flush=True)

    @staticmethod
    def note(text: str) -> None:
        """A line that is no finding."""
        print(f"           {text}", flush=True)

    def judge(self, is_right: bool, text: str) -> None:
        """A finding."""
        self.findings += 1
        self.faults += not is_right
        print(f"    {'ok   ' if is_right else 'WRONG'}  {text}", flush=True)

    # -- steps ----------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Everything but the daemons."""
        self.pair.build()
        self.lab = Routing(self.pair).build(has_static_routes=False)

    def bonds(self) -> None:
        """What the bonds believe."""
        for name in ("h", "r"):
            info = self.pair.lacp(self.pair.hosts[name])
            self.judge(info == {"partner": SYSTEM_MAC, "ports": 2, "in_use": 2},
                       f"{name}'s bond: {info['ports']} ports in one aggregator, partner "
                       f"{info['partner']}")

    def ospf(self) -> None:
        """Adjacencies over one LAG, and what they gave R's kernel."""
        lab = self.routing
        lab.start_frr("ospfd")
        took = wait_state(lab.frr["r"], "ospfd", [address(n, None) for n in (1, 2)])
        for member in MEMBERS:
            wait_state(lab.frr[member], "ospfd", [address(ROUTER, None)])
        self.judge_adjacencies(f"Full {took:.1f} s after the start (hello 1 s, dead 4 s)")
        hops = wait_for("two next hops at r", lambda: len(kernel_hops(
            lab.r.namespace, HOSTS)) == 2 and kernel_hops(lab.r.namespace, HOSTS), 15)
        self.judge(True, f"r reaches {HOSTS} by {' and by '.join(hops)}")

    def judge_adjacencies(self, text: str) -> None:
        """R with both members."""
        faults = check_state(self.routing.frr["r"], "ospfd", [address(n, None) for n in (1, 2)])
        self.judge(not faults, f"OSPF of r with s1 and with s2: {'; '.join(faults) or text}")

    def ping(self, src: str, *others: str) -> None:
        """A host to others, by their own stacks."""
        for name in others:
            target = self.routing.host_ip(self.pair.hosts[name])
            done = self.pair.hosts[src].namespace.run(
                "ping", "-n", "-q", "-c", "3", "-i", "0.2", "-W", "1", target, check=False)
            summary = next((line for line in done.stdout.splitlines() if "received" in line), "")
            self.judge(done.returncode == 0 and "duplicates" not in summary,
                       f"{src} ping {name} ({target}): {summary}")

    def switched(self) -> None:
        """Numbered broadcasts in VLAN 20: once at each, never back."""
        pair = self.pair
        h, names = pair.hosts["h"], ("h", "o1", "o2")
        with pair.traffic() as run:
            flows = [pair.flow(run, h, BROADCAST, member, 20, rate=200, count=300)
                     for member in MEMBERS]
            flows += [pair.flow(run, pair.hosts[name], BROADCAST, None, 20, rate=200, count=300)
                      for name in ("o1", "o2")]
            run.send()
        for flow in flows:
            sender = flow.port.namespace.name
            results = [run.result(flow, name) for name in names if name != sender]
            back = run.result(flow, sender).unique + run.result(flow, "r").unique
            self.judge(all(r.missing == 0 and r.duplicates == 0 for r in results) and back == 0,
                       f"{flow.count} broadcasts of {flow.port}: "
                       + ", ".join(f"{r.what.split(' at ')[1]} {r.unique}+{r.duplicates}"
                                   for r in results) + f" (unique+copies), {back} astray")

    def routed(self) -> None:
        """R to H with each member's MAC over each leg: where it arrives it is routed."""
        lab = self.routing
        lab.resolve()
        with lab.traffic() as run:
            flows = {(to, by): lab.flow(run, lab.host_ip(lab.h), to, by, rate=200, count=300)
                     for to, by in WAYS}
            run.send()
        for (to, by), flow in flows.items():
            result, crossing = run.result(flow, "h"), run.result(flow, PL)
            ttls = {entry.ttl for entry in run.seen(flow, "h")}
            self.judge(not result.missing and not result.duplicates and ttls == {63}
                       and not crossing.unique,
                       f"{flow.count} packets r to h with {to}'s MAC by the leg to {by}: "
                       f"{result.unique} once, TTL minus {64 - min(ttls, default=64)}, "
                       f"{crossing.unique} over the peer link")

    def show(self) -> None:
        """mlagctl for people, once what the traffic has taught is proven equal on both."""
        self.pair.wait_whole()
        for command in ("status", "lags", "addresses"):
            done = self.pair.s1.mlagd.ctl(command)
            print(f"    $ mlagctl {command}")
            for line in (done.stdout + done.stderr).splitlines():
                print(f"    | {line}", flush=True)
            self.judge(done.returncode == 0, f"mlagctl {command}: exit {done.returncode}")

    def leg(self) -> None:
        """Cut and mend h's leg to s1 under traffic, switched and routed."""
        pair, lab = self.pair, self.routing
        h, o1, o2 = (pair.hosts[name] for name in ("h", "o1", "o2"))
        with lab.traffic(frames=1 << 15) as run:
            towards = [pair.flow(run, o1, h.mac, None, 20, rate=300, count=2100),
                       pair.flow(run, o2, h.mac, None, 20, rate=300, count=2100)]
            towards += [lab.flow(run, lab.host_ip(h), to, by, rate=100, count=700)
                        for to, by in WAYS]
            own = pair.flow(run, h, BROADCAST, None, 20, rate=200, count=1400)
            run.start()
            run.wait_sent(towards[0], 240)
            self.note("fail leg h s1")
            pair.fail_leg(h, "s1")
            run.wait_sent(towards[0], 540)
            self.note("heal leg h s1")
            pair.heal_leg(h, "s1")
            run.finish()
        self.judge_leg(run, towards, own, run.flows[0].times[540])
        pair.wait_whole()

    def judge_leg(self, run: Traffic, towards: list[Flow], own: Flow, healed: int) -> None:
        """Losses by window, copies over all."""
        for flow in towards:
            result = run.result(flow, "h")
            cut = sum(1 for n in result.missing_list if flow.times[n] < healed) * 1000 / flow.rate
            back = result.lost_ms - cut
            self.judge(cut <= FAILURE_MS_MAX and back <= RETURN_MS_MAX and not result.duplicates,
                       f"{self.describe(flow)}: lost {cut:.0f} ms when the leg failed, "
                       f"{back:.0f} ms when it returned, {result.duplicates} copies")
        back = run.result(own, "h").unique
        self.judge(back == 0, f"h's own broadcasts that came back to it: {back}")
        for name in ("o1", "o2"):
            result = run.result(own, name)
            self.judge(result.duplicates == 0, f"h's own broadcasts at {name}: {result.unique} of "
                                               f"{result.sent}, {result.duplicates} copies")

    def describe(self, flow: Flow) -> str:
        """A flow towards h in a few words."""
        ways = {self.routing.macs[to]: to for to in MEMBERS}
        to = ways.get(":".join(f"{octet:02x}" for octet in flow.frame[:6]))
        by = flow.port.ifname.removeprefix("leg-")
        return f"r to h with {to}'s MAC by {by}" if to else f"{flow.port.namespace.name} to h"

    def restart(self) -> None:
        """mlagd of s1 ends and starts again under routed traffic."""
        lab, daemon = self.routing, self.pair.s1.mlagd
        before = adjacency_changes(lab)
        with lab.traffic(frames=1 << 15) as run:
            flows = [lab.flow(run, lab.host_ip(lab.h), to, by, rate=100, count=600)
                     for to, by in WAYS]
            run.start()
            run.wait_sent(flows[0], 50)
            code = daemon.stop(signal.SIGTERM)
            self.note(f"mlagd of s1 has ended (exit {code}); the switch forwards alone")
            run.wait_sent(flows[0], 200)
            daemon.start()
            self.note("mlagd of s1 starts again")
            run.finish()
        self.pair.wait_whole()
        lab.wait_addresses()
        for flow in flows:
            result = run.result(flow, "h")
            self.judge(result.lost_ms <= RESTART_MS_MAX and not result.duplicates,
                       f"{self.describe(flow)}: {result.unique} of {result.sent}, lost "
                       f"{result.lost_ms:.0f} ms, {result.duplicates} copies")
        self.judge_adjacencies("still Full")
        changed = [line for line in adjacency_changes(lab) if line not in before]
        self.judge(not changed, f"adjacencies that changed meanwhile: {'; '.join(changed) or 0}")

    def run(self) -> None:
        """All steps."""
        self.step("Two switches, a host and a router with one LACP bond each, two orphans")
        print(PICTURE)
        self.prepare()
        self.step("mlagd starts on both switches")
        self.pair.start()
        self.judge(True, "peered and healthy, every LAG dual on both")
        self.routing.wait_addresses()
        self.bonds()
        self.step("FRR starts on r, s1 and s2")
        self.ospf()
        self.pair.wait_known()
        self.step("Everybody reaches everybody")
        self.ping("h", "o1", "o2")
        self.ping("r", "h", "o1", "o2")
        self.step("Numbered broadcasts, counted where they arrive")
        self.switched()
        self.step("Routed packets: r chooses a next hop by ECMP and a leg by its bond's hash")
        self.routed()
        self.step("What the pair says")
        self.show()
        self.step("h's leg to s1 fails under traffic, and returns")
        self.leg()
        self.step("mlagd of s1 is restarted under traffic")
        self.restart()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.lab is not None:
            self.lab.stop_frr()
        self.pair.close()
        traffic.stop_sender()
        netns.remove_all()


def main() -> int:
    """0 when everything was right."""
    if not is_built():
        print("demo: build/mlagd and build/mlagctl are not there: run make", file=sys.stderr)
        return 2
    if not frr.is_installed(*DAEMONS):
        print("demo: FRR (zebra, ospfd) is not there: run make deps", file=sys.stderr)
        return 2
    pair = Pair()
    lay_out(pair)
    demo = Demo(pair)
    try:
        demo.run()
    except LabError as error:
        demo.judge(False, str(error))
        for switch in pair.switches.values():
            if switch.daemon is not None:
                print(f"--- log of {switch.name}\n{switch.daemon.log_tail()}", flush=True)
    finally:
        demo.close()
    demo.step(f"VERDICT: {'FAILED' if demo.faults else 'PASSED'}: {demo.findings} findings, "
              f"{demo.faults} wrong; everything is cleaned up")
    return 1 if demo.faults else 0


if __name__ == "__main__":
    sys.exit(main())
