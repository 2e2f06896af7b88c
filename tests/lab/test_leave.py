# SPDX-License-Identifier: BSD-2-Clause
"""`mlagctl leave`: the box is a plain bridge again, and nothing of anybody else's was touched."""

import signal
import time
from typing import Callable, Iterator

import pytest

from mlab import Pair, snapshot, suites, wait_for
from mlab.topology import Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device", "macvlan"]
VLAN = 10
GATEWAY_MAC = "00:00:5e:00:01:0a"
OPERATOR_MAC = "02:00:00:00:77:01"


def LAYOUT(pair: Pair) -> None:
    """A speaks LACP, B is static, O1 and O2 are orphans."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("b", lag_id=2, access=VLAN, is_lacp=False)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


def somebody(switch: Switch) -> None:
    """What others have set up on the switch, some of it just where mlagd works too."""
    number = 1 if switch.name == "s1" else 2
    orphan = f"o{number}"
    switch.namespace.ip(f"link add link br0 name vlan{VLAN} type vlan id {VLAN}",
                        f"link set vlan{VLAN} up",
                        f"address add 10.0.{VLAN}.{number}/24 dev vlan{VLAN}",
                        "route add default via 10.0.10.11 metric 50 proto static",
                        "rule add pref 32801 from 192.0.2.0/24 table 77",
                        "route add 198.51.100.0/24 via 10.0.10.11 table 77",
                        f"neigh add 10.0.10.200 lladdr {OPERATOR_MAC} dev vlan{VLAN} nud permanent")
    switch.namespace.bridge(f"vlan add dev br0 vid {VLAN} self",
                            f"fdb add {OPERATOR_MAC} dev {orphan} master static vlan {VLAN}",
                            "link set dev lag2 mcast_flood off",
                            "link set dev lag2 learning on",
                            "link set dev peerlink learning on")
    for device in ("bond1", orphan):  # one clsact with a filter, one without
        switch.namespace.run("tc", "qdisc", "add", "dev", device, "clsact")
    switch.namespace.run("tc", "filter", "add", "dev", "bond1", "ingress", "pref", "77", "protocol",
                         "ip", "matchall", "action", "pass")
    switch.namespace.sysctl(**{f"ipv4__conf__vlan{VLAN}__send_redirects": 1,
                               "ipv4__conf__all__send_redirects": 1,
                               f"ipv4__conf__vlan{VLAN}__arp_evict_nocarrier": 1})


@pytest.fixture(name="before", scope="module")
def before_fixture(layout: Pair) -> Iterator[dict[str, set[str]]]:
    """How both switches were found; the pair runs when this returns."""
    for member, switch in layout.switches.items():
        somebody(switch)
        config = layout.prepare_daemon(member).config
        config[f"gateway vlan{VLAN}"] = {"address": f"10.0.{VLAN}.254/24", "mac": GATEWAY_MAC}
        config["peer"]["last-resort"] = "on"
    snapshots = {}
    for member, switch in layout.switches.items():
        wait_for("a snapshot that is steady",
                 lambda s=switch: snapshot.take(s) == (time.sleep(0.3) or snapshot.take(s)), 10)
        snapshots[member] = snapshot.take(switch)
    layout.start()
    layout.wait_known(vlan=VLAN)
    yield snapshots


def leave(switch: Switch) -> None:
    """Leave; the daemon ends with 0."""
    done = switch.mlagd.ctl("leave")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{switch.mlagd.log_tail()}"
    assert switch.mlagd.process is not None
    assert switch.mlagd.process.wait(5) == 0, switch.mlagd.log_tail()


def legs_up(switch: Switch) -> None:
    """What `leave` has taken down."""
    for ifname in ("a-leg", "lag2"):
        switch.namespace.set_up(ifname, True)


def test_a_snapshot_sees_what_a_running_daemon_has_changed(layout: Pair,
                                                           before: dict[str, set[str]]) -> None:
    """So that the comparison below can fail: every kind of thing is in it."""
    lines = snapshot.differences(before["s1"], snapshot.take(layout.s1))
    for kind in ("link peerlink port learning", "link bond1 port backup_port", "fdb: ", "filter ",
                 "qdisc: ", "link bond1 info ad_actor_system", "link bond1 info all_slaves_active",
                 "/conf/vlan10/send_redirects", f"link vlan{VLAN}-gw", "-4 rule"):
        assert any(kind in line for line in lines), f"{kind} is not among\n" + "\n".join(lines)


def test_leave_takes_everything_back_and_nothing_else(layout: Pair, before: dict[str, set[str]],
                                                      tell: Callable[[str], None]) -> None:
    """S1 leaves: its legs are down, everything else is as it was found; S2 was told."""
    switch = layout.s1
    began = time.monotonic()
    leave(switch)
    tell(f"leave took {time.monotonic() - began:.2f} s")
    faults = snapshot.differences(before["s1"], snapshot.take(switch))
    assert not faults, "\n".join(faults)
    for ifname in ("a-leg", "lag2"):
        assert "UP" not in switch.namespace.link(ifname)["flags"], ifname
    assert "UP" in switch.namespace.link("bond1")["flags"]
    status = layout.s2.mlagd.wait_status(5, verdict="alone")
    assert "goodbye" in layout.s2.mlagd.log(), status


def test_the_peer_goes_on_alone(layout: Pair, before: dict[str, set[str]]) -> None:
    """Every host that has a way reaches every other once: A and B by S2, O1 over the peer link."""
    del before
    hosts = [layout.hosts[name] for name in ("a", "b", "o1", "o2")]

    def flood_from(name: str, member: str) -> list[str]:
        source = layout.hosts[name]
        with layout.traffic() as run:
            flow = layout.flow(run, source, suites.BROADCAST, member, VLAN, rate=60, count=30)
            run.send()
        return [str(run.result(flow, host.name)) for host in hosts if host is not source
                and (run.result(flow, host.name).missing or run.result(flow, host.name).duplicates)]

    for name, member in (("a", "s2"), ("b", "s2"), ("o1", "s1"), ("o2", "s2")):
        wait_for(f"floods of {name} once at every host", lambda n=name, m=member: not
                 flood_from(n, m), 10, show=lambda n=name, m=member: flood_from(n, m))


def test_a_start_after_a_leave_makes_the_pair_whole_again(layout: Pair,
                                                          before: dict[str, set[str]]) -> None:
    """And a second leave, after a daemon was killed and started again, takes all back too."""
    del before
    legs_up(layout.s1)
    layout.s1.mlagd.start()
    layout.wait_whole(40)
    suites.check_unicasts(layout, VLAN)


def test_leave_after_a_restart_knows_how_things_were_found(layout: Pair,
                                                           before: dict[str, set[str]]) -> None:
    """What the killed daemon had changed, its successor takes back; then S2 leaves as well."""
    layout.s1.mlagd.stop(signal.SIGKILL)
    layout.s1.mlagd.start()
    layout.wait_whole(40)
    layout.wait_known(vlan=VLAN)
    for switch in (layout.s1, layout.s2):
        leave(switch)
    for member, switch in layout.switches.items():
        faults = snapshot.differences(before[member], snapshot.take(switch))
        assert not faults, f"{member}:\n" + "\n".join(faults)
    wait_for("no program left in the kernel", lambda: snapshot.programs() == 0, 10,
             show=snapshot.programs)
