"""Whatever the text is, it is read or refused in less time than a model needs for a word."""

from time import process_time

import pytest

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection
from processor import processor_seconds

APP = {"app.py": "x = 1\n"}
BIG = {"app.py": "".join(f"line_{n} = {n}\n" for n in range(20_000))}
HEAD = "--- a/app.py\n+++ b/app.py\n"

ENDLESS = {
    "fences": "```\n" * 300_000,
    "tagged fences": "```python\nx\n```\n" * 100_000,
    "two kinds of fences": "```\n~~~\n" * 50_000,
    "quoted fences": "> ```\n> x\n> ```\n" * 50_000,
    "hunks": HEAD + "@@ -1 +1 @@\n x = 1\n" * 60_000,
    "hunks that add": HEAD + "".join(f"@@ -1 +1 @@\n x = 1\n+y{n} = 1\n" for n in range(60_000)),
    "files": "".join(f"--- a/a{n}.py\n+++ b/a{n}.py\n" for n in range(60_000)),
    "edits": "app.py\n" + "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n" * 60_000,
    "elements": '<file path="a.py">\n</file>\n' * 60_000,
    "openings": '<file path="a.py">\n' * 60_000,
    "calls": "<tool_call>{}" * 60_000,
    "here-documents": "```bash\n" + "cat > a.py <<'EOF'\n" * 60_000 + "```",
    "channels": "analysis" + "assistantfinal" * 60_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_more_than_any_answer_is_refused_soon(name: str) -> None:
    """Hundreds of thousands of pieces are no answer."""
    with processor_seconds(at_most=3.0):
        found = extract(ENDLESS[name], workspace=APP)

    assert isinstance(found, Rejection)


def test_a_hundred_kilobytes_of_fences_are_read_soon() -> None:
    """In a block or out of it."""
    with processor_seconds(at_most=2.0):
        for text in ("```\n" * 25_000, "```python\nA = '''\n" + "```\n" * 10_000 + "'''\n```"):
            extract(text, workspace=APP)


def test_many_edits_of_a_large_file_are_refused_by_their_work() -> None:
    """What counts is how much of the file they look through."""
    hunks = "".join(f"@@\n-line_{n} = {n}\n+line_{n} = 0\n" for n in range(0, 8_000, 2))
    with processor_seconds(at_most=3.0):
        found = extract(HEAD + hunks, workspace=BIG)

    assert isinstance(found, Rejection)
    assert found.kind == "too_large"


def test_some_hundred_edits_are_none_too_many() -> None:
    """An honest answer of many pieces is read."""
    hunks = "".join(f"@@\n-line_{n} = {n}\n+line_{n} = 0\n" for n in range(300))
    found = extract(HEAD + hunks, workspace=BIG)

    assert isinstance(found, ChangeSet)
    assert (found.files["app.py"] or "").count(" = 0\n") == 300


@pytest.mark.clock
@pytest.mark.parametrize("line", ["{0:>6} | x = {0}\n", "x{0}\u00a0=\u00a01\n", "# x{0}\n"])
def test_a_block_of_many_lines_is_read_in_one_go(line: str) -> None:
    """Twice the lines, numbered or full of odd spaces, are not far more than twice the work."""
    spent = []
    for count in (20_000, 40_000):
        text = "```python\n" + "".join(line.format(number) for number in range(1, count + 1)) + "```\n"
        begin = process_time()
        assert isinstance(extract(text, workspace=APP), ChangeSet)
        spent.append(process_time() - begin)
    assert spent[1] < 6 * spent[0] + 1.0
