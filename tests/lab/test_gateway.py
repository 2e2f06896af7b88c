# SPDX-License-Identifier: BSD-2-Clause
"""R28 and R27: one gateway address and MAC on both members, and no redirects.

The layout of mlab.routing with a shared gateway on each SVI.  Frames with the shared MAC are sent by
the test on a host's own end of each cable; what the hosts' own stacks do is asked with ping.
"""

import signal
import time
from typing import Sequence

import pytest

from mlab import LabError, Pair, explained, wait_for
from mlab.gateway import (HELD, LINK_LOCAL, ROUTES_FROM, VERSIONS, Ear, Gateways, ask, gateway_ip, prefix,
                          sysctl)
from mlab.routed import RoutedTraffic, faults_once
from mlab.routing import ROUTER, VLANS, Routing, address, lay_out, link_local, ping
from mlab.topology import MEMBERS
from mlab.traffic import Port

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]
LAYOUT = lay_out
PAIR = {"has_backup": True}  # so that who survives knows that the other one is dead
ANOTHER_MAC = "00:00:5e:00:01:77"
REDIRECTED = {4: "203.0.113.9", 6: "fd00:113::9"}
REDIRECTED_NET = {4: "203.0.113.0/24", 6: "fd00:113::/64"}
DEATH_LOST_MS_MAX = 1000


@pytest.fixture(scope="module", name="lab")
def gateways(layout: Pair):
    """Static routes, gateways on both, daemons peered, hosts with the shared gateway."""
    lab = Gateways(Routing(layout).build())
    for switch in layout.switches.values():  # what a new machine may have
        switch.namespace.sysctl(**{"ipv4/conf/all/send_redirects": 1,
                                   "ipv4/conf/br0.20/send_redirects": 1,
                                   "ipv4/conf/default/rp_filter": 1,
                                   "ipv4/conf/default/send_redirects": 1})
    lab.configure()
    lab.use()
    lab.listen()
    for member in MEMBERS:  # one after the other: S1 has nobody yet who could answer
        lab.pair.prepare_daemon(member).start()
        lab.wait_announced(member)
    layout.wait_whole(40)
    lab.lab.resolve()
    lab.lab.wait_addresses()
    lab.wait_active()
    yield lab
    lab.stop_listening()


@pytest.fixture(autouse=True)
def known(lab: Gateways):
    """Hosts and neighbours are known when a test begins."""
    lab.pair.wait_known()
    lab.lab.resolve()


def test_r28_each_packet_is_routed_once_ttl_minus_one_none_on_the_peer_link(lab: Gateways) -> None:
    """From a dual host by each leg and from an orphan, to R in another VLAN."""
    assert not (faults := lab.faults_routed_once()), "\n".join(faults)


def test_r28_explain_of_the_shared_mac_is_what_the_wire_shows(lab: Gateways) -> None:
    """By each leg and from the orphan: routed by the member where it arrives, to R's leg there."""
    with lab.lab.traffic() as run:
        flows = {(name, by, version): lab.flow(run, name, address(ROUTER, 10, version), by)
                 for version in VERSIONS for name, by in ROUTES_FROM}
        run.send()
        for (name, by, _), flow in flows.items():
            assert not (faults := faults_once(run, flow, "r", ttl=63)), "\n".join(faults)
            switch = lab.pair.switches[by]
            told = explained.ask(switch, lab.pair.hosts[name].switch_lag(), flow)
            foretold = explained.foretell(lab.pair, switch, told)
            assert told["verdict"] == "routed" and foretold.certain == {"r"}, told
            assert foretold.ttl == 63 and told["agrees"], told


