# SPDX-License-Identifier: BSD-2-Clause
"""R28 and R27 on plain bridges with static legs: one gateway on br0 with the addresses of all.

This module runs on any kernel with bridge, veth and macvlan, so it also shows the program that stops
redirects as that kernel runs it.
"""

import signal
from typing import Sequence

import pytest

from mlab import Pair, wait_for
from mlab.gateway import ROUTES_FROM, VERSIONS, Gateways, ask, gateway_ip, sysctl
from mlab.routed import faults_once
from mlab.routing import ROUTER, Routing, address, lay_out, ping
from mlab.topology import MEMBERS

NEEDS = ["bridge", "veth", "macvlan"]
PAIR = {"vlan_aware": False}
LAYOUT = lay_out


@pytest.fixture(scope="module", name="lab")
def gateways(layout: Pair):
    """Static routes, the gateway on both, daemons peered, hosts with the shared gateway."""
    lab = Gateways(Routing(layout).build())
    lab.configure()
    lab.use()
    layout.start()
    lab.lab.resolve()
    lab.lab.wait_addresses()
    lab.wait_active()
    return lab


@pytest.fixture(autouse=True)
def known(lab: Gateways):
    """Hosts and neighbours are known when a test begins."""
    lab.pair.wait_known()
    lab.lab.resolve()


def test_r28_each_packet_is_routed_once_none_on_the_peer_link(lab: Gateways) -> None:
    """To what is behind R's loopback, which both members route."""
    assert not (faults := lab.faults_routed_once()), "\n".join(faults)
    rows = lab.local_entries("s1", lab.mac(10))
    assert [(row["ifname"], row.get("vlan"), row["state"]) for row in rows] == \
        [("br0", None, "permanent")]
    assert lab.row("s1", 10)["vlan"] is None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name,by", ROUTES_FROM)
def test_r28_a_question_for_it_is_answered_with_the_shared_mac_alone(
        lab: Gateways, name: str, by: str, version: int) -> None:
    """ARP and ND, by each leg."""
    host = lab.pair.hosts[name]
    answers = ask(host, lab.lab.host_ip(host, version), gateway_ip(20, version), by, answers=2)
    assert [(answer.mac, answer.sender) for answer in answers] == [(lab.mac(20),) * 2] * 2


def test_r28_orphans_reach_it(lab: Gateways) -> None:
    """By their own stacks."""
    for name, vlan in (("o1", 20), ("o2", 30)):
        for version in VERSIONS:
            wait_for(f"{name} to reach the gateway", lambda n=name, t=gateway_ip(vlan, version):
                     ping(lab.pair.hosts[n].namespace, t), 5)


@pytest.mark.parametrize("members,how", [(("s1",), "SIGTERM"), (("s1",), "SIGKILL"),
                                         (MEMBERS, "SIGTERM"), (MEMBERS, "SIGKILL")])
def test_r28_a_restart_loses_nothing(lab: Gateways, how: str, members: Sequence[str]) -> None:
    """As with VLANs."""
    daemons = [lab.pair.switches[member].mlagd for member in members]
    with lab.lab.traffic() as run:
        flows = [lab.flow(run, name, address(ROUTER, 10, version), by, rate=50, count=200)
                 for version in VERSIONS for name, by in ROUTES_FROM]
        run.start()
        run.wait_sent(flows[0], 50)
        for daemon in daemons:
            daemon.stop(signal.Signals[how])
        for daemon in daemons:
            daemon.start()
        run.finish()
    lab.pair.wait_whole()
    lab.wait_active()
    faults = [fault for flow in flows for fault in faults_once(run, flow, "r", ttl=63)]
    assert not faults, "\n".join(faults)


def test_r28_removed_without_a_trace(lab: Gateways) -> None:
    """Device, FDB entry and the settings of br0; R27 goes on; then all is there again."""
    for member in MEMBERS:
        del lab.pair.switches[member].mlagd.config["gateway br0"]
    lab.reload()
    for switch in lab.pair.switches.values():
        namespace = switch.namespace
        wait_for("nothing to be left", lambda s=switch: not lab.local_entries(
            s.name, lab.mac(10)) and lab.device(10) not in s.namespace.run("ip", "link").stdout
            and not sysctl(s.namespace, "ipv4/conf/br0/arp_ignore"))
        assert sysctl(namespace, "ipv4/conf/br0/send_redirects") == 0
        assert switch.has_program("br0", "egress", "svi_egress")
    lab.configure()
    lab.reload()
    lab.wait_active()
    lab.pair.wait_whole()


def test_this_suite_can_fail_without_the_fdb_entry_all_is_routed_twice(lab: Gateways) -> None:
    """The daemons stopped, the local entries gone."""
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        switch.namespace.bridge(f"fdb del {lab.mac(10)} dev br0 self")
    try:
        with lab.lab.traffic() as run:
            flows = [lab.flow(run, name, address(ROUTER, 10), by) for name, by in ROUTES_FROM]
            run.send()
        assert all(run.result(flow, "r").duplicates for flow in flows), \
            [str(run.result(flow, "r")) for flow in flows]
    finally:
        for switch in lab.pair.switches.values():
            switch.mlagd.start()
        lab.pair.wait_whole()
    lab.wait_active()
