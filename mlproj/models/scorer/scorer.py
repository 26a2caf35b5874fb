"""A loaded model that answers requests: alone, or several in one prediction where that gives the same answers."""

from __future__ import annotations

import json
import traceback
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from . import inference_protocol
from .batch import alike, apart, together
from .encoding import encode, jsonable
from .errors import BAD_REQUEST, ScoringError
from .independence import Independence
from .media_type import UnsupportedMediaType
from .question import Question, Reader, failed
from .schema import Signature

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """An HTTP answer, and the number of rows that were asked for."""

    status: int
    type: str
    body: bytes
    rows: int = 0
    headers: Mapping[str, str] = {}


BROKEN = Answer(500, _TEXT, b"Internal Server Error")
"""What MLflow's server says of a request without a content type, and of what JSON cannot say."""


_TRIED = 4
"""Requests that are predicted one by one to see whether that comes to the same: the others wait meanwhile."""


class Request(NamedTuple):
    """A body and its content type; *form* is what the server tells of one in the Open Inference Protocol."""

    type: str | None
    body: bytes
    form: dict[str, Any] | None = None


class Scorer:
    """*predictor* has `predict(data, params)`, the pyfunc contract without any check."""

    def __init__(
        self, signature: Signature, predictor: Any, options: dict[str, Any] | None = None, example: Any = None
    ) -> None:
        options = options or {}
        self.predictor = predictor
        first = options.get("protocol") == "1.x"
        self._reader = Reader(signature, first_protocol=first, most_rows=options.get("most_rows"), example=example)
        self._output_names = [] if signature.outputs is None else [spec.name for spec in signature.outputs]
        self._independence = Independence(options.get("batch", True))

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """An answer to each request, in order."""
        answers: list[Answer | None] = []
        groups: dict[Any, list[tuple[int, Question]]] = {}
        for place, request in enumerate(requests):
            (read,) = _guarded(lambda one: [self._read(one)], request, 1)
            answers.append(read if isinstance(read, Answer) else None)
            if isinstance(read, Question):
                groups.setdefault(place if read.key is None else read.key, []).append((place, read))
        for group in groups.values():
            places, questions = zip(*group)
            for place, answer in zip(places, _guarded(self._ask, questions, len(questions))):
                answers[place] = answer
        return [
            answer if answer.status == 200 or request.form is None else _in_words(answer)
            for request, answer in zip(requests, answers)
            if answer is not None
        ]

    def _read(self, request: Request) -> Question | Answer:
        if request.type is None:
            return BROKEN
        try:
            if request.form is not None:
                return self._reader.read_inference(request.body, request.form)
            return self._reader.read(request.type, request.body)
        except UnsupportedMediaType as error:
            return Answer(415, _TEXT, str(error).encode())
        except ScoringError as error:
            return _refused(error)

    def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        together = self._independence.known(questions) if len(questions) > 1 else False
        if together is None:
            return self._find_out(questions[:_TRIED]) + self._ask(questions[_TRIED:])
        answers = self._ask_together(questions) if together else None
        return answers or [self._ask_alone(question)[0] for question in questions]

    def _find_out(self, questions: Sequence[Question]) -> list[Answer]:
        asked = [self._ask_alone(question) for question in questions]
        if all(answer.status == 200 for answer, _ in asked):
            try:
                parts = apart(self._predict(questions), questions) or []
            except Exception:
                parts = []
            pairs = list(zip(parts, (prediction for _, prediction in asked)))
            holds = bool(pairs) and all(alike(jsonable(part), jsonable(prediction)) for part, prediction in pairs)
            self._independence.learn(questions, holds=holds)
        return [answer for answer, _ in asked]

    def _ask_together(self, questions: Sequence[Question]) -> list[Answer] | None:
        """None if one of them breaks the prediction: then each is asked alone, to find which."""
        try:
            parts = apart(self._predict(questions), questions)
        except Exception:
            return None
        if parts is None:
            self._independence.learn(questions, holds=False)
            return None
        return [self._encoded(part, question) for part, question in zip(parts, questions)]

    def _ask_alone(self, question: Question) -> tuple[Answer, Any]:
        try:
            data = self._data(question)
        except ScoringError as error:
            return _refused(error), None
        try:
            prediction = self.predictor.predict(self._reader.in_form_of_example(data), question.params)
        except ScoringError as error:
            return _refused(failed(question.given(), error)), None
        except Exception as error:
            return _raised(question, error), None
        return self._encoded(prediction, question), prediction

    def _encoded(self, prediction: Any, question: Question) -> Answer:
        if question.form is None:
            return _encoded(prediction, question)
        try:
            body, headers = inference_protocol.encode(prediction, question.form, self._output_names)
        except ScoringError as error:
            return _refused(error)
        except Exception:
            traceback.print_exc()
            return BROKEN
        kind = "application/octet-stream" if headers else _JSON
        return Answer(200, kind, body, question.rows, headers)

    def _data(self, question: Question) -> Any:
        """What the model is asked with; read the long way if pandas does not take the values after all."""
        if question.columns is None:
            return question.data
        try:
            return together([question], self._reader.plain)
        except Exception:  # a number too large for a double, half of a surrogate pair: say so as MLflow does
            return self._reader.reread(question).data

    def _predict(self, questions: Sequence[Question]) -> Any:
        data = together(questions, self._reader.plain)
        return self.predictor.predict(data, questions[0].params)


def _refused(error: ScoringError) -> Answer:
    return Answer(error.status, _JSON, error.as_json())


def _in_words(answer: Answer) -> Answer:
    """An error as the Open Inference Protocol has it."""
    try:
        message = json.loads(answer.body)["message"]
    except ValueError:
        message = answer.body.decode()
    return answer._replace(type=_JSON, body=json.dumps({"error": message}).encode())


def _guarded(answer: Callable[[Any], list[Any]], asked: Any, count: int) -> list[Any]:
    """A mistake of ours costs the answer, not the worker."""
    try:
        return answer(asked)
    except Exception:
        traceback.print_exc()
        return [BROKEN] * count


def _encoded(prediction: Any, question: Question) -> Answer:
    try:
        return Answer(200, _JSON, encode(prediction, question.bare), question.rows)
    except Exception:  # whatever an object of the model's does when it is asked what it is
        traceback.print_exc()
        return BROKEN


def _raised(question: Question, error: Exception) -> Answer:
    if any(kind.__name__ == "MlflowException" for kind in type(error).__mro__) and hasattr(error, "serialize_as_json"):
        theirs: Any = error  # has a status of its own
        theirs.message = f"Failed to predict data '{question.given()}'. \nError: {theirs.message}"
        return Answer(theirs.get_http_status_code(), _JSON, theirs.serialize_as_json().encode())
    return _refused(
        ScoringError(
            "Encountered an unexpected error while evaluating the model. Verify"
            " that the serialized input Dataframe is compatible with the model for"
            " inference.",
            BAD_REQUEST,
            stack_trace=traceback.format_exc(),
        )
    )
