"""One definition never replaces a file: it takes its own place in it, or is refused."""

import pytest

from escalator.answers import extract
from escalator.answers.pieces import placed
from escalator.records import ChangeSet, Rejection

T = "```"
OLD = '''\
"""Shop."""

import re
from typing import Any

from functools import cache

VERSION = "1"


# Lower case, dashes between words.
def slug(text):
    return re.sub("[^a-z]+", "-", text)


@cache
def title(text):
    return text.title()


class Shop:
    rate = 2

    def price(self, n):
        return n * self.rate

    @property
    def name(self):
        return "x"

    @name.setter
    def name(self, value):
        pass

    @staticmethod
    def open():
        return True


class Stall:
    def tax(self):
        if True:
            return 1

    def open(self):
        return False


if __name__ == "__main__":
    print(slug("a"))
'''


def put(piece: str, asked: str = "Fix it.", old: str = OLD, path: str = "shop.py") -> str | None:
    found = placed(path, old, piece, asked)
    return found[0] if found else None


def test_a_function_takes_its_own_place() -> None:
    """The rest of the file stays as it was, and a note says what happened."""
    new = "def slug(text):\n    return text.lower()\n"
    found = extract(f"Replace it:\n\n{T}python\n{new}{T}\n", workspace={"shop.py": OLD}, asked="Fix slug().")

    assert isinstance(found, ChangeSet)
    assert dict(found.files) == {
        "shop.py": OLD.replace('return re.sub("[^a-z]+", "-", text)', "return text.lower()")
    }
    assert any("only slug was given" in note for note in found.notes)


def test_a_decorated_function_keeps_its_decorator_or_is_refused() -> None:
    """With its decorator it is the same function; without, nothing says that it was meant to go."""
    assert put("@cache\ndef title(text):\n    return text\n") == OLD.replace("text.title()", "text")
    assert put("def title(text):\n    return text\n") is None


@pytest.mark.parametrize(
    "piece",
    [
        "    def price(self, n):\n        return 0\n",
        "def price(self, n):\n    return 0\n",
        "\tdef price(self, n):\n\t\treturn 0\n",
    ],
)
def test_a_method_goes_into_its_class(piece: str) -> None:
    """Indented or not, it is put as deep as it was."""
    assert put(piece) == OLD.replace("n * self.rate", "0")


@pytest.mark.parametrize(
    "piece",
    [
        "def open(self):\n    return None\n",
        "@property\ndef name(self):\n    return 1\n",
        "def close(self):\n    return 1\n",
        "def tax(self):\n    text = '''a\n  b'''\n    return text\n",
        "class Shop:\n    rate = 3\n\n\nprint(Shop.rate)\n",
        "def slug(text):\n    return 1\n\n\nVERSION = 2\n",
        "class slug:\n    pass\n",
        "def fresh(text):\n    return 1\n",
        "def slug(text):\n    return (\n",
        "def slug(text):\n    return 1\n\n\n# ... the rest stays the same\n",
        "from mine import re\n\n\ndef slug(text):\n    return re\n",
    ],
)
def test_a_place_in_doubt_is_refused(piece: str) -> None:
    """Two classes, a getter and its setter, a new method, other statements: the file is asked for as a whole."""
    found = extract(f"{T}python\n{piece}{T}\n", workspace={"shop.py": OLD}, asked="Fix it.")

    assert isinstance(found, Rejection), found
    assert found.kind in {"elided", "truncated", "ambiguous_path"}


def test_a_method_never_replaces_its_class() -> None:
    """Also where the class has no other."""
    old = "class A:\n    def f(self):\n        return 1\n"

    assert put("def f(self):\n    return 2\n", old=old) == old.replace("1", "2")
    assert put("class A:\n    def f(self):\n        return 2\n", old=old) is None, "this is the file"


