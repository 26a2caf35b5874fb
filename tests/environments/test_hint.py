"""What to do about an installer's failure depends on its reason."""

from __future__ import annotations

import pytest

from mlproj.environments.python.uv import failure


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Because sckit-learn was not found in the package registry and you require it", "'sckit-learn'"),
        ("fatal: unable to access 'https://example.org/x/': Could not resolve host: example.org", "network"),
        ("error: No space left on device (os error 28)", "disk is full"),
        ("because network was disabled", "--offline"),
        ("the versions contradict each other", "--as-of"),
    ],
)
def test_the_hint_fits_the_reason(said: str, expected: str) -> None:
    assert expected in str(failure("the packages cannot be resolved", said, hint="try --as-of today").hint)
