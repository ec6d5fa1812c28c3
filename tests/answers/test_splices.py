"""A lone definition in a language of braces takes the place of its namesake, or is refused; the rest stays."""

from __future__ import annotations

import pytest

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection

FILES = {
    "shop.js": """const fs = require("fs");

/** Adds. */
function add(a, b) {
  return a - b;
}

const twice = (n) => {
  return n * 3;
};

class Shop {
  constructor(items) {
    this.items = items;
  }

  total() {
    return 0;
  }
}

module.exports = { add, twice, Shop };
""",
    "shop.ts": """import { Item } from "./item";

export function add(a: number, b: number): number {
  return a - b;
}

export class Shop {
  private items: Item[] = [];

  total(): number {
    return 0;
  }

  size(): number {
    return this.items.length;
  }
}
""",
    "shop.go": """package shop

import "fmt"

// Add adds.
func Add(a, b int) int {
\treturn a - b
}

type Shop struct {
\titems []int
}

func (s *Shop) Total() int {
\treturn 0
}

func Show() { fmt.Println("x") }
""",
    "shop.rs": """use std::fmt;

/// Adds.
#[inline]
pub fn add(a: i32, b: i32) -> i32 {
    a - b
}

pub struct Shop {
    items: Vec<i32>,
}

impl Shop {
    pub fn total(&self) -> i32 {
        0
    }

    pub fn size(&self) -> usize {
        self.items.len()
    }
}
""",
    "Shop.java": """package shop;

import java.util.List;

public class Shop {
    private final List<Integer> items;

    public Shop(List<Integer> items) {
        this.items = items;
    }

    public int total() {
        return 0;
    }

    public int size() {
        return items.size();
    }
}
""",
}
"""A small module in each language, with a function, a class and something beside them."""

TAGS = {"js": "javascript", "ts": "typescript", "go": "go", "rs": "rust", "java": "java", "c": "c", "rb": "ruby"}


def taken(path: str, new: str, *, old: str = "", asked: str = "Make it right.") -> ChangeSet | Rejection:
    """What an answer with one block for this file comes to."""
    answer = f"```{TAGS.get(path.rpartition('.')[2], '')}\n{new}\n```"
    return extract(answer, workspace={path: old or FILES[path]}, asked=asked)


@pytest.mark.parametrize(
    ("path", "new", "swaps"),
    [
        ("shop.js", "function add(a, b) {\n  return a + b;\n}", {"a - b": "a + b"}),
        ("shop.js", "const twice = (n) => {\n  return n * 2;\n};", {"n * 3": "n * 2"}),
        ("shop.js", "  total() {\n    return 7;\n  }", {"return 0": "return 7"}),
        ("shop.js", "total() {\n  return 7;\n}", {"return 0": "return 7"}),
        ("shop.js", "/** Sums. */\nfunction add(a, b) {\n  return a + b;\n}", {"Adds": "Sums", "a - b": "a + b"}),
        (
            "shop.js",
            "function add(a, b) {\n  return a + b;\n}\n\nconst twice = (n) => {\n  return n * 2;\n};",
            {"a - b": "a + b", "n * 3": "n * 2"},
        ),
        (
            "shop.js",
            "function add(a, b) {\n  return a + b;\n}\n\nfunction more() {\n  return 1;\n}",
            {"a - b;\n}\n": "a + b;\n}\n\nfunction more() {\n  return 1;\n}\n"},
        ),
        ("shop.ts", "export function add(a: number, b: number): number {\n  return a + b;\n}", {"a - b": "a + b"}),
        ("shop.ts", "size(): number {\n  return 7;\n}", {"this.items.length": "7"}),
        ("shop.go", "func Add(a, b int) int {\n\treturn a + b\n}", {"a - b": "a + b"}),
        ("shop.go", "func (s *Shop) Total() int {\n\treturn len(s.items)\n}", {"return 0": "return len(s.items)"}),
        ("shop.rs", "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}", {"a - b": "a + b"}),
        (
            "shop.rs",
            "/// Sums.\n#[inline]\npub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}",
            {"Adds": "Sums", "a - b": "a + b"},
        ),
        ("shop.rs", "pub fn total(&self) -> i32 {\n    7\n}", {"        0": "        7"}),
        (
            "shop.rs",
            "impl Shop {\n    pub fn total(&self) -> i32 {\n        7\n    }\n}",
            {"        0": "        7"},
        ),
        ("Shop.java", "    public int total() {\n        return 7;\n    }", {"return 0": "return 7"}),
        ("Shop.java", "public int size() {\n    return 7;\n}", {"items.size()": "7"}),
    ],
)
def test_a_lone_definition_takes_the_place_of_the_old_one(path: str, new: str, swaps: dict[str, str]) -> None:
    """Functions, methods with or without their depth, several at once, with new ones behind; all else is as it was."""
    found = taken(path, new)

    expected = FILES[path]
    for old_words, new_words in swaps.items():
        expected = expected.replace(old_words, new_words)
    assert isinstance(found, ChangeSet), found.feedback
    assert found.files == {path: expected}
    assert "the rest of the file stayed" in found.notes[0]


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("shop.js", "function fresh() {\n  return 1;\n}"),
        ("shop.js", "class Shop {\n  total() {\n    return 1;\n  }\n}"),
        ("shop.js", "export function add(a, b) {\n  return a + b;\n}"),
        ("shop.ts", "function add(a: number, b: number): number {\n  return a + b;\n}"),
        ("shop.go", "func Fresh() int {\n\treturn 1\n}"),
        ("shop.go", "package shop\n\nfunc Add(a, b int) int {\n\treturn a + b\n}"),
        ("shop.rs", "pub fn fresh() -> i32 {\n    1\n}"),
        ("Shop.java", "public int fresh() {\n    return 1;\n}"),
        ("Shop.java", "public class Shop {\n    public int total() {\n        return 1;\n    }\n}"),
    ],
)
def test_what_has_no_place_of_its_own_is_refused_and_never_the_file(path: str, new: str) -> None:
    """New, with another visibility, or with less in it than it had: nothing tells what is meant."""
    found = taken(path, new)

    assert isinstance(found, Rejection)
    assert found.kind == "elided"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "a.ts",
            "declare function f(a: 1): 1;\ndeclare function f(a: 2): 2;\n",
            "function f(a: string) {\n  return 1;\n}",
        ),
        ("a.c", "#include <stdio.h>\n\nint f(void) {\n  return 1;\n}\n", "int f(void) {\n  return 2;\n}"),
        ("a.rb", 'require "set"\n\ndef f\n  1\nend\n', "def f\n  2\nend"),
    ],
)
def test_languages_that_are_only_outlined_lose_nothing_either(path: str, old: str, new: str) -> None:
    """Where no place can be told for certain, a lone definition does not become the file."""
    assert isinstance(taken(path, new, old=old), Rejection)


def test_a_whole_file_is_a_whole_file() -> None:
    """All of it, or what a task to rewrite it left, replaces the old one."""
    new = FILES["shop.js"].replace("a - b", "a + b")
    assert taken("shop.js", new.rstrip()) == ChangeSet(files={"shop.js": new})
    small = 'import fs from "fs";\n\nexport function f() {\n  return 1;\n}'
    old = 'const fs = require("fs");\n\nfunction f() {\n  return 1;\n}\n\nmodule.exports = { f };\n'
    found = taken("a.js", small, old=old, asked="Convert the file to ES modules.")
    assert isinstance(found, ChangeSet)
    assert found.files == {"a.js": small + "\n"}
