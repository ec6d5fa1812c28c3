"""The short way for plain answers: whatever is answered, it means what the long way says it means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from escalator.answers import extract
from escalator.answers.extract import extract_thoroughly
from escalator.answers.naming import Workspace
from escalator.answers.simple import one_block
from escalator.records import ChangeSet

OLD = "import os\n\n\ndef f(a):\n    return a\n\n\nclass C:\n    def g(self):\n        return f(1)\n"
WORKSPACES: list[dict[str, str]] = [
    {},
    {"app.py": OLD},
    {"app.py": OLD.replace("\n", "\r\n")},
    {"src/app.py": OLD, "src/util.py": "x = 1\n"},
    {"test_app.py": "def test_f():\n    assert f(1)\n"},
    {"main.go": "package main\n\nfunc main() {}\n"},
    {"web/app.ts": "export const a = 1\n", "web/app.css": "a { b: c }\n"},
    {"README.md": "# Title\n\n```python\nx = 1\n```\n"},
    {"conftest.py": "x = 1\n"},
    {"data.json": "{}\n"},
    {"pyproject.toml": "[tool.pytest]\nx = 1\n"},
    {"Makefile": "all:\n\ttrue\n"},
]
PATHS = st.sampled_from(
    [
        "app.py",
        "src/app.py",
        "util.py",
        "new.py",
        "../x.py",
        "conftest.py",
        "main.go",
        "tests/test_a.py",
        "a.md",
        "README.md",
        "app.ts",
        "path/to/file.py",
        "pyproject.toml",
        "/etc/passwd",
        "a b.py",
        "main.cpp",
        "é.py",
    ]
)
TAGS = st.sampled_from(
    [
        "",
        "python",
        "py",
        "Python",
        "go",
        "ts",
        "typescript",
        "rust",
        "json",
        "bash",
        "text",
        "diff",
        "md",
        "console",
        "markdown",
        "output",
        "toml",
        "html",
        "unknown",
        "cpp",
        "{.python}",
        "python title=app.py",
        "py`x",
    ]
)
BODIES = st.sampled_from(
    [
        OLD,
        OLD.replace("return a", "return a + 1"),
        "x = 1\n",
        "x\n",
        "",
        "\n\n",
        "    return 1\n",
        "x = '—'\n",
        "# app.py\nx = 1\n",
        "#!/usr/bin/env python\n# src/app.py\nx = 1\n",
        "# ... existing code ...\nx = 1\n",
        "def f(a):\n    ...\n",
        "def f(a):\n    return a\n",
        ">>> f(1)\n1\n",
        "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n",
        "package main\n\nfunc main() { x < y }\n",
        "def test_f():\n    assert f(2)\n",
        'import json\nd = "</think>"\n',
        "<<<<<<< SEARCH\nimport os\n=======\nimport re\n>>>>>>> REPLACE\n",
        "a <|im_end|>\n",
        '{"files": []}\n',
        "(\n",
        "from app import f\nprint(f(1))\n",
        "x = 1\xa0\n",
        "\u200bx = 1\n",
        "x = '''\n```\n'''\n",
        "x = `a`\n",
        "\x00\n",
        "def f(a):\n    return a\n\n\nclass C:\n    pass\n",
        "…\nx = 1\n",
        "$ python app.py\n",
        "x = [1]  # [THINK]\n",
        "1: x = 1\n2: y = 2\n",
        "1: def f(a):\n2:     return a\n3: x = 1\n4: y = 2\nz = 3\n",
        "x = 1\ny = 2\n3: z = 3\n",
        "class C:\n    def g(self):\n        return 2\n",
        "def g(self):\n    return 2\n",
        "import re\n\n\ndef f(a):\n    return re\n",
        "x = '<file path=\"app.py\">'\ny = '</file>'\n",
        "------- SEARCH\nx\n=======\ny\n+++++++ REPLACE\n",
        "*** Begin Patch\n*** Update File: app.py\n@@\n-x\n*** End Patch\n",
        "x = 1  # assistantfinal\n",
    ]
)
PROSE = st.sampled_from(
    [
        "",
        "Here is the fixed file:",
        "Usage:",
        "## Example usage",
        "Output:",
        "**app.py**",
        "`src/app.py`",
        "app.py:",
        "### new.py",
        "Here is `app.py` with the fix:",
        "{",
        "[1]",
        "assistant",
        "> quoted",
        "- item",
        "<think>",
        "—",
        "</think>",
        "<think>why</think>",
        "diff --git a/app.py b/app.py",
        "File: util.py",
        "x < y",
        "Tests:",
        "1. a.py",
        "The `Node.js` part",
        "<|channel|>final<|message|>",
        "[/INST]",
        "\ufeff",
        "\x1b[1mbold\x1b[0m",
        "Final version:",
        '<file path="app.py">',
        "</file>",
        "<write_to_file>\n<path>app.py</path>\n<content>",
        "analysisWe think.",
        "assistantfinal",
        "final",
        "1: one",
    ]
)
OPENERS = st.sampled_from(["```", "```", "```", "~~~", "````", " ```", "> ```", "- ```", "text ```", "``"])
CLOSERS = st.sampled_from(
    ["```", "```", "```", "~~~", "````", "``` ", "  ```", "", "```\t", "```x", "> ```", "code```"]
)


@st.composite
def blocks(draw: st.DrawFn) -> str:
    tag, path = draw(TAGS), draw(st.none() | PATHS)
    between = draw(st.sampled_from([" ", ":", "  "]))
    info = tag if path is None else f"{tag}{between}{path}"
    return f"{draw(OPENERS)}{info}\n{draw(BODIES)}{draw(CLOSERS)}"


@st.composite
def answers(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.one_of(PROSE, PROSE, blocks(), PATHS, BODIES), max_size=5))
    text = draw(st.sampled_from(["\n", "\n\n", "\n\n", "\r\n"])).join([*parts, draw(blocks()), draw(PROSE)])
    return text[: draw(st.sampled_from([None, None, None, -1, -4, 20, 60]))]


@st.composite
def plain_answers(draw: st.DrawFn) -> str:
    """What most models answer, with one thing odd about it now and then."""
    tag, path = draw(st.sampled_from(["python", "py", "go", "ts"])), draw(st.none() | PATHS)
    info = tag if path is None else f"{tag} {path}"
    return f"{draw(PROSE)}\n\n```{info}\n{draw(BODIES)}```\n{draw(PROSE)}"


@settings(max_examples=1500, deadline=None)
@given(
    text=answers() | plain_answers() | plain_answers().map(lambda text: text.replace("\n", "\r\n")),
    workspace=st.sampled_from(WORKSPACES),
    target=st.none() | PATHS,
    reason=st.sampled_from(["stop", "stop", "stop", "length"]),
    asked=st.sampled_from(["", "Fix f.", "Remove C."]),
    protected=st.sampled_from([(), ("src",), ("*.go", "test_app.py")]),
)
@example(text="```python\nx = 1\n```", workspace={}, target=None, reason="stop", asked="", protected=())
@example(
    text="Usage:\n```python app.py\nx = 1\n```", workspace={}, target=None, reason="stop", asked="", protected=()
)
@example(
    text='```python\n{"files": 1}\n```', workspace={"a.py": ""}, target=None, reason="stop", asked="", protected=()
)
def test_the_short_way_says_what_the_long_way_says(
    text: str, workspace: dict[str, str], target: str | None, reason: str, asked: str, protected: tuple[str, ...]
) -> None:
    """The same change set or the same rejection, notes and feedback included."""
    given_: dict[str, Any] = {
        "target": target,
        "workspace": workspace,
        "finish_reason": reason,
        "asked": asked,
        "protected": protected,
    }
    assert extract(text, **given_) == extract_thoroughly(text, **given_)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("```python\nx = 2\n```", "app.py"),
        ("Here it is:\n\n```py app.py\nx = 2\n```\n\nDone — the value is right now.", "app.py"),
        ("app.py\n```python\nx = 2\n```\n", "app.py"),
        ("```python src/new.py\nx = 2\n```\n", "src/new.py"),
        ("**`app.py`**\n\n```python\nif x < 2:\n    x = [2]\n```", "app.py"),
    ],
)
def test_plain_answers_go_the_short_way(text: str, path: str) -> None:
    """One fenced block of code for one file needs no longer look."""
    short = one_block(text, Workspace.of({"app.py": "x = 1\n"}, "app.py"))

    assert short is not None
    assert short.path == path
    found = extract(text, workspace={"app.py": "x = 1\n"})
    assert isinstance(found, ChangeSet)
    assert dict(found.files) == {path: short.text}


@pytest.mark.parametrize(
    "text",
    [
        "```\nx = 2\n```",
        "```python\nx = 2\n",
        "```python\nx = 2\n```\n```python\nx = 3\n```",
        "````python\nx = 2\n````",
        "> ```python\n> x = 2\n> ```",
        "```python\nx = '''\n```\n'''\n```",
        "```python\nx = '\u2014'\n```",
        "Usage:\n```python\nx = 2\n```",
    ],
)
def test_what_could_mean_more_than_one_thing_goes_the_long_way(text: str) -> None:
    """Without a tag, an end, or with more than one possible end the long way decides."""
    assert one_block(text, Workspace.of({"app.py": "x = 1\n"}, "app.py")) is None
