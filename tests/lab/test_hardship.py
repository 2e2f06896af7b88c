# SPDX-License-Identifier: BSD-2-Clause
"""A machine that lacks something: no bpffs, a kernel that refuses programs, a full disk.

Each time it is said clearly, and what was forwarding goes on. Plain bridges are enough, so this runs
natively wherever the labs run.
"""

import os
from typing import Callable, Iterator

import pytest

from mlab import Pair, suites, wait_for
from mlab.daemon import MLAGD
from mlab.netns import run

NEEDS = ["bridge", "veth"]
PAIR = {"vlan_aware": False, "has_backup": True}
NO_BPFFS = ["unshare", "--mount", "sh", "-c",
            'while umount -l /sys/fs/bpf; do :; done 2>/dev/null; exec "$@"', "sh", MLAGD]
NO_PROGRAMS = ["setpriv", "--bounding-set", "-bpf,-sys_admin,-perfmon", "--inh-caps",
               "-bpf,-sys_admin,-perfmon", MLAGD]


def LAYOUT(pair: Pair) -> None:
    """A static LAG and an orphan."""
    pair.host("a", lag_id=1, is_lacp=False)
    pair.orphan("o1", on="s1")
    pair.orphan("o2", on="s2")


@pytest.fixture(autouse=True)
def _whole(pair: Pair) -> Iterator[None]:
    """Each test begins with a whole pair, and leaves one."""
    yield
    daemon = pair.s1.mlagd
    daemon.command = [MLAGD]
    daemon.stop()
    daemon.start()
    pair.wait_whole(60)


def news(pair: Pair, mark: int) -> str:
    """What S1 has logged since."""
    return pair.s1.mlagd.log()[mark:]


def test_without_bpffs_filters_take_the_place_of_links(pair: Pair,
                                                       tell: Callable[[str], None]) -> None:
    """It is said, the pair is whole, and nothing is doubled."""
    daemon = pair.s1.mlagd
    mark = len(daemon.log())
    daemon.stop()
    daemon.command = NO_BPFFS
    daemon.start()
    pair.wait_whole(60)
    tell(next(line for line in news(pair, mark).splitlines() if "bpffs" in line))
    assert "no bpffs" in news(pair, mark)
    for device in ("lag1", "peerlink"):
        shown = pair.s1.namespace.run("tc", "filter", "show", "dev", device, "egress").stdout
        assert "isolate" in shown, f"{device}: {shown}"
    pair.wait_known()
    suites.check_floods(pair, None, suites.BROADCAST, rate=60, count=15)


def test_a_kernel_that_refuses_programs_ends_the_start_and_nothing_else(
        pair: Pair, tell: Callable[[str], None]) -> None:
    """One clear line, exit 1, and floods are still filtered by what was there."""
    daemon = pair.s1.mlagd
    pair.wait_known()
    daemon.stop()
    mark = len(daemon.log())
    daemon.command = NO_PROGRAMS
    daemon.start()
    process = daemon.process
    assert process is not None
    assert process.wait(20) == 1
    said = [line for line in news(pair, mark).splitlines() if "cannot be loaded" in line]
    tell(said[0] if said else news(pair, mark))
    assert said and "not permitted" in said[0]
    assert pair.s1.has_program("lag1", "egress", "isolate_leg")
    suites.check_floods(pair, None, suites.BROADCAST, rate=60, count=15)


def test_a_full_disk_is_a_problem_by_name(pair: Pair, tell: Callable[[str], None]) -> None:
    """There is no room in the run directory: the daemon serves, and says what will be missing."""
    daemon = pair.s1.mlagd
    daemon.stop()
    kept = daemon.run_dir
    run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", kept])
    try:
        with open(os.path.join(kept, "ballast"), "wb") as file:
            try:
                file.write(b"x" * (1 << 20))
            except OSError:
                pass
        daemon.start()
        wait_for("the pair", lambda: daemon.query("status")["verdict"] == "peered", 30, 0.1)
        status = daemon.query("status")
        tell(f"{status['health']}: {status['problems']}")
        assert status["health"] == "degraded"
        assert any(problem["code"] == "run-directory" for problem in status["problems"])
        os.unlink(os.path.join(kept, "ballast"))
        wait_for("the problem to end", lambda: daemon.query("status")["health"] == "ok", 30, 0.1,
                 show=lambda: daemon.query("status")["problems"])
    finally:
        daemon.stop()
        run(["umount", "-l", kept])
