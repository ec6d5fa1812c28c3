"""The fifty-six ways in which models dress up an answer, one test each; the number is in the name."""

import pytest

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection
from processor import processor_seconds

T = "```"
CODE = "def slug(text):\n    return text.lower()\n"
APP = {"app.py": "def slug(text):\n    return text\n"}


def changes(answer, **options):
    options.setdefault("workspace", APP)
    result = extract(answer, **options)
    assert isinstance(result, ChangeSet), result
    return dict(result.files)


def rejected(answer, **options):
    options.setdefault("workspace", APP)
    result = extract(answer, **options)
    assert isinstance(result, Rejection), result
    assert result.feedback.endswith(".")
    return result


def block(code, info="python", fence=T):
    return f"{fence}{info}\n{code}{fence}\n"


def pair(search, replace):
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def test_01_code_without_any_fence():
    """Pure code without a fence is the file."""
    assert changes(CODE) == {"app.py": CODE}


def test_02_prose_around():
    """Prose before and after a block is not part of the file."""
    assert changes(f"Sure! Here you go:\n\n{block(CODE)}\nHope this helps.") == {"app.py": CODE}


def test_02_prose_around_without_a_fence():
    """Prose around unfenced code is cut away where the grammar tells it from code."""
    assert changes(f"Here is the function you asked for:\n\n{CODE}\nLet me know if it works!") == {"app.py": CODE}


def test_03_tilde_fence():
    """Tildes fence as well as backticks do."""
    assert changes(block(CODE, fence="~~~")) == {"app.py": CODE}


@pytest.mark.parametrize("tag", ["Python", "PY", "python3", "py3", "Python3.11"])
def test_04_tag_in_upper_case_or_an_alias(tag):
    """A language tag counts in any case and by any of its usual names."""
    assert changes(block(CODE, tag)) == {"app.py": CODE}


def test_05_indented_fence_in_a_docstring():
    """An indented fence inside a docstring does not end the block."""
    code = f'def f():\n    """Do.\n\n    {T}\n    f()\n    {T}\n    """\n    return 1\n'

    assert changes(block(code)) == {"app.py": code}


def test_05_indented_fence_in_a_docstring_without_an_outer_fence():
    """Unfenced code with a fence in its docstring is still the whole file."""
    code = f'def f():\n    """Do.\n\n    {T}python\n    f()\n    {T}\n    """\n    return 1\n'

    assert changes(code) == {"app.py": code}


def test_05_fence_in_a_docstring_indented_by_two():
    """A fence indented by two could end the block by the rules, but then the code would not parse."""
    code = f'def f():\n  """Do.\n\n  {T}\n  f()\n  {T}\n  """\n  return 1\n'

    assert changes(block(code)) == {"app.py": code}


def test_06_fence_in_column_zero_under_a_longer_fence():
    """A fence in column 0 inside a string does not end a block with a longer fence."""
    code = f'TEXT = """\n{T}\nhello\n{T}\n"""\n'

    assert changes(block(code, fence="````")) == {"app.py": code}


def test_07_fence_in_column_zero_under_an_equal_fence():
    """A fence in column 0 inside a string does not end the block, because the code up to there does not parse."""
    code = f'TEXT = """\n{T}\nhello\n{T}\n"""\n\n\ndef f():\n    return TEXT\n'

    assert changes(f"First:\n{block(code)}\nDone.") == {"app.py": code}


def test_07_fence_with_a_tag_in_column_zero_under_an_equal_fence():
    """The same with a tagged fence inside the string, and in another language."""
    code = "const text = `\n\\`\\`\\`js\nx\n\\`\\`\\`\n`;\nexport const f = () => text;\n"
    python = f'TEXT = """\n{T}bash\nls\n{T}\n"""\nprint(TEXT)\n'

    assert changes(block(code, "js"), workspace={"a.js": ""}) == {"a.js": code}
    assert changes(block(python)) == {"app.py": python}


