"""``mlproj sign`` and ``mlproj verify``: every change is found, and nobody is believed who did not sign."""

from __future__ import annotations

import hashlib
import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.signing import evidence, statement
from mlproj.signing.envelope import Envelope
from mlproj.signing.keyring import Keyring
from mlproj.tracking.base import Metric, NewRun, Output, Run, RunChanges, Status
from tests.cli.conftest import Cli
from tests.signing.conftest import MODEL, artifacts_of, recorded, statement_of
from tests.signing.test_keyring import openssh_key


@pytest.fixture
def signed(cli: Cli, run: Run) -> Run:
    """The run, signed with the key ``mine``."""
    cli("key", "create", "mine")
    assert cli("sign", "one").code == 0
    return run


def changes(cli: Cli, *arguments: str) -> set[tuple[str, str]]:
    result = cli("verify", "one", "--json", *arguments)
    assert result.code == (1 if result.document["changes"] else 0)
    return {(change["kind"], change["what"]) for change in result.document["changes"]}


def payload_of(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(b64decode(json.loads(statement_of(run).read_bytes())["payload"]))
    return document


def rewrite(run: Run, **fields: Any) -> None:
    """Change the envelope that is kept with the run."""
    statement_of(run).write_text(json.dumps({**json.loads(statement_of(run).read_bytes()), **fields}))


def test_the_statement_says_what_the_run_was_made_from_and_made(signed: Run) -> None:
    statement = payload_of(signed)
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    dependencies = {one["name"]: one["digest"] for one in definition["resolvedDependencies"]}

    assert (statement["_type"], statement["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert {one["name"]: one["digest"] for one in statement["subject"]}["outputs/model.txt"] == {"sha256": MODEL}
    assert definition["externalParameters"]["parameters"] == {"alpha": "0.5", "api_key": "****"}
    assert dependencies.keys() == {"source", "pylock.toml", "input data", "copy of the project"}
    assert dependencies["source"] == {"gitCommit": "0123456789" * 4}
    assert (details["builder"]["id"], details["metadata"]["invocationId"]) == ("pkg:pypi/mlproj", signed.run_id)


def test_a_run_that_is_as_it_was_is_verified_and_says_who_signed(cli: Cli, signed: Run) -> None:
    result = cli("verify", "one", "--require-signature")

    assert result.code == 0
    assert "signed by mine (SHA256:" in result.out and "verified" in result.out
    assert "not kept, so not checked: huge.bin" in result.err


def test_a_run_that_nobody_signed_is_checked_by_its_recorded_hashes(cli: Cli, run: Run) -> None:
    assert (changes(cli), cli("verify", "one", "--require-signature").code) == (set(), 1)
    assert "not signed" in cli("verify", "one").out

    (artifacts_of(run) / "outputs" / "model.txt").write_text("another")
    (artifacts_of(run) / "outputs" / "more.txt").write_text("x")
    (paths.run_dir(run.run_id) / "pylock.toml").unlink()

    assert changes(cli) == {
        ("changed", "artifact outputs/model.txt"),
        ("added", "artifact outputs/more.txt"),
        ("missing", "pylock.toml"),
    }
    cli("key", "create")
    assert "not as it was recorded" in cli("sign", "one").err


def log_metric(run: Run) -> None:
    with closing(tracking.open()) as store:
        store.log(run.run_id, metrics=[Metric("rmse", 0.1, 1, 1)], params={"late": "1"})


def log_earlier_value(run: Run) -> None:
    """A value before the last one, which the run still shows."""
    with closing(tracking.open()) as store:
        store.log(run.run_id, metrics=[Metric("rmse", 0.1, -1, -1)])


def set_tags(run: Run, **tags: str) -> None:
    with closing(tracking.open()) as store:
        store.log(run.run_id, tags=tags)


def update(run: Run, **fields: Any) -> None:
    with closing(tracking.open()) as store:
        store.update_run(run.run_id, RunChanges(**fields))


def copy_of(run: Run) -> Path:
    """A file of the copy of the project that was kept."""
    return paths.run_dir(run.run_id) / "project" / "t.py"


COPY_CHANGED = {("changed", "copy of the project")}


def test_the_statement_says_what_it_does_not_cover(signed: Run) -> None:
    internal = payload_of(signed)["predicate"]["buildDefinition"]["internalParameters"]

    assert internal["record"].keys() == {"user", "host", "tags", "histories"}
    assert internal["notCovered"][:2] == ["name", "description"]


@pytest.mark.parametrize("name", ["a\tb.txt", "a\\b.txt", "d\te/x", "caf\udce9.txt", "d\udce9/x"])
def test_an_output_whose_name_no_artifact_may_have_is_checked(cli: Cli, run: Run, name: str) -> None:
    shown = name.encode("utf-8", "backslashreplace").decode()
    place = artifacts_of(run) / "outputs" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text("model")
    update(run, outputs=[*run.outputs, Output(name, MODEL, 5)])

    assert changes(cli) == set()
    place.write_text("other")
    assert changes(cli) == {("changed", f"artifact outputs/{shown}")}
    place.unlink()
    assert changes(cli) == {("missing", f"artifact outputs/{shown}")}


def test_a_run_and_a_statement_of_an_earlier_version_are_still_verified(cli: Cli, run: Run) -> None:
    with closing(tracking.open()) as store:
        store.update_run(
            run.run_id,
            RunChanges(source={name: value for name, value in (run.source or {}).items() if name != "snapshot"}),
        )
        run = store.get_run(run.run_id)
        found = evidence.gather(run, store.metric_history)
    document = json.loads(statement.build(run, found))
    for name in ("record", "notCovered"):
        del document["predicate"]["buildDefinition"]["internalParameters"][name]
    cli("key", "create", "mine")
    line = Envelope(json.dumps(document).encode(), ()).with_signature(Keyring().signer("mine")).to_line()
    paths.write_atomic(statement_of(run), line)

    result = cli("verify", "one", "--require-signature")

    assert result.code == 0, result.out
    assert "no digest of it" in result.err and "does not cover tags, user, host" in result.err


def rewrite_record(run: Run) -> None:
    """What somebody would do who wants a change of an output to pass."""
    (artifacts_of(run) / "outputs" / "model.txt").write_text("modem")
    digest = hashlib.sha256(b"modem").hexdigest()
    with closing(tracking.open()) as store:
        store.update_run(run.run_id, RunChanges(outputs=[Output("model.txt", digest, 5)]))


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (lambda run: (artifacts_of(run) / "plot.png").write_text("x"), {("changed", "artifact plot.png")}),
        (lambda run: (artifacts_of(run) / "plot.png").unlink(), {("missing", "artifact plot.png")}),
        (lambda run: (artifacts_of(run) / "new").write_text("x"), {("added", "artifact new")}),
        (
            lambda run: (artifacts_of(run) / "a\nsigned by mine").write_text(""),
            {("unreadable", "artifact a\nsigned by mine")},
        ),
        (lambda run: (paths.run_dir(run.run_id) / "pylock.toml").write_text("x"), {("changed", "pylock.toml")}),
        (lambda run: (paths.run_dir(run.run_id) / "output.log").unlink(), {("missing", "output.log")}),
        (lambda run: (paths.run_dir(run.run_id) / "diff.patch").write_text("x"), {("added", "diff.patch")}),
        (log_metric, {("changed", "metric rmse"), ("changed", "history of metric rmse"), ("added", "parameter late")}),
        (log_earlier_value, {("changed", "history of metric rmse")}),
        (lambda run: set_tags(run, **{"mlflow.user": "eve", "note": "free to change"}), {("added", "tag mlflow.user")}),
        (lambda run: update(run, user="eve"), {("changed", "user")}),
        (lambda run: update(run, run_name="one", source={**(run.source or {}), "snapshot": "00"}), COPY_CHANGED),
        (lambda run: copy_of(run).write_text("print('other')"), COPY_CHANGED),
        (lambda run: copy_of(run).chmod(0o755), COPY_CHANGED),
        (lambda run: shutil.rmtree(copy_of(run).parent), {("missing", "copy of the project")}),
        (rewrite_record, {("changed", "artifact outputs/model.txt"), ("missing", "artifact outputs/huge.bin")}),
    ],
)
def test_every_change_of_a_signed_run_is_listed(
    cli: Cli, signed: Run, tamper: Callable[[Run], object], found: set[tuple[str, str]]
) -> None:
    tamper(signed)

    assert changes(cli) == found
    assert "\nsigned by mine\n" not in cli("verify", "one").out


def test_a_statement_that_was_changed_is_a_bad_signature(cli: Cli, signed: Run) -> None:
    statement = payload_of(signed)
    statement["predicate"]["runDetails"]["builder"]["id"] = "somebody"  # says the same about the run
    rewrite(signed, payload=b64encode(json.dumps(statement).encode()).decode())

    result = cli("verify", "one")

    assert result.code == 1 and "bad signature: it claims to be by mine" in result.out


def test_a_forger_with_another_key_is_only_an_unknown_one(cli: Cli, signed: Run, tmp_path: Path) -> None:
    cli("sign", "one", "--ssh-key", openssh_key(tmp_path), "--force")

    assert (cli("verify", "one").code, "unknown key" in cli("verify", "one").out) == (0, True)
    assert cli("verify", "one", "--require-signature").code == 1


def test_one_good_signature_is_enough_and_the_others_are_told(cli: Cli, signed: Run) -> None:
    (good,) = json.loads(statement_of(signed).read_bytes())["signatures"]
    bad = {**good, "sig": b64encode(bytes(64)).decode()}
    rewrite(signed, signatures=[bad, good, {"keyid": "else", "sig": "AAAA"}])

    result = cli("verify", "one", "--require-signature", "--json")

    assert (result.code, [one["state"] for one in result.document["signatures"]]) == (0, ["bad", "trusted", "unknown"])


def test_the_statement_of_another_run_is_found_out(cli: Cli, signed: Run) -> None:
    recorded("two")
    cli("sign", "two")
    with closing(tracking.open()) as store:
        statement_of(signed).write_bytes(statement_of(store.get_run("two")).read_bytes())

    assert ("changed", "run") in changes(cli)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"payload": b64encode(b"{}").decode()}, "of the type None"),
        ({"payload": b64encode(b'{"_type": "https://in-toto.io/Statement/v1"}').decode()}, "predicate"),
        ({"payloadType": "text/plain"}, "text/plain"),
        ({"signatures": []}, "no signatures"),
    ],
)
def test_a_statement_that_makes_no_sense_is_a_fault(cli: Cli, signed: Run, fields: dict[str, Any], told: str) -> None:
    rewrite(signed, **fields)

    result = cli("verify", "one", "--json")

    assert result.code == 1 and told in result.document["faults"][0]