def test_r28_hosts_reach_each_other_by_it(lab: Gateways) -> None:
    """Their own stacks: dual to orphan and back, orphan to orphan."""
    hosts = lab.pair.hosts
    for host, target in (("h", "o2"), ("o1", "o2"), ("o2", "h"), ("o2", "o1")):
        for version in VERSIONS:
            text = lab.lab.host_ip(hosts[target], version)
            wait_for(f"{host} to reach {target}",
                     lambda h=host, t=text: ping(hosts[h].namespace, t), 5, 0.1,
                     show=lambda h=host: hosts[h].namespace.run("ip", "neigh").stdout)
            neighbor = hosts[host].namespace.run("ip", "neigh", "show", gateway_ip(
                20 if host in ("h", "o1") else 30, version)).stdout
            assert lab.mac(20 if host in ("h", "o1") else 30) in neighbor


@pytest.mark.parametrize("version", VERSIONS)
def test_r28_a_question_for_it_is_answered_with_the_shared_mac_alone(
        lab: Gateways, version: int) -> None:
    """ARP and ND, by each leg: both members answer, the frame too has the shared MAC."""
    for name, by in ROUTES_FROM:
        host = lab.pair.hosts[name]
        answers = ask(host, lab.lab.host_ip(host, version), gateway_ip(20, version), by, answers=2)
        assert [(answer.mac, answer.sender) for answer in answers] == [(lab.mac(20),) * 2] * 2, \
            (name, by, answers)


def test_r28_a_link_local_address_may_be_shared(lab: Gateways) -> None:
    """fe80::1 on both: answered with the shared MAC, pinged, and a way out of the VLAN."""
    host = lab.pair.hosts["h"]
    for by in MEMBERS:
        answers = ask(host, lab.lab.host_ip(host, 6), LINK_LOCAL, by, answers=2)
        assert [(answer.mac, answer.sender) for answer in answers] == [(lab.mac(20),) * 2] * 2, by
    assert ping(host.namespace, f"{LINK_LOCAL}%{lab.lab.device(host)}")
    host.namespace.ip(f"route replace default via {LINK_LOCAL} dev {lab.lab.device(host)}")
    try:
        assert ping(host.namespace, address(ROUTER, 10, 6))
    finally:
        host.namespace.ip(f"route replace default via {gateway_ip(20, 6)}")


@pytest.mark.parametrize("version", VERSIONS)
def test_r28_an_svi_is_still_where_it_was(lab: Gateways, version: int) -> None:
    """The SVI's own address is answered for with the SVI's MAC, by its member, once."""
    host = lab.pair.hosts["h"]
    for member in MEMBERS:
        own = address(MEMBERS.index(member) + 1, 20, version)
        answers = ask(host, lab.lab.host_ip(host, version), own, "s1")
        assert [(answer.mac, answer.sender) for answer in answers] == \
            [(lab.lab.macs[member],) * 2], member


def test_r28_no_host_hears_the_shared_address_with_another_mac(lab: Gateways) -> None:
    """Also not when a member itself speaks to hosts with the shared address as its source."""
    with Ear(*lab.pair.hosts["o1"].view()) as ear:
        for switch in lab.pair.switches.values():
            switch.namespace.ip("neigh flush dev br0.20")
            for version in VERSIONS:
                ping(switch.namespace, lab.lab.host_ip(lab.pair.hosts["o1"], version), "-I",
                     gateway_ip(20, version))
                assert ping(lab.pair.hosts["o1"].namespace, gateway_ip(20, version))
        heard = [answer for version in VERSIONS for answer in ear.heard(gateway_ip(20, version))]
    assert {answer.mac for answer in heard} <= {lab.mac(20)}, heard


