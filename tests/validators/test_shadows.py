"""A name stands for the file it stood for before the answer."""

from pathlib import Path

import pytest

from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.shadows import shadows

FOLDERS = ("exercise", "tests", ".")


def found(
    root: Path, changes: dict[str, str | None], *, prompt: str = "Fix it.", files=("solution.py",)
) -> list[str]:
    for path in (
        "solution.py",
        "reference.py",
        "package/__init__.py",
        "package/inner.py",
        "tests/test_solution.py",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    brief = Brief(task_id="t", prompt=prompt, workspace=root, files=dict.fromkeys(files, ""))
    candidate = Candidate(brief=brief, changes=ChangeSet(files=changes))
    return shadows(candidate, FOLDERS)


TAKEN = {
    "tests/solution.py": "solution.py",
    "src/solution.py": "solution.py",
    "solution/__init__.py": "solution.py",
    "solution.pyc": "solution.py",
    "solution.cpython-311-x86_64-linux-gnu.so": "solution.py",
    "reference/__init__.py": "reference.py",
    "package/inner/__init__.py": "package/inner.py",
    "src/package/inner.py": "package/inner.py",
    "tests/package/__init__.py": "package/__init__.py",
    "exercise/solution.py": "solution.py",
    "json.py": "Python's own module json",
    "tests/random.py": "Python's own module random",
    "unittest/__init__.py": "Python's own module unittest",
    "pytest.py": "the installed pytest",
    "hypothesis.py": "the installed hypothesis",
}


@pytest.mark.parametrize(("path", "hidden"), TAKEN.items())
def test_a_new_file_that_takes_a_name_is_found(tmp_path, path, hidden):
    """Wherever it lies among the folders that are imported from, and whatever Python loads it as."""
    (said,) = found(tmp_path, {path: "x = 1\n"})

    assert said.startswith(f"{path} would be imported in place of {hidden}. ")


FREE = [
    "other.py",
    "package/other.py",
    "package/json.py",
    "package/solution.py",
    "docs/solution.py",
    "tests/test_more.py",
    "solution.txt",
    "tests/data/solution.json",
]


@pytest.mark.parametrize("path", FREE)
def test_a_new_file_with_a_name_of_its_own_is_not(tmp_path, path):
    """A module inside a package has another name than one beside it."""
    assert found(tmp_path, {path: "x = 1\n"}) == []


def test_a_change_of_what_is_there_is_no_shadow(tmp_path):
    """Nor is a file that the task names, or one whose namesake the answer deletes."""
    assert found(tmp_path, {"solution.py": "x = 1\n", "reference.py": "x = 1\n"}) == []
    assert found(tmp_path, {"solution.py": None, "solution/__init__.py": "x = 1\n"}) == []
    assert found(tmp_path, {"src/solution.py": "x = 1\n"}, files=("src/solution.py",)) == []


def test_a_module_the_task_asks_for_may_have_a_name_of_pythons(tmp_path):
    """An exercise may be called `queue`."""
    assert found(tmp_path, {"queue.py": "x = 1\n"}, prompt="Write queue.py with a Queue.") == []
    assert found(tmp_path, {"queue.py": "x = 1\n"}, files=("queue.py",)) == []


def test_the_finding_says_what_to_do(tmp_path):
    """The next attempt can put the change where it belongs."""
    for path in ("solution.py", "tests/test_solution.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    brief = Brief(task_id="t", prompt="Fix it.", workspace=tmp_path, files={"solution.py": ""})
    changes = ChangeSet(files={"tests/solution.py": "x = 1\n"})

    assert shadows(Candidate(brief=brief, changes=changes)) == [
        (
            "tests/solution.py would be imported in place of solution.py. "
            "Put the change into solution.py, or give the new file another name."
        )
    ]
