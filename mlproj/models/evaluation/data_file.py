"""The file of known answers, read whole: its columns, and what identifies it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlproj.foundation import content_hash, presence
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import SourceError, UsageError, did_you_mean

_FORMATS = (".csv", ".tsv", ".parquet", ".feather", ".arrow", ".jsonl", ".ndjson", ".json")
_PACKED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class Data:
    """``frame`` is a pandas DataFrame; ``sha256`` that of the file."""

    path: Path
    frame: Any
    sha256: str
    size: int

    def column(self, name: str) -> Any:
        """One column. Raises UsageError that says which there are."""
        if name not in self.frame.columns:
            known = [str(one) for one in self.frame.columns]
            guess = did_you_mean(name, known)
            shown = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
            raise UsageError(
                f"{self.path} has no column {name!r}; it has {shown}",
                hint=f"did you mean {guess!r}?" if guess else None,
            )
        return self.frame[name]


def load(path: Path, texts: frozenset[str] = frozenset()) -> Data:
    """The file *path*; columns named in *texts* are texts though they look like numbers (CSV does not say).

    Raises SourceError for a file that is not there, UsageError for one that cannot be read as its name says.
    """
    if not presence.is_file(path):
        raise SourceError(f"there is no file {path}")
    reader = _reader(path, texts)
    sha256, size = content_hash.measure(path)
    if sha256 is None or size is None:
        raise SourceError(f"{path} cannot be read")
    try:
        frame = reader()
    except ImportError:
        raise UsageError(f"reading {path} needs pyarrow", hint="pip install 'mlproj[evaluate]'") from None
    except (OSError, ValueError, LookupError, TypeError) as error:  # pandas and pyarrow raise their kinds of these
        raise UsageError(f"{path} cannot be read: {str(error)[:300]}") from None
    if not len(frame):
        raise UsageError(f"{path} has no rows")
    frame.columns = [str(name) for name in frame.columns]
    if twice := list(frame.columns[frame.columns.duplicated()]):
        raise UsageError(f"{path} has the column {twice[0]!r} more than once")
    return Data(path, frame, sha256, size)


def _reader(path: Path, texts: frozenset[str]) -> Callable[[], Any]:
    import pandas

    suffixes = [one for one in (suffix.lower() for suffix in path.suffixes) if one not in _PACKED]
    kind = suffixes[-1] if suffixes else ""
    as_text = dict.fromkeys(texts, str)
    readers: dict[str, Callable[[], Any]] = {
        ".csv": lambda: pandas.read_csv(path, dtype=as_text),
        ".tsv": lambda: pandas.read_csv(path, dtype=as_text, sep="\t"),
        ".parquet": lambda: pandas.read_parquet(path),
        ".feather": lambda: pandas.read_feather(path),
        ".arrow": lambda: pandas.read_feather(path),
        ".jsonl": lambda: _from_json_lines(path),
        ".ndjson": lambda: _from_json_lines(path),
        ".json": lambda: _from_json(path),
    }
    if kind not in readers:
        raise UsageError(f"{path}: the file's name must end in one of {', '.join(_FORMATS)}")
    return readers[kind]


def _from_json_lines(path: Path) -> Any:
    """A record on each line; pandas' reader would guess types and dates."""
    import json

    import pandas

    with path.open("rb") as file:
        return pandas.DataFrame([json.loads(line) for line in file if line.strip()])


def _from_json(path: Path) -> Any:
    """A list of records, a mapping of columns, or ``{"columns": …, "data": …}``."""
    import json

    import pandas

    found = json.loads(path.read_bytes())
    found = found.get("dataframe_split", found.get("dataframe_records", found)) if isinstance(found, dict) else found
    if isinstance(found, dict) and {"columns", "data"} <= found.keys():
        return pandas.DataFrame(found["data"], columns=found["columns"])
    return pandas.DataFrame(found)
