"""A corpus of shapes in which models answer with one file: whatever the shape, no line of the file is lost.

Every text here is made up. Each shape wraps the same intended file; it is read as exactly that file, or refused.
"""

import json
from collections.abc import Callable
from difflib import unified_diff

import pytest

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection

T = "```"
OLD = '''"""Prices of a small shop."""

import re
from decimal import Decimal

RATE = Decimal("0.19")


def parse(text):
    match = re.match(r"(\\d+)", text)
    return Decimal(match[1])


class Basket:
    """What somebody buys."""

    def __init__(self):
        self.items = []

    def add(self, name, price):
        self.items.append((name, price))

    def total(self):
        return sum(price for _, price in self.items)


def gross(net):
    return net * RATE


if __name__ == "__main__":
    print(gross(parse("3")))
'''
EDITS = (
    ('    match = re.match(r"(\\d+)", text)\n', '    match = re.match(r"(\\d+(?:\\.\\d+)?)", text)\n'),
    ("    return net * RATE\n", "    return net * (1 + RATE)\n"),
)
NEW = OLD
for _search, _replace in EDITS:
    NEW = NEW.replace(_search, _replace)
PARSE = NEW[NEW.index("def parse") : NEW.index("\n\nclass Basket")]
GROSS = NEW[NEW.index("def gross") : NEW.index("\n\nif __name__")]


def block(body: str, info: str = "python", fence: str = T) -> str:
    return f"{fence}{info}\n{body}{fence}\n"


def pairs(start: str = "<<<<<<< SEARCH", middle: str = "=======", end: str = ">>>>>>> REPLACE") -> str:
    return "".join(f"{start}\n{search}{middle}\n{replace}{end}\n\n" for search, replace in EDITS)


def quoted(text: str) -> str:
    return "".join(f"> {line}\n" if line else ">\n" for line in text.rstrip("\n").split("\n"))


