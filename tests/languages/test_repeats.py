"""Declarations that stand twice where a language takes one."""

import pytest

from escalator.languages.grammars import faults
from escalator.languages.table import LANGUAGES


def repeated(language, text):
    """The names declared twice."""
    return [fault.message.split('"')[1] for fault in faults(LANGUAGES[language], text) if fault.repeat]


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("javascript", "let a = 1;\nlet a = 2;\n", ["a"]),
        ("javascript", "const a = 1;\nvar a = 2;\n", ["a"]),
        ("javascript", "class A {}\nfunction A() {}\n", ["A"]),
        ("javascript", "import a from 'x';\nconst a = 1;\n", ["a"]),
        ("javascript", "import {b as c} from 'y';\nclass c {}\n", ["c"]),
        ("javascript", "const {d, e: [g, ...h]} = x;\nlet h, d, e;\n", ["h", "d"]),
        ("javascript", "export const a = 1;\nexport class a {}\n", ["a"]),
        ("javascript", "function f(a) { let a = 1; }\n", ["a"]),
        ("javascript", "const f = ({b = 1}) => { const b = 2; };\n", ["b"]),
        ("javascript", "try {} catch (e) { let e; }\n", ["e"]),
        ("javascript", "switch (x) { case 1: let y; break; case 2: let y; }\n", ["y"]),
        ("typescript", "class A {}\nclass A {}\n", ["A"]),
        ("typescript", "function f(a: number) { const a = 1; }\n", ["a"]),
        ("tsx", "const A = 1;\nconst A = <b/>;\n", ["A"]),
        ("go", "package a\n\nfunc f() {}\nfunc f() {}\n", ["f"]),
        ("go", "package a\n\nvar (\n\tx = 1\n)\n\nvar x = 2\n", ["x"]),
        ("rust", "fn a() {}\nfn a() {}\n", ["a"]),
        ("java", "class A { int x; String x; void f() { int y = 1; int y = 2; } }\n", ["x", "y"]),
        ("php", "<?php\nfunction f() {}\nfunction f() {}\n", ["f"]),
    ],
)
def test_a_second_declaration_is_found(language, text, names):
    """What its scope has already may not be declared once more."""
    assert repeated(language, text) == names


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("javascript", "function f() { let a = 1; { let a = 2; } if (1) { const a = 3; } }\n"),
        ("javascript", "var b;\nvar b;\nfunction c() {}\nfunction c() {}\n"),
        ("javascript", "for (let i = 0;;) { let i; }\nfor (let i = 0;;) {}\nfor (const i of x) {}\n"),
        ("javascript", "function f(a) { var a = 1; }\nfunction g(a) { { let a; } }\n"),
        ("javascript", "const f = x => x;\nconst x = {a: 1, a: 2};\n"),
        ("typescript", "function f(a: number): void;\nfunction f(a: string): void;\nfunction f(a: any) {}\n"),
        ("typescript", "class C {}\ninterface C {}\nnamespace C { const C = 1; }\n"),
        ("typescript", "import type {A} from 'x';\nconst A = 1;\nimport {type B} from 'z';\nlet B;\n"),
        ("typescript", "enum E { a }\nenum E { b }\ntype X = 1;\nconst X = 1;\n"),
        ("go", "package a\n\nfunc init() {}\nfunc init() {}\n\nvar _ = 1\nvar _ = 2\n"),
        ("go", "package a\n\nfunc f() {}\nfunc (t T) f() {}\nfunc (t U) f() {}\n"),
        ("rust", "#[cfg(unix)]\nfn c() {}\n#[cfg(windows)]\nfn c() {}\n"),
        ("rust", "impl A { fn a() {} }\nimpl B { fn a() {} }\nfn m() { let x = 1; let x = 2; }\n"),
        ("rust", "struct T(i32);\nmod t { struct T; }\n"),
        ("java", "class A { void f(int a) {} void f(String a) {} int f; void g() { { int z; } { int z; } } }\n"),
        ("php", "<?php\nif (1) { function g() {} } else { function g() {} }\n"),
    ],
)
def test_what_a_language_allows_is_let_pass(language, text):
    """Other scopes, overloads, merged declarations and what stands under a condition are no mistakes."""
    assert repeated(language, text) == []


def test_a_fault_says_where_both_are():
    """The place is that of the second, and the first is named by its line."""
    (fault,) = faults(LANGUAGES["javascript"], "let a = 1;\n\n  let a = 2;\n")
    assert (fault.line, fault.column) == (3, 7)
    assert fault.message == '"a" is declared twice in one scope, first in line 1'
