import pytest
import yaml

from mlproj.foundation.redaction import redact
from mlproj.yaml_document.masking import masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token: hunter2-hunter2 # mine\n", {"token": "****"}),
        ("{token: hunter2-hunter2, n: 3.10}\n", {"token": "****", "n": 3.1}),
        ("- hunter2-hunter2's\n", ["****'s"]),
        ("a: &x hunter2-hunter2\nb: *x\n", {"a": "****", "b": "****"}),
        ("hunter2-hunter2: é\n", {"****": "é"}),
        ("a: \"hunter2-hunter2\"\nb: 'hunter2-hunter2'\n", {"a": "****", "b": "****"}),
        ("a: |\n  echo hunter2-hunter2\nb: x hunter2-hunter2\n", {"a": "echo ****\n", "b": "x ****"}),
    ],
)
def test_yaml_whose_secrets_are_masked_is_yaml_still(text: str, expected: object) -> None:
    shown = masked(text, lambda part: redact(part, {"TOKEN": "hunter2-hunter2"}))

    assert (yaml.safe_load(shown), "hunter2" in shown) == (expected, False)


def test_a_text_that_is_no_yaml_is_masked_nevertheless() -> None:
    assert masked("a: @x hunter2-hunter2", lambda part: part.replace("hunter2-hunter2", "****")) == "a: @x ****"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    assert masked("a:  *b # [\n", redact) == "a:  *b # [\n"
