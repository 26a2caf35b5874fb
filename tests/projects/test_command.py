"""Commands are MLflow's byte for byte, apart from the fixes, and values are checked before anything else happens."""

from __future__ import annotations

import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj import projects
from mlproj.foundation.errors import InvalidProject, UsageError
from tests.projects.building import bound, entry_point, project

# Parameters, command, values, and the text that MLflow 3.17.2 computed for them.
MLFLOW_SAYS: list[tuple[dict[str, Any], str, dict[str, str], str]] = [
    (
        {"alpha": "float", "l1": {"type": "float", "default": 0.1}},
        "python train.py {alpha} {l1}",
        {"alpha": "0.5"},
        "python train.py 0.5 0.1",
    ),
    (
        {"msg": "string"},
        "python t.py --msg {msg}",
        {"msg": 'it\'s $(id); `id` "x" \\'},
        "python t.py --msg 'it'\"'\"'s $(id); `id` \"x\" \\'",
    ),
    ({"msg": "string"}, "python t.py --msg {msg}", {"msg": ""}, "python t.py --msg ''"),
    ({"msg": "string"}, "python t.py --msg {msg}", {"msg": "line\nbreak"}, "python t.py --msg 'line\nbreak'"),
    ({"msg": "string"}, "python t.py {msg}", {"msg": "--rm=-rf"}, "python t.py --rm=-rf"),
    ({"a": {"default": "None"}}, "python t.py {a}", {}, "python t.py None"),
    (
        {"a": {"type": "bool", "default": False}, "b": {"type": "bool", "default": True}},
        "t {a} {b}",
        {},
        "t False True",
    ),
    (
        {"a": {"type": "float", "default": 1e-07}, "b": {"default": "1e-7"}, "c": {"default": 100000000000000000000}},
        "t {a} {b} {c}",
        {},
        "t 1e-07 1e-7 100000000000000000000",
    ),
    (
        {"a": {"type": "list[int]", "default": [1, 2]}, "b": {"default": ["x", "y z"]}, "c": {"default": {"k": 1}}},
        "t {a} {b} {c}",
        {},
        "t '[1, 2]' '['\"'\"'x'\"'\"', '\"'\"'y z'\"'\"']' '{'\"'\"'k'\"'\"': 1}'",
    ),
    (
        {"learning-rate": {"default": 1}, "_x": {"default": 2}, "Ä": {"default": 3}},
        "t --lr {learning-rate} {_x} {Ä}",
        {},
        "t --lr 1 2 3",
    ),
    ({"a": {"default": 1}}, "t {a}{a} x{a}y", {}, "t 11 x1y"),
    ({"a": {"default": 1}}, "awk '{{print $1}}' {a} {{a}} {{{a}}} ${{HOME}}", {}, "awk '{print $1}' 1 {a} {1} ${HOME}"),
    ({"a": {"default": "v"}}, "t {a!s} {a:>5} {a:_^5} {a!r}", {}, "t v     v __v__ 'v'"),
    ({"a": {"default": "v w"}}, "t {a:<8}|", {}, "t 'v w'   |"),
    (
        {"a": {"default": 1}},
        "t {a}",
        {"x": "1", "two words": "it's", "b c": "$x"},
        "t 1 --x 1 --'two words' 'it'\"'\"'s' --'b c' '$x'",
    ),
    ({}, "t", {"flag": ""}, "t --flag ''"),
    ({"a": {"default": 1}}, "t \\\n  --a {a} \\\n  --b", {}, "t \\\n  --a 1 \\\n  --b"),
    ({"a": {"default": 1}}, "t {a} # note", {"x": "y"}, "t 1 # note --x y"),
    ({"a": {"default": 1}}, "t {a}\n", {}, "t 1\n"),
    (
        {"a": {"default": 1}},
        "cd x && t {a} | tee \"log $(date +%F)\"; echo $HOME 'q'",
        {},
        "cd x && t 1 | tee \"log $(date +%F)\"; echo $HOME 'q'",
    ),
    (
        {"a": {"default": "a-b_1.0/x@y:z=1,2%+"}},
        "t \"{a}\" '{a}' $(echo {a}) `echo {a}`",
        {},
        "t \"a-b_1.0/x@y:z=1,2%+\" 'a-b_1.0/x@y:z=1,2%+' $(echo a-b_1.0/x@y:z=1,2%+) `echo a-b_1.0/x@y:z=1,2%+`",
    ),
    ({"p": "path"}, "t {p}", {"p": "/etc/../etc/"}, "t /etc"),
    ({"p": "path"}, "t {p}", {"p": "file:///etc"}, "t /etc"),
    ({"u": "uri"}, "t {u}", {"u": "s3://bucket/a key?x=1&y"}, "t 's3://bucket/a key?x=1&y'"),
    ({"a": {"type": "weird", "default": 1}}, "t {a}", {"a": "Ünï"}, "t 'Ünï'"),
]


