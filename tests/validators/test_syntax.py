"""The syntax validator judges what an answer touched, and says where a file is broken."""

import sys

import pytest

from escalator.flow import drive
from escalator.languages.files import language_of
from escalator.languages.grammars import GrammarMissing, faults
from escalator.languages.table import Language
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.syntax.check import syntax
from processor import processor_seconds
from validators.sandboxed import no_process, perform


def judge(files, base=None, language=None, workspace=None, perform=no_process, **options):
    brief = Brief(task_id="t", prompt="p", files=base or {}, language=language, workspace=workspace)
    candidate = Candidate(brief=brief, changes=ChangeSet(files=files))
    return drive(syntax(**options)(candidate), perform)


VALID = {
    "a.py": "def f(x):\n    return [y for y in x if y]\n",
    "a.pyi": "def f(x: int) -> str: ...\n",
    "a.json": '{"a": [1, 2.5e3, null, "\\u00e9"]}',
    "tsconfig.json": '{\n  // strict\n  "strict": true, /* yes */\n  "url": "http://a//b",\n}\n',
    "a.jsonl": '{"a": 1}\n\n[2]\n',
    "a.toml": '[a.b]\nc = 1979-05-27\nd = ["x", 2]\n',
    "a.yaml": "a: &x\n  - 1\nb: *x\n---\nc: {d: [e, f]}\n",
    "a.js": "export const f = async (x) => { for await (const y of x) console.log(`${y}`); };\n",
    "a.jsx": "const A = () => <div className='b'>{[1].map(x => <p key={x}/>)}</div>;\n",
    "a.mjs": "import {a as b} from './c.js';\nclass D { #e = 1; static { b(); } }\n",
    "a.ts": "type A<T> = { [K in keyof T]?: T[K] };\nexport const f = <T,>(x: T): x is NonNullable<T> => !!x;\n",
    "a.tsx": "const A: React.FC<{b: string}> = ({b}) => <i>{b as string}</i>;\n",
    "a.go": "package main\n\nfunc Map[T any](xs []T, f func(T) T) []T {\n\tfor i := range xs {\n\t\txs[i] = f(xs[i])\n\t}\n\treturn xs\n}\n",
    "a.rs": "#[derive(Debug)]\npub struct A<'a> { b: &'a str }\nimpl<'a> A<'a> { async fn c(&self) -> Result<(), ()> { Ok(()) } }\n",
    "A.java": "record A(int b) { sealed interface C permits D {} \n final static class D implements C {} }\n",
    "a.c": '#include <stdio.h>\n#define MAX 10\nint main(void) { printf("%d", MAX); return 0; }\n',
    "a.cpp": "#include <vector>\ntemplate <typename T> auto f(std::vector<T> const& v) { return [&](int i) { return v[i]; }; }\n",
    "a.cs": "namespace A;\npublic record B(int C) { public int D { get; init; } = C; }\n",
    "a.sh": '#!/bin/bash\ncase "$1" in\n  a) echo "${b[@]}" ;;\n  *) exit 1 ;;\nesac\n',
    "a.rb": "class A\n  def b = @c&.map { |d| d ** 2 }\nend\n",
    "a.php": "<?php\nenum A: string { case B = 'b'; }\nfunction f(?int $x = null): never { throw new E($x?->y); }\n",
    "a.css": "@media (min-width: 1px) { a:hover::before { color: rgb(0 0 0 / 50%); } }\n",
    "a.kt": "data class A(val b: Int = 1)\nsuspend fun f(x: List<A>) = x.filter { it.b > 0 }\n",
    "a.swift": "struct A { let b: Int; func c() async throws -> Int { guard b > 0 else { return 0 }; return b } }\n",
    "A.scala": "case class A(b: Int)\nobject C { def d(x: Seq[A]) = x.map(_.b).sum }\n",
    "a.lua": "local function f(x) for i, v in ipairs(x) do print(i, v) end end\nreturn f\n",
    "a.hs": "module A where\n\nf :: Int -> Int\nf x = case x of\n  0 -> 1\n  _ -> x * f (x - 1)\n",
    "a.zig": 'const std = @import("std");\npub fn main() void { std.debug.print("x", .{}); }\n',
}

