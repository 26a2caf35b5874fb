"""Numbers, interface and page of a served model."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlproj.models import signature
from mlproj.models.serving import openapi
from tests.models.serving.served import JSON, Server, rows, served, table_model

_SCREENSHOTS = os.environ.get("MLPROJ_TEST_SCREENSHOTS")  # before the tests' own isolation takes it away


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    with served(table_model(folder / "prices"), folder / "log") as started:
        yield started


def numbers(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = server.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def test_prometheus_is_told_what_was_asked_and_who_answers(server: Server) -> None:
    before = numbers(server)
    for body in (rows([1, 2]), rows([1, 2]), b"nonsense"):
        server.score(body)
    server.ask("GET", "/somewhere/else")
    after = numbers(server)

    def more(name: str, **labels: str) -> float:
        key = (f"mlproj_model_{name}", tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert more("requests_total", route="/invocations", status="200") == 2
    assert more("requests_total", route="/invocations", status="400") == 1
    assert more("requests_total", route="", status="404") == 1
    assert more("request_seconds_count", route="/invocations") == 3
    assert more("batch_size_sum") == 3
    assert more("batch_seconds_count") == 3
    assert after["mlproj_model_workers_ready", ()] == 1
    assert after["mlproj_model_in_flight", ()] == 1  # this request
    assert after["mlproj_model_waiting", ()] == 0
    assert after["mlproj_model_worker_restarts_total", ()] == 0
    (info,) = [dict(labels) for (name, labels) in after if name == "mlproj_model_info"]
    assert (info["name"], info["loaded_by"]) == ("prices", "native")


def test_the_interface_describes_the_bodies_that_are_taken(server: Server) -> None:
    document = server.ask("GET", "/openapi.json").document
    content = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]
    schema = jsonschema.Draft202012Validator(content["schema"])
    good: list[Any] = [
        content["example"],
        {"dataframe_records": [{"a": 1.5, "b": 2}]},
        {"inputs": {"a": [1.5], "b": [2], "word": [None]}},
        {"instances": [{"a": 1.5, "b": 2, "word": "x"}]},
    ]
    bad: list[Any] = [[], {}, {"dataframe_records": [{"a": "x", "b": 2}]}, {"instances": [{"a": 1.5}]}]
    assert [schema.is_valid(one) for one in good] == [True] * 4
    assert [schema.is_valid(one) for one in bad] == [False] * 4
    for one in good:
        assert server.ask("POST", "/invocations", json.dumps(one).encode(), content_type=JSON).status == 200


def test_tensors_and_parameters_are_described() -> None:
    found = signature.parse(
        {
            "inputs": [{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}],
            "params": [{"name": "k", "type": "long", "default": 3, "shape": None}],
        }
    )
    schema = jsonschema.Draft202012Validator(openapi.request_schema(found))
    assert schema.is_valid({"inputs": {"x": [[1, 2], [3, 4]]}, "params": {"k": 1}})
    assert not schema.is_valid({"inputs": {"x": [[1, 2, 3]]}})
    assert not schema.is_valid({"inputs": {"x": [[1, 2]]}, "params": {"k": "many"}})


def test_pages_load_nothing_of_others(server: Server) -> None:
    for path in ("/", "/docs", "/static/page.css", "/static/ask.js", "/static/docs.js"):
        answer = server.ask("GET", path)
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert b"http://" not in answer.body and b"https://" not in answer.body
    assert server.ask("GET", "/static/../ask.html").status == 404


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=flags)
        yield opened
        opened.close()


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_a_person_fills_in_a_row_and_sees_the_answer(browser: Any, server: Server, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(server.url)
    page.wait_for_selector(".field input")
    assert page.title() == "prices"
    assert page.get_by_label("a double").input_value() == "1.5"
    page.get_by_label("a double").fill("10")
    page.get_by_label("b long").fill("9007199254740993")  # more than a script's numbers hold
    page.get_by_label("word string, optional").fill("")
    page.get_by_role("button").click()
    page.locator("#state", has_text="200 in").wait_for()
    assert "9007199254741012" in page.inner_text("#answer")
    screenshot(page, f"ask-{scheme}-{width}")
    page.get_by_label("word string, optional").fill("refuse")
    page.get_by_role("button").click()
    page.wait_for_selector("#answer.bad")
    assert "unexpected error while evaluating the model" in page.inner_text("#answer")
    assert troubles == [one for one in troubles if "status of 400" in one]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(f"{server.url}/docs")
    page.wait_for_selector("section")
    assert "POST /invocations" in page.inner_text("#paths")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    screenshot(page, f"docs-{scheme}-{width}")
    page.close()


def screenshot(page: Any, name: str) -> None:
    if _SCREENSHOTS:
        page.screenshot(path=str(Path(_SCREENSHOTS) / f"{name}.png"), full_page=True)