def test_a_second_key_adds_a_signature_and_a_changed_run_is_not_signed_over(
    cli: Cli, signed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = openssh_key(tmp_path, passphrase="open sesame")
    assert "nobody can be asked" in cli("sign", "one", "--ssh-key", key).err
    monkeypatch.setenv("MLPROJ_KEY_PASSPHRASE", "wrong")
    assert "passphrase is not that" in cli("sign", "one", "--ssh-key", key).err
    monkeypatch.setenv("MLPROJ_KEY_PASSPHRASE", "open sesame")
    assert cli("sign", "one", "--ssh-key", key).code == 0
    cli("key", "trust", f"{key}.pub")

    assert [one["name"] for one in cli("verify", "one", "--json").document["signatures"]] == ["mine", "ann"]
    (artifacts_of(signed) / "plot.png").write_text("x")
    assert "signed already, and is not as it was" in cli("sign", "one", "--key", "mine").err
    assert cli("sign", "one", "--key", "mine", "--force").code == 0
    assert [one["name"] for one in cli("verify", "one", "--json").document["signatures"]] == ["mine"]


def test_a_statement_is_written_out_and_verified_elsewhere(
    cli: Cli, signed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.intoto.jsonl"
    cli("sign", "one", "-o", file)
    (tmp_path / "mine.pub").write_text(cli("key", "export", "mine").out)
    assert cli("sign", "one", "-o", "-").out == file.read_text()
    assert cli("sign", "one", "-o", "-", "--json").document["statement"] == file.read_text()
    assert cli("sign", "one", "-o", tmp_path).code == 69

    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "others"))
    assert cli("verify", file, "--require-signature").code == 1
    cli("key", "trust", tmp_path / "mine.pub")
    assert cli("verify", file, "--require-signature").code == 0
    file.write_text(file.read_text() + "{}\n")
    assert "line 2" in cli("verify", file).out and cli("verify", file).code == 1
    file.write_text("\n")
    assert "no statement in it" in cli("verify", file).out


