"""What came of an evaluation, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlproj.foundation.dataclass import dataclass, field
from mlproj.models.evaluation.bootstrap import Interval, Intervals
from mlproj.models.evaluation.data_file import Data
from mlproj.models.evaluation.judging import Judgement
from mlproj.models.evaluation.predicting import Speed
from mlproj.models.evaluation.request import EvaluationRequest
from mlproj.models.evaluation.sample import Kind, Sample
from mlproj.models.evaluation.significance import Test
from mlproj.models.evaluation.slicing import Slice
from mlproj.models.opened import OpenedModel


@dataclass(frozen=True)
class ModelResult:
    """One model's: ``metrics`` by MLflow's names, ``told`` what of its answers was used. ``sample`` is what was
    measured."""

    opened: OpenedModel
    loaded_by: str
    explanation: str
    metrics: Mapping[str, float]
    sample: Sample
    speed: Speed
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class SliceResult:
    """One slice: the measures of the model and of the baseline, and the intervals."""

    part: Slice
    rows: int
    is_small: bool
    metrics: Mapping[str, float]
    baseline: Mapping[str, float] | None
    intervals: Intervals


@dataclass(frozen=True)
class Comparison:
    """The model less the baseline, by measure, and whether that is more than chance."""

    differences: Mapping[str, float]
    intervals: Mapping[str, Interval]
    test: Test


@dataclass(frozen=True)
class Evaluation:
    """Everything. ``reason`` says why it is of this kind; ``headlines`` are the measures that matter most of it;
    ``left_out`` rows have no target."""

    request: EvaluationRequest
    data: Data
    kind: Kind
    reason: str
    headlines: Sequence[str]
    left_out: int
    model: ModelResult
    baseline: ModelResult | None = None
    comparison: Comparison | None = None
    slices: Sequence[SliceResult] = ()
    judgements: Sequence[Judgement] = ()
    notes: Sequence[str] = ()

    @property
    def missed(self) -> int:
        """How many requirements are missed."""
        return sum(not one.is_met for one in self.judgements)