def test_08_markdown_file_as_the_target():
    """The blocks inside a Markdown file are part of it."""
    text = f"# Tool\n\nInstall:\n\n{T}bash\npip install tool\n{T}\n\nUse:\n\n{T}\ntool run\n{T}\n\nEnd.\n"
    workspace = {"README.md": "# Old\n"}

    assert changes(f"Here it is:\n\n{block(text, 'markdown')}", workspace=workspace) == {"README.md": text}
    assert changes(block(text, "md", "````"), workspace=workspace) == {"README.md": text}
    assert changes(text, workspace=workspace) == {"README.md": text}
    assert changes(f"Here is the README:\n\n{text}", workspace=workspace) == {"README.md": text}


@pytest.mark.parametrize("info", ["python src/a.py", "src/a.py", "python path=src/a.py", "py (src/a.py)"])
def test_09_path_in_the_info_string(info):
    """A path after the language names the file."""
    assert changes(block(CODE, info), workspace={}) == {"src/a.py": CODE}


@pytest.mark.parametrize("info", ["python:src/a.py", "py:./src/a.py", "1:20:src/a.py"])
def test_10_language_colon_path(info):
    """A path joined to the language by a colon names the file."""
    assert changes(block(CODE, info), workspace={}) == {"src/a.py": CODE}


@pytest.mark.parametrize(
    "info",
    ['python title="src/a.py"', "py filename='src/a.py'", "python file=src/a.py", '{.python filename="src/a.py"}'],
)
def test_11_path_as_an_attribute(info):
    """A title or file name attribute names the file."""
    assert changes(block(CODE, info), workspace={}) == {"src/a.py": CODE}


@pytest.mark.parametrize(
    "line",
    [
        "**src/a.py**",
        "`src/a.py`",
        "### src/a.py",
        "### `src/a.py`",
        "**`src/a.py`**:",
        "File: src/a.py",
        "#### 1. `src/a.py` (new file)",
        "src/a.py:",
        "**File: `src/a.py`**",
        "Updated `src/a.py`:",
        "- `src/a.py`",
    ],
)
def test_12_path_on_the_line_above(line):
    """A line that holds nothing but a path names the block below it, with or without a blank line between."""
    assert changes(f"{line}\n{block(CODE)}", workspace={}) == {"src/a.py": CODE}
    assert changes(f"Intro.\n\n{line}\n\n{block(CODE)}", workspace={}) == {"src/a.py": CODE}


@pytest.mark.parametrize(
    ("comment", "path", "tag"),
    [
        ("# src/a.py", "src/a.py", "python"),
        ("// src/a.ts", "src/a.ts", "ts"),
        ("/* web/a.css */", "web/a.css", "css"),
        ("<!-- web/a.html -->", "web/a.html", "html"),
        ("-- db/a.sql", "db/a.sql", "sql"),
        ("# File: src/a.py", "src/a.py", "python"),
        ("// filename: a.go", "a.go", "go"),
    ],
)
def test_13_path_as_the_first_comment(comment, path, tag):
    """A first line that is a comment with nothing but a path names the file."""
    body = f"{comment}\nx = 1\n"

    assert changes(block(body, tag), workspace={}) == {path: body}


def test_14_backslash_path():
    """A path with backslashes means the same file."""
    assert changes(block(CODE, "python src\\pkg\\a.py"), workspace={}) == {"src/pkg/a.py": CODE}
    assert changes(f"`src\\a.py`\n{block(CODE)}", workspace={"src/a.py": ""}) == {"src/a.py": CODE}


def test_15_path_in_prose_that_is_not_the_target():
    """A path mentioned in a sentence does not name the block."""
    answer = f"As in `helpers.py`, we follow the convention of utils/text.py here:\n\n{block(CODE)}"

    assert changes(answer) == {"app.py": CODE}
    assert changes(answer, workspace={**APP, "helpers.py": "x = 1\n"}, target="app.py") == {"app.py": CODE}


