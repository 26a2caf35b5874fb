"""The charts of an evaluation as PNG, by matplotlib, without a display and without anything global of it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from mlproj.models.evaluation.metric import HEADLINES
from mlproj.models.evaluation.result import Evaluation, ModelResult, SliceResult
from mlproj.models.evaluation.sample import Kind

Axes = Any

_COLORS = ("#1f5fa8", "#c2571a")
_MOST_POINTS = 5000
_MOST_CLASSES = 20
_MOST_CURVES = 8
_LONGEST = 28  # characters of a name
# Names of columns and classes are anybody's: `$` shall not begin a formula, and no font need know their characters.
_SETTINGS: Any = {"text.parse_math": False, "text.usetex": False, "font.size": 9, "axes.unicode_minus": False}


def draw(evaluation: Evaluation) -> dict[str, bytes]:
    """PNG files by their name without the ending; those of MLflow's charts are MLflow's."""
    with _quiet():
        return {name: png for name, one in _charts(evaluation) if (png := _png(one)) is not None}


@contextmanager
def _quiet() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that the font has not
        yield


def _charts(evaluation: Evaluation) -> Iterator[tuple[str, Callable[[Axes], bool]]]:
    models = [one for one in (evaluation.model, evaluation.baseline) if one is not None]
    sample = evaluation.model.sample
    if evaluation.kind.is_classification:
        yield "confusion_matrix", lambda axes: _confusion(axes, evaluation.model)
    if sample.probabilities is not None:
        yield "roc_curve_plot", lambda axes: _curves(axes, models, _roc)
        yield "precision_recall_curve_plot", lambda axes: _curves(axes, models, _precision_recall)
        yield "calibration_curve_plot", lambda axes: _curves(axes, models, _calibration)
    if evaluation.kind is Kind.REGRESSION:
        yield "predictions", lambda axes: _predictions(axes, evaluation.model)
        yield "residuals", lambda axes: _residuals(axes, models)
    for number, column in enumerate(dict.fromkeys(one.part.column for one in evaluation.slices), 1):
        parts = [one for one in evaluation.slices if one.part.column == column]
        name = HEADLINES[evaluation.kind][0]
        yield f"slices_{number}", partial(_slices, evaluation=evaluation, parts=parts, name=name)


def _png(chart: Callable[[Axes], bool]) -> bytes | None:
    """The chart, None where there is nothing to draw."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    if not chart(axes):
        return None
    buffer = io.BytesIO()
    canvas.print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def _confusion(axes: Axes, result: ModelResult) -> bool:
    from sklearn.metrics import confusion_matrix

    sample = result.sample
    count = len(sample.classes)
    if count > _MOST_CLASSES:
        return False
    matrix = confusion_matrix(sample.target, sample.predicted, labels=range(count))
    axes.imshow(matrix, cmap="Blues")
    names = [short(name) for name in sample.classes]
    axes.set_xticks(range(count), names, rotation=90 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(range(count), names)
    for row in range(count):
        for column in range(count):
            color = "white" if matrix[row, column] > matrix.max() / 2 else "black"
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=color, fontsize=8)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion matrix")
    return True


Curve = Callable[[Axes, Any, Any, str, dict[str, Any]], None]


def _curves(axes: Axes, models: Sequence[ModelResult], curve: Curve) -> bool:
    """One curve for each model; of more classes one for each class, of the first model."""
    drawn = 0
    for number, result in enumerate(models):
        sample = result.sample
        if sample.probabilities is None:
            continue
        name = "model" if number == 0 else "baseline"
        if sample.kind is Kind.BINARY:
            drawn += _one(axes, curve, sample.target, sample.probabilities, name, {"color": _COLORS[number]})
        elif number == 0:
            for place, label in list(enumerate(sample.classes))[:_MOST_CURVES]:
                drawn += _one(axes, curve, sample.target == place, sample.probabilities[:, place], short(label), {})
    if drawn:
        axes.legend(fontsize=8)
    return drawn > 0


