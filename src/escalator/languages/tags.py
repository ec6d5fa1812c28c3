"""What a fence's language tag, a file name or a text says about its language."""

from __future__ import annotations

import re
from typing import Final

_TAGS: Final = {
    "python": "py python py3 python3 python2 pyi pyw cython sage",
    "javascript": "js javascript jsx mjs cjs node ecmascript es6 javascriptreact",
    "typescript": "ts typescript mts cts",
    "tsx": "tsx typescriptreact",
    "go": "go golang",
    "rust": "rs rust",
    "java": "java",
    "c": "c h",
    "cpp": "cpp c++ cc cxx hpp hxx hh cplusplus ino arduino cuda cu",
    "csharp": "cs csharp c# c_sharp",
    "kotlin": "kt kotlin kts",
    "swift": "swift",
    "scala": "scala sc",
    "ruby": "rb ruby",
    "php": "php",
    "perl": "pl perl pm",
    "lua": "lua",
    "r": "r rscript",
    "julia": "jl julia",
    "haskell": "hs haskell",
    "elixir": "ex exs elixir",
    "erlang": "erl erlang",
    "clojure": "clj clojure cljs edn",
    "dart": "dart",
    "zig": "zig",
    "objc": "objc objective-c objectivec mm",
    "fsharp": "fs fsharp f#",
    "shell": "sh bash shell zsh ksh fish ash",
    "console": "console shell-session shellsession terminal sh-session bash-session",
    "powershell": "ps1 powershell pwsh psm1",
    "batch": "bat cmd batch dosbatch",
    "sql": "sql mysql postgresql postgres pgsql plpgsql sqlite tsql psql",
    "html": "html htm xhtml",
    "xml": "xml svg xsd xsl xslt plist rss",
    "vue": "vue",
    "svelte": "svelte",
    "astro": "astro",
    "template": "jinja jinja2 j2 django twig hbs handlebars mustache ejs erb liquid njk",
    "css": "css",
    "scss": "scss sass less",
    "json": "json jsonc json5 geojson ipynb webmanifest",
    "jsonl": "jsonl ndjson",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties dotenv env editorconfig",
    "markdown": "md markdown mdx mkd rmd",
    "rst": "rst restructuredtext",
    "latex": "tex latex",
    "text": "txt text plaintext plain none",
    "output": "output out log stdout stderr traceback",
    "csv": "csv tsv",
    "diff": "diff patch udiff",
    "dockerfile": "dockerfile docker containerfile",
    "makefile": "makefile make mk gnumake",
    "cmake": "cmake",
    "terraform": "tf terraform hcl tfvars",
    "graphql": "graphql gql",
    "proto": "proto protobuf proto3",
    "nix": "nix",
    "vim": "vim viml",
    "asm": "asm nasm s",
    "solidity": "sol solidity",
    "gradle": "gradle groovy",
    "mermaid": "mermaid",
}

_BY_TAG: Final = {tag: name for name, tags in _TAGS.items() for tag in tags.split()}

_USUAL: Final = (
    "python:py javascript:js typescript:ts rust:rs csharp:cs kotlin:kt ruby:rb perl:pl julia:jl haskell:hs "
    "elixir:ex erlang:erl clojure:clj objc:m fsharp:fs shell:sh console:sh powershell:ps1 batch:bat "
    "template:j2 markdown:md latex:tex text:txt output:txt makefile:mk terraform:tf solidity:sol"
)
_EXTENSIONS: Final = dict(pair.split(":") for pair in _USUAL.split())

_FILE_NAMES: Final = {
    "makefile": "makefile",
    "gnumakefile": "makefile",
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "justfile": "makefile",
    "cmakelists.txt": "cmake",
    "jenkinsfile": "gradle",
    "vagrantfile": "ruby",
    "gemfile": "ruby",
    "rakefile": "ruby",
    "procfile": "text",
    "license": "text",
    "readme": "text",
    "changelog": "text",
    "pipfile": "toml",
    "go.mod": "text",
    "build": "python",
    "codeowners": "text",
}

_KIN: Final = (
    frozenset({"javascript", "typescript", "tsx", "vue", "svelte", "astro"}),
    frozenset({"c", "cpp", "objc"}),
    frozenset({"html", "xml", "vue", "svelte", "astro", "template", "php", "markdown"}),
    frozenset({"css", "scss"}),
    frozenset({"json", "jsonl", "yaml", "javascript"}),
    frozenset({"shell", "console", "dockerfile", "makefile", "ini"}),
    frozenset({"ini", "toml"}),
    frozenset({"gradle", "kotlin", "java"}),
    frozenset({"markdown", "rst", "text"}),
    frozenset({"elixir", "erlang"}),
    frozenset({"csv", "text"}),
)

