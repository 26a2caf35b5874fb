"""What is read off a package's source, and the order that follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.renv.description import in_order, read
from mlproj.foundation.errors import EnvironmentFailure
from tests.r_repository import source


def test_what_a_package_needs_is_read_off_its_source(tmp_path: Path) -> None:
    needs = (
        "Depends: R (>= 3.5), methods\nImports: Rcpp (>= 1.0),\n\trlang, data.table\nLinkingTo: Rcpp\nSuggests: knitr\n"
    )
    (tmp_path / "x.tar.gz").write_bytes(source("own", "1.2", needs=needs, top="own-0123"))

    found = read(tmp_path / "x.tar.gz", "x")

    assert (found.name, found.version, found.needs) == ("own", "1.2", ("R", "methods", "Rcpp", "rlang", "data.table"))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"\x1f\x8b damaged", source("own", "1.0")[:60]],
    ids=["empty", "a page", "damaged", "cut off"],
)
def test_what_is_no_package_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar.gz").write_bytes(content)

    with pytest.raises(EnvironmentFailure, match="https://host/x is no source of an R package"):
        read(tmp_path / "x.tar.gz", "https://host/x")


def test_an_archive_without_a_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(source("own", "1.0", top="two/deep"))

    with pytest.raises(EnvironmentFailure, match="it has no DESCRIPTION"):
        read(tmp_path / "x.tar.gz", "x")


def test_packages_come_after_what_they_need() -> None:
    assert in_order({"a": ("c", "stats"), "b": ("a",), "c": (), "d": ()}) == ["c", "d", "a", "b"]
    with pytest.raises(EnvironmentFailure, match="in a circle: (a → b → a|b → a → b)"):
        in_order({"a": ("b",), "b": ("a",)})
