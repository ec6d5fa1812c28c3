"""What a quote is worth: it must stand in the code, say something, and not be a comment. Pure."""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath

_TOKEN = re.compile(r"\w+|[^\w\s]")
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        abstract and as assert async await begin break by case catch class cls const continue def defer del
        delete do done elif else elsif end enum esac except export extends extern fi final finally fn for
        foreach from func function global go goto if impl import in include inline instanceof interface is
        lambda let loop match mod mut namespace new nonlocal not of or package pass private protected pub public
        raise readonly require return self static struct super switch template then this throw throws trait try
        type typedef typeof undef unless unsafe until use using val var virtual void volatile when where while
        with yield
        """,
    )
)
_PART = re.compile(r"\n|\s#|//")
_LINE_COMMENT = {
    **dict.fromkeys(("py", "rb", "sh", "bash", "pl", "r", "jl", "yaml", "yml", "toml"), ("#",)),
    **dict.fromkeys(
        (
            "js",
            "jsx",
            "ts",
            "tsx",
            "mjs",
            "java",
            "c",
            "h",
            "cc",
            "cpp",
            "hpp",
            "cs",
            "go",
            "rs",
            "kt",
            "swift",
            "scala",
        ),
        ("//", "/*", "* ", "*/"),
    ),
    **dict.fromkeys(("sql", "lua", "hs"), ("--",)),
}
_ABOUT_COMMENTS = re.compile(
    r"\b(?:comment|docstring|document|explain|note|licen[cs]e|header|describe)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One file of an answer as quotes are looked up in it, white space aside.

    `text` is all of it, `code` without comments, `changed` the blocks (from one line at the margin to the next)
    that the answer changed.
    """

    text: str
    code: str
    changed: str


def page(path: str, content: str, before: str | None) -> Page:
    """A file of an answer; `before` is its content in the base, None for a new one."""
    changed = content if before is None else _changed(before.splitlines(), content.splitlines())
    return Page(text=_packed(content), code=_packed(_code(path, content)), changed=_packed(changed))


def weighty(quote: str) -> bool:
    """Whether a quote says anything: more than one word or sign, and not only keywords, brackets and the like."""
    tokens = _TOKEN.findall(quote)
    words = [token for token in tokens if token[0].isalnum() or token[0] == "_"]
    telling = [word for word in words if word not in _KEYWORDS]
    if len(tokens) < 2 or len("".join(tokens)) < 3 or not telling:
        return False
    return len(words) > 1 or len(telling[0]) > 2


def stands_in(quote: str, text: str) -> bool:
    """Whether a quote stands in a text of a page."""
    return _packed(quote) in text


def is_code(quote: str, page: Page) -> bool:
    """Whether a quote stands in a page and some of it is code that says something, not a comment."""
    parts = (quote, *_PART.split(quote))
    return stands_in(quote, page.text) and any(weighty(part) and stands_in(part, page.code) for part in parts)


def about_comments(requirement: str) -> bool:
    """Whether a requirement may be met by a comment."""
    return bool(_ABOUT_COMMENTS.search(requirement))


def _packed(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def _code(path: str, content: str) -> str:
    """A file without its comments, as far as they can be told for sure."""
    suffix = PurePosixPath(path).suffix[1:].lower()
    if suffix == "py":
        return _python_code(content)
    marks = _LINE_COMMENT.get(suffix)
    if marks is None:
        return content
    return "\n".join(line for line in content.splitlines() if not line.lstrip().startswith(marks))


def _python_code(content: str) -> str:
    lines = content.splitlines(keepends=True)
    try:
        for token in tokenize.generate_tokens(io.StringIO(content).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column] + "\n"
    except (tokenize.TokenError, SyntaxError, ValueError):
        return content
    return "".join(lines)


def _changed(before: list[str], after: list[str]) -> str:
    """The blocks of a file in which a line was changed, added or taken away."""
    starts = [at for at, line in enumerate(after) if line.strip() and not line[0].isspace()] or [0]
    touched: set[int] = set()
    for tag, _, _, begin, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            touched.update(range(begin, end) if end > begin else (max(begin - 1, 0), begin))
    blocks = zip(starts, [*starts[1:], len(after)], strict=True)
    kept = [after[first:last] for first, last in blocks if touched & set(range(first, last))]
    return "\n".join(line for block in kept for line in block)
