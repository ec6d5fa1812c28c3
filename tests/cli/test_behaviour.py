"""Each command: what it says to programs and to people, and what it says when something is missing or wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer.main
import yaml

from cli.conftest import Shell
from escalator.cli.app import TABLE, app
from escalator.simulation import Fleet
from houses import RIGHT

OWN = """\
version: 1
providers: {here: {kind: ollama}}
models:
  a-model-with-a-rather-long-name: {provider: here, id: "somebody/a-very-long-model-id-indeed:70b-q4_K_M", tier: local_fast}
  another: {provider: here, id: "x:1b", tier: local_quality}
task_types:
  work:
    complexity: [0, 10]
    chain: [a-model-with-a-rather-long-name, another]
    checker: none
    validators: [syntax]
    at_end: review
    review: true
"""
LEDGERS = (
    ("log",),
    ("log", "tasks"),
    ("log", "some-task"),
    ("log", "export", "x.csv"),
    ("log", "forget", "--older-than", "1d"),
    ("report",),
    ("report", "--calibration"),
    ("review", "list"),
    ("review", "show", "1"),
    ("review", "approve", "1"),
    ("review", "reject", "1"),
    ("review", "skip", "1"),
    ("review", "retry", "1"),
    ("resume", "some-task"),
    ("verify", "some-task"),
)
"""Every command that reads a ledger."""


def _paths(command: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", None)
    return [path] if inner is None else [path, *(p for n, c in inner.items() for p in _paths(c, (*path, n)))]


@pytest.mark.parametrize("path", _paths(typer.main.get_command(app)), ids=" ".join)
def test_every_command_explains_itself_in_80_columns(shell: Shell, path: tuple[str, ...]) -> None:
    """Both spellings of help end well, say how the command is called, and fit."""
    shown = shell(*path, "--help")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out == shell(*path, "-h").out
    assert shown.out.startswith(f"Usage: {' '.join(('escalator', *path))} ")
    assert shown.widest <= 80


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(shell: Shell) -> None:
    """Status 2, and the name that is nearest."""
    shown = shell("clasify", "x")
    assert shown.status == 2
    assert "No such command 'clasify'. Did you mean 'classify'?" in shown.flat


@pytest.mark.parametrize("command", ["matrix", "review"])
def test_a_group_without_a_command_lists_what_it_has(shell: Shell, command: str) -> None:
    """Nothing is done where nothing was named."""
    assert "Commands:" in shell(command).flat


@pytest.mark.parametrize("words", [*LEDGERS], ids=" ".join)
def test_without_a_ledger_a_sentence_says_how_to_get_one(shell: Shell, words: tuple[str, ...]) -> None:
    """Nothing is made by looking at it; --json or not, the error is on standard error and the status is 2."""
    for more in ((), ("--json",)):
        shown = shell(*words, *more)
        assert (shown.status, shown.out) == (2, "")
        assert "there is no ledger at" in shown.flat
        assert "escalator run" in shown.flat
    assert not list(shell.folder.iterdir())


@pytest.mark.parametrize(
    "words", [("plan", "x"), ("classify", "x"), ("run", "x"), ("log",), ("doctor",)], ids=" ".join
)
def test_a_matrix_that_is_wrong_is_named_with_its_line(shell: Shell, words: tuple[str, ...]) -> None:
    """The file that is found counts, so its mistake stops every command that needs it; doctor lists it."""
    shell.write("escalation_matrix.yaml", OWN.replace("chain: [a-model", "chain: [the-model"))
    shell.write("ledger.sqlite", "")
    shown = shell(*words)
    assert shown.status == (1 if words == ("doctor",) else 2)
    assert "the-model-with-a-rather-long-name" in shown.flat
    assert "Traceback" not in shown.err


def test_the_matrix_of_the_folder_is_used_and_another_can_be_named(shell: Shell) -> None:
    """Found upward from the working directory; --matrix and the environment name another."""
    assert shell("plan", "Fix it.", "--json").told["task_type"] != "work"
    own = shell.write("own.yaml", OWN)
    assert shell("plan", "Fix it.", "--matrix", "own.yaml", "--json").told["task_type"] == "work"
    shell.env(ESCALATOR_MATRIX=str(own))
    assert shell("plan", "Fix it.", "--json").told["task_type"] == "work"


def test_plan_tells_programs_everything_and_people_what_matters(shell: Shell) -> None:
    """The shape of --json is a contract; the table fits however long a model's id is."""
    shell.write("escalation_matrix.yaml", OWN)
    told = shell("plan", "Add a function.", "--validator", "syntax", "--json").told
    assert list(told) == [
        *("task_type", "complexity", "confidence", "reasons", "chain", "validators", "at_end", "review"),
        *("before_paid", "notes"),
    ]
    assert [list(rung) for rung in told["chain"]] == [["model", "id", "tier", "local", "attempts", "checker"]] * 2
    assert told["validators"] == [{"name": "syntax", "options": {}, "required": True}]
    shown = shell("plan", "Add a function.")
    assert shown.status == 0
    assert shown.widest <= 80
    assert "a-very-long-model-id-indeed" in "".join(shown.out.split())
    assert "if nothing passes a person decides; a person decides in any case" in shown.flat
    shell.env(COLUMNS="40")
    assert "validators: syntax" in shell("plan", "Add a function.").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", " "), "the prompt is empty"),
        (("plan",), "Missing argument"),
        (("plan", "x", "--complexity", "11"), "11.0 is not between 0 and 10"),
        (("plan", "x", "--complexity", "much"), "--complexity"),
        (("plan", "x", "--type", "critcal"), "did you mean 'critical'"),
        (("plan", "x", "--validator", "sintax"), "did you mean 'syntax'"),
        (("plan", "x", "--file", "nowhere/a.py"), "does not exist"),
        (("plan", "x", "--nonsense"), "No such option"),
        (("classify", " "), "the prompt is empty"),
        (("run", "x", "--image", "a.txt"), "not a picture"),
        (("run", "x", "--deadline", "-1"), "leaves no time"),
        (("run", "x", "--budget", "-1"), "not an amount of USD"),
        (("run", "x", "--task-id", " "), "the id is empty"),
        (("validate",), "Missing argument"),
        (("validate", "."), "cannot be read"),
        (("validate", "x.py", "--file", "x.py"), "add --answer"),
        (("validate", "x.py", "--strength"), "it needs files and --test"),
        (("validate", "x.py", "--validator", "sintax"), "did you mean 'syntax'"),
        (("validate", "bytes.py"), "is not UTF-8 text"),
        (("matrix", "check", "nowhere.yaml"), "no such matrix file"),
        (("matrix", "show", "nowhere.yaml"), "no such matrix file"),
        (("matrix", "chekc"), "No such command"),
        (("log", "export", "x.csv", "--kind", "everything"), "--kind"),
        (("log", "--count", "0"), "--count"),
        (("demo", "now"), "unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_input_is_a_sentence_and_status_2(shell: Shell, words: tuple[str, ...], says: str) -> None:
    """Whatever is wrong, nothing is printed to standard output, and nothing is written."""
    shell.write("x.py", "x = 1\n")
    (shell.folder / "bytes.py").write_bytes(b"\xff\xfe\x00x")
    shown = shell(*words)
    assert (shown.status, shown.out) == (2, "")
    assert says in shown.flat
    assert "Traceback" not in shown.err
    assert not (shell.folder / "ledger.sqlite").exists()


def test_a_dash_reads_the_request_from_standard_input(shell: Shell) -> None:
    """For requests too long for a command line."""
    words = ("Fix the typo in the docstring.", "--json")
    for command in ("plan", "classify"):
        assert shell(command, "-", "--json", given=words[0]).told == shell(command, *words).told


def test_classify_tells_one_line_each_and_numbers_what_has_no_id(shell: Shell) -> None:
    """Empty lines are passed by; an id of any kind is given back as it came."""
    lines = ['{"text": "fix a typo"}', "", '{"id": [1], "text": "design a payment system"}']
    shown = shell("classify", "--json", given="\n".join(lines))
    told = [json.loads(line) for line in shown.out.splitlines()]
    assert [one["id"] for one in told] == [1, [1]]
    assert all(list(one) == ["id", "task_type", "complexity", "confidence", "reasons"] for one in told)
    assert told[0]["confidence"] == round(told[0]["confidence"], 4)


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"id": 1}', '{"text": null}'])
def test_a_line_that_is_no_request_is_named_by_its_number(shell: Shell, line: str) -> None:
    """What was judged before it is printed; the status says that not all was."""
    shown = shell("classify", "--json", given=f'{{"text": "fix a typo"}}\n{line}\n')
    assert (shown.status, len(shown.out.splitlines())) == (2, 1)
    assert "line 2" in shown.flat