def test_16_several_files():
    """Each named block is a file, in any of the ways to name one."""
    second, third = block("B = 2\n"), block("# src/c.py\nC = 3\n")
    answer = f"{block(CODE, 'python src/a.py')}\n### `src/b.py`\n\n{second}\n{third}"

    assert changes(answer, workspace={}) == {
        "src/a.py": CODE,
        "src/b.py": "B = 2\n",
        "src/c.py": "# src/c.py\nC = 3\n",
    }


def test_17_several_blocks_without_paths():
    """Several blocks that could each be the file are ambiguous, with one wanted file and with several."""
    answer = block("def a():\n    return 1\n") + "\n" + block("def b():\n    return 2\n")

    assert rejected(answer).kind == "ambiguous_path"
    assert rejected(answer, workspace={"a.py": "", "b.py": ""}).kind == "ambiguous_path"
    assert rejected(answer, workspace={}).kind == "ambiguous_path"


def test_18_same_file_twice():
    """Of two versions of one file the last one counts, and a note says so."""
    answer = block("x = 1\n", "python app.py") + "\nOn reflection:\n" + block(CODE, "python app.py")
    result = extract(answer, workspace=APP)

    assert dict(result.files) == {"app.py": CODE}
    assert any("more than once" in note for note in result.notes)


@pytest.mark.parametrize("lead", ["Usage:", "Example usage:", "You can use it like this:", "### Example"])
def test_19_usage_example_after(lead):
    """A usage example after the code is not part of the file."""
    usage = block('from app import slug\nprint(slug("A"))\n')
    answer = f"{block(CODE)}\n{lead}\n\n{usage}"

    assert changes(answer) == {"app.py": CODE}
    assert changes(answer, workspace={}) == {"answer.py": CODE}


@pytest.mark.parametrize("info", ["bash", "sh", "console", ""])
def test_20_shell_block_before(info):
    """Commands to install something are not a file."""
    answer = "First install it:\n\n" + block("pip install requests\n", info) + f"\nThen:\n\n{block(CODE)}"

    assert changes(answer) == {"app.py": CODE}
    assert changes(answer, workspace={}) == {"answer.py": CODE}


@pytest.mark.parametrize("info", ["", "text", "output"])
def test_21_output_block_after(info):
    """What the program prints is not a file."""
    answer = f"{block(CODE)}\nOutput:\n\n" + block("hello 42\n", info)

    assert changes(answer) == {"app.py": CODE}
    assert changes(answer, workspace={}) == {"answer.py": CODE}


def test_22_tests_after_are_not_merged():
    """Tests shown after the code do not end up in the file."""
    tests = "from app import slug\n\n\ndef test_slug():\n    assert slug('A') == 'a'\n"
    answer = f"{block(CODE)}\nAnd some tests:\n\n{block(tests)}"

    assert changes(answer) == {"app.py": CODE}
    named = f"{block(CODE, 'python app.py')}\n{block(tests, 'python tests/test_more.py')}"
    assert changes(named) == {"app.py": CODE, "tests/test_more.py": tests}


def test_23_given_test_overwritten():
    """A given test stays as it is; alone, the attempt is rejected."""
    test = block("def test_x():\n    pass\n", "python tests/test_app.py")
    result = extract(block(CODE, "python app.py") + test, workspace=APP, protected=("tests/test_app.py",))

    assert dict(result.files) == {"app.py": CODE}
    assert any("tests/test_app.py" in note for note in result.notes)
    assert rejected(test, protected=("tests/test_app.py",)).kind == "protected"
    assert rejected(test, protected=("tests",)).kind == "protected"
    assert rejected(test, protected=("./Tests/*.py",)).kind == "protected"


def test_24_draft_in_the_reasoning():
    """A draft inside the reasoning is not the answer."""
    draft = block("def slug(text):\n    return None\n")
    answer = f"<think>\nFirst idea:\n{draft}\nNo.\n</think>\n\n{block(CODE)}"

    assert changes(answer) == {"app.py": CODE}


def test_24_draft_with_an_open_fence_in_the_reasoning():
    """A fence that the reasoning left open does not swallow the end of the reasoning."""
    answer = f"<think>\nFirst idea:\n{T}python\ndef slug(t): return None\n</think>\n\n{block(CODE)}"

    assert changes(answer) == {"app.py": CODE}


