"""One table says what a language is called, what its files are called and who reads it."""

from __future__ import annotations

from collections import Counter

import pytest

from escalator.languages.files import language_of
from escalator.languages.parsing import parses
from escalator.languages.table import EVERY_LANGUAGE, LANGUAGES, Language, named
from escalator.languages.tags import COMMANDS, compatible, extension_of, language_of_path, language_of_tag
from escalator.validators import build
from escalator.validators.syntax.readers import READERS


def words(row: Language) -> set[str]:
    """Everything a fence may say for a language."""
    return {row.name, *row.aliases, *row.tags, *(suffix.removeprefix(".") for suffix in row.suffixes)}


def test_no_word_stands_for_two_languages() -> None:
    """A tag, an alias, a suffix or the name of a file leads to one row, else the later row would win in silence."""
    said = Counter(word for row in EVERY_LANGUAGE for word in words(row))
    files = Counter(file.lower() for row in EVERY_LANGUAGE for file in (*row.files, *row.like_files))
    assert [word for word, count in (*said.items(), *files.items()) if count > 1] == []


@pytest.mark.parametrize("spelling", ["bash", "shell", "sh", "Shell", "dash"])
def test_every_spelling_of_the_shell_is_one_language(spelling: str) -> None:
    """Fence, file, task and validator mean the same language, whichever of its names they use."""
    assert language_of_tag(spelling) == language_of_path("run.sh") == "bash"
    found = named(spelling)
    assert found is language_of("run.sh") is language_of("run", "#!/usr/bin/env bash\n") is LANGUAGES["bash"]
    assert found is language_of("run", declared=spelling)
    assert parses(spelling, "if true; then echo hi; fi\n") is True
    assert parses(spelling, "if true; then\n") is False
    assert build_syntax(spelling) == frozenset({"bash"})


def build_syntax(language: str) -> object:
    """The languages that the syntax validator was told to judge, by one name."""
    from escalator.records import ValidatorSpec

    validator = build(ValidatorSpec(name="syntax", options={"languages": [language]}))
    return getattr(validator, "languages", None)


@pytest.mark.parametrize("tag", ["zsh", "ksh", "fish"])
def test_a_relative_is_taken_for_a_language_in_a_fence_and_never_judged_as_one(tag: str) -> None:
    """A zsh block may well be the script that was asked for; a zsh file is not read by the grammar of bash."""
    assert language_of_tag(tag) == "bash"
    assert named(tag) is None
    assert language_of("run", f"#!/bin/{tag}\n") is None
    assert language_of(f"run.{tag}") is None


def test_a_dialect_has_a_reader_of_its_own_and_the_family_of_its_fences() -> None:
    """JSON with comments is read as such, and a fence of JSON may be its file."""
    for path in ("tsconfig.json", "a.jsonc"):
        judged = language_of(path)
        assert judged is not None
        assert (judged.name, language_of_path(path)) == ("jsonc", "json")
    declared = language_of("api.d.ts")
    assert declared is not None
    assert (declared.name, declared.family, language_of_path("api.d.ts")) == ("declaration", *["typescript"] * 2)


def test_what_only_looks_like_a_language_is_not_judged() -> None:
    """A Bazel file is shown as Python and never compiled; prose and unknown languages have no reader."""
    assert language_of_path("src/BUILD") == "python"
    assert language_of("src/BUILD") is None
    for path in ("notes.txt", "main.pl", "page.vue", "README"):
        assert language_of(path) is None
    with pytest.raises(Exception, match="perl"):
        build_syntax("perl")


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_judged_language_has_a_reader_that_exists(name: str) -> None:
    """A row that promises a reader names one of ours, Python's compiler, or a grammar with its entry."""
    row = LANGUAGES[name]
    assert row.reader in {*READERS, "python"} or (row.reader, bool(row.module)) == ("tree-sitter", True)
    assert named(name) is row
    assert all(language_of(f"x{suffix}") is row for suffix in row.suffixes)


@pytest.mark.parametrize("row", EVERY_LANGUAGE, ids=lambda row: row.name)
def test_a_new_file_of_a_language_is_of_that_language(row: Language) -> None:
    """The usual extension of a language leads back to it, or to one that its blocks may be."""
    assert compatible(language_of_tag(extension_of(row.name)) or row.family, row.family)
    assert language_of_tag(row.name) == row.family


def test_a_grammar_that_flags_valid_files_settles_nothing() -> None:
    """What the grammar of HTML does not accept says nothing of an answer; a language without one neither."""
    assert parses("html", "<p>a < b</p>") is None
    assert parses("perl", "sub {") is None
    assert parses("python", "x = (") is False
    assert "bash" in COMMANDS
