# SPDX-License-Identifier: BSD-2-Clause
"""The session with a key: who lacks it is refused, counted and named, and the session does not feel it.

Plain bridges are enough. S1 has the lower address, so it connects and S2 listens.
"""

import hashlib
import hmac
import os
import signal
import socket
import subprocess
import time
from typing import Any, Iterator

import pytest

from mlab import BROADCAST, Pair, wait_for
from mlab import hostile as h
from mlab.daemon import MLAGCTL
from mlab.netns import run

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_key": True}


def LAYOUT(pair: Pair) -> None:
    """A static LAG, and an orphan on each."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.orphan("o1", on="s1")
    pair.orphan("o2", on="s2")


@pytest.fixture(autouse=True)
def whole_again(pair: Pair) -> Iterator[None]:
    """Each test begins whole, with the key of the pair on both, and leaves it so."""
    pair.wait_whole()
    yield
    for switch in (pair.s1, pair.s2):
        switch.mlagd.config["peer"] |= {"security": "psk", "key-file": pair.key_file()}
        switch.mlagd.write_config()
        switch.mlagd.ctl("reload")
    pair.wait_whole()


def security(pair: Pair, member: str = "s2") -> dict[str, Any]:
    """What a member says of it."""
    return pair.switches[member].mlagd.query("status")["peer"]["security"]


def codes(pair: Pair, member: str) -> set[str]:
    """The problems of a member."""
    return {problem["code"] for problem in pair.switches[member].mlagd.query("status")["problems"]}


def lost_sessions(pair: Pair) -> tuple[int, int]:
    """Sessions that were lost, on each."""
    return tuple(switch.mlagd.query("status")["peer"]["closes"].get("transport", 0)
                 for switch in (pair.s1, pair.s2))


def set_peer(pair: Pair, member: str, **values: str) -> None:
    """Other values of [peer], taken over by a reload."""
    mlagd = pair.switches[member].mlagd
    mlagd.config["peer"] |= {name.replace("_", "-"): value for name, value in values.items()}
    mlagd.write_config()
    mlagd.ctl("reload", check=True)


def dial(pair: Pair) -> socket.socket:
    """A connection to S2 from S1's address, of somebody who is not its mlagd."""
    sock = pair.s1.namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(5)
    sock.bind(("169.254.1.1", 0))
    sock.connect(("169.254.1.2", h.PORT))
    return sock


def wait_closed(sock: socket.socket) -> bytes:
    """What S2 said before it closed."""
    said = b""
    try:
        while part := sock.recv(1 << 16):
            said += part
    except ConnectionError:
        pass
    sock.close()
    return said


def test_status_says_how_the_session_is_protected(pair: Pair) -> None:
    """In JSON and in words, on both."""
    for member in ("s1", "s2"):
        assert security(pair, member)["mode"] == "psk"
        text = pair.switches[member].mlagd.ctl("status").stdout
        assert "security psk" in text, text


