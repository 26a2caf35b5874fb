"""What can be searched for in runs and in experiments, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Family(str, Enum):
    """What stands before the dot."""

    ATTRIBUTE = "attribute"
    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    DATASET = "dataset"


SERVED = "mlflow-artifacts:/"


class Type(Enum):
    """What a value is compared with."""

    NUMBER = "number"
    TIME = "time"
    TEXT = "text"
    ID = "id"


@dataclass(frozen=True)
class Attribute:
    """A column, or an expression over columns that may use ``:artifact_root``.

    ``served`` is what stands for it where it is compared with a place as a server tells it to clients: one that begins
    with :data:`SERVED`.
    """

    column: str
    type: Type = Type.TEXT
    nullable: bool = False
    served: str | None = None


@dataclass(frozen=True)
class Vocabulary:
    """The words of one kind of thing.

    ``tables`` hold keys and values of a family, each row belonging to the thing whose ``identity`` is in column
    ``owner``. Things are sorted by keys of ``sortable`` families; ``order`` is added to what a user gives and
    ``default_order`` used when nothing is given: columns, descending or not.
    """

    source: str
    identity: str
    owner: str
    attributes: Mapping[str, Attribute]
    families: Mapping[str, Family]
    tables: Mapping[Family, str]
    sortable: tuple[Family, ...]
    order: tuple[tuple[str, bool], ...]
    default_order: tuple[tuple[str, bool], ...]
    datasets: Mapping[str, str] = field(default_factory=dict)


NUMERIC = ("=", "!=", ">", ">=", "<", "<=")
TEXTUAL = ("=", "!=", "LIKE", "ILIKE")
NULLS = ("IS NULL", "IS NOT NULL")
LISTS = ("IN", "NOT IN")


def comparators(family: Family, type: Type) -> tuple[str, ...]:
    """The comparators that may follow a key."""
    if type in (Type.NUMBER, Type.TIME):
        return NUMERIC
    if type is Type.ID:
        return ("=", "!=", *LISTS)
    return TEXTUAL + (NULLS if family in (Family.PARAM, Family.TAG) else LISTS)


_TAGS = dict.fromkeys(("tag", "tags"), Family.TAG)
_ATTRIBUTES = dict.fromkeys(("attribute", "attributes", "attr", "run"), Family.ATTRIBUTE)
_START, _NAME = Attribute("r.start_time", Type.TIME), Attribute("r.run_name")
_ARTIFACT_URI, _SERVED_URI = (
    f"CASE WHEN r.artifact_uri LIKE '%:%' THEN r.artifact_uri ELSE {root} || r.artifact_uri END"
    for root in ("CAST(:artifact_root AS TEXT) || '/'", f"'{SERVED}'")
)

RUNS = Vocabulary(
    source="runs r",
    identity="r.number",
    owner="run",
    attributes={
        "run_id": Attribute("r.run_id"),
        "run_name": _NAME,
        "status": Attribute("r.status"),
        "start_time": _START,
        "end_time": Attribute("r.end_time", Type.TIME, nullable=True),
        "user_id": Attribute("r.user_name", nullable=True),
        "artifact_uri": Attribute(_ARTIFACT_URI, served=_SERVED_URI),
        # The headings of MLflow's own run table, which it accepts, too.
        **dict.fromkeys(("created", "Created"), _START),
        **dict.fromkeys(("run name", "Run name", "Run Name"), _NAME),
    },
    families={
        **dict.fromkeys(("metric", "metrics"), Family.METRIC),
        **dict.fromkeys(("param", "params", "parameter", "parameters"), Family.PARAM),
        **dict.fromkeys(("dataset", "datasets"), Family.DATASET),
        **_TAGS,
        **_ATTRIBUTES,
    },
    tables={
        Family.METRIC: "latest_metrics",
        Family.PARAM: "params",
        Family.TAG: "tags",
        Family.DATASET: "dataset_inputs",
    },
    sortable=(Family.ATTRIBUTE, Family.METRIC, Family.PARAM, Family.TAG),
    order=(("r.start_time", True), ("r.run_id", False)),
    default_order=(("r.start_time", True), ("r.run_id", False)),
    datasets={"name": "name", "digest": "digest", "context": "context"},
)

EXPERIMENTS = Vocabulary(
    source="experiments e",
    identity="e.experiment_id",
    owner="experiment_id",
    attributes={
        "name": Attribute("e.name"),
        "experiment_id": Attribute("e.experiment_id", Type.ID),
        "creation_time": Attribute("e.creation_time", Type.TIME),
        "last_update_time": Attribute("e.last_update_time", Type.TIME),
    },
    families={**_TAGS, **dict.fromkeys(("attribute", "attributes", "attr"), Family.ATTRIBUTE)},
    tables={Family.TAG: "experiment_tags"},
    sortable=(Family.ATTRIBUTE,),
    order=(("e.experiment_id", True),),
    default_order=(("e.creation_time", True), ("e.experiment_id", False)),
)