def _one(axes: Axes, curve: Curve, target: Any, scores: Any, name: str, style: dict[str, Any]) -> int:
    import numpy

    if target.all() or not target.any() or not numpy.isfinite(scores).all():
        return 0
    curve(axes, target, scores, name, style)
    return 1


def _roc(axes: Axes, target: Any, scores: Any, name: str, style: dict[str, Any]) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    false_positives, true_positives, _thresholds = roc_curve(target, scores)
    axes.plot(false_positives, true_positives, label=f"{name} ({roc_auc_score(target, scores):.3f})", **style)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curve (area)")


def _precision_recall(axes: Axes, target: Any, scores: Any, name: str, style: dict[str, Any]) -> None:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _thresholds = precision_recall_curve(target, scores)
    axes.plot(
        recall,
        precision,
        label=f"{name} ({average_precision_score(target, scores):.3f})",
        drawstyle="steps-post",
        **style,
    )
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall (average)", ylim=(0, 1.05))


def _calibration(axes: Axes, target: Any, scores: Any, name: str, style: dict[str, Any]) -> None:
    from sklearn.calibration import calibration_curve

    observed, predicted = calibration_curve(target, scores, n_bins=10, strategy="quantile")
    axes.plot(predicted, observed, marker="o", markersize=4, label=name, **style)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="probability told", ylabel="share observed", title="Calibration")


def _predictions(axes: Axes, result: ModelResult) -> bool:
    target, predicted = _drawable(result)
    axes.scatter(target, predicted, s=8, alpha=0.5, color=_COLORS[0], linewidths=0)
    if len(target):
        low, high = min(target.min(), predicted.min()), max(target.max(), predicted.max())
        axes.plot([low, high], [low, high], color="#999999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="true", ylabel="predicted", title="Predictions")
    return len(target) > 0


def _residuals(axes: Axes, models: Sequence[ModelResult]) -> bool:
    drawn = False
    for number, result in enumerate(models):
        target, predicted = _drawable(result)
        if len(target):
            name = "model" if number == 0 else "baseline"
            axes.hist(predicted - target, bins=40, alpha=0.55, color=_COLORS[number], label=name)
            drawn = True
    axes.axvline(0, color="#999999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="predicted less true", ylabel="rows", title="Residuals")
    if drawn:
        axes.legend(fontsize=8)
    return drawn


def _drawable(result: ModelResult) -> tuple[Any, Any]:
    """Targets and predictions that are numbers; of very many an even choice."""
    import numpy

    sample = result.sample
    known = numpy.isfinite(sample.target) & numpy.isfinite(sample.predicted)
    target, predicted = sample.target[known], sample.predicted[known]
    step = max(1, len(target) // _MOST_POINTS)
    return target[::step], predicted[::step]


def _slices(axes: Axes, evaluation: Evaluation, parts: Sequence[SliceResult], name: str) -> bool:
    """Bars of one measure, with the intervals, and the value of the whole data as a line."""
    shown = [one for one in parts if one.metrics.get(name) == one.metrics.get(name, float("nan"))]
    if not shown:
        return False
    places = range(len(shown))
    axes.barh(places, [one.metrics[name] for one in shown], color=_COLORS[0], alpha=0.75)
    for place, one in enumerate(shown):
        if (interval := one.intervals.model.get(name)) is not None:
            axes.plot([interval.low, interval.high], [place, place], color="black", linewidth=1)
    whole = evaluation.model.metrics.get(name)
    if whole is not None:
        axes.axvline(whole, color="#555555", linewidth=0.8, linestyle="--")
    axes.set_yticks(
        places, [f"{short(one.part.shown)} ({one.rows})" for one in shown], fontsize=8 if len(shown) < 16 else 5
    )
    axes.invert_yaxis()
    axes.set(xlabel=name, title=f"By {short(shown[0].part.column)} (rows)")
    return True


def short(text: str) -> str:
    """*text* on one line, cut, without what cannot be drawn."""
    plain = "".join(one if one.isprintable() else "�" for one in text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
