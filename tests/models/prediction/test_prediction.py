"""Files of each format, predicted by a worker of this Python."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from mlproj.foundation.errors import UsageError
from mlproj.models.prediction.request import InvalidData
from mlproj.models.scoring.worker_process import WorkerProcess
from tests.models.prediction.folders import Asked, code_model, column, loaded, worker

ROWS = [{"a": 0.5, "b": 1}, {"a": 1.5, "b": 2}, {"a": 2.5, "b": 3}]
SUMS = [1.5, 3.5, 5.5]
FORMATS = ("csv", "parquet", "json", "jsonl", "arrow")


Load = Callable[..., Asked]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with worker(tmp_path_factory.mktemp("worker")) as started:
        yield started


@pytest.fixture
def load(process: WorkerProcess, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Loads a model of :func:`code_model`'s arguments."""
    return lambda *arguments: loaded(process, code_model(tmp_path_factory.mktemp("model") / "m", *arguments))


@pytest.fixture
def adding(load: Load) -> Asked:
    return load()


def write(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    """The rows as a file of the format that *path* ends with."""
    kind = path.suffix[1:]
    if kind == "csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "json":
        path.write_text(json.dumps(rows))
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        feather.write_feather(pa.Table.from_pylist(rows), str(path))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of an output file."""
    kind = path.suffix[1:]
    if kind == "csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    if kind == "jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    table = parquet.read_table(path) if kind == "parquet" else feather.read_table(str(path))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("output", FORMATS)
def test_each_format_is_read_and_each_is_written(adding: Asked, tmp_path: Path, kind: str, output: str) -> None:
    target = tmp_path / f"out.{output}"
    done = adding.predict(write(tmp_path / f"data.{kind}"), target, rows=2)
    assert done.rows == 3
    if output == "json":
        assert target.read_text() == json.dumps({"predictions": SUMS})
    else:
        assert [float(row["prediction"]) for row in read(target)] == SUMS
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("output", ["csv", "jsonl", "parquet", "arrow"])
def test_the_inputs_stand_before_the_predictions(adding: Asked, tmp_path: Path, kind: str, output: str) -> None:
    rows = [{"id": f"00{number}", **row} for number, row in enumerate(ROWS)]
    target = tmp_path / f"out.{output}"
    adding.predict(write(tmp_path / f"data.{kind}", rows), target, rows=2, with_inputs=True)
    expected = [{**row, "prediction": total} for row, total in zip(rows, SUMS, strict=True)]
    if kind == "json":  # the model's own columns, which are all that is known of a document
        expected = [{name: value for name, value in row.items() if name != "id"} for row in expected]
    if output == "csv":
        expected = [{name: str(value) for name, value in row.items()} for row in expected]
    assert read(target) == expected


def test_a_csv_file_keeps_its_texts_beside_the_predictions(adding: Asked, tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_text('id,a,b,note\n007,1.50,+1,"a ""b"", c"\n008,NA,2,"two\nlines"\n')
    adding.predict(source, tmp_path / "out.csv", with_inputs=True)
    assert (tmp_path / "out.csv").read_text() == (
        'id,a,b,note,prediction\n007,1.50,+1,"a ""b"", c",2.5\n008,NA,2,"two\nlines",\n'
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a,b\n1,1\n1,x\n", "data.csv:3: column 'b': 'x' is no long"),
        ("a,b\n1,1\n\n1,2.5\n", "data.csv:4: column 'b': '2.5' is no long"),
        ("a,b\n1,1\n1,\n", "data.csv:3: column 'b': '' is no long"),
        ("a,b\n1,99999999999999999999\n", "data.csv:2: column 'b': '99999999999999999999' is no long"),
        ("a,b\n1,1\ny,1\n", "data.csv:3: column 'a': 'y' is no double"),
        ("a,b,c\n1,1,1\n1,1\n", "data.csv:3: 2 fields where the header has 3"),
        ("a,b\n1,1,1\n", "data.csv:2: 3 fields where the header has 2"),
        ("a,b\n1,1\n1,1,1\n2\n", "data.csv:3: 3 fields where the header has 2"),
        ('a,b\n1,"1"\n1,"1\n2', "data.csv:3: a quoted field does not end"),
        ("a,a\n1,1\n", "data.csv:1: column 'a' is there twice"),
        ("", "data.csv: there is nothing in it, not even a header"),
        ("a\n1\n", "data.csv, from line 2: Model is missing inputs ['b']."),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_told_with_its_line_and_column(
    adding: Asked, tmp_path: Path, text: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(text)
    Path("out.csv").write_text("before")
    for rows in (1, 50_000):
        with pytest.raises(InvalidData) as caught:
            adding.predict(Path("data.csv"), Path("out.csv"), rows=rows)
        assert str(caught.value) == place or rows == 1
        assert str(caught.value).partition(", from")[0] == place.partition(", from")[0]
    assert Path("out.csv").read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.csv", "out.csv"]


def test_a_csv_file_that_is_no_utf8_is_told_with_its_line(adding: Asked, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"a,b,c\n1,1,x\n1,1,\xff\n")
    with pytest.raises(InvalidData, match=r"data.csv:3: it is not UTF-8"):
        adding.predict(tmp_path / "data.csv", tmp_path / "out.csv")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_lines_of_every_system_are_read(adding: Asked, tmp_path: Path, newline: str, bom: str) -> None:
    lines = ["a,b,c", '1,1,"x"', f'2,2,"y{newline}""z"', '3,3,5" pipe', "4,4,"]
    (tmp_path / "data.csv").write_bytes((bom + newline.join(lines)).encode())
    for rows in (1, 2, 3, 100):
        assert adding.predict(tmp_path / "data.csv", tmp_path / "out.json", rows=rows).rows == 4
        assert json.loads((tmp_path / "out.json").read_text()) == {"predictions": [2, 4, 6, 8]}


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (['{"a": 1, "b": 1}', "{"], "data.jsonl:2: it is no JSON"),
        (['{"a": 1, "b": 1}', "", '{"a": "x", "b": 1}'], "data.jsonl:3: .*Failed to convert column a"),
        (['{"a": 1, "b": 1}', '{"a": 1, "b": null}'], "data.jsonl:2: .*Failed to convert column b"),
    ],
)
def test_what_is_wrong_in_json_lines_is_told_with_its_line(
    adding: Asked, tmp_path: Path, lines: list[str], place: str
) -> None:
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    with pytest.raises(InvalidData, match=place):
        adding.predict(tmp_path / "data.jsonl", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_column_that_mlflow_refuses_is_refused_with_its_reason(adding: Asked, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="column a. Can not safely convert int64 to float64") as caught:
        adding.predict(write(tmp_path / "data.parquet", [{"a": 5, "b": 1}, {"a": 6, "b": 1}]), tmp_path / "out.csv")
    assert "schema of data" not in str(caught.value)
    # Whole numbers that are all 0 or 1 are taken, so the first that is not is the one to blame.
    with pytest.raises(InvalidData, match="row 3: Incompatible input types for column a"):
        rows = [{"a": number, "b": 1} for number in (0, 1, 7, 1)]
        adding.predict(write(tmp_path / "data.parquet", rows), tmp_path / "out.csv")


def test_gaps_make_a_column_of_another_type_in_all_of_the_file(adding: Asked, tmp_path: Path) -> None:
    """As pandas reads it: then whole numbers fit a double, and do not fit a long, wherever the gap is."""
    for name in ("data.parquet", "data.arrow"):
        adding.predict(
            write(tmp_path / name, [{"a": 5, "b": 1}, {"a": 6, "b": 1}, {"a": None, "b": 1}]),
            tmp_path / "out.jsonl",
            rows=1,
        )
        found = [row["prediction"] for row in read(tmp_path / "out.jsonl")]
        assert found[:2] == [6.0, 7.0]
        assert found[2] is None
        source = write(tmp_path / name, [{"a": 5.0, "b": 1}, {"a": 6.0, "b": None}])
        with pytest.raises(InvalidData, match=f"{name}, row 2: column 'b': there is no value"):
            adding.predict(source, tmp_path / "out.csv", rows=1)


def test_files_that_are_broken_are_told(adding: Asked, tmp_path: Path) -> None:
    whole = write(tmp_path / "data.parquet").read_bytes()
    for name, content, words in (
        ("cut.parquet", whole[: len(whole) // 2], "it is no Parquet file"),
        ("text.parquet", b"a,b\n", "it is no Parquet file"),
        ("text.arrow", b"a,b\n", "it is no Arrow data"),
        ("text.json", b"{", "it is no JSON"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidData, match=f"{name}: {words}"):
            adding.predict(tmp_path / name, tmp_path / "out.csv")


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": {"columns": ["b", "a"], "data": [[1, 0.5], [2, 1.5], [3, 2.5]]}},
        {"dataframe_records": ROWS},
        {"inputs": {"a": [0.5, 1.5, 2.5], "b": [1, 2, 3]}},
        {"instances": ROWS},
        {"columns": ["a", "b"], "data": [[0.5, 1], [1.5, 2], [2.5, 3]]},
        ROWS,
    ],
)
def test_a_json_document_has_any_form_of_mlflow(adding: Asked, tmp_path: Path, document: Any) -> None:
    (tmp_path / "data.json").write_text(json.dumps(document))
    adding.predict(tmp_path / "data.json", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == {"predictions": SUMS}


def test_a_json_document_has_a_limit_that_is_said(
    adding: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlproj.models.prediction.inputs.json_input.LARGEST_DOCUMENT", 20)
    with pytest.raises(InvalidData, match="may have .* MiB; this one has more") as caught:
        adding.predict(write(tmp_path / "data.json"), tmp_path / "out.json")
    assert ".jsonl" in str(caught.value.hint)


TYPES = {
    "boolean": [True, False],
    "integer": [1, -(2**31)],
    "long": [1, 2**62],
    "float": [0.5, -1.0],
    "double": [0.1, 1e300],
    "string": ['é, "x"', "NULLx"],
    "binary": [b"\x00\xff", b"x"],
    "datetime": [datetime.datetime(2024, 1, 2, 3, 4, 5, 678901), datetime.datetime(1969, 12, 31, 0, 0, 0, 1)],
}
SHOW = "return [repr([row, str(data[name].dtype)]) for name in data.columns for row in data[name].tolist()]"


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_a_signature_comes_from_every_format_alike(load: Load, tmp_path: Path, kind: str) -> None:
    values = TYPES[kind]
    arrow = {"integer": pa.int32(), "float": pa.float32()}.get(kind)
    texts = [
        base64_of(value) if isinstance(value, bytes) else value.isoformat() if kind == "datetime" else value
        for value in values
    ]
    parquet.write_table(pa.table({"x": pa.array(values, arrow)}), tmp_path / "data.parquet")
    write(tmp_path / "data.csv", [{"x": text} for text in texts])
    write(tmp_path / "data.jsonl", [{"x": text} for text in texts])
    model = load(SHOW, [column("x", kind)])
    found = []
    for name in ("data.parquet", "data.csv", "data.jsonl"):
        model.predict(tmp_path / name, tmp_path / "out.json")
        found.append([row.replace("'str'", "'object'") for row in predictions(tmp_path / "out.json")])
    assert found[0] == found[1] == found[2]
    assert repr(values[0]) in found[0][0] or kind == "datetime"


def base64_of(value: bytes) -> str:
    import base64

    return base64.b64encode(value).decode()


def predictions(file: Path) -> list[Any]:
    found: list[Any] = json.loads(file.read_text())["predictions"]
    return found


def test_nested_values_come_from_parquet_as_pandas_has_them(load: Load, tmp_path: Path) -> None:
    rows = [
        {"l": [1.0, 2.0], "s": {"p": "x", "q": 1}, "d": Decimal("1.50"), "t": datetime.date(2024, 1, 2), "n": None},
        {"l": [], "s": {"p": None, "q": 2}, "d": None, "t": None, "n": None},
    ]
    write(tmp_path / "data.parquet", rows)
    table = parquet.read_table(tmp_path / "data.parquet")
    labels = pa.array(["u", None]).dictionary_encode()
    parquet.write_table(table.append_column("c", labels), tmp_path / "data.parquet")
    body = "return [repr([v.tolist() if hasattr(v, 'tolist') else v for v in row]) for row in data.to_numpy(object)]"
    model = load(body, None)
    model.predict(tmp_path / "data.parquet", tmp_path / "out.json")
    expected = table.append_column("c", labels).to_pandas().to_numpy(object)
    assert predictions(tmp_path / "out.json") == [
        repr([value.tolist() if hasattr(value, "tolist") else value for value in row]) for row in expected
    ]


def test_objects_and_arrays_of_a_signature_are_enforced_with_their_row(load: Load, tmp_path: Path) -> None:
    inputs = [
        {"type": "array", "items": {"type": "double"}, "name": "v", "required": True},
        {"type": "object", "properties": {"p": {"type": "string", "required": True}}, "name": "o", "required": True},
    ]
    rows = [{"v": [0.5, 1.5], "o": {"p": "x"}}, {"v": [2.0], "o": {"p": "y"}}]
    model = load('return [sum(v) for v in data["v"]]', inputs)
    write(tmp_path / "data.csv", [{name: json.dumps(value) for name, value in row.items()} for row in rows])
    for name in ("data.csv", "data.jsonl", "data.parquet", "data.json"):
        source = tmp_path / name if name == "data.csv" else write(tmp_path / name, rows)
        model.predict(source, tmp_path / "out.json")
        assert predictions(tmp_path / "out.json") == [2.0, 2.0]
    bad = [rows[0], rows[1], {"v": [1.0], "o": {"q": "y"}}]
    with pytest.raises(InvalidData, match=r"data.jsonl:3: .*Missing required properties: {'p'}"):
        model.predict(write(tmp_path / "data.jsonl", bad), tmp_path / "out.json")
    write(tmp_path / "data.csv", [{"v": "[1.0]", "o": '{"p": "x"}'}, {"v": "[", "o": '{"p": "x"}'}])
    with pytest.raises(InvalidData, match=r"data.csv:3: column 'v': '\[' is no JSON value"):
        model.predict(tmp_path / "data.csv", tmp_path / "out.json")


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_tensors_come_from_the_columns_of_a_table(load: Load, tmp_path: Path, kind: str) -> None:
    inputs = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
    model = load("return data * 2", inputs)
    rows: Any = [{"x": 1.5, "y": 2.5}, {"x": 3.0, "y": 4.0}]
    source = tmp_path / f"data.{kind}"
    if kind == "jsonl":
        source.write_text("[1.5, 2.5]\n[3, 4]\n")
    else:
        write(source, rows)
    model.predict(source, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "prediction_0,prediction_1\n3.0,5.0\n6.0,8.0\n"
    model.predict(source, tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet") == [{"prediction": [3.0, 5.0]}, {"prediction": [6.0, 8.0]}]


ANSWERS = {
    "frame": 'return pd.DataFrame({"p": data["a"] * 2, "label": ["x"] * len(data)})',
    "series": 'return (data["a"] * 2).rename("p")',
    "list": 'return [{"p": float(v), "label": None} for v in data["a"] * 2]',
    "arrays": 'return {"p": (data["a"] * 2).to_numpy(), "label": np.array(["x"] * len(data))}',
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_of_each_kind_become_columns(load: Load, tmp_path: Path, answer: str) -> None:
    model = load(ANSWERS[answer])
    source = write(tmp_path / "data.csv")
    for output in ("csv", "jsonl", "parquet", "arrow"):
        model.predict(source, tmp_path / f"out.{output}", rows=2)
        assert [float(row["p"]) for row in read(tmp_path / f"out.{output}")] == [1.0, 3.0, 5.0]
    model.predict(source, tmp_path / "out.json", rows=2)
    found = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert (
        found
        == {
            "frame": [{"p": value, "label": "x"} for value in (1.0, 3.0, 5.0)],
            "series": [{"p": value} for value in (1.0, 3.0, 5.0)],
            "list": [{"p": value, "label": None} for value in (1.0, 3.0, 5.0)],
            "arrays": {"p": [1.0, 3.0, 5.0], "label": ["x", "x", "x"]},
        }[answer]
    )


def test_a_column_of_the_answer_that_the_input_has_gets_another_name(load: Load, tmp_path: Path) -> None:
    model = load('return pd.DataFrame({"a": data["a"] * 2})')
    for kind in ("csv", "parquet", "jsonl"):
        source = write(tmp_path / f"data.{kind}")
        for output in ("csv", "parquet", "jsonl"):
            model.predict(source, tmp_path / f"out.{output}", with_inputs=True)
            assert list(read(tmp_path / f"out.{output}")[0]) == ["a", "b", "prediction_a"]


def test_a_model_that_gives_no_answer_for_each_row_is_asked_with_all_rows_or_not_at_all(
    load: Load, tmp_path: Path
) -> None:
    model = load('return [float(data["a"].sum())]')
    source = write(tmp_path / "data.csv")
    model.predict(source, tmp_path / "out.json", rows=3)
    assert predictions(tmp_path / "out.json") == [4.5]
    with pytest.raises(InvalidData, match="1 answers for 2 rows, so it must be asked with all rows at once"):
        model.predict(source, tmp_path / "out.json", rows=2)


def test_what_the_model_raises_is_told_with_the_row(load: Load, tmp_path: Path) -> None:
    body = 'if (data["b"] == 2).any():\n    raise ValueError("no twos")\nreturn data["a"]'
    model = load(body)
    for name, place in (("data.csv", "from line 2"), ("data.parquet", "row 2"), ("data.jsonl", "from line 1")):
        with pytest.raises(InvalidData, match=f"{name}, {place}: the model fails: ValueError: no twos") as caught:
            model.predict(write(tmp_path / name), tmp_path / "out.csv")
        assert "no twos" in caught.value.traceback
    model.predict(write(tmp_path / "data.csv", ROWS[:1]), tmp_path / "out.csv")  # it is asked on


def test_without_a_signature_types_are_those_of_the_rows_before(load: Load, tmp_path: Path) -> None:
    model = load('return [str(data["x"].dtype)] * len(data)', None)
    for lines, types in (
        (["1", "2", "3.5"], ["int64", "int64", "float64"]),
        (["1.5", "2", "3"], ["float64"] * 3),
        (["", "2", "3"], ["float64", "int64", "int64"]),
    ):
        (tmp_path / "data.csv").write_text("\n".join(["x,y", *(f"{line},z" for line in lines)]))
        model.predict(tmp_path / "data.csv", tmp_path / "out.json", rows=1)
        assert predictions(tmp_path / "out.json") == types
    (tmp_path / "data.csv").write_text("x\n1\n2\nz\n")
    with pytest.raises(InvalidData, match="data.csv:4: column 'x': 'z' is no long, as the rows before are"):
        model.predict(tmp_path / "data.csv", tmp_path / "out.json", rows=1)


def test_a_file_without_rows_gives_a_file_without_rows(adding: Asked, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n")
    for output in FORMATS:
        assert adding.predict(tmp_path / "data.csv", tmp_path / f"out.{output}").rows == 0
    assert json.loads((tmp_path / "out.json").read_text()) == {"predictions": []}
    assert read(tmp_path / "out.parquet") == []


def test_only_the_columns_that_are_asked_for_are_sent(adding: Asked, tmp_path: Path) -> None:
    """A column that could not even be sent to the model is none of its business."""
    table = pa.table({"a": [0.5], "z": pa.array([1], pa.time64("ns")), "b": [1]})
    parquet.write_table(table, tmp_path / "data.parquet")
    adding.predict(tmp_path / "data.parquet", tmp_path / "out.json")
    assert predictions(tmp_path / "out.json") == [1.5]
    adding.predict(tmp_path / "data.parquet", tmp_path / "out.parquet", with_inputs=True)
    assert parquet.read_table(tmp_path / "out.parquet").column("z").type == pa.time64("ns")


def test_pandas_index_is_no_column(load: Load, tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"a": [1.0, 2.0]}, index=["x", "y"]).to_parquet(tmp_path / "data.parquet")
    model = load("return [','.join(data.columns)] * len(data)", None)
    model.predict(tmp_path / "data.parquet", tmp_path / "out.json")
    assert predictions(tmp_path / "out.json") == ["a", "a"]


def test_what_is_missing_for_a_format_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from mlproj.models.prediction import inputs, outputs
    from mlproj.models.prediction.request import PredictionRequest

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for check, request in (
        (inputs.check, PredictionRequest("data.parquet", "out.csv", "parquet", "csv")),
        (outputs.check, PredictionRequest("data.csv", "out.arrow", "csv", "arrow")),
    ):
        with pytest.raises(UsageError, match="takes pyarrow") as caught:
            check(request)
        assert caught.value.hint == "pip install 'mlproj[predict]'"


ODD = {
    "half": ("np.array([0.5, 1.5, 2.5], 'float16')", [0.5, 1.5, 2.5]),
    "long double": ("np.array([0.5, 1.5, 2.5], 'longdouble')", [0.5, 1.5, 2.5]),
    "big endian": ("np.array([1, 2, 3], '>i4')", [1, 2, 3]),
    "small": ("np.array([1, 2, 3], 'int8')", [1, 2, 3]),
    "truths": ("np.array([True, False, True])", [True, False, True]),
    "days": ("np.array(['2024-01-01', 'NaT', '2024-01-03'], 'M8[D]')", [datetime.date(2024, 1, 1), None]),
    "texts": ("np.array(['a', 'é', ''])", ["a", "é", ""]),
    "bytes": ("np.array([b'a', b'b', b'c'])", [b"a", b"b", b"c"]),
    "gaps": ("pd.array([1, None, 3], 'Int64')", [1, None, 3]),
    "categories": ("pd.Series(['x', None, 'x'], dtype='category')", ["x", None, "x"]),
    "zones": ("pd.Series(pd.date_range('2024', periods=3, tz='Asia/Tokyo'))", []),
    "nested": ("[[1, 2], [], None]", [[1, 2], [], None]),
    "mixed": ("[1, 'a', None]", ["1", '"a"', None]),
    "cubes": ("np.arange(12).reshape(3, 2, 2)", [[[0, 1], [2, 3]]]),
    "fortran": ("np.asfortranarray(np.arange(6).reshape(3, 2))", [[0, 1], [2, 3], [4, 5]]),
    "sparse": ("__import__('types').SimpleNamespace(nnz=1, toarray=lambda: np.eye(3)[:, :1])", [[1.0], [0.0], [0.0]]),
}


@pytest.mark.parametrize("kind", ODD)
def test_answers_of_odd_types_are_written_in_every_format(load: Load, tmp_path: Path, kind: str) -> None:
    code, values = ODD[kind]
    model = load(f"return {code}", None)
    for output in FORMATS:
        model.predict(write(tmp_path / "data.csv"), tmp_path / f"out.{output}")
    found = [row["prediction"] for row in read(tmp_path / "out.parquet")]
    found = [one.date() if kind == "days" and one else one for one in found]
    assert found[: len(values)] == values
    assert len(read(tmp_path / "out.csv")) == len(read(tmp_path / "out.jsonl")) == 3


@pytest.mark.parametrize(
    "code", ["{1, 2, 3}", "(v for v in [1, 2, 3])", "None", "'text'", "[object()] * 3", "[1j] * 3"]
)
def test_answers_that_no_file_can_have_are_told(load: Load, tmp_path: Path, code: str) -> None:
    model = load(f"return {code}", None)
    for output in FORMATS:
        if output == "json" and code in ("None", "'text'"):
            model.predict(write(tmp_path / "data.csv"), tmp_path / "out.json")
            continue
        with pytest.raises(InvalidData, match="the model's answer"):
            model.predict(write(tmp_path / "data.csv"), tmp_path / f"out.{output}")


def test_columns_without_names_are_taken_by_their_place(load: Load, tmp_path: Path) -> None:
    inputs = [{"type": "double", "required": True}, {"type": "long", "required": True}]
    model = load("return data.iloc[:, 0] + data.iloc[:, 1]", inputs)
    for kind in ("csv", "parquet"):
        model.predict(write(tmp_path / f"data.{kind}"), tmp_path / "out.csv", rows=2)
        assert (tmp_path / "out.csv").read_text() == "prediction\n1.5\n3.5\n5.5\n"
    (tmp_path / "data.jsonl").write_text("[0.5, 1]\n[1.5, 2]\n")
    model.predict(tmp_path / "data.jsonl", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "prediction\n1.5\n3.5\n"


def test_decimals_and_gaps_stand_beside_the_predictions(load: Load, tmp_path: Path) -> None:
    rows = [{"a": 0.5, "b": 1, "d": Decimal("1.50"), "n": float("nan")}, {"a": 1.5, "b": 2, "d": None, "n": 1.0}]
    source = write(tmp_path / "data.parquet", rows)
    model = load()
    model.predict(source, tmp_path / "out.jsonl", with_inputs=True)
    assert [(row["d"], row["n"]) for row in read(tmp_path / "out.jsonl")] == [("1.50", None), (None, 1.0)]
    model.predict(source, tmp_path / "out.csv", with_inputs=True)
    assert (tmp_path / "out.csv").read_text() == "a,b,d,n,prediction\n0.5,1,1.50,,1.5\n1.5,2,,1.0,3.5\n"
