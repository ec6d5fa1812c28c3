"""Diffs and edits: which of several places is meant, how deep lines are, where a file ends."""

import pytest

from escalator.answers import extract
from escalator.answers.indents import in_style_of, redepthed
from escalator.answers.scopes import in_scope
from escalator.records import ChangeSet, Rejection

T = "```"
TWINS = """\
class A:
    def f(self):
        x = 1

        return x

    def g(self):
        x = 1

        return x


class B:
    def f(self):
        x = 1

        return x
"""


def changed(answer: str, old: str, path: str = "app.py") -> str | None:
    found = extract(answer, workspace={path: old})
    return found.files[path] if isinstance(found, ChangeSet) else None


def kind(answer: str, old: str, path: str = "app.py") -> str:
    found = extract(answer, workspace={path: old})
    assert isinstance(found, Rejection), found
    return found.kind


def diff(hunks: str, path: str = "app.py") -> str:
    return f"{T}diff\n--- a/{path}\n+++ b/{path}\n{hunks}{T}\n"


def twin(number: int) -> str:
    """The twins with the body of one of them changed."""
    parts = TWINS.split("x = 1")
    return "x = 1".join(parts[: number + 1]) + "x = 2" + "x = 1".join(parts[number + 1 :])


CHANGE = "-        x = 1\n+        x = 2\n \n         return x\n"


@pytest.mark.parametrize(
    ("head", "place"),
    [
        ("@@ def g(self):", 1),
        ("@@ -7,3 +7,3 @@ def g(self):", 1),
        ("@@ -99,3 +99,3 @@     def g(self):", 1),
        ("@@ class B:", 2),
        ("@@ -1,3 +1,3 @@ class B:", 2),
        ("@@ class A:\n@@ def f(self):", 0),
        ("@@ class A:\n@@     def g(self):", 1),
        ("@@ class B:\n@@ def f(self):", 2),
        ("@@ -8,3 +8,3 @@", 1),
    ],
)
def test_a_scope_tells_equal_places_apart(head: str, place: int) -> None:
    """What stands behind the signs of a hunk is where it is; a right number counts too."""
    assert changed(diff(f"{head}\n{CHANGE}"), TWINS) == twin(place)


@pytest.mark.parametrize("head", ["@@", "@@ class A:", "@@ def f(self):", "@@ def h(self):", "@@ -50,3 +50,3 @@"])
def test_a_scope_that_leaves_two_places_is_ambiguous(head: str) -> None:
    """Two methods of one class, one method of two classes, or a scope that is not there decide nothing."""
    assert kind(diff(f"{head}\n{CHANGE}"), TWINS) == "edit_ambiguous"


def test_a_hunk_at_the_end_of_the_file_is_the_last_one() -> None:
    """A patch may say that its lines end the file."""
    patch = f"*** Begin Patch\n*** Update File: app.py\n@@\n{CHANGE}*** End of File\n*** End Patch\n"

    assert changed(patch, TWINS) == twin(2)


def test_a_block_ends_where_it_is_left() -> None:
    """Blank lines, closing brackets and an else belong to it; the line behind a closing brace does not."""
    rows = ["if a(", "    b,", "):", "    x", "else:", "    x", "", "x", ""]
    braces = ["f() {", "  x", "}", "x", ""]

    assert in_scope(rows, ["if a("], [3, 5, 7]) == [3, 5]
    assert in_scope(braces, ["f()"], [1, 3]) == [1]
    assert in_scope(rows, ["no such"], [3]) == []


END = "\\ No newline at end of file\n"


@pytest.mark.parametrize(
    ("old", "hunk", "new"),
    [
        ("a\nb", f" a\n-b\n{END}+c\n", "a\nc\n"),
        ("a\nb", f" a\n-b\n{END}+b\n", "a\nb\n"),
        ("a\nb\n", f" a\n-b\n+b\n{END}", "a\nb"),
        ("a\nb", f" a\n-b\n{END}+c\n{END}", "a\nc"),
        ("a\nb", f"-a\n+c\n b\n{END}", "c\nb"),
        ("a\nb\n", " a\n-b\n+c\n", "a\nc\n"),
        ("a\r\nb\r\n", f" a\n-b\n+c\n{END}", "a\r\nc"),
    ],
)
def test_the_newline_at_the_end_counts(old: str, hunk: str, new: str) -> None:
    """A diff that adds it or takes it away does so, and one that says nothing leaves it."""
    assert changed(diff(f"@@ -1,2 +1,2 @@\n{hunk}"), old) == new


def test_a_new_file_may_end_without_a_newline() -> None:
    """Where the diff says so."""
    answer = f"{T}diff\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n{END}{T}\n"
    found = extract(answer, workspace={"app.py": "x = 1\n"})

    assert isinstance(found, ChangeSet)
    assert dict(found.files) == {"new.txt": "a\nb"}


def edit(search: str, replace: str, path: str = "app.py") -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


