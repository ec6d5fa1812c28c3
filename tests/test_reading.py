"""What is read of a project: by name first, by pattern second, regular files, in any Unicode form and encoding."""

import os
import socket
import unicodedata
from pathlib import Path

import pytest

from escalator import Escalator
from escalator.answers import extract
from escalator.errors import TaskError
from escalator.records import ChangeSet, Rejection
from escalator.testing import MemoryLedger, ScriptedProvider, fenced
from escalator.workspace import encoded, is_test, read_files, read_tests, unwritable, write_changes

LATIN = "# -*- coding: latin-1 -*-\nNAME = 'größe'\n"
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "größe.py") for form in ("NFC", "NFD"))
MATRIX = {
    "version": 1,
    "providers": {"here": {"kind": "ollama"}},
    "models": {"m": {"provider": "here", "id": "m:1b", "tier": "local_fast"}},
    "task_types": {
        "quick_edit": {
            "complexity": [0, 10],
            "chain": ["m"],
            "checker": "none",
            "validators": ["syntax"],
            "max_attempts": 1,
            "at_end": "skip",
        }
    },
}


def put(root: Path, name: str, text: str | bytes = "x = 1\n") -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    "name", ["app/[slug]/page.ts", "app/[[...all]]/page.ts", "what?.py", "a*.py", "(shop)/a.py"]
)
def test_a_name_is_a_name_first(tmp_path: Path, name: str) -> None:
    """A file that is called so is that file and no other, also as a test."""
    put(tmp_path, name)
    put(tmp_path, "ab.py", "other\n")

    assert read_files(tmp_path, [name]) == {name: "x = 1\n"}
    assert read_tests(tmp_path, [name]) == {name: "x = 1\n"}


def test_a_folder_is_found_by_its_name_too(tmp_path: Path) -> None:
    """With all that is in it, signs of patterns in its name or not."""
    put(tmp_path, "tests/[x]/test_a.py")
    put(tmp_path, "tests/x/test_b.py")

    assert set(read_tests(tmp_path, ["tests/[x]"])) == {"tests/[x]/test_a.py"}
    assert set(read_files(tmp_path, ["tests/[x]/*.py"])) == {"tests/x/test_b.py"}, "this is a pattern"


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe neither hangs a pattern nor a folder, a socket raises nothing; by name they are refused."""
    put(tmp_path, "a.py")
    os.mkfifo(tmp_path / "pipe.py")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(tmp_path)
        try:
            listening.bind("s.py")
        finally:
            os.chdir(here)

    assert read_files(tmp_path, ["**/*"]) == {"a.py": "x = 1\n"}
    assert read_files(tmp_path, ["*.py"]) == {"a.py": "x = 1\n"}
    for name in ("pipe.py", "s.py"):
        with pytest.raises(TaskError, match="not a regular file"):
            read_files(tmp_path, [name])


@pytest.mark.parametrize(("there", "said"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (COMPOSED, COMPOSED)])
def test_a_name_in_any_unicode_form_is_the_file(tmp_path: Path, there: str, said: str) -> None:
    """Given by name, in a folder, by pattern, or among the tests, it is found under its own name."""
    put(tmp_path, f"ü/{there}")
    (folder,) = (entry.name for entry in tmp_path.iterdir())

    for name in (f"ü/{said}", f"{unicodedata.normalize('NFD', 'ü')}/{said}", f"**/{said}"):
        assert read_files(tmp_path, [name]) == {f"{folder}/{there}": "x = 1\n"}
    assert read_tests(tmp_path, ["ü"]) == {f"{folder}/{there}": "x = 1\n"}
    assert read_files(tmp_path, [f"{folder}/né.py"]) == {f"{folder}/né.py": ""}, (
        "a new file keeps the form it is given"
    )


@pytest.mark.parametrize(("there", "said"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_an_answer_names_the_file_in_any_form(there: str, said: str) -> None:
    """A block, an edit, a diff and JSON change the file under the name it has."""
    answers = (
        f"```python {said}\nx = 2\n```",
        f"{said}\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n",
        f"```diff\n--- a/{said}\n+++ b/{said}\n@@ -1 +1 @@\n-x = 1\n+x = 2\n```",
        f'{{"files": {{"{said}": "x = 2\\n"}}}}',
        f'<file path="{said}">\nx = 2\n</file>',
    )
    for answer in answers:
        found = extract(answer, workspace={there: "x = 1\n", "b.py": "y = 1\n"})
        assert isinstance(found, ChangeSet), answer
        assert dict(found.files) == {there: "x = 2\n"}
    assert isinstance(extract(answers[0], workspace={"b.py": ""}, protected=(there,)), Rejection)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.py", LATIN.encode("latin-1"), LATIN),
        (
            "a.py",
            b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n",
            "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '€'\n",
        ),
        ("a.pyi", "# coding: shift_jis\n# 表示\n".encode("shift_jis"), "# coding: shift_jis\n# 表示\n"),
        ("a.py", "\ufeffx = 'ö'\n".encode(), "\ufeffx = 'ö'\n"),
        ("a.py", "# coding: utf-8\nx = 'ö'\n".encode(), "# coding: utf-8\nx = 'ö'\n"),
        ("a.py", "# coding: unicode_escape\n# \\u0041 ö\n".encode(), "# coding: unicode_escape\n# \\u0041 ö\n"),
        ("a.py", "# coding: nonsense\nx = 'ö'\n".encode(), "# coding: nonsense\nx = 'ö'\n"),
        ("a.txt", "# coding: latin-1\nö\n".encode(), "# coding: latin-1\nö\n"),
        (
            "a.py",
            "x = 1\ny = 2\n# coding: latin-1\nz = 'ö'\n".encode(),
            "x = 1\ny = 2\n# coding: latin-1\nz = 'ö'\n",
        ),
    ],
)
def test_a_source_is_read_and_written_in_the_encoding_it_declares(
    tmp_path: Path, name: str, data: bytes, text: str
) -> None:
    """In its first two lines; escapes and unknown names count as UTF-8, and so does everything but Python."""
    put(tmp_path, name, data)

    assert read_files(tmp_path, [name]) == {name: text}
    assert encoded(name, text) == data
    write_changes(tmp_path, {name: text + "# end\n"}, expected={name: text})
    assert (tmp_path / name).read_bytes() == data + b"# end\n"


def test_what_is_in_no_encoding_is_no_text(tmp_path: Path) -> None:
    """By name it is refused, a pattern passes it by."""
    put(tmp_path, "a.py", b"x = '\xe4'\n")
    put(tmp_path, "b.py")

    assert set(read_files(tmp_path, ["*.py"])) == {"b.py"}
    with pytest.raises(TaskError, match="not a UTF-8 text file"):
        read_files(tmp_path, ["a.py"])


def test_a_character_the_encoding_lacks_is_told_to_the_model() -> None:
    """It is neither dropped nor written in another encoding behind the declaration's back."""
    found = extract(f"```python a.py\n{LATIN}ARROW = '→'\n```", workspace={"a.py": LATIN})

    assert isinstance(found, Rejection)
    assert "\\u2192" in found.feedback
    assert unwritable("a.py", LATIN + "→") == "→"
    assert unwritable("a.py", LATIN) is None
    assert isinstance(extract(f"```python a.py\n{LATIN}X = 1\n```", workspace={"a.py": LATIN}), ChangeSet)