COMMANDS: Final = frozenset({"shell", "console", "powershell", "batch"})
"""Languages whose blocks are more often commands to type than files to save."""

PROSE: Final = frozenset({"markdown", "rst", "text", "latex", "csv", "output"})
"""Languages in which any text is valid."""

_GUESSES: Final = (
    ("python", r"^(?:async )?def \w+\(.*|^class \w+.*:$|^from [\w.]+ import |^import \w+(?:$|\.| as |, )|^@\w+"),
    ("rust", r"^(?:pub )?fn \w+.*\{|^use [\w:]+(?:::|;)|^impl\b.*\{|\blet mut\b"),
    ("go", r"^package \w+$|^func (?:\(\w+ [*\w]+\) )?\w+\("),
    ("java", r"^(?:public |final |abstract )+(?:class|interface|enum|record) \w+|^import java[x.]"),
    ("cpp", r"^#include <(?:iostream|vector|string|map|memory)>|^using namespace |^template ?<|std::"),
    ("c", r"^#include [<\"]|^int main\("),
    ("typescript", r"^(?:export )?interface \w+ ?\{|^(?:export )?type \w+ = |\): \w+(?:<.*>)? \{$|^import type "),
    (
        "javascript",
        r"^(?:export )?(?:default )?(?:async )?function\b|^(?:export )?const \w+ = |=> [{(]|^import .* from ",
    ),
    ("html", r"^<!doctype html|^<html\b|^<(?:div|head|body|section|template)\b"),
    ("xml", r"^<\?xml "),
    ("php", r"^<\?php"),
    ("sql", r"^(?:SELECT|CREATE (?:TABLE|INDEX|VIEW)|INSERT INTO|UPDATE|ALTER TABLE|DELETE FROM|WITH \w+ AS)\b"),
    ("shell", r"^#!.*\b(?:ba|z|k)?sh\b|^set -e"),
    ("json", r"\A\s*[{\[]\s*(?:\"|\{|\[|\}|\])"),
    ("css", r"^[.#]?[\w-]+(?:[ ,.>:]+[\w-]+)* \{$"),
    ("markdown", r"\A#{1,3} \S"),
    ("yaml", r"\A(?:---\n)?[\w-]+:(?: \S.*)?$"),
)


def language_of_tag(tag: str) -> str | None:
    """The language a fence's tag names, None for an unknown tag."""
    folded = tag.casefold().strip(".{}")
    return _BY_TAG.get(folded) or _BY_TAG.get(re.sub(r"[\d.]+$", "", folded))


def language_of_path(path: str) -> str | None:
    """The language a file name stands for, None if it does not tell."""
    name = path.rsplit("/", 1)[-1].casefold()
    if name in _FILE_NAMES:
        return _FILE_NAMES[name]
    if name.startswith(("dockerfile.", "makefile.")):
        return name.split(".", 1)[0]
    return _BY_TAG.get(name.rsplit(".", 1)[-1]) if "." in name else None


def extension_of(language: str | None) -> str:
    """The usual extension of a language, without the dot; "txt" for none."""
    return _EXTENSIONS.get(language or "text", language or "txt")


def known_extension(extension: str) -> bool:
    """Whether files commonly have this extension."""
    folded = extension.casefold()
    return folded in _BY_TAG or folded in {
        "lock",
        "example",
        "sample",
        "template",
        "m",
        "gitignore",
        "j",
        "mod",
        "sum",
    }


def known_name(name: str) -> bool:
    """Whether files without an extension commonly have this name."""
    return name.casefold() in _FILE_NAMES


def compatible(first: str | None, second: str | None) -> bool:
    """Whether text said to be in one language may well be a file of the other."""
    if first is None or second is None or first == second or "text" in {first, second}:
        return True
    return any(first in kin and second in kin for kin in _KIN)


def guess_language(text: str) -> str | None:
    """The language a text looks like from its first 4,000 characters, None if nothing stands out."""
    sample = text[:4000]
    scores = [(len(re.findall(pattern, sample, re.MULTILINE)), name) for name, pattern in _GUESSES]
    best = max(scores, key=lambda score: score[0])
    return best[1] if best[0] else None
