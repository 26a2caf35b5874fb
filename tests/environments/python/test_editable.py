from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.python import editable


def test_a_link_to_a_source_folder_becomes_an_import_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, project = tmp_path / "site", tmp_path / "project"
    site.mkdir()
    (site / "plum.pth").write_text(f"{project}/src\n")
    assert editable.detach(site, [tmp_path / "other", project]) == [(1, "src")]
    assert list(site.glob("*.pth")) == []
    monkeypatch.setenv("PYTHONPATH", "/mine")
    assert editable.python_path([(1, "src")], ["/a", "git+https://host/x", "/b"]) == {"PYTHONPATH": "/b/src:/mine"}
    assert editable.python_path([], ["/a"]) == {}


def test_the_import_hook_of_setuptools_becomes_the_parents_of_its_packages(tmp_path: Path) -> None:
    site, project = tmp_path / "site", tmp_path / "project"
    site.mkdir()
    (site / "__editable__.plum-1.pth").write_text(
        "import __editable___plum_1_finder; __editable___plum_1_finder.install()"
    )
    (site / "__editable___plum_1_finder.py").write_text(
        f"MAPPING: dict[str, str] = {{'plum': '{project}/lib/plum', 'a.b': '{project}/a/b', 'tool':"
        f" '{project}/lib/tool'}}\nPATHS = {{}}\n"
    )
    assert editable.detach(site, [project]) == [(0, "lib"), (0, ".")]


def test_links_to_other_places_stay(tmp_path: Path) -> None:
    (tmp_path / "distutils-precedence.pth").write_text("import os; print")
    (tmp_path / "elsewhere.pth").write_text("/opt/elsewhere\n")
    assert editable.detach(tmp_path, [tmp_path / "project"]) == []
    assert len(list(tmp_path.glob("*.pth"))) == 2