def test_r28_announced_at_the_start_and_every_30_seconds(lab: Gateways) -> None:
    """By each member, three times at once and again after 30 s; the orphan at S1 hears all of it.

    All have been heard since before the daemons started, and no test above makes them announce.
    """
    for member in MEMBERS:
        for of in VERSIONS:
            def pauses(m: str = member, v: int = of) -> list[float]:
                times = lab.announced(m, v)
                return [later - earlier for earlier, later in zip(times, times[1:])]

            wait_for("that of half a minute later", lambda: max(pauses()) > 20, 40, 0.5)
            found = pauses()
            print(f"{member}, IPv{of}: {found[0]:.1f}, {found[1]:.1f} … {max(found):.1f} s")
            assert found[0] < 2 and found[1] < 2 and 25 < max(found) < 32, found
    for of in VERSIONS:
        heard = [answer for answer in lab.ears["o1"].heard(gateway_ip(20, of))
                 if not answer.is_asked]
        assert len(heard) == sum(len(lab.announced(member, of)) for member in MEMBERS)
        assert {(answer.mac, answer.sender) for answer in heard} == {(lab.mac(20), lab.mac(20))}
    lab.stop_listening()


def test_r28_the_peer_does_not_take_an_announcement_for_a_move(lab: Gateways) -> None:
    """After both have announced, the MAC is local on both, at no port, and in no MAC table."""
    for member in MEMBERS:
        for vlan in VLANS:
            entries = lab.local_entries(member, lab.mac(vlan))
            assert [(entry["ifname"], entry.get("vlan"), entry["state"]) for entry in entries] \
                == [("br0", vlan, "permanent")], entries
        macs = {row["mac"] for row in lab.pair.switches[member].mlagd.query("macs")}
        assert not macs & {lab.mac(vlan) for vlan in VLANS}
        log = lab.pair.switches[member].mlagd.log()
        assert "refuses the entry" not in log


# -- life ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("members,how", [(("s1",), "SIGTERM"), (("s2",), "SIGKILL"),
                                         (MEMBERS, "SIGTERM"), (MEMBERS, "SIGKILL")])
def test_r28_a_restart_of_mlagd_loses_nothing(lab: Gateways, how: str, members: Sequence[str]
                                              ) -> None:
    """The device, its addresses and its FDB entry stay; nothing is even touched."""
    switches = [lab.pair.switches[member] for member in members]
    before = [switch.namespace.link(lab.device(20))["ifindex"] for switch in switches]
    with lab.lab.traffic(frames=1 << 14) as run:
        flows = [lab.flow(run, name, address(ROUTER, 10, version), by, rate=50, count=1500)
                 for version in VERSIONS for name, by in ROUTES_FROM]
        run.start()
        run.wait_sent(flows[0], 50)
        for switch in switches:
            switch.mlagd.stop(signal.Signals[how])
        run.wait_sent(flows[0], 100)
        for switch in switches:
            switch.mlagd.start()
        lab.pair.wait_whole()
        lab.wait_active()
        run.stop()
    lost = sum(run.result(flow, "r").missing for flow in flows)
    print(f"\n{how} of {' and '.join(members)}: lost {lost} of {sum(flow.sent for flow in flows)}")
    faults = [fault for flow in flows for fault in faults_once(run, flow, "r", ttl=63)]
    assert not faults, "\n".join(faults)
    assert [switch.namespace.link(lab.device(20))["ifindex"] for switch in switches] == before