def indented(text: str, pad: str) -> str:
    return "".join(f"{pad}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))


def numbered(form: str, text: str = NEW, first: int = 1) -> str:
    return "".join(f"{form.format(first + n, line)}\n" for n, line in enumerate(text.rstrip("\n").split("\n")))


DIFF = """\
--- a/shop.py
+++ b/shop.py
@@ -8,5 +8,5 @@ RATE = Decimal("0.19")

 def parse(text):
-    match = re.match(r"(\\d+)", text)
+    match = re.match(r"(\\d+(?:\\.\\d+)?)", text)
     return Decimal(match[1])

@@ -26,3 +26,3 @@ class Basket:

 def gross(net):
-    return net * RATE
+    return net * (1 + RATE)

"""
HUNKS = "\n".join(DIFF.split("\n")[2:])
PATCH = """\
*** Begin Patch
*** Update File: shop.py
@@ def parse(text):
-    match = re.match(r"(\\d+)", text)
+    match = re.match(r"(\\d+(?:\\.\\d+)?)", text)
     return Decimal(match[1])
@@ def gross(net):
-    return net * RATE
+    return net * (1 + RATE)
*** End Patch
"""
LISTED = [{"path": "shop.py", "search": search, "replace": replace} for search, replace in EDITS]

READ: dict[str, str] = {
    "a tagged fence": block(NEW),
    "a fence without a tag": block(NEW, ""),
    "tildes": block(NEW, fence="~~~"),
    "a longer fence": block(NEW, fence="`````"),
    "a path behind the tag": block(NEW, "python shop.py"),
    "a path joined by a colon": block(NEW, "python:shop.py"),
    "a title attribute": block(NEW, 'py title="shop.py"'),
    "only a path behind the fence": block(NEW, "./shop.py"),
    "a heading with the path": "### 1. `shop.py` (updated)\n\n" + block(NEW),
    "a bold path": f"**shop.py**\n{block(NEW)}",
    "a comment with the path": block("# shop.py\n" + NEW),
    "prose on both sides": f"Sure, here is it:\n\n{block(NEW)}\nThe rate is added now, not multiplied.",
    "no fence at all": NEW,
    "no fence, with prose": f"Here is the whole file, corrected:\n\n{NEW}\nBoth functions are right now.\n",
    "no fence, under its path": f"shop.py\n\n{NEW}",
    "no fence, with a list below": f"Corrected:\n\n{NEW}\nWhat changed:\n\n- `gross` adds the rate.\n- `parse` reads cents.\n",
    "a fence that was never closed": f"{T}python\n{NEW}",
    "an end behind the last line": f"{T}python\n{NEW.rstrip()}{T}\n\nThat is all.",
    "an opening behind prose": f"The file: {T}python\n{NEW}{T}\n",
    "a quotation": quoted(block(NEW)),
    "an item of a list": "1. Replace the file:\n\n" + indented(block(NEW), "   ") + "\n2. Run it.\n",
    "carriage returns": block(NEW).replace("\n", "\r\n"),
    "colours of a terminal": f"\x1b[1m{block(NEW)}\x1b[0m",
    "a stop token": f"{block(NEW).rstrip()}<|im_end|>",
    "a byte-order mark": "\ufeff" + block(NEW),
    "thoughts before it": f"<think>\nMaybe:\n{block('x = 1')}\n</think>\n{block(NEW)}",
    "the end of thoughts alone": f"The rate must be added.\n</think>\n\n{block(NEW)}",
    "thoughts in brackets": f"[THINK]hm[/THINK]\n{block(NEW)}",
    "channels": f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{block(NEW)}",
    "channels without their tokens": f"analysisWe need to add the rate.assistantfinal{block(NEW)}",
    "channels with a draft in them": f"analysisFirst I try:\n{block('x = 1', 'python shop.py')}\nassistantfinal{block(NEW)}",
    "a final channel alone": f"assistantfinal{block(NEW)}",
    "a draft, then the file": f"First try:\n{block(OLD)}\nFinal version:\n{block(NEW)}",
    "an excerpt, then the file": f"The fault:\n{block(EDITS[1][0])}\nThe file:\n{block(NEW)}",
    "a usage example": f"{block(NEW)}\nUsage:\n\n" + block("from shop import gross\nprint(gross(1))\n"),
    "commands before it": block("pip install pytest\n", "bash") + "\n" + block(NEW),
    "output after it": f"{block(NEW)}\nOutput:\n\n{block('3.57', '')}",
    "tests after it": f"{block(NEW)}\n"
    + block("from shop import gross\n\n\ndef test_gross():\n    assert gross(0) == 0\n"),
    "edits": f"shop.py\n{block(pairs(), '')}",
    "edits without a fence": f"shop.py\n{pairs()}",
    "edits, the path inside": block(f"shop.py\n{pairs()}"),
    "edits with dashes": f"shop.py\n{block(pairs('------- SEARCH', '=======', '+++++++ REPLACE'), '')}",
    "edits with short marks": f"shop.py\n{block(pairs('<<<< SEARCH', '====', '>>>> REPLACE'), '')}",
    "edits with long marks": f"shop.py\n{pairs('<<<<<<<<<<<< SEARCH', '============', '>>>>>>>>>>>> REPLACE')}",
    "edits called original and updated": f"shop.py\n{pairs('<<<<<<< ORIGINAL', '=======', '>>>>>>> UPDATED')}",
    "edits that say their line": "shop.py\n" + pairs("<<<<<<< SEARCH\n:start_line:1\n-------"),
    "edits in other indentation": "shop.py\n" + pairs().replace("    ", "  "),
    "edits in tabs": "shop.py\n" + pairs().replace("    ", "\t"),
    "a diff": block(DIFF, "diff"),
    "a diff without a fence": DIFF,
    "a diff without headers": f"shop.py\n{block(HUNKS, 'diff')}",
    "a diff of git": block(f"diff --git a/shop.py b/shop.py\nindex 1..2 100644\n{DIFF}", "diff"),
    "a diff with wrong numbers": block(DIFF.replace("-8,5", "-80,9").replace("-26,3", "-1,1"), "diff"),
    "a diff without numbers": block(DIFF.replace("-8,5 +8,5 @@", "").replace("-26,3 +26,3 @@", ""), "diff"),
    "a patch": PATCH,
    "a patch in a fence": block(PATCH, ""),
    "a patch for a program": block(f"apply_patch <<'EOF'\n{PATCH}EOF\n", "bash"),
    "a patch for a program without a fence": f"apply_patch <<'PATCH'\n{PATCH}PATCH\n",
    "a patch in JSON": json.dumps({"command": ["apply_patch", PATCH]}),
    "a here-document": block(f"cat > shop.py <<'EOF'\n{NEW}EOF\n", "bash"),
    "a here-document, and a run": block(f"cat <<'END' > shop.py\n{NEW}END\npython shop.py\n", "sh"),
    "JSON with files": json.dumps({"files": [{"path": "shop.py", "content": NEW}]}),
    "JSON with edits": json.dumps({"edits": LISTED}),
    "JSON by paths": json.dumps({"shop.py": NEW}),
    "JSON by paths, with words": json.dumps({"explanation": "The rate is added.", "shop.py": NEW}),
    "JSON with code": json.dumps({"explanation": "The rate is added.", "code": NEW}),
    "JSON with fenced code": json.dumps({"reasoning": "Added.", "code": block(NEW)}),
    "JSON in a fence": block(json.dumps({"files": {"shop.py": NEW}}) + "\n", "json"),
    "JSON as a call": json.dumps({"name": "write_file", "arguments": {"path": "shop.py", "content": NEW}}),
    "calls between tags": f"<tool_call>\n{json.dumps({'name': 'w', 'arguments': {'path': 'shop.py', 'content': NEW}})}\n</tool_call>",
    "an element": f'<file path="shop.py">\n{NEW}</file>\n',
    "an element among others": f'Here:\n<files>\n<file path="shop.py">\n{NEW}</file>\n</files>\nDone.',
    "an element around a fence": f'<file name="shop.py">\n{block(NEW)}</file>',
    "an element inside a fence": block(f'<file path="shop.py">\n{NEW}</file>\n', "xml"),
    "an element with escapes": f'<file path="shop.py">\n{NEW.replace(chr(34), "&quot;")}</file>\n',
    "CDATA": f"<answer><file><path>shop.py</path><content><![CDATA[\n{NEW}]]></content></file></answer>",
    "a tool that writes": f"<write_to_file>\n<path>shop.py</path>\n<content>\n{NEW}</content>\n<line_count>33</line_count>\n</write_to_file>",
    "a tool that replaces": f"<replace_in_file>\n<path>shop.py</path>\n<diff>\n{pairs('------- SEARCH', '=======', '+++++++ REPLACE')}</diff>\n</replace_in_file>",
    "a tool with parameters": f'<invoke name="create"><parameter name="path">shop.py</parameter><parameter name="content">{NEW}</parameter></invoke>',
    "elements with old and new": "".join(
        f"<edit path='shop.py'>\n<old_string>\n{search}</old_string>\n<new_string>\n{replace}</new_string>\n</edit>\n"
        for search, replace in EDITS
    ),
    "numbers and colons": block(numbered("{}: {}")),
    "numbers and bars": block(numbered("{:>4} | {}")),
    "numbers and tabs": block(numbered("{:>6}\t{}")),
    "numbers and arrows": block(numbered("{:>5}\u2192{}")),
    "numbers without a fence": numbered("{}: {}"),
    "edits with numbers": "shop.py\n"
    + "".join(
        f"<<<<<<< SEARCH\n{numbered('{}: {}', s, 9)}=======\n{numbered('{}: {}', r, 9)}>>>>>>> REPLACE\n"
        for s, r in EDITS
    ),
    "two functions in one block": block(f"{PARSE}\n\n{GROSS}"),
    "two functions in two blocks": block(PARSE, "python shop.py") + "\nand\n\n" + block(GROSS, "python shop.py"),
}

REFUSED: dict[str, str] = {
    "two functions in two blocks without a name": f"{block(PARSE)}\nand\n\n{block(GROSS)}",
    "the last function is missing": block(NEW.replace(GROSS, "")),
    "the start of the program is missing": block(NEW[: NEW.index("if __name__")]),
    "a constant is missing": block(NEW.replace('RATE = Decimal("0.19")\n', "")),
    "a method is missing": block(
        NEW.replace("    def total(self):\n        return sum(price for _, price in self.items)\n", "")
    ),
    "the rest is left out": block(f"{PARSE}\n\n# ... rest of the file stays the same ...\n"),
    "the middle is left out": block(
        NEW.replace("        self.items.append((name, price))", "        # ... existing code ...")
    ),
    "cut in the middle": f"{T}python\n{NEW[:300]}",
    "some lines are numbered": block(numbered("{}: {}").replace("3: ", "").replace("7: ", "")),
    "a class without its other methods": block("class Basket:\n    def total(self):\n        return 0\n"),
    "an element without an end": f'<file path="shop.py">\n{NEW}',
    "an element that is cut": f"<write_to_file>\n<path>shop.py</path>\n<content>\n{NEW[:400]}",
    "JSON that is cut": json.dumps({"code": NEW})[:-40],
    "a bare file that is broken at its end": f"{NEW}\n\ndef more(:\n    pass\n",
    "a bare file in half an element": f"{NEW}\n</file>\n",
    "an edit that deletes a function": "shop.py\n<<<<<<< SEARCH\ndef gross(net):\n    return net * RATE\n=======\n>>>>>>> REPLACE\n",
    "a rename nobody asked for": block(
        NEW.replace("def gross", "def gross_price").replace("print(gross(", "print(gross_price(")
    ),
    "commands that edit": block("sed -i 's/net [*] RATE/net * (1 + RATE)/' shop.py\n", "bash"),
    "another language": block("function gross(net) {\n  return net;\n}\n", "javascript"),
    "nothing": "I looked at it and everything is right as it is.",
}


LINES = NEW.splitlines(keepends=True)
INDENTED = "".join(f"   {line}" if line.strip() else line for line in LINES)
DIFF = "".join(unified_diff(OLD.splitlines(keepends=True), LINES, "a/shop.py", "b/shop.py"))
HUNKS = DIFF.partition("@@")[1] + DIFF.partition("@@")[2]

READ |= {
    "French quotes around the path": f"\u00ab\u202fshop.py\u202f\u00bb :\n{block(NEW)}",
    "curly quotes around the path": f"Here\u2019s \u201cshop.py\u201d:\n\n{block(NEW)}",
    "a diff with the ends of lines of Windows": block(DIFF, "diff").replace("\n", "\r\n"),
    "a diff with times behind its paths": block(
        DIFF.replace("/shop.py\n", "/shop.py\t2024-01-01 10:00:00 +0000\n"), "diff"
    ),
    "a diff of git with its index": f"diff --git a/shop.py b/shop.py\nindex 1a2b3c..4d5e6f 100644\n{DIFF}",
    "hunks without a header": block(HUNKS, "diff"),
    "a fence in an item of a list": f"1. Replace it:\n\n   {T}python\n{INDENTED}   {T}\n\n2. Run it.\n",
    "two versions under one path": f"First:\n{block(OLD, 'python shop.py')}\nCorrected:\n{block(NEW, 'python shop.py')}",
    "CDATA behind its tag": f'<file path="shop.py"><![CDATA[\n{NEW}]]></file>',
    "a part that folds": f"<details>\n<summary>shop.py</summary>\n\n{block(NEW)}\n</details>\n",
    "attributes behind the language": block(NEW, 'python title="shop.py" showLineNumbers'),
    "attributes in braces": block(NEW, "{.python filename=shop.py}"),
    "a language in braces": block(NEW, "{python}"),
    "a list of JSON": json.dumps([{"path": "shop.py", "content": NEW}]),
    "a mark of byte order in the fence": block(f"\ufeff{NEW}"),
    "spaces that do not break": block(NEW.replace("    ", "\u00a0" * 4)),
    "a space before the language": block(NEW, " python"),
}
REFUSED |= {
    "a diff with a path of another machine": block(
        DIFF.replace("a/shop", "/elsewhere/a/shop").replace("b/shop", "/elsewhere/b/shop"), "diff"
    ),
    "JSON in single quotes": f"{{'files': {{'shop.py': {NEW!r}}}}}",
    "JSON with a comma too many": block('{"files": {"shop.py": ' + json.dumps(NEW) + ",}}\n", "json"),
    "a notebook": block(
        json.dumps({"cells": [{"cell_type": "code", "source": LINES}], "nbformat": 4}) + "\n", "json"
    ),
    "dots between definitions": block(NEW.replace("\n\ndef gross", "\n\n...\n\ndef gross")),
    "all lines added, to no file": block("".join(f"+{line}" for line in LINES), "diff"),
    "lines of a session": block("".join(f">>> {line}" for line in LINES)),
    "YAML that holds the file": block("shop.py: |\n" + "".join(f"  {line}" for line in LINES), "yaml"),
    "a page around the file": f'<pre><code class="language-python">\n{NEW}</code></pre>\n',
}


@pytest.mark.parametrize("shape", READ)
def test_the_file_arrives_whole(shape: str) -> None:
    """Read in any of these shapes the file has every line it was meant to have, and no other."""
    found = extract(READ[shape], workspace={"shop.py": OLD}, asked="Add the rate, and read cents.")

    assert isinstance(found, ChangeSet), found
    wanted = "# shop.py\n" + NEW if shape == "a comment with the path" else NEW
    assert dict(found.files) == {"shop.py": wanted}


@pytest.mark.parametrize("shape", REFUSED)
def test_what_is_not_the_whole_file_is_refused(shape: str) -> None:
    """What would cost the file a part of itself is told to the model instead."""
    found = extract(REFUSED[shape], workspace={"shop.py": OLD}, asked="Add the rate, and read cents.")

    assert isinstance(found, Rejection), found
    assert found.feedback


CUTS: list[Callable[[str], str]] = [
    lambda text: text[: len(text) // 2],
    lambda text: text[len(text) // 3 :],
    lambda text: text + text,
    lambda text: text.replace("\n", "\n\n"),
    lambda text: text.replace("```", "~~~", 1),
    lambda text: text.upper(),
    lambda text: text[::-1],
    lambda text: text.replace("    ", ""),
]


@pytest.mark.parametrize("shape", [*READ, *REFUSED])
def test_a_damaged_shape_is_read_or_refused(shape: str) -> None:
    """Cut, doubled or garbled, no shape raises, and none makes the file lose a definition."""
    for damage in CUTS:
        text = damage({**READ, **REFUSED}[shape])
        found = extract(text, workspace={"shop.py": OLD}, asked="Add the rate, and read cents.")
        assert isinstance(found, ChangeSet | Rejection)
        new = found.files.get("shop.py", OLD) if isinstance(found, ChangeSet) else OLD
        kept = (new or "").casefold()
        assert all(f"def {name}" in kept for name in ("parse", "__init__", "add", "total", "gross")), text


def test_the_corpus_is_as_large_as_it_says() -> None:
    """More than a hundred and twenty shapes, no two of them alike."""
    texts = [*READ.values(), *REFUSED.values()]

    assert len(set(texts)) == len(texts) > 120
