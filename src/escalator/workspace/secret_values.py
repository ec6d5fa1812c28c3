"""The secrets a project holds, as exact texts, so that they can be kept out of what another model is told.

Values come from the files that stay back, from settings files that do not, and from the environment. All of it is
bounded: a project with more than the bounds is only searched so far.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from escalator.workspace.withheld import CACHES, HEAD, TOKEN, Kind, kind_of, stays_back

MOST_ENTRIES: Final = 20_000
"""Files and folders looked at."""

MOST_READ: Final = 200
"""Files read, `HEAD` bytes of each."""

MOST_BYTES: Final = 1_000_000

MOST_VALUES: Final = 500
SHORTEST: Final = 8
LONGEST: Final = 4_096

_SETTINGS = re.compile(
    r"config|setting|conf\b|secret|credential|environ|constants|local|prod|database", re.IGNORECASE
)
_SETTINGS_ENDS = (
    ".py",
    ".js",
    ".ts",
    ".rb",
    ".php",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".ini",
    ".cfg",
    ".conf",
    ".properties",
)
_PLAIN_ENDS = (".ini", ".cfg", ".conf", ".properties", ".yaml", ".yml")
_SECRET_VARIABLE = re.compile(
    r"(?:_KEY|_TOKEN|_SECRET|_PAT|_CREDENTIALS?|PASSWORD|PASSWD|PASSPHRASE)$", re.IGNORECASE
)
# Every pattern runs over text that nobody has read before: none goes back more than a bounded way.
_ASSIGNED = re.compile(
    r"""(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|(?:api|access|secret|private|auth|signing|encryption)"""
    r"""[_.-]?key)s?(?![\w.-])["']?[ \t]*+(?::=|=>|[:=])[ \t]*+"""
    r"""(?:"(?P<double>(?:[^"\\\n]|\\.){1,4096}+)"|'(?P<single>(?:[^'\\\n]|\\.){1,4096}+)'"""
    r"""|(?P<bare>[^\s"'#;,{}\[\]()]{1,4096}+))""",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*+://[^\s/:@]{0,200}+:([^\s/@]{4,200}+)@")
_LETTER, _SIGN = re.compile(r"[^\W\d_]"), re.compile(r"[\d!@#$%^&*+~?]")
_ORDINARY = re.compile(
    r"[A-Za-z_]\w*(?:\.\w+)+"  # a dotted name
    r"|[\d.:TZ+-]+"  # a number, a version, an address, a time
    r"|\.{0,2}/[\w./-]*"  # a path
    r"|[a-z][a-z0-9+.-]*://[^@]*"  # an address without a password
    r"|\$.*|<.*>|\{\{.*|%.*%"  # filled in elsewhere
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holdings:
    """What was found: `withheld` are paths that stay out of a sandbox, `values` are secrets, longest first."""

    withheld: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


def secret_values(root: Path | None, environ: Mapping[str, str]) -> Holdings:
    """Look through a project, None for none, and through the variables with the names of keys."""
    values: dict[str, None] = {}
    withheld: list[str] = []
    for name, value in environ.items():
        if _SECRET_VARIABLE.search(name) and not _ORDINARY.fullmatch(value):
            values.setdefault(value)
    if root is not None:
        for path, found in _search(root):
            if found is not None:
                values.update(dict.fromkeys(found))
            else:
                withheld.append(path)
    fitting = [value for value in values if SHORTEST <= len(value) <= LONGEST][:MOST_VALUES]
    return Holdings(withheld=tuple(withheld), values=tuple(sorted(fitting, key=len, reverse=True)))


def _search(root: Path) -> Iterator[tuple[str, list[str] | None]]:
    """(path, None) for what stays back, (path, values) for what was read."""
    read = size = 0
    for path, kind in _entries(root):
        name = path.rpartition("/")[2]
        if kind == "tool":
            yield path, None
        if kind == "tool" or read >= MOST_READ or size >= MOST_BYTES or not (kind or _is_settings(name)):
            continue
        head = _head(root / path)
        read, size = read + 1, size + len(head)
        back, text = stays_back(name, head), head.decode("utf-8", "replace")
        if back:
            yield path, None
        yield path, list(_all_in(text) if back else _named_in(text, name))


def _entries(root: Path) -> Iterator[tuple[str, Kind | None]]:
    """Every file, and every folder of a tool as one, with its kind by name."""
    looked, pending = 0, [""]
    while pending and looked < MOST_ENTRIES:
        inner = pending.pop()
        for entry in _listed(root / inner):
            looked += 1
            name = f"{inner}/{entry.name}" if inner else entry.name
            if entry.is_symlink() or entry.name in CACHES:
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            kind = kind_of(entry.name, folder=is_folder, top=not inner)
            if is_folder and kind != "tool":
                pending.append(name)
            elif is_folder or entry.is_file(follow_symlinks=False):
                yield name, kind


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _head(place: Path) -> bytes:
    try:
        with place.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _is_settings(name: str) -> bool:
    low = name.lower()
    return low.endswith(_SETTINGS_ENDS) and _SETTINGS.search(low) is not None


def _all_in(text: str) -> Iterator[str]:
    """What may be secret in a file that stays back: values of telling names, and words that look like keys."""
    yield from _named_in(text, ".ini")
    for word in re.split(r"""[\s"',;=]+""", text):
        for part in (word, word.rpartition(":")[2]):
            if looks_secret(part):
                yield part


def _named_in(text: str, name: str) -> Iterator[str]:
    """Values of telling names, passwords in addresses, and well-known tokens."""
    yield from TOKEN.findall(text)
    yield from _USER_INFO.findall(text)
    plain = name.lower().endswith(_PLAIN_ENDS)
    for found in _ASSIGNED.finditer(text):
        value = found["double"] or found["single"] or (found["bare"] if plain else "")
        if value and _could_be(value):
            yield value


def _could_be(value: str) -> bool:
    """Whether the value of a telling name is one: nothing to be filled in, no sentence, no plain word."""
    if len(value) < SHORTEST or any(char.isspace() for char in value) or _ORDINARY.fullmatch(value):
        return False
    return len(value) >= 16 or not value.replace("_", "").replace("-", "").isalpha()


def looks_secret(word: str) -> bool:
    """Whether a word looks like a key or a password: letters with digits or signs, and no ordinary form."""
    if not SHORTEST <= len(word) <= LONGEST or _ORDINARY.fullmatch(word):
        return False
    return _LETTER.search(word) is not None and _SIGN.search(word) is not None