@pytest.mark.parametrize(("parameters", "command", "values", "expected"), MLFLOW_SAYS)
def test_the_command_is_the_one_that_mlflow_computes(
    parameters: dict[str, Any], command: str, values: dict[str, str], expected: str
) -> None:
    assert bound(command, parameters, values).text == expected


@pytest.mark.needs("mlflow")
@pytest.mark.parametrize(("parameters", "command", "values", "expected"), MLFLOW_SAYS)
def test_mlflow_still_computes_the_same(
    tmp_path: Path, parameters: dict[str, Any], command: str, values: dict[str, str], expected: str
) -> None:
    theirs: Any = import_module("mlflow.projects._project_spec")

    assert theirs.EntryPoint("main", parameters, command).compute_command(values, str(tmp_path)) == expected


class TestFixes:
    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            ("t\n", "t --x 'y z'"),
            ("cd a\nt \\\n  --a b\n\n", "cd a\nt \\\n  --a b --x 'y z'"),
            ("t \\\n", "t  --x 'y z'"),
            ("t \\ \n", "t \\  --x 'y z'"),
            ("t", "t --x 'y z'"),
        ],
    )
    def test_extra_parameters_belong_to_the_last_line(self, command: str, expected: str) -> None:
        assert bound(command, {}, {"x": "y z"}).text == expected

    def test_extra_parameters_after_a_here_document_are_refused(self) -> None:
        with pytest.raises(UsageError, match="here-document"):
            bound("cat <<E\nx\nE\n", {}, {"x": "y"})

    def test_extra_parameters_after_a_comment_are_warned_of(self) -> None:
        assert "swallows --x" in str(bound("t # note", {}, {"x": "y"}).warnings[0])

    @pytest.mark.parametrize(
        "command",
        [
            "t ${HOME} ${x:-1}",
            "awk '{print $1}' {}",
            "t {a,b} {1..3}",
            't \'{"a": {"b": 1}}\'',
            "t }",
            "t {",
            "t {a b}",
        ],
    )
    def test_shell_braces_stay(self, command: str) -> None:
        assert bound(command).text == command

    def test_a_brace_too_many_is_warned_of(self) -> None:
        assert "closing brace" in str(bound("t {a}}", {"a": {"default": 1}}).warnings[0])
        assert bound("t {a}}", {"a": {"default": 1}}).text == "t 1}"

    def test_a_parameter_written_as_a_shell_variable_is_its_value_and_warned_of(self) -> None:
        command = bound("t ${n} \\${n} $${n}", {"n": {"type": "int", "default": 300}})

        assert command.text == "t 300 \\$300 $$300"
        place = str(entry_point("").place).replace("2:3", "3:16")
        assert [*map(str, command.warnings)] == [place + ": ${n} is taken for the parameter 'n'; write {n}"]

    def test_doubled_braces_around_a_parameter_are_warned_of(self) -> None:
        command = bound("t {{n}}", {"n": {"default": 1}})

        assert command.text == "t {n}"
        assert "is the text {n}, not the parameter's value" in str(command.warnings[0])

    def test_an_undeclared_name_is_an_error_that_lists_the_declared(self, tmp_path: Path) -> None:
        text = (
            "entry_points:\n  main:\n    parameters: {alpha: float}\n    command: >\n      python train.py\n      --a"
            " {alhpa}\n"
        )
        point = project(tmp_path, text).entry_points["main"]

        with pytest.raises(InvalidProject, match=r"uses \{alhpa\}, .*declared: alpha; did you mean 'alpha'") as caught:
            projects.bind(point, {"alpha": "1"}, cwd=tmp_path, project_dir=tmp_path)
        assert str(caught.value.place).endswith("MLproject:6:11")
        assert "{{alhpa}}" in str(caught.value.hint)

    def test_an_entry_point_without_command_is_an_error_when_chosen(self) -> None:
        with pytest.raises(InvalidProject, match="has no command"):
            bound("")

    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            ("t --x {x} --y {y}", "t --y 1"),
            ("t --y {y} --x {x}", "t --y 1"),
            ("t --y {y} --x={x}", "t --y 1"),
            ('t --x "{x}" {y}', "t 1"),
            ("t -x '{x}'", "t"),
            ("t \\\n  --x {x} \\\n  --y {y}", "t \\\n  \\\n  --y 1"),
            ("t --x \\\n {x}", "t"),
            ("t --x {x}; u --x {x}", "t ; u"),
            ("t {x} {y}", "t '' 1"),
            ("t --x {x}{y}", "t --x ''1"),
            ("t --x {x}b", "t --x ''b"),
            ("t --x a{x}", "t --x a''"),
            ('t --x "a{x}"', 't --x "a"'),
            ("t x={x}", "t x=''"),
            ("t\\ --x {x}", "t\\ --x ''"),
            ("t --x {x} --x {x}", "t"),
        ],
    )
    def test_an_optional_parameter_is_absent_with_its_flag_or_empty(self, command: str, expected: str) -> None:
        command_ = bound(command, {"x": {"default": None}, "y": {"default": 1}})

        assert command_.text == expected
        assert command_.parameters == {"y": "1"}

    def test_optional_needs_no_default(self) -> None:
        assert bound("t --x {x}", {"x": {"optional": True}}).text == "t"
        assert bound("t --x {x}", {"x": {"type": "int", "optional": True}}, {"x": "3"}).text == "t --x 3"

    def test_a_null_value_stands_for_none(self) -> None:
        assert bound("t --x {x}", {"x": {"default": 5, "optional": True}}, {"x": None, "other": None}).text == "t"
        with pytest.raises(UsageError, match="needs a value"):
            bound("t --x {x}", {"x": {"default": 5}}, {"x": None})

    def test_a_placeholder_in_quotes_arrives_whole(self) -> None:
        assert bound("t '{x}' \"{x}\"", {"x": "string"}, {"x": "it's $x"}).text == "t 'it'\\''s $x' \"it's \\$x\""

    def test_a_value_that_cannot_be_quoted_where_it_stands_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"parameter 'x' cannot be passed safely: .* between backticks"):
            bound("t `echo {x}`", {"x": "string"}, {"x": "a b"})

    def test_a_format_that_makes_no_sense_stays(self) -> None:
        assert bound("t {a:zz} {a[b]} {a:99999999}", {"a": {"default": "v"}}).text == "t {a:zz} {a[b]} {a:99999999}"

    def test_a_formatted_value_is_quoted_after_it(self) -> None:
        assert bound("t {a!r} {a:.1}", {"a": {"default": "$x"}}).text == "t ''\"'\"'$x'\"'\"'' '$'"

    def test_recorded_values_are_plain_and_in_order(self) -> None:
        command = bound(
            "t {b}", {"b": "string", "a": {"default": 1}, "n": {"default": None}}, {"z": "z z", "b": "it's"}
        )

        assert list(command.parameters.items()) == [("b", "it's"), ("a", "1"), ("z", "z z")]

    def test_a_parameter_that_looks_like_a_declared_one_is_warned_of(self) -> None:
        command = bound("t", {"learning-rate": {"default": 1}}, {"learning_rate": "2"})

        assert command.text == "t --learning_rate 2"
        assert "did you mean 'learning-rate'?" in str(command.warnings[0])


