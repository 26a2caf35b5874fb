"""Projects that somebody or something has spoilt: whatever is in their files, a command says so or goes on.

Each file of a few real projects is mutated, by bytes and by what it means. The mutations are the same in every run of
the tests.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Cli

LOCK_URL = "https://files.example.org/six-1.16.0-py2.py3-none-any.whl"
DIGEST = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"
COMMAND = "name: x\nentry_points: {main: {command: 'python train.py'}}\n"
PROJECTS: dict[str, dict[str, str]] = {
    "conda": {
        "MLproject": """name: wine
conda_env: conda.yaml
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5, min: 0}
      kind: {type: string, default: ridge, choices: [ridge, lasso]}
      ids: {type: "list[int]", default: "1,2"}
    command: "python train.py --alpha {alpha} --kind {kind} {ids}"
""",
        "conda.yaml": "dependencies:\n- python=3.11\n- numpy>=1.14\n- pip:\n  - six\n  - -r r.txt\n",
        "r.txt": f"attrs>=20 ; python_version < '3.13'\n-c c.txt\nidna==3.4 --hash=sha256:{DIGEST}\n",
        "c.txt": "attrs<24\n",
        "train.py": "import numpy\nopen('data.csv')\n",
    },
    "python_env": {
        "MLproject": COMMAND + "python_env: python_env.yaml\n",
        "python_env.yaml": "python: '3.11'\nbuild_dependencies: [pip, setuptools==65.5.0]\ndependencies: [six]\n",
    },
    "docker": {
        "MLproject": COMMAND + "docker_env: {image: 'python:3.11', volumes: ['/tmp:/t'], environment: [[A, b], HOME]}\n"
    },
    "uv": {
        "MLproject": COMMAND,
        "pyproject.toml": """[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.9"
dependencies = ["six==1.16.0"]
[tool.uv]
package = false
[tool.uv.sources]
six = { index = "main" }
[[tool.uv.index]]
name = "main"
url = "https://example.org/simple"
explicit = true
""",
        "uv.lock": f"""version = 1
requires-python = ">=3.9"
[[package]]
name = "six"
version = "1.16.0"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [{{ url = "{LOCK_URL}", hash = "sha256:{DIGEST}", size = 11053 }}]
""",
    },
    "poetry": {
        "MLproject": COMMAND,
        "pyproject.toml": """[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = "^3.9"
six = {version = "^1.16", source = "main"}
[[tool.poetry.source]]
name = "main"
url = "https://example.org/simple"
priority = "explicit"
""",
    },
    "pylock": {
        "MLproject": COMMAND,
        "pylock.toml": f"""lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "six"
version = "1.16.0"
wheels = [{{ url = "{LOCK_URL}", size = 11053, hashes = {{ sha256 = "{DIGEST}" }} }}]
""",
    },
    "setup": {
        "MLproject": COMMAND,
        "setup.cfg": "[metadata]\nname = demo\n[options]\npython_requires = >=3.8\ninstall_requires =\n    six>=1.10\n",
    },
    "pipfile": {
        "MLproject": COMMAND,
        "Pipfile": '[packages]\nsix = {version = ">=1", extras = ["x"]}\n[requires]\npython_version = "3.11"\n',
        "Pipfile.lock": json.dumps(
            {
                "_meta": {
                    "requires": {"python_version": "3.11"},
                    "sources": [{"name": "p", "url": "https://p.example"}],
                },
                "default": {"six": {"hashes": [f"sha256:{DIGEST}"], "version": "==1.16.0"}},
            }
        ),
    },
    "renv": {
        "MLproject": "entry_points: {main: {command: Rscript a.R}}\n",
        "renv.lock": json.dumps(
            {
                "R": {"Version": "4.2.0", "Repositories": [{"Name": "CRAN", "URL": "https://cran.example.org"}]},
                "Packages": {
                    "R6": {"Package": "R6", "Version": "2.5.1", "Source": "Repository", "Requirements": ["R"]}
                },
            }
        ),
    },
    "script": {
        "train.py": '# /// script\n# requires-python = ">=3.9"\n# dependencies = ["six==1.16.0"]\n# ///\nimport six\n'
    },
}

PIECES = [
    *(b"", b"null", b"-1", b"[]", b"{}", b".nan", b"1e999", b"0x1F", b"2026-13-99", b"'\xff\xfe'", b'"\\ud800"', b"\0"),
    *(b"!!binary aGk=", b"!!python/object/apply:os.system ['x']", b"&a [*a]", b"*nobody", b"{<<: [1]}", b"!!int x"),
    *(b"9" * 5000, b"x" * 300_000, b"[" * 3000, b"{" * 3000, b"- " * 2000, b"'", b'"', b"|9", b"%YAML 9.9", b"---"),
    *(b"\xc2\x85", b"\x1b[31m", b"\xed\xa0\x80", b"${HOME}", b"../../etc/passwd", b"a\nb: c", b"-e .", b"-r r.txt"),
    *(b"http://[", b">=", b"; python_version", b"@ ", b"07:32:00", b'"""', b"\xef\xbb\xbf", b"\t", b"\r", b"#", b"\\"),
]
ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "a\nb",
    "../..",
    [],
    {},
    [None],
    [[]],
    {"": None},
    [1, "a", {}],
    "==",
]
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (letter, letter, b",".join([b"*%c" % (letter - 1)] * 9)) for letter in b"bcdefgh"
)


