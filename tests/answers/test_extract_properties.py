"""Whatever a model writes, the extractor answers with a record, and never with a path outside the workspace."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection
from processor import processor_seconds

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
    "spaces": " " * 1_000_000,
    "newlines": "\n" * 1_000_000,
    "fence lines": "```\n" * 25_000,
    "tagged fences": "```python\nx\n```\n" * 7_500,
    "openers only": "```python\n" * 12_500,
    "untagged blocks": "```\nx = 1\n```\n" * 7_500,
    "long fence": "`" * 125_000,
    "long line": "public " + "a" * 125_000,
    "quotes": ">" * 50_000 + "\n" + "> ```\n" * 5_000,
    "thoughts": "<think>\n</think>\n" * 5_000,
    "closed thoughts in a fence": "```python\n" + "</think>\n" * 12_500,
    "escapes": "\x1b]" * 50_000,
    "stop tokens": "<|im_end|>\n" * 12_500,
    "searches": "<<<<<<< SEARCH\n" * 7_500,
    "pairs": "app.py\n```\n" + "<<<<<<< SEARCH\nx = 1\n=======\nx = 1\n>>>>>>> REPLACE\n" * 1_250 + "```",
    "dividers": "<<<<<<< SEARCH\n" + "=======\n" * 12_500 + ">>>>>>> REPLACE\n",
    "hunks": "--- a/app.py\n+++ b/app.py\n" + "@@ -1 +1 @@\n x = 1\n" * 1_250,
    "headers": "--- a/app.py\n+++ b/app.py\n" * 7_500,
    "nested json": '{"files": ' + "[" * 50_000,
    "brackets": "```python\n" + "(" * 75_000 + "\n```",
    "minus": "```python\nx = " + "-" * 50_000 + "1\n```",
    "colons": "```scss\n{" + "a:" * 50_000 + "\n```",
    "imports": "```python app.py\n" + "import (\n" * 12_500 + "```",
    "indented": "```python app.py\n" + "".join(" " * (n % 50) + f"def f{n}():\n" for n in range(30_000)) + "```",
    "dots": "```python app.py\n" + "# ...\n" * 12_500 + "```",
    "headings": "### a.py\n" * 12_500,
    "backticks": "`a` " * 25_000 + ":\n```python\nx = 1\n```",
    "no-break": "\u00a0" * 75_000 + "\n" + "\u200b \n" * 12_500,
    "calls": "a(" * 50_000,
    "assignments": "a, " * 50_000 + "= 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_linear_time(name):
    """Text made to be slow is answered in a few seconds, whatever is expected of it."""
    with processor_seconds(at_most=8):
        for workspace in ({"app.py": "x = 1\n"}, {"a.md": "# a\n", "b.js": "x\n"}, {}):
            extract(HOSTILE[name], workspace=workspace)


def test_an_answer_beyond_the_limit_is_too_large():
    """An answer of more than eight million characters is not looked at."""
    assert extract("x" * 8_000_001, workspace={}).kind == "too_large"