@pytest.mark.parametrize("end", ["</think>", "</thinking>", "[/THINK]", "◁/think▷"])
def test_25_only_the_end_of_the_reasoning(end):
    """A closing tag alone ends reasoning that began before the text."""
    draft = block("def slug(t): return 1\n")
    answer = f"The user wants a slug.\n{draft}\nHm.\n{end}\n\n{block(CODE)}"

    assert changes(answer) == {"app.py": CODE}


def test_26_reasoning_without_an_end():
    """Reasoning that never ends leaves no answer, whatever code is in it."""
    assert rejected(f"<think>\nLet me see\n{block(CODE)}").kind == "truncated"
    assert rejected(f"<think>\nLet me see\n{block(CODE)}", finish_reason="length").kind == "truncated"


def test_27_tags_as_program_data():
    """Reasoning tags inside code are data."""
    code = 'import re\n\n\ndef strip(text):\n    """Drop\n<think>\nand\n</think>\n    """\n    return re.sub(r"<think>.*?</think>", "", text)\n'

    assert changes(block(code)) == {"app.py": code}
    inline = 'def tail(text):\n    return text.split("</think>")[-1]\n'
    assert changes(inline) == {"app.py": inline}
    assert changes(f"This cuts at `</think>`, as asked:\n{block(code)}") == {"app.py": code}


def test_28_cut_inside_a_fence():
    """An answer that ends inside a block is truncated."""
    assert rejected(f"{T}python\ndef slug(text):\n    return (text.", finish_reason="length").kind == "truncated"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded"])
def test_29_cut_but_it_parses(reason):
    """A cut answer is truncated although what is there parses, fenced or not."""
    assert rejected(f"{T}python\n{CODE}", finish_reason=reason).kind == "truncated"
    assert rejected(CODE, finish_reason=reason).kind == "truncated"


def test_30_fence_open_but_the_model_says_it_stopped():
    """A forgotten closing fence is forgiven if the code is complete, and is a truncation if it is not."""
    assert changes(f"{T}python\n{CODE}") == {"app.py": CODE}
    assert rejected(f"{T}python\n{CODE}\ndef more(x):\n    return (x").kind == "truncated"
    assert rejected(f"{T}python\n{CODE}\ndef more(x):\n").kind == "truncated"


def test_31_cut_after_the_code():
    """A cut in the explanation after the code does no harm."""
    answer = f"{block(CODE)}\nThis works because the text is lowered and then"

    assert changes(answer, finish_reason="length") == {"app.py": CODE}


def test_32_cut_in_the_second_of_two_files():
    """If the second file is cut off or only announced, the first one is not used either."""
    first = block(CODE, "python app.py")

    assert rejected(f"{first}\n{T}python b.py\nx = 1\n", finish_reason="length").kind == "truncated"
    assert rejected(f"{first}\n### `b.py`\n", finish_reason="length").kind == "truncated"


OLD = "import os\n\n\ndef a():\n    return os.name\n\n\ndef b():\n    return a()\n\n\ndef c():\n    return b()\n"


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code remains unchanged ...",
        "# ... existing code ...",
        "# rest of the file",
        "# (other functions remain the same)",
        "# ...",
        "# … unchanged …",
        "# The rest of your code stays the same",
        "# keep the existing functions",
        "... existing code ...",
    ],
)
def test_33_rest_of_the_file_left_out(line):
    """A comment that stands for the rest of a file makes the answer useless."""
    answer = f"import os\n\n\ndef a():\n    return os.sep\n\n\n{line}\n"

    assert rejected(block(answer), workspace={"app.py": OLD}).kind == "elided"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.js", "// ... existing code ..."),
        ("a.ts", "  /* rest of the component */"),
        ("a.go", "// ... other methods remain unchanged"),
        ("a.html", "<!-- rest of the page -->"),
        ("a.sql", "-- ... remaining tables ..."),
        ("a.jsx", "{/* ... existing code ... */}"),
        ("a.rs", "..."),
    ],
)
def test_33_rest_left_out_in_other_languages(path, line):
    """The comments of other languages are known too."""
    tag = path.rsplit(".", 1)[1]

    assert rejected(block(f"first line;\n{line}\n", tag), workspace={path: "old\n"}).kind == "elided"


