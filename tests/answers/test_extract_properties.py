"""Whatever a model writes, the extractor answers with a record, and never with a path outside the workspace."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection
from processor import check_linear

FENCE = st.sampled_from(
    ["```", "~~~", "````", "```python", "```diff", "```md", "> ```", "- ```py", "   ```", "```json"]
)
PATH = st.one_of(
    st.sampled_from(
        [
            "app.py",
            "src/a.py",
            "../x.py",
            "/etc/passwd",
            "~/x.py",
            "C:\\x.py",
            "a\\..\\..\\b.py",
            ".git/config",
            "a//b.py",
            "./app.py",
            "con.py",
            "a:b.py",
            "...",
            "..",
            ".",
            "conftest.py",
            "\u202ea.py",
            "a\x00.py",
            "src/./../a.py",
            "a/.git /x.py",
        ]
    ),
    st.text(alphabet="./\\~ab:\0\u202e-_ *`\"'", max_size=12),
)
PIECE = st.one_of(
    FENCE,
    PATH,
    PATH.map(lambda path: f"```python {path}"),
    PATH.map(lambda path: f'```py title="{path}"'),
    PATH.map(lambda path: f"### `{path}`"),
    PATH.map(lambda path: f"# {path}"),
    PATH.map(lambda path: f"--- a/{path}\n+++ b/{path}"),
    PATH.map(lambda path: f"*** Add File: {path}"),
    PATH.map(lambda path: f'{{"files": [{{"path": "{path}", "content": "x"}}]}}'),
    st.sampled_from(
        [
            "<<<<<<< SEARCH",
            "=======",
            ">>>>>>> REPLACE",
            "@@ -1,2 +1,2 @@",
            "@@",
            "+x = 1",
            "-x = 1",
            " x = 1",
            "x = 1",
            "<think>",
            "</think>",
            "<|im_end|>",
            "def f():",
            "    return 1",
            "# ... existing code ...",
            "...",
            '"""',
            "",
            "--- ",
            "rename to x.py",
            "diff --git a/x b/y",
            "deleted file mode 100644",
            "*** Begin Patch",
            "Usage:",
            "\ufeff",
            "\u200b x",
        ]
    ),
    st.text(max_size=20),
)
ANSWER = st.lists(PIECE, max_size=14).map("\n".join)
WORKSPACE = st.sampled_from(
    [{}, {"app.py": "x = 1\n"}, {"app.py": "x = 1\r\n", "src/a.py": ""}, {"README.md": "# x\n"}]
)


@settings(max_examples=600, deadline=None)
@given(answer=ANSWER, workspace=WORKSPACE, reason=st.sampled_from(["stop", "length", ""]), target=st.none() | PATH)
def test_any_answer_is_a_safe_change_set_or_a_rejection(answer, workspace, reason, target):
    """No text makes the extractor raise, name an unsafe path, return nothing, or write what is not text."""
    result = extract(answer, workspace=workspace, finish_reason=reason, target=target, protected=("given.py",))

    if isinstance(result, Rejection):
        assert result.feedback
        return
    assert isinstance(result, ChangeSet)
    assert result.files
    for path, text in result.files.items():
        parts = PurePosixPath(path).parts
        assert not path.startswith(("/", "~"))
        assert not set(parts) & {"..", ".", ".git"}
        assert not any(char in path for char in "\0\\:\u202e")
        assert path != "given.py"
        assert text is None or ("\0" not in text and text.encode("utf-8") is not None)


@settings(max_examples=300, deadline=None)
@given(text=st.text(), workspace=WORKSPACE)
def test_any_text_at_all(text, workspace):
    """Arbitrary text, lone surrogates included, is answered with a record."""
    assert isinstance(extract(text + "\ud800", workspace=workspace), ChangeSet | Rejection)


@settings(max_examples=200, deadline=None)
@given(body=st.lists(st.text(alphabet="abcxyz =()'\n\t#+-", min_size=1, max_size=30), min_size=1, max_size=8))
def test_a_fenced_block_comes_back_as_it_was(body):
    """What stands inside a longer fence under a path is returned unchanged."""
    content = "\n".join(body).strip() + "\n"
    result = extract(f"``````text notes.txt\n{content}``````\n", workspace={})

    assert isinstance(result, ChangeSet)
    assert dict(result.files) == {"notes.txt": content}


HOSTILE = {
    "spaces": lambda n: " " * (4000 * n),
    "newlines": lambda n: "\n" * (4000 * n),
    "fence lines": lambda n: "```\n" * (100 * n),
    "tagged fences": lambda n: "```python\nx\n```\n" * (30 * n),
    "openers only": lambda n: "```python\n" * (50 * n),
    "untagged blocks": lambda n: "```\nx = 1\n```\n" * (30 * n),
    "long fence": lambda n: "`" * (500 * n),
    "long line": lambda n: "public " + "a" * (500 * n),
    "quotes": lambda n: ">" * (200 * n) + "\n" + "> ```\n" * (20 * n),
    "thoughts": lambda n: "<think>\n</think>\n" * (20 * n),
    "closed thoughts in a fence": lambda n: "```python\n" + "</think>\n" * (50 * n),
    "escapes": lambda n: "\x1b]" * (200 * n),
    "stop tokens": lambda n: "<|im_end|>\n" * (50 * n),
    "searches": lambda n: "<<<<<<< SEARCH\n" * (30 * n),
    "pairs": lambda n: (
        "app.py\n```\n" + "<<<<<<< SEARCH\nx = 1\n=======\nx = 1\n>>>>>>> REPLACE\n" * (5 * n) + "```"
    ),
    "dividers": lambda n: "<<<<<<< SEARCH\n" + "=======\n" * (50 * n) + ">>>>>>> REPLACE\n",
    "hunks": lambda n: "--- a/app.py\n+++ b/app.py\n" + "@@ -1 +1 @@\n x = 1\n" * (5 * n),
    "headers": lambda n: "--- a/app.py\n+++ b/app.py\n" * (30 * n),
    "nested json": lambda n: '{"files": ' + "[" * (200 * n),
    "brackets": lambda n: "```python\n" + "(" * (300 * n) + "\n```",
    "minus": lambda n: "```python\nx = " + "-" * (200 * n) + "1\n```",
    "colons": lambda n: "```scss\n{" + "a:" * (200 * n) + "\n```",
    "imports": lambda n: "```python app.py\n" + "import (\n" * (50 * n) + "```",
    "indented": lambda n: (
        "```python app.py\n" + "".join(" " * (at % 50) + f"def f{at}():\n" for at in range(120 * n)) + "```"
    ),
    "dots": lambda n: "```python app.py\n" + "# ...\n" * (50 * n) + "```",
    "headings": lambda n: "### a.py\n" * (50 * n),
    "backticks": lambda n: "`a` " * (100 * n) + ":\n```python\nx = 1\n```",
    "no-break": lambda n: "\u00a0" * (300 * n) + "\n" + "\u200b \n" * (50 * n),
    "calls": lambda n: "a(" * (200 * n),
    "assignments": lambda n: "a, " * (200 * n) + "= 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_linear_time(name):
    """Four times as much text that was made to be slow takes about four times as long, whatever is expected of it."""

    def read(size):
        for workspace in ({"app.py": "x = 1\n"}, {"a.md": "# a\n", "b.js": "x\n"}, {}):
            extract(HOSTILE[name](size), workspace=workspace)

    check_linear(read, size=250, at_most=8)


def test_an_answer_beyond_the_limit_is_too_large():
    """An answer of more than eight million characters is not looked at."""
    assert extract("x" * 8_000_001, workspace={}).kind == "too_large"
