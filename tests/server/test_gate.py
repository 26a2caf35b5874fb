"""No route lets in whom its scope does not: every route of the application's own table, with a token of each scope."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.artifacts.local import LocalArtifacts
from mlproj.server.access import asking
from mlproj.server.app import Principal, Settings, create_app, endpoints
from mlproj.server.artifact_place import Places
from mlproj.server.gate import Gated
from mlproj.server.reaper import Reaper
from mlproj.server.scope import Scope
from mlproj.server.serving import _pages
from mlproj.server.store_calls import calls, needed
from mlproj.tracking.base import NewRun, TrackingStore
from mlproj.tracking.model_base import ModelStore

RUN, MODEL = "a" * 32, "m-" + "b" * 32
FILE = f"0/{RUN}/artifacts/kept.txt"


class Tokens:
    def scope_of(self, token: str) -> Scope | None:
        return {scope.word: scope for scope in Scope}.get(token)


class Served(NamedTuple):
    """A server with something of each kind, which a request that is let in reaches by :data:`FIELDS`."""

    app: Starlette
    store: TrackingStore
    models: ModelStore
    artifacts: Path
    client: TestClient

    def request(self, method: str, path: str, scope: Scope, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {scope.word}"}
        return self.client.request(method, path, headers=headers, **more)

    def missing(self) -> list[str]:
        """What somebody took away."""
        found = {
            "experiment": self.store.get_experiment(experiment_id="1").lifecycle_stage == "active",
            "run": any(run.run_id == RUN for run in self.store.list_runs()),
            "registered model": bool(self.models.search_registered_models().items),
            "version": bool(self.models.search_versions().items),
            "logged model": bool(self.models.search_logged_models(["0"]).items),
            "file": (self.artifacts / FILE).is_file(),
        }
        return [name for name, is_there in found.items() if not is_there]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    uri = f"sqlite:///{tmp_path}/runs.db"
    folder = tmp_path / "artifacts"
    with closing(tracking.open(uri)) as store, closing(tracking.open_models(uri)) as models:
        store.create_experiment("x")
        store.create_run(NewRun(run_id=RUN, tags={"t": "v"}))
        models.create_registered_model("m")
        models.create_logged_model("0", model_id=MODEL, source_run_id=RUN)
        models.create_version("m", f"models:/{MODEL}")
        (folder / FILE).parent.mkdir(parents=True)
        (folder / FILE).write_text("kept")
        pages = _pages(Reaper(lambda: None), Places(LocalArtifacts(folder), here=False))
        app = create_app(Settings(asking(Tokens(), Principal(store, models)), folder), pages)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Served(app, store, models, folder, client)


FIELDS = {
    "experiment_id": "1",
    "run_id": RUN,
    "model_id": MODEL,
    "name": "m",
    "version": "1",
    "key": "t",
    "value": "v",
    "tag_key": "t",
    "status": "FINISHED",
    "lifecycle_stage": "deleted",
}


class Address(NamedTuple):
    method: str
    path: str
    declared: Scope | None


def addresses(routes: Any, within: str = "") -> Iterator[Address]:
    """Every method and path that the application answers at, with the scope that its table says."""
    for gated in routes:
        assert isinstance(gated, Gated), "every route is behind the gate"
        route = gated.route
        if isinstance(route, Mount):
            assert gated._needs is Scope.READ
            yield from addresses(route.routes, within + route.path)
            continue
        assert isinstance(route, Route)
        for method in sorted(route.methods or ()):
            path = within + route.path
            if callable(gated._needs):
                yield from _told(method, path)
            else:
                yield Address(method, path, gated._needs)


def _told(method: str, path: str) -> Iterator[Address]:
    """The addresses of a route that tells its scope from what it matched."""
    if "{store}" in path:
        yield from (Address(method, path.format(store=kind, method=name), needed(kind, name)) for kind, name in calls())
        return
    prefix = path.removesuffix("{path:path}")
    for found, methods in endpoints().items():
        if found.startswith(prefix) and not (prefix.endswith("2.0/mlflow/") and "preview" in found):
            yield from (Address(method, found, scope) for each, scope in methods if each == method)


def filled(path: str) -> str:
    values = {"path": FILE, "model_id": MODEL, "run_id": RUN, "experiment_id": "1", "name": "m", "tag_key": "t"}
    return re.sub(r"\{(\w+)(?::path)?\}", lambda match: values[match[1]], path)


def ask(served: Served, address: Address, scope: Scope) -> int:
    body = {} if address.method in {"GET", "HEAD"} else {"content": json.dumps(FIELDS)}
    if "/mlproj/" in address.path:
        body = {"content": "{}"}
    return int(served.request(address.method, filled(address.path), scope, **body).status_code)


def test_every_route_asks_for_its_scope_and_looks_are_all_that_readers_have(served: Served) -> None:
    table = list(addresses(served.app.routes))
    found = {address.path for address in table}
    for some in (
        "/api/2.0/mlflow/runs/delete",
        "/ajax-api/2.0/preview/mlflow/experiments/delete",
        "/api/2.0/mlproj/tracking/purge",
    ):
        assert some in found
    assert {"/", "/static/{name}", "/runs/{run_id}/raw/{path:path}", "/compare", "/models/{name}"} <= found
    assert {address.path for address in table if address.declared is None} == {"/health", "/version"}
    for address in table:
        for scope in Scope:
            if address.declared is not None and scope < address.declared:
                assert ask(served, address, scope) == 403, address
        if address.method in {"GET", "HEAD"}:
            assert address.declared in (None, Scope.READ)
        assert TestClient(served.app).request(address.method, filled(address.path)).status_code == (
            200 if address.declared is None else 401
        )
    assert served.missing() == []


def test_no_writer_takes_anything_away_by_any_route_and_an_administrator_does(served: Served) -> None:
    table = [address for address in addresses(served.app.routes) if address.method not in {"GET", "HEAD"}]
    for scope in (Scope.READ, Scope.WRITE):
        for address in table:
            if "/rename" not in address.path:  # the name is how the next one finds it
                ask(served, address, scope)
        assert served.missing() == []
    for address in table:
        if ("mlflow/" in address.path and "delete" in address.path) or address.method == "DELETE":
            assert ask(served, address, Scope.ADMIN) != 403
    assert set(served.missing()) == {"experiment", "run", "registered model", "version", "logged model", "file"}


ODD = [
    *(
        "%0a",
        "%0d%0a",
        "%09",
        "%00",
        "%1f",
        "%7f",
        "%c2%85",
        "%e2%80%a8",
        "/",
        "//",
        "%2f",
        ";x",
        ".",
        "%20",
        "?",
        "%3f",
        "#",
    ),
]
DELETIONS = [
    *(("POST", f"{prefix}/delete") for prefix in ("experiments", "runs", "registered-models", "model-versions")),
    *(
        ("DELETE", "registered-models/delete"),
        ("DELETE", "model-versions/delete"),
        ("DELETE", f"logged-models/{MODEL}"),
    ),
]


@pytest.mark.parametrize("odd", ODD)
def test_no_spelling_of_an_address_gets_around_its_scope(served: Served, odd: str) -> None:
    places = ["/api/2.0/mlflow/", "/api/2.0/preview/mlflow/", "/ajax-api/2.0/mlflow/", "/ajax-api/2.0/preview/mlflow/"]
    for method, path in DELETIONS:
        for place in places:
            for spelled in (f"{path}{odd}", f"{odd}{path}", path.replace("/", f"{odd}/", 1)):
                answer = served.request(method, place + spelled, Scope.WRITE, content=json.dumps(FIELDS))
                assert answer.status_code in {400, 403, 404}, (spelled, answer.text)
    for prefix in ("/api/2.0/mlflow-artifacts/artifacts/", "/ajax-api/2.0/mlflow-artifacts/artifacts/"):
        for spelled in (f"{FILE}{odd}", odd + FILE, FILE.replace("/", f"{odd}/", 1)):
            assert served.request("DELETE", prefix + spelled, Scope.WRITE).status_code in {400, 403, 404}
    for spelled in (f"tracking/purge{odd}", f"tracking{odd}/purge", f"models/delete_registered_model{odd}"):
        assert served.request("POST", f"/api/2.0/mlproj/{spelled}", Scope.WRITE, content="{}").status_code in {
            400,
            403,
            404,
        }
    assert served.missing() == []


def test_a_control_character_is_refused_before_anybody_is_asked(served: Served) -> None:
    answer = served.client.get("/health%0a")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_route_that_says_nothing_is_for_administrators(served: Served) -> None:
    forgotten = Route("/forgotten", lambda _request: PlainTextResponse("done"), methods=["GET", "POST"])
    app = create_app(Settings(asking(Tokens(), Principal(served.store, served.models)), served.artifacts), [forgotten])
    for method in ("GET", "POST"):
        for scope in Scope:
            answer = served._replace(client=TestClient(app)).request(method, "/forgotten", scope)
            assert answer.status_code == (200 if scope is Scope.ADMIN else 403)
