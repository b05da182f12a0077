"""`stepdig run --exit-code`: what a script that starts a run is told by the exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RETRIED = "+t: {sh>: 'if [ -e tried ]; then exit 5; fi; touch tried; exit 4', _retry: 1}"
SIDE_BY_SIDE = """
    +both:
      _parallel: true
      +first: {sh>: 'touch begun; while [ ! -e failed ]; do sleep 0.01; done; exit 8'}
      +second: {sh>: 'while [ ! -e begun ]; do sleep 0.01; done; touch failed; exit 9'}
    """


@pytest.mark.parametrize(
    ("dig", "code"),
    [
        ("+t: {sh>: exit 0}", 0),
        ("+t: {sh>: exit 3}", 3),
        ("+t: {sh>: kill -KILL $$$$}", 137),
        (RETRIED, 5),
        (SIDE_BY_SIDE, 8),
        ("+t: {fail>: not today}", 1),
        ("+t: {sh>: exit 3, _ignore_failure: true}", 0),
        ("+t: {sh>: exit 3}\n_error: {sh>: exit 4}", 3),
        ("+t:\n  for_each>: {n: [1, 2, 3]}\n  _parallel: true\n  _do: {+u: {sh>: 'test $n = 2 || exit 0; exit 6'}}", 6),
    ],
)  # fmt: skip
def test_the_code_is_that_of_the_command_that_failed(run: Callable[..., Any], dig: str, code: int) -> None:
    assert run(dig, "--exit-code").code == code


def test_without_it_a_failed_run_is_1(run: Callable[..., Any]) -> None:
    assert run("+t: {sh>: exit 3}").code == 1


def test_a_run_that_goes_on_tells_it_too(run: Callable[..., Any]) -> None:
    assert run("+t: {sh>: 'exit 3'}").code == 1
    assert run("+t: {sh>: 'exit 3'}", "--resume", "--exit-code").code == 3


def test_a_failure_in_a_workflow_that_it_requires(run: Callable[..., Any]) -> None:
    assert run("+t: {require>: other}", "--exit-code", other__dig="+u: {sh>: exit 7}\n").code == 7
