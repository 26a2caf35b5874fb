"""What is to be evaluated, and how."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation.bootstrap import Resampling
from mlproj.models.evaluation.requirement import Requirement
from mlproj.models.evaluation.threshold import Threshold


@dataclass(frozen=True)
class EvaluationRequest:
    """``data`` is the file with the column ``target``; ``kind`` one of a sample's or ``auto``.

    ``slices`` are columns, maybe with a number of quantiles; ``group`` the column of a ranking's queries; ``drop``
    columns that are not for a model without a signature; ``prediction`` the column of a model that answers with
    several; ``positive`` the class of two that is looked for; ``requests`` how many single rows are timed.
    """

    data: Path
    target: str
    kind: str = "auto"
    slices: tuple[str, ...] = ()
    group: str | None = None
    drop: tuple[str, ...] = ()
    prediction: str | None = None
    positive: str | None = None
    requirements: tuple[Requirement, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    resampling: Resampling = field(default_factory=Resampling)
    requests: int = 100

    @property
    def limits(self) -> list[Requirement | Threshold]:
        """All that the model must reach."""
        return [*self.requirements, *self.thresholds]

    @property
    def metrics(self) -> set[str]:
        """The measures that requirements and thresholds name."""
        return {one.metric for one in self.limits}

    def check(self, *, has_baseline: bool) -> None:
        """Raises UsageError for what contradicts itself."""
        for one in self.limits:
            if one.needs_baseline and not has_baseline:
                text = one.text if isinstance(one, Requirement) else f"the threshold of {one.written}"
                raise UsageError(f"{text} compares with a baseline, and there is none", hint="--baseline MODEL")
        if (self.kind == "ranking") != (self.group is not None) and self.kind != "auto":
            raise UsageError(
                "a ranking needs the column that tells its queries apart", hint="--kind ranking --group COL"
            )
