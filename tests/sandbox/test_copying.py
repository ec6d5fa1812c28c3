"""The private copy of a project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from escalator.errors import TaskError
from escalator.records import Command, Limits
from escalator.sandbox.copying import RunFolder, prepare

PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n"
PUBLIC = "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----\n"
GOOGLE = '{"type": "service_account", "private_key": "0123456789abcdef0123456789abcdef"}'


@contextmanager
def prepared(**fields: object) -> Iterator[RunFolder]:
    folder = prepare(Command(argv=("true",), **fields))
    try:
        yield folder
    finally:
        folder.remove()
        folder.release()


def _tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_what_no_run_needs_stays_behind(tmp_path: Path) -> None:
    """Version control, caches, environments and byte code are not copied."""
    for name in (".git/config", "pkg/__pycache__/a.pyc", ".venv/bin/python", "node_modules/x/i.js", "pkg/b.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "pkg" / "a.py").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    with prepared(workspace=tmp_path) as folder:
        assert _tree(folder.workspace) == {"pkg", "pkg/a.py"}


def _laid(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def _copied(root: Path, **fields: object) -> set[str]:
    """The files of a project that reach its copy."""
    with prepared(workspace=root, **fields) as folder:
        return {name for name in _tree(folder.workspace) if (folder.workspace / name).is_file()}


def test_secrets_stay_behind_and_are_named(tmp_path: Path) -> None:
    """Files that commonly hold keys are left out, and the result says which; their templates are copied."""
    _laid(tmp_path, dict.fromkeys((".env", "app/.env.local", ".env.example", ".netrc"), "KEY=1"))
    with prepared(workspace=tmp_path) as folder:
        assert _tree(folder.workspace) == {"app", ".env.example"}
        assert folder.notes == ("Left out of the workspace copy: .env, .netrc, app/.env.local.",)


def test_folders_of_secrets_and_of_tools_stay_behind(tmp_path: Path) -> None:
    """At any depth where they are known, and at the top of the project whatever their name is."""
    kept = {".github/workflows/test.yml", ".cargo/config.toml", "docs/.assets/a.svg", ".flake8", "app/main.py"}
    left = {".aws/config", "deploy/.kube/config", ".idea/a.xml", "web/.vscode/b.json", ".newagent/chat/log.txt"}
    _laid(tmp_path, dict.fromkeys(kept | left, "x"))
    assert _copied(tmp_path) == kept


def test_a_key_under_another_name_stays_behind(tmp_path: Path) -> None:
    """What clearly is a key is known by how it begins."""
    _laid(tmp_path, {"backup/old.txt": PRIVATE, "fixture.json": GOOGLE, "app.py": "KEY = 1\n"})
    assert _copied(tmp_path) == {"app.py"}


def test_code_that_speaks_of_keys_and_public_keys_is_copied(tmp_path: Path) -> None:
    """A test with a key in a string, a module named secrets and a certificate are what a project's tests need."""
    kept = {"tests/test_tls.py": f'KEY = """\n{PRIVATE}"""\n', "app/secrets.py": "import os\n", "ca.pem": PUBLIC}
    _laid(tmp_path, kept)
    assert _copied(tmp_path) == set(kept)


def test_what_the_task_names_is_there(tmp_path: Path) -> None:
    """A file that the command brings along is laid over the copy whatever its name."""
    _laid(tmp_path, {"server.pem": PRIVATE, "other.pem": PRIVATE})
    assert _copied(tmp_path, files={"server.pem": PRIVATE}) == {"server.pem"}


@pytest.mark.parametrize(
    ("share", "copied"),
    [
        ("tests/certs/server.pem", {"tests/certs/server.pem"}),
        ("tests/certs", {"tests/certs/server.pem", "tests/certs/other.key"}),
        ("*.key", {"tests/certs/other.key", ".docker/x.key"}),
        (".vscode", {".vscode/settings.json", ".vscode/keys/id_rsa"}),
        (".vscode/settings.json", {".vscode/settings.json"}),
    ],
)
def test_what_is_shared_is_copied_and_nothing_beside_it(share: str, copied: set[str], tmp_path: Path) -> None:
    """A path, a folder or a pattern of `share` brings in what would stay back, also from within a closed folder."""
    names = ("tests/certs/server.pem", "tests/certs/other.key", ".docker/x.key")
    _laid(tmp_path, dict.fromkeys((*names, ".vscode/settings.json", ".vscode/keys/id_rsa"), "x"))
    folder = prepare(Command(argv=("true",), workspace=tmp_path), share=(share,))
    try:
        assert {name for name in _tree(folder.workspace) if (folder.workspace / name).is_file()} == copied
    finally:
        folder.remove()
        folder.release()


def test_links_are_kept_only_inside(tmp_path: Path) -> None:
    """A relative link to another file of the project is copied as a link, any other is left out."""
    project = tmp_path / "project"
    (project / "a").mkdir(parents=True)
    (project / "a" / "real").write_text("x")
    (tmp_path / "secret").write_text("secret")
    (project / "inside").symlink_to("a/real")
    (project / "outside").symlink_to("../secret")
    (project / "absolute").symlink_to(project / "a" / "real")
    with prepared(workspace=project) as folder:
        assert _tree(folder.workspace) == {"a", "a/real", "inside"}
        assert (folder.workspace / "inside").is_symlink()


def test_the_copy_keeps_the_right_to_execute(tmp_path: Path) -> None:
    """Scripts stay executable, and files that were read-only can be replaced in the copy."""
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o555)
    with prepared(workspace=tmp_path) as folder:
        assert (folder.workspace / "run.sh").stat().st_mode & 0o777 == 0o755


def test_a_project_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """The size is bounded before the run, and the refusal leaves nothing behind."""
    (tmp_path / "big").write_bytes(bytes(2000))
    with (
        pytest.raises(TaskError, match="more than 1000 bytes"),
        prepared(workspace=tmp_path, limits=Limits(workspace=1000)),
    ):
        pass
    with (
        pytest.raises(TaskError, match="more than 1000 bytes"),
        prepared(files={"big": "x" * 2000}, limits=Limits(workspace=1000)),
    ):
        pass


def test_a_workspace_must_be_a_folder(tmp_path: Path) -> None:
    """A file or a missing path is refused by name."""
    with pytest.raises(TaskError, match="is not a folder"), prepared(workspace=tmp_path / "absent"):
        pass


def test_the_overlay_replaces_links_and_follows_none_outside(tmp_path: Path) -> None:
    """A file laid over a link takes its place; a folder link is followed only inside the copy."""
    (tmp_path / "real.py").write_text("old")
    (tmp_path / "link.py").symlink_to("real.py")
    with prepared(workspace=tmp_path, files={"link.py": "new"}) as folder:
        assert not (folder.workspace / "link.py").is_symlink()
        assert (folder.workspace / "real.py").read_text() == "old"


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    """Where a file and a folder clash, the task is at fault and told so."""
    (tmp_path / "a").write_text("x")
    with pytest.raises(TaskError, match="cannot be written"), prepared(workspace=tmp_path, files={"a/b": "x"}):
        pass
