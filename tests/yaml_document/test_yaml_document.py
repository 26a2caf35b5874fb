"""YAML with places: what is given back, where it stands, and what hostile text does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlproj.foundation.errors import InvalidProject
from mlproj.yaml_document import MAX_SIZE, Document, load, parse


def refusal(text: str) -> InvalidProject:
    with pytest.raises(InvalidProject) as caught:
        parse(text, "file.yaml")
    return caught.value


SAMPLE = """\
name: x
entry_points:
  main:
    command: python train.py
    parameters: {alpha: {type: float, default: 0.5}}
python: 3.10
list:
  - 1
  - [a, b]
empty:
no: 1
"""


@pytest.fixture
def sample() -> Document:
    return parse(SAMPLE, "file.yaml")


class TestValuesAndPlaces:
    def test_values_are_those_of_safe_load(self, sample: Document) -> None:
        assert sample.value == yaml.safe_load(SAMPLE)

    @pytest.mark.parametrize(
        ("keys", "place"),
        [
            (("entry_points", "main", "command"), "file.yaml:4:14"),
            (("entry_points", "main", "parameters", "alpha", "default"), "file.yaml:5:48"),
            (("list", 1, 0), "file.yaml:9:6"),
            (("empty",), "file.yaml:10:1"),
            ((), "file.yaml:1:1"),
        ],
    )
    def test_a_value_has_a_place(self, sample: Document, keys: tuple[object, ...], place: str) -> None:
        assert str(sample.place(*keys)) == place

    def test_a_place_shows_its_line(self, sample: Document) -> None:
        assert sample.place("entry_points", "main", "command").text == "    command: python train.py"

    def test_a_place_shows_no_password(self) -> None:
        assert "s3cret" not in str(parse("a: [https://me:s3cret@host/x]", "f").place("a").text)

    def test_a_key_has_a_place(self, sample: Document) -> None:
        assert str(sample.key_place("entry_points", "main")) == "file.yaml:3:3"
        assert str(sample.key_place("list", 0)) == "file.yaml:8:5"

    def test_a_version_is_recovered_as_written(self, sample: Document) -> None:
        assert sample.value["python"] == 3.1
        assert sample.raw("python") == "3.10"
        with pytest.raises(KeyError):
            sample.raw("list")

    def test_a_key_that_yaml_takes_for_a_truth_value_is_recovered(self, sample: Document) -> None:
        assert sample.value[False] == 1
        assert sample.raw_key(False) == "no"
        with pytest.raises(KeyError):
            sample.raw_key("list", 0)

    def test_a_fragment_of_a_text_is_found(self, sample: Document) -> None:
        assert str(sample.find("train", "entry_points", "main", "command")) == "file.yaml:4:21"

    def test_a_fragment_that_is_written_otherwise_is_placed_at_its_text(self) -> None:
        assert str(parse('a: "x\\x7Bb}"', "f").find("{b}", "a")) == "f:1:4"

    def test_anchors_and_merges_work(self) -> None:
        document = parse("base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\ntwo: {<<: [*b, {z: 4}]}\nalias: *b\n", "f")

        assert document.value["one"] == {"x": 1, "y": 3}
        assert document.value["two"] == {"x": 1, "y": 2, "z": 4}
        assert str(document.place("one", "x")) == "f:1:14"
        assert document.value["alias"] is document.value["base"]

    @pytest.mark.parametrize(
        "text", ["a: 2024-01-02", "a: <<", "a: =", "a: .inf", "a: 0x1F", "a: ~", "a: 1_000", "a: 1:30"]
    )
    def test_scalars_are_read(self, text: str) -> None:
        assert set(parse(text, "f").value) == {"a"}


class TestFiles:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_encodings_with_a_mark_and_utf8_are_read(self, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "f").write_bytes("a: é\r\nb: 2\r\n".encode(encoding))

        document = load(tmp_path / "f", shown="shown")

        assert document.value == {"a": "é", "b": 2}
        assert str(document.place("b")) == "shown:2:4"

    def test_another_encoding_is_an_error_with_the_offset(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"a: 1\nb: \xe9")
        with pytest.raises(InvalidProject, match=r"f:2:4: .*byte 8 is 0xe9") as caught:
            load(tmp_path / "f")
        assert caught.value.hint == "save it as UTF-8"

    def test_broken_utf16_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"\xff\xfea\0\0\xd8")
        with pytest.raises(InvalidProject, match="not UTF-16 text"):
            load(tmp_path / "f")

    def test_a_missing_file_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidProject, match="does not exist"):
            load(tmp_path / "f")

    def test_a_folder_and_a_pipe_are_no_files(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path, tmp_path / "pipe"):
            with pytest.raises(InvalidProject, match="not a file"):
                load(path)

    def test_a_name_that_no_file_can_have_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidProject, match=r"no file name|does not exist"):
            load(tmp_path / "a\0b")
        with pytest.raises(InvalidProject, match="cannot be read"):
            load(tmp_path / ("x" * 5000))

    def test_a_huge_file_is_refused_unread(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"#" * (MAX_SIZE + 1))
        with pytest.raises(InvalidProject, match="larger than"):
            load(tmp_path / "f")


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "place", "said", "hint"),
        [
            ("", "1:1", "empty", None),
            ("# only a comment\n", "1:1", "empty", None),
            ("x:\n  type: int\n  default:10\n", "3:3", "expected 'key: value'", "write 'default: 10'"),
            ("a: 1\nword", "2:1", "expected 'key: value'", "with a space after the colon"),
            ("a:\n\tb: 1", "2:1", "a tab", "indent with spaces"),
            ("a: 1\n---\nb: 2", "2:1", "second document", "remove the line"),
            ("a: b: c", "1:5", "':' is not allowed", "quotes"),
            ("a: @b", "1:4", "cannot begin with '@'", "quotes"),
            ("name: {{ cookiecutter.name }}\n", "1:7", "a template", "render it first"),
            ("a: 1\n{% if x %}\n", "2:2", "a template", "render it first"),
            ("a: [1, 2", "1:4", "never closed", "close the"),
            ('a: "unclosed', "1:4", "never closed", "close the"),
            (
                "a: !!python/object/apply:os.system [id]",
                "1:4",
                "!!python/object/apply:os.system' is not allowed",
                "plain text",
            ),
            ("a: !custom x", "1:4", "'!custom' is not allowed", "plain text"),
            ("a: 2024-13-45", "1:4", "not the timestamp", "quotes"),
            ("a: !!int x", "1:4", "not the int", "quotes"),
            (f"a: {'9' * 5000}", "1:4", "not the int", "quotes"),
            ("a: &x [*x]", "1:4", "contains itself", None),
            ("a: &x {<<: *x}", "1:4", "contains itself", None),
            ("a: {<<: 1}", "1:9", "to merge", None),
            ("a: *nowhere", "1:4", "alias is defined nowhere", "quotes"),
            ("? [a]\n: b", "1:3", "a key must be a word", "quotes"),
            ("a: \x07", "1:4", "U+0007", "text file"),
            ("a: x\ud800", "1:5", "U+D800", "text file"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(self, text: str, place: str, said: str, hint: str | None) -> None:
        if text == f"a: {'9' * 5000}" and not hasattr(__import__("sys"), "get_int_max_str_digits"):
            pytest.skip("this Python reads integers of any length")
        error = refusal(text)

        assert str(error).startswith(f"file.yaml:{place}: ")
        assert said in error.message
        assert hint is None or hint in str(error.hint)

    @pytest.mark.parametrize(
        ("text", "value", "place", "said", "hint"),
        [
            (
                "a: 1\nb: 2\na: 3\n",
                {"a": 3, "b": 2},
                "3:1",
                "'a' is given twice, first at file.yaml:1:1, and the last one",
                "keep one",
            ),
            (
                "x: {type: int, default:10}",
                {"x": {"type": "int", "default:10": None}},
                "1:16",
                "without a value",
                "write 'default: 10'",
            ),
            ('x: {default "a"}', {"x": {'default "a"': None}}, "1:5", "without a value", "write 'default: \"a\"'"),
            ("a: !!set {b, c}", {"a": {"b": None, "c": None}}, "1:4", "'!!set' is ignored", "plain text"),
            ("a: !!binary aGk=", {"a": "aGk="}, "1:4", "'!!binary' is ignored", "plain text"),
            ("a: !!omap [b: 1]", {"a": [{"b": 1}]}, "1:4", "'!!omap' is ignored", "plain text"),
        ],
    )
    def test_what_other_readers_take_is_read_as_they_do_and_told(
        self, text: str, value: Any, place: str, said: str, hint: str
    ) -> None:
        document = parse(text, "file.yaml")

        (finding,) = document.findings
        assert document.value == value
        assert (str(finding.place), finding.is_error) == (f"file.yaml:{place}", True)
        assert said in finding.text
        assert hint in str(finding.hint)

    def test_json_is_yaml(self) -> None:
        assert parse('{"a":1,"b c":null}', "f").value == {"a": 1, "b c": None}

    def test_a_flow_set_is_no_lost_default(self) -> None:
        assert parse("a: {b, http://x}", "f").value == {"a": {"b": None, "http://x": None}}

    @pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
    def test_half_a_million_levels_are_refused_not_crashed_on(self, opening: str) -> None:
        assert "nested deeper" in refusal(opening * 300_000).message

    def test_an_alias_bomb_is_refused(self) -> None:
        lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
        lines += [
            f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        ]

        assert "more than 100000 values" in refusal("\n".join(lines)).message

    @given(st.text())
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            parse(text, "f")
        except InvalidProject as error:
            assert error.place is not None

    @given(st.text(alphabet="a:{}[]-,&*!|>'\"\n\t #?<1.%@`\\~="))
    def test_any_punctuation_is_read_or_refused(self, text: str) -> None:
        try:
            parse(text, "f")
        except InvalidProject as error:
            assert error.place is not None

    @given(st.binary())
    def test_any_bytes_are_read_or_refused(self, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
        path = tmp_path_factory.getbasetemp() / "bytes.yaml"
        path.write_bytes(data)
        try:
            load(path)
        except InvalidProject as error:
            assert error.place is not None

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=20,
        )
    )
    def test_what_yaml_writes_is_read_back(self, value: object) -> None:
        assert parse(yaml.safe_dump(value), "f").value == value