def by_bytes(chance: random.Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    line, at = chance.randrange(len(lines)), chance.randrange(len(content))
    end = min(len(content), at + chance.choice((0, 1, 8, 30)))
    return chance.choice(
        [
            b"".join(lines[:line] + lines[line + 1 :]),
            b"".join([*lines[:line], lines[line], *lines[line:]]),
            b"".join([*lines[:line], chance.choice((b"\t", b"  ", b"    - ")), *lines[line:]]),
            *[content[:at] + chance.choice(PIECES) + content[end:]] * 6,
            content.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\t"))),
            content.decode("latin-1").encode(chance.choice(("utf-16", "utf-32", "utf-16-le", "utf-8-sig"))),
            content[:at],
            BOMB + content,
            content * 3,
            chance.choice((b"", b"\n", b"\0" * 99, b"[" * 100_000, b"{a: " * 3000, b"a" * 5_000_000, b"\xff\xfe")),
        ]
    )


def by_meaning(chance: random.Random, name: str, content: bytes) -> bytes | None:
    """Swap a value for one of another type; None for files that have no such form."""
    if not content.startswith(b"{") and not name.endswith((".yaml", "MLproject")):
        return None
    document = yaml.safe_load(content)
    path = chance.choice(list(places(document))[1:])
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    holder[path[-1]] = chance.choice([*ODD, [old], {"a": old}])
    if content.startswith(b"{"):
        return json.dumps(document).encode()
    return yaml.safe_dump(document, sort_keys=False).encode()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("kind", sorted(PROJECTS))
def test_whatever_is_in_a_projects_files_is_said_or_run(
    cli: Cli, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: text.encode() for name, text in PROJECTS[kind].items()}
    monkeypatch.setenv("PATH", str(tmp_path))  # no program is asked
    chance = random.Random(kind)
    for number in range(16):
        spoilt = chance.choice(sorted(files))
        mutated = by_meaning(chance, spoilt, files[spoilt]) if number % 2 else None
        content = by_bytes(chance, files[spoilt]) if mutated is None else mutated
        for name in files:
            (tmp_path / name).write_bytes(content if name == spoilt else files[name])
        command = (["check"], ["show"], ["run", "--dry-run"])[number % 3]
        done = cli(
            *command, tmp_path, "--offline", *(["-e", "train.py"] if kind == "script" and number % 3 == 2 else [])
        )
        said = done.out + done.err
        assert done.code in (0, 2, 65, 66, 69, 73), (number, spoilt, content[:500], said)
        assert not {"\0", "\x1b"} & {*said}, (number, spoilt, content[:500], said)
