# SPDX-License-Identifier: BSD-2-Clause
"""Change at run time, at random: devices, VLANs, addresses, configuration, cables, daemons.

`make check` has time for 20 operations, always the same; `make check-long` for 200, and says with
which MLAB_SEED they are repeated.
"""

import os
import random
import signal
import time
from typing import Callable, Iterator

import pytest

from mlab import LabError, Pair, churn, suites, wait_for
from mlab.daemon import MLAGD
from mlab.topology import Switch

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device", "macvlan"]
VLAN = 10
OPERATIONS = 200 if os.environ.get("MLAB_LONG") else 20
SEED = random.SystemRandom().randrange(1 << 31) if os.environ.get("MLAB_LONG") else 2
ROUND = 20
RSS_GROWTH_KIB = 8192


def LAYOUT(pair: Pair) -> None:
    """Two dual-attached hosts and an orphan on each member."""
    pair.host("a", lag_id=1, access=VLAN)
    pair.host("b", lag_id=2, access=VLAN)
    pair.orphan("o1", on="s1", access=VLAN)
    pair.orphan("o2", on="s2", access=VLAN)


@pytest.fixture(name="churned", scope="module")
def churned_fixture(layout: Pair) -> Iterator[Pair]:
    """The pair with an SVI on each member."""
    for number, switch in enumerate(layout.switches.values(), 1):
        switch.namespace.ip(f"link add link br0 name vlan{VLAN} type vlan id {VLAN}",
                            f"link set vlan{VLAN} up",
                            f"address add 10.0.{VLAN}.{number}/24 dev vlan{VLAN}")
        switch.namespace.bridge(f"vlan add dev br0 vid {VLAN} self")
    os.environ["JOURNAL_STREAM"] = "0:0"
    layout.start()
    layout.wait_known(vlan=VLAN)
    yield layout
    os.environ.pop("JOURNAL_STREAM")


def place(pair: Pair, switch: Switch, name: str) -> str:
    """Where a host is, for a member."""
    host = pair.hosts[name]
    if host.is_dual or switch.name in host.members:
        return host.switch_lag()
    return "peerlink"


def check_macs(pair: Pair) -> None:
    """`macs` and the kernel agree on where everybody is, on both members."""
    def faults() -> list[str]:
        wrong = []
        for switch in pair.switches.values():
            rows = {row["mac"]: row["ifname"] for row in switch.mlagd.query("macs")
                    if row["vlan"] == VLAN}
            kernel = {row["mac"]: row["ifname"] for row in switch.fdb() if row.get("vlan") == VLAN}
            for host in pair.hosts.values():
                wanted = place(pair, switch, host.name)
                if rows.get(host.mac) != wanted or kernel.get(host.mac) != wanted:
                    wrong.append(f"{switch.name}: {host.name} at {rows.get(host.mac)}, in the "
                                 f"kernel at {kernel.get(host.mac)}, not {wanted}")
        return wrong

    wait_for("every MAC in its place", lambda: not faults(), 10, show=faults)


def check_reach(pair: Pair) -> None:
    """Everybody reaches everybody, once."""
    suites.check_floods(pair, VLAN, suites.BROADCAST, rate=60, count=15)
    with pair.traffic() as run:
        sent = suites.unicasts(pair, run, VLAN, 40, 8)
        run.send()
    faults = suites.unicast_faults(pair, run, sent)
    assert not faults, "\n".join(faults)


def errors(pair: Pair, since: dict[str, int]) -> list[str]:
    """Lines of the logs with the priority of an error, which the daemon writes for a journal."""
    return [f"{switch.name}: {line}" for switch in pair.switches.values()
            for line in switch.mlagd.log()[since[switch.name]:].splitlines()
            if line.startswith("<3>")]


def test_a_second_daemon_is_refused_and_told_who_holds_it(churned: Pair) -> None:
    """By its pid; the first one goes on."""
    daemon = churned.s1.mlagd
    assert daemon.process is not None
    done = churned.s1.namespace.run(MLAGD, "-c", daemon.config_path, "--run-dir", daemon.run_dir,
                                    check=False)
    assert done.returncode == 4
    assert f"pid {daemon.process.pid}" in done.stderr
    assert daemon.query("status")["verdict"] == "peered"


@pytest.mark.parametrize("wrong, remedy", [
    (("domain", "system-mac", "44:38:39:ff:00:99"), "put back 44:38:39:ff:00:01"),
    (("peer", "link", "o1"), "put back peerlink"),
    (("domain", "bridge", "lo"), "put back br0"),
    (("peer", "dead-multiplier", "99"), "allowed: a number from 2 to 20"),
], ids=lambda value: value if isinstance(value, str) else value[1])
def test_a_wrong_file_changes_nothing_and_is_named(churned: Pair, wrong: tuple[str, str, str],
                                                   remedy: str) -> None:
    """By file, line, key and remedy, to who asked and for SIGHUP in the log."""
    daemon = churned.s1.mlagd
    section, key, value = wrong
    before = dict(daemon.config[section])
    rows = daemon.query("lags")
    changed = {key: value, "priority": "7"} if section == "domain" else {key: value}
    daemon.config[section] = before | changed
    try:
        daemon.write_config()
        with open(daemon.config_path, encoding="utf-8") as file:
            line = next(number for number, text in enumerate(file, 1)
                        if text.startswith(f"{key} ="))
        done = daemon.ctl("reload")
        assert done.returncode == 4
        named = f"{daemon.config_path}:{line}: [{section}] {key}: "
        assert named in done.stderr and remedy in done.stderr, done.stderr
        assert daemon.process is not None
        count = daemon.log().count(named)
        daemon.process.send_signal(signal.SIGHUP)
        wait_for("the line in the log", lambda: daemon.log().count(named) > count, 5)
        assert daemon.query("lags") == rows
        assert daemon.query("status")["role"] == "primary"
    finally:
        daemon.config[section] = before
    daemon.write_config()
    assert "nothing differs" in daemon.ctl("reload", check=True).stdout


def test_random_changes_leave_a_whole_pair_and_nothing_else(churned: Pair,
                                                            tell: Callable[[str], None]) -> None:
    """After each round: whole, MACs right, everybody reached once, nothing leaked, no error."""
    seed = int(os.environ.get("MLAB_SEED") or SEED)
    tell(f"MLAB_SEED={seed}, {OPERATIONS} operations")
    mix = churn.Churn(churned, VLAN, seed)
    before = churn.leftovers(churned)
    memory = {name: churn.rss_kib(switch) for name, switch in churned.switches.items()}
    logged = {name: len(switch.mlagd.log()) for name, switch in churned.switches.items()}
    began = time.monotonic()
    try:
        for number in range(1, OPERATIONS + 1):
            mix.step()
            time.sleep(mix.random.choice([0, 0, 0.05, 0.3]))
            if number % ROUND != 0:
                continue
            mix.settle()
            churned.wait_whole(60)
            churned.wait_known(vlan=VLAN)
            check_macs(churned)
            check_reach(churned)
            wait_for("nothing left over", lambda: churn.leftovers(churned) == before, 15,
                     show=lambda: "\n".join([str(before), str(churn.leftovers(churned)),
                                             *churn.filters(churned)]))
            for name, switch in churned.switches.items():
                assert churn.rss_kib(switch) <= memory[name] + RSS_GROWTH_KIB
            assert not errors(churned, logged), "\n".join(errors(churned, logged))
            tell(f"{number} operations, {time.monotonic() - began:.0f} s")
    except (LabError, AssertionError):
        tell("\n    ".join([f"MLAB_SEED={seed} failed after", *mix.history]))
        raise
