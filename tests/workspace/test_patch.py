"""What a change set looks like as a patch, proven by the real `git apply`."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.workspace import patch, path_problem, write_changes
from workspace.trees import everything, mode, tree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git_applies(root: Path, text: str, *options: str) -> None:
    """Apply a patch with git, which must take it without a word."""
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", *options, "-"],
        cwd=root,
        input=text.encode(),
        capture_output=True,
        env={
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "HOME": str(root),
            "GIT_CEILING_DIRECTORIES": str(root.parent),
        },
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr.decode()}\n{text}"


def same_by_git(folder: Path, old: Mapping[str, str], new: Mapping[str, str | None]) -> None:
    """`git apply` makes of the old files what `write_changes` makes of them, and back again."""
    text = patch(old, new)
    ours, theirs = tree(folder / "ours", old), tree(folder / "theirs", old)
    before = everything(ours)
    write_changes(ours, new, expected=old)
    if text:
        git_applies(theirs, text)
    assert {name: data for name, data in everything(theirs).items() if not name.endswith("/")} == {
        name: data for name, data in everything(ours).items() if not name.endswith("/")
    }
    if text and all(old.values()):
        git_applies(theirs, text, "--reverse")
        assert {name: data for name, data in everything(theirs).items() if not name.endswith("/")} == before


NAMES = st.sampled_from(
    [
        "a.py",
        "b.py",
        "pkg/a.py",
        "pkg/b c.py",
        'say "hi".txt',
        "naïve/größe.py",
        "日本.md",
        "a b/c  d",
        "x'y",
        "-n",
        "#1",
        "b/a.py",
        "a/b/a.py",
        "dev/null",
        "tab&co",
        "ä ö",
        'q"',
        "new file mode",
        "é.py",
        "🙂.txt",
    ]
)
LINES = st.lists(
    st.sampled_from(
        ["a", "b", "", "-- a", "++ b", "@@ -1 +1 @@", "\\ No newline", "diff --git a/x b/x", "\f", " x "]
    )
    | st.text(alphabet="ab\0 \t\u2028\x0b\x1c\u0085é", max_size=4),
    max_size=8,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of any newline style, with or without the last newline."""
    ending = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    return ending.join(draw(LINES)) + draw(st.sampled_from(["", ending]))


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str | None]]:
    """Files and what becomes of them, some renamed."""
    old = draw(st.dictionaries(NAMES, texts(), max_size=4))
    new: dict[str, str | None] = draw(
        st.dictionaries(NAMES | st.sampled_from(sorted(old) or ["a.py"]), texts() | st.none(), max_size=4)
    )
    for path in [path for path in old if path not in new and draw(st.booleans())]:
        target = draw(NAMES)
        if target not in old and target not in new:
            new[path], new[target] = None, old[path] + draw(st.sampled_from(["", "", "more\n"]))
    new = {path: text for path, text in new.items() if text is not None or path in old}
    every = {*old, *(path for path, text in new.items() if text is not None)}
    clash = any(other.startswith(f"{path}/") for path in every for other in every)
    return ({}, {}) if clash else (old, new)


@settings(max_examples=150, deadline=None)
@given(changes())
def test_git_makes_of_any_change_what_apply_makes_of_it(change):
    """New, changed, deleted and renamed files of any name and newline: one patch, the same tree, and back again."""
    old, new = change
    assert not any(path_problem(path) for path in {*old, *new})
    with TemporaryDirectory() as folder:
        same_by_git(Path(folder), old, new)