def test_r28_what_a_person_added_to_the_device_stays(lab: Gateways) -> None:
    """An address and a setting made by hand outlive a reload and a restart."""
    namespace, device = lab.pair.s1.namespace, lab.device(20)
    held = (*HELD, "10.0.20.77")
    namespace.ip(*(f"address add {text}/{24 if text == held[2] else 128 if ':' in text else 32} "
                   f"dev {device}" for text in held))
    namespace.sysctl(**{f"ipv4/conf/{device}/proxy_arp": 1})
    config = lab.pair.s1.mlagd.config
    try:
        config[f"gateway {lab.lab.svi(20)}"] = lab.section(20, more=["10.0.20.253/24"])
        lab.reload("s1")
        wait_for("the second address", lambda: "10.0.20.253" in addresses_of(lab, "s1", 20))
        # The first of a network takes the others with it when it goes, unless it is prevented.
        config[f"gateway {lab.lab.svi(20)}"] = {"address": "10.0.20.253/24",
                                                "mac": lab.mac(20)}
        lab.reload("s1")
        wait_for("the first address to go",
                 lambda: gateway_ip(20) not in addresses_of(lab, "s1", 20))
        config[f"gateway {lab.lab.svi(20)}"] = lab.section(20)
        lab.reload("s1")
        wait_for("the gateway as it was", lambda: {gateway_ip(20), gateway_ip(20, 6)} <=
                 addresses_of(lab, "s1", 20) and "10.0.20.253" not in addresses_of(lab, "s1", 20))
        lab.pair.s1.mlagd.stop()
        lab.pair.s1.mlagd.start()
        lab.pair.wait_whole()
        namespace.ip("link set br0.20 down")
        lab.wait_state("waiting", 20, "s1")
        namespace.ip("link set br0.20 up", *svi_routes(lab, "s1"))
        lab.wait_state("active", 20, "s1")
        assert set(held) <= addresses_of(lab, "s1", 20)
        assert sysctl(namespace, f"ipv4/conf/{device}/proxy_arp") == 1
    finally:
        namespace.ip(*(f"address del {text}/{24 if text == held[2] else 128 if ':' in text else 32} "
                       f"dev {device}" for text in held))
        namespace.sysctl(**{f"ipv4/conf/{device}/proxy_arp": 0})


def addresses_of(lab: Gateways, member: str, vlan: int) -> set[str]:
    """The addresses on a gateway's device."""
    links = lab.pair.switches[member].namespace.json("ip", "-j", "address", "show", "dev",
                                                     lab.device(vlan))
    return {entry["local"] for link in links for entry in link.get("addr_info", ())}


def svi_routes(lab: Gateways, member: str) -> list[str]:
    """What an SVI loses when it goes down, as commands that give it back."""
    number = MEMBERS.index(member) + 1
    return [f"address replace {address(number, 20, 6)}/64 dev br0.20 nodad",
            *(f"route replace {net} via {lab.lab.host_ip(lab.lab.h, version)}"
              for version, net in ((4, "192.0.2.0/24"), (6, "fd00:99::/64")))]


def make_svi(lab: Gateways, member: str, vlan: int = 20) -> None:
    """An SVI as the lab had it."""
    number, namespace = MEMBERS.index(member) + 1, lab.pair.switches[member].namespace
    namespace.ip(f"link add link br0 name br0.{vlan} type vlan id {vlan}")
    namespace.sysctl(**{f"ipv6/conf/br0.{vlan}/disable_ipv6": 0,
                        f"ipv4/conf/br0.{vlan}/rp_filter": 0})
    namespace.ip(f"link set br0.{vlan} up",
                 f"address add {address(number, vlan)}/24 dev br0.{vlan}",
                 *(svi_routes(lab, member) if vlan == 20 else []))


def test_r28_an_svi_that_is_deleted_and_made_again_gets_it_back(lab: Gateways) -> None:
    """While it is gone the member hands over to the peer: nothing of the hosts' is lost after."""
    namespace = lab.pair.s1.namespace
    namespace.ip("link del br0.20")
    lab.wait_state("waiting", 20, "s1")
    assert "does not exist" in lab.row("s1", 20)["reason"]
    assert "gateway-waiting" in lab.problems("s1")
    try:
        wait_for("the peer's router MAC on the peer link", lambda: [
            entry["ifname"] for entry in lab.local_entries("s1", lab.mac(20))] == ["peerlink"],
            show=lambda: lab.local_entries("s1", lab.mac(20)))
        with lab.lab.traffic() as run:
            flows = [lab.flow(run, name, address(ROUTER, 10, version), by)
                     for version in VERSIONS for name, by in ROUTES_FROM]
            run.send()
        faults = [fault for flow in flows for fault in faults_once(run, flow, "r", ttl=63)]
        assert not faults, "\n".join(faults)
    finally:
        make_svi(lab, "s1")
    lab.wait_state("active", 20, "s1")
    lab.pair.wait_whole()
    lab.lab.resolve()
    assert not (faults := lab.faults_routed_once()), "\n".join(faults)


