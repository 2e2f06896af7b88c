# SPDX-License-Identifier: BSD-2-Clause
"""The runner itself: what fails beside others gets a second look, alone, and nothing gets a third.
"""

import os
import subprocess
from pathlib import Path

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
NEEDS = ["bridge", "veth"]

QUIET = """\
NEEDS = ["bridge", "veth"]
def test_quiet():
    pass
"""
NOISY = """\
import os
NEEDS = ["bridge", "veth"]
def test_steady():
    with open({path!r} + ".steady", "a") as file:
        file.write("x")
def test_fails_until_{limit}():
    with open({path!r}, "a+") as file:
        file.write("x")
        file.flush()
        assert os.path.getsize({path!r}) > {limit}
"""


def lay_out(directory: Path, limits: list[int]) -> list[str]:
    """Modules with a test that fails as often as its limit says, and one that never fails."""
    (directory / "test_quiet.py").write_text(QUIET, encoding="utf-8")
    names = [str(directory / "test_quiet.py")]
    for number, limit in enumerate(limits):
        names.append(str(directory / f"test_noisy{number}.py"))
        Path(names[-1]).write_text(NOISY.format(path=str(directory / f"count{number}"),
                                                limit=limit), encoding="utf-8")
    return names


def run(directory: Path, limits: list[int], *arguments: str, **environment: str
        ) -> subprocess.CompletedProcess:
    """The runner over such modules."""
    base = {key: value for key, value in os.environ.items()
            if not key.startswith("MLAB_") and key != "MLAG_BUILD"}
    return subprocess.run([os.path.join(HERE, "run"), "check", *arguments,
                           *lay_out(directory, limits), "-p", "no:cacheprovider"],
                          env={**base, "MLAG_BUILD": str(directory / "build"),
                               "MLAG_LAB": "native", **environment},
                          text=True, capture_output=True, timeout=120, check=False)


def test_what_passes_alone_is_unsteady_and_said_so(tmp_path: Path) -> None:
    """One failure beside others: named, evidence of both looks, exit 0, nothing counted twice."""
    done = run(tmp_path, [1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UNSTEADY test_noisy0::test_fails_until_1" in done.stdout
    assert done.stdout.splitlines()[-1] == "lab: 3 passed, 0 failed, 1 unsteady"
    assert (tmp_path / "count0.steady").stat().st_size == 1  # it has passed
    for log in ("test_noisy0.log", "alone/test_noisy0.log"):
        assert (tmp_path / "build" / "lab-artifacts" / log).is_file()


def test_what_fails_alone_too_has_failed_and_gets_no_third_look(tmp_path: Path) -> None:
    """Twice, and no more."""
    done = run(tmp_path, [9])
    assert done.returncode == 1
    assert "FAILED test_noisy0::test_fails_until_9" in done.stdout
    assert "UNSTEADY" not in done.stdout
    assert (tmp_path / "count0").stat().st_size == 2


def test_a_module_that_cannot_be_read_is_run_again_as_a_whole(tmp_path: Path) -> None:
    """Its import fails the first time."""
    seen = str(tmp_path / "seen")
    broken = tmp_path / "test_broken.py"
    broken.write_text(f"import os\nopen({seen!r}, 'a').write('x')\n"
                      f"assert os.path.getsize({seen!r}) > 1\n{QUIET}", encoding="utf-8")
    done = run(tmp_path, [], str(broken))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UNSTEADY test_broken" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("lab: 2 passed, 0 failed, ")


@pytest.mark.parametrize("limits,arguments,environment", [
    ([1, 1, 1, 1], [], {}), ([1], ["-j1"], {}), ([1], [], {"MLAB_STRICT": "1"}),
    ([1], [], {"MLAB_LONG": "1"})], ids=["many", "alone", "strict", "long"])
def test_no_second_look(tmp_path: Path, limits: list[int], arguments: list[str],
                        environment: dict[str, str]) -> None:
    """Where many fail it is not their neighbours; what ran alone has none; nor where not wanted."""
    done = run(tmp_path, limits, *arguments, **environment)
    assert done.returncode == 1
    assert "UNSTEADY" not in done.stdout and f"{len(limits)} failed" in done.stdout
    assert (tmp_path / "count0").stat().st_size == 1