INVALID = {
    "a.py": "def f(x):\nreturn x\n",
    "a.pyi": "def f(x: int -> str: ...\n",
    "a.json": '{"a": [1, 2,]}',
    "tsconfig.json": '{"strict": true\n  "a": 1}\n',
    "a.jsonl": '{"a": 1}\n{"a": \n',
    "a.toml": "[a\nb = 1\n",
    "a.yaml": "a: [1, 2\nb: 3\n",
    "a.js": "export const f = (x) => { return x; ;\n",
    "a.jsx": "const A = () => <div><p></div>;\n",
    "a.mjs": "import {a as b from './c.js';\n",
    "a.ts": "interface A { b: string; c(: number }\n",
    "a.tsx": "const A = () => <i>{b</i>;\n",
    "a.go": "package main\n\nfunc f( {\n\treturn 1\n}\n",
    "a.rs": "fn f() -> i32 { let x = ; x }\n",
    "A.java": "class A { void b() { int c = 1 } }\n",
    "a.c": '#include <stdio.h>\nint main(void) { printf("x") return 0; }\n',
    "a.cpp": "int f() { std::vector<int> v; for (int i = 0; i < 3; ++i { v.push_back(i); } return 0; }\n",
    "a.cs": "public class A { public int B( { return 1; } }\n",
    "a.sh": 'if [ "$1" = a ]; then\n  echo x\n',
    "a.rb": "class A\n  def b\n    1\nend\n",
    "a.php": "<?php\nfunction f($x { return $x; }\n",
    "a.css": "a { color: red;\nb { color: blue; }\n",
    "a.kt": "fun f(x: Int): Int { return x\n",
    "a.swift": "func f(x: Int -> Int { return x }\n",
    "A.scala": "object C { def d(x: Int = { x }\n",
    "a.lua": "local function f(x) if x then print(x) \n",
    "a.zig": "pub fn main() void { const x = ; \n",
}


def skip_without_grammar(path):
    language = language_of(path)
    if language.extra:
        pytest.importorskip(language.module, reason="the extra all-grammars is not installed")


@pytest.mark.parametrize("path", VALID)
def test_valid_source_passes(path):
    """A new, well-formed file passes in every language there is a grammar for."""
    skip_without_grammar(path)
    verdict = judge({path: VALID[path]})
    assert verdict.passed, verdict
    assert path in verdict.evidence["judged"]


@pytest.mark.parametrize("path", INVALID)
def test_invalid_source_fails_with_a_place(path):
    """A new, broken file fails, and the feedback names the file, the line and the column."""
    skip_without_grammar(path)
    verdict = judge({path: INVALID[path]})
    assert verdict.failed, verdict
    first = verdict.feedback.splitlines()[0]
    name, line, column, message = first.split(":", 3)
    assert name == path
    assert 1 <= int(line) <= INVALID[path].count("\n") + 1
    assert int(column) >= 1
    assert message.strip()


def test_python_says_what_the_compiler_says():
    """Feedback for Python is CPython's own message over an excerpt with a caret."""
    verdict = judge({"m.py": "x = 1\nfor y in x\n    pass\n"})
    assert verdict.feedback.splitlines() == [
        "m.py:2:11: SyntaxError: expected ':'",
        "1 | x = 1",
        "2 | for y in x",
        "  |           ^",
        "3 |     pass",
        "4 |",
    ]


def test_columns_count_characters():
    """A column counts characters, not bytes, also after letters that take two bytes."""
    verdict = judge({"a.js": "const a = 'éééé'; let = = 1;\n"})
    first = verdict.feedback.splitlines()[0]
    assert first.startswith("a.js:1:")
    assert int(first.split(":")[2]) >= 19
    assert int(first.split(":")[2]) <= 25


def test_an_unclosed_bracket_is_named():
    """When a brace is left open, the feedback says where it was opened."""
    verdict = judge({"a.go": "package a\n\nfunc f() {\n\tif true {\n\t\treturn\n}\n"})
    assert "'{' opened at" in verdict.feedback
    assert "is never closed" in verdict.feedback


def test_only_touched_files_are_judged():
    """A broken file the answer left alone, and one it deleted, are not its fault."""
    broken = "def f(:\n"
    verdict = judge({"a.py": "x = 1\n", "b.py": broken, "c.py": None}, base={"b.py": broken, "c.py": broken})
    assert verdict.passed
    assert verdict.evidence["judged"] == {"a.py": "python"}


def test_unknown_files_are_skipped_not_passed():
    """An answer of prose alone gives a skip that says why."""
    verdict = judge({"README.rst": "# Hello\n", "notes.txt": "("})
    assert verdict.status == "inconclusive"
    assert verdict.reason == "skipped"
    assert "README.rst" in verdict.hint


