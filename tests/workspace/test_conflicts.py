"""What changed since an answer was judged is never written over, and what lends rights is never written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from escalator import execute
from escalator.errors import TaskError
from escalator.records import Outcome
from escalator.testing import MemoryLedger, ScriptedProvider, fenced
from escalator.workspace import write_changes
from workspace.trees import as_nobody, everything, mode, open_place, tree

FILES = {"app.py": "x = 1\n", "helper.py": "h = 1\n", "tests/test_app.py": "def test_app(): pass\n"}
NEW = {"app.py": "x = 2\n"}
KNOWN = {"app.py": FILES["app.py"], "helper.py": FILES["helper.py"]}
TESTS = {"tests/test_app.py": FILES["tests/test_app.py"]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path / "project", FILES)


def refused(root: Path, words: str, files=NEW, **more: object) -> None:
    """The change set is refused with these words, and the tree stays as it is."""
    before = everything(root)
    with pytest.raises(TaskError, match=words):
        write_changes(root, files, **{"expected": KNOWN, "tests": TESTS, "in_place": True, **more})
    assert everything(root) == before


def accepted(root: Path, answer: str = "x = 2\n", **more: object) -> Outcome:
    """An outcome of a task that was given two files of a tree."""
    return execute(
        "Set x to two.",
        **{"workspace": root, "files": ["app.py", "helper.py"], "validators": ["syntax"], **more},
        task_type="quick_edit",
        providers=ScriptedProvider(lambda request: fenced(answer, path="app.py")),
        ledger=MemoryLedger(),
    )


@pytest.mark.parametrize("name", ["helper.py", "tests/test_app.py"])
def test_a_given_file_that_changed_is_a_conflict_though_the_answer_leaves_it_alone(root: Path, name: str) -> None:
    """The answer was judged with it as it was: what passed then says nothing of the tree as it is."""
    (root / name).write_text("changed = 1\n")
    refused(root, f"{name!r} changed on disk since the answer was judged")
    written = write_changes(root, NEW, expected=KNOWN, tests=TESTS, in_place=True, force=True)
    assert written.paths == (root / "app.py",)
    assert (root / name).read_text() == "changed = 1\n"


@pytest.mark.parametrize("files", [NEW, {"helper.py": "h = 2\n"}, {"app.py": None, "made.py": "m = 1\n"}])
def test_a_deleted_file_stays_deleted(root: Path, files: dict[str, str | None]) -> None:
    """A file of the task that somebody removed is not made again, be it the answer's or not, be it the only one."""
    (root / "helper.py").unlink()
    refused(root, r"'helper.py' was removed", files)
    (root / "app.py").unlink()
    refused(root, "was removed", {"app.py": "x = 2\n"})
    write_changes(root, {"app.py": "x = 2\n"}, expected=KNOWN, in_place=True, force=True)
    assert (root / "app.py").read_text() == "x = 2\n"


@pytest.mark.parametrize("name", ["tests/test_app.py", "empty.py"])
def test_what_the_answer_was_judged_with_must_be_there_still(root: Path, name: str) -> None:
    """A trusted test or an empty file that somebody took away is a conflict; one that never was there is none."""
    known = {**KNOWN, "empty.py": ""}
    tree(root, {"empty.py": ""})
    (root / name).unlink()
    refused(root, f"{name!r} was removed", expected=known, absent=())
    write_changes(root, NEW, expected=known, tests=TESTS, in_place=True, absent=(name,))
    assert (root / "app.py").read_text() == "x = 2\n"
    tree(root, {"app.py": "x = 1\n"})
    write_changes(root, NEW, expected=known, tests=TESTS, in_place=True, absent=(), force=True)
    assert (root / "app.py").read_text() == "x = 2\n"


def test_texts_of_tests_that_the_tree_never_had_are_no_conflict(root: Path) -> None:
    """Tests given as text need not be in the workspace; those that are there must stay."""
    given = {"tests": {"tests/test_more.py": "def test_more(): pass\n", **TESTS}}
    outcome = accepted(root, **given)
    (root / "tests/test_app.py").unlink()
    with pytest.raises(TaskError, match=r"'tests/test_app.py' was removed"):
        outcome.apply()
    tree(root, TESTS)
    assert tuple(outcome.apply()) == (root / "app.py",)


def test_an_outcome_knows_the_place_it_was_made_in(root: Path, tmp_path: Path) -> None:
    """In its workspace a missing file was removed; in an empty folder there is nothing to conflict with."""
    outcome = accepted(root)
    (root / "app.py").unlink()
    for place in (None, root, str(root / "tests" / "..")):
        with pytest.raises(TaskError, match=r"'app.py' was removed"):
            outcome.apply(place)
    (tmp_path / "fresh").mkdir()
    assert [path.name for path in outcome.apply(tmp_path / "fresh")] == ["app.py"]
    applied = outcome.apply(force=True)
    assert (tuple(applied), applied.commit, applied.undo) == ((root / "app.py",), "", "")
    assert outcome.diff.endswith("@@ -1 +1 @@\n-x = 1\n+x = 2\n")


def test_files_given_as_text_are_applied_where_none_of_them_is(tmp_path: Path) -> None:
    """A task without a workspace has no place of its own: any folder that has none of its files is a fresh one."""
    outcome = accepted(tmp_path, workspace=None, files=KNOWN)
    tree(tmp_path / "fresh", {"unrelated.py": "u = 1\n"})
    outcome.apply(tmp_path / "fresh")
    assert everything(tmp_path / "fresh") == {"app.py": b"x = 2\n", "unrelated.py": b"u = 1\n"}
    tree(tmp_path / "other", {"app.py": "x = 1\n", "helper.py": "h = 'theirs'\n"})
    with pytest.raises(TaskError, match=r"'helper.py' changed"):
        outcome.apply(tmp_path / "other")