def test_r28_an_svi_that_is_renamed_is_another_one(lab: Gateways) -> None:
    """The section names a device: it waits for that, and nothing is left on the other."""
    namespace = lab.pair.s1.namespace
    namespace.ip("link set br0.30 down", "link set br0.30 name elsewhere", "link set elsewhere up")
    try:
        lab.wait_state("waiting", 30, "s1")
        wait_for("the device to go", lambda: lab.device(30) not in namespace.run(
            "ip", "link", "show").stdout)
    finally:
        namespace.ip("link set elsewhere down", "link set elsewhere name br0.30",
                     "link set br0.30 up")
        namespace.ip(f"address replace {address(1, 30, 6)}/64 dev br0.30 nodad")
    lab.wait_state("active", 30)
    lab.pair.wait_whole()


def test_r28_it_waits_for_the_vlan_on_the_bridge_itself(lab: Gateways) -> None:
    """Without it the SVI gets nothing, and the device must not answer."""
    lab.pair.s2.namespace.bridge("vlan del dev br0 vid 30 self")
    try:
        lab.wait_state("waiting", 30, "s2")
        assert "no member of the VLAN" in lab.row("s2", 30)["reason"]
    finally:
        lab.pair.s2.namespace.bridge("vlan add dev br0 vid 30 self")
    lab.wait_state("active", 30)
    lab.pair.wait_whole()


def test_r28_it_follows_its_svi_into_a_vrf_and_back(lab: Gateways) -> None:
    """Both SVIs of VLAN 30 move; O2 reaches the gateway there."""
    for member, switch in lab.pair.switches.items():
        number = MEMBERS.index(member) + 1
        switch.namespace.ip("link add red type vrf table 100", "link set red up",
                            "link set br0.30 master red",
                            f"address replace {address(number, 30, 6)}/64 dev br0.30 nodad")
    try:
        for member, switch in lab.pair.switches.items():
            wait_for(f"{member}: the device in the VRF",
                     lambda s=switch: s.namespace.link(lab.device(30)).get("master") == "red")
            wait_for("the row", lambda m=member: lab.row(m, 30).get("vrf") == "red")
        lab.wait_state("active", 30)
        lab.pair.wait_whole()
        o2 = lab.pair.hosts["o2"].namespace
        for version in VERSIONS:
            wait_for("O2 to reach the gateway", lambda v=version: ping(o2, gateway_ip(30, v)), 5,
                     show=lambda: lab.pair.s2.namespace.run("ip", "address").stdout)
    finally:
        for member, switch in lab.pair.switches.items():
            number = MEMBERS.index(member) + 1
            switch.namespace.ip("link set br0.30 nomaster",
                                f"address replace {address(number, 30, 6)}/64 dev br0.30 nodad",
                                "link del red")
    for switch in lab.pair.switches.values():
        wait_for("the device out of the VRF",
                 lambda s=switch: "master" not in s.namespace.link(lab.device(30)))
    lab.wait_state("active", 30)
    lab.pair.wait_whole()


# -- reload ---------------------------------------------------------------------------------------


def left_over(lab: Gateways, member: str, vlan: int, mac: str) -> list[str]:
    """What is left of a gateway that was removed."""
    namespace = lab.pair.switches[member].namespace
    found = [line for line in namespace.run("ip", "-br", "link").stdout.splitlines()
             if line.startswith(lab.device(vlan))]
    found += [f"FDB: {entry}" for entry in lab.local_entries(member, mac)]
    found += [f"{name} = {value}" for name in ("arp_ignore", "arp_announce")
              if (value := sysctl(namespace, f"ipv4/conf/br0.{vlan}/{name}"))]
    return found


