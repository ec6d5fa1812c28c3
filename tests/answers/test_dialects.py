"""Dialects of other programs: elements, calls, here-documents, JSON; numbers in front of lines; blocks without names."""

import json

import pytest

from escalator.answers import extract
from escalator.answers.blocks import Block
from escalator.answers.heredocs import written_files
from escalator.answers.info import Info
from escalator.answers.naming import Workspace
from escalator.answers.numbering import looks_numbered, without_numbers
from escalator.answers.structured import read_structured
from escalator.answers.tagged import read_tagged
from escalator.records import ChangeSet, Rejection

T = "```"
OLD = "def slug(text):\n    return text\n"
NEW = "def slug(text):\n    return text.lower()\n"
APP = {"app.py": OLD}
TWO = {"app.py": OLD, "util.py": "def clean(text):\n    return text\n"}


def files(answer: str, workspace: dict[str, str] = APP) -> dict[str, str | None]:
    found = extract(answer, workspace=workspace)
    assert isinstance(found, ChangeSet), found
    return dict(found.files)


def kind(answer: str, workspace: dict[str, str] = APP) -> str:
    found = extract(answer, workspace=workspace)
    assert isinstance(found, Rejection), found
    return found.kind


def block(body: str, info: str = "python") -> str:
    return f"{T}{info}\n{body}{T}\n"


class TestElements:
    def test_several_elements_are_several_files(self) -> None:
        """Each up to its own end, prose between them left out."""
        answer = f'First:\n<file path="app.py">\n{NEW}</file>\nthen\n<file path="new/b.py">\nB = 1\n</file>\n'

        assert files(answer) == {"app.py": NEW, "new/b.py": "B = 1\n"}

    def test_an_end_in_the_content_does_not_end_it(self) -> None:
        """The last closing tag before the next element does."""
        body = 'END = """\n</file>\n"""\n'
        answer = f'<file path="a.py">\n{body}</file>\n<file path="b.py">\nB = 1\n</file>\n'

        assert files(answer, {}) == {"a.py": body, "b.py": "B = 1\n"}

    def test_blocks_beside_elements_are_read_too(self) -> None:
        """An answer may mix both."""
        answer = f'### util.py\n{block("X = 1" + chr(10))}\n<file path="app.py">\n{NEW}</file>\n'

        assert files(answer, {"app.py": OLD, "util.py": "X = 0\n"}) == {"app.py": NEW, "util.py": "X = 1\n"}

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("index.html", '<!doctype html>\n<file path="x.html">\n</file>\n'),
            ("a.xml", '<?xml version="1.0"?>\n<files>\n<file path="x.txt">\n</file>\n</files>\n'),
            ("README.md", '# Title\n\n<file path="a.py">\n</file>\n'),
        ],
    )
    def test_a_page_that_holds_such_elements_is_a_page(self, path: str, body: str) -> None:
        """Where the file that is wanted is markup, elements are its text."""
        assert files(body, {path: "<p>\n"}) == {path: body}

    def test_an_element_in_a_block_of_code_is_code(self) -> None:
        """Inside a fence it is text of the file."""
        code = 'PAGE = """\n<file path="x.py">\n</file>\n"""\n\n\n' + NEW

        assert files(block(code)) == {"app.py": code}

    def test_cdata_may_hold_its_own_end(self) -> None:
        """Written in two parts it means one."""
        answer = '<file path="a.py"><![CDATA[\nx = a[b[0]]]]><![CDATA[> 1\n]]></file>'

        assert files(answer, {}) == {"a.py": "x = a[b[0]]> 1\n"}

    def test_escapes_are_undone_only_where_the_code_needs_it(self) -> None:
        """Code that parses keeps its entities."""
        kept = 'ESCAPES = {"<": "&lt;"}\n'
        answer = '<file path="a.py">\nx = f(&quot;a&quot;)\n</file>'

        assert files(answer, {}) == {"a.py": 'x = f("a")\n'}
        assert files(f'<file path="a.py">\n{kept}</file>', {}) == {"a.py": kept}

    def test_what_names_no_path_is_no_element(self) -> None:
        """A tag in prose or in a page is what it is."""
        assert read_tagged("<file>\nx = 1\n</file>\n", Workspace.of({}, None)) is None
        assert read_tagged('<edit name="the title">\nx\n</edit>\n', Workspace.of({}, None)) is None

    def test_an_unsafe_path_in_an_element_is_unsafe(self) -> None:
        """Whatever the dialect."""
        assert kind('<file path="../x.py">\nx = 1\n</file>\n') == "unsafe_path"

    def test_a_cut_answer_with_whole_elements_may_be_used(self) -> None:
        """If nothing else was begun."""
        whole = f'<file path="app.py">\n{NEW}</file>\nNow it'
        begun = f'<file path="app.py">\n{NEW}</file>\n<file path="b.py">\nx = '

        assert isinstance(extract(whole, workspace=APP, finish_reason="length"), ChangeSet)
        assert isinstance(extract(begun, workspace=APP, finish_reason="length"), Rejection)