def test_33_rest_left_out_in_silence():
    """A file that lost a definition, or one it still calls, was not meant to, unless the task asks for that."""
    without_a = "def b():\n    return a() + 1\n\n\ndef c():\n    return b()\n"
    smaller = "import os\n\n\ndef a():\n    return os.name\n\n\ndef b():\n    return a()\n"

    assert rejected(block(without_a), workspace={"app.py": OLD}).kind == "elided"
    lost = rejected(block(smaller), workspace={"app.py": OLD})
    assert lost.kind == "elided"
    assert "no longer defines c" in lost.feedback
    asked = "Remove c(), nobody calls it."
    assert changes(block(smaller), workspace={"app.py": OLD}, asked=asked) == {"app.py": smaller}


def test_34_body_left_out():
    """A body that is a comment or three dots where there was code makes the answer useless."""
    comment = OLD.replace("    return a()\n", "    # ... existing code ...\n    pass\n")
    dots = OLD.replace("    return a()\n", "    ...\n")

    assert rejected(block(comment), workspace={"app.py": OLD}).kind == "elided"
    assert rejected(block(dots), workspace={"app.py": OLD}).kind == "elided"


def test_35_dots_as_real_code():
    """Three dots that are code, or were there before, are no omission."""
    code = "from typing import Protocol\n\n\nclass P(Protocol):\n    def f(self) -> int: ...\n\n    def g(self) -> int:\n        ...\n\n\nx = [1, ...]\n"
    kept = "# ...\nx = 1\n"
    text = 'PROMPT = """\n# ... existing code ...\n"""\n'
    loading = "# Loading the remaining pages...\nx = 1\n\n\ndef f(*rest):\n    # rest of the arguments are names\n    return rest\n"

    assert changes(block(code), workspace={"p.py": ""}) == {"p.py": code}
    assert changes(block("# ...\nx = 2\n"), workspace={"p.py": kept}) == {"p.py": "# ...\nx = 2\n"}
    assert changes(block(text), workspace={"p.py": ""}) == {"p.py": text}
    assert changes(block(loading), workspace={"p.py": ""}) == {"p.py": loading}
    spread = "const f = (...rest) => {\n  return [...rest];\n};\n"
    assert changes(block(spread, "js"), workspace={"p.js": ""}) == {"p.js": spread}


def test_36_search_not_found():
    """A search that is not in the file is refused, quoting it and the most similar lines."""
    rejection = rejected("app.py\n" + block(pair("    return txt\n", "    return 1\n")))

    assert rejection.kind == "edit_not_found"
    assert "return txt" in rejection.feedback
    assert "return text" in rejection.feedback


def test_37_search_ambiguous():
    """A search that is there twice is refused."""
    workspace = {"app.py": "x = 1\ny = 2\nx = 1\n"}

    assert rejected(block(pair("x = 1\n", "x = 3\n")), workspace=workspace).kind == "edit_ambiguous"


def test_38_lost_indentation():
    """A search whose lines all lost their indentation matches, and the new lines get it back."""
    workspace = {"app.py": "class A:\n    def f(self):\n        x = 1\n        return x\n"}
    edit = pair("x = 1\nreturn x\n", "x = 2\nif x:\n    return x\n")

    assert changes(block(edit), workspace=workspace) == {
        "app.py": "class A:\n    def f(self):\n        x = 2\n        if x:\n            return x\n"
    }
    first_only = pair("x = 1\n        return x\n", "x = 5\n        return x\n")
    assert changes(block(first_only), workspace=workspace)["app.py"].endswith("        x = 5\n        return x\n")


