"""The pages in a real browser: charts are drawn, state is in the address, nothing goes elsewhere."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from mlproj import artifacts, tracking
from mlproj.server.pages import site
from mlproj.tracking.base import Metric, RunChanges, Status, TrackingStore
from mlproj.tracking.model_base import LoggedModelStatus, RunModel
from tests.server.test_pages import artifact, record

pytestmark = pytest.mark.needs("chromium")

# As root Chromium needs --no-sandbox; the rest keeps it from calling home.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


_SCREENSHOTS = os.environ.get("MLPROJ_TEST_SCREENSHOTS")  # before the tests' own isolation takes it away


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def store() -> Iterator[TrackingStore]:
    opened = tracking.open()
    yield opened
    opened.close()


@pytest.fixture
def address(store: TrackingStore) -> Iterator[str]:
    """The pages, served on a loopback port."""
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(
                routes=site.routes(
                    lambda _request: store, lambda _request: tracking.open_models(), artifacts.open_recorded
                )
            ),
            log_config=None,
            lifespan="off",
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


class Visit:
    """A page, the requests it made and the errors it told."""

    def __init__(self, browser: Any, dark: bool = False) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light")
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "request",
            lambda request: self.hosts.add(request.url.split("/")[2]) if request.url.startswith("http") else None,
        )

    def shot(self, name: str) -> None:
        """Keep a picture for people to look at, where ``MLPROJ_TEST_SCREENSHOTS`` names a folder."""
        if _SCREENSHOTS:
            self.page.screenshot(path=str(Path(_SCREENSHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:  # the page is left before its server is gone
    made = Visit(browser)
    yield made
    made.page.close()
    assert made.errors == []
    assert len(made.hosts) <= 1  # no request leaves the machine


def drawn(visit: Visit, selector: str) -> None:
    visit.page.wait_for_selector(f"{selector} svg.main-svg", state="attached")


def test_a_run_has_charts_whose_settings_are_in_the_address(visit: Visit, address: str, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    artifact(run, "notes.txt", b"hello")
    visit.page.goto(f"{address}/runs/{run.run_id}")
    drawn(visit, '.chart[data-metric="score"]')
    visit.shot("run")
    visit.page.check("#chart-controls input[name=log]")
    visit.page.select_option("#chart-controls select[name=x]", "elapsed")
    assert "log=1" in visit.page.url and "x=elapsed" in visit.page.url
    visit.page.reload()
    drawn(visit, '.chart[data-metric="score"]')
    assert visit.page.is_checked("#chart-controls input[name=log]")
    visit.page.click("text=notes.txt")
    assert "hello" in visit.page.inner_text("main")


def test_a_running_run_grows_on_the_page(visit: Visit, address: str, store: TrackingStore) -> None:
    run = record(store, "live", 1.0, ended=False)
    visit.page.goto(f"{address}/runs/{run.run_id}")
    drawn(visit, '.chart[data-metric="score"]')
    store.log(run.run_id, metrics=[Metric("fresh", 1.0, 1)])
    drawn(visit, '.chart[data-metric="fresh"]')
    store.update_run(run.run_id, RunChanges(status=Status.FINISHED))
    visit.page.wait_for_selector(".status.finished")


def test_runs_are_searched_and_compared_by_hand(visit: Visit, address: str, store: TrackingStore) -> None:
    runs = [
        record(store, name, score, depth=str(score)) for name, score in (("low", 1.0), ("middle", 2.0), ("high", 3.0))
    ]
    visit.page.goto(f"{address}/experiments/{runs[0].experiment_id}")
    visit.shot("runs")
    visit.page.fill("#filter", "metrics.score > 5")
    with visit.page.expect_navigation():
        visit.page.press("#filter", "Enter")
    assert visit.page.locator("tbody tr").count() == 2
    for name in ("middle", "high"):
        visit.page.check(f'input[aria-label="Choose {name}"]')
    visit.page.click("text=Compare the chosen runs")
    for place in ('.chart[data-metric="score"]', "#scatter", "#parallel"):
        drawn(visit, place)
    assert visit.page.locator("tr.differs").count() >= 1
    visit.shot("compare")


def test_pages_can_be_used_by_keyboard(visit: Visit, address: str, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    visit.page.goto(f"{address}/experiments/{run.experiment_id}")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    visit.page.focus("text=first")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(f"**/runs/{run.run_id}")


def test_pages_are_dark_where_people_want_that(browser: Any, address: str, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    visit = Visit(browser, dark=True)
    visit.page.goto(f"{address}/runs/{run.run_id}")
    drawn(visit, '.chart[data-metric="score"]')
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 26)"
    visit.shot("dark")
    visit.page.close()
    assert visit.errors == []


def test_addresses_that_mlflow_prints_lead_to_the_pages(visit: Visit, address: str, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    for old, new in (
        (f"experiments/{run.experiment_id}/runs/{run.run_id}", f"runs/{run.run_id}"),
        (f"experiments/{run.experiment_id}", f"experiments/{run.experiment_id}"),
    ):
        visit.page.goto("about:blank")
        visit.page.goto(f"{address}/#/{old}")
        visit.page.wait_for_url(f"{address}/{new}")
    visit.page.goto(f"{address}/#/nothing://here")
    assert visit.page.title().startswith("Experiments")


def test_models_are_found_from_the_run_to_their_files(visit: Visit, address: str, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    models = tracking.open_models()
    logged = models.create_logged_model(
        run.experiment_id, name="shout", source_run_id=run.run_id, params={"depth": "3"}, tags={"a": "b"}
    )
    models.link_models(run.run_id, [RunModel(logged.model_id)])
    models.finish_logged_model(logged.model_id, LoggedModelStatus.READY)
    place = Path(logged.artifact_uri.removeprefix("file://"))
    place.mkdir(parents=True)
    (place / "MLmodel").write_text("flavors: {}")
    name = "it's <b> mine"
    models.create_registered_model(name, description="all of it")
    models.create_version(name, f"models:/{logged.model_id}", run_id=run.run_id, model_id=logged.model_id)
    models.set_alias(name, "champion", 1)
    visit.page.goto(f"{address}/runs/{run.run_id}")
    visit.page.click("text=shout")
    visit.shot("logged model")
    assert "depth" in visit.page.inner_text("main")
    visit.page.click("text=MLmodel")
    assert "flavors" in visit.page.inner_text("main pre")
    visit.page.click("text=Models")
    visit.shot("models")
    assert "champion: 1" in visit.page.inner_text("main")
    visit.page.click(f"text={name}")
    visit.shot("model")
    assert visit.page.inner_text("h1") == name and "champion" in visit.page.inner_text("main")
    visit.page.click(f"text={logged.model_id[:10]}")
    assert visit.page.inner_text("h1") == "shout"
    missing = visit.page.request.get(f"{address}/models/nothing")
    assert missing.status == 404