def test_imports_come_along() -> None:
    """Those the file has are not repeated, the others stand with its own, the future first."""
    piece = (
        "from __future__ import annotations\nimport os\nimport re\nfrom typing import Any, Final\n\n\n"
        "def slug(text):\n    return os.sep\n"
    )
    rows = (put(piece) or "").split("\n")

    assert rows[:10] == [
        '"""Shop."""',
        "",
        "from __future__ import annotations",
        "",
        "import re",
        "from typing import Any",
        "",
        "from functools import cache",
        "import os",
        "from typing import Final",
    ]
    assert rows.count("import re") == 1


def test_a_helper_comes_along() -> None:
    """A new function stands beside the one that it came with."""
    piece = "def _lower(text):\n    return text.lower()\n\n\ndef title(text):\n    return _lower(text)\n"
    old = OLD.replace("@cache\n", "")

    assert put(piece, old=old) == old.replace("def title(text):\n    return text.title()\n", piece)


def test_comments_come_along_once() -> None:
    """A comment above the function is part of the answer, the one the file has is not doubled, a path is no comment."""
    body = "def slug(text):\n    return 1\n"
    known = "# Lower case, dashes between words.\n"
    expected = OLD.replace('return re.sub("[^a-z]+", "-", text)', "return 1")

    assert put(known + body) == expected
    assert put("# shop.py\n" + body) == expected
    assert put("# Faster.\n" + body) == expected.replace("def slug", "# Faster.\ndef slug")


def test_two_of_many_take_their_places() -> None:
    """As long as fewer are given than left out."""
    piece = "def slug(text):\n    return 1\n\n\nclass Stall:\n    def tax(self):\n        return 2\n\n    def open(self):\n        return 0\n"
    new = put(piece) or ""

    assert "    return 1\n" in new
    assert "        return 2\n" in new
    assert "class Shop:" in new


def test_a_class_that_comes_without_a_method_is_refused() -> None:
    """It takes its place, but what it lost there is a finding."""
    found = extract(
        f"{T}python\nclass Stall:\n    def tax(self):\n        return 2\n{T}\n",
        workspace={"shop.py": OLD},
        asked="Fix it.",
    )

    assert isinstance(found, Rejection)
    assert "Stall.open" in found.feedback


def test_what_is_asked_to_go_is_not_kept() -> None:
    """Where the task names all that is left out, the answer is the file."""
    old = "def a():\n    return 1\n\n\ndef b():\n    return 2\n"

    assert put("def b():\n    return 3\n", "Remove a().", old) is None
    assert put("def b():\n    return 3\n", "Fix b().", old) == old.replace("2", "3")


def test_a_lone_function_keeps_what_stands_around_it() -> None:
    """Also where the file has no other: its imports and statements are not the function's to delete."""
    old = "import re\n\nWORD = 1\n\n\ndef f(x):\n    return re.sub('a', 'b', x)\n"

    assert put("def f(x):\n    return re.sub('a', 'c', x)\n", old=old) == old.replace("'b'", "'c'")
    assert put("def f(x):\n    return x\n", old="import re\n\n\ndef f(x):\n    return re\n") is None


def test_where_no_outline_tells_the_place_a_lone_function_is_refused() -> None:
    """It is no whole file, for what the file would lose."""
    old = "def a\n  1\nend\n\ndef b\n  2\nend\n"
    found = extract(f"{T}ruby\ndef a\n  3\nend\n{T}\n", workspace={"a.rb": old}, asked="Fix a.")

    assert isinstance(found, Rejection)
    assert "no longer defines b" in found.feedback


def test_pieces_of_a_new_file_are_not_taken_for_it() -> None:
    """Two blocks under one new path, of which the last does not hold the first, are no file."""
    answer = f"{T}python new.py\ndef a():\n    return 1\n{T}\n\n{T}python new.py\ndef b():\n    return 2\n{T}\n"
    found = extract(answer, workspace={"shop.py": OLD}, asked="Write new.py with a() and b().")

    assert isinstance(found, Rejection)
    assert "more than once" in found.feedback
