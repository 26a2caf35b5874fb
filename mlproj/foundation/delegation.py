"""Methods that hand a call on: ``log = delegated(Runs.log, "_store")`` in the body of a class."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


def delegated(
    method: Callable[Concatenate[Any, Given], Result], attribute: str
) -> Callable[Concatenate[Any, Given], Result]:
    """A method of the name and signature of *method* that calls it of the object in *attribute*."""

    def call(self: Any, /, *values: Given.args, **named: Given.kwargs) -> Result:
        result: Result = getattr(getattr(self, attribute), method.__name__)(*values, **named)
        return result

    functools.update_wrapper(call, method)
    return call
