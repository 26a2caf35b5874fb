"""Templates into pages. Whatever a project or a program wrote is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mlproj.foundation import quantity


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mlproj.server.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = lambda value: quantity.moment(value, seconds=True)
    environment.filters["size"] = quantity.size
    environment.filters["number"] = lambda value: f"{value:.6g}" if isinstance(value, float) else value
    environment.filters["took"] = lambda run: (
        quantity.duration(max(run.end_time - run.start_time, 0) / 1000)
        if run.end_time is not None and run.start_time is not None
        else ""
    )
    return environment


def render(name: str, **given: Any) -> str:
    """The page of the template called *name*."""
    text = _environment().get_template(name).render(**given)
    return text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair can be kept, and not be sent
