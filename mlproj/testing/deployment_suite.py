"""What every target of deployments must do. A target's own tests subclass :class:`DeploymentSuite` and give it its
fixtures.

Name the module in ``pytest.register_assert_rewrite`` before it is imported, so that a failure shows its values.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress
from mlproj.models.deployments.base import Target, Wanted


class DeploymentSuite:
    """Give it fixtures ``target``, ``progress``, ``first`` and ``second`` (two images that answer, under one name of a
    deployment), ``broken`` (one that never does) and ``asked``, which returns what the model at a URL answers."""

    def test_options_are_named_and_explained(self, target: Target) -> None:
        for name, meaning in target.options.items():
            assert re.fullmatch(r"[a-z][a-z0-9_.-]*", name) and meaning.strip(), name

    def test_a_plan_makes_nothing(self, target: Target, first: Wanted) -> None:
        assert first.name in target.plan(first)

    def test_a_deployment_answers_is_replaced_and_removed(
        self,
        target: Target,
        progress: Progress,
        first: Wanted,
        second: Wanted,
        broken: Wanted,
        asked: Callable[[str], str],
    ) -> None:
        running = target.create(first, progress)
        try:
            assert all(isinstance(value, str) for value in running.handle.values())
            before = self._answer(running.url, asked)
            assert target.state(running).status == "ready"
            with pytest.raises(MlprojError):
                target.update(running, broken, progress)
            assert target.state(running).status == "ready" and self._answer(running.url, asked) == before
            running = target.update(running, second, progress)
            assert target.state(running).image_id in (second.image_id, None)
            assert before is None or self._answer(running.url, asked) != before
        finally:
            target.delete(running)
        assert target.state(running).status == "gone"
        target.delete(running)

    def test_what_never_answers_leaves_nothing(
        self, target: Target, progress: Progress, broken: Wanted, first: Wanted
    ) -> None:
        with pytest.raises(MlprojError):
            target.create(broken, progress)
        target.delete(target.create(first, progress))

    @staticmethod
    def _answer(url: str | None, asked: Callable[[str], str]) -> str | None:
        return None if url is None else asked(url)