class TestChecks:
    def test_all_missing_values_are_named_at_once(self) -> None:
        with pytest.raises(UsageError, match=r"needs a value for the parameters a \(float\), b \(string\)") as caught:
            bound("t {a} {b}", {"a": "float", "b": {}, "c": {"default": 1}})
        assert caught.value.hint == "add -P a=… -P b=…"

    @pytest.mark.parametrize(
        ("declared", "value", "said"),
        [
            ("int", "1.5", "expected a whole number"),
            ("integer", "1_0", "expected a whole number"),
            ("float", "fast", "expected a number"),
            ("boolean", "maybe", "expected true or false"),
            ("uri", "no/scheme", "expected a URI"),
            ("list[int]", "1,x", "expected a whole number, such as 10 for each item, found 'x'"),
            ("list[float]", "[1, 2", "expected a list"),
            ({"type": "int", "min": 1}, "0", "expected at least 1"),
            ({"type": "float", "max": 0.5}, "0.6", "expected at most 0.5"),
            ({"type": "float", "min": "1e-3"}, "nan", "expected at least 0.001"),
            ({"choices": ["adam", "sgd"]}, "sdg", "expected one of adam, sgd"),
            ({"type": "list[string]", "choices": ["a", "b"]}, "a,c", "expected one of a, b for each item, found 'c'"),
        ],
    )
    def test_a_wrong_value_is_refused_with_what_was_expected(self, declared: Any, value: str, said: str) -> None:
        with pytest.raises(UsageError) as caught:
            bound("t {x}", {"x": declared}, {"x": value})
        assert repr(value) in caught.value.message
        assert "'x'" in caught.value.message
        assert said in caught.value.message

    def test_the_default_may_be_given_though_it_is_of_another_type(self) -> None:
        assert bound("t {x}", {"x": {"type": "int", "default": "None"}}, {"x": "None"}).text == "t None"

    def test_a_default_of_another_type_is_warned_of(self) -> None:
        command = bound("t {x}", {"x": {"type": "int", "default": "None"}})

        assert command.text == "t None"
        assert "the default 'None' of 'x' is no int, expected a whole number" in str(command.warnings[0])
        assert "write null for none" in str(command.warnings[0])

    def test_a_secret_in_a_wrong_uri_is_masked(self) -> None:
        with pytest.raises(UsageError) as caught:
            bound("t {x}", {"x": "int"}, {"x": "https://me:s3cret@host"})
        assert "s3cret" not in str(caught.value)

    def test_a_secret_value_is_masked(self) -> None:
        for declared, value in (("int", "s3cret-1"), ("list[int]", "1,s3cret"), ("path", "s3cret/x")):
            with pytest.raises(UsageError) as caught:
                bound("t {api_token}", {"api_token": declared}, {"api_token": value})
            assert "s3cret" not in str(caught.value)

    def test_a_nul_character_is_refused(self) -> None:
        with pytest.raises(UsageError, match="NUL"):
            bound("t {x}", {"x": "string"}, {"x": "a\0b"})
        with pytest.raises(InvalidProject, match="NUL"):
            bound("t \0")

    def test_values_that_are_no_text_become_what_python_makes_of_them(self) -> None:
        assert bound("t", {}, {"a": True, "b": [1, 2], "c": 1e-7}).text == "t --a True --b '[1, 2]' --c 1e-07"

    def test_problems_of_an_entry_point_are_told_without_values(self) -> None:
        errors, warnings = projects.problems(entry_point("t {y} ${x}", {"x": {"type": "int", "default": "many"}}))

        assert ["{y}" in error.message for error in errors] == [True]
        assert len(warnings) == 2
        assert projects.problems(entry_point("t {x}", {"x": "int"})) == ([], [])


