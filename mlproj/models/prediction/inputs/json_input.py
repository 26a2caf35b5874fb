"""One JSON document, in a form that MLflow's server takes or a list of rows; asked whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlproj.foundation.errors import Place
from mlproj.models.prediction.inputs.opened_input import OpenedInput
from mlproj.models.prediction.portion import Portion, by_row
from mlproj.models.prediction.request import LARGEST_DOCUMENT, InvalidData, PredictionRequest
from mlproj.models.signature import Signature


class JsonInput:
    """A document, which has a limit because it is in memory as a whole."""

    def __init__(self, _request: PredictionRequest, opened: OpenedInput, _signature: Signature | None) -> None:
        self._opened = opened

    def portions(self) -> Iterator[Portion]:
        """The document, as one portion."""
        content = self._opened.read(LARGEST_DOCUMENT + 1)
        name = self._opened.name
        if len(content) > LARGEST_DOCUMENT:
            raise InvalidData(
                f"a JSON document may have {LARGEST_DOCUMENT >> 20} MiB; this one has more",
                place=Place(name),
                hint="write a JSON object for each row on a line of its own (.jsonl), which has no limit",
            )
        try:
            document = as_document(json.loads(content))
        except (ValueError, RecursionError) as error:
            raise InvalidData(f"it is no JSON: {error}", place=Place(name)) from None
        yield Portion({"form": "json"}, [json.dumps(document).encode()], by_row(name, 1))


def as_document(found: Any) -> Any:
    """*found* in the form of MLflow 2 and 3: a list of rows is ``dataframe_records``, a bare table
    ``dataframe_split``."""
    if isinstance(found, list):
        return {"dataframe_records" if found and all(isinstance(row, dict) for row in found) else "inputs": found}
    if isinstance(found, dict) and {"data"} <= found.keys() <= {"data", "columns", "index"}:
        return {"dataframe_split": found}
    return found
