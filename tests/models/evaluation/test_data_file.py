from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mlproj.foundation.errors import SourceError, UsageError
from mlproj.models.evaluation import data_file


def read(folder: Path, name: str, content: str, texts: frozenset[str] = frozenset()) -> list[dict[str, object]]:
    (folder / name).write_text(content)
    found: list[dict[str, object]] = data_file.load(folder / name, texts).frame.to_dict("records")
    return found


def test_each_format_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]
    assert read(tmp_path, "a.csv", "x,y\n1,a\n2,b\n") == rows
    assert read(tmp_path, "a.tsv", "x\ty\n1\ta\n2\tb\n") == rows
    assert read(tmp_path, "a.jsonl", '{"x": 1, "y": "a"}\n{"x": 2, "y": "b"}\n') == rows
    assert read(tmp_path, "records.json", '[{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]') == rows
    assert read(tmp_path, "columns.json", '{"x": [1, 2], "y": ["a", "b"]}') == rows
    assert (
        read(tmp_path, "s.json", '{"dataframe_split": {"columns": ["x", "y"], "data": [[1, "a"], [2, "b"]]}}') == rows
    )
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "b.csv.gz", index=False)
    assert data_file.load(tmp_path / "b.csv.gz").frame.to_dict("records") == rows


def test_texts_that_look_like_numbers_stay_texts_where_the_model_takes_texts(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "x,y\n007,1\n", frozenset({"x", "absent"})) == [{"x": "007", "y": 1}]


def test_what_identifies_a_file_is_its_content(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n1\n")
    data = data_file.load(file)
    assert (len(data.sha256), data.size) == (64, 4)


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        ("none.csv", None, SourceError, "there is no file"),
        ("data.xlsx", "x", UsageError, "must end in one of .csv"),
        ("data", "x", UsageError, "must end in one of .csv"),
        ("empty.csv", "", UsageError, "cannot be read"),
        ("heads.csv", "x,y\n", UsageError, "has no rows"),
        ("ragged.csv", "x\n1\n1,2,3\n", UsageError, "cannot be read"),
        ("bad.json", "{", UsageError, "cannot be read"),
        ("number.json", "1", UsageError, "cannot be read"),
        ("ragged.json", '{"x": [1], "y": [1, 2]}', UsageError, "cannot be read"),
        ("twice.json", '{"columns": [1, "1"], "data": [[1, 2]]}', UsageError, "the column '1' more than once"),
        ("bad.jsonl", "{", UsageError, "cannot be read"),
        ("binary.csv", "\udcff\udcfe", UsageError, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_a_mistake(
    tmp_path: Path, name: str, content: str | None, kind: type[Exception], said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, errors="surrogateescape")
    with pytest.raises(kind, match=said):
        data_file.load(tmp_path / name)
