# SPDX-License-Identifier: BSD-2-Clause
"""The contract of DESIGN §6: commands, keys, exit codes, configuration errors, missing devices."""

import os
import re
import signal
from pathlib import Path

import pytest

from mlab import Pair, netns, wait_for
from mlab.daemon import MLAGCTL, MLAGD, Daemon

NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]

STATUS_KEYS = {"version", "domain", "role", "verdict", "since", "health", "problems", "peer",
               "peer_link", "sync"}
LAG_KEYS = {"ifname", "id", "local_up", "peer_up", "isolated", "state", "held_reason",
            "partner_mac"}
GOOD = """[domain]
system-mac = 44:38:39:ff:00:01
id = 1
bridge = br0
[peer]
link = peerlink
local = 169.254.1.1
remote = 169.254.1.2
security = none
[lag bond1]
id = 1
"""


def LAYOUT(pair: Pair) -> None:
    """One dual host and an orphan are enough."""
    pair.host("a", lag_id=1, access=10)
    pair.orphan("o1", on="s1", access=10)


def test_status_of_a_whole_pair(pair: Pair) -> None:
    """Every key, healthy, exit 0 on both; one primary, the lower priority."""
    roles = []
    for switch in pair.switches.values():
        done = switch.mlagd.ctl("status")
        assert done.returncode == 0, done.stdout + done.stderr
        status = switch.mlagd.query("status")
        assert STATUS_KEYS <= set(status)
        assert (status["verdict"], status["health"], status["problems"]) == ("peered", "ok", [])
        assert status["peer"]["session"] == "up"
        assert status["peer"]["paths"]["peer_link"] == "alive"
        assert set(status["peer"]["paths"]) == {"peer_link", "backup"}
        assert re.fullmatch(r"[0-9a-f:]{17}", status["peer"]["member_id"])
        assert status["peer_link"] == {"ifname": "peerlink", "carrier": True, "usable": True}
        assert {"local", "remote", "match"} <= set(status["sync"]["macs"])
        roles.append(status["role"])
    assert roles == ["primary", "secondary"]


def test_lags_of_a_whole_pair(pair: Pair) -> None:
    """One row, dual and isolated; the partner is the same on both."""
    rows = [switch.mlagd.query("lags") for switch in pair.switches.values()]
    for row, in rows:
        assert LAG_KEYS <= set(row)
        assert (row["ifname"], row["id"], row["state"]) == ("bond1", 1, "dual")
        assert row["local_up"] is row["peer_up"] is row["isolated"] is True
        assert row["held_reason"] is None
    assert rows[0][0]["partner_mac"] == rows[1][0]["partner_mac"] == pair.hosts["a"].mac


def test_counters_rows(pair: Pair) -> None:
    """Every row has the documented keys and types."""
    for row in pair.s1.mlagd.query("counters"):
        assert isinstance(row["ifname"], str) and isinstance(row["reason"], str)
        assert re.fullmatch(r"(R\d+)?", row["rule"] or "")
        assert isinstance(row["packets"], int) and isinstance(row["bytes"], int)
        assert isinstance(row["expected"], bool)


@pytest.mark.parametrize("command", ["status", "lags", "macs", "counters", "addresses"])
def test_text_and_help_of_each_command(pair: Pair, command: str) -> None:
    """Text for people, and --help without a daemon."""
    done = pair.s1.mlagd.ctl(command)
    assert done.returncode == 0, done.stderr
    assert command == "counters" or done.stdout.strip()
    shown = netns.run([MLAGCTL, command, "--help"])
    assert command in shown.stdout


def test_exit_code_2_without_a_daemon(tmp_path: Path) -> None:
    """And a message that names the socket."""
    done = netns.run([MLAGCTL, "-S", str(tmp_path / "none.sock"), "status"], check=False)
    assert done.returncode == 2
    assert "none.sock" in done.stderr


@pytest.mark.parametrize("argv", [["nonsense"], ["status", "--nonsense"], ["--nonsense"], []])
def test_exit_code_3_for_wrong_usage(argv: list[str]) -> None:
    """Whatever is not a command or an option."""
    done = netns.run([MLAGCTL, *argv], check=False)
    assert done.returncode == 3 and done.stderr.strip()


def test_second_daemon_is_refused_and_told_who_holds_the_directory(pair: Pair) -> None:
    """The first one goes on."""
    daemon = pair.s1.mlagd
    assert daemon.process is not None
    done = pair.s1.namespace.run(MLAGD, "-c", daemon.config_path, "--run-dir", daemon.run_dir,
                                 check=False)
    assert done.returncode != 0
    assert str(daemon.process.pid) in done.stderr, done.stderr
    assert daemon.query("status")["verdict"] == "peered"


def test_stale_socket_of_a_killed_daemon_is_replaced(pair: Pair) -> None:
    """SIGKILL leaves socket and lock file; the next start takes both over and the pair heals."""
    pair.s2.mlagd.stop(signal.SIGKILL)
    assert os.path.exists(os.path.join(pair.s2.mlagd.run_dir, "control.sock"))
    assert pair.s2.mlagd.ctl("status").returncode == 2
    pair.s2.mlagd.start()
    pair.wait_whole()


def test_status_exits_1_and_says_why_while_the_peer_link_is_cut(pair: Pair) -> None:
    """Degraded with a reason, then healthy again without a hand."""
    pair.s1.namespace.set_up("peerlink", False)
    try:
        status = pair.s2.mlagd.wait_status(health="degraded")
        assert status["problems"] and all(problem["code"] and problem["text"]
                                          for problem in status["problems"])
        assert status["peer_link"]["usable"] is False
        assert pair.s2.mlagd.ctl("status").returncode == 1
    finally:
        pair.s1.namespace.set_up("peerlink", True)
    pair.wait_whole(60)