def test_r28_removed_without_a_trace_and_added_again(lab: Gateways) -> None:
    """By reload, or while the daemon was not there: device, FDB entry and the SVI's settings."""
    mac = lab.mac(30)
    lab.pair.s2.mlagd.stop()
    for member in MEMBERS:
        assert len(left_over(lab, member, 30, mac)) == 4
        del lab.pair.switches[member].mlagd.config["gateway br0.30"]
    lab.reload("s1")
    lab.pair.s2.mlagd.start()
    for member in MEMBERS:
        wait_for(f"{member}: nothing is left", lambda m=member: not left_over(lab, m, 30, mac), 5,
                 show=lambda m=member: left_over(lab, m, 30, mac))
    lab.wait_state(None, 30)
    lab.configure()
    lab.reload()
    lab.wait_state("active", 30)
    lab.pair.wait_whole()


def test_r28_reload_changes_mac_and_addresses(lab: Gateways) -> None:
    """Hosts hear of the new MAC; the old one is nobody's; routed once by the new one."""
    old, host = lab.mac(20), lab.pair.hosts["o1"]
    assert ping(host.namespace, gateway_ip(20))
    for member in MEMBERS:
        lab.pair.switches[member].mlagd.config["gateway br0.20"] = \
            lab.section(20, ANOTHER_MAC, ["10.0.20.253/24"])
    try:
        with Ear(*host.view()) as ear:
            lab.reload()
            wait_for("the new MAC", lambda: ANOTHER_MAC in {
                answer.mac for answer in ear.heard(gateway_ip(20))})
        lab.wait_state("active", 20)
        lab.pair.wait_whole()
        neighbor = host.namespace.run("ip", "neigh", "show", gateway_ip(20)).stdout
        assert ANOTHER_MAC in neighbor, neighbor
        for member in MEMBERS:
            assert not lab.local_entries(member, old)
            assert "10.0.20.253" in addresses_of(lab, member, 20)
        with lab.lab.traffic() as run:
            flows = [lab.flow(run, name, address(ROUTER, 10, version), by, ANOTHER_MAC)
                     for version in VERSIONS for name, by in ROUTES_FROM]
            run.send()
        faults = [fault for flow in flows for fault in faults_once(run, flow, "r", ttl=63)]
        assert not faults, "\n".join(faults)
    finally:
        lab.configure()
        lab.reload()
    wait_for("the second address to go",
             lambda: "10.0.20.253" not in addresses_of(lab, "s1", 20))
    lab.wait_state("active", 20)
    lab.pair.wait_whole()


def test_r28_members_that_do_not_agree_are_named(lab: Gateways) -> None:
    """Another MAC, another address: gateway-mismatch on both, gone when it is put right."""
    config = lab.pair.s2.mlagd.config
    for wrong in (lab.section(20, ANOTHER_MAC), {"address": prefix(20, 4), "mac": lab.mac(20)}):
        config["gateway br0.20"] = wrong
        lab.reload("s2")
        wait_for("S1 to say so", lambda: "gateway-mismatch" in lab.problems("s1"))
        if wrong["mac"] == ANOTHER_MAC:
            wait_for("S2 to say so", lambda: "gateway-mismatch" in lab.problems("s2"))
    lab.configure()
    lab.reload()
    lab.pair.wait_whole()


def test_r28_a_device_of_somebody_else_is_left_alone(lab: Gateways) -> None:
    """It has the name that the gateway's would have: a conflict, until it is gone."""
    namespace, device = lab.pair.s1.namespace, lab.device(30)
    del lab.pair.s1.mlagd.config["gateway br0.30"]
    lab.reload("s1")
    wait_for("the device to go", lambda: device not in namespace.run("ip", "link").stdout)
    namespace.ip(f"link add {device} link br0.30 type macvlan mode bridge",
                 f"link set {device} up")
    theirs = namespace.link(device)
    lab.configure()
    lab.reload("s1")
    try:
        lab.wait_state("conflict", 30, "s1")
        assert device in lab.row("s1", 30)["reason"]
        assert "gateway-conflict" in lab.problems("s1")
        time.sleep(1.5)  # for a daemon that would not leave it alone
        now = namespace.link(device)
        assert (now["ifindex"], now["address"], now["flags"]) == \
            (theirs["ifindex"], theirs["address"], theirs["flags"])
    finally:
        namespace.ip(f"link del {device}")
    lab.wait_state("active", 30, "s1")
    lab.pair.wait_whole()


