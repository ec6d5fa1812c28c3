"""A real PostgreSQL server for the tests, from the system's own packages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


def binaries() -> Path | None:
    """The newest installed server's folder, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    if found:
        return found[-1].parent
    plain = shutil.which("initdb")
    return Path(plain).resolve().parent if plain else None


class PostgresServer:
    """A server on a free loopback port with its own data folder; it refuses to run as root, so root changes user."""

    def __init__(self) -> None:
        folder = binaries()
        assert folder is not None
        self._home = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
        self._as: list[str] = []
        if os.geteuid() == 0:
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
            shutil.chown(self._home, "postgres", "postgres")
        data = self._home / "data"
        self._run(folder / "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._home} -c fsync=off -c max_connections=200"
        )
        self._command = [folder / "pg_ctl", "-D", data, "-l", self._home / "log", "-o", options, "-w"]
        self.serve()
        self.url = f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def stop_serving(self) -> None:
        """Drop every session and refuse new ones, as a failing server does."""
        self._run(*self._command, "-m", "immediate", "stop")

    def serve(self) -> None:
        """Start again."""
        self._run(*self._command, "start")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self.stop_serving()
        shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, *argv: object) -> None:
        command = [*self._as, *map(str, argv)]
        with (self._home.parent / f"{self._home.name}.out").open("w+") as out:
            result = subprocess.run(command, stdout=out, stderr=out, cwd="/", check=False)
            out.seek(0)
            assert result.returncode == 0, out.read()
        Path(out.name).unlink()
