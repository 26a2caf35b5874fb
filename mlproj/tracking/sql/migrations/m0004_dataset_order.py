"""Datasets of a run in the order in which they were logged. Those of before keep theirs, which is by name."""

from __future__ import annotations

STATEMENTS = ("ALTER TABLE dataset_inputs ADD COLUMN position BIGINT NOT NULL DEFAULT 0",)