def test_r28_an_svi_with_the_shared_address_is_a_conflict(lab: Gateways) -> None:
    """It would answer with its own MAC."""
    lab.pair.s1.namespace.ip(f"address add {gateway_ip(30)}/32 dev br0.30")
    try:
        lab.wait_state("conflict", 30, "s1")
    finally:
        lab.pair.s1.namespace.ip(f"address del {gateway_ip(30)}/32 dev br0.30")
    lab.wait_state("active", 30, "s1")


# -- redirects --------------------------------------------------------------------------------------


def redirects(lab: Gateways) -> dict[int, int]:
    """O1 sends by S1's own MAC to what is behind H in the same VLAN: redirects by version."""
    h, namespace = lab.pair.hosts["h"], lab.pair.s1.namespace
    namespace.ip(*(f"route replace {REDIRECTED_NET[version]} via {hop} dev br0.20" for version, hop
                   in ((4, lab.lab.host_ip(h)), (6, link_local(h.mac)))))
    try:
        with lab.lab.traffic() as run:
            flows = {version: lab.flow(run, "o1", REDIRECTED[version], "s1", lab.lab.macs["s1"],
                                       rate=40, count=40) for version in VERSIONS}
            shared = [lab.flow(run, "o1", REDIRECTED[version], "s1", rate=20, count=20)
                      for version in VERSIONS]
            run.send()
    finally:
        namespace.ip(*(f"route del {net}" for net in REDIRECTED_NET.values()))
    for flow in [*flows.values(), *shared]:
        assert run.result(flow, "h").missing == 0, str(run.result(flow, "h"))
    frames = [frame.data for frame in run.rings[lab.pair.hosts["o1"].port].frames]
    return {version: sum(is_redirect(data, version) for data in frames) for version in VERSIONS}


def is_redirect(data: bytes, version: int) -> bool:
    """By the headers alone: what an IPv6 one quotes is beyond what the ring keeps."""
    if version == 4:
        return data[12:14] == b"\x08\x00" and data[23] == 1 and data[34] == 5
    return data[12:14] == b"\x86\xdd" and data[20] == 58 and data[54] == 137


def test_r27_no_redirect_leaves_an_svi(lab: Gateways) -> None:
    """Where one router would tell the sender of a better next hop, the pair says nothing."""
    before = lab.pair.s1.mlagd.counter("redirect", "br0")
    assert redirects(lab) == {4: 0, 6: 0}
    assert lab.pair.s1.mlagd.counter("redirect", "br0") > before
    assert not [row for row in lab.pair.s1.mlagd.query("counters")
                if row["reason"] == "redirect" and not (row["expected"] and row["rule"] == "R27")]


def test_r27_settings_are_off_and_come_back_off(lab: Gateways) -> None:
    """Of every SVI and gateway and conf/all; a person's own turn of the knob does not last."""
    namespace = lab.pair.s1.namespace
    paths = [f"ipv4/conf/{name}/send_redirects" for name in
             ("all", "br0.10", "br0.20", "br0.30", lab.device(20))]
    assert {path: sysctl(namespace, path) for path in paths} == {path: 0 for path in paths}
    assert all(lab.row("s1", vlan)["redirects_off"] for vlan in VLANS)
    namespace.sysctl(**{"ipv4/conf/br0.20/send_redirects": 1})
    assert not lab.row("s1", 20)["redirects_off"]
    assert "redirects-on" in lab.problems("s1")
    wait_for("it to be off again", lambda: lab.row("s1", 20)["redirects_off"], 20, 0.2)


