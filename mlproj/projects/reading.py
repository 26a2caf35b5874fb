"""Taking a document apart: each accessor gives a value of the expected shape or says where another one stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import InvalidProject, Notice, Place, did_you_mean
from mlproj.yaml_document import Document

# Keys that MLflow ignores, that tools write and people use for themselves: no reason to warn anyone.
HARMLESS = frozenset({"description", "env_manager", "hooks", "required_covariates", "user_options"})


class Reader:
    """A document being read, and the warnings that came up on the way."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.warnings: list[Notice] = list(document.findings)

    def warn(self, message: str, place: Place, hint: str | None = None) -> None:
        """Note something that MLflow lets pass and that may not be what the author meant."""
        self.warnings.append(Notice(message, place, hint))

    def pass_over(self, message: str, *keys: Any, hint: str | None = None) -> None:
        """Note that the value at *keys* is wrong and as good as absent: an error for its author, none for MLflow."""
        self.warnings.append(Notice(f"{message}; it is ignored", self.document.place(*keys), hint, is_error=True))

    def error(self, message: str, *keys: Any, hint: str | None = None) -> InvalidProject:
        """An error about the value at *keys*."""
        return InvalidProject(message, place=self.document.place(*keys), hint=hint)

    def mapping(self, value: Any, what: str, example: str, *keys: Any) -> dict[Any, Any]:
        """*value*, found at *keys*, as a mapping. Raises InvalidProject."""
        if isinstance(value, dict):
            return value
        raise self.error(
            f"{what} is {describe(value)}, expected a mapping", *keys, hint=f"write for example: {example}"
        )

    def text(self, value: Any, what: str, *keys: Any) -> str:
        """*value*, found at *keys*, as text. Raises InvalidProject."""
        if isinstance(value, str):
            return value
        hint = (
            None
            if value is None or isinstance(value, (list, dict))
            else f"put it in quotes: {self.document.raw(*keys)!r}"
        )
        raise self.error(f"{what} is {describe(value)}, expected text", *keys, hint=hint)

    def name(self, what: str, *keys: Any) -> str:
        """The last of *keys*, a name, as it is written: YAML reads the names ``no`` and ``1`` as something else."""
        key = keys[-1]
        if isinstance(key, str):
            return key
        written = self.document.raw_key(*keys)
        self.warn(
            f"YAML reads the {what} {written} as {describe(key)}",
            self.document.key_place(*keys),
            f"write '{written}', in quotes",
        )
        return written

    def unknown_keys(
        self, mapping: dict[Any, Any], known: Sequence[str], *keys: Any, hints: Mapping[str, str] | None = None
    ) -> None:
        """Warn of keys that nobody reads, with the known one that was probably meant; *hints* has hints for some of
        them."""
        for key in mapping:
            if key in known or key in HARMLESS:
                continue
            guess = did_you_mean(str(key), tuple(known))
            hint = (hints or {}).get(str(key)) or (
                f"did you mean {guess!r}?" if guess else f"known here: {', '.join(known)}"
            )
            self.warn(f"the key {str(key)!r} is unknown and ignored", self.document.key_place(*keys, key), hint)


def describe(value: Any) -> str:
    """What *value* is, in the words of people who write YAML."""
    if value is None:
        return "left empty"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    return f"the date {value}"
