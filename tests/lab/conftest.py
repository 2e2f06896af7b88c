# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the labs: what a module needs of the kernel, evidence of failures, cleaning up.

A module says what it needs by two names: NEEDS, a list of kernel features (mlab.kernel.TRIALS), and
LAYOUT, a function that puts hosts into a Pair.  The pair is laid out once a module.
"""

import os
import re
import shutil
from typing import Callable, Iterator

import pytest

from mlab import LabError, Pair, kernel, netns, traffic
from mlab.daemon import ROOT
from mlab.routing import Routing

ARTIFACTS = os.environ.get("MLAB_ARTIFACTS", os.path.join(ROOT, "build", "lab-artifacts"))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Without root nothing here can work."""
    del session
    if os.geteuid() != 0:
        pytest.exit("the labs need root: they create network namespaces", 2)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing behind."""
    del session
    for pair in list(Pair.alive):
        pair.close()
    traffic.stop_sender()
    netns.remove_all()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this kernel cannot run; leave out what there is no time for."""
    if not os.environ.get("MLAB_LONG") and not config.getoption("keyword"):
        late = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in late]
        config.hook.pytest_deselected(items=late)
    for item in items:
        needs = getattr(getattr(item, "module", None), "NEEDS", ["bridge", "veth"])
        absent = kernel.missing(list(needs))
        if absent:
            item.add_marker(pytest.mark.skip(reason=f"this kernel has no {', '.join(absent)}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Keep captures, logs and state when a test fails."""
    del call
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    directory = os.path.join(ARTIFACTS, re.sub(r"[^\w.-]+", "_", item.nodeid))
    shutil.rmtree(directory, ignore_errors=True)
    for number, pair in enumerate(Pair.alive):
        try:
            pair.save_evidence(os.path.join(directory, str(number)) if number else directory)
        except (LabError, OSError) as error:
            report.sections.append(("evidence", f"not complete: {error}"))
    report.sections.append(("evidence", f"kept in {os.path.relpath(directory, ROOT)}"))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture) -> Callable[[str], None]:
    """Print a measurement so that it is seen when the test passes too."""
    def show(text: str) -> None:
        with capsys.disabled():
            print(f"\n    {text}", flush=True)

    return show


@pytest.fixture(scope="module")
def layout(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The module's pair, laid out, no daemon running."""
    pair = Pair(**getattr(request.module, "PAIR", {}))
    try:
        request.module.LAYOUT(pair)
        yield pair.build()
    finally:
        pair.close()


@pytest.fixture(scope="module")
def pair(layout: Pair) -> Pair:
    """The module's pair with mlagd on both members, peered and healthy."""
    return layout.start()


@pytest.fixture(scope="module")
def lab(layout: Pair) -> Routing:
    """For layouts of mlab.routing: static routes, both daemons peered, addresses exchanged."""
    routing = Routing(layout).build()
    layout.start()
    routing.resolve()
    routing.wait_addresses()
    return routing


@pytest.fixture
def known(lab: Routing) -> None:
    """Hosts and neighbours are known when a test begins."""
    lab.pair.wait_known()
    lab.resolve()


@pytest.fixture(scope="module")
def unlimited_errors() -> Iterator[None]:
    """An ICMP unreachable for every packet without a route: of this limit there is only one, for
    all namespaces, beside that of icmp_ratemask.
    """
    path = "/proc/sys/net/ipv4/route/error_cost"
    with open(path, encoding="ascii") as file:
        before = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write("0")
    yield
    with open(path, "w", encoding="ascii") as file:
        file.write(before)
