"""What disappears from a file without being asked for is a finding; what the task asks for is none."""

import pytest

from escalator.answers import extract
from escalator.answers.losses import asked_for, lost_definitions
from escalator.records import ChangeSet, Rejection

T = "```"
OLD = """\
import re

LIMIT = 3


def slug(text):
    return _plain(text)


def _plain(text):
    return re.sub("x", "", text)


class Shop:
    def price(self):
        return LIMIT

    def name(self):
        return "shop"
"""


def answered(new: str, asked: str = "Fix it.", path: str = "app.py", old: str = OLD) -> ChangeSet | Rejection:
    return extract(f"{T}\n{new}{T}\n", workspace={path: old}, target=path, asked=asked)


def lost(new: str, asked: str = "Fix it.", path: str = "app.py", old: str = OLD) -> list[str]:
    return lost_definitions(path, old, new, asked=asked)


NO_NAME = OLD.replace('\n    def name(self):\n        return "shop"\n', "")
NO_PLAIN = OLD.replace('def _plain(text):\n    return re.sub("x", "", text)\n\n\n', "")


@pytest.mark.parametrize(
    ("new", "names"),
    [
        (OLD, []),
        (NO_NAME, ["Shop.name"]),
        (OLD[: OLD.index("class Shop")], ["Shop"]),
        (OLD.replace("LIMIT = 3\n", ""), ["LIMIT"]),
        (OLD.replace("def slug", "def slugify"), ["slug"]),
        (NO_PLAIN, ["_plain"]),
        (NO_PLAIN.replace("_plain(text)", 're.sub("x", "", text)'), []),
        (OLD.replace("def slug", "async def slug"), []),
        (OLD.replace('    def name(self):\n        return "shop"', '    name = "shop"'), []),
        (OLD.replace("class Shop:", "class Named:\n    pass\n\n\nclass Shop(Named):"), []),
        (
            "from other import slug\n" + OLD[OLD.index("LIMIT") :].replace("def slug(text):\n    return", "_x ="),
            [],
        ),
    ],
)
def test_a_single_definition_is_noticed(new: str, names: list[str]) -> None:
    """A function, a class, a method and a constant that went are named; a private one that nothing needs is not."""
    assert names == lost(new)


def test_the_finding_names_what_is_gone() -> None:
    """The model is told what it left out and how to answer."""
    found = answered(NO_NAME)

    assert isinstance(found, Rejection)
    assert found.kind == "elided"
    assert "Shop.name" in found.feedback
    assert "SEARCH" in found.feedback


@pytest.mark.parametrize(
    "asked",
    [
        "Remove Shop.name, it is unused.",
        "Please delete the method `name`.",
        "Rename name() to title().",
        "Drop these from Shop:\n- name\n- nothing else",
        "Entferne name() aus Shop.",
        "Refactor the shop as you like.",
        "Rewrite this file.",
    ],
)
def test_what_the_task_asks_for_may_go(asked: str) -> None:
    """In one sentence with its name, or by asking for the file to be written anew."""
    found = answered(NO_NAME, asked)

    assert isinstance(found, ChangeSet)
    assert dict(found.files) == {"app.py": NO_NAME}


@pytest.mark.parametrize(
    "asked",
    [
        "Fix the name() method.",
        "Remove the bug in slug(). Then check that name() works.",
        "Remove slug(), but keep name().",
        "Make slug() drop digits.",
        "",
    ],
)
def test_what_it_only_mentions_may_not(asked: str) -> None:
    """To name a method is not to ask for its removal, nor is a removal that is about something else."""
    assert isinstance(answered(NO_NAME, asked), Rejection)


def test_an_edit_and_a_diff_lose_nothing_either() -> None:
    """What is deleted line by line disappears as well."""
    gone = '    def name(self):\n        return "shop"\n'
    minus = "".join(f"-{line}\n" for line in gone.splitlines())
    answers = (
        f"app.py\n<<<<<<< SEARCH\n{gone}=======\n>>>>>>> REPLACE\n",
        f"--- a/app.py\n+++ b/app.py\n@@ -18,2 +18,0 @@ class Shop:\n{minus}",
    )
    for answer in answers:
        refused = extract(answer, workspace={"app.py": OLD}, asked="Fix the price.")
        assert isinstance(refused, Rejection)
        assert "Shop.name" in refused.feedback
        allowed = extract(answer, workspace={"app.py": OLD}, asked="Remove the name of the shop: Shop.name.")
        assert isinstance(allowed, ChangeSet)


