"""Kinds of things by name: ours, and those that other packages bring."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlproj.foundation import plugins
from mlproj.foundation.errors import UsageError

BUILTIN = {"ordered": "collections:OrderedDict", "broken": "no_such_module_anywhere:thing"}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings a backend called ``cluster`` and one called ``ordered``."""
    (tmp_path / "outside_backend.py").write_text("class Cluster: pass\n")
    info = tmp_path / "outside_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlproj.backends]\ncluster = outside_backend:Cluster\nordered = outside_backend:Cluster\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_a_builtin_kind_is_imported_when_chosen() -> None:
    from collections import OrderedDict

    assert plugins.load("mlproj.backends", "ordered", BUILTIN) is OrderedDict


def test_a_kind_that_is_not_chosen_is_not_imported() -> None:
    plugins.load("mlproj.backends", "ordered", BUILTIN)  # the broken one beside it does no harm


@pytest.mark.usefixtures("outside")
def test_an_installed_package_can_bring_a_kind() -> None:
    found = plugins.load("mlproj.backends", "cluster", BUILTIN)

    assert found.__name__ == "Cluster"
    assert "outside_backend" in sys.modules


@pytest.mark.usefixtures("outside")
def test_no_package_can_take_the_place_of_a_builtin_kind() -> None:
    assert plugins.load("mlproj.backends", "ordered", BUILTIN).__name__ == "OrderedDict"


@pytest.mark.usefixtures("outside")
def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UsageError) as caught:
        plugins.load("mlproj.backends", "clutser", BUILTIN)

    assert str(caught.value) == "there is no backend called 'clutser'; did you mean 'cluster'?"
    assert caught.value.hint == "known: broken, cluster, ordered"


def test_an_unknown_name_that_resembles_nothing_gets_no_guess() -> None:
    with pytest.raises(UsageError, match=r"^there is no source called 'xyz'$"):
        plugins.load("mlproj.sources", "xyz", BUILTIN)