def test_a_run_is_found_whatever_files_are_around(
    cli: Cli, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded("exp/two")
    (tmp_path / "one").write_text("")
    monkeypatch.chdir(tmp_path)

    assert (cli("verify", "one").code, cli("verify", "exp/two").code) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sign", "one"], "no key to sign with"),
        (["sign", "one", "--key", "a", "--ssh-key", "b"], "two keys"),
        (["sign", "one", "--ssh-key", "id_ed25519.pub"], "no private key"),
        (["sign", "one", "--ssh-key", "id_ecdsa"], "only Ed25519"),
        (["sign", "one", "--ssh-key", "nothing"], "cannot be read"),
        (["sign", "busy", "--ssh-key", "id_ed25519"], "goes on"),
        (["sign", "empty", "--ssh-key", "id_ed25519"], "left nothing"),
        (["verify", "busy"], "goes on"),
        (["verify", "nothing"], "no run"),
        (["verify", "./nothing"], "no file that can be verified"),
        (["verify", "nothing.intoto.jsonl"], "is no file"),
        (["verify", "id_ed25519"], "no file that can be verified"),
    ],
)
def test_mistakes_are_told(
    cli: Cli, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    openssh_key(tmp_path)
    openssh_key(tmp_path, kind="ecdsa")
    with closing(tracking.open()) as store:
        store.create_run(NewRun(run_name="busy", status=Status.RUNNING))
        store.create_run(NewRun(run_name="empty", status=Status.FINISHED))

    refused = cli(*arguments)

    assert refused.code == 2 and told in refused.err
    assert not statement_of(run).exists()