def test_what_moved_to_another_file_is_not_lost() -> None:
    """A definition that another file of the answer has was moved."""
    rest = OLD.replace("def slug(text):\n    return _plain(text)\n\n\n", "")
    moved = "from app import _plain\n\n\ndef slug(text):\n    return _plain(text)\n"
    found = extract(
        f"{T}python app.py\n{rest}{T}\n\n{T}python words.py\n{moved}{T}\n",
        workspace={"app.py": OLD},
        asked="Fix it.",
    )

    assert isinstance(found, ChangeSet)
    assert set(found.files) == {"app.py", "words.py"}


def test_a_class_that_generates_its_methods_lost_none() -> None:
    """What a decorator writes need not be written."""
    old = (
        "class P:\n    def __init__(self, x):\n        self.x = x\n\n    def __repr__(self):\n        return 'P'\n"
    )
    new = "from dataclasses import dataclass\n\n\n@dataclass\nclass P:\n    x: int\n"

    assert lost(new, old=old) == []
    assert lost("class P:\n    pass\n\n\nclass Q:\n    pass\n", old=old) == ["P.__init__", "P.__repr__"]


def test_names_in_strings_are_no_definitions() -> None:
    """Code in a string is data: it may change."""
    old = 'CODE = """\ndef one():\n    pass\n"""\n\n\ndef two():\n    return CODE\n'

    assert lost(old.replace("def one", "def three"), old=old) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "names"),
    [
        ("a.js", "export class A { m() {} n() {} }\n", "export class A { m() {} }\n", ["A.n"]),
        ("a.ts", "export const f = () => 1;\nexport const g = () => 2;\n", "export const f = () => 3;\n", ["g"]),
        ("a.ts", "export const f = () => h();\nconst h = () => 2;\n", "export const f = () => 3;\n", []),
        (
            "a.go",
            "package a\n\nfunc F() {}\n\nfunc (s S) M() {}\n\ntype S struct{}\n",
            "package a\n\nfunc F() {}\n\ntype S struct{}\n",
            ["S.M"],
        ),
        ("a.rs", "pub fn f() {}\n\npub fn g() {}\n", "pub fn f() {}\n", ["g"]),
        (
            "A.java",
            "class A {\n  public int x() { return 1; }\n  public int y() { return 1; }\n}\n",
            "class A {\n  public int x() { return 2; }\n}\n",
            ["A.y"],
        ),
        ("a.c", "int f(void) { return 1; }\nint g(void) { return 1; }\n", "int f(void) { return 2; }\n", ["g"]),
        ("a.rb", "class A\n  def f; end\n  def g; end\nend\n", "class A\n  def f; end\nend\n", ["A.g"]),
        ("a.txt", "one\ntwo\n", "one\n", []),
    ],
)
def test_in_other_languages(path: str, old: str, new: str, names: list[str]) -> None:
    """Where there is a grammar, functions, types and methods are known; exports are public, the rest private."""
    assert names == lost(new, path=path, old=old)


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("A.f", "Remove f.", True),
        ("A.f", "Remove A.", True),
        ("f", "Remove ff.", False),
        ("f", "Do not remove f.", False),
        ("f", "Inline f() into g().", True),
        ("f", "f is slow. Remove the loop in g.", False),
    ],
)
def test_asking_is_one_sentence(name: str, asked: str, expected: bool) -> None:
    """The name and the wish stand together, and the wish is not to keep it."""
    assert expected is asked_for(name, asked)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("class P:\n    x: int\n    y: int = 3\n", "class P:\n    x: int\n", ["P.y"]),
        ("class E(Enum):\n    A = 1\n    B = 2\n", "class E(Enum):\n    A = 1\n", ["E.B"]),
        ("class P:\n    _x = 1\n", "class P:\n    pass\n", []),
        ("class P:\n    x = 1\n", "class P:\n    @property\n    def x(self):\n        return 1\n", []),
        (
            "def f():\n    x = 1\n    return x\n\n\nclass P:\n    pass\n",
            "def f():\n    y = 1\n    return y\n\n\nclass P:\n    pass\n",
            [],
        ),
    ],
)
def test_fields_of_classes_are_noticed(old: str, new: str, names: list[str]) -> None:
    """Those of a record and the members of an enumeration, but no variables of functions."""
    assert names == lost(new, old=old)


def test_a_setter_is_not_its_getter() -> None:
    """What is there twice has to stay there twice."""
    old = (
        "class P:\n    @property\n    def x(self):\n        return 1\n\n"
        "    @x.setter\n    def x(self, value):\n        pass\n"
    )

    assert len(lost(old[: old.index("\n    @x.setter")], old=old)) == 1
    assert lost(old[: old.index("\n    @x.setter")], "Remove the setter of x.", old=old) == []