def execute(root: Path, answer: str, files: list[str], **more: object):
    script = ScriptedProvider({"m": [answer]})
    with Escalator(MATRIX, ledger=MemoryLedger(), providers=script) as house:
        return house.execute("Set x to 2.", workspace=root, files=files, task_type="quick_edit", **more)


def test_a_latin_source_goes_all_the_way(tmp_path: Path) -> None:
    """Read, shown, answered, judged and written, it stays in its encoding."""
    put(tmp_path, "a.py", f"{LATIN}x = 1\n".encode("latin-1"))
    outcome = execute(tmp_path, fenced(f"{LATIN}x = 2\n", path="a.py"), ["a.py"])

    assert outcome.status == "accepted", outcome.reason
    outcome.apply()
    assert (tmp_path / "a.py").read_bytes() == f"{LATIN}x = 2\n".encode("latin-1")


def test_a_change_to_a_test_of_the_project_is_dropped_and_reported(tmp_path: Path) -> None:
    """The rest of the answer is judged; alone, and for any other file, the answer is refused."""
    for name in ("a.py", "b.py", "tests/test_a.py"):
        put(tmp_path, name)
    change, test = fenced("x = 2\n", path="a.py"), fenced("x = 3\n", path="tests/test_a.py")

    outcome = execute(tmp_path, f"{change}\n{test}", ["a.py"])
    assert outcome.status == "accepted"
    assert dict(outcome.files) == {"a.py": "x = 2\n"}
    assert any("tests/test_a.py" in note for note in outcome.attempts[0].changes.notes)
    for answer in (test, f"{change}\n{fenced('x = 3' + chr(10), path='b.py')}"):
        refused = execute(tmp_path, answer, ["a.py"])
        assert refused.status == "skipped"
        assert refused.attempts[0].rejection.kind == "protected"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/data.json", True),
        ("test_a.py", True),
        ("pkg/a_test.go", True),
        ("web/a.spec.ts", True),
        ("web/a.test.tsx", True),
        ("src/__tests__/a.js", True),
        ("src/latest.py", False),
        ("contest.py", False),
        ("attestation/a.py", False),
    ],
)
def test_tests_are_known_by_their_names(path: str, expected: bool) -> None:
    """By the file's name or a folder's."""
    assert is_test(path) is expected
