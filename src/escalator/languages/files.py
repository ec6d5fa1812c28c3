"""Which language a file is written in, and how far its grammar can be trusted to judge it.

Trust was measured on valid files of well-known projects: "strict" means under 1 % of them were flagged, so an
error fails the answer; "delta" means more were, mostly because of macros and of syntax newer than the grammar,
so only what the answer newly broke counts; "off" means the grammar flags so much that it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

Trust: TypeAlias = Literal["strict", "delta", "off"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """A language by its common name, its reader and how far an error it reports can be believed.

    `reader` is "python", "json", "jsonc", "jsonl", "toml", "yaml" or "markdown" for those read by code of their
    own, else "tree-sitter", with `module` and `entry` naming the grammar's package and its function.
    `conditional`: lines starting with "#if" may hide brackets from a reader that takes both branches.
    """

    name: str
    reader: str = "tree-sitter"
    trust: Trust = "strict"
    module: str = ""
    entry: str = "language"
    extra: bool = False
    conditional: bool = False


def _grammar(
    name: str, trust: Trust, package: str = "", entry: str = "language", *, extra: bool = False
) -> Language:
    module = "tree_sitter_" + (package or name)
    conditional = name in {"c", "cpp", "csharp"}
    return Language(name=name, trust=trust, module=module, entry=entry, extra=extra, conditional=conditional)


LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language(name="python", reader="python"),
        Language(name="json", reader="json"),
        Language(name="jsonc", reader="jsonc"),
        Language(name="jsonl", reader="jsonl"),
        Language(name="toml", reader="toml"),
        Language(name="yaml", reader="yaml"),
        Language(name="markdown", reader="markdown"),
        _grammar("javascript", "strict"),
        _grammar("typescript", "strict", entry="language_typescript"),
        _grammar("tsx", "strict", "typescript", "language_tsx"),
        _grammar("declaration", "delta", "typescript", "language_typescript"),
        _grammar("go", "strict"),
        _grammar("rust", "strict"),
        _grammar("java", "strict"),
        _grammar("ruby", "strict"),
        _grammar("php", "strict", entry="language_php"),
        _grammar("c", "delta"),
        _grammar("cpp", "delta"),
        _grammar("csharp", "delta", "c_sharp"),
        _grammar("bash", "delta"),
        _grammar("css", "delta"),
        _grammar("kotlin", "delta", extra=True),
        _grammar("swift", "strict", extra=True),
        _grammar("scala", "strict", extra=True),
        _grammar("lua", "strict", extra=True),
        _grammar("haskell", "delta", extra=True),
        _grammar("zig", "delta", extra=True),
        _grammar("html", "off"),
        _grammar("sql", "off", extra=True),
    )
}
"""Every language that can be judged, by name."""

_SUFFIXES = {
    "python": ".py .pyi .pyw",
    "json": ".json .geojson .webmanifest .ipynb .har .avsc",
    "jsonc": ".jsonc .code-workspace",
    "jsonl": ".jsonl .ndjson",
    "toml": ".toml",
    "markdown": ".md .markdown",
    "yaml": ".yaml .yml",
    "javascript": ".js .mjs .cjs .jsx",
    "typescript": ".ts .mts .cts",
    "tsx": ".tsx",
    "go": ".go",
    "rust": ".rs",
    "java": ".java",
    "ruby": ".rb .rake .gemspec",
    "php": ".php",
    "c": ".c .h",
    "cpp": ".cpp .cc .cxx .c++ .hpp .hh .hxx .ipp",
    "csharp": ".cs",
    "bash": ".sh .bash",
    "css": ".css",
    "kotlin": ".kt .kts",
    "swift": ".swift",
    "scala": ".scala .sbt",
    "lua": ".lua",
    "haskell": ".hs",
    "zig": ".zig",
    "html": ".html .htm",
    "sql": ".sql",
}
_BY_SUFFIX = {suffix: name for name, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_FILE = {
    "Pipfile": "toml",
    "Cargo.lock": "toml",
    "poetry.lock": "toml",
    "uv.lock": "toml",
    "Gemfile": "ruby",
    "Rakefile": "ruby",
    ".babelrc": "jsonc",
    ".eslintrc": "jsonc",
    "tsconfig.json": "jsonc",
    "jsconfig.json": "jsonc",
    "devcontainer.json": "jsonc",
    ".eslintrc.json": "jsonc",
}
_ALIASES = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "node": "javascript",
    "jsx": "javascript",
    "ts": "typescript",
    "golang": "go",
    "rs": "rust",
    "rb": "ruby",
    "c++": "cpp",
    "cxx": "cpp",
    "c#": "csharp",
    "cs": "csharp",
    "c_sharp": "csharp",
    "c-sharp": "csharp",
    "sh": "bash",
    "shell": "bash",
    "dash": "bash",
    "yml": "yaml",
    "kt": "kotlin",
    "hs": "haskell",
}


def named(name: str) -> Language | None:
    """The language of this name or common alias ("C++", "golang", "sh"), or None."""
    key = name.strip().lower()
    return LANGUAGES.get(_ALIASES.get(key, key))


def language_of(path: str, text: str = "", declared: str | None = None) -> Language | None:
    """The language of a file: by its name, else its first line, else what the task declared; None if unknown.

    A suffix that belongs to no language here (".txt", ".rst") is unknown, whatever the task declared.
    """
    pure = PurePosixPath(path)
    name = pure.name
    if name in _BY_FILE:
        return LANGUAGES[_BY_FILE[name]]
    if name.startswith("tsconfig.") or (pure.suffix == ".json" and ".vscode" in pure.parts):
        return LANGUAGES["jsonc"]
    if name.lower().endswith((".d.ts", ".d.mts", ".d.cts")):
        return LANGUAGES["declaration"]
    if pure.suffix:
        return LANGUAGES.get(_BY_SUFFIX.get(pure.suffix.lower(), ""))
    return _by_shebang(text) or (named(declared) if declared else None)


def _by_shebang(text: str) -> Language | None:
    if not text.startswith("#!"):
        return None
    words = text[2:200].partition("\n")[0].replace("/", " ").split()
    programs = [word for word in words if not word.startswith("-") and "=" not in word]
    return next((found for word in reversed(programs) if (found := named(word.rstrip("0123456789.")))), None)
