"""What a file defines, by its grammar."""

import pytest

from escalator.languages.outline import outline

PYTHON = """\
import a


@cached
def f():
    def inner():
        pass


class A:
    size: int = 3
    name: str
    (a, b) = 1, 2
    a.b = 3
    'Text.'

    @property
    def p(self):
        pass

    class B:
        async def q(self): ...


if a:

    def conditional():
        pass
"""


def names(language: str, text: str) -> list[str]:
    return [each.name for each in outline(language, text) or []]


def test_python_with_lines_and_decorators() -> None:
    """Functions, classes and what is inside classes, not what is inside functions or behind conditions."""
    found = {each.name: each for each in outline("python", PYTHON) or []}

    assert list(found) == ["f", "A", "A.size", "A.name", "A.p", "A.B", "A.B.q"]
    assert (found["f"].first, found["f"].last, found["f"].decorated) == (3, 6, True)
    assert (found["A"].kind, found["A.p"].kind, found["A"].decorated) == ("type", "function", False)
    assert (found["A.p"].first, found["A.p"].last) == (16, 18)
    assert (found["A.size"].kind, found["A.size"].first) == ("value", 10)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "javascript",
            "export default function f() {}\nconst g = () => 1;\nconst n = 1;\nclass A { m() {} static async k() {} }\n",
            ["f", "g", "A", "A.m", "A.k"],
        ),
        (
            "typescript",
            "export interface I { a(): void }\ntype T = string;\nabstract class A { abstract k(): void }\n",
            ["I", "I.a", "T", "A", "A.k"],
        ),
        (
            "go",
            "package a\nfunc F() {}\nfunc (s *S[T]) M() {}\ntype (\n\tS[T any] struct{}\n)\n",
            ["F", "S.M", "S"],
        ),
        (
            "rust",
            "pub fn f() {}\nstruct S;\nimpl S { fn m(&self) {} }\nmod a { fn b() {} }\n",
            ["f", "S", "S.m", "a", "a.b"],
        ),
        (
            "java",
            "class A { int x() { return 1; } A() {} static class B { void y() {} } }\n",
            ["A", "A.x", "A.A", "A.B", "A.B.y"],
        ),
        ("c", "int f(void) { return 1; }\nstatic char *g(int a) { return 0; }\nint h(void);\n", ["f", "g"]),
        (
            "cpp",
            "namespace n { class A { int m() { return 1; } }; }\nint A::k() { return 1; }\n",
            ["A", "A.m", "A::k"],
        ),
        (
            "ruby",
            "module M\n  class A\n    def f; end\n    def self.g; end\n  end\nend\n",
            ["M", "M.A", "M.A.f", "M.A.g"],
        ),
        ("php", "<?php\nfunction f() {}\nclass A { function g() {} }\n", ["f", "A", "A.g"]),
        ("csharp", "namespace N { class A { int F() { return 1; } } }\n", ["A", "A.F"]),
    ],
)
def test_other_languages(language: str, text: str, expected: list[str]) -> None:
    """Names stand behind those of what holds them; a method of Go or Rust behind its type."""
    assert names(language, text) == expected


@pytest.mark.parametrize("language", [None, "text", "perl", "nothing"])
def test_where_nobody_can_tell(language: str | None) -> None:
    """There is no outline, which is not the same as an empty one."""
    assert outline(language, "def f(): pass\n") is None
    assert outline("python", "x = 1\n") == []


def test_a_broken_text_has_an_outline_too() -> None:
    """Of what can be made out."""
    assert "f" in names("python", "def f():\n    pass\n\n\ndef g(:\n")
