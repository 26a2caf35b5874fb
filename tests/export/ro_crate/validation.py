"""The profiles' own validator, without a network: the contexts that it would fetch come from what is installed."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

CRATE_CONTEXT = "https://w3id.org/ro/crate/1.1/context"
RUN_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
_RUN_TERMS = "environment containerImage ContainerImage registry tag sha256"
_ACCEPTED = ("application/ld+json, application/json", "application/ld+json, application/json, */*;q=0.1")


def issues(crate: Path, folder: Path, profile: str) -> set[tuple[str, str]]:
    """What the validator objects to: severity and message; *folder* is for its cache."""
    from rocrate_validator import services
    from rocrate_validator.models import ValidationSettings

    settings = ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=profile,
        requirement_severity="RECOMMENDED",
        offline=True,
        cache_path=folder / "cache",
    )
    for url, document in _contexts().items():
        _answer(url, json.dumps(document).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator and what it uses
        return {(issue.severity.name, issue.message or "") for issue in services.validate(settings).get_issues()}


def _contexts() -> dict[str, dict[str, Any]]:
    """RO-Crate's context of 1.3, which ro-crate-py brings, with the four terms that meant something else in 1.1; and
    the runs' own."""
    import rocrate

    terms = json.loads((Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text())["@context"]
    old = {name: f"https://bioschemas.org/{name}" for name in ("ComputationalWorkflow", "FormalParameter")}
    old |= {name: f"https://bioschemas.org/ComputationalWorkflow#{name}" for name in ("input", "output")}
    run = {name: f"https://w3id.org/ro/terms/workflow-run#{name}" for name in _RUN_TERMS.split()}
    return {CRATE_CONTEXT: {"@context": {**terms, **old}}, RUN_CONTEXT: {"@context": run}}


def _answer(url: str, content: bytes) -> None:
    """Put *content* where the validator keeps what it fetched from *url*."""
    import requests
    from rocrate_validator.utils.http import HttpRequester
    from urllib3 import HTTPResponse

    session = HttpRequester().session
    for accepted in _ACCEPTED:
        response = requests.Response()
        headers = {"Content-Type": "application/ld+json"}
        response.raw = HTTPResponse(
            io.BytesIO(content), status=200, headers=headers, preload_content=False, request_url=url
        )
        response.status_code, response.url, response.headers = (
            200,
            url,
            requests.structures.CaseInsensitiveDict(headers),
        )
        response.request = session.prepare_request(requests.Request("GET", url, headers={"Accept": accepted}))
        session.cache.save_response(response)
