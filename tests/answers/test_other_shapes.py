"""Shapes of answers beyond the tricky cases: other languages, other formats, pieces beside the file."""

import pytest

from escalator.answers import extract
from escalator.records import ChangeSet, Rejection

T = "```"
APP = {"app.py": "def slug(text):\n    return text\n"}
CODE = "def slug(text):\n    return text.lower()\n"


def files(answer, **options):
    options.setdefault("workspace", APP)
    result = extract(answer, **options)
    assert isinstance(result, ChangeSet), result
    return dict(result.files)


def kind(answer, **options):
    options.setdefault("workspace", APP)
    result = extract(answer, **options)
    assert isinstance(result, Rejection), result
    return result.kind


@pytest.mark.parametrize(
    ("path", "tag", "body"),
    [
        ("add.go", "go", "package main\n\nfunc Add(a, b int) int {\n\treturn a + b\n}\n"),
        ("src/lib.rs", "rust", "fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n"),
        ("A.java", "java", "public class A {\n  int x() { return 1; }\n}\n"),
        ("a.ts", "ts", "export const x: number = 1;\n"),
        ("main.c", "c", "#include <stdio.h>\n\nint main(void) { return 0; }\n"),
        ("c.yaml", "yaml", "version: 1\nitems:\n  - a\n"),
        ("package.json", "json", '{"files": ["dist"], "name": "x"}\n'),
        ("index.html", "html", "<!doctype html>\n<p>&lt;</p>\n"),
        ("q.sql", "sql", "SELECT 1;\n"),
        ("s.css", "css", "body { color: red; }\n"),
        ("Dockerfile", "dockerfile", "FROM python:3.12\n"),
        ("run.sh", "bash", "#!/bin/sh\necho hi\n"),
    ],
)
def test_files_in_many_languages(path, tag, body):
    """A file is taken fenced and unfenced, whatever language it is in."""
    assert files(f"Sure:\n\n{T}{tag}\n{body}{T}\n", workspace={path: ""}) == {path: body}
    if tag not in {"bash", "css"}:
        assert files(body, workspace={path: ""}) == {path: body}


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("python", "answer.py"),
        ("js", "answer.js"),
        ("rust", "answer.rs"),
        ("", "answer.py"),
        ("c++", "answer.cpp"),
        ("yaml", "answer.yaml"),
    ],
)
def test_code_without_any_file_is_named_by_its_language(tag, name):
    """A task without files gets one called answer."""
    assert list(files(f"{T}{tag}\n{CODE}{T}", workspace={})) == [name]


def test_blocks_without_paths_go_to_the_only_file_in_their_language():
    """A page and its script need no names if the workspace has one file of each language."""
    answer = f"{T}html\n<p>x</p>\n{T}\n{T}js\nconst x = 1;\n{T}"

    assert files(answer, workspace={"index.html": "", "app.js": ""}) == {
        "index.html": "<p>x</p>\n",
        "app.js": "const x = 1;\n",
    }
    assert kind(answer, workspace={}) == "ambiguous_path"


def test_a_shortened_path_means_the_file_that_ends_with_it():
    """A base name means the one file that has it; two such files are ambiguous."""
    answer = f"### utils.py\n{T}python\nx = 1\n{T}"

    assert files(answer, workspace={"src/utils.py": "x = 0\n", "b.py": ""}) == {"src/utils.py": "x = 1\n"}
    assert kind(answer, workspace={"src/utils.py": "", "lib/utils.py": ""}) == "ambiguous_path"


@pytest.mark.parametrize("name", ["path/to/file.py", "solution.py", "your_code.py", "example.py"])
def test_a_made_up_name_means_the_wanted_file(name):
    """A name that stands for any file is taken for the one that is wanted."""
    assert files(f"{T}python {name}\n{CODE}{T}") == {"app.py": CODE}


def test_a_version_settles_it_but_pieces_do_not():
    """A later, whole version counts; two options or two pieces leave open what is meant."""
    block = f"{T}python\n{CODE}{T}"

    assert files(f"First:\n{T}python\ndef slug(text):\n    return 1\n{T}\nFinal version:\n{block}") == {
        "app.py": CODE
    }
    assert files(f"The bug is here:\n{T}python\n    return text\n{T}\nFixed:\n{block}") == {"app.py": CODE}
    assert kind(f"Option 1:\n{block}\nOption 2:\n{block}") == "ambiguous_path"
    assert kind(f"Add this:\n{T}python\nimport re\n{T}\nand this:\n{block}") == "ambiguous_path"


def test_a_snippet_that_only_uses_the_code_is_left_out():
    """Code that calls what the file defines, and defines nothing, is an example without being called one."""
    assert files(f"{T}python\n{CODE}{T}\nThen\n{T}python\nfor word in words:\n    slug(word)\n{T}") == {
        "app.py": CODE
    }


