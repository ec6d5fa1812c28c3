"""The syntax validator wants what was asked for to be changed, by more than white space and comments."""

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.syntax.change import what_changed
from escalator.validators.syntax.check import syntax
from validators.sandboxed import no_process

GREET = "def greet(name):\n    return 'Helo ' + name\n"
RIGHT = GREET.replace("Helo", "Hello")


def judge(changes, base=None, prompt="Fix the typo in greet().", perform=no_process, **brief):
    base = {"greet.py": GREET} if base is None else base
    given = Brief(task_id="t", prompt=prompt, files=base, **brief)
    return drive(syntax()(Candidate(brief=given, changes=ChangeSet(files=changes))), perform)


@pytest.mark.parametrize(
    "text",
    [
        GREET + "\n\n",
        GREET + "# fixed\n",
        GREET.replace("name\n", "name  # fixed\n"),
        GREET.replace("    ", "        "),
        GREET.replace("'Helo '", '"Helo "'),
        GREET.replace("(name)", "(\n    name,\n)"),
        GREET.replace("return 'Helo ' + name", "return ('Helo ' + name)"),
        '"""Greets people."""\n' + GREET,
        GREET.replace(":\n", ':\n    """Greet a person, without a mistake."""\n'),
        GREET.replace(":\n", ":\n    'Greet.'\n"),
        GREET.replace(":\n", ":\n    pass\n"),
        GREET.replace(":\n", ":\n    ...\n"),
        GREET.replace("    return", "    0\n    return"),
    ],
)
def test_python_that_does_the_same_as_before_fails(text):
    """White space, comments, docstrings, quotes, brackets and idle statements are no change of what a program does."""
    verdict = judge({"greet.py": text})
    assert verdict.failed, text
    assert "greet.py: does the same as before" in verdict.feedback


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        GREET.replace("name\n", "name.title()\n"),
        GREET.replace("    return 'Helo ' + name", "    if name:\n        return 'Helo ' + name"),
        RIGHT + "\n\n# said twice\n",
        '"""Greets people."""\n' + RIGHT,
        GREET.replace("+ name", "+ name + ''"),
    ],
)
def test_python_that_does_something_else_passes(text):
    """A change of code counts, whatever comments come with it."""
    assert judge({"greet.py": text}).passed, text


def test_code_moved_out_of_a_block_is_a_change():
    """Where white space means something, it is no mere white space."""
    old = "def f(xs):\n    for x in xs:\n        print(x)\n        print(2)\n"
    assert judge({"a.py": old.replace("        print(2)", "    print(2)")}, base={"a.py": old}).passed


SAME = [
    ("javascript", "function f(a) {\n  return a;\n}\n", "function f(a) { // same\n\n  return a; /* still */\n}\n"),
    ("typescript", "const f = (a: number) => a;\n", "const f = (a: number) =>\n  a; // same\n"),
    ("go", "package a\n\nfunc f() int { return 1 }\n", "package a\n\n// f\nfunc f() int {\n\treturn 1\n}\n"),
    ("rust", "fn f() -> i32 { 1 }\n", "/// One.\nfn f() -> i32 {\n    1\n}\n"),
    ("java", "class A { int f() { return 1; } }\n", "/** A. */\nclass A {\n  int f() { return 1; }\n}\n"),
    ("c", "int f(void) { return 1; }\n", "/* f */\nint f(void) {\n  return 1;\n}\n"),
    ("bash", "echo a\n", "# says a\necho a\n\n"),
    ("ruby", "def f\n  1\nend\n", "# one\ndef f\n  1\nend\n"),
    ("css", "a { color: red }\n", "/* red */\na {\n  color: red\n}\n"),
    ("json", '{"a": [1, 2]}', '{\n  "a": [1,\n 2]\n}\n'),
    ("jsonc", '{"a": 1}', '{\n// one\n"a": 1,\n}\n'),
    ("jsonl", '{"a": 1}\n', '{ "a":1 }\n\n'),
    ("toml", "a = 1\n", "# one\na  =  1\n"),
    ("yaml", "a: [1, 2]\n", "# two\na:\n  [1,\n   2]\n"),
    ("markdown", "# A\n\nText.\n", "# A\n\n\nText.   \n"),
    ("makefile", "a:\n\ttrue\n", "# all\na:\n\ttrue\n\n"),
    ("ini", "[a]\nb = 1\n", "; b\n[a]\nb = 1\n"),
    ("html", "<p>a</p>\n", "<!-- a -->\n<p>a</p>\n"),
    ("sql", "select 1;\n", "-- one\nselect 1;\n"),
    (None, "a\nb\n", "a  \n\nb\n"),
]

