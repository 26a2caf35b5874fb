from __future__ import annotations

import pytest

from mlproj.environments.python import legacy_metadata


@pytest.mark.parametrize(
    ("legacy", "correct"),
    [
        ("pytz (>=2011k)", "pytz"),
        ("pytz (>=2011k,<2020)", "pytz<2020"),
        ("numpy (>=1.12.0)", "numpy>=1.12.0"),
        ("six", "six"),
        ('futures (>=x) ; python_version < "3"', 'futures; python_version < "3"'),
        ("tables[extra] (>=banana)", "tables[extra]"),
        ("typing (>=3.7.4); broken marker", "typing"),
        ("!!", ""),
    ],
)
def test_only_the_clauses_that_nobody_can_read_are_left_out(legacy: str, correct: str) -> None:
    assert legacy_metadata.corrected(legacy) == correct