def test_a_change_reads_as_people_know_it():
    """Names, hunks and a missing last newline stand where `git diff` puts them."""
    assert patch({"a.py": "a\nb\n"}, {"a.py": "a\nc"}) == (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
    )
    assert patch({}, {"new one.py": "a\n"}) == (
        "diff --git a/new one.py b/new one.py\nnew file mode 100644\n--- /dev/null\n+++ b/new one.py\t\n@@ -0,0 +1 @@\n+a\n"
    )
    assert patch({"a.py": "a\n"}, {"a.py": None}) == (
        "diff --git a/a.py b/a.py\ndeleted file mode 100644\n--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    )
    assert patch({"a.py": "a\n"}, {"a.py": "a\n"}) == patch({}, {}) == ""


def test_a_file_under_another_name_is_a_rename(tmp_path):
    """A deleted and a new file that share most lines are one file renamed, changed or not; it keeps its mode."""
    script = "#!/bin/sh\necho one\necho two\necho three\n"
    changed = script.replace("two", "2")
    for new in (script, changed):
        told = patch({"run.sh": script}, {"run.sh": None, "bin/start.sh": new})
        assert "rename from run.sh\nrename to bin/start.sh\n" in told
        assert ("-echo two\n+echo 2\n" in told) == (new == changed)
        for kind in ("git", "ours"):
            root = tree(tmp_path / f"{kind}-{len(new)}", {"run.sh": script})
            (root / "run.sh").chmod(0o755)
            if kind == "git":
                git_applies(root, told)
            else:
                write_changes(root, {"run.sh": None, "bin/start.sh": new}, expected={"run.sh": script})
            assert everything(root) == {"bin/start.sh": new.encode()}
            assert mode(root / "bin/start.sh") & 0o111 == 0o111
    assert "rename" not in patch({"a.py": "a\nb\nc\n"}, {"a.py": None, "b.py": "x\ny\nz\n"})


def test_a_file_to_be_made_may_be_there_empty_or_not_at_all(tmp_path):
    """Nobody can tell an empty file from one to be created by its text; the patch fits both."""
    told = patch({"new dir/n.py": ""}, {"new dir/n.py": "x = 1\n"})
    git_applies(tree(tmp_path / "none", {}), told)
    git_applies(tree(tmp_path / "empty", {"new dir/n.py": ""}), told)

    assert everything(tmp_path / "none") == everything(tmp_path / "empty") == {"new dir/n.py": b"x = 1\n"}


def test_the_newlines_of_a_file_are_in_its_patch(tmp_path):
    """A file with carriage returns is changed in one line, not in all of them."""
    told = patch({"a.txt": "a\r\nb\r\nc\r\n"}, {"a.txt": "a\nB\nc\n"})
    assert told.endswith("@@ -1,3 +1,3 @@\n a\r\n-b\r\n+B\r\n c\r\n")
    git_applies(tree(tmp_path / "crlf", {"a.txt": "a\r\nb\r\nc\r\n"}), told)

    assert (tmp_path / "crlf/a.txt").read_bytes() == b"a\r\nB\r\nc\r\n"


def test_a_patch_of_many_files_is_made_at_once():
    """Two thousand renamed files, and long ones that have nothing in common, take no minute."""
    old = {f"old/{number}.py": f"x = {number}\n" for number in range(1000)}
    new = {**dict.fromkeys(old), **{f"new/{number}.py": f"x = {number}\n" for number in range(1000)}}
    assert patch(old, new).count("rename to") == 1000
    long = {"a.txt": "".join(f"{number}\n" for number in range(20_000))}
    assert patch(long, {"a.txt": "".join(f"{number}!\n" for number in range(20_000))}).count("\n+") == 20_001


def test_long_files_of_few_lines_make_a_patch_in_bounded_time(tmp_path):
    """Where the smallest difference would take minutes, one hunk from the first to the last change is given."""
    chance = random.Random(1)
    old, new = ("".join(f"{chance.randrange(120)}\n" for _ in range(100_000)) for _ in range(2))
    for number, (one, other) in enumerate(
        [(old, new), (old, f"{old[:5000]}x\n{old[5000:-5000]}y\n{old[-5000:]}")]
    ):
        begun = time.process_time()
        told = patch({"a.txt": one}, {"a.txt": other})
        assert time.process_time() - begun < 5
        root = tree(tmp_path / str(number), {"a.txt": one})
        git_applies(root, told)
        assert everything(root) == {"a.txt": other.encode()}