def test_r27_a_filter_that_was_removed_is_put_back(lab: Gateways) -> None:
    """On the bridge device itself."""
    namespace = lab.pair.s1.namespace
    namespace.run("tc", "filter", "del", "dev", "br0", "egress")
    wait_for("our filter", lambda: "svi_egress" in namespace.run(
        "tc", "filter", "show", "dev", "br0", "egress").stdout, 5)


def test_this_suite_can_fail_redirects_come_with_r27_off(lab: Gateways) -> None:
    """The daemon stopped, its filter and settings taken away: O1 hears of H."""
    namespace = lab.pair.s1.namespace
    lab.pair.s1.mlagd.stop()
    namespace.run("tc", "filter", "del", "dev", "br0", "egress")
    namespace.sysctl(**{"ipv4/conf/all/send_redirects": 1, "ipv4/conf/br0.20/send_redirects": 1})
    try:
        found = redirects(lab)
        print(f"redirects by IP version: {found}")
        assert found[4] and found[6]
    finally:
        lab.pair.s1.mlagd.start()
        lab.pair.wait_whole()
    assert redirects(lab) == {4: 0, 6: 0}


def test_this_suite_can_fail_without_the_fdb_entry_all_is_routed_twice(lab: Gateways) -> None:
    """The daemons stopped, the local entries gone: each member routes each packet."""
    for switch in lab.pair.switches.values():
        switch.mlagd.stop()
        switch.namespace.bridge(f"fdb del {lab.mac(20)} dev br0 self vlan 20")
    try:
        with lab.lab.traffic() as run:
            flows = [lab.flow(run, name, address(ROUTER, 10), by) for name, by in ROUTES_FROM]
            run.send()
        results = [run.result(flow, "r") for flow in flows]
        print("\n".join(str(result) for result in results))
        assert all(result.duplicates for result in results)
    finally:
        for switch in lab.pair.switches.values():
            switch.mlagd.start()
        lab.pair.wait_whole()
    lab.wait_active()
    assert not (faults := lab.faults_routed_once()), "\n".join(faults)


# -- death: the last, for the member does not come back ---------------------------------------------


def test_r28_a_member_dies_and_the_other_goes_on(lab: Gateways) -> None:
    """H sends as its bond says; what was on its way into the dead leg is lost, no more."""
    switch, h = lab.pair.s1, lab.pair.hosts["h"]
    entries = {f"into-{name}": [Port(member.namespace, h.switch_lag())]
               for name, member in lab.pair.switches.items()}
    with RoutedTraffic.of(lab.pair, 1 << 14, **entries) as run:
        flows = [lab.flow(run, "h", address(ROUTER, 10), None, source=f"10.0.20.{100 + number}",
                          rate=200, count=500) for number in range(8)]
        stays = lab.flow(run, "h", address(ROUTER, 10), "s2", rate=200, count=500)
        run.start()
        run.wait_sent(flows[0], 100)
        assert switch.mlagd.process is not None
        switch.mlagd.process.send_signal(signal.SIGKILL)
        for ifname in [*(host.switch_link() for host in lab.pair.hosts.values()
                         if "s1" in host.members), *lab.pair.between()]:
            switch.namespace.set_up(ifname, False)
        run.finish()
    moved = [flow for flow in flows if run.result(flow, "into-s1").unique]
    results = [run.result(flow, "r") for flow in [*flows, stays]]
    print(f"\n{len(moved)} of {len(flows)} flows used the leg to S1; lost: "
          + ", ".join(f"{run.result(flow, 'r').lost_ms:.0f} ms" for flow in moved))
    assert 0 < len(moved) < len(flows)
    assert not [str(result) for result in results if result.duplicates]
    assert not [str(result) for flow, result in zip([*flows, stays], results)
                if flow not in moved and result.missing]
    assert max(result.lost_ms for result in results) < DEATH_LOST_MS_MAX
    with pytest.raises(LabError):
        switch.mlagd.query("status")
