"""The report for people: one HTML page that needs nothing else, and its charts as files."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.foundation.redaction import redact
from mlproj.models.evaluation import charts, metric
from mlproj.models.evaluation.bootstrap import Interval
from mlproj.models.evaluation.result import Evaluation, ModelResult, SliceResult
from mlproj.models.evaluation.sample import Kind

_MOST_CLASSES = 100
_PAGE = "evaluation.html"
_STYLE = """
:root{color-scheme:light;--line:#d8dde3;--soft:#f5f7f9;--text:#1c2530;--dim:#5b6875;--bad:#b3261e;--good:#19713c}
*{box-sizing:border-box}body{margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;color:var(--text);background:#fff;
font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}h1{font-size:1.5rem;margin:0 0 .25rem}
h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.25rem 0}.dim{color:var(--dim)}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;min-width:min(100%,24rem)}th,td{padding:.3rem .7rem;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:normal}thead th{background:var(--soft)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.w,th.w{min-width:9rem;max-width:22rem;
overflow-wrap:anywhere}.missed{color:var(--bad);font-weight:600}.met{color:var(--good);font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}
.charts img{width:100%;height:auto;border:1px solid var(--line);border-radius:4px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0}dt{color:var(--dim)}dd{margin:0}
@media(max-width:36rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Report:
    """The page, and the charts by name, as bytes."""

    page: bytes
    charts: dict[str, bytes]


def check(place: Path) -> None:
    """Raises UsageError for a place where no report can be written."""
    if _is_page(place) and place.is_dir():
        raise UsageError(f"--report {place} is a folder; expected a file, or the name of a folder without .html")
    if not _is_page(place) and place.exists() and not place.is_dir():
        raise UsageError(f"--report {place} is a file; expected a folder, or a file that ends in .html")
    if not place.absolute().parent.is_dir():
        raise UsageError(f"--report {place}: the folder {place.parent} does not exist", hint=f"mkdir -p {place.parent}")


def make(evaluation: Evaluation) -> Report:
    """The report of *evaluation*."""
    drawn = charts.draw(evaluation)
    return Report(_page(evaluation, drawn).encode("utf-8", "replace"), drawn)


def write(report: Report, place: Path) -> None:
    """Write *report* to a file, or with its charts into a folder. Raises ServiceError."""
    files = {place: report.page}
    if not _is_page(place):
        files = {place / _PAGE: report.page} | {place / f"{name}.png": one for name, one in report.charts.items()}
    try:
        for file, content in files.items():
            file.parent.mkdir(exist_ok=True)
            paths.write_atomic(file, content)
    except OSError as error:
        raise ServiceError(f"{place} cannot be written: {error.strerror or error}") from error


def _is_page(place: Path) -> bool:
    return place.suffix.lower() in (".html", ".htm")


def _page(evaluation: Evaluation, drawn: dict[str, bytes]) -> str:
    title = _text(f"Evaluation of {evaluation.model.opened.name}")
    parts = [
        f"<h1>{title}</h1>",
        _verdict(evaluation),
        _facts(evaluation),
        _requirements(evaluation),
        _measures(evaluation),
        _classes(evaluation),
        _comparison(evaluation),
        _slices(evaluation),
        _pictures(drawn),
    ]
    body = "\n".join(filter(None, parts))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _verdict(evaluation: Evaluation) -> str:
    count = len(evaluation.judgements)
    if not count:
        return ""
    if evaluation.missed:
        return f'<p class="missed">{evaluation.missed} of {_counted(count)} missed</p>'
    return f'<p class="met">{_counted(count)} met, none missed</p>'


def _counted(count: int) -> str:
    return "1 requirement" if count == 1 else f"{count} requirements"


def _facts(evaluation: Evaluation) -> str:
    request, how = evaluation.request, evaluation.request.resampling
    facts = [
        ("model", f"{evaluation.model.opened.address} (loaded by {evaluation.model.loaded_by})"),
        ("what was used", evaluation.model.explanation),
    ]
    if evaluation.baseline is not None:
        facts += [
            ("baseline", f"{evaluation.baseline.opened.address} (loaded by {evaluation.baseline.loaded_by})"),
            ("of it was used", evaluation.baseline.explanation),
        ]
    facts += [
        ("data", f"{evaluation.data.path}, {len(evaluation.data.frame)} rows, SHA-256 {evaluation.data.sha256[:16]}"),
        ("target", request.target),
        ("kind", f"{evaluation.kind.value}: {evaluation.reason}"),
        ("intervals", f"{how.confidence:.0%}, of {how.replicates} resamplings with seed {how.seed}"),
        *(("note", note) for note in evaluation.notes),
    ]
    return "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts) + "</dl>"


def _requirements(evaluation: Evaluation) -> str:
    rows = [[_name(one.text), _flag(one.is_met), _name(one.explanation)] for one in evaluation.judgements]
    return (rows and "<h2>Requirements</h2>" + _table(("requirement", "", "measured"), rows, wide=(0, 2))) or ""


def _measures(evaluation: Evaluation) -> str:
    baseline = evaluation.baseline
    heads = ["measure", "model", "interval", *(["baseline", "interval"] if baseline else [])]
    rows = []
    for name in evaluation.model.metrics:
        cells = [_name(name), *_cells(evaluation.model, name), *(_cells(baseline, name) if baseline else [])]
        rows.append(cells)
    return "<h2>Measures</h2>" + _table(heads, rows, wide=(0,), numbers=range(1, len(heads)))


def _cells(result: ModelResult, name: str) -> list[str]:
    return [number(result.metrics.get(name)), interval(result.intervals.get(name))]


def _classes(evaluation: Evaluation) -> str:
    if evaluation.kind is not Kind.MULTICLASS:
        return ""
    found = metric.by_class(evaluation.model.sample)
    rows = [[_text(label), *map(number, values.values())] for label, values in found[:_MOST_CLASSES]]
    heads = ("class", *found[0][1])
    return "<h2>By class</h2>" + _table(heads, rows, wide=(0,), numbers=range(1, len(heads)))


def _comparison(evaluation: Evaluation) -> str:
    found = evaluation.comparison
    if found is None:
        return ""
    rows = [
        [_name(name), number(value), interval(found.intervals.get(name))] for name, value in found.differences.items()
    ]
    test = found.test
    explanation = f"{test.name}: p = {number(test.p_value)} ({test.compared})"
    table = _table(("measure", "model less baseline", "interval"), rows, wide=(0,), numbers=(1, 2))
    return f"<h2>Comparison</h2>{table}<p>{_text(explanation)}</p>"


def _slices(evaluation: Evaluation) -> str:
    names = list(evaluation.headlines)
    found = []
    for column in dict.fromkeys(one.part.column for one in evaluation.slices):
        parts = [one for one in evaluation.slices if one.part.column == column]
        rows = [[*_named(one), *(cell for name in names for cell in _of_slice(one, name))] for one in parts]
        per_name = 2 if evaluation.baseline else 1
        heads = ["slice", "rows"]
        for name in names:
            heads += [name, *(["baseline"] if evaluation.baseline else [])]
        numbers = range(1, 2 + per_name * len(names))
        found.append(f"<h2>By {_text(column)}</h2>" + _table(heads, rows, wide=(0,), numbers=numbers))
    return "".join(found)


def _named(one: SliceResult) -> list[str]:
    few = ' <span class="dim">(few)</span>' if one.is_small else ""
    return [_text(one.part.shown) + few, str(one.rows)]


def _of_slice(one: SliceResult, name: str) -> list[str]:
    shown = number(one.metrics.get(name))
    if (found := one.intervals.model.get(name)) is not None:
        shown += f'<br><span class="dim">{interval(found)}</span>'
    return [shown, *([number(one.baseline.get(name))] if one.baseline is not None else [])]


def _pictures(drawn: dict[str, bytes]) -> str:
    pictures = "".join(
        f'<img alt="{_text(name.replace("_", " "))}" src="data:image/png;base64,{base64.b64encode(one).decode()}">'
        for name, one in drawn.items()
    )
    return f'<h2>Charts</h2><div class="charts">{pictures}</div>' if pictures else ""


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, wide: Iterable[int], numbers: Iterable[int] = ()
) -> str:
    """*rows* are HTML, *heads* are texts."""
    kinds = {**dict.fromkeys(wide, ' class="w"'), **dict.fromkeys(numbers, ' class="n"')}
    head = "".join(f"<th{kinds.get(place, '')}>{_text(name)}</th>" for place, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{kinds.get(place, '')}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _flag(is_met: bool) -> str:
    return '<span class="met">met</span>' if is_met else '<span class="missed">missed</span>'


def _text(text: str) -> str:
    """*text* as HTML, whatever it holds."""
    return escape("".join(one if one.isprintable() else " " for one in redact(text)))


def _name(text: str) -> str:
    """As :func:`_text`, with places where a long name may be broken."""
    return _text(text).replace("_", "_<wbr>")


def number(value: float | None) -> str:
    """*value* for people; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if not math.isinf(value) and (value == int(value) or abs(value) >= 10_000) and abs(value) < 1e9:
        return str(round(value))
    return f"{value:.4g}"


def interval(found: Interval | None) -> str:
    """An interval for people; nothing where there is none."""
    return "" if found is None else f"{found.low:.4g} to {found.high:.4g}"