class TestCommands:
    def test_files_are_written_by_commands(self) -> None:
        """Several in one block, in any of the usual forms, with what is run afterwards left out."""
        script = (
            f"mkdir -p src\ncat > src/a.py <<'EOF'\n{NEW}EOF\ncat <<\"END\" > src/b.py\nB = 1\nEND\n"
            "tee src/c.py <<EOF > /dev/null\nC = 1\nEOF\npython src/a.py\n"
        )

        assert files(block(script, "bash"), {"x.py": ""}) == {
            "src/a.py": NEW,
            "src/b.py": "B = 1\n",
            "src/c.py": "C = 1\n",
        }

    @pytest.mark.parametrize(
        "script",
        [
            "cat > a.py <<EOF\nx = 1\nEOF\nsed -i s/1/2/ a.py\n",
            "cat > a.py <<EOF\nx = 1\n",
            "cat <<EOF\nx\nEOF\n",
            "cat > somewhere <<EOF\nx\nEOF\n",
            "python - <<EOF\nx\nEOF\n",
            "ls\n",
        ],
    )
    def test_commands_that_do_more_are_no_files(self, script: str) -> None:
        """What else they change cannot be told without running them."""
        lines = tuple(script.removesuffix("\n").split("\n"))

        assert written_files(Block(info=Info(tag="bash", language="bash"), lines=lines, start=0, end=0)) == []
        assert kind(block(script, "bash"), {"a.py": "x = 0\n"}) in {"no_code", "wrong_language", "ambiguous_path"}

    def test_a_script_that_is_wanted_is_a_script(self) -> None:
        """Here-documents in it are its own."""
        script = "#!/bin/sh\ncat > a.py <<EOF\nx = 1\nEOF\n"

        assert files(block(script, "sh"), {"run.sh": "#!/bin/sh\n"}) == {"run.sh": script}


class TestJson:
    def structured(self, value: object, workspace: dict[str, str] = APP) -> int | None:
        found = read_structured(json.dumps(value), Workspace.of(workspace, None), cut=False)
        return None if found is None else len(found)

    @pytest.mark.parametrize(
        ("value", "workspace", "entries"),
        [
            ({"app.py": NEW}, APP, 1),
            ({"app.py": NEW, "src/b.py": "x"}, APP, 2),
            ({"app.py": NEW, "notes": "x"}, APP, 1),
            ({"app.py": NEW, "port": 80}, APP, None),
            ({"code": NEW, "explanation": "x"}, APP, 1),
            ({"code": NEW, "port": 80}, APP, None),
            ({"code": "E42"}, APP, None),
            ({"name": "x", "main": "a.js"}, {"package.json": "{}"}, None),
            ({"code": "a\nb"}, {"data.json": "{}"}, None),
            ({"a.py": "x"}, {"data.json": "{}"}, None),
            ({"data.json": "{}"}, {"data.json": "{}"}, 1),
            ({"files": {"app.py": {"content": NEW}}}, APP, 1),
            ({"tool": "write", "parameters": {"path": "app.py", "content": NEW}}, APP, 1),
            ({"function": "write", "arguments": json.dumps({"path": "app.py", "content": NEW})}, APP, 1),
            ({"arguments": "{broken"}, APP, None),
            ([{"path": "app.py", "content": NEW}, 3], APP, 1),
        ],
    )
    def test_what_names_files_or_holds_code(
        self, value: object, workspace: dict[str, str], entries: int | None
    ) -> None:
        """Is an answer; any other JSON is data."""
        assert self.structured(value, workspace) == entries

    def test_code_beside_its_explanation(self) -> None:
        """Bare, fenced, or with prose around the fence."""
        for code in (NEW, block(NEW), f"Here:\n{block(NEW)}Done."):
            assert files(json.dumps({"explanation": "x", "code": code})) == {"app.py": NEW}
        assert files(json.dumps({"code": NEW}), {}) == {"answer.py": NEW}

    def test_broken_json_beside_words_is_said_to_be_broken(self) -> None:
        """It is not taken for text without code."""
        assert kind('{"explanation": "x", "code": "def f') == "truncated"
        assert kind('{"explanation": "x", "code": "def f", }') == "bad_format"

    def test_calls_written_out_as_text(self) -> None:
        """One after another, and nothing else."""
        call = '<tool_call>{"name": "w", "arguments": {"path": "%s", "content": "x = 1\\n"}}</tool_call>'

        assert files(call % "a.py" + "\n" + call % "b.py", {}) == {"a.py": "x = 1\n", "b.py": "x = 1\n"}
        assert kind(call % "a.py" + "\nand more\n" + "<tool_call>{oops</tool_call>", {}) == "no_code"


