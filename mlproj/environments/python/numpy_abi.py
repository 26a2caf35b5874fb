"""Wheels that were compiled for NumPy 1 and are broken by NumPy 2, which their metadata does not forbid.

NumPy 2.0 (June 2024) changed its binary interface. A wheel compiled before packages prepared for it fails at import
("numpy.dtype size changed, may indicate binary incompatibility"), yet most of them ask for any NumPy at all. Source:
NumPy's 2.0 migration guide; the first wheels that work with both were uploaded in April 2024 (pandas 2.2.2, SciPy 1.13,
scikit-learn 1.4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

CONSTRAINT = "numpy<2"
_PREPARED = datetime(2024, 4, 1, tzinfo=timezone.utc)
# Packages with extension modules that are compiled against NumPy's C interface.
_COMPILED = frozenset(
    "bottleneck catboost cftime fastparquet gensim h5py hdbscan implicit matplotlib netcdf4 numexpr"
    " opencv-contrib-python opencv-python opencv-python-headless pandas pyarrow pymc3 pystan pywavelets rasterio"
    " scikit-image scikit-learn scikit-surprise scipy shap spacy statsmodels tables tensorflow tensorflow-cpu thinc"
    " torch".split()
)


def broken_by_numpy_2(packages: Sequence[dict[str, Any]]) -> list[str]:
    """Names and versions of the locked *packages* that cannot work with the NumPy that is locked beside them."""
    numpy = next((entry for entry in packages if entry["name"] == "numpy"), None)
    if numpy is None or not str(numpy.get("version", "")).startswith("2."):
        return []
    return [
        f"{entry['name']} {entry.get('version')}"
        for entry in packages
        if entry["name"] in _COMPILED and _is_older(entry)
    ]


def _is_older(entry: dict[str, Any]) -> bool:
    uploads = [
        wheel["upload-time"] for wheel in entry.get("wheels", []) if isinstance(wheel.get("upload-time"), datetime)
    ]
    return bool(uploads) and all(moment.astimezone(timezone.utc) < _PREPARED for moment in uploads)