@pytest.mark.parametrize(
    "answer",
    [
        "app.py\n<<<<<<< SEARCH\n    return text\n=======\n    return text.lower()\n>>>>>>> REPLACE\n",
        f"{T}python\napp.py\n<<<<<<< SEARCH\n    return text\n=======\n    return text.lower()\n>>>>>>> REPLACE\n{T}",
        "*** Begin Patch\n*** Update File: app.py\n@@ def slug(text):\n-    return text\n+    return text.lower()\n*** End Patch",
        f"{T}diff\n def slug(text):\n-    return text\n+    return text.lower()\n{T}",
        '{"edits": [{"path": "app.py", "search": "return text", "replace": "return text.lower()"}]}',
        '{"files": [{"path": "app.py", "content": "def slug(text):\\n    return text.lower()\\n"}], "notes": "ok"}',
        '{"files": {"app.py": "def slug(text):\\n    return text.lower()\\n"}}',
        f'Here:\n{T}json\n{{"files": [{{"path": "app.py", "content": "def slug(text):\\n    return text.lower()\\n"}}]}}\n{T}',
        f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{T}python\n{CODE}{T}<|return|>",
        f"{T}python\n{CODE}\nNow usage:\n\n{T}python\nprint(1)\n{T}",
        f"{T}python\n{CODE.rstrip()}{T}\n\nDone",
        f"Here is the code: {T}python\n{CODE}{T}",
        "Here it is:\n\n    def slug(text):\n        return text.lower()\n\nDone.",
        f"{T}{T}python\n{CODE}{T}",
    ],
)
def test_the_same_change_in_other_formats(answer):
    """Edits, patches, JSON, indented code and the usual slips with fences all say the same."""
    assert files(answer) == {"app.py": CODE}


def test_broken_json_is_cut_off_or_badly_formatted():
    """JSON without an end is truncated, JSON with an error in it is badly formatted."""
    assert kind('{"files": [{"path": "app.py", "content": "x = ') == "truncated"
    assert kind('{"files": [{"path": "app.py", "content": "x", }]}') == "bad_format"


def test_a_deletion_in_json_and_in_an_edit():
    """Content null deletes a file; an empty replacement deletes lines."""
    edit = f"app.py\n{T}\n<<<<<<< SEARCH\n    return text\n=======\n>>>>>>> REPLACE\n{T}"

    assert files('{"files": [{"path": "app.py", "content": null}]}') == {"app.py": None}
    assert files(edit) == {"app.py": "def slug(text):\n"}


def test_an_edit_without_a_path_goes_to_the_file_it_matches():
    """Among several files an unnamed edit is for the one that has its lines; a named one only for its own."""
    edit = f"{T}\n<<<<<<< SEARCH\n    return text\n=======\n    return 1\n>>>>>>> REPLACE\n{T}"
    workspace = {**APP, "b.py": "x = 1\n"}

    assert files(edit, workspace=workspace) == {"app.py": "def slug(text):\n    return 1\n"}
    assert kind(f"b.py\n{edit}", workspace=workspace) == "edit_not_found"
    assert kind(f"c.py\n{edit}", workspace=workspace) == "edit_not_found"


def test_an_edit_without_its_end_or_divider_is_badly_formatted():
    """Half an edit block in a closed fence is a failure of format."""
    assert kind(f"{T}\n<<<<<<< SEARCH\n    return text\n=======\n    return 1\n{T}") == "bad_format"
    assert kind(f"{T}\n<<<<<<< SEARCH\n    return text\n>>>>>>> REPLACE\n{T}") == "bad_format"


def test_the_target_may_be_a_guarded_file_but_not_a_protected_one():
    """Who asks for conftest.py gets it; what is protected by name is not touched even then."""
    assert files(f"{T}python\nx = 1\n{T}", target="conftest.py", workspace={}) == {"conftest.py": "x = 1\n"}
    assert kind(f"{T}python\nx = 1\n{T}", protected=["app.py"]) == "protected"


def test_lost_methods_are_elisions():
    """A class without most of its methods is not the file."""
    old = {
        "app.py": "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n\n    def h(self):\n        return 3\n"
    }

    assert kind(f"{T}python\nclass A:\n    def f(self):\n        return 9\n{T}", workspace=old) == "elided"


def test_a_name_in_a_string_or_comment_is_no_use_of_it():
    """A definition may go, where that is asked for, if only words still mention it."""
    old = {"app.py": "def a():\n    return 1\n\n\ndef b():\n    return a()\n"}
    new = '"""Here was a() once."""\n\n\n# a() is gone\ndef b():\n    return 1\n'

    assert files(f"{T}python\n{new}{T}", workspace=old, asked="Inline a().") == {"app.py": new}


def test_commands_alone_are_no_file_and_tests_alone_need_a_path():
    """What stands around code is not taken for it when the code is missing."""
    assert kind(f"{T}bash\npip install x\n{T}") == "no_code"
    assert kind(f"{T}python\ndef test_a():\n    assert 1\n{T}") == "ambiguous_path"
    assert kind(f"{T}bash\n#!/bin/bash\nset -e\nls\n{T}") == "wrong_language"


def test_a_nul_character_is_no_text():
    """Content that is not text is refused."""
    assert kind(f"{T}python app.py\nx = '\0'\n{T}") == "bad_format"


def test_a_cut_answer_that_announces_a_file_is_incomplete():
    """The last words of a cut answer name a file that never came."""
    answer = f"{T}python app.py\n{CODE}{T}\n\nNow `b.py`:\n"

    assert kind(answer, workspace={**APP, "b.py": ""}, finish_reason="length") == "truncated"


def test_a_byte_order_mark_is_kept():
    """A file that began with a byte-order mark still does."""
    assert files(f"{T}python\n{CODE}{T}", workspace={"app.py": "\ufeffx = 1\n"}) == {"app.py": "\ufeff" + CODE}


def test_no_workspace_at_all_may_be_none():
    """None means no files, as an empty mapping does."""
    assert files(f"{T}python\n{CODE}{T}", workspace=None) == {"answer.py": CODE}
