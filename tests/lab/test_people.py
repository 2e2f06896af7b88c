# SPDX-License-Identifier: BSD-2-Clause
"""What people meet first works: the demonstration, and the prompt of `make lab`."""

import os
import subprocess
import sys
import time

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
                          capture_output=True, timeout=200, env=environment, check=False)


def test_demo_succeeds_within_a_minute() -> None:
    """Exit 0, every line ok."""
    began = time.monotonic()
    done = run_script("demo.py")
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "WRONG" not in done.stdout and "  ok  " in done.stdout
    assert time.monotonic() - began < 60


def test_prompt_takes_commands_on_stdin_and_cleans_up() -> None:
    """Every command of the help does something, and no namespace is left."""
    done = run_script("shell.py", COMMANDS)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "2 received" in done.stdout and "200 of 200 once, 0 surplus" in done.stdout
    assert "the pair is whole" in done.stdout
    left = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    assert not [name for name in left if name.startswith("mlabp")]


def test_prompt_says_what_it_does_not_understand() -> None:
    """A wrong line is an exit code when nobody is there to read."""
    done = run_script("shell.py", "nonsense\nfail leg h9 s1\nquit\n")
    assert done.returncode == 1
    assert "no such command" in done.stdout and "no host h9" in done.stdout
