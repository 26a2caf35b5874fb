"""What was read once is read from the cache the second time, and nobody can tell the difference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlproj.foundation import paths
from mlproj.foundation.errors import InvalidProject
from mlproj.yaml_document import Document, load, memo, parse

TEXT = """\
name: trial
base: &base {type: float, default: 1e-3}
entry_points:
  main:
    parameters:
      alpha: *base
      beta: {<<: *base, default: 2.5}
      3.10: 3.10
      no: ~
    command: |
      python train.py {alpha}
      echo "$beta"
  empty:
  list: [1, 0x10, "1", .inf, yes, 'no']
"""


def everything(document: Document) -> list[Any]:
    """The value of *document*, and every place in it."""
    found: list[Any] = [repr(document.value), document.place()]

    def visit(value: Any, *keys: Any) -> None:
        found.extend([keys, document.place(*keys), document.key_place(*keys)])
        if isinstance(value, (dict, list)):
            for key in value if isinstance(value, dict) else range(len(value)):
                visit(value[key], *keys, key)
        else:
            found.extend([document.raw(*keys), document.find("e", *keys)])

    visit(document.value)
    return found


def kept() -> list[Path]:
    return sorted(paths.cache().glob("yaml/*"))


def test_value_and_places_are_the_same_from_a_memo() -> None:
    fresh = everything(parse(TEXT, "MLproject"))
    first, second = (everything(parse(TEXT, "MLproject", remembered=True)) for _ in range(2))

    assert fresh == first == second
    assert len(kept()) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_document_is_the_same_from_a_memo(value: Any) -> None:
    import yaml

    for flow in (False, True):
        text = yaml.safe_dump({"top": value}, default_flow_style=flow, allow_unicode=True)
        try:
            fresh = everything(parse(text, "f"))
        except InvalidProject:
            with pytest.raises(InvalidProject):
                parse(text, "f", remembered=True)
            continue
        assert everything(parse(text, "f", remembered=True)) == fresh
        assert everything(parse(text, "f", remembered=True)) == fresh


def test_a_second_look_does_not_import_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "MLproject"
    file.write_text(TEXT)
    load(file, remembered=True)

    code = (
        "import sys, pathlib; from mlproj.yaml_document import load; load(pathlib.Path(sys.argv[1]), remembered=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print('yaml' in sys.modules)", file],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"\0" * 50, b'{"text": 1}', None], ids=["empty", "other", "zeros", "json", "a-bit"]
)
def test_a_damaged_memo_is_ignored_and_made_again(damage: bytes | None) -> None:
    fresh = everything(parse(TEXT, "MLproject", remembered=True))
    (file,) = kept()
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"1e-3", b"9e-3") if damage is None else damage)

    assert everything(parse(TEXT, "MLproject", remembered=True)) == fresh
    assert file.read_bytes() == whole


def test_a_memo_of_another_version_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    parse(TEXT, "MLproject", remembered=True)
    (file,) = kept()
    before = file.read_bytes()
    monkeypatch.setattr(memo, "__version__", "0.0.0")

    assert memo.recall(TEXT) is None
    parse(TEXT, "MLproject", remembered=True)
    assert file.read_bytes() != before


def test_a_memo_of_another_text_in_the_same_place_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "_PLACES", 1)
    parse("a: 1", "f", remembered=True)

    assert parse("a: 2", "f", remembered=True).value == {"a": 2}
    assert len(kept()) == 1


def test_a_change_of_the_file_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "MLproject"
    for number in (1, 2, 1):
        file.write_text(f"a: {number}")
        assert load(file, remembered=True).value == {"a": number}


@pytest.mark.parametrize(
    "text", ["a: https://user:secret@host/simple", "a: 2024-05-01", "a: [1", "a: 1\n---\nb: 2", f"a: {'x' * 100_000}"]
)
def test_credentials_dates_mistakes_and_large_files_are_not_kept(text: str) -> None:
    for _ in range(2):
        try:
            fresh = repr(parse(text, "f").value)
        except InvalidProject as error:
            with pytest.raises(InvalidProject, match=r".*") as again:
                parse(text, "f", remembered=True)
            assert str(again.value) == str(error)
        else:
            assert repr(parse(text, "f", remembered=True).value) == fresh
    assert kept() == []


def test_without_being_asked_nothing_is_kept() -> None:
    parse("a: 1", "f")

    assert kept() == []


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text(json.dumps(None))
    monkeypatch.setenv("MLPROJ_CACHE", str(blocked))

    assert parse("a: 1", "f", remembered=True).value == {"a": 1}
