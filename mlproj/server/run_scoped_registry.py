"""The model registry as the program of one run may use it: it registers models and versions, and changes what it made
itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.server.call import ApiError
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.server.run_tree import PROGRAM, RunTree
from mlproj.tracking.base import Page
from mlproj.tracking.model_base import ModelRegistry, ModelVersion, RegisteredModel


class RunScopedRegistry(ModelRegistry):
    """The :class:`~mlproj.tracking.model_base.ModelRegistry` of one run's program, over *models*. Its methods are
    documented there.

    Other people's models and versions can be read, in a confined run not even that; to change one is an
    ApiError(PERMISSION_DENIED), unless it would be as it was. An alias may be moved to a version of the program's own,
    in a confined run only from another such version. *owns_model* tells whether a logged model is of the run tree.
    """

    def __init__(self, models: ModelRegistry, scoped: RunScopedStore, owns_model: Callable[[str], bool]) -> None:
        self._models = models
        self._run_tree: RunTree = scoped.run_tree
        self._confined = scoped.confined
        self._owns_model = owns_model
        self._names: set[str] = set()  # registered models that the program made
        self._versions: set[tuple[str, int]] = set()

    # What is the program's own.

    def _owns(self, version: ModelVersion) -> bool:
        if (version.name, version.version) in self._versions:
            return True
        return bool(version.run_id) and self._run_tree.owns(str(version.run_id))

    def _owns_whole(self, name: str) -> bool:
        """Whether the program made the registered model and everything in it."""
        if name not in self._names:
            return False
        quote = '"' if "'" in name else "'"
        filter = f"name = {quote}{name}{quote}"
        try:
            found = [*every(self._models.search_versions, filter=filter), *self._models.latest_versions(name)]
        except UsageError:  # a name that the search language cannot say
            return False
        return all(map(self._owns, found))

    def _known(self) -> set[str]:
        return self._names | {name for name, _ in self._versions}

    def _require_version(self, name: str, version: int) -> ModelVersion:
        found = self._models.get_version(name, version)
        return found if self._owns(found) else _refuse(f"Version {version} of the registered model {name!r:.80}")

    def _require_name(self, name: str) -> None:
        self._models.get_registered_model(name)
        if name not in self._names:
            _refuse(f"The registered model {name!r:.80}")

    def _readable(self, version: ModelVersion) -> ModelVersion:
        if self._confined and not self._owns(version):
            _refuse(f"Version {version.version} of the registered model {version.name!r:.80}")
        return version

    def _shown(self, model: RegisteredModel) -> RegisteredModel:
        """A registered model as a confined program sees it: with what it made itself."""
        if not self._confined:
            return model
        if model.name not in self._known():
            _refuse(f"The registered model {model.name!r:.80}")
        own = [version for version in model.latest_versions if self._owns(version)]
        aliases = {alias: number for alias, number in model.aliases.items() if (model.name, number) in self._versions}
        if model.name in self._names:
            return replace(model, latest_versions=own, aliases=aliases)
        return RegisteredModel(model.name, latest_versions=own, aliases=aliases)

    # Registered models.

    @override
    def create_registered_model(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        made = self._models.create_registered_model(name, description=description, tags=tags)
        self._names.add(made.name)
        return made

    @override
    def get_registered_model(self, name: str) -> RegisteredModel:
        return self._shown(self._models.get_registered_model(name))

    @override
    def search_registered_models(self, **asked: Any) -> Page[RegisteredModel]:
        if not self._confined:
            return self._models.search_registered_models(**asked)
        return Page(
            [
                self._shown(each)
                for each in every(self._models.search_registered_models, **asked)
                if each.name in self._known()
            ]
        )

    @override
    def update_registered_model(self, name: str, *, description: str) -> RegisteredModel:
        found = self._models.get_registered_model(name)
        if not self._confined and description == (found.description or ""):
            return found
        self._require_name(name)
        return self._models.update_registered_model(name, description=description)

    @override
    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        self._require_name(name)
        if not self._owns_whole(name):
            _refuse(f"A version of the registered model {name!r:.80}")
        renamed = self._models.rename_registered_model(name, new_name)
        self._names = self._names - {name} | {renamed.name}
        self._versions = {(renamed.name if each == name else each, number) for each, number in self._versions}
        return renamed

    @override
    def delete_registered_model(self, name: str) -> None:
        self._require_name(name)
        if not self._owns_whole(name):
            _refuse(f"A version of the registered model {name!r:.80}")
        self._models.delete_registered_model(name)
        self._names.discard(name)
        self._versions = {(each, number) for each, number in self._versions if each != name}

    @override
    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        if not self._confined and self._models.get_registered_model(name).tags.get(key) == value:
            return
        self._require_name(name)
        self._models.set_registered_model_tag(name, key, value)

    @override
    def delete_registered_model_tag(self, name: str, key: str) -> None:
        self._require_name(name)
        self._models.delete_registered_model_tag(name, key)

    # Aliases.

    @override
    def set_alias(self, name: str, alias: str, version: int) -> None:
        holder = self._holder(name, alias)
        if not self._confined and holder is not None and holder.version == version:
            return
        self._require_version(name, version)
        if self._confined and holder is not None and not self._owns(holder):
            _refuse(f"The alias {alias!r:.80} of the registered model {name!r:.80}")
        self._models.set_alias(name, alias, version)

    @override
    def delete_alias(self, name: str, alias: str) -> None:
        holder = self._holder(name, alias)
        if holder is not None and not self._owns(holder):
            _refuse(f"The alias {alias!r:.80} of the registered model {name!r:.80}")
        self._models.delete_alias(name, alias)

    def _holder(self, name: str, alias: str) -> ModelVersion | None:
        """The version that an alias stands for now."""
        number = self._models.get_registered_model(name).aliases.get(alias)
        return None if number is None else self._models.get_version(name, number)

    @override
    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        return self._readable(self._models.get_version_by_alias(name, alias))

    # Versions.

    @override
    def create_version(
        self, name: str, source: str, *, run_id: str | None = None, model_id: str | None = None, **more: Any
    ) -> ModelVersion:
        if self._confined:
            self._check_source(source, run_id, model_id)
        made = self._models.create_version(name, source, run_id=run_id, model_id=model_id, **more)
        self._versions.add((made.name, made.version))
        return made

    def _check_source(self, source: str, run_id: str | None, model_id: str | None) -> None:
        """Raise ApiError for a version of what a confined program may not read."""
        named = re.match(r"(runs|models):/+([^/@]+)(?:/(\d+)$)?", source)
        runs = {run_id, named[2] if named and named[1] == "runs" else None} - {None}
        logged = {model_id, named[2] if named and named[1] == "models" and named[2].startswith("m-") else None} - {None}
        for each in runs:
            self._run_tree.require(str(each))
        for each in logged:
            if not self._owns_model(str(each)):
                _refuse(f"The logged model {each:.80}")
        if named and named[1] == "models" and not logged:
            if named[3] is None:
                _refuse(f"The source {source!r:.200}")
            self._require_version(named[2], int(named[3]))

    @override
    def get_version(self, name: str, version: int) -> ModelVersion:
        return self._readable(self._models.get_version(name, version))

    @override
    def latest_versions(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        found = self._models.latest_versions(name, stages)
        return [version for version in found if self._owns(version)] if self._confined else found

    @override
    def search_versions(self, **asked: Any) -> Page[ModelVersion]:
        if not self._confined:
            return self._models.search_versions(**asked)
        return Page([version for version in every(self._models.search_versions, **asked) if self._owns(version)])

    @override
    def download_uri(self, name: str, version: int) -> str:
        if self._confined:
            self._require_version(name, version)
        return self._models.download_uri(name, version)

    @override
    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        found = self._models.get_version(name, version)
        if not self._confined and description == (found.description or ""):
            return found
        self._require_version(name, version)
        return self._models.update_version(name, version, description=description)

    @override
    def delete_version(self, name: str, version: int) -> None:
        self._require_version(name, version)
        self._models.delete_version(name, version)
        self._versions.discard((name, version))

    @override
    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        if not self._confined and self._models.get_version(name, version).tags.get(key) == value:
            return
        self._require_version(name, version)
        self._models.set_version_tag(name, version, key, value)

    @override
    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        self._require_version(name, version)
        self._models.delete_version_tag(name, version, key)

    @override
    def move_to_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        found = self._models.get_version(name, version)
        if not self._confined and not archive_others and found.stage.value.lower() == stage.lower():
            return found
        self._require_version(name, version)
        if archive_others and self._confined and not self._owns_whole(name):
            _refuse(f"A version of the registered model {name!r:.80}")
        return self._models.move_to_stage(name, version, stage, archive_others=archive_others)


def every(search: Callable[..., Page[Any]], **asked: Any) -> list[Any]:
    """Everything that a search finds, whatever page was asked for: a program's own things are few."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = search(**{**asked, "limit": 1000, "page_token": token})
        found += page.items
        token = page.next_page_token
        if token is None:
            return found


def _refuse(what: str) -> NoReturn:
    raise ApiError(
        "PERMISSION_DENIED",
        f"{what} is not of this program: {PROGRAM} may register models and versions, and change those that it made"
        " itself. Change it outside of the run.",
    )
