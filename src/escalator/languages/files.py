"""Which language a file is written in, for those who judge it."""

from __future__ import annotations

from escalator.languages.table import LANGUAGES, Language, named

_BY_SUFFIX = {suffix: language for language in LANGUAGES.values() for suffix in language.suffixes}
_BY_FILE = {file: language for language in LANGUAGES.values() for file in language.files}


def language_of(path: str, text: str = "", declared: str | None = None) -> Language | None:
    """The language of a file: by its name, else its first line, else what the task declared; None if unknown.

    A suffix that belongs to no language here (".txt", ".rst") is unknown, whatever the task declared.
    """
    folders, _, name = path.rpartition("/")
    if name in _BY_FILE:
        return _BY_FILE[name]
    stem, dot, ending = name.rpartition(".")
    suffix = f".{ending}" if dot and stem.strip(".") and ending else ""
    if name.startswith("tsconfig.") or (suffix == ".json" and ".vscode" in folders.split("/")):
        return LANGUAGES["jsonc"]
    if name.lower().endswith((".d.ts", ".d.mts", ".d.cts")):
        return LANGUAGES["declaration"]
    if suffix:
        return _BY_SUFFIX.get(suffix.lower())
    return _by_shebang(text) or (named(declared) if declared else None)


def _by_shebang(text: str) -> Language | None:
    if not text.startswith("#!"):
        return None
    words = text[2:200].partition("\n")[0].replace("/", " ").split()
    programs = [word for word in words if not word.startswith("-") and "=" not in word]
    return next((found for word in reversed(programs) if (found := named(word.rstrip("0123456789.")))), None)
