"""Run with the Python of an MLflow installation: what its scoring server answers to requests.

Arguments: a JSON file with `[{"model": folder, "type": text or null, "body": base64 or {"parquet": columns}}, …]`,
and the file for the answers: `[{"status", "type", "body", "asked"}, …]`, bodies in base64.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
import sys
import warnings


def served(folder):
    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    return scoring_server.init(mlflow.pyfunc.load_model(folder))


def body_of(request):
    if isinstance(request["body"], str):
        return base64.b64decode(request["body"])
    import pandas as pd

    stream = io.BytesIO()
    pd.DataFrame(request["body"]["parquet"]).to_parquet(stream)
    return stream.getvalue()


async def answer(app, content_type, body):
    headers = [] if content_type is None else [(b"content-type", content_type.encode("latin-1"))]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/invocations",
        "raw_path": b"/invocations",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "headers": headers,
    }
    messages = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return waiting.pop() if waiting else await asyncio.Event().wait()

    async def send(message):
        messages.append(message)

    with contextlib.suppress(Exception):  # raised once more after the answer, for the log
        await app(scope, receive, send)
    start = messages[0]
    kind = dict(start["headers"]).get(b"content-type", b"").decode()
    whole = b"".join(message.get("body", b"") for message in messages[1:])
    return {"status": start["status"], "type": kind, "body": base64.b64encode(whole).decode()}


def main(requests_file, answers_file):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    apps = {}
    answers = []
    with open(requests_file) as file:
        requests = json.load(file)
    for request in requests:
        folder = request["model"]
        if folder not in apps:
            apps[folder] = served(folder)
        body = body_of(request)
        found = asyncio.run(answer(apps[folder], request["type"], body))
        answers.append({**found, "asked": base64.b64encode(body).decode()})
    with open(answers_file, "w") as file:
        json.dump(answers, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
