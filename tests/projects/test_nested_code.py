"""No value becomes code of a second interpreter, and whoever hands values over safely is left alone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.cli.project_check import doubts
from mlproj.foundation.errors import UsageError
from mlproj.projects.base import Project
from mlproj.projects.nested_code import fields_in_code
from mlproj.projects.template import Field, parse
from tests.projects.building import bound, entry_point

CODE = r'''
bash -c "echo {a}"
bash -lc 'echo {a}'
eval "echo {a}"
eval echo {a}
trap '{a}' EXIT
python3.11 -c "print('{a}')"
python -Ic"print('{a}')"
python -m timeit "{a}"
perl -e "print '{a}'"
perl -ne 'print' {a}
perl -M{a} -e 1
Rscript -e "print('{a}')"
R --slave -e "x <- '{a}'"
node -pe "'{a}'"
ruby -e "puts '{a}'"
matlab -batch "train('{a}')"
awk -F, -v x=1 "{print {a}}" f
sed -E "s/a/{a}/" f
sed -i.bak f -e "s/a/{a}/"
jq --arg x y ".a == \"{a}\"" f
psql db -c "select '{a}'"
sqlite3 -csv db "select '{a}'"
make train LR={a}
ssh host "echo {a}"
ssh host echo {a}
su bob -c "echo {a}"
sbatch --wrap="echo {a}"
watch "echo {a}"
ls | xargs sh -c "echo {a}"
echo {a} | xargs -I% sh -c "echo %"
find . -exec sh -c "echo {a}" \;
nohup timeout 5 /bin/sh -c "echo {a}" &
exec /usr/bin/env bash -euo pipefail -c "echo {a}"
X=1 sudo -u bob bash -c "echo {a}"
docker run img bash -c "echo {a}"
srun make X={a}
python launch.py bash -c "{a}"
command eval "{a}"
time -p eval "echo {a}"
$SHELL -c "echo {a}"
"${PYTHON:-python}" -c "print('{a}')"
bash -c 'echo '{a}
bash -c $'echo {a}'
bash -c "$(echo {a})"
bash -c "bash -c 'echo {a}'"
source <(echo "{a}")
bash <(echo "{a}")
bash <<< "echo {a}"
echo "{a}" | bash
{ echo x; echo {a}; } | sh
for i in 1; do echo "{a}"; done | sh -s
printf '{a}' | while read x; do eval "$x"; done
printf '{a}' | python -
echo "import {a}" > x.py && python x.py
echo "export X={a}" > env; source env
echo {a} | tee x.sh
X={a}; eval "echo $X"
export Y="{a}"; Z=$Y; python -c "print('$Z')"
A=(1 {a}); bash -c "${A[1]}"
read X <<< {a}; eval $X
for x in {a}; do eval "$x"; done
set -- {a}; eval "$1"
f() { eval "$1"; }; f {a}
bash -c 'eval "$1"' _ {a}
V={a} bash -c 'eval "$V"'
bash -c 'ssh host "$1"' _ {a}
GIT_SSH_COMMAND="ssh -i {a}" git clone x
N={a}; echo $((N + 1))
N={a}; if (( N > 3 )); then echo; fi
N={a}; echo ${arr[N]}
[[ x && {a} -gt 1 ]] && echo
[ -v {a} ]
printf -v {a} x
declare -i n={a}
let "n={a}"
if true; then bash -c "echo {a}"; fi
(cd x; bash -c "echo {a}")
x=$(bash -c "echo {a}")
case x in x) bash -c "echo {a}";; esac
'''.strip().splitlines()  # fmt: skip

DATA = r'''
python train.py --note "{a}" && echo {a}
bash run.sh -c {a}
bash -c 'echo "$1"' _ {a}
sh -c 'python t.py "$@"' -- {a}
V={a} bash -c 'echo "$V"'
python -c 'import sys; print(sys.argv[1])' {a}
python -m train {a}
python -W ignore train.py -c {a}
perl -e 'print $ARGV[0]' {a}
Rscript -e 'f(commandArgs(TRUE))' {a}
awk -v x={a} '{print x}' f
sed -e s/a/b/ {a}
jq --arg x {a} '.a == $x' f
nohup python main.py eval --text {a}
python main.py --lang R -e {a}
echo {a} | python train.py
X={a}; eval "$(conda shell.bash hook)"; python t.py "$X"
export X={a}; [[ {a} == x ]] && python t.py || [ {a} = x ]
source env.sh && python t.py {a}
for i in 1 2 3; do python t.py $i {a}; done
echo $((1+2)) {a}
mlflow run . -P x={a}
conda run -n e python t.py {a} 2>&1 | tee {a}
torchrun --nproc 2 train.py {a} > out.log
case {a} in x) python t.py;; *) echo;; esac
{a} -c x
'''.strip().splitlines()  # fmt: skip


def found(command: str) -> dict[int, str]:
    return fields_in_code([piece for piece in parse(command, ["a"]) if isinstance(piece, (str, Field))])


@pytest.mark.parametrize("command", CODE)
def test_a_value_in_a_program_text_is_seen_and_a_hostile_one_refused(command: str) -> None:
    assert found(command)
    with pytest.raises(UsageError, match=r"parameter 'a' cannot be passed safely: .*program text"):
        bound(command, {"a": "string"}, {"a": "x; id"})


@pytest.mark.parametrize("command", DATA)
def test_a_value_that_is_handed_over_as_an_argument_may_be_anything(command: str) -> None:
    assert not found(command)


def test_harmless_values_and_the_authors_own_pass_as_they_are() -> None:
    assert bound('bash -c "echo {a}"', {"a": "string"}, {"a": "a-B_1./:=,+@%"}).text == 'bash -c "echo a-B_1./:=,+@%"'
    assert bound('bash -c "echo {a}"', {"a": {"default": "two words"}}).text == 'bash -c "echo two words"'
    assert bound('bash -c "echo {a}"', {"a": {"choices": ["b c", "d"]}}, {"a": "b c"}).text == 'bash -c "echo b c"'


@pytest.mark.parametrize("command", ["eval echo", "ssh host python t.py", "make train", "echo x | xargs -I% sh -c"])
def test_values_that_are_appended_to_what_reads_code_are_refused(command: str) -> None:
    assert bound(command, {}, {"x": "1"}).text == f"{command} --x 1"
    with pytest.raises(UsageError, match=r"parameter 'x' cannot be passed safely"):
        bound(command, {}, {"x": "$(id)"})


def test_the_message_says_which_program_and_what_to_do() -> None:
    with pytest.raises(UsageError) as caught:
        bound('bash -c "echo {a}"', {"a": "string"}, {"a": "$(id)"})

    assert "that bash reads" in caught.value.message
    assert "bash -c '… \"$1\" …' _ {a}" in str(caught.value.hint)


def test_check_warns_of_values_in_a_program_text_with_the_place() -> None:
    point = entry_point('bash -c "echo {a} {n} {b}"; echo {b}', {"a": "string", "n": "int", "b": {"choices": ["x"]}})

    (warning,) = doubts(point, Project(Path("/nowhere")))
    assert "the value of 'a' becomes part of a program text that bash reads" in warning.message
    assert warning.place and warning.place.line == 3


def test_a_text_that_is_nested_without_end_takes_harmless_values_only() -> None:
    assert found("$(" * 2000 + "{a}" + ")" * 2000)
    assert found('bash -c "' + "${x:-" * 2000 + "{a}")


FRAGMENTS = st.lists(
    st.sampled_from(
        ["V", "V", " ", " ", "'", '"', "\\", "\n", "; ", " | ", " && ", "$(", ")", "{ ", "; }", "`", "bash -c ",
         "sh -c ", "eval ", "bash", "X=", "$X", '"$X"', "Y=$X;", "$((X))", "[[ ", " -eq 1 ]]", "<<<", "<(echo ",
         "source ", "echo ", "set -- ", "$1", "f() { ", "f ", "xargs ", "env ", "exec ", " _ ", "for X in ",
         "; do ", "; done", "if ", "; then ", "; fi", "(", "trap ", " EXIT", "awk ", "$'"]
    ),
    min_size=2,
    max_size=14,
)  # fmt: skip
# What runs when it is read as code, in several languages; its output is no part of it.
PAYLOAD = st.sampled_from(
    ["$(printf PW%s NED >&2)", "; printf PW%s NED >&2;", "'; printf PW%s NED >&2; '", '"; printf PW%s NED >&2; "',
     "\nprintf PW%s NED >&2\n", "a[$(printf PW%s NED >&2)]", '";BEGIN{print "PW" "NED" > "/dev/stderr"};"']
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(template=FRAGMENTS, value=PAYLOAD)
def test_no_value_is_run_whatever_the_command(template: list[str], value: str) -> None:
    try:
        text = bound("".join(template).replace("V", "{a}").replace("}}", "} }"), {"a": "string"}, {"a": value}).text
    except UsageError:
        return
    environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nowhere"}
    done = subprocess.run(
        ["timeout", "2", "bash", "-c", text], capture_output=True, check=False, env=environ, stdin=subprocess.DEVNULL
    )
    assert b"PWNED" not in done.stdout + done.stderr, text


@pytest.mark.parametrize("piece", ["bash -c ", "| ", "python ", "eval ", "x"])
def test_values_in_a_command_that_is_too_long_to_be_judged_count_as_code(piece: str) -> None:
    begin = time.process_time()
    assert fields_in_code(parse(piece * (20_000 // len(piece)) + "{a}", {"a"}))
    fields_in_code(parse(piece * (7_000 // len(piece)) + "{a}", {"a"}))
    assert time.process_time() - begin < 10  # it took minutes