def test_missing_devices_are_waited_for_and_named(pair: Pair) -> None:
    """A LAG and a bridge that do not exist yet: named in status, taken when they come."""
    namespace = netns.Namespace("late")
    directory = os.path.join(pair.directory, "late")
    os.makedirs(directory, exist_ok=True)
    config = pair.config("s1")
    config["lag bond7"] = {"id": "7"}
    daemon = Daemon(namespace, directory, config)

    def is_missing(device: str) -> bool:
        return any(problem["code"] == "device-missing" and device in problem["text"]
                   for problem in daemon.query("status")["problems"])

    def wait_missing(device: str, wanted: bool) -> None:
        wait_for(f"{device} to be {'named' if wanted else 'taken'}",
                 lambda: is_missing(device) == wanted, 10, show=lambda: daemon.query("status"))

    try:
        namespace.ip("link set lo up")
        daemon.start()
        for device in ("br0", "peerlink", "bond1", "bond7"):
            wait_missing(device, True)
        namespace.ip("link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0",
                     "link add peerlink type veth peer name other", "link set peerlink master br0",
                     "link add bond7 type bond mode 802.3ad", "link set bond7 master br0",
                     "link set br0 up", "link set peerlink up", "link set bond7 up")
        for device in ("br0", "peerlink", "bond7"):
            wait_missing(device, False)
        wait_missing("bond1", True)
    finally:
        daemon.stop(signal.SIGKILL)
        namespace.remove()


def checked(tmp_path: Path, text: str) -> tuple[int, list[str], str]:
    """Exit code and stderr lines of --check."""
    path = tmp_path / "try.conf"
    path.write_text(text, encoding="utf-8")
    done = netns.run([MLAGD, "--check", "-c", str(path)], check=False)
    return done.returncode, done.stderr.splitlines(), str(path)


def test_check_accepts_a_good_file_with_devices_that_do_not_exist(tmp_path: Path) -> None:
    """A missing device is a warning, exit 0."""
    code, lines, _ = checked(tmp_path, GOOD)
    assert code == 0, lines
    assert any("peerlink" in line for line in lines)


WRONG = {
    "unknown key": ("id = 1\nbridge", "id = 1\ncolour = blue\nbridge", 4, "domain", "colour"),
    "multicast system-mac": ("44:38:39:ff:00:01", "01:38:39:ff:00:01", 2, "domain", "system-mac"),
    "domain id out of range": ("id = 1\nbridge", "id = 65536\nbridge", 3, "domain", "id"),
    "domain id not a number": ("id = 1\nbridge", "id = one\nbridge", 3, "domain", "id"),
    "interval too short": ("security = none", "security = none\nhello-interval = 10ms", 10, "peer",
                           "hello-interval"),
    "duration without a unit": ("security = none", "security = none\nrestart-hold = 3", 10, "peer",
                                "restart-hold"),
    "same address on both sides": ("remote = 169.254.1.2", "remote = 169.254.1.1", 8, "peer",
                                   "remote"),
    "not an address": ("remote = 169.254.1.2", "remote = 169.254.1.300", 8, "peer", "remote"),
    "psk without its key": ("security = none", "security = psk\nkey-file = /no/key", 10, "peer",
                            "key-file"),
    "psk is the default": ("security = none", "key-file = /no/key", 9, "peer", "key-file"),
    "lag id zero": ("[lag bond1]\nid = 1", "[lag bond1]\nid = 0", 11, "lag bond1", "id"),
    "duplicate lag id": ("[lag bond1]\nid = 1", "[lag bond1]\nid = 1\n[lag bond2]\nid = 1", 13,
                         "lag bond2", "id"),
    "key given twice": ("id = 1\nbridge", "id = 1\nid = 2\nbridge", 4, "domain", "id"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_check_names_file_line_section_and_key(tmp_path: Path, case: str) -> None:
    """FILE:LINE: [section] key: what is wrong."""
    old, new, line, section, key = WRONG[case]
    assert old in GOOD
    code, lines, path = checked(tmp_path, GOOD.replace(old, new, 1))
    assert code == 1
    assert any(text.startswith(f"{path}:{line}: [{section}] {key}: ") for text in lines), lines


def test_check_reports_every_error_on_its_own_line(tmp_path: Path) -> None:
    """Three mistakes, three lines; a missing mandatory key is named too."""
    text = GOOD.replace("id = 1\nbridge = br0", "id = 0\nbroom = br0").replace(
        "security = none", "security = maybe")
    code, lines, path = checked(tmp_path, text)
    errors = [line for line in lines if line.startswith(path)]
    assert code == 1
    assert any(f"{path}:3: [domain] id: " in line for line in errors), lines
    assert any(f"{path}:4: [domain] broom: " in line for line in errors), lines
    assert any(f"{path}:9: [peer] security: " in line for line in errors), lines
    assert any("bridge" in line and "[domain]" in line for line in errors), lines
    assert len(errors) == len(set(errors))


def test_daemon_does_not_start_on_a_wrong_file(tmp_path: Path) -> None:
    """The same errors, exit not 0, no socket."""
    path = tmp_path / "wrong.conf"
    path.write_text(GOOD.replace("id = 1\nbridge", "id = 0\nbridge"), encoding="utf-8")
    done = netns.run([MLAGD, "-c", str(path), "--run-dir", str(tmp_path)], check=False, timeout=10)
    assert done.returncode != 0
    assert f"{path}:3: [domain] id: " in done.stderr
    assert not (tmp_path / "control.sock").exists()