def test_an_answer_without_files_is_skipped():
    """No changed file, no judgement."""
    assert judge({}).reason == "skipped"


def test_a_mixed_answer_lists_what_was_not_judged():
    """One judged file is enough for a pass, and the evidence names the ones passed over."""
    verdict = judge({"a.py": "x = 1\n", "README.rst": "hi"})
    assert verdict.passed
    assert "README.rst" in verdict.evidence["not_judged"]


def test_one_broken_file_fails_the_whole_answer():
    """A valid file beside a broken one does not save the answer."""
    assert judge({"a.py": "x = 1\n", "b.json": "{"}).failed


def test_old_faults_of_a_macro_heavy_file_are_let_pass():
    """In C, errors that the grammar already reported on the old file are not held against the answer."""
    old = "#define BEGIN extern {\nBEGIN(a) int x WEIRD(y) z\nint f(void) { return 1; }\n"
    new = old.replace("return 1", "return 2")
    assert judge({"a.c": new}, base={"a.c": old}).passed


def test_a_new_fault_in_c_fails():
    """In C, an error on a changed line of a file that was clean fails the answer."""
    old = "int f(void) { return 1; }\nint g(void) { return 2; }\n"
    verdict = judge({"a.c": old.replace("return 2; }", "return 2 }")}, base={"a.c": old})
    assert verdict.failed
    assert "a.c:2:" in verdict.feedback


def test_a_new_file_with_unreadable_macros_is_advisory():
    """A new C file the grammar cannot follow because of conditional macros is neither passed nor failed."""
    verdict = judge({"a.c": "#ifdef X\nint f(void) {\n#else\nint f(int a) {\n#endif\n return WEIRD a b; }\n"})
    assert verdict.reason == "skipped"
    assert "a.c" in verdict.hint


def test_the_old_version_is_read_from_the_workspace(tmp_path):
    """A file the task did not list is compared with what stands in the workspace."""
    old = "#ifdef A\nint x WEIRD(y) z {\n#endif\nint f(void) { return 1; }\n"
    (tmp_path / "a.c").write_text(old)
    verdict = judge({"a.c": old.replace("1", "2")}, workspace=tmp_path)
    assert verdict.passed


def test_the_declared_language_helps_only_files_without_a_suffix():
    """A task in Python makes a bare file name Python, but never a text file."""
    assert judge({"script": "x = (\n"}, language="python").failed
    assert judge({"a.txt": "x = (\n"}, language="python").reason == "skipped"


def test_the_first_line_names_the_language_of_a_script():
    """A script without suffix is judged by its shebang."""
    verdict = judge({"run": "#!/usr/bin/env python3\nx = (\n"})
    assert verdict.failed
    assert verdict.evidence["judged"] == {"run": "python"}


def test_sql_is_judged_only_when_asked():
    """The SQL grammar flags most valid scripts, so it is off unless the matrix names it."""
    skip_without_grammar("a.sql")
    assert judge({"a.sql": "SELECT FROM WHERE ((\n"}).reason == "skipped"
    assert judge({"a.sql": "SELECT a FROM b WHERE ((c = 1;\n"}, languages=["sql"]).failed


def test_languages_restricts_what_is_judged():
    """With languages=["python"] a broken JSON file is passed over."""
    assert judge({"a.py": "x = 1\n", "a.json": "{"}, languages=["python"]).passed


def test_an_unknown_language_is_refused_when_the_validator_is_made():
    """A misspelt language is found before any model is asked."""
    with pytest.raises(ValueError, match="pyhton"):
        syntax(languages=["pyhton"])