GO = "package a\n\nfunc f(n int) int {\n\tif n > 0 {\n\t\treturn n\n\t}\n\treturn 0\n}\n"


@pytest.mark.parametrize("step", ["  ", "    ", "        "])
def test_spaces_mean_the_tabs_of_the_file(step: str) -> None:
    """Searched for and put there by depth, also what is deeper than all that was searched for."""
    search = f"{step}if n > 0 {{\n{step * 2}return n\n{step}}}\n"
    replace = f"{step}if n > 0 {{\n{step * 2}for {{\n{step * 3}n++\n{step * 2}}}\n{step}}}\n"

    expected = GO.replace("\t\treturn n\n", "\t\tfor {\n\t\t\tn++\n\t\t}\n")
    assert changed(edit(search, replace, "a.go"), GO, "a.go") == expected


def test_one_line_is_enough_to_tell_the_depth() -> None:
    """The rest follows from it, shallower lines included."""
    answer = edit(
        "        return n\n", "        n++\n        return n\n    }\n    if n < 0 {\n        return -n\n", "a.go"
    )

    assert changed(answer, GO, "a.go") == GO.replace(
        "\t\treturn n\n", "\t\tn++\n\t\treturn n\n\t}\n\tif n < 0 {\n\t\treturn -n\n"
    )


def test_tabs_mean_the_spaces_of_the_file() -> None:
    """The other way round, in the file's own steps."""
    old = "def f(n):\n  if n:\n    return n\n  return 0\n"
    answer = edit("\tif n:\n\t\treturn n\n", "\tif n:\n\t\tn += 1\n\t\treturn n\n")

    assert changed(answer, old) == "def f(n):\n  if n:\n    n += 1\n    return n\n  return 0\n"


def test_steps_of_another_width_are_matched_by_depth() -> None:
    """Two columns in the edit, four in the file."""
    old = "def f(n):\n    if n:\n        return n\n    return 0\n"
    answer = edit("  if n:\n    return n\n", "  if n:\n    while n:\n      n -= 1\n    return n\n")

    assert changed(answer, old) == old.replace(
        "        return n\n", "        while n:\n            n -= 1\n        return n\n"
    )


def test_new_lines_below_an_exact_match_are_indented_as_the_file_is() -> None:
    """What is searched for may have no indentation at all."""
    answer = edit(
        "func f(n int) int {\n", "func f(n int) int {\n    if n == 7 {\n        return 7\n    }\n", "a.go"
    )

    assert changed(answer, GO, "a.go") == GO.replace(
        "int {\n\tif", "int {\n\tif n == 7 {\n\t\treturn 7\n\t}\n\tif", 1
    )


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("\tx\n  y\n", "    z\n"),
        ("\tx\n", " * z\n"),
        ("\tx\n", "z\n"),
        ("    x\n", "    z\n"),
        ("x\n", "\tz\n"),
    ],
)
def test_where_the_style_does_not_tell_nothing_is_changed(text: str, new: str) -> None:
    """A file of both kinds, of none, or lines that are no whole steps deep."""
    assert in_style_of(text, "", new) == new


def test_lines_that_disagree_have_no_depth() -> None:
    """One depth of the edit cannot be two of the file, nor a deeper one shallower."""
    assert redepthed([("  ", "\t"), ("  ", "\t\t")], ["  x"], ["\tx"]) is None
    assert redepthed([("  ", "\t\t"), ("    ", "\t")], ["  x"], ["\tx"]) is None
    assert kind(edit("  if n > 0 {\n  return n\n", "  x\n", "a.go"), GO, "a.go") == "edit_not_found"


@pytest.mark.parametrize(
    ("start", "middle", "end"),
    [
        ("<<< SEARCH", "===", ">>> REPLACE"),
        ("<<<<<<<<<<<< search", "============", ">>>>>>>>>>>> replace"),
        ("------- SEARCH", "=======", "+++++++ REPLACE"),
        ("<<<<<<< ORIGINAL", "=======", ">>>>>>> UPDATED"),
        ("<<<<<<< SEARCH\n:start_line:3\n:end_line:3\n-------", "=======", ">>>>>>> REPLACE"),
        ("<<<<<<< SEARCH\n:start_line:3", "=======", ">>>>>>> REPLACE"),
    ],
)
def test_marks_of_any_length_and_kind(start: str, middle: str, end: str) -> None:
    """What begins, divides and ends an edit is written in many ways."""
    answer = f"app.py\n{T}\n{start}\nx = 1\n{middle}\nx = 2\n{end}\n{T}\n"

    assert changed(answer, "a = 0\n\nx = 1\n") == "a = 0\n\nx = 2\n"


def test_a_diff_of_files_called_search_is_a_diff() -> None:
    """Three dashes and a name head a diff."""
    answer = f"{T}diff\n--- search.py\n+++ search.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n{T}\n"

    assert changed(answer, "x = 1\n", "search.py") == "x = 2\n"
