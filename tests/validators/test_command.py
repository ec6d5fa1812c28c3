"""The command validator runs a command on the answer in the sandbox."""

import sys

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.command import command
from escalator.validators.protocol import judge as protocol_judge
from validators.sandboxed import perform

TAP_RUN = "cat results.tap"


def judge(run, changes=None, base=None, tests=None, protected=(), workspace=None, **options):
    brief = Brief(
        task_id="t", prompt="p", files=base or {}, tests=tests or {}, protected=protected, workspace=workspace
    )
    candidate = Candidate(brief=brief, changes=ChangeSet(files=changes or {}))
    return drive(command(run=run, **options)(candidate), perform)


def test_exit_status_zero_passes():
    """A command that succeeds on the changed project passes, and says under which isolation."""
    verdict = judge("grep -q new a.txt", changes={"a.txt": "new"}, base={"a.txt": "old"})
    assert verdict.passed
    assert verdict.isolation is not None
    assert verdict.evidence["exit_status"] == 0


def test_another_exit_status_fails_with_the_output():
    """A failing command fails the answer and its last words become feedback."""
    verdict = judge(["sh", "-c", "echo out; echo wrong thing >&2; exit 3"])
    assert verdict.failed
    assert "exit status 3" in verdict.feedback
    assert verdict.feedback.endswith("out\nwrong thing")


def test_the_workspace_is_seen_and_never_written(tmp_path):
    """The command works in a copy: it sees the project and may write, and the user's files stay as they were."""
    (tmp_path / "data.txt").write_text("kept")
    verdict = judge("grep -q kept data.txt && echo x > data.txt && touch more", workspace=tmp_path)
    assert verdict.passed
    assert (tmp_path / "data.txt").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]


def test_an_endless_command_is_killed_and_fails():
    """A command that does not end in time fails, and the feedback says so."""
    verdict = judge("sleep 30", timeout=0.5)
    assert verdict.failed
    assert "did not end within 0.5 s" in verdict.feedback


def test_a_missing_program_is_unavailable():
    """A tool that is not installed is not the answer's fault."""
    assert judge("no-such-tool-here --version").reason == "unavailable"
    candidate = Candidate(brief=Brief(task_id="t", prompt="p"), changes=ChangeSet())
    verdict = drive(protocol_judge(command(run=["no-such-tool-here"]), candidate), perform)
    assert verdict.reason == "unavailable"
    assert "no-such-tool-here" in verdict.hint


def test_tests_and_protected_files_stay_as_they_were():
    """An answer that rewrites the test, or plants a configuration, is judged by the original."""
    changes = {"check.sh": "exit 0", "jest.config.js": "evil", "conf/x": "evil"}
    verdict = judge(
        "sh check.sh && test ! -e jest.config.js && grep -q good conf/x",
        changes=changes,
        base={"conf/x": "good"},
        tests={"check.sh": "test 1 = 1"},
        protected=("conf",),
        protect=["jest.config.*"],
    )
    assert verdict.passed, verdict


def test_a_report_is_counted():
    """With a format, the evidence holds the counts, and the first failure is the feedback."""
    good = "1..2\nok 1 a\nok 2 b\n"
    verdict = judge(TAP_RUN, changes={"results.tap": good}, format="tap")
    assert verdict.passed
    assert verdict.evidence["tests_passed"] == 2
    bad = judge(TAP_RUN, changes={"results.tap": good.replace("ok 2", "not ok 2")}, format="tap")
    assert bad.failed
    assert "not ok 2 b" in bad.feedback


def test_no_test_at_all_is_inconclusive():
    """A command that succeeds without running a test, or with all of them skipped, proves nothing."""
    assert judge(TAP_RUN, changes={"results.tap": "1..0\n"}, format="tap").reason == "skipped"
    assert judge(TAP_RUN, changes={"results.tap": "1..1\nok 1 # skip\n"}, format="tap").reason == "skipped"


def test_an_unreadable_report_is_an_error_only_if_the_command_succeeded():
    """A good exit status without a report is inconclusive; a bad one fails either way."""
    assert judge("true", format="junit").reason == "error"
    assert judge("false", format="junit").failed


def test_a_report_comes_back_through_the_private_pipe():
    """Where the command names {report}, the report is read from there and not from what is printed."""
    verdict = judge("echo 'not ok 1'; printf '1..1\\nok 1 a\\n' >/dev/fd/{report}", format="tap")
    assert verdict.passed, verdict


def test_a_report_file_is_brought_back():
    """A runner that writes a file is read from that file."""
    xml = '<testsuite><testcase name="a"/></testsuite>'
    verdict = judge(f"echo '{xml}' > out.xml", format="junit", artefact="out.xml")
    assert verdict.passed
    assert verdict.evidence["tests"] == 1


def test_tests_that_vanish_or_are_skipped_are_noticed():
    """Compared with the base, a test that no longer runs fails the answer."""
    base = {"results.tap": "1..2\nok 1 a\nok 2 b\n"}
    gone = judge(TAP_RUN, changes={"results.tap": "1..1\nok 1 a\n"}, base=base, format="tap", compare=True)
    assert "The test b ran before the change and is gone now." in gone.feedback
    dodged = judge(
        TAP_RUN, changes={"results.tap": "1..2\nok 1 a\nok 2 b # skip\n"}, base=base, format="tap", compare=True
    )
    assert dodged.failed
    assert judge(TAP_RUN, changes={"x": "y"}, base=base, format="tap", compare=True).passed


def test_variables_reach_the_command_and_the_users_do_not(monkeypatch):
    """The environment holds what the matrix names and nothing of the caller's."""
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    verdict = judge('test "$LEVEL" = 3 && test -z "$SECRET_TOKEN"', env={"LEVEL": 3})
    assert verdict.passed, verdict


def test_python_can_be_the_command():
    """A list of arguments starts a program without a shell."""
    assert judge(
        [sys.executable, "-c", "import a; assert a.x == 1"], changes={"a.py": "x = 1\n"}, env={"PYTHONPATH": "."}
    ).passed


@pytest.mark.parametrize(
    "options", [{"run": " "}, {"run": []}, {"run": "x", "format": "xml"}, {"run": "x", "compare": True}]
)
def test_nonsense_is_refused_when_the_validator_is_made(options):
    """An empty command or an unknown format is a mistake in the matrix."""
    with pytest.raises(ValueError, match=r"run:|format:|compare:"):
        command(**options)