def test_who_has_no_key_is_counted_and_the_session_does_not_feel_it(pair: Pair) -> None:
    """HELLO in the clear, garbage, half a handshake, and a hundred who say nothing."""
    before, ends = security(pair)["failures"], lost_sessions(pair)
    said = []
    for data in (h.hello(), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello" + bytes(64)):
        sock = dial(pair)
        sock.sendall(data)
        said.append(wait_closed(sock))
    assert said[0][:2] == b"\x15\x03"  # an alert of TLS: who speaks in the clear can tell
    crowd = [dial(pair) for _ in range(100)]
    for sock in crowd:
        sock.close()
    after = security(pair)["failures"]
    assert after["plaintext"] == before.get("plaintext", 0) + 1
    assert after["garbage"] >= before.get("garbage", 0) + 2
    assert lost_sessions(pair) == ends
    assert pair.s2.mlagd.query("status")["health"] == "ok"


def test_another_implementation_with_the_key_is_let_in_and_without_it_not(pair: Pair) -> None:
    """The key that is used is HMAC-SHA256 of the purpose under the key in the file (docs/protocol.md)."""
    with open(pair.key_file(), encoding="ascii") as file:
        key = bytes.fromhex(file.read().strip())
    derived = hmac.new(key, b"mlag session psk 1", hashlib.sha256).hexdigest()
    ends = lost_sessions(pair)

    def shake(psk: str, identity: str) -> str:
        done = pair.s1.namespace.popen(
            ["openssl", "s_client", "-connect", f"169.254.1.2:{h.PORT}", "-bind", "169.254.1.1:0",
             "-tls1_3", "-psk", psk, "-psk_identity", identity, "-ciphersuites",
             "TLS_AES_128_GCM_SHA256"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        return done.communicate(timeout=20)[0]

    good = shake(derived, "mlag/1/domain/1")
    assert "Reused, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256" in good, good
    assert "Reused" not in shake(key.hex(), "mlag/1/domain/1")
    assert "Reused" not in shake(derived, "mlag/1/domain/2")
    failures = security(pair)["failures"]
    assert failures["wrong_key"] >= 1 and failures["identity"] >= 1
    assert lost_sessions(pair) == ends


def test_another_key_is_named_on_both_and_forwarding_goes_on(pair: Pair) -> None:
    """S2 is given another key, then the right one again; nobody else feels it."""
    other = os.path.join(pair.directory, "other.key")
    run([MLAGCTL, "genkey", other])
    pair.wait_known()
    o1, o2, a = (pair.hosts[name] for name in ("o1", "o2", "a"))
    with pair.traffic() as traffic:
        flows = {"a": pair.flow(traffic, o2, a.mac, rate=200, count=1000),
                 "o2": pair.flow(traffic, o1, o2.mac, rate=200, count=1000),
                 "o1": pair.flow(traffic, o2, BROADCAST, rate=100, count=500)}
        traffic.start()
        traffic.wait_sent(flows["a"], 100)
        set_peer(pair, "s2", key_file=other)
        for member in ("s1", "s2"):
            wait_for(f"{member} names it", lambda who=member: "wrong-key" in codes(pair, who), 10)
        text = pair.s1.mlagd.ctl("status").stdout
        assert "key-file" in text and "wrong_key" in text, text
        set_peer(pair, "s2", key_file=pair.key_file())
        pair.wait_whole()
        traffic.finish()
    for name, flow in flows.items():
        traffic.result(flow, name).assert_exactly_once()


@pytest.mark.long  # test_channel_tls has it in make check
@pytest.mark.parametrize("member", ["s1", "s2"])
def test_one_member_in_the_clear_is_named_on_both(pair: Pair, member: str) -> None:
    """Whoever it is."""
    other = "s2" if member == "s1" else "s1"
    set_peer(pair, member, security="none")
    wait_for("the other one names it", lambda: "peer-plaintext" in codes(pair, other), 10)
    wait_for("it sees TLS", lambda: "peer-encrypted" in codes(pair, member), 10)


def test_a_key_that_others_can_read_is_refused_at_reload_and_the_session_stays(pair: Pair) -> None:
    """The error names the file, the mode and the remedy."""
    ends, path = lost_sessions(pair), os.path.join(pair.directory, "open.key")
    run([MLAGCTL, "genkey", path])
    os.chmod(path, 0o644)
    mlagd = pair.s1.mlagd
    mlagd.config["peer"]["key-file"] = path
    mlagd.write_config()
    done = mlagd.ctl("reload")
    assert done.returncode == 4
    assert f"[peer] key-file: {path}: others may read or write it (mode 0644)" in done.stderr
    assert "chmod 600" in done.stderr
    assert lost_sessions(pair) == ends


def test_nothing_of_the_session_can_be_read_on_its_way(pair: Pair, tmp_path: Any) -> None:
    """With security = none the same look finds the version of the daemon."""
    needle = pair.s1.mlagd.query("status")["version"].encode()
    seen = {}
    for mode in ("psk", "none"):
        path = str(tmp_path / f"{mode}.pcap")
        capture = pair.s2.namespace.popen(["tcpdump", "-i", "any", "--immediate-mode", "-U", "-w", path,
                                           "tcp", "port", str(h.PORT)], stderr=subprocess.PIPE, text=True)
        assert "listening" in wait_line(capture)
        for member in ("s1", "s2"):
            set_peer(pair, member, security=mode)
        pair.s1.mlagd.stop()
        pair.s1.mlagd.start()
        # What was said at the beginning is then in the file: HELLO in both directions.
        wait_for("a session", lambda: pair.s1.mlagd.query("status")["peer"]["session"] == "up", 20)
        wait_for("what both said in the file", lambda: os.path.getsize(path) > 1000)
        capture.send_signal(signal.SIGINT)
        capture.wait(10)
        with open(path, "rb") as file:
            data = file.read()
        seen[mode] = needle in data
    assert seen == {"psk": False, "none": True}


def wait_line(process: subprocess.Popen) -> str:
    """The line in which tcpdump says that it listens."""
    assert process.stderr is not None
    end = time.monotonic() + 10
    while time.monotonic() < end:
        line = process.stderr.readline()
        if "listening" in line or not line:
            return line
    return ""
