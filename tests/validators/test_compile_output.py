"""What compilers and type checkers print is read alike, and only what is new counts."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.validators.compile.output import Problem, new_problems, read_problems

KNOWN = ["a.py", "src/pkg/b.py", "src/main.rs", "A.java", "a.c", "a.ts", "x/a.go", "a.sh"]

PYRIGHT = json.dumps(
    {
        "version": "1.1.414",
        "generalDiagnostics": [
            {
                "file": "/workspace/src/pkg/b.py",
                "severity": "error",
                "message": 'Type "int" is not assignable to return type "str"',
                "range": {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 12}},
                "rule": "reportReturnType",
            },
            {
                "file": "/workspace/a.py",
                "severity": "warning",
                "message": "x",
                "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
            },
        ],
    }
)
PYREFLY = (
    json.dumps(
        {
            "errors": [
                {
                    "line": 3,
                    "column": 8,
                    "path": "a.py",
                    "name": "missing-import",
                    "description": "Cannot find module `nosuch`\n  Looked in these locations",
                    "concise_description": "Cannot find module `nosuch`",
                    "severity": "error",
                }
            ]
        }
    )
    + " INFO 1 error\n"
)
RUFF = json.dumps(
    [
        {
            "code": "F821",
            "filename": "/workspace/a.py",
            "location": {"column": 5, "row": 1},
            "message": "Undefined name `y`",
        },
        {
            "code": None,
            "filename": "/workspace/a.py",
            "location": {"column": 1, "row": 2},
            "message": "Expected )",
        },
    ]
)

RECORDED = [
    (
        "colons",
        (
            'a.py:2: error: Incompatible return value type (got "int", expected "str")  [return-value]\n'
            "a.py:2: note: see elsewhere\n"
        ),
        [
            Problem(
                path="a.py",
                line=2,
                rule="return-value",
                message='Incompatible return value type (got "int", expected "str")',
            )
        ],
    ),
    (
        "colons",
        "a.py:3:8: error[import-not-found] Cannot resolve imported module `nosuch`\nFound 1 diagnostic\n",
        [Problem(path="a.py", line=3, rule="import-not-found", message="Cannot resolve imported module `nosuch`")],
    ),
    (
        "colons",
        "src/main.rs:1:26: error[E0308]: mismatched types: expected `i32`, found `&str`\nerror: could not compile `x`\n",
        [
            Problem(
                path="src/main.rs", line=1, rule="E0308", message="mismatched types: expected `i32`, found `&str`"
            )
        ],
    ),
    (
        "colons",
        "A.java:1: error: ';' expected\nclass A { int f() { return 1 } }\n                            ^\n1 error\n",
        [Problem(path="A.java", line=1, message="';' expected")],
    ),
    (
        "colons",
        "a.c:1:10: fatal error: nosuch.h: No such file or directory\n    1 | #include <nosuch.h>\ncompilation terminated.\n",
        [Problem(path="a.c", line=1, message="nosuch.h: No such file or directory")],
    ),
    (
        "tsc",
        "a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.\n",
        [Problem(path="a.ts", line=1, rule="TS2322", message="Type 'string' is not assignable to type 'number'.")],
    ),
    (
        "go",
        "# x\n# [x]\nvet: ./x/a.go:4:2: undefined: y\nx/a.go:9:2: Println call has possible formatting directive %d\n",
        [
            Problem(path="x/a.go", line=4, message="undefined: y"),
            Problem(path="x/a.go", line=9, message="Println call has possible formatting directive %d"),
        ],
    ),
    (
        "bash",
        "a.sh: line 2: syntax error: unexpected end of file\n",
        [Problem(path="a.sh", line=2, message="syntax error: unexpected end of file")],
    ),
    (
        "pyright",
        "No configuration file found.\n" + PYRIGHT,
        [
            Problem(
                path="src/pkg/b.py",
                line=2,
                rule="reportReturnType",
                message='Type "int" is not assignable to return type "str"',
            )
        ],
    ),
    (
        "pyrefly",
        PYREFLY,
        [Problem(path="a.py", line=3, rule="missing-import", message="Cannot find module `nosuch`")],
    ),
    (
        "ruff",
        RUFF,
        [
            Problem(path="a.py", line=1, rule="F821", message="Undefined name `y`"),
            Problem(path="a.py", line=2, rule="syntax", message="Expected )"),
        ],
    ),
]


@pytest.mark.parametrize(("form", "output", "problems"), RECORDED)
def test_recorded_output_is_read(form, output, problems):
    """Each tool's output gives its errors, with project paths, and neither notes nor warnings."""
    assert read_problems(form, output, KNOWN) == problems


@settings(max_examples=80)
@given(
    form=st.sampled_from(["colons", "tsc", "go", "bash", "pyright", "pyrefly", "ruff"]),
    output=st.text(max_size=200),
)
def test_any_output_is_read_without_raising(form, output):
    """A tool that prints nonsense gives no errors, and does not break the validator."""
    assert isinstance(read_problems(form, output, KNOWN), list)


def problem(message, path="a.py", line=1):
    return Problem(path=path, line=line, message=message)


def test_an_old_error_on_another_line_is_not_new():
    """An error moves with its code; numbers in its text may change with it."""
    old, new = problem("defined on line 3", line=5), problem("defined on line 9", line=11)
    assert new_problems([old], [new], frozenset({"a.py"})) == []


def test_the_same_error_once_more_is_new():
    """Two of what there was one of before is one too many."""
    assert len(new_problems([problem("x")], [problem("x"), problem("x", line=2)], frozenset({"a.py"}))) == 1


def test_untouched_files_count_only_if_the_base_was_clean():
    """A change that breaks its caller fails on a clean project; on a broken one only touched files count."""
    elsewhere = problem("broken call", path="b.py")
    assert new_problems([], [elsewhere], frozenset({"a.py"})) == [elsewhere]
    assert new_problems([problem("old")], [elsewhere], frozenset({"a.py"})) == []
