"""What a store can do is said by protocols that are small enough to keep in mind, and each store does all of it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any, Protocol

import pytest

import mlproj
from mlproj.server.confined_reading import ConfinedReading
from mlproj.server.read_through import ReadThroughModels, ReadThroughRuns
from mlproj.server.run_scoped_models import RunScopedModels
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.tracking import base, model_base
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.mlflow_rest.models import MlflowModels
from mlproj.tracking.mlflow_rest.runs import MlflowStore
from mlproj.tracking.model_base import ModelRegistry, ModelStore
from mlproj.tracking.remote import RemoteModels, RemoteStore
from mlproj.tracking.sql.model_store import SqlModelStore
from mlproj.tracking.sql.store import SqlStore

MOST = 8
COMBINED = {TrackingStore, ModelRegistry, ModelStore}


def members(protocol: type) -> set[str]:
    """What a class declares itself."""
    return {name for name in vars(protocol) if not name.startswith("_")}


def all_members(protocol: type) -> set[str]:
    return {name for each in protocol.__mro__ for name in members(each)}


@pytest.mark.parametrize(
    "protocol",
    [
        found
        for module in (base, model_base)
        for found in vars(module).values()
        if inspect.isclass(found) and Protocol in found.__mro__ and found.__module__ == module.__name__
    ],
)
def test_a_protocol_of_stores_has_few_members_and_one_that_combines_others_adds_none(protocol: type) -> None:
    if protocol in COMBINED:
        assert members(protocol) <= {"close"}
    else:
        assert 0 < len(members(protocol)) <= MOST
        assert protocol.__mro__[1] is Protocol


def test_no_protocol_of_the_package_declares_more() -> None:
    for file in Path(mlproj.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(each).startswith("Protocol") for each in node.bases):
                declared = [each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AnnAssign))]
                assert len(declared) <= MOST, f"{file}: {node.name}"


@pytest.mark.parametrize("function", [TrackingStore.create_run, TrackingStore.update_run])
def test_what_a_run_is_made_with_or_changed_to_is_one_value(function: Any) -> None:
    assert len(inspect.signature(function).parameters) <= 4


@pytest.mark.parametrize(
    ("store", "protocol"),
    [
        *((store, TrackingStore) for store in (SqlStore, MlflowStore, RemoteStore)),
        *((store, TrackingStore) for store in (RunScopedStore, ConfinedReading, ReadThroughRuns)),
        *((store, ModelStore) for store in (SqlModelStore, MlflowModels, RemoteModels)),
        *((store, ModelStore) for store in (RunScopedModels, ReadThroughModels)),
    ],
)
def test_a_store_does_all_that_its_protocol_says(store: type, protocol: type) -> None:
    undone = {name for name in all_members(protocol) if getattr(store, name) is getattr(protocol, name)}
    assert protocol in store.__mro__ and not undone