HOSTILE = {
    "null.py": "x = 1\0\n",
    "null.js": "let x = '\0';\n",
    "surrogate.py": "x = '\ud800'\n",
    "brackets.py": "(" * 100_000,
    "brackets.js": "[" * 300_000,
    "brackets.json": "[" * 100_000,
    "brackets.yaml": "[" * 100_000,
    "brackets.toml": "a = " + "[" * 100_000,
    "dots.toml": ".".join(["a"] * 50_000) + " = 1\n",
    "quoted-dots.toml": ".".join(['"a"'] * 50_000) + " = 1\n",
    "quotes.toml": '"' * 100_000,
    "digits.json": "1" * 100_000 + "x",
    "binary.c": "\x7fELF\x02\x01\x01\0\0\0" * 1000,
    "cookie.py": "# coding: no-such-codec\nx = 1\n",
    "indent.py": "".join(" " * i + "if 1:\n" for i in range(300)),
    "alias.yaml": "a: *nowhere\n",
    "error.rs": "}{" * 50_000,
    "ampersands.swift": "& " * 100_000,
    "words.lua": "if " * 60_000,
    "generics.java": "a<" * 100_000,
    "generics.ts": "a<b[" * 50_000,
    "operators.cpp": "new " * 50_000 + "= = )",
    "constant.json": "[NaN]",
}


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_text_fails_in_time(path):
    """Deep nesting, null bytes, bad encodings and the like give a failed verdict within seconds, never a crash."""
    skip_without_grammar(path)
    with processor_seconds(at_most=20):
        verdict = judge({path: HOSTILE[path]}, perform=perform)
    assert verdict.failed, verdict
    assert len(verdict.feedback.splitlines()) <= 40
    assert len(verdict.feedback) < 8_000


def test_a_huge_answer_is_not_read():
    """Fifty megabytes are passed over at once, with the size named."""
    huge = {"a.js": "x;\n" * 17_000_000}
    with processor_seconds(at_most=2):
        verdict = judge(huge)
    assert verdict.reason == "skipped"
    assert "51,000,000" in verdict.hint


def test_valid_big_numbers_and_marks_are_no_faults():
    """Long integers and a byte order mark are well-formed JSON to every reader that matters."""
    assert judge({"a.json": "\ufeff[" + "1" * 10_000 + "]"}).passed


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("a.py", "def f{}(x):\n    return [x + 1, 'abc', (2, 3)]\n"),
        ("a.js", "function f{}(x) {{ return [x + 1, 'abc', {{a: 2}}]; }}\n"),
        ("a.go", 'func f{}(x int) int {{ return x + len("abc") }}\n'),
        ("a.yaml", "key{}: [1, two, {{three: 3}}]\n"),
        ("a.toml", "key{} = [1, 'two', {{three = 3}}]\n"),
    ],
)
def test_a_hundred_kilobytes_take_less_than_a_second(path, unit):
    """Files of 100 kB are judged well within a second, broken ones too."""
    text = "".join(unit.format(i) for i in range(100_000 // len(unit) + 1))
    text = "package a\n" + text if path == "a.go" else text
    for source, wanted in ((text, "passed"), (text + "\n}{((", "failed")):
        with processor_seconds(at_most=1):
            assert judge({path: source}, perform=perform).status == wanted


def test_a_missing_grammar_is_named_with_what_to_install():
    """Without its grammar a language is skipped, and the message says what to install."""
    missing = Language(name="cobol", module="tree_sitter_cobol", extra=True)
    answer = faults(missing, "DISPLAY 1.")
    assert answer == GrammarMissing(package="tree-sitter-cobol", extra=True)


def test_what_is_too_deep_for_this_process_is_compiled_in_a_child():
    """An expression that exhausts the compiler's stack is judged by a sandboxed Python, which also gives up."""
    verdict = judge({"a.py": "x = 1" + " + 1" * 200_000 + "\n"}, perform=perform)
    assert verdict.failed
    assert "nest too deeply" in verdict.feedback


def test_more_than_a_megabyte_of_python_is_compiled_in_a_child():
    """A large file is judged in full, away from this process."""
    text = "x = [1, 2, 3]\n" * 80_000
    assert judge({"a.py": text}, perform=perform).passed
    assert judge({"a.py": text + "y = (\n"}, perform=perform).failed


def test_the_projects_own_python_can_judge():
    """With `interpreter`, that Python's syntax counts."""
    assert judge({"a.py": "x = 1\n"}, perform=perform, interpreter=sys.executable).passed
    verdict = judge({"a.py": "x = \n"}, perform=perform, interpreter=sys.executable)
    assert verdict.feedback.startswith("a.py:1:")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# Title\n\n```python\nx = 1\n```\n", ""),
        ("~~~\n```\n~~~\n", ""),
        ("Inline ```code``` is no fence.\n", ""),
        ("# Title\n\n```python\nx = 1\n", "never closed"),
        ("````\n```\n", "never closed"),
        ("<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> other\n", "failed merge"),
    ],
)
def test_markdown_is_judged_by_what_can_be_wrong_with_it(text: str, says: str) -> None:
    """A fence that is never closed and the marks of a failed merge are faults; everything else is Markdown."""
    verdict = judge({"README.md": text})
    assert (verdict.status, says in verdict.feedback) == ("failed" if says else "passed", True)
