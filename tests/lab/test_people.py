# SPDX-License-Identifier: BSD-2-Clause
"""What people meet first works: the demonstration, and the prompt of `make lab`."""

import os
import subprocess
import sys

import pytest

import demo
from mlab import LabError, frr

HERE = os.path.dirname(os.path.abspath(__file__))
NEEDS = ["bridge", "veth", "bond", "vlan", "vlan-device"]

COMMANDS = """\
help
show
s1 mlagctl status
s2 mlagctl -j lags
h1 ping -c 2 -i 0.2 -W 2 o2
count h1 all
fail leg h1 s1
h1 ping -c 2 -i 0.2 -W 2 o1
heal
fail mlagd s2
heal
log s1
# a comment
quit
"""


def run_script(name: str, stdin: str = "") -> subprocess.CompletedProcess:
    """A script of this directory, with namespaces of its own name."""
    environment = {**os.environ, "MLAB_PREFIX": f"mlabp{os.getpid()}-"}
    return subprocess.run([sys.executable, os.path.join(HERE, name)], input=stdin, text=True,
                          capture_output=True, timeout=240, env=environment, check=False)


def assert_nothing_left() -> None:
    """No namespace of a script is there any more, and no routing daemon of its lives on."""
    left = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    assert not [name for name in left if name.startswith("mlabp")]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                assert "/frr-" not in file.read(), f"process {pid}"
        except OSError:
            continue  # it has ended


@pytest.mark.skipif(not frr.is_installed(*demo.DAEMONS), reason="FRR is not installed")
def test_demo_succeeds_and_cleans_up() -> None:
    """Exit 0, every line ok, a verdict at the end: in a minute, here with a margin."""
    done = run_script("demo.py")
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "WRONG" not in done.stdout and done.stdout.count("  ok  ") > 20
    assert "VERDICT: PASSED" in done.stdout.splitlines()[-1]
    assert_nothing_left()


def test_demo_that_finds_a_fault_says_so_and_exits_with_1(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    """One finding that is wrong, or a step that could not be taken, decides."""
    def stumble(self: demo.Demo) -> None:
        raise LabError(f"{self.findings} so far, and no more")

    for run in (lambda self: self.judge(False, "a packet is missing"), stumble):
        monkeypatch.setattr(demo.Demo, "run", run)
        assert demo.main() == 1
        assert "VERDICT: FAILED" in capsys.readouterr().out.splitlines()[-1]


def test_prompt_takes_commands_on_stdin_and_cleans_up() -> None:
    """Every command of the help does something, and no namespace is left."""
    done = run_script("shell.py", COMMANDS)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "2 received" in done.stdout and "200 of 200 once, 0 surplus" in done.stdout
    assert "the pair is whole" in done.stdout
    assert_nothing_left()


def test_prompt_says_what_it_does_not_understand() -> None:
    """A wrong line is an exit code when nobody is there to read."""
    done = run_script("shell.py", "nonsense\nfail leg h9 s1\nquit\n")
    assert done.returncode == 1
    assert "no such command" in done.stdout and "no host h9" in done.stdout
