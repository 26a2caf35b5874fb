"""Values in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.projects import bind, load, load_parameters_file, merge


@pytest.mark.parametrize(
    "text", ["a: 1\nb: [1, x]\nc: null\nno: yes\n", '{"a": 1, "b": [1, "x"], "c": null, "no": true}']
)
def test_a_file_of_parameters_is_yaml_or_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "p").write_text(text)

    assert load_parameters_file(tmp_path / "p") == {"a": 1, "b": [1, "x"], "c": None, "no": True}


def test_a_text_stays_as_it_is_written_and_a_number_is_yamls(tmp_path: Path) -> None:
    types = {"v": "string", "t": "path", "n": "float", "i": "int"}
    parameters = "".join(f"      {name}: {kind}\n" for name, kind in types.items())
    (tmp_path / "MLproject").write_text(
        f"entry_points:\n  main:\n    parameters:\n{parameters}    command: echo {{v}} {{t}} {{n}} {{i}}\n"
    )
    (tmp_path / "12:30:00").touch()
    (tmp_path / "p").write_text("v: 1.10\nt: 12:30:00\nn: 1.10\ni: 0x1F\nmore: 010\n")

    values = merge(tmp_path / "p", {})
    command = bind(load(tmp_path).entry_points["main"], values, cwd=tmp_path, project_dir=tmp_path)

    assert dict(command.parameters) == {"v": "1.10", "t": "12:30:00", "n": "1.1", "i": "31", "more": "010"}


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a: {b: 1}\n", "1:4", "the parameter 'a' is nested"),
        ("x: 1\na: [[1]]\n", "2:4", "the parameter 'a' is nested"),
        ("- a\n", "1:1", "is a list, expected a mapping"),
        ("", "1:1", "the parameters file is wrong: the file is empty"),
        ("a: 1\na: 2\n", "2:1", "given twice"),
    ],
)
def test_a_wrong_file_is_a_usage_error_with_its_place(tmp_path: Path, text: str, place: str, said: str) -> None:
    (tmp_path / "p").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_parameters_file(tmp_path / "p")
    assert str(caught.value.place) == f"{tmp_path / 'p'}:{place}"
    assert said in caught.value.message


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        merge(tmp_path / "p", {})


def test_given_values_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("a: 1\nb: 2\n")

    assert list(merge(tmp_path / "p", {"c": "x", "a": "9"}).items()) == [("a", "9"), ("b", 2), ("c", "x")]
    assert merge(None, {"c": "x"}) == {"c": "x"}