class TestNumbers:
    @pytest.mark.parametrize(
        "form", ["{}: {}", "{:>4} | {}", "{}\t{}", "{:>3}\u2192{}", "L{}: {}", "[{}] {}", "{}\u2502{}"]
    )
    @pytest.mark.parametrize("first", [0, 1, 97])
    def test_consecutive_numbers_are_taken_off(self, form: str, first: int) -> None:
        """In any of the usual forms, from any number on, with a note."""
        lines = NEW.rstrip("\n").split("\n")
        text = "".join(form.format(first + n, line) + "\n" for n, line in enumerate(lines))
        found = extract(block(text), workspace=APP)

        assert isinstance(found, ChangeSet)
        assert dict(found.files) == {"app.py": NEW}
        assert any("numbers" in note for note in found.notes)

    @pytest.mark.parametrize(
        "lines",
        [["1: a"], ["1: a", "3: b"], ["1: a", "b"], ["1: a", "2 | b"], ["a", "b"], ["2: a", "1: b"], []],
    )
    def test_other_numbers_are_not(self, lines: list[str]) -> None:
        """Fewer than two, gaps, another sign, or none."""
        assert without_numbers(lines) is None

    def test_some_numbered_lines_are_refused_with_the_reason(self) -> None:
        """Nothing tells what the others are."""
        text = "1: def f():\n2:     a = 1\n    b = 2\n4:     c = 3\n5:     d = 4\n6:     return a\n"
        found = extract(block(text), workspace={"app.py": ""})

        assert isinstance(found, Rejection)
        assert found.kind == "bad_format"
        assert "numbers" in found.feedback

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("a.md", "1. one\n2. two\n"),
            ("a.txt", "1 one\n2 two\n"),
            ("a.yaml", "1: one\n2: two\n"),
            ("a.csv", "1\tone\n2\ttwo\n"),
            ("a.js", "1\n2\n"),
        ],
    )
    def test_numbers_that_are_content_stay(self, path: str, text: str) -> None:
        """Lists, tables, mappings, and code that is valid as it stands."""
        assert files(f"{path}\n{block(text, '')}", {path: "x\n", "b": "y\n"}) == {path: text}

    def test_a_look_at_the_first_lines(self) -> None:
        """Is enough to see that nothing is numbered."""
        assert looks_numbered(["", "x", "7: y"])
        assert not looks_numbered(["x", "y", "z", "1: a"])


class TestBlocksWithoutNames:
    def test_two_for_two_files_are_ambiguous(self) -> None:
        """Whichever comes first, and though each looks like one of the files."""
        first, second = block(NEW), block("def clean(text):\n    return text.strip()\n")

        for answer in (first + second, second + first, first + block("VERSION = 2\n")):
            assert kind(answer, TWO) == "ambiguous_path"

    def test_two_in_two_languages_are_told_apart(self) -> None:
        """Also data beside a program."""
        workspace = {"app.py": OLD, "config.json": '{"a": 1}\n'}

        assert files(block(NEW) + block('{"a": 2}\n', "json"), workspace) == {
            "app.py": NEW,
            "config.json": '{"a": 2}\n',
        }

    def test_a_block_that_defines_something_new_is_not_left_out(self) -> None:
        """Beside the named file it may be anything but superfluous."""
        extra = "And this:\n" + block("def helper(text):\n    return text\n")

        assert kind(f"### app.py\n{block(NEW)}{extra}") == "ambiguous_path"
        assert kind(f"### app.py\n{block(NEW)}And:\n{block('VERSION = 2' + chr(10))}", TWO) == "ambiguous_path"

    def test_an_excerpt_beside_the_file_is_left_out(self) -> None:
        """It says nothing that the file does not."""
        excerpt = f"The line that matters:\n{block('    return text.lower()' + chr(10))}"

        assert files(f"### app.py\n{block(NEW)}{excerpt}") == {"app.py": NEW}


class TestBareText:
    def test_prose_around_a_bare_file_is_left_out(self) -> None:
        """Sentences, headings and lists."""
        answer = (
            f"Here is the file:\n\n{NEW}\n**What changed**\n\n1. It lowers the text.\n2. Nothing else (really).\n"
        )

        assert files(answer) == {"app.py": NEW}

    @pytest.mark.parametrize(
        "rest", ["def more(:\n    pass\n", "x = (1\n", "</file>\n", "    return 2)\n", "@cache\n"]
    )
    def test_code_is_never_left_out_to_make_the_rest_parse(self, rest: str) -> None:
        """A broken end, or half a tag, is not prose."""
        assert kind(f"{NEW}\n\n{rest}") in {"no_code", "truncated"}

    def test_a_path_above_a_bare_file_is_its_name(self) -> None:
        """And no line of it."""
        assert files(f"util.py\n\n{NEW}", TWO | {"util.py": "x = 1\n"}) == {"util.py": NEW}

    def test_what_follows_an_end_behind_code_is_prose_or_code(self) -> None:
        """With more code below it was no end."""
        code = 'MARK = "a" # ```\n\n\ndef f():\n    return MARK\n'

        assert files(f"{T}python\n{code}", {"a.py": ""}) == {"a.py": code}


def test_a_change_to_a_protected_test_is_dropped_under_its_short_name() -> None:
    """The rest is used, and a note says what was dropped."""
    answer = block(NEW, "python app.py") + block("def test_x():\n    pass\n", "python test_app.py")
    found = extract(answer, workspace=APP, protected=("tests/test_app.py",))

    assert isinstance(found, ChangeSet)
    assert dict(found.files) == {"app.py": NEW}
    assert any("protected" in note for note in found.notes)