@pytest.mark.parametrize(
    ("path", "old", "part"),
    [
        ("package.json", '{"name": "x", "version": "1", "scripts": {"a": "b"}}\n', '{"version": "2"}\n'),
        ("a.toml", '[project]\nname = "x"\nversion = "1"\n[tool.x]\na = 1\n', '[project]\nversion = "2"\n'),
        ("a.yaml", "name: x\nversion: 1\nother: 3\n", "version: 2\n"),
        ("README.md", "# T\n\n## Usage\n\nold\n\n## License\n\nMIT\n", "## Usage\n\nnew\n"),
        ("a.css", ".a { color: blue; }\n.b { color: blue; }\n", ".a { color: red; }\n"),
        ("a.sql", "CREATE TABLE a (x text);\nCREATE TABLE b (x text);\n", "CREATE TABLE a (x int);\n"),
        ("a.ini", "[a]\nx = 1\n[b]\ny = 1\n", "[a]\nx = 2\n"),
        ("i.html", "<html>\n<body>\n<p>a</p>\n</body>\n</html>\n", "<p>b</p>\n"),
        ("Makefile", "all: a\n\ta\n\ntest:\n\tb\n", "test:\n\tc\n"),
    ],
)
def test_a_part_of_a_document_is_not_the_document(path: str, old: str, part: str) -> None:
    """Half of it or more went and little came, though nobody asked for that."""
    assert lost(part, "Change that part.", path, old)
    assert lost(old, "Change that part.", path, old) == []
    assert lost(part, "Rewrite it from scratch.", path, old) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("a.json", '{"a": 1, "b": 2, "c": 3}\n', '{"a": 1, "b": 2}\n'),
        ("a.json", '{"a": 1}\n', '{"b": 1}\n'),
        ("a.md", "# A\n\n# B\n\n```\n# C\n# D\n```\n", "# A\n\n# B\n"),
        ("a.yaml", "a: 1\nb: 1\nc: 1\n", "a: 1\nd: 1\ne: 1\n"),
        ("a.json", "[1, 2]\n", "[1]\n"),
        ("a.json", "{broken", "{}\n"),
    ],
)
def test_a_document_that_changes_is_one_that_changes(path: str, old: str, new: str) -> None:
    """One part less, other parts instead, or nothing that can be told: that is for the tests to judge."""
    assert lost(new, "Change it.", path, old) == []


DELETED = """```diff
--- a/old_util.py
+++ /dev/null
@@ -1,2 +0,0 @@
-def g():
-    return 2
--- a/app.py
+++ b/app.py
@@ -1,2 +1,2 @@
 def f():
-    return 1
+    return 3
```
"""


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("Make f return three.", True),
        ("Remove the print from old_util.py.", True),
        ("Make f return 3. Do not delete old_util.py.", True),
        ("Remove the bug in the file.", True),
        ("Delete old_util.py and make f return 3.", False),
        ("Make f return 3, then remove the old util module.", False),
        ("Rename `old_util` to `new`.", False),
        ("Delete the unused file.", False),
        ("Refactor the project.", False),
        ("", False),
    ],
)
def test_a_file_goes_only_if_somebody_asks_for_that(asked: str, kept: bool) -> None:
    """A deleted file takes all it defines along: the rule is that of definitions, with the file's name as theirs."""
    found = extract(
        DELETED,
        workspace={"app.py": "def f():\n    return 1\n", "old_util.py": "def g():\n    return 2\n"},
        asked=asked,
    )
    assert isinstance(found, Rejection) == kept
    if isinstance(found, Rejection):
        assert (found.kind, "old_util.py" in found.feedback) == ("elided", True)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("util.py", "def g():\n    return 2\n", "def g():\n    return 2\n"),
        ("notes.txt", "one\ntwo\n", "one\ntwo\n"),
    ],
)
def test_a_file_whose_content_stands_elsewhere_is_not_lost(name: str, old: str, new: str) -> None:
    """What moved with all its definitions, or line for line, may leave its old place."""
    answer = (
        f"moved/{name}\n```\n{new}```\n```diff\n--- a/{name}\n+++ /dev/null\n@@ -1,2 +0,0 @@\n"
        + "".join(f"-{line}\n" for line in old.splitlines())
        + "```"
    )
    found = extract(answer, workspace={name: old, "b.py": "x = 1\n"}, asked="Tidiness of folders, please.")
    assert isinstance(found, ChangeSet)
    assert found.files == {f"moved/{name}": new, name: None}
