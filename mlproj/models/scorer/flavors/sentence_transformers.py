"""Models of sentence-transformers, each a folder."""

from __future__ import annotations

from typing import Any

from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import reading


def load(model: ModelFolder) -> Predictor:
    """The encoder. Sentences come as a text, a list, or the first column of a DataFrame.

    Code in the model's folder is trusted, as MLflow does: a model is code.
    """
    library = needed_package(model, "sentence_transformers", "sentence_transformers")
    keywords = {"trust_remote_code": True} if _at_least(library, (2, 3)) else {}
    with reading(model, model.data_path):
        native = library.SentenceTransformer(str(model.data_path), **keywords)
    return Predictor(_answer(native, model.config.get("task")), native)


def _at_least(library: Any, version: tuple[int, int]) -> bool:
    return tuple(int(part) for part in library.__version__.split(".")[:2]) >= version


def _answer(native: Any, task: str | None) -> Any:
    def answer(data: Any, params: dict[str, Any] | None = None) -> Any:
        sentences = _sentences(data)
        try:
            encoded = native.encode(sentences, **(params or {}))
        except TypeError as error:
            if not params:
                raise
            raise ValueError("Received invalid parameter value for `params` argument") from error
        is_llm_request = bool(task) and type(data).__name__ == "DataFrame" and next(iter(data.columns)) == "input"
        return _embeddings(native, sentences, encoded) if is_llm_request else encoded

    return answer


def _sentences(data: Any) -> Any:
    kind = type(data).__name__
    if kind == "DataFrame":
        first = data.iloc[:, 0].tolist()
        return first[0] if first and isinstance(first[0], list) else first
    return data.tolist() if kind == "Series" else data


def _embeddings(native: Any, sentences: Any, encoded: Any) -> dict[str, Any]:
    """The answer in the form of OpenAI's embeddings, which models of the task ``llm/v1/embeddings`` give."""
    tokens = sum(len(native.tokenizer(sentence)["input_ids"]) for sentence in sentences)
    data = [{"object": "embedding", "index": index, "embedding": each} for index, each in enumerate(encoded)]
    return {"object": "list", "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
