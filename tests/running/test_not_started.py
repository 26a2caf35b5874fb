"""A command that never began: the reason names who ended in its place, and the hint what to do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlproj.backends.base import Outcome
from mlproj.environments.base import Prepared
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.running import not_started

NEVER = Outcome(0, has_begun=False)


def in_container(entry_point: str | None) -> Prepared:
    runtime: Any = SimpleNamespace(entry_point=entry_point)
    return Prepared(container_runtime=runtime)


@pytest.mark.parametrize(
    ("environ", "prepared", "who", "remedy"),
    [
        ({}, Prepared(), "bash ended", "is the bash that comes first on PATH the real one"),
        ({"BASH_ENV": "/etc/x"}, Prepared(), 'the file that BASH_ENV names ("/etc/x")', "unset BASH_ENV"),
        ({"SHELLOPTS": "braceexpand:noexec"}, Prepared(), "to execute nothing (noexec)", "unset SHELLOPTS"),
        ({"BASH_ENV": "/etc/x"}, in_container('["/bin/echo"]'), 'ENTRYPOINT ["/bin/echo"] ended', "-A entrypoint="),
        ({}, in_container(None), "the shell of the image ended", "BASH_ENV"),
    ],
)
def test_a_success_without_a_start_is_refused(
    environ: dict[str, str], prepared: Prepared, who: str, remedy: str
) -> None:
    with pytest.raises(EnvironmentFailure, match="^the command never began: .* ended with exit code 0") as failure:
        not_started.check(NEVER, environ, prepared)

    assert who in failure.value.message
    assert remedy in str(failure.value.hint) and str(failure.value.hint).endswith("fault, not the command's")


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(0),
        Outcome(0, has_begun=True),
        Outcome(143, "timeout", 15, has_begun=False),
        Outcome(137, explanation="out of memory", has_begun=False),
    ],
)
def test_what_began_or_was_ended_or_is_not_known_is_left_alone(outcome: Outcome) -> None:
    not_started.check(outcome, {}, Prepared())
    assert not_started.explain(outcome, {}, Prepared()) is None


def test_an_exit_code_other_than_0_stays_the_runs_with_that_reason() -> None:
    ended = Outcome(2, has_begun=False)
    not_started.check(ended, {}, Prepared())
    reason = not_started.explain(ended, {}, Prepared())
    assert reason == "the command never began: bash ended with exit code 2 in its place"
