#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rest of the world for a machine that boots (mlab/machine.py), as a service of that machine.

    this machine is S1: swp1, swp2, peerlink and bk0 are its ports, bare as a driver leaves them
    s2   the other member, complete: bridge, mlagd, FRR's OSPF
    r    a router behind LAG 1: a bond over leg-a, leg-b (to S1) and leg-s2; OSPF with both members
    o2   an orphan of S2 in VLAN 20, which the members route to

or, for a machine with several domains, what mlab/domains.py lays out.

It captures at r and o2, on the peer link and on the backup path, follows the journal and S1's links into files, and
answers what the test asks over the serial line.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from typing import Any

LAB = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, LAB)

from mlab import domains  # noqa: E402  pylint: disable=wrong-import-position
from mlab.daemon import Daemon  # noqa: E402  pylint: disable=wrong-import-position
from mlab.frr import Frr  # noqa: E402  pylint: disable=wrong-import-position
from mlab.netns import Namespace, run  # noqa: E402  pylint: disable=wrong-import-position

MAGIC = b"bootlab:"
PORT = 7007
ROUTER, ORPHAN = "10.0.10.3", "10.0.20.22"
BACK = 100  # the first flow of those in the other direction
FLOWS = 16
RATE = 25  # packets a second, each flow
OSPF = """interface {ifname}
 ip ospf area 0
 ip ospf hello-interval 1
 ip ospf dead-interval 20
 ip ospf network broadcast
 ip ospf cost 10
"""
WIRES = [  # at S1, at the other end, whose
    ("swp1", "leg-a", "r"), ("swp2", "leg-b", "r"), ("peerlink", "peerlink", "s2"),
    ("bk0", "bk0", "s2")]


def wires(ports: list[str], spaces: dict[str, Namespace]) -> None:
    """Cables between S1 and the others; devices have MACs of their own, as cards do."""
    for number, (here, there, whose) in enumerate(WIRES, 1):
        if here in ports:
            run(["ip", "link", "add", here, "address", f"02:00:00:00:51:{number:02x}", "type",
                 "veth", "peer", "name", there, "netns", spaces[whose].full_name])
    spaces["s2"].ip(f"link add r-leg type veth peer name leg-s2 netns {spaces['r'].full_name}",
                    f"link add o2 type veth peer name eth0 netns {spaces['o2'].full_name}")


def lay_out_router(space: Namespace) -> None:
    """A host with one bond, and IP in VLAN 10."""
    space.sysctl(ipv4__fib_multipath_hash_policy=1, ipv4__ip_forward=1)
    space.ip("link set lo up",
             "link add bond0 type bond mode 802.3ad lacp_rate fast miimon 10 "
             "xmit_hash_policy layer3+4 all_slaves_active 1")
    for leg in ("leg-a", "leg-b", "leg-s2"):
        space.ip(f"link set {leg} down", f"link set {leg} master bond0")
    space.ip("link set bond0 up", "address add 10.0.10.3/24 dev bond0")


def lay_out_member(space: Namespace) -> None:
    """S2, by hand: what the machine's own configuration does at S1."""
    space.sysctl(ipv4__ip_forward=1, ipv4__conf__all__rp_filter=0)
    space.ip("link set lo up",
             "link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0 stp_state 0 "
             "mcast_snooping 0", "link set br0 up",
             "link add bond1 type bond mode 802.3ad lacp_rate fast miimon 10 ad_user_port_key 1",
             "link set r-leg down", "link set r-leg master bond1", "link set bond1 master br0",
             "link set peerlink master br0", "link set o2 master br0")
    space.bridge("vlan add dev bond1 vid 10 pvid untagged", "vlan add dev o2 vid 20 pvid untagged",
                 "vlan add dev peerlink vid 10", "vlan add dev peerlink vid 20",
                 "vlan add dev peerlink vid 4094", "vlan add dev br0 vid 10 self",
                 "vlan add dev br0 vid 20 self", "vlan add dev br0 vid 4094 self")
    for vlan, address in ((10, "10.0.10.2/24"), (20, "10.0.20.2/24"), (4094, "169.254.1.2/30")):
        space.ip(f"link add link br0 name vlan{vlan} type vlan id {vlan}",
                 f"address add {address} dev vlan{vlan}", f"link set vlan{vlan} up")
    space.ip("address add 192.0.2.12/24 dev bk0", "link set bk0 up", "link set peerlink up",
             "link set o2 up", "link set bond1 up")


