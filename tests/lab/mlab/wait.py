# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import time
from typing import Callable, TypeVar

from .errors import LabError

T = TypeVar("T")


def wait_for(what: str, probe: Callable[[], T], timeout: float = 10.0, interval: float = 0.1,
             show: Callable[[], object] | None = None) -> T:
    """Call probe() until it returns something true; return that.

    Exceptions of type LabError count as "not yet".  After the deadline, fails with `what`, the
    last answer and what show() says.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            last = answer
        except LabError as error:
            last = error
        if time.monotonic() >= deadline:
            break
        time.sleep(interval)
    detail = ""
    if show is not None:
        try:
            detail = f"\n{show()}"
        except LabError as error:
            detail = f"\n{error}"
    raise LabError(f"after {timeout:g} s still waiting for {what}; last answer: {last}{detail}")
