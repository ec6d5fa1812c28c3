"""A change set as a patch that `git apply` takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Final

from escalator.workspace.newlines import in_newlines_of

_LIKE: Final = 50
"""Percent of the lines that a deleted and a new file must share to be one file renamed."""

_MOST_PAIRS: Final = 400
"""Pairs that are compared line by line; of more, only files of the same content are found."""

_MOST_EFFORT: Final = 3_000_000
"""Pairs of equal lines that are looked at for the smallest difference, a few seconds' worth."""

_CONTEXT: Final = 3

_NEEDS_QUOTES: Final = re.compile(r'["\\\x00-\x1f\x7f]')


def as_written(old: str | None, new: str) -> str:
    """What is written for `new` over `old`: in the newlines of the old text, unless the new one says its own."""
    return in_newlines_of(old, new) if old and "\r" not in new else new


def patch(old: Mapping[str, str], new: Mapping[str, str | None]) -> str:
    """What turns the files `old` into `new` (None deletes), sorted by path; empty if that is nothing.

    A file that `old` has as empty may be there, empty, or not be there: the patch fits both. What has no lines to
    show comes last: git reads lines of another file that follow it as belonging to it.
    """
    origins = renames(old, new)
    renamed = set(origins.values())
    parts = [_part(path, old, new[path], origins.get(path)) for path in sorted(new) if path not in renamed]
    return "".join(sorted(parts, key=lambda part: "\n+++ " not in part))


def _part(path: str, old: Mapping[str, str], text: str | None, origin: str | None) -> str:
    """What happens to one file."""
    before = old.get(path)
    if text is None:
        return "" if before is None else _deleted(path, before)
    if origin is not None:
        return _renamed(origin, path, old[origin], text)
    if before is None:
        body = _body("/dev/null", _name("b/", path), "", text)
        return f"{_header(path, path)}new file mode 100644\n{body}"
    body = _body(_name("a/", path), _name("b/", path), before, as_written(before, text))
    return f"{_header(path, path)}{body}" if before and body else body


def renames(old: Mapping[str, str], new: Mapping[str, str | None]) -> dict[str, str]:
    """Which new file is which deleted one under another name: {new path: old path}."""
    gone = {path: old[path] for path, text in new.items() if text is None and old.get(path)}
    made = {path: text for path, text in new.items() if text and path not in old}
    found, same = {}, {text: path for path, text in gone.items()}
    for path, text in sorted(made.items()):
        if text in same:
            found[path] = same.pop(text)
            del gone[found[path]]
    rest = {path: text for path, text in made.items() if path not in found}
    if len(rest) * len(gone) > _MOST_PAIRS:
        return found
    closest = sorted(
        ((likeness(gone[origin], text), path, origin) for path, text in rest.items() for origin in gone),
        key=lambda pair: (-pair[0], *pair[1:]),
    )
    for like, path, origin in closest:
        if like >= _LIKE and path not in found and origin not in found.values():
            found[path] = origin
    return found


def likeness(old: str, new: str) -> int:
    """How many lines two texts share, in percent of the longer one's."""
    one, other = Counter(_lines(old)), Counter(_lines(new))
    return 100 * (one & other).total() // max(one.total(), other.total(), 1)


def _renamed(origin: str, path: str, old: str, new: str) -> str:
    lead = f"similarity index {100 if new == old else min(99, likeness(old, new))}%\n"
    names = f"rename from {_name('', origin)}\nrename to {_name('', path)}\n"
    return f"{_header(origin, path)}{lead}{names}{_body(_name('a/', origin), _name('b/', path), old, new)}"


def _deleted(path: str, old: str) -> str:
    return f"{_header(path, path)}deleted file mode 100644\n{_body(_name('a/', path), '/dev/null', old, '')}"


def _header(old: str, new: str) -> str:
    return f"diff --git {_name('a/', old)} {_name('b/', new)}\n"


def _body(old_name: str, new_name: str, old: str, new: str) -> str:
    """The hunks under the names of the two sides; a name with a space ends with a tab, so that it can be found."""
    if old == new:
        return ""
    names = [f"{name}\t" if " " in name else name for name in (old_name, new_name)]
    return f"--- {names[0]}\n+++ {names[1]}\n{''.join(_ended(_hunks(_lines(old), _lines(new))))}"


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The difference in lines; one hunk from the first to the last of them where more would take too long."""
    if _effort(old, new) <= _MOST_EFFORT:
        return list(unified_diff(old, new))[2:]
    shared = min(len(old), len(new))
    head = next((at for at in range(shared) if old[at] != new[at]), shared)
    tail = next((at for at in range(shared - head) if old[-1 - at] != new[-1 - at]), shared - head)
    start, last = max(0, head - _CONTEXT), min(tail, _CONTEXT)
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    before, after = old[start:head], old[len(old) - tail : len(old) - tail + last]
    around = len(before) + len(after)
    return [
        f"@@ -{start + 1},{around + len(gone)} +{start + 1},{around + len(come)} @@\n",
        *(f" {line}" for line in before),
        *(f"-{line}" for line in gone),
        *(f"+{line}" for line in come),
        *(f" {line}" for line in after),
    ]


def _effort(old: Sequence[str], new: Sequence[str]) -> int:
    """How many pairs of equal lines there are to be looked at, lines that are everywhere left out."""
    counts, popular = Counter(new), len(new) // 100 + 1 if len(new) >= 200 else len(new)
    return sum(counts[line] for line in old if counts[line] <= popular)


def _ended(hunks: Sequence[str]) -> Iterator[str]:
    for line in hunks:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Lines as git has them: only a line feed ends one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _name(side: str, path: str) -> str:
    """A name as git writes it, quoted where it would be misread."""
    whole = f"{side}{path}"
    if not _NEEDS_QUOTES.search(whole):
        return whole
    return f'"{_NEEDS_QUOTES.sub(_quoted, whole)}"'


def _quoted(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if found[0] in {'"', "\\"} else f"\\{ord(found[0]):03o}"