def test_classify_says_its_reasons_under_one_another(shell: Shell) -> None:
    """A reason that is too long goes on under its own beginning."""
    shell.env(COLUMNS="42")
    shown = shell("classify", "Rotate the leaked signing key of the payment service in production today.")
    first, *reasons = shown.out.splitlines()
    assert first.startswith("critical, complexity 9")
    assert len(reasons) > 2
    assert all(line.startswith("  ") for line in reasons)
    assert shown.widest <= 42


def test_validate_tells_each_verdict_whole(shell: Shell) -> None:
    """The shape of a verdict is a contract; a file outside the workspace is judged under its bare name."""
    shell.write("good.py", "x = 1\n")
    shell.write("bad.py", "def f(:\n")
    shown = shell("validate", "good.py", "bad.py", "--json")
    assert shown.status == 1
    assert [list(verdict) for verdict in shown.told] == [
        [
            *("validator", "status", "reason", "required", "confidence", "feedback", "hint", "evidence"),
            *("isolation", "seconds"),
        ]
    ]
    assert "bad.py" in shown.told[0]["feedback"]
    people = shell("validate", "good.py", "bad.py")
    assert (people.status, "✗ syntax" in people.out, people.widest <= 80) == (1, True, True)
    (shell.folder / "elsewhere").mkdir()
    assert shell("validate", "good.py", "--workspace", "elsewhere").status == 0