class TestPaths:
    def test_a_path_is_looked_for_where_the_user_stands_then_in_the_project(self, tmp_path: Path) -> None:
        for folder in ("here", "project"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "both").write_text(folder)
        (tmp_path / "project" / "one").write_text("x")
        parameters = {"p": "path", "d": {"type": "path", "default": "both"}}
        values = {"p": "both"}

        command = bound("t {p} {d}", parameters, values, cwd=tmp_path / "here", project_dir=tmp_path / "project")
        other = bound("t {p}", {"p": "path"}, {"p": "one"}, cwd=tmp_path / "here", project_dir=tmp_path / "project")

        assert command.text == f"t {tmp_path}/here/both {tmp_path}/project/both"
        assert command.parameters == {"p": "both", "d": "both"}
        assert [(given.parameter, given.uri, given.size) for given in command.inputs] == [
            ("p", "both", 4),
            ("d", "both", 7),
        ]
        assert other.text == f"t {tmp_path}/project/one"

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="'no/such' of parameter 'p' is no file"):
            bound("t {p}", {"p": "path"}, {"p": "no/such"}, cwd=tmp_path, project_dir=tmp_path)

    def test_a_tilde_is_the_user_s_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "a.csv").write_text("")

        assert bound("t {p}", {"p": "path"}, {"p": "~/a.csv"}, cwd=tmp_path, project_dir=tmp_path).text == (
            f"t {tmp_path}/home/a.csv"
        )

    def test_an_output_may_be_missing_when_its_folder_is_there(self, tmp_path: Path) -> None:
        command = bound("t {p}", {"p": "path"}, {"p": "model.pkl"}, cwd=tmp_path, project_dir=tmp_path)

        assert command.text == f"t {tmp_path}/model.pkl"
        assert "taken for an output" in str(command.warnings[0])
        assert command.inputs == ()

    def test_a_uri_is_fetched(self, tmp_path: Path) -> None:
        (tmp_path / "got it").write_text("x")
        asked: list[str] = []

        def fetch(uri: str) -> Path:
            asked.append(uri)
            return tmp_path / "got it"

        command = bound("t {p}", {"p": "path"}, {"p": "https://host/data.csv"}, fetch=fetch)

        assert asked == ["https://host/data.csv"]
        assert command.text == f"t '{tmp_path}/got it'"
        assert command.parameters == {"p": "https://host/data.csv"}
        assert command.inputs[0].uri == "https://host/data.csv"

    def test_without_a_way_to_fetch_a_uri_stays(self) -> None:
        assert bound("t {p}", {"p": "path"}, {"p": "s3://b/k"}).text == "t s3://b/k"

    def test_nothing_is_fetched_when_another_value_is_wrong(self) -> None:
        def fetch(uri: str) -> Path:
            raise AssertionError(uri)

        with pytest.raises(UsageError, match="whole number"):
            bound("t {p} {n}", {"p": "path", "n": "int"}, {"p": "https://host/x", "n": "x"}, fetch=fetch)

    def test_an_empty_default_stays_empty(self) -> None:
        assert bound("t {p}", {"p": {"type": "path", "default": ""}}).text == "t ''"


@settings(max_examples=60, deadline=None)
@given(
    values=st.dictionaries(
        st.from_regex(r"[a-z][a-z_-]{0,5}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    )
)
def test_every_value_reaches_the_program_unchanged(values: dict[str, str]) -> None:
    declared = dict.fromkeys(list(values)[::2], "string")
    command = " ".join(["printf '%s\\0' x", *(f"{{{name}}} \"{{{name}}}\" '{{{name}}}'" for name in declared)]) + "\n"

    text = bound(command, declared, values).text

    done = subprocess.run(["bash", "-c", text], capture_output=True, check=True)
    expected = ["x", *(values[name] for name in declared for _ in range(3))]
    expected += [part for name, value in values.items() if name not in declared for part in (f"--{name}", value)]
    assert done.stdout.decode().split("\0")[:-1] == expected
