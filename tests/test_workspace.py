"""Users' trees are read within limits and written all or nothing."""

import resource
import stat
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.errors import TaskError
from escalator.workspace import (
    changes_test_settings,
    in_newlines_of,
    is_guarded,
    is_protected,
    path_problem,
    read_files,
    read_tests,
    write_changes,
)


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "project"
    for name, text in {
        "app.py": "x = 1\n",
        "pkg/a.py": "A = 1\n",
        "pkg/deep/b.py": "B = 1\r\n",
        "pkg/notes.txt": "hi\n",
        "tests/conftest.py": "import os\n",
        "tests/unit/test_a.py": "def test_a(): pass\n",
        "tests/unit/data.json": "{}\n",
        ".git/config": "[core]\n",
        "__pycache__/app.pyc": "x\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    (root / "pkg/logo.png").write_bytes(b"\x89PNG\0\xff")
    return root


def everything(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_patterns_and_plain_paths_are_read_sorted_with_newlines_as_they_are(tree):
    """Globs match below the workspace, two stars over directories, and newlines are not translated."""
    assert list(read_files(tree, ["pkg/**/*.py", "app.py"])) == ["app.py", "pkg/a.py", "pkg/deep/b.py"]
    assert read_files(tree, ["pkg/deep/*.py"]) == {"pkg/deep/b.py": "B = 1\r\n"}
    assert list(read_files(tree, ["**/*.py"])) == [
        "app.py",
        "pkg/a.py",
        "pkg/deep/b.py",
        "tests/conftest.py",
        "tests/unit/test_a.py",
    ]
    assert list(read_files(tree, ["pkg/[!a]*.txt", "pk?/a.py"])) == ["pkg/a.py", "pkg/notes.txt"]


def test_a_pattern_leaves_out_binaries_caches_and_version_control(tree):
    """A pattern over everything brings only text that belongs to the project."""
    names = set(read_files(tree, ["**/*"]))

    assert "pkg/notes.txt" in names
    assert not names & {"pkg/logo.png", ".git/config", "__pycache__/app.pyc"}


def test_a_file_to_be_made_is_read_as_empty_if_its_directory_exists(tree):
    """A plain path that does not exist yet is a file to be created, unless it looks mistyped or has no parent."""
    assert read_files(tree, ["pkg/new.py"]) == {"pkg/new.py": ""}
    with pytest.raises(TaskError, match=r"did you mean 'app.py'"):
        read_files(tree, ["pap.py"])
    with pytest.raises(TaskError, match="does not exist"):
        read_files(tree, ["nowhere/new.py"])


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.py", "a/../../x.py", "~/x.py", "a\0.py", "tests/test_a.py::test_a", ""]
)
def test_a_path_outside_the_workspace_is_refused(tree, path):
    """No argument reaches outside the workspace."""
    with pytest.raises(TaskError, match="not a path inside the workspace"):
        read_files(tree, [path])
    with pytest.raises(TaskError, match="not a path inside the workspace"):
        read_tests(tree, [path])


def test_what_cannot_be_read_says_why(tree):
    """A directory, a binary file, a large file and a pattern without a match are errors with a hint."""
    (tree / "big.txt").write_text("x" * 1_000_001)
    for path, words in {
        "pkg": "is a directory",
        "pkg/logo.png": "not a UTF-8",
        "big.txt": "larger",
        "*.rb": "no text",
    }.items():
        with pytest.raises(TaskError, match=words) as raised:
            read_files(tree, [path])
        assert raised.value.hint
    with pytest.raises(TaskError, match="not a directory"):
        read_files(tree / "app.py", ["x"])


def test_links_are_not_followed(tree, tmp_path):
    """A link is refused by name and left out by patterns, be it to a file or to a directory."""
    (tmp_path / "secret.py").write_text("KEY = 1\n")
    (tree / "link.py").symlink_to(tmp_path / "secret.py")
    (tree / "folder").symlink_to(tmp_path)

    for path in ("link.py", "folder/secret.py"):
        with pytest.raises(TaskError, match="symbolic link"):
            read_files(tree, [path])
    assert not {"link.py", "folder/secret.py"} & set(read_files(tree, ["**/*.py"]))


def test_a_test_directory_brings_its_data_and_the_conftests_above(tree):
    """A directory of tests stands for its text files, and conftest.py of directories above comes along."""
    assert list(read_tests(tree, ["tests/unit"])) == [
        "tests/conftest.py",
        "tests/unit/data.json",
        "tests/unit/test_a.py",
    ]
    assert list(read_tests(tree, ["tests/unit/test_a.py"])) == ["tests/conftest.py", "tests/unit/test_a.py"]
    with pytest.raises(TaskError, match="does not exist"):
        read_tests(tree, ["tests/test_b.py"])


def test_a_change_set_is_written_deleted_and_created(tree):
    """Files are replaced, made with their directories, and removed; the mode of a file is kept."""
    (tree / "app.py").chmod(0o755)
    written = write_changes(
        tree,
        {"app.py": "x = 2\n", "new/deep/c.py": "C = 1\n", "pkg/a.py": None, "pkg/deep/b.py": "B = 2\n"},
        expected=read_files(tree, ["app.py", "pkg/**/*.py"]),
    )

    assert [path.relative_to(tree.resolve()).as_posix() for path in written.paths] == [
        "app.py",
        "new/deep/c.py",
        "pkg/a.py",
        "pkg/deep/b.py",
    ]
    assert (tree / "app.py").read_text() == "x = 2\n"
    assert stat.S_IMODE((tree / "app.py").stat().st_mode) == 0o755
    assert (tree / "new/deep/c.py").read_text() == "C = 1\n"
    assert not (tree / "pkg/a.py").exists()
    assert (tree / "pkg/deep/b.py").read_bytes() == b"B = 2\r\n"
    assert not list(tree.rglob(".escalator-*"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../x.py": "x"}, "leaves the workspace"),
        ({"/tmp/x.py": "x"}, "absolute"),
        ({".git/hooks/pre-commit": "x"}, "inside .git"),
        ({"tests/unit/test_a.py": "x"}, "protected"),
        ({"conftest.py": "x"}, "protected"),
        ({"link/x.py": "x"}, "symbolic link"),
        ({"pkg": "x"}, "not a regular file"),
        ({"pkg/notes.txt": "x"}, "exists but was not among"),
        ({"app.py": "\ud800"}, "not valid Unicode"),
        ({"app.py/x.py": "x"}, "could not write"),
    ],
)
def test_a_write_that_is_not_allowed_leaves_the_tree_as_it_was(tree, tmp_path, files, words):
    """One bad path refuses the whole change set, and nothing else of it is written."""
    (tree / "link").symlink_to(tmp_path)
    before = everything(tree)

    with pytest.raises(TaskError, match=words):
        write_changes(tree, {"aaa.py": "1\n", **files}, expected={"app.py": "x = 1\n"}, protected=("tests",))
    assert everything(tree) == before


def test_a_file_that_changed_since_it_was_read_is_not_overwritten(tree):
    """A user's own change after the read wins, also where the file was removed."""
    expected = read_files(tree, ["app.py", "pkg/a.py"])
    (tree / "app.py").write_text("x = 'mine'\n")

    with pytest.raises(TaskError, match=r"'app.py' changed on disk"):
        write_changes(tree, {"app.py": "x = 2\n", "pkg/a.py": "A = 2\n"}, expected=expected)
    assert (tree / "pkg/a.py").read_text() == "A = 1\n"
    (tree / "app.py").unlink()
    with pytest.raises(TaskError, match=r"'app.py' was removed"):
        write_changes(tree, {"app.py": "x = 2\n"}, expected=expected)


def test_a_fresh_directory_takes_the_files(tmp_path):
    """A place without any of the task's files is simply written to; no place at all is an error."""
    write_changes(tmp_path, {"app.py": "x = 2\n"}, expected={"app.py": "x = 1\n"})

    assert (tmp_path / "app.py").read_text() == "x = 2\n"
    with pytest.raises(TaskError, match="pass a path"):
        write_changes(None, {"app.py": "x = 2\n"})


FULL_DISK = """
import resource, sys
from escalator.errors import TaskError
from escalator.workspace import write_changes
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_changes(sys.argv[1], {"app.py": "x = 2\\n", "new/small.py": "1\\n", "zzz.py": "y" * 10_000}, expected={"app.py": "x = 1\\n"})
except TaskError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_tree_as_it_was(tree):
    """Where a file cannot be written in full, none is changed and nothing is left behind."""
    before = everything(tree)
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tree)], capture_output=True, text=True, check=True)

    assert resource.RLIMIT_FSIZE is not None
    assert "zzz.py" in done.stdout
    assert "nothing was changed" in done.stdout
    assert everything(tree) == before
    assert not (tree / "new").exists()


def test_a_failure_between_two_renames_is_undone(tree):
    """If a later file cannot be put in place, the earlier ones get their old content back."""
    before = everything(tree)
    files = {"app.py": "x = 2\n", "pkg/a.py": None, "pkg/zz": "file\n", "pkg/zz/inner.py": "1\n"}

    with pytest.raises(TaskError, match="could not write"):
        write_changes(tree, files, expected=read_files(tree, ["app.py", "pkg/a.py"]))
    assert everything(tree) == before


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="./\\~ab:\0\u202e -_gitGIT", max_size=14))
def test_a_path_without_a_problem_stays_inside(path):
    """Whatever passes the check resolves below the root and outside version control."""
    if path_problem(path) is None:
        parts = path.split("/")
        assert ".." not in parts
        assert "" not in parts
        assert not any(part.casefold().rstrip(". ") == ".git" for part in parts)
        assert not path.startswith(("/", "~"))


def test_protected_paths_are_compared_without_case_and_by_directory_and_pattern():
    """A rule protects the path itself, what lies below it, and what its pattern matches."""
    assert is_protected("Tests/Test_A.py", ["tests/test_a.py"])
    assert is_protected("tests/deep/x.py", ["./tests/"])
    assert is_protected("a/test_x.py", ["*/test_*.py"])
    assert not is_protected("testsuite.py", ["tests"])
    assert is_guarded("a/b/conftest.py")
    assert is_guarded(".github/workflows/x.yml")
    assert is_guarded(".vscode/tasks.json")
    assert is_guarded("sub/.envrc")
    assert not is_guarded("src/config.py")


def test_settings_of_tests_are_told_from_other_settings():
    """Only a change of the pytest section counts; a file that cannot be read counts as one."""
    old = "[project]\nname = 'a'\n"

    assert not changes_test_settings("pyproject.toml", old, "[project]\nname = 'b'\n")
    assert changes_test_settings("pyproject.toml", old, old + "[tool.pytest.ini_options]\naddopts = ''\n")
    assert changes_test_settings("pyproject.toml", old, "tool.pytest.ini_options.addopts = ''\n")
    assert changes_test_settings("pyproject.toml", old, "[[[")
    assert not changes_test_settings("app.toml", old, "[tool.pytest]\n")
    assert changes_test_settings("setup.cfg", "[tool:pytest]\na = 1\n", None)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["\n", "\r\n", "\r"])), max_size=8))
def test_text_put_into_its_own_newlines_is_unchanged(rows):
    """A file whose lines did not change is the same bytes, whatever mixture of newlines it has."""
    old = "".join(line + ending for line, ending in rows)
    if "\r\n" not in old.replace("\r\n", "") and "\n\r" not in old.replace("\r\n", "\0"):
        plain = old.replace("\r\n", "\n").replace("\r", "\n")
        assert in_newlines_of(old, plain) == old