def test_39_empty_search():
    """An empty search makes a new file; in a file with content it means every place and so none."""
    edit = f"new.py\n{block(pair('', CODE))}"

    assert changes(edit) == {"new.py": CODE}
    assert changes(edit, workspace={"new.py": ""}) == {"new.py": CODE}
    assert rejected(f"app.py\n{block(pair('', CODE))}").kind == "edit_ambiguous"


def test_40_divider_inside_the_content():
    """A line of equals signs in the content is not taken for the divider, in either half or in both."""
    workspace = {"doc.rst": "Title\n=======\n\nold\n"}

    both = pair("Title\n=======\n\nold\n", "Head\n=======\n\nnew\n")
    assert changes(f"doc.rst\n{T}\n{both}{T}", workspace=workspace) == {"doc.rst": "Head\n=======\n\nnew\n"}
    later = pair("old\n", "new\n\nMore\n=======\n")
    assert changes(f"doc.rst\n{T}\n{later}{T}", workspace=workspace)["doc.rst"].endswith("new\n\nMore\n=======\n")


def test_41_dependent_blocks():
    """A block may search for what an earlier block put there."""
    edits = pair("    return text\n", "    value = text\n    return value\n") + pair(
        "    return value\n", "    return value.lower()\n"
    )

    assert changes(block(edits)) == {"app.py": "def slug(text):\n    value = text\n    return value.lower()\n"}


def test_42_one_of_two_fails():
    """If one block cannot be applied, none is, and the answer says which."""
    edits = pair("    return text\n", "    return 1\n") + pair("    nothing like it\n", "    x\n")
    rejection = rejected(block(edits))

    assert rejection.kind == "edit_not_found"
    assert "block 2" in rejection.feedback
    assert "all edits" in rejection.feedback


@pytest.mark.parametrize(
    "header", ["@@ -99,7 +120,3 @@", "@@", "@@ ... @@", "@@ def slug(text):", "@@ -1,2 +1,2 @@ x"]
)
def test_43_diff_with_wrong_numbers(header):
    """A diff is applied by its context; its numbers need not be right or there."""
    diff = f"--- a/app.py\n+++ b/app.py\n{header}\n def slug(text):\n-    return text\n+    return text.lower()\n"

    assert changes(block(diff, "diff")) == {"app.py": CODE}
    assert changes(diff) == {"app.py": CODE}
    assert changes("app.py\n" + block(diff.split("+++ b/app.py\n")[1], "diff")) == {"app.py": CODE}


def test_43_right_numbers_tell_equal_places_apart():
    """Where the lines of a hunk are there twice, its number decides if it points at one of them."""
    workspace = {"app.py": "a\nx\nb\nx\nc\n"}
    diff = "--- a/app.py\n+++ b/app.py\n@@ -{},1 +1,1 @@\n-x\n+y\n"

    assert changes(block(diff.format(4), "diff"), workspace=workspace) == {"app.py": "a\nx\nb\ny\nc\n"}
    assert rejected(block(diff.format(9), "diff"), workspace=workspace).kind == "edit_ambiguous"


def test_44_diff_that_creates_and_deletes():
    """A diff may create one file and delete another."""
    diff = (
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a = 1\n+b = 2\n"
        "--- a/app.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-def slug(text):\n-    return text\n"
    )

    assert changes(block(diff, "diff")) == {"new.py": "a = 1\nb = 2\n", "app.py": None}
    git = "diff --git a/app.py b/lib.py\nsimilarity index 100%\nrename from app.py\nrename to lib.py\n"
    assert changes(block(git, "diff")) == {"app.py": None, "lib.py": APP["app.py"]}


def test_45_blank_context_line_without_its_space():
    """An empty line in a hunk is a blank context line."""
    workspace = {"app.py": "a = 1\n\nb = 2\n\nc = 3\n"}
    diff = "--- a/app.py\n+++ b/app.py\n@@ -1,5 +1,5 @@\n a = 1\n\n-b = 2\n+b = 9\n\n c = 3\n"

    assert changes(block(diff, "diff"), workspace=workspace) == {"app.py": "a = 1\n\nb = 9\n\nc = 3\n"}