def route(spaces: dict[str, Namespace], directory: str) -> dict[str, Frr]:
    """OSPF at the router and at S2."""
    frrs = {name: Frr(spaces[name], directory) for name in ("r", "s2")}
    for name, ifname in (("r", "bond0"), ("s2", "vlan10")):
        text = OSPF.format(ifname=ifname) + f"router ospf\n ospf router-id {3 if name == 'r' else 2}.0.0.0\n"
        if name == "s2":
            text += "interface vlan20\n ip ospf area 0\n ip ospf passive\n ip ospf cost 10\n"
        frrs[name].start("zebra")
        frrs[name].start("ospfd", text)
    return frrs


class Sender(threading.Thread):
    """Numbered packets from an address to another, in flows that hash differently."""

    def __init__(self, space: Namespace, source: str, destination: str, first: int = 0) -> None:
        super().__init__(daemon=True)
        self.destination = destination
        self.sockets: dict[int, socket.socket] = {}
        for number in range(first, first + FLOWS):
            self.sockets[number] = space.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sockets[number].bind((source, 20_000 + number))

    def run(self) -> None:
        """For ever: until the machine is off."""
        due = time.monotonic()
        count = 0
        while True:
            for number, sock in self.sockets.items():
                try:
                    sock.sendto(MAGIC + struct.pack(">HI", number, count), (self.destination, PORT))
                except OSError:
                    pass  # no route for a moment: it was not sent, so nobody captures it here
            count += 1
            due = max(due + 1 / RATE, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


class World:
    """All that is not S1."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        with open(os.path.join(directory, "world.json"), encoding="utf-8") as file:
            self.wish = json.load(file)
        os.makedirs("/run/lab", exist_ok=True)
        self.senders: list[Sender] = []
        self.spaces: dict[str, Namespace] = {}
        self.domains: dict[str, domains.Domain] = {}
        self._logs = []
        self._follow(["journalctl", "-f", "-n", "all", "-o", "json", "-b"], "journal")
        self._follow(["ip", "-ts", "-o", "monitor", "link"], "links")
        if self.wish.get("domains"):
            self._lay_out_domains()
        else:
            self._lay_out()

    def _lay_out(self) -> None:
        self.spaces = {name: Namespace(name) for name in ("s2", "r", "o2")}
        wires(self.wish["ports"], self.spaces)
        lay_out_router(self.spaces["r"])
        lay_out_member(self.spaces["s2"])
        self.spaces["o2"].ip("link set lo up", f"address add {ORPHAN}/24 dev eth0",
                             "link set eth0 up", "route add default via 10.0.20.2")
        for name, ifname in (("r", "leg-a"), ("r", "leg-b"), ("r", "bond0"), ("s2", "peerlink"),
                             ("s2", "bk0"), ("o2", "eth0")):
            self._capture(self.spaces[name], name, ifname)
        self.daemon = Daemon(self.spaces["s2"], "/run/lab", self.wish["config"])
        self.daemon.start()
        self.frrs = route(self.spaces, "/run/lab")

    def _lay_out_domains(self) -> None:
        for name in self.wish["domains"]:
            domain = domains.Domain(name, "/run/lab", self.wish["restart_hold_s"])
            self.domains[name] = domain
            self._capture(domain.host, f"h-{name}", "bond0")
            self._capture(domain.orphan, f"o-{name}", "eth0")

    def _follow(self, argv: list[str], name: str) -> None:
        file = open(os.path.join(self.directory, name), "ab")  # pylint: disable=consider-using-with
        self._logs.append(subprocess.Popen(argv, stdout=file, stderr=subprocess.DEVNULL))

    def _capture(self, space: Namespace, name: str, ifname: str) -> None:
        path = os.path.join(self.directory, f"{name}-{ifname}.pcap")
        process = space.popen(
            ["tcpdump", "-Z", "root", "-U", "-n", "-s", "96", "-i", ifname, "-w", path],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stderr is not None
        while True:  # says so when it listens
            line = process.stderr.readline()
            if not line or b"listening on" in line:
                break
        self._logs.append(process)

    def do_s2(self, argv: list[str], of: str | None = None) -> Any:
        """What S2's mlagctl says, or that of a domain's other member."""
        return (self.domains[of].daemon if of else self.daemon).query(*argv)

    def do_routes(self, of: str) -> Any:
        """The next hops that a kernel has towards VLAN 20."""
        rows = self.spaces[of].json("ip", "-j", "route", "show", "10.0.20.0/24")
        return [hop["gateway"] for row in rows for hop in row.get("nexthops", [row])
                if "gateway" in hop]

    def do_bond(self) -> Any:
        """Which legs of the router's bond are in use."""
        rows = self.spaces["r"].json("ip", "-d", "-j", "link", "show", "master", "bond0")
        return [row["ifname"] for row in rows
                if "LOWER_UP" in row["flags"]  # the states of a port without carrier are old ones
                and row["linkinfo"]["info_slave_data"].get("ad_actor_oper_port_state", 0) & 0x30 == 0x30
                and row["linkinfo"]["info_slave_data"].get("ad_partner_oper_port_state", 0) & 0x10]

    def do_send(self) -> Any:
        """Begin to send, both ways, unless that was done."""
        if self.senders:
            return
        if self.domains:
            for domain in self.domains.values():
                host, orphan = domain.addresses
                self.senders += [Sender(domain.host, host, orphan),
                                 Sender(domain.orphan, orphan, host, BACK)]
        else:
            self.senders = [Sender(self.spaces["r"], ROUTER, ORPHAN),
                            Sender(self.spaces["o2"], ORPHAN, ROUTER, BACK)]
        for sender in self.senders:
            sender.start()


def answer(world: World, question: dict[str, Any]) -> dict[str, Any]:
    """One question of the test's."""
    if "hello" in question:
        done = subprocess.run(["systemctl", "is-system-running", "--wait"], check=False,
                              capture_output=True, text=True)
        return {"text": done.stdout}
    if "run" in question:
        try:
            done = subprocess.run(question["run"], shell=True, check=False, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=question["timeout"])
        except subprocess.TimeoutExpired:
            return {"code": 124, "text": "not done in time"}
        return {"code": done.returncode, "text": done.stdout[-60_000:]}
    name = question["world"].pop("do")
    try:
        return {"result": getattr(world, f"do_{name}")(**question["world"])}
    except Exception as error:  # pylint: disable=broad-except
        return {"error": f"{name}: {error}"}


def ready(path: str) -> None:
    """Tell systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + path[1:] if path[0] == "@" else path)
        sock.sendall(b"READY=1")


def main() -> None:
    """Lay out, say so, and answer for ever."""
    notify = os.environ.pop("NOTIFY_SOCKET")  # or each mlagd of ours says that we are ready
    world = World(sys.argv[1])
    line = os.open("/dev/ttyS0", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line, termios.TCSANOW)
    ready(notify)
    with os.fdopen(line, "r+b", buffering=0) as stream:
        buffer = b""
        while True:
            buffer += stream.read(4096) or b""
            while b"\n" in buffer:
                text, buffer = buffer.split(b"\n", 1)
                try:
                    question = json.loads(text)
                except ValueError:
                    continue
                reply = {**answer(world, question), "answers": question["number"]}
                data = b"\n" + json.dumps(reply).encode() + b"\n"
                while data:
                    data = data[stream.write(data):]


if __name__ == "__main__":
    main()
