"""What the web pages say, and what they keep to themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mlproj import artifacts, tracking
from mlproj.foundation import paths
from mlproj.server.pages import site
from mlproj.tracking.base import Metric, NewRun, Output, Run, RunChanges, Status, TrackingStore

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def store() -> Iterator[TrackingStore]:
    opened = tracking.open()
    yield opened
    opened.close()


@pytest.fixture
def pages(store: TrackingStore) -> TestClient:
    return TestClient(
        Starlette(
            routes=site.routes(lambda _request: store, lambda _request: tracking.open_models(), artifacts.open_recorded)
        )
    )


def record(store: TrackingStore, name: str, score: float, *, ended: bool = True, **given: str) -> Run:
    now = time.time_ns() // 1_000_000
    run = store.create_run(
        NewRun(
            run_name=name,
            experiment_name="wine",
            start_time=now - 5000,
            entry_point="main",
            command="python train.py",
            user="somebody",
            params={"kind": "tree", **given},
            tags={"team": "red"},
            source={"uri": "https://example.org/p.git", "commit": "ab" * 20},
            environment={"kind": "python", "lock": "pylock.toml"},
            inputs=[{"parameter": "data", "uri": "file:///d.csv", "sha256": "cd" * 32}],
        )
    )
    store.log(run.run_id, metrics=[Metric("score", score * step, now + step, step) for step in range(1, 6)])
    store.log(run.run_id, metrics=[Metric("system/cpu_utilization_percentage", 50.0, now)])
    folder = paths.run_dir(run.run_id)
    paths.write_atomic(folder / "pylock.toml", '[[packages]]\nname = "numpy"\nversion = "1.26.4"\n')
    paths.write_atomic(folder / "diff.patch", "-old\n+new\n")
    if ended:
        store.update_run(
            run.run_id, RunChanges(status=Status.FINISHED, exit_code=0, outputs=[Output("model.bin", "ef" * 32, 2048)])
        )
    return store.get_run(run.run_id)


def artifact(run: Run, name: str, data: bytes) -> None:
    file = Path(run.artifact_uri.removeprefix("file://")) / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def test_experiments_are_listed_with_their_newest_runs(pages: TestClient, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    page = pages.get("/")
    assert page.status_code == 200
    assert (
        f'<a href="/experiments/{run.experiment_id}">wine</a>' in page.text
        and f'<a href="/runs/{run.run_id}">first</a>' in page.text
    )


def test_nothing_recorded_yet_says_how_to_begin(pages: TestClient) -> None:
    assert "mlproj run" in pages.get("/").text


def test_runs_are_filtered_and_sorted_by_the_address(pages: TestClient, store: TrackingStore) -> None:
    runs = [record(store, name, score) for name, score in (("low", 1.0), ("middle", 2.0), ("high", 3.0))]
    page = pages.get(
        f"/experiments/{runs[0].experiment_id}", params={"filter": "metrics.score > 5", "order": "metrics.`score` DESC"}
    ).text
    assert ">low<" not in page and page.index(">high<") < page.index(">middle<")
    assert 'value="metrics.score &gt; 5"' in page and "▼" in page


def test_columns_are_chosen_by_the_address(pages: TestClient, store: TrackingStore) -> None:
    run = record(store, "one", 1.0)
    record(store, "two", 2.0)
    usual = pages.get(f"/experiments/{run.experiment_id}").text
    chosen = pages.get(f"/experiments/{run.experiment_id}", params=[("column", ""), ("column", "tags.team")]).text
    assert "metrics.score</a>" in usual.replace(" ▼", "").replace(" ▲", "") and ">red<" not in usual
    assert ">red<" in chosen


def test_a_wrong_filter_is_explained_above_the_table(pages: TestClient, store: TrackingStore) -> None:
    run = record(store, "one", 1.0)
    page = pages.get(f"/experiments/{run.experiment_id}", params={"filter": "metrics.score >> 1"})
    assert page.status_code == 200 and 'role="alert"' in page.text and "^" in page.text


def test_more_runs_than_a_page_are_on_the_next_one(pages: TestClient, store: TrackingStore) -> None:
    for index in range(105):
        store.create_run(NewRun(run_name=f"run-{index:03}", experiment_name="many", start_time=index))
    experiment = store.get_experiment(name="many").experiment_id
    first = pages.get(f"/experiments/{experiment}").text
    (address,) = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = pages.get(f"/experiments/{experiment}{address.replace('&amp;', '&')}").text
    assert ">run-104<" in first and ">run-004<" not in first
    assert ">run-004<" in second and ">run-000<" in second and ">run-005<" not in second


def test_a_run_shows_what_was_recorded(pages: TestClient, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    artifact(run, "model/MLmodel", b"flavors: {}")
    page = pages.get(f"/runs/{run.run_id}").text
    for part in (
        "python train.py",
        "tree",
        "red",
        "numpy",
        "1.26.4",
        "+new",
        "model/",
        "model.bin",
        "2.0 kB",
        "cd" * 32,
        "example.org",
    ):
        assert part in page, part
    assert 'data-metric="score"' in page and 'data-metric="system/cpu_utilization_percentage"' in page


def test_children_and_parents_lead_to_each_other(pages: TestClient, store: TrackingStore) -> None:
    parent = record(store, "outer", 1.0)
    child = store.create_run(NewRun(run_name="inner", tags={"mlflow.parentRunId": parent.run_id}))
    assert f'href="/runs/{child.run_id}">inner<' in pages.get(f"/runs/{parent.run_id}").text
    assert f'href="/runs/{parent.run_id}"' in pages.get(f"/runs/{child.run_id}").text


def test_charts_read_histories_as_json(pages: TestClient, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    store.log(run.run_id, metrics=[Metric("score", float("nan"), 9, 6)])
    found = pages.get(f"/runs/{run.run_id}/metrics.json", params={"key": "score"}).json()
    assert found["metrics"]["score"]["value"] == [1.0, 2.0, 3.0, 4.0, 5.0, None]
    assert found["metrics"]["score"]["step"] == [1, 2, 3, 4, 5, 6] and found["ended"] and "score" in found["keys"]


def test_a_long_history_is_thinned_and_keeps_its_end(pages: TestClient, store: TrackingStore) -> None:
    run = store.create_run(NewRun())
    store.log(run.run_id, metrics=[Metric("long", float(step), step, step) for step in range(20_000)])
    series = pages.get(f"/runs/{run.run_id}/metrics.json", params={"key": "long"}).json()["metrics"]["long"]
    assert len(series["step"]) <= 4001 and series["step"][-1] == 19_999 and series["of"] == 20_000


def test_the_log_is_shown(pages: TestClient, store: TrackingStore) -> None:
    from mlproj.run_folder.output_log import OutputLog

    run = record(store, "first", 1.0, ended=False)
    log = OutputLog(paths.run_dir(run.run_id))
    log.write(1, b"epoch 1\n<b>\n")
    log.close()
    assert pages.get(f"/runs/{run.run_id}/log.txt").text == "epoch 1\n<b>\n"
    assert "epoch 1\n&lt;b&gt;" in pages.get(f"/runs/{run.run_id}").text


def test_runs_are_compared(pages: TestClient, store: TrackingStore) -> None:
    one, two = record(store, "one", 1.0, depth="1"), record(store, "two", 2.0, depth="2")
    page = pages.get("/compare", params=[("run", one.run_id), ("run", two.run_id)]).text
    assert 'class="differs"><th scope="row">depth</th><td>1</td><td>2</td>' in page and ">kind<" not in page
    assert ">kind<" in pages.get("/compare", params=[("run", one.run_id), ("run", two.run_id), ("all", "1")]).text
    assert pages.get("/compare").status_code == 400


@pytest.mark.parametrize(
    ("name", "data", "shown"),
    [
        ("notes.txt", b"hello <b>", "hello &lt;b&gt;"),
        ("table.csv", b"a,b\n1,2\n", "<td>2</td>"),
        ("data.json", b'{"a":1}', "{\n  &#34;a&#34;: 1\n}"),
        ("picture.png", b"\x89PNG\r\n", '<img class="preview"'),
        ("model.bin", b"\0\1\2", "no text or picture"),
        ("broken.json", b"{", "<pre"),
        ("sub dir/ü%.txt", b"inside", "inside"),
    ],
)
def test_artifacts_are_previewed(pages: TestClient, store: TrackingStore, name: str, data: bytes, shown: str) -> None:
    from urllib.parse import quote

    run = record(store, "first", 1.0)
    artifact(run, name, data)
    assert shown in pages.get(f"/runs/{run.run_id}/artifacts/{quote(name)}").text
    assert pages.get(f"/runs/{run.run_id}/raw/{quote(name)}").content == data


def test_an_artifact_cannot_act_as_a_page_of_ours(pages: TestClient, store: TrackingStore) -> None:
    run = record(store, "first", 1.0)
    artifact(run, "evil.html", b"<script>fetch('/')</script>")
    artifact(run, "evil.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    html, svg = pages.get(f"/runs/{run.run_id}/raw/evil.html"), pages.get(f"/runs/{run.run_id}/raw/evil.svg")
    assert html.headers["content-disposition"].startswith("attachment")
    for answer in (html, svg):
        assert (
            answer.headers["content-security-policy"].startswith("sandbox")
            and answer.headers["x-content-type-options"] == "nosniff"
        )


@pytest.mark.parametrize(
    "path", ["../../../mlproj.db", "%2e%2e/%2e%2e/x", "/etc/passwd", "link", "a%00b", "..%2f..%2fx"]
)
def test_artifacts_end_at_the_runs_folder(pages: TestClient, store: TrackingStore, tmp_path: Path, path: str) -> None:
    run = record(store, "first", 1.0)
    artifact(run, "a", b"")
    (tmp_path / "secret").write_text("secret")
    (Path(run.artifact_uri.removeprefix("file://")) / "link").symlink_to(tmp_path / "secret")
    for kind in ("raw", "artifacts"):
        answer = pages.get(f"/runs/{run.run_id}/{kind}/{path}")
        assert answer.status_code in {400, 404} and "secret" not in answer.text


def test_whatever_programs_wrote_is_escaped(pages: TestClient, store: TrackingStore) -> None:
    run = store.create_run(
        NewRun(
            run_name=HOSTILE,
            experiment_name=HOSTILE,
            params={HOSTILE: HOSTILE},
            tags={HOSTILE: HOSTILE},
            command=HOSTILE,
            source={"uri": HOSTILE},
        )
    )
    other = store.create_run(NewRun(run_name="other", experiment_name=HOSTILE, params={HOSTILE: "x"}))
    store.log(run.run_id, metrics=[Metric(HOSTILE, 1.0, 1)])
    for address in (
        "/",
        f"/experiments/{run.experiment_id}",
        f"/runs/{run.run_id}",
        f"/compare?run={run.run_id}&run={other.run_id}",
    ):
        assert "<script>alert" not in pages.get(address).text


def test_nothing_is_loaded_from_elsewhere_and_nobody_frames_the_pages(pages: TestClient, store: TrackingStore) -> None:
    policy = pages.get("/").headers["content-security-policy"]
    assert "script-src 'self';" in policy and "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert pages.get("/static/app.css").status_code == 200 and pages.get("/static/plotly.min.js").status_code == 200
    assert pages.get("/static/..%2fsite.py").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/runs/nothing", "/experiments/99", "/runs/nothing/metrics.json", "/runs/nothing/log.txt", "/experiments/x"],
)
def test_what_is_not_there_is_not_found(pages: TestClient, address: str) -> None:
    answer = pages.get(address)
    assert answer.status_code in {400, 404} and "Traceback" not in answer.text
