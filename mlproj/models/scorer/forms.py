"""The keys of a JSON body, one of which has the data."""

from __future__ import annotations

RECORDS = "dataframe_records"
SPLIT = "dataframe_split"
INSTANCES = "instances"
INPUTS = "inputs"
FORMS = {RECORDS, SPLIT, INSTANCES, INPUTS}

WHOLE = ("messages", "prompt", "input")
"""Keys of the bodies of chat, completion and embedding requests, which the model gets as they are."""