def test_doctor_lists_everything_in_80_columns_and_writes_nothing(shell: Shell) -> None:
    """Each finding has what, ok, detail and next; without a model that can be asked the status is 1."""
    shown = shell("doctor", "--json")
    assert shown.status == 1
    assert all(list(finding) == ["what", "ok", "detail", "next"] for finding in shown.told)
    names = [finding["what"] for finding in shown.told]
    assert names[:2] == ["escalator", "matrix"]
    assert {"models", "sandbox", "pytest", "grammars", "ledger", "sqlite"} <= set(names)
    assert all(finding["next"] for finding in shown.told if finding["ok"] is False)
    people = shell("doctor")
    assert (people.status, people.widest <= 80) == (1, True)
    assert not list(shell.folder.iterdir())


def test_doctor_does_not_try_a_key_and_knows_a_server_that_answers(shell: Shell) -> None:
    """A key in the environment is enough to be called usable, and a server on loopback is asked what it has."""
    shell.env(ANTHROPIC_API_KEY="sk-not-a-key", ESCALATOR_LEDGER="postgresql://somewhere/ledger")
    with Fleet(lambda _: RIGHT) as fleet:
        cloud = {"kind": "anthropic", "api_key_env": "ANTHROPIC_API_KEY"}
        models = {"local": {"provider": "ollama", "id": "small", "tier": "local_fast"}}
        types = {"work": {"complexity": [0, 10], "chain": ["local"], "validators": ["syntax"]}}
        data = {
            "version": 1,
            "providers": {**fleet.providers(), "cloud": cloud},
            "models": models,
            "task_types": types,
        }
        shell.write("escalation_matrix.yaml", yaml.safe_dump(data))
        shown = shell("doctor", "--json")
    found = {finding["what"]: finding for finding in shown.told}
    assert shown.status == 0
    assert "it is not tried" in found["provider cloud"]["detail"]
    assert (found["provider ollama"]["ok"], found["models"]["detail"]) == (True, "1 of 1 can be asked")
    assert found["ledger"]["detail"] == "PostgreSQL"
    assert "sk-not-a-key" not in shown.out


def test_matrix_check_counts_and_places_what_it_finds(shell: Shell) -> None:
    """People read file, line, key and count; programs get one object a finding."""
    shell.write("own.yaml", OWN.replace("another: {", "another: {context: 2000, "))
    shown = shell("matrix", "check", "own.yaml")
    assert shown.status == 1
    assert "own.yaml: 1 task type, 2 models, 1 error," in shown.flat
    told = shell("matrix", "check", "own.yaml", "--json").told
    assert all(list(finding) == ["severity", "message", "key", "file", "line"] for finding in told)
    assert {finding["line"] for finding in told if finding["severity"] == "error"} == {5}


