"""What a conda file was solved to before, so that a second run asks no channel and loads no solver."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mlproj.environments.base import Declaration, Request
from mlproj.environments.conda.locked import Package
from mlproj.environments.conda.requested import Requested
from mlproj.environments.conda.tool import RATTLER
from mlproj.environments.python import key
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass

_FORMAT = 3
_SHORT = 3600.0  # seconds that it is kept that there is no solution


@dataclass(frozen=True)
class Solved:
    """Packages for a ``platform``, the UTC moment they are as of (None: when they were solved) and why; ``tool`` found
    them and installs them."""

    packages: tuple[Package, ...]
    platform: str
    moment: datetime | None
    as_of_reason: str
    notes: tuple[str, ...] = ()
    tool: str = RATTLER


@dataclass(frozen=True)
class Unsolved:
    """Why there are no packages, in a line for people."""

    reason: str


class SolutionCache:
    """The place where the answer to one question is kept."""

    def __init__(self, request: Request, declaration: Declaration, requested: Requested, tools: Sequence[str]) -> None:
        content = {
            "format": _FORMAT,
            "tools": tools,
            "channels": requested.channels,
            "specs": requested.specs,
            "explicit": requested.explicit,
            "request": [request.as_of, request.time_travel, str(request.commit_date)],
            "file": str(declaration.file).replace(str(request.root), "<root>"),
            "virtual": {name: value for name, value in os.environ.items() if name.startswith("CONDA_OVERRIDE_")},
        }
        self._file = paths.cache() / "decisions" / f"conda-{key.digest(content)}.json"
        # Without network, or with a login that was mended, the same question may have another answer in a moment.
        self._is_not_kept = request.offline or bool(requested.credentials)

    def recall(self) -> Solved | Unsolved | None:
        """The answer, None when there is none that can be read or it is too old."""
        try:
            kept = json.loads(self._file.read_bytes())
            return _unsolved(kept) if "unsolved" in kept else _solved(kept)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, answer: Solved | Unsolved) -> None:
        """Keep the answer; for a short time when it is that there is none."""
        if isinstance(answer, Solved):
            paths.write_atomic(self._file, json.dumps(_document(answer)))
        elif not self._is_not_kept:
            paths.write_atomic(self._file, json.dumps({"unsolved": answer.reason, "when": time.time()}))


def _unsolved(kept: Mapping[str, Any]) -> Unsolved | None:
    return Unsolved(str(kept["unsolved"])) if 0 <= time.time() - float(kept["when"]) < _SHORT else None


def _solved(kept: Mapping[str, Any]) -> Solved:
    packages = tuple(Package(one["url"], one["channel"], one["record"]) for one in kept["packages"])
    moment = datetime.fromisoformat(kept["moment"]) if kept["moment"] else None
    return Solved(packages, kept["platform"], moment, kept["as_of_reason"], tuple(kept["notes"]), kept["tool"])


def _document(solved: Solved) -> dict[str, Any]:
    return {
        "packages": [{"url": one.url, "channel": one.channel, "record": one.record} for one in solved.packages],
        "platform": solved.platform,
        "moment": solved.moment.isoformat() if solved.moment else None,
        "as_of_reason": solved.as_of_reason,
        "notes": solved.notes,
        "tool": solved.tool,
    }
