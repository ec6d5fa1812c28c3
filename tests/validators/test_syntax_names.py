"""The syntax validator refuses names that only look like others, and keys that stand twice."""

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.syntax.check import syntax
from validators.sandboxed import no_process

GREET = "def greet(name):\n    return 'Helo ' + name\n"
RIGHT = GREET.replace("Helo", "Hello")


def judge(changes, base=None, **brief):
    given = Brief(task_id="t", prompt=brief.pop("prompt", "Fix it."), files=base or {}, **brief)
    return drive(syntax()(Candidate(brief=given, changes=ChangeSet(files=changes))), no_process)


@pytest.mark.parametrize("path", ["gr\u0435et.py", "\uff47reet.py", "greet\u2024py", "gr\u03b5et.py"])
def test_a_path_that_looks_like_a_file_of_the_task_is_refused(path):
    """The finding names the right path and the character that is odd."""
    verdict = judge({path: RIGHT}, base={"greet.py": GREET})
    assert verdict.failed
    assert "Write the change to greet.py, spelt exactly like that." in verdict.feedback
    assert "U+" in verdict.feedback


def test_it_is_refused_beside_a_right_change_too():
    """A file that nobody can tell from another is left nowhere."""
    assert judge({"greet.py": RIGHT, "gr\u0435et.py": RIGHT}, base={"greet.py": GREET}).failed


def test_a_path_that_looks_like_a_file_of_the_project_is_refused(tmp_path):
    """Files and folders of the workspace are known as well as those of the task."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "core.py").write_text("x = 1\n")
    for path in ("pkg/c\u043ere.py", "\u0440kg/new.py"):
        assert "this looks like pkg/" in judge({path: "x = 2\n"}, workspace=tmp_path).feedback
    assert judge({"pkg/new.py": "x = 2\n", "pkg/core.py": "x = 3\n"}, workspace=tmp_path).passed


def test_a_test_has_no_double():
    """Nor do the task's tests."""
    assert judge({"test_\u0430.py": "x = 1\n"}, tests={"test_a.py": "x = 1\n"}).failed


def test_a_project_in_another_alphabet_keeps_its_names():
    """What the task calls so is right, and its Latin double is not."""
    base = {"\u0442\u0435\u0441\u0442.py": GREET}
    assert judge({"\u0442\u0435\u0441\u0442.py": RIGHT}, base=base).passed
    odd = {"\u0445\u043e\u0440.py": GREET}
    assert "copy its name" in judge({"xop.py": RIGHT}, base=odd).feedback
    assert judge({"\u0442\u0435\u0441\u0442.py": RIGHT, "\u043d\u043e\u0432.py": "x = 1\n"}, base=base).passed


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "a.py",
            "def total(xs):\n    return 0\n",
            "def total(xs):\n    return sum(xs)\n\n\ndef t\u043etal(xs):\n    return 1\n",
        ),
        ("a.py", "total = 0\n", "t\u043etal = 1\n"),
        ("a.py", "x = 1\n", "x = 2\n\n\ndef \u0440rint(*a):\n    return a\n"),
        ("a.js", "let total = 0;\n", "let total = 1;\nlet t\u043etal = 2;\n"),
        ("a.js", "let total = 0;\n", "let total = 1;\nlet \uff54otal = 2;\n"),
    ],
)
def test_an_identifier_that_looks_like_another_is_found(path, old, new):
    """Code that reads `total` and means another name is wrong to whoever reads it."""
    verdict = judge({path: new}, base={path: old})
    assert verdict.failed
    assert 'looks like "' in verdict.feedback
    assert "another name" in verdict.feedback


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "x = '\u0442\u0435\u0445\u0442'  # \u0445\n"),
        ("a.py", "x = 2\n\u0438\u043c\u044f = 'x'\n"),
        ("a.py", "\u0394x = 2\n\u03bd = 1\nv = 2\nx = 3\n"),
        ("a.py", "na\u00efve = 1\nnaive = 2\n"),
        ("a.py", "x = 2\n\uff58 = 3\n"),
        ("a.jsx", "const x = 2;\nconst A = () => <p>\u0445 \u0438 \u0443</p>;\n"),
        ("a.txt", "\u0445 x\n"),
    ],
)
def test_honest_letters_are_let_pass(path, text):
    """Texts, comments, other alphabets, mathematics, accents, and what Python itself takes for the plain name."""
    assert judge({path: text, "b.py": "x = 1\n"}).passed


def test_an_odd_name_that_was_there_is_let_pass():
    """An answer is not to blame for what it found."""
    old = "total = 0\nt\u043etal = 1\n"
    assert judge({"a.py": old + "print(total)\n"}, base={"a.py": old}).passed


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        ("a.json", '{"a": 1,\n "a": 2}', "a.json:2:2"),
        ("a.json", '{"x": [{"b": 1, "b": 1}]}', "a.json:1:17"),
        ("a.json", '{"\\u0061": 1, "a": 2}', "a.json:1"),
        ("tsconfig.json", '{"a": 1, // one\n "a": 2,}', "tsconfig.json:2:2"),
        ("a.jsonl", '{"a": 1}\n{"a": 1, "a": 2}\n', "a.jsonl:2"),
        ("a.yaml", "a: 1\nb: 2\na: 3\n", "a.yaml:3:1"),
        ("a.yaml", "x:\n  - {a: 1, 'a': 2}\n", "a.yaml:2:12"),
        ("a.toml", "a = 1\na = 2\n", "a.toml:2"),
        ("a.js", "let a = 1;\nlet a = 2;\n", "a.js:2:5"),
        ("a.py", "def f(a, a):\n    return a\n", "a.py:1"),
    ],
)
def test_what_stands_twice_fails(path, text, place):
    """A reader takes one of two keys and says nothing, a language refuses the second declaration."""
    verdict = judge({path: text})
    assert verdict.failed
    assert verdict.feedback.startswith(place)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", '[{"a": 1}, {"a": 2}, {"b": {"a": 1}, "a": "a"}]'),
        ("a.yaml", "a: &x\n  b: 1\nc:\n  <<: *x\n  b: a\n---\na: 1\n"),
        ("a.yaml", "1: a\n'1': b\n[a, a]: c\n? {a: 1}\n: a\n"),
        ("a.yaml", "- a: 1\n- a: 2\n- [a, a, a]\n"),
        ("a.jsonl", '{"a": 1}\n{"a": 1}\n'),
    ],
)
def test_equal_keys_of_several_mappings_are_let_pass(path, text):
    """Only one mapping may not have a key twice."""
    assert judge({path: text}).passed


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("a.json", '{"a": 1, "a": 2, "b": 3}', '{"a": 1, "a": 2, "b": 4}'),
        ("a.yaml", "a: 1\na: 2\nb: 3\n", "a: 1\na: 2\nb: 4\n"),
        ("a.js", "let a = 1;\nlet a = 2;\nf(1);\n", "f(2);\nlet a = 1;\nlet a = 2;\n"),
    ],
)
def test_what_stood_twice_before_is_let_pass(path, old, new):
    """A mistake the file had is not the answer's, wherever it moved; one more of the kind is."""
    assert judge({path: new}, base={path: old}).passed


def test_one_more_of_the_kind_is_the_answers():
    """An old mistake excuses one, not two."""
    old = "let a = 1;\nlet a = 2;\n"
    assert judge({"a.js": old + "let a = 3;\n"}, base={"a.js": old}).failed