OTHER = [
    ("javascript", "f(a);\n", "f(b);\n"),
    ("javascript", "function f() {\n  return\n  1\n}\n", "function f() {\n  return 1\n}\n"),
    ("javascript", "f('a b');\n", "f('a  b');\n"),
    ("javascript", "f('// a');\n", "f('// b');\n"),
    ("javascript", "f(`a\n b`);\n", "f(`a\n  b`);\n"),
    ("go", "package a\n\nvar x = 1 // a\n", "package a\n\nvar x = 2 // a\n"),
    ("rust", "#[inline]\nfn f() {}\n", "fn f() {}\n"),
    ("c", "#define A 1\n", "#define A 2\n"),
    ("bash", "cat <<E\na\nE\n", "cat <<E\n a\nE\n"),
    ("css", "a { color: red }\n", "a { color: #f00 }\n"),
    ("json", '{"a": 1}', '{"a": "1"}'),
    ("json", '{"a": {}}', '{"a": []}'),
    ("json", '{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
    ("jsonl", '{"a": 1}\n', '{"a": 1}\n{"a": 1}\n'),
    ("toml", "a = 1\nb = 2\n", "b = 2\na = 1\n"),
    ("yaml", "a:\n  b: 1\nc: 2\n", "a:\n  b: 1\n  c: 2\n"),
    ("yaml", "a: 1\n", 'a: "1"\n'),
    ("markdown", "# A\n", "# B\n"),
    ("makefile", "a:\n    true\n", "a:\n\ttrue\n"),
    ("python", "def f(:\n", "def f(): pass\n"),
    ("html", "<p>a</p>\n", "<p>b</p>\n"),
    ("proto", 'syntax = "proto3";\n', 'syntax = "proto2";\n'),
]


@pytest.mark.parametrize(("language", "old", "new"), SAME)
def test_no_language_takes_a_comment_for_a_change(language, old, new):
    """Comments and white space are told from what a program, or a reader of data, sees."""
    assert what_changed(language, old, new) != "code"


@pytest.mark.parametrize(("language", "old", "new"), OTHER)
def test_every_language_knows_a_change(language, old, new):
    """A change of what is said counts, also where it is one of white space or stands beside a comment."""
    assert what_changed(language, old, new) == "code"


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Add a docstring to greet().", GREET.replace(":\n", ':\n    """Greet."""\n')),
        ("Say what greet() is for.", "# Greets people.\n" + GREET),
        ("Document greet().", GREET.replace(":\n", ':\n    """Greet."""\n')),
        ("Please comment every line of the function.", GREET.replace("name\n", "name  # joined\n")),
        ("Füge Kommentare hinzu und kommentiere die Funktion. Kommentiert wird auf Deutsch.", "# Grüße\n" + GREET),
        ("Write the licence header.", "# MIT\n" + GREET),
        ("Reformat the file to PEP 8.", GREET + "\n"),
        ("Remove the trailing white space.", GREET.replace("name\n", "name \n")),
    ],
)
def test_what_was_asked_for_is_a_change(prompt, text):
    """Where comments, documentation or layout are the task, they are enough."""
    assert judge({"greet.py": text}, prompt=prompt).passed


def test_a_requirement_asks_as_the_prompt_does():
    """What is wanted may stand among the requirements."""
    text = GREET.replace(":\n", ':\n    """Greet."""\n')
    assert judge({"greet.py": text}, prompt="Do this.", requirements=("Add docstrings.",)).passed


def test_a_mistake_in_a_comment_may_be_all_that_is_mended():
    """Words that were there may be corrected where spelling is the task; a new comment is no correction."""
    old = "# Gretings\n" + GREET
    assert judge({"greet.py": old.replace("Gretings", "Greetings")}, base={"greet.py": old}).passed
    assert judge({"greet.py": old + "# mended\n"}, base={"greet.py": old}).failed


@pytest.mark.parametrize(
    "prompt",
    [
        "Fix greet(), do not add comments.",
        "See the comment in the code.",
        "Complete the function so that it does what the comment says.",
        "Write what is described in the documentation.",
        "Fix it.",
    ],
)
def test_a_comment_that_was_not_asked_for_is_none(prompt):
    """That comments are mentioned does not make them the task."""
    assert judge({"greet.py": "# done\n" + GREET}, prompt=prompt).failed


def test_an_answer_beside_the_file_fails_with_what_to_do():
    """The fix in another file leaves the file of the task as it was, and the finding says exactly that."""
    verdict = judge({"src/greet.py": RIGHT})
    assert verdict.failed
    assert verdict.feedback == (
        "The task is to change greet.py, and the answer leaves that as it was and only writes src/greet.py. "
        "Put the change into greet.py."
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "Implement greet() so that the tests pass.",
        "Write a Python function that greets.",
        "Make the tests pass.",
        "Make the module faster.",
        "Fix the module.",
        "Add a function to the file.",
    ],
)
def test_a_word_of_files_and_tests_asks_for_none(prompt):
    """That a prompt speaks of tests or modules does not make a new one the task."""
    assert judge({"hello.py": RIGHT}, prompt=prompt).failed


def test_another_file_beside_a_changed_one_is_welcome():
    """An answer may add what it needs."""
    assert judge({"greet.py": RIGHT, "names.py": "x = 1\n"}).passed


@pytest.mark.parametrize(
    ("prompt", "path"),
    [
        ("Write tests for greet().", "tests/test_greet.py"),
        ("Put the names into names.py.", "names.py"),
        ("Create a new module for the names.", "people/names.py"),
        ("Port greet to TypeScript.", "greet.ts"),
        ("Add unit tests.", "test_greet.py"),
        ("Split the greetings into their own module.", "greetings.py"),
        ("Write a small script that greets.", "run.py"),
    ],
)
def test_a_new_file_that_was_asked_for_is_enough(prompt, path):
    """Files given to read need not be changed where the task asks for another."""
    assert judge({path: "x = 1\n"}, prompt=prompt).passed


def test_one_changed_file_of_several_is_enough():
    """Files of a task may be changed; not each of them has to be."""
    assert judge({"greet.py": RIGHT}, base={"greet.py": GREET, "other.py": "x = 1\n"}).passed
    assert judge(
        {"greet.py": GREET + "\n", "other.py": "x = 2\n"}, base={"greet.py": GREET, "other.py": "x = 1\n"}
    ).passed


def test_tasks_without_files_and_tasks_for_data_are_not_held_to_it():
    """Who names no file to change may be answered by any; an answer in JSON is no change of the files it is about."""
    assert judge({"a.py": "# nothing yet\n"}, base={}).passed
    assert judge({"answer.json": "{}"}, response_schema={"type": "object"}).passed


def test_a_deleted_file_is_a_change():
    """To take a file away is to change it."""
    assert judge({"greet.py": None, "hello.py": RIGHT}).passed


def test_a_file_to_be_written_has_to_hold_something():
    """A file of the task that does not exist yet is not made by a comment alone."""
    assert judge({"greet.py": RIGHT}, base={"greet.py": ""}).passed
    assert judge({"greet.py": "# to be written\n"}, base={"greet.py": ""}).failed
    assert judge({"hello.py": RIGHT}, base={"greet.py": ""}, prompt="Write a module that greets.").failed


def test_a_broken_file_is_told_of_before_anything_else():
    """What does not parse is reported as such."""
    assert "SyntaxError" in judge({"greet.py": GREET + "def (\n"}).feedback