def test_a_file_to_be_made_that_is_there_by_now_is_a_conflict(root: Path) -> None:
    """What somebody made meanwhile under the name of a new file stays."""
    known = {**KNOWN, "made.py": ""}
    (root / "made.py").write_text("theirs = 1\n")
    refused(root, r"'made.py' changed", {"made.py": "ours = 1\n"}, expected=known)
    refused(root, r"'made.py' changed", NEW, expected=known)


def test_what_holds_the_new_content_already_is_no_conflict(root: Path) -> None:
    """Applying twice is applying once."""
    for text in ("h = 1\n", "h = 'mine'\n"):
        write_changes(root, NEW, expected=KNOWN, tests=TESTS, in_place=True)
        (root / "helper.py").write_text(text)
    assert (root / "app.py").read_text() == "x = 2\n"
    assert write_changes(root, {}, expected=KNOWN, in_place=True).paths == ()


def test_force_overrules_no_rule_of_safety(root: Path, tmp_path: Path) -> None:
    """Only what changed is overruled: not a path outside, a test, a link, or a file that starts by itself."""
    (root / "link").symlink_to(tmp_path)
    for path, words in {
        "../x.py": "leaves the workspace",
        "tests/test_app.py": "protected",
        "link/x.py": "symbolic link",
        ".envrc": "start what it names",
    }.items():
        refused(root, words, {path: "x"}, protected=("tests",), force=True)


def test_links_are_refused_and_never_written_through(root: Path, tmp_path: Path) -> None:
    """A symbolic link is never followed; a hard link is refused, or, forced, becomes a file of its own."""
    (tmp_path / "outside.py").write_text("x = 1\n")
    (root / "app.py").unlink()
    (root / "app.py").symlink_to(tmp_path / "outside.py")
    refused(root, "symbolic link", force=True)
    (root / "app.py").unlink()
    os.link(tmp_path / "outside.py", root / "app.py")
    refused(root, "hard link")
    refused(root, "hard link", {"app.py": None})
    write_changes(root, NEW, expected=KNOWN, in_place=True, force=True)
    assert (tmp_path / "outside.py").read_text() == "x = 1\n"
    assert (root / "app.py").read_text() == "x = 2\n"


@pytest.mark.parametrize("bits", [0o640, 0o600, 0o755, 0o444, 0o664])
def test_permissions_are_kept(root: Path, bits: int) -> None:
    """What a file may be used for is its owner's business."""
    (root / "app.py").chmod(bits)
    write_changes(root, NEW, expected=KNOWN)
    assert mode(root / "app.py") == bits


@pytest.mark.parametrize("bits", [0o4755, 0o2755, 0o6711, 0o1644])
def test_no_file_lends_its_owners_rights_to_what_an_answer_wrote(root: Path, bits: int) -> None:
    """Set-uid, set-gid and sticky bits end with the content they were given to."""
    (root / "app.py").chmod(bits)
    write_changes(root, NEW, expected=KNOWN)
    assert mode(root / "app.py") == bits & 0o777


def test_a_new_file_is_never_executable(root: Path) -> None:
    """Whatever its name or its first line; only a renamed script stays one."""
    old = os.umask(0)
    try:
        write_changes(root, {"run.sh": "#!/bin/sh\n", "bin/tool": "#!/usr/bin/python\n"}, expected=KNOWN)
    finally:
        os.umask(old)
    assert mode(root / "run.sh") == mode(root / "bin/tool") == 0o666


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owners_are_kept_or_the_change_is_refused() -> None:
    """A file of somebody else stays theirs; who cannot give the new content away writes nothing."""
    with open_place() as folder:
        root = tree(folder / "project", FILES)
        os.chown(root / "app.py", 4321, 1234)
        write_changes(root, NEW, expected=KNOWN)
        assert ((root / "app.py").stat().st_uid, (root / "app.py").stat().st_gid) == (4321, 1234)
        root.chmod(0o777)
        before = everything(root)
        said = as_nobody(
            root,
            "try: write_changes('.', {'app.py': 'x = 3'}, expected={'app.py': 'x = 2\\n'})\n"
            "except TaskError as error: print(error)",
        )
        assert "belongs to another user" in said
        assert everything(root) == before


def test_attributes_of_a_file_are_kept_but_its_capabilities(root: Path) -> None:
    """What users and access lists note on a file goes with it; rights of its own do not."""
    try:
        os.setxattr(root / "app.py", "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no attributes")
    with contextlib.suppress(OSError):
        lent = bytes.fromhex("0100000200040000000000000000000000000000")
        os.setxattr(root / "app.py", "security.capability", lent)
    write_changes(root, NEW, expected=KNOWN)
    assert os.getxattr(root / "app.py", "user.note") == b"mine"
    assert "security.capability" not in os.listxattr(root / "app.py")


def test_a_root_that_may_not_be_written_is_no_hindrance_below_it() -> None:
    """Several files in one folder are written all or nothing, though nothing may be made in the root."""
    with open_place() as folder:
        root = tree(folder / "project", {"src/a.py": "a = 1\n", "src/b.py": "b = 1\n"})
        if os.geteuid() == 0:
            for place in (root / "src", root / "src/a.py", root / "src/b.py"):
                os.chown(place, 65534, 65534)
        root.chmod(0o555)
        as_nobody(
            root,
            "write_changes('.', {'src/a.py': 'a = 2', 'src/b.py': None, 'src/new/c.py': 'c = 1'},"
            " expected={'src/a.py': 'a = 1\\n', 'src/b.py': 'b = 1\\n'})",
        )
        root.chmod(0o755)
        assert everything(root) == {"src/a.py": b"a = 2", "src/new/c.py": b"c = 1"}
