"""What was decided before for the same question, so that a second run asks no index and starts no process.

The question holds everything a decision rests upon; a kept answer is plain data and is checked by nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python.interpreter import Interpreter, stamp
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.sha256 import sha256

_FORMAT = 1


@dataclass(frozen=True)
class Decision:
    """The interpreter and the moment, each with its reason."""

    interpreter: Interpreter
    python_reason: str
    moment: datetime | None
    as_of_reason: str
    notes: tuple[str, ...]


def question(request: Request, declaration: Declaration, requirements: Requirements, index: Mapping[str, str]) -> str:
    """A digest of everything a decision rests upon: what is asked for, dates, indexes, and the interpreters there are.

    The commit's date stands for the dates of the declaration's files, which follow from the commit.
    """
    asked = {
        name: value for name, value in vars(requirements).items() if name not in ("notes", "warnings", "variables")
    }
    content: dict[str, Any] = {
        "format": _FORMAT,
        "asked": asked,
        "declaration": [declaration.kind, declaration.file],
        "request": [request.as_of, request.time_travel, request.commit_date, request.manager, request.locked],
        "index": dict(index),
        "interpreters": stamp(),
    }
    text = json.dumps(content, sort_keys=True, default=str).replace(str(request.root), "<root>")
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def recall(digest: str) -> Decision | None:
    """The answer kept for a question, None when there is none that can be read."""
    try:
        kept = json.loads(_file(digest).read_bytes())
        return Decision(
            interpreter=Interpreter(**kept["interpreter"]),
            python_reason=kept["python_reason"],
            moment=datetime.fromisoformat(kept["moment"]) if kept["moment"] else None,
            as_of_reason=kept["as_of_reason"],
            notes=tuple(kept["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(digest: str, decision: Decision) -> None:
    """Keep the answer to a question."""
    content = {
        **vars(decision),
        "interpreter": vars(decision.interpreter),
        "moment": decision.moment.isoformat() if decision.moment else None,
    }
    paths.write_atomic(_file(digest), json.dumps(content))


def _file(digest: str) -> Path:
    return paths.cache() / "decisions" / f"{digest}.json"
