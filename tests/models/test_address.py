from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models import address
from mlproj.models.address import InArchive, InFolder, InStore, OfLoggedModel, OfRegistry, OfRun

ID = "m-" + "0a" * 16


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("runs:/last/model", OfRun("last", "model")),
        ("runs:/abc/a/b/", OfRun("abc", "a/b")),
        ("runs:/my run", OfRun("my run", "")),
        ("models:/Wine/3", OfRegistry("Wine", version=3)),
        ("models:/Wine/01/sub", OfRegistry("Wine", version=1, path="sub")),
        ("models:/Wine/latest", OfRegistry("Wine", stage="latest")),
        ("models:/Wine/Production", OfRegistry("Wine", stage="Production")),
        ("models:/Wine@champion", OfRegistry("Wine", alias="champion")),
        (f"models:/{ID}", OfLoggedModel(ID)),
        (f"models:/{ID}/sub", OfLoggedModel(ID, "sub")),
        ("s3://bucket/folder", InStore("s3://bucket/folder")),
        ("https://host/m.tar.gz?x=1", InArchive("https://host/m.tar.gz?x=1")),
    ],
)
def test_each_form_is_told_from_the_others(text: str, named: object) -> None:
    assert address.parse(text) == named


def test_what_is_here_is_a_folder_or_an_archive(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").touch()
    (tmp_path / "m.zip").touch()
    assert address.parse(str(tmp_path / "model")) == InFolder(tmp_path / "model")
    assert address.parse(str(tmp_path / "model" / "MLmodel")) == InFolder(tmp_path / "model")
    assert address.parse((tmp_path / "model").as_uri()) == InFolder(tmp_path / "model")
    assert address.parse(str(tmp_path / "m.zip")) == InArchive(str(tmp_path / "m.zip"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "is empty", "expected a folder"),
        ("runs:/", "names no run", "runs:/last/model"),
        ("runs:x", "a '/' must follow", ""),
        ("models:/Wine", "names no version", "models:/NAME/VERSION"),
        ("models:/@x", "stand around", ""),
        ("models://host/Wine/1", "names a host", "MLPROJ_TRACKING_URI"),
        ("models:/Wine/1/%2e%2e/x", "'..'", ""),
        ("runs:/a/../../b", "'..'", ""),
        ("https://host/model", "only archives", ".zip"),
        ("Wine/3", "no such folder", "models:/Wine/3"),
        ("Wine@champion", "no such folder", "models:/Wine@champion"),
        ("0123456789abcdef0123456789abcdef/model", "no such folder", "runs:/0123456789abcdef0123456789abcdef/model"),
        ("./nowhere", "no such folder", "expected a folder"),
    ],
)
def test_what_is_no_address_is_refused_with_the_form_that_was_meant(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as failure:
        address.parse(text)
    assert hint in str(failure.value.hint)


def test_a_login_in_an_address_is_not_shown() -> None:
    with pytest.raises(UsageError) as failure:
        address.parse("https://me:secret@host/model")
    assert "secret" not in str(failure.value)
