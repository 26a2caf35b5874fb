from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.cli.report_files.naming import project_name


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://ann:hush@example.org/team/wine.git", "wine"),
        ("git@example.org:wine.git", "wine"),
        ("gh:team/wine#", "wine"),
        ("gh:team/wine#deep/sub", "sub"),
        ("/no/such/wine/", "wine"),
        ("https://example.org/", "example.org"),
        ("#", "project"),
    ],
)
def test_a_project_is_called_by_the_last_part_of_its_address(uri: str, name: str) -> None:
    assert project_name(uri) == name


def test_the_folder_where_one_stands_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wine").mkdir()
    monkeypatch.chdir(tmp_path / "wine")

    assert project_name(".") == project_name("../wine/#") == "wine"
