from __future__ import annotations

import bz2
import collections
import gzip
import json
import lzma
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mlproj.models import pickled


class Hostile:
    """Runs a program when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        import os

        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_names_are_read_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = [collections.OrderedDict(a=Fraction(1, 2)), Fraction(1, 3), collections.Counter("aab")]
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(content, protocol))
    found = pickled.imports(tmp_path / "m.pkl")
    assert found
    assert found.complete
    assert {"collections.OrderedDict", "collections.Counter", "fractions.Fraction"} <= set(found.names)
    assert "fractions" in found.modules


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_runs_a_program_is_named_and_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Hostile(marker), protocol))
    found = pickled.imports(tmp_path / "m.pkl")
    assert found
    assert found.dangerous in (("posix.system",), ("nt.system",))
    assert not marker.exists()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_pickles_are_read(tmp_path: Path, pack: Any) -> None:
    (tmp_path / "m.pkl").write_bytes(pack(pickle.dumps(Fraction(1, 2))))
    found = pickled.imports(tmp_path / "m.pkl")
    assert found
    assert found.names == ("fractions.Fraction",)


def test_a_second_pickle_behind_the_first_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Fraction(1, 2)) + pickle.dumps(collections.Counter()))
    found = pickled.imports(tmp_path / "m.pkl")
    assert found
    assert set(found.names) == {"fractions.Fraction", "collections.Counter"}


def test_a_pickle_that_breaks_off_tells_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([Fraction(1, 2), "x" * 1000])[:-500])
    found = pickled.imports(tmp_path / "m.pkl")
    assert found
    assert "fractions.Fraction" in found.names
    assert not found.complete


def test_a_file_that_is_no_pickle_is_none(tmp_path: Path) -> None:
    for name, content in {"a": b"", "b": b"N(artifact_path: x\n", "c": b"\x89PNG\r\n"}.items():
        (tmp_path / name).write_bytes(content)
        assert pickled.imports(tmp_path / name) is None


def test_torch_and_skops_archives_are_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Fraction(1, 2)))
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        nodes = {"__module__": "sklearn.svm", "__class__": "SVC", "content": [{"__module__": "a", "__class__": "B"}]}
        archive.writestr("schema.json", json.dumps(nodes))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("x.txt", "x")
    assert pickled.imports(tmp_path / "model.pt") == pickled.Imports(("fractions.Fraction",))
    assert pickled.imports(tmp_path / "model.skops") == pickled.Imports(("a.B", "sklearn.svm.SVC"))
    assert pickled.imports(tmp_path / "other.zip") is None


def test_what_unpacks_to_more_than_is_read_tells_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "_MOST_UNPACKED", 10_000)
    (tmp_path / "m.pkl").write_bytes(gzip.compress(pickle.dumps([Fraction(1, 2), bytes(1_000_000)])))
    assert pickled.imports(tmp_path / "m.pkl") == pickled.Imports(("fractions.Fraction",), complete=False)


def test_a_length_that_lies_takes_no_memory(tmp_path: Path) -> None:
    lie = b"\x8e" + (1 << 40).to_bytes(8, "little")  # BINBYTES8
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Fraction(1, 2))[:-1] + lie + b"x.")
    assert pickled.imports(tmp_path / "m.pkl") == pickled.Imports(("fractions.Fraction",), complete=False)