def test_46_windows_newlines_on_either_side():
    """Newlines of the answer do not matter, those of the file are kept."""
    crlf = {"app.py": "def slug(text):\r\n    return text\r\n"}
    edit = block(pair("    return text\n", "    return 1\n"))

    assert changes(block(CODE).replace("\n", "\r\n")) == {"app.py": CODE}
    assert changes(block(CODE), workspace=crlf) == {"app.py": CODE.replace("\n", "\r\n")}
    assert changes(edit, workspace=crlf) == {"app.py": "def slug(text):\r\n    return 1\r\n"}
    assert changes(edit.replace("\n", "\r\n")) == {"app.py": "def slug(text):\n    return 1\n"}
    mixed = {"app.py": "a = 1\r\nb = 2\nc = 3\r\n"}
    assert changes(block(pair("a = 1\n", "a = 9\n")), workspace=mixed) == {"app.py": "a = 9\r\nb = 2\nc = 3\r\n"}


def test_47_invisible_characters_and_odd_spaces():
    """A byte-order mark, zero-width characters at line starts and no-break spaces as indentation are repaired."""
    odd = "\ufeffdef slug(text):\n\u00a0\u00a0\u00a0\u00a0return text.lower()\n"
    assert changes(f"\u200b{block(odd)}".replace("\u00a0" * 4 + "return", "\u200b" + "\u00a0" * 4 + "return")) == {
        "app.py": CODE
    }
    inner = "x\u00a0= 'a\u00a0b'\n"
    assert changes(block(inner)) == {"app.py": "x = 'a\u00a0b'\n"}


def test_48_terminal_escapes():
    """Colours of a terminal are not part of the code."""
    assert changes(
        f"\x1b[1m{T}python\x1b[0m\n\x1b[32mdef\x1b[0m slug(text):\n    return text.lower()\n{T}\x1b[0m"
    ) == {"app.py": CODE}


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end|>",
        "<|endoftext|>",
        "</s>",
        "<|eot_id|>",
        "<end_of_turn>",
        "<\uff5cend\u2581of\u2581sentence\uff5c>",
    ],
)
def test_49_leaked_stop_token(token):
    """A stop token at the end of the text, behind the fence or on its own line is dropped; in a string it is data."""
    assert changes(f"{block(CODE).rstrip()}{token}") == {"app.py": CODE}
    assert changes(f"{block(CODE)}{token}\n") == {"app.py": CODE}
    assert changes(f"{CODE}{token}") == {"app.py": CODE}
    data = f'STOP = "{token}"\n'
    assert changes(block(data)) == {"app.py": data}


def test_50_fence_in_a_list_or_quote():
    """A block inside a list item or a quotation is taken without its prefix."""
    listed = "1. Do this:\n\n" + "".join(f"   {line}\n" for line in block(CODE).splitlines()) + "\n2. Done."
    quoted = "".join(f"> {line}\n" for line in block(CODE).splitlines())
    marked = "- " + block(CODE).rstrip().replace("\n", "\n  ")

    assert changes(listed) == {"app.py": CODE}
    assert changes(quoted + "\nThat is all.") == {"app.py": CODE}
    assert changes(marked) == {"app.py": CODE}


