"""Files come back only if they are plain, and hostile folders can be removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from escalator.sandbox.artefacts import collect, remove_tree


def test_plain_files_come_back(tmp_path: Path) -> None:
    """A regular file within the bound is read, at any depth."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.bin").write_bytes(b"\x00" * 10)
    assert collect(tmp_path, ["a/b/c.bin"], limit=10) == ({"a/b/c.bin": b"\x00" * 10}, [])


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", "", "a//b", "./a"])
def test_names_that_climb_are_refused(name: str, tmp_path: Path) -> None:
    """A name that is not plainly inside is not opened."""
    (tmp_path / "outside").write_text("secret")
    (tmp_path / "in").mkdir()
    found, notes = collect(tmp_path / "in", [name], limit=100)
    assert found == {}
    assert len(notes) == 1


def test_links_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    """Nothing but a regular file is read, and a pipe without a writer does not block."""
    root = tmp_path / "in"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    (root / "dir").mkdir()
    found, notes = collect(root, ["link", "folder/secret", "pipe", "dir"], limit=100)
    assert found == {}
    assert len(notes) == 4


def test_large_and_sparse_files_are_refused_unread(tmp_path: Path) -> None:
    """The size is asked for before anything is read."""
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 36)
    found, notes = collect(tmp_path, ["big"], limit=1000)
    assert found == {}
    assert str(1 << 36) in notes[0]


def test_removing_survives_depth_modes_and_names(tmp_path: Path) -> None:
    """A deep tree, folders nobody may enter, names that are no text, links and pipes: all go, and nothing else."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    root = tmp_path / "root"
    root.mkdir()
    start = Path.cwd()
    try:
        os.chdir(root)
        for _ in range(1500):
            Path("d" * 40).mkdir()
            os.chdir("d" * 40)
    finally:
        os.chdir(start)
    for name in (b"\xff\xfe", b"-rf", b"a\nb", b" "):
        Path(root, "odd", os.fsdecode(name)).mkdir(parents=True)
    (root / "out").symlink_to(kept)
    os.mkfifo(root / "pipe")
    (root / "locked").mkdir()
    (root / "locked" / "file").write_text("x")
    (root / "locked").chmod(0)
    root.chmod(0o500)
    remove_tree(root)
    assert not root.exists()
    assert (kept / "file").read_text() == "x"


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    """A folder that is gone already counts as removed."""
    remove_tree(tmp_path / "absent")