def test_matrix_show_gives_the_file_with_all_that_it_extends(shell: Shell) -> None:
    """What is printed is itself a matrix, as YAML or as JSON."""
    shell.write("team.yaml", "extends: default\nversion: 1\nteam: platform\n")
    text, told = shell("matrix", "show", "team.yaml").out, shell("matrix", "show", "team.yaml", "--json").told
    assert yaml.safe_load(text) == told
    assert (told["team"], "quick_edit" in told["task_types"]) == ("platform", True)
    assert shell("matrix", "schema").told["title"] == "escalator matrix"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("log", "nobody"), "nobody"),
        (("log", "--since", "yesterday"), "'yesterday' is no time"),
        (("log", "tasks", "--until", "soon"), "'soon' is no time"),
        (("log", "forget", "--older-than", ""), "no age is given"),
        (("report", "--since", "1 week"), "is no time"),
        (("review", "show", "7"), "7"),
        (("review", "approve", "7"), "7"),
        (("review", "show", "seven"), "NUMBER"),
        (("resume", "nobody"), "nobody"),
        (("verify", "nobody"), "nobody"),
        (("verify", "nobody", "--bundle", "nowhere.json"), "cannot be read"),
        (("verify", "nobody", "--bundle", "list.json"), "is no bundle"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_a_ledger_does_not_know_is_said(shell: Shell, words: tuple[str, ...], says: str) -> None:
    """A task, a case or a moment that is none is a sentence and status 2."""
    from escalator.ledger import open_ledger

    open_ledger(shell.folder / "ledger.sqlite", durability="normal").close()
    shell.write("list.json", "[]")
    shown = shell(*words)
    assert (shown.status, shown.out) == (2, "")
    assert says.lower() in shown.flat.lower()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("log",), "No attempt matches."),
        (("log", "tasks", "--json"), ""),
        (("report",), "No task ended in this period."),
        (("review", "list"), "Nothing waits for a decision."),
        (("review", "list", "--json"), ""),
        (("log", "forget", "--older-than", "90d"), "The texts of 0 tasks were erased."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_empty_ledger_is_no_error(shell: Shell, words: tuple[str, ...], says: str) -> None:
    """There is nothing, and that is said; programs get no lines."""
    from escalator.ledger import open_ledger

    open_ledger(shell.folder / "ledger.sqlite", durability="normal").close()
    shown = shell(*words)
    assert (shown.status, shown.flat) == (0, says)


def test_styles_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escapes go to a terminal, and to no file, no dumb terminal, and nobody who says NO_COLOR."""
    from escalator.cli.plain import say

    script = "from escalator.cli.plain import say; say('a reason', 'dim')"
    read, write = os.openpty()
    for env, styled in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
        subprocess.run(
            [sys.executable, "-c", script],
            stdout=write,
            env={**kept, "TERM": "xterm", **env},
            check=True,
            timeout=200,
        )
        assert (b"\x1b[2ma reason\x1b[0m" in os.read(read, 1000)) is styled
    os.close(read)
    os.close(write)
    monkeypatch.setenv("COLUMNS", "24")
    say("")


def test_an_interrupted_classification_ends_with_130(tmp_path: Path) -> None:
    """Ctrl-C while standard input is being read: what was said stays said, and there is no traceback."""
    child = subprocess.Popen(
        [sys.executable, "-c", "from escalator.cli import main; main()", "classify", "--json"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write('{"id": 1, "text": "fix a typo"}\n')
    child.stdin.flush()
    assert json.loads(child.stdout.readline())["id"] == 1
    time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=200)
    assert (child.returncode, out) == (130, "")
    assert "interrupted" in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    """`escalator classify | head -1` ends quietly."""
    lines = "".join(f'{{"id": {number}, "text": "fix a typo"}}\n' for number in range(3000))
    command = f"{sys.executable} -c 'from escalator.cli import main; main()' classify --json | head -1"
    shown = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, input=lines, capture_output=True, text=True, timeout=200
    )
    assert json.loads(shown.stdout)["id"] == 0
    assert shown.stderr == ""


def test_every_command_of_the_table_is_tried_here() -> None:
    """A command that is added is added to these tests."""
    named = {words[0] for words in LEDGERS} | {"plan", "classify", "validate", "doctor", "matrix", "run", "demo"}
    assert named == set(TABLE)