def test_51_entities_are_kept():
    """HTML entities in code are code."""
    code = 'ESCAPES = {"<": "&lt;", "&": "&amp;"}\n'

    assert changes(block(code)) == {"app.py": code}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../evil.py",
        "src/../../evil.py",
        "~/.bashrc",
        "a\0b.py",
        ".git/hooks/pre-commit",
        "sub/.git/config",
        "C:\\Windows\\evil.py",
        "\\\\server\\share\\evil.py",
        ".GIT/config",
        "/app.py",
    ],
)
def test_52_unsafe_paths(path):
    """A path that leaves the workspace or reaches into version control rejects the answer, however it is written."""
    good = block(CODE, "python app.py")

    for bad in (block(CODE, f'python title="{path}"'), f"`{path}`\n{block(CODE)}", f"### {path}\n\n{block(CODE)}"):
        assert rejected(bad).kind == "unsafe_path"
        assert rejected(good + "\n" + bad).kind == "unsafe_path"
    assert rejected(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n").kind == "unsafe_path"
    quoted = path.replace("\\", "\\\\").replace("\0", "\\u0000")
    assert rejected(f'{{"files": [{{"path": "{quoted}", "content": "x"}}]}}').kind == "unsafe_path"


@pytest.mark.parametrize(
    "path",
    [
        "conftest.py",
        "tests/conftest.py",
        "pytest.ini",
        "tox.ini",
        "sitecustomize.py",
        "x.pth",
        "a.dist-info/entry_points.txt",
        ".github/workflows/ci.yml",
        "poetry.lock",
        "package-lock.json",
        "Conftest.py",
        "usercustomize.py",
    ],
)
def test_53_smuggled_conftest(path):
    """A file that steers tests, CI or dependencies is dropped, and rejected if nothing else is there."""
    smuggled = block("import os\nos.x = 1\n", f'title="{path}"')
    result = extract(block(CODE, "python app.py") + "\n" + smuggled, workspace=APP)

    assert dict(result.files) == {"app.py": CODE}
    assert any(path in note for note in result.notes)
    assert rejected(smuggled).kind == "protected"


def test_53_smuggled_settings():
    """The pytest section of pyproject.toml and setup.cfg cannot be changed, the rest of them can."""
    old = {
        "app.py": "x = 1\n",
        "pyproject.toml": '[project]\nname = "a"\n[tool.pytest.ini_options]\naddopts = "-q"\n',
    }
    sly = block(
        '[project]\nname = "a"\n[tool.pytest.ini_options]\naddopts = "--collect-only"\n', "toml pyproject.toml"
    )
    fair = '[project]\nname = "b"\n[tool.pytest.ini_options]\naddopts = "-q"\n'

    assert rejected(sly, workspace=old).kind == "protected"
    assert changes(block(fair, "toml pyproject.toml"), workspace=old) == {"pyproject.toml": fair}
    assert rejected(block("[tool:pytest]\naddopts = -x\n", "ini setup.cfg"), workspace=old).kind == "protected"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "  \n\n ",
        "Done",
        "done.",
        "True",
        "None",
        "I'm sorry, but I can't help with that.",
        "pass",
        f"{T}\n{T}",
        f"{T}python\nsorry\n{T}",
        "I cannot do this. It is against the rules",
        "Here is it",
        "Sure, ok",
        "\ufeff",
        "<|im_end|>",
    ],
)
def test_54_nothing_refusal_one_word(answer):
    """An empty answer, a refusal and a single word that happens to parse hold no code."""
    assert rejected(answer).kind == "no_code"
    assert rejected(answer, workspace={}).kind == "no_code"


def test_55_wrong_language():
    """Code in another language than the file's is refused, tagged or not."""
    script = "function slug(text) {\n  return text.toLowerCase();\n}\n"

    assert rejected(block(script, "javascript")).kind == "wrong_language"
    assert rejected(block(script, "")).kind == "wrong_language"
    assert (
        rejected(block(script, "javascript"), target="app.py", workspace={**APP, "b.py": "x = 1\n"}).kind
        == "wrong_language"
    )
    assert rejected(block(CODE), workspace={"a.go": "package a\n"}).kind == "wrong_language"


def test_56_twenty_thousand_lines():
    """Time grows with the size of the answer, also where thousands of fences could end a block."""
    long = "".join(f"value_{n} = {n}\n" for n in range(20_000))
    fences = "x = 1\n" + "```\nprose\n\n" * 5_000
    docs = f"{T}python\n" + 'A = """\n' + "```\n" * 10_000 + '"""\n' + T
    quoted = "> ```\n> x\n> ```\n" * 5_000
    answers = (
        fences,
        docs,
        quoted,
        "<think>\n" * 20_000,
        "</think>\n" * 20_000,
        block(pair("x\n" * 20_000, "y\n")),
    )
    with processor_seconds(at_most=10):
        assert changes(block(long)) == {"app.py": long}
        for answer in answers:
            extract(answer, workspace=APP)
