"""A real PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from .conftest import postgres_programs


class PostgresServer:
    """A server in a folder of its own that listens on a Unix socket there; with a password, as servers have."""

    password = "pass/word?"

    def __init__(self) -> None:
        found = postgres_programs()
        assert found is not None
        self._programs = found
        # The server refuses to run as root, and its own user cannot enter pytest's folders.
        self._user = "postgres" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="mlproj-postgres-"))
        if self._user:
            shutil.chown(self.folder, self._user)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        self._run(
            "initdb",
            "-D",
            self.data,
            "-A",
            "scram-sha-256",
            "-U",
            "tester",
            f"--pwfile={secret}",
            "--no-sync",
            "-E",
            "UTF8",
        )
        options = f"-c listen_addresses= -c fsync=off -c shared_buffers=32MB -k {self.folder}"
        self._control("start", "-o", options, "-l", str(self.folder / "log"))
        self._schemas = 0

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def uri(self, schema: str = "public", password: str | None = None) -> str:
        """The address of tables in *schema*."""
        secret, place = (
            quote(text, safe="") for text in (self.password if password is None else password, str(self.folder))
        )
        return f"postgresql://tester:{secret}@{place}/postgres?options={quote(f'-csearch_path={schema}')}"

    def empty(self) -> str:
        """The address of a place with no tables."""
        self._schemas += 1
        self.execute(f"CREATE SCHEMA test{self._schemas}")
        return self.uri(f"test{self._schemas}")

    def execute(self, statement: str, schema: str = "public") -> None:
        import psycopg

        with psycopg.connect(self.uri(schema), autocommit=True) as connection:
            connection.execute(statement.encode())

    def restart(self) -> None:
        """As a crash and a new start."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-s", "-w", "-D", self.data, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            check=True,
        )
