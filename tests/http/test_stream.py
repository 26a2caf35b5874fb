from __future__ import annotations

import io

import pytest

from mlproj.foundation.errors import SourceError
from mlproj.http.stream import portions


def test_everything_up_to_the_limit_comes() -> None:
    data = bytes(range(256)) * 10_000

    assert b"".join(portions(io.BytesIO(data), len(data), "it")) == data


def test_more_than_the_limit_is_refused() -> None:
    with pytest.raises(SourceError, match=r"^it is larger than 2\.0 kB$"):
        list(portions(io.BytesIO(b"x" * 2001), 2000, "it"))
