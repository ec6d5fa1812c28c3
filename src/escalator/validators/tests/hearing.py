"""One answer's run against everything known of the task: weighed, and worded as a verdict. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from escalator.records import Candidate, Verdict
from escalator.remedies import SEE, install
from escalator.validators.protocol import broke, failed, passed, suspicious, unavailable
from escalator.validators.tests.decision import expect, line_for, not_passed, trouble
from escalator.validators.tests.feedback import equal_to_everything, on_death, on_failure, on_hang, on_import, tidy
from escalator.validators.tests.nodes import absent
from escalator.validators.tests.rerun import NAME, SecondRun, by_nature, undoubted, wavering
from escalator.validators.tests.session import MIB, Bench, Session
from escalator.validators.tests.suspects import Seen, unchanged
from escalator.validators.tests.tamper_scan import Mark
from escalator.validators.tests.weight import lost_rows, proven

_OLDEST_PYTEST = 7
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is prepared once for a task: the bench, and the tests' run on the untouched project."""

    bench: Bench
    base: Session | None
    seen: Seen = field(default_factory=Seen)


LIST_THEM = "See the ids with `pytest --collect-only -q`."


def no_such_test(test: str) -> str:
    """What is told of an id that nothing has."""
    return f"There is no test {test}, with or without the answer."


NO_EVIDENCE = 0.5, "These tests passed before the answer too: they are no evidence of the change asked for."
"""How much a pass proves where nothing failed before."""


class Hearing:
    """Weighs one run. `wrong` are the tests that count against the answer, `blameless` those that cannot."""

    def __init__(
        self,
        candidate: Candidate,
        case: Case,
        session: Session,
        *,
        expected: tuple[str, ...] | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.candidate, self.case, self.session, self.notes = candidate, case, session, notes
        self.expected = expect(case.bench.suite, case.base, expected)
        self.blameless = trouble(session, case.base, candidate, case.bench.suite)
        self.wrong = tuple(test for test in not_passed(session, self.expected) if test not in self.blameless)
        gone = (*self.expected.missing(session.report.collected), *lost_rows(session, case.base, case.bench.form))
        self.missing = tuple(test for test in gone if test.partition("::")[0] not in self.blameless)

    @property
    def worth_a_second_run(self) -> bool:
        """Whether the answer fails for failing tests alone, in a run that went as it should."""
        return bool(self.wrong) and self.session.sound and not self._unimportable and not self.missing

    @property
    def unchanged(self) -> tuple[str, ...]:
        """What fails in the same words as without an answer, though the answer changes the task's files."""
        base, files = self.case.base, self.candidate.brief.files
        touched = any(files[path] != text for path, text in self.candidate.changes.files.items() if path in files)
        return (
            unchanged(base, self.session, (*self._unimportable, *self.wrong))
            if base is not None and touched
            else ()
        )

    @property
    def unproven(self) -> tuple[str, ...]:
        """The tests that passed where the answer's own code could have a hand in the comparison."""
        passing = self.session.report.with_result("passed", "xpassed")
        return tuple(
            test
            for test in passing
            if test not in self.session.compared.blind and test not in self.session.sentinels
        )

    def would_pass(self, again: SecondRun | None) -> bool:
        """Whether nothing but a look at the answer stands between it and a pass."""
        unjudged = self._not_run({}) or self._pointless({})
        return unjudged is None and not self.blameless and not self._wrong_in(again)

    def _wrong_in(self, again: SecondRun | None) -> str:
        """What to tell the model; tests that pass by chance count where they passed without the answer."""
        if again is None:
            return self._cut_short() or self._complaint(self.wrong)
        return self._cut_short() or self._complaint(again.against(self.wrong, self._passed_before()))

    def _equal_to_everything(self, twin: Session | None) -> str:
        """What to tell the model where a test passes whatever it expects; rows nobody asked for tell nothing."""
        passing = _passing(twin) if twin is not None and twin.sound else ()
        passing = tuple(test for test in passing if self.case.bench.suite.takes(test))
        return equal_to_everything(passing[0]) if passing else ""

    def _passed_before(self) -> frozenset[str]:
        base = self.case.base
        return frozenset(base.report.with_result("passed", "xpassed")) if base is not None else frozenset()

    def verdict(
        self, marks: tuple[Mark, ...], again: SecondRun | None = None, twin: Session | None = None
    ) -> Verdict:
        """`marks` are what the scan of the answer found, `again` a second run of the failing tests, `twin` one of
        passing tests with other expected values.
        """
        more = self._facts(again, twin)
        unjudged = self._not_run(more) or self._pointless(more)
        if unjudged is not None:
            return unjudged
        complaint = self._wrong_in(again) or self._equal_to_everything(twin)
        if complaint:
            return failed(NAME, feedback=complaint, **more)
        if self.blameless:
            why, hint = next(iter(self.blameless.values()))
            return broke(NAME, why, hint, **more)
        if marks:
            more["evidence"]["suspicious"] = [str(mark) for mark in marks]
        grave = [mark for mark in marks if not mark.slight]
        if grave:
            return suspicious(
                NAME,
                f"The tests pass, but the answer does what honest answers hardly ever do: {grave[0]}.",
                "Read the answer before you accept it, or set the option scan_answer: false.",
                confidence=0.4,
                **more,
            )
        if again is not None and again.by_chance:
            return wavering(again, **more)
        if twin is not None and not twin.sound:
            return undoubted(**more)
        confidence, hint = self._weight(again, twin)
        return passed(NAME, confidence=confidence, hint=hint, **more)

    def _not_run(self, more: dict[str, Any]) -> Verdict | None:
        """The verdict where the tests could not be run here at all."""
        report, python = self.session.report, self.case.bench.python
        if report.missing_plugins:
            names = ", ".join(report.missing_plugins)
            return unavailable(
                NAME,
                f"pytest plug-ins are missing: {names}.",
                install(*report.missing_plugins, python=python),
                **more,
            )
        if not report.started:
            shown = tidy(self.session.result.stderr, 400) or "it said nothing"
            return unavailable(
                NAME, f"The test process did not start: {shown}", install("pytest", python=python), **more
            )
        if int(report.pytest.partition(".")[0]) < _OLDEST_PYTEST:
            why = f"{python} has pytest {report.pytest}; version {_OLDEST_PYTEST} is needed."
            return unavailable(NAME, why, f"{install('pytest', python=python)} --upgrade", **more)
        return None

    def _pointless(self, more: dict[str, Any]) -> Verdict | None:
        """The verdict where the tests go wrong in the same way without the answer."""
        base, report = self.case.base, self.session.report
        if base is None:
            return None
        if self.session.hung and base.hung:
            why = f"The tests take longer than {self.case.bench.timeout:g} s even without the answer."
            return broke(NAME, why, "Raise the option timeout.", **more)
        proofless = self._proofless(more)
        if proofless is not None:
            return proofless
        nowhere = [
            test
            for test in absent(self.expected.chosen, (*base.report.collected, *report.collected))
            if test.partition("::")[0] not in {*base.report.collect, *report.collect}
        ]
        if nowhere and base.report.intact and report.intact:
            return broke(NAME, no_such_test(nowhere[0]), LIST_THEM, **more)
        if report.status in {3, 4, 5} and base.report.status == report.status:
            shown = tidy(self.session.result.stderr or self.session.result.stdout, 600)
            return broke(
                NAME,
                f"pytest cannot run these tests, with or without the answer: {shown}",
                self._mends(shown),
                **more,
            )
        if did_not_start(base) and did_not_start(self.session):
            shown = tidy(self.session.result.stderr, 600)
            return broke(
                NAME, f"pytest does not start, with or without the answer: {shown}", self._mends(shown), **more
            )
        if base.sound and self.session.sound and not _ran(base) and not _ran(self.session):
            what = "Every test is skipped" if base.tests else "There is no test in what was given"
            return broke(NAME, f"{what}, with or without the answer.", "Give tests that run.", **more)
        return None

    def _proofless(self, more: dict[str, Any]) -> Verdict | None:
        """The verdict where results prove nothing, by what the untouched project shows alone."""
        base = self.case.base
        if base is None or not any(
            base.report.results.get(test) in {"passed", "skipped", "xfailed"} for test in base.sentinels
        ):
            return None
        return broke(
            NAME,
            "A test that must fail does not, even without the answer: results of these tests prove nothing.",
            "A conftest.py changes results; set the option trusted_conftest: false.",
            **more,
        )

    def unrunnable(self) -> Verdict | None:
        """The verdict where no run here could prove anything, were this the one without an answer."""
        return self._not_run({}) or self._proofless({})

    def _mends(self, shown: str) -> str:
        """The line for what pytest said before it came to a test."""
        found = _NO_MODULE.search(shown)
        return line_for(found[1], self.candidate, self.case.bench.python) if found else SEE

    def _cut_short(self) -> str:
        """What to tell the model of a run that did not come to its end."""
        session, bench = self.session, self.case.bench
        if session.hung:
            return on_hang(session, bench.timeout)
        if session.result.killed == "memory":
            most = f"the {bench.memory // MIB} MiB" if bench.memory is not None else "all"
            return f"The tests used more than {most} of memory there is, with your change."
        if session.result.killed == "output":
            return "The tests printed without end with your change."
        return on_death(session) if session.report.status is None else ""

    def _complaint(self, wrong: tuple[str, ...]) -> str:
        """What to tell the model of a run that came to its end, empty if nothing is wrong."""
        session = self.session
        if self._unimportable:
            return on_import(session, self._unimportable[0])
        if wrong:
            before = self.case.base.report.with_result("passed") if self.case.base is not None else ()
            return on_failure(session, wrong, passed_before=frozenset(before))
        if not session.sound:
            return on_death(session)
        if self.missing:
            return f"Tests that must pass were not found with your change: {', '.join(self.missing[:5])}."
        if not self.blameless and not session.report.with_result("passed", "xpassed"):
            return "No test passed with your change."
        return ""

    @property
    def _unimportable(self) -> tuple[str, ...]:
        """Test modules that do not import because of the answer."""
        report = self.session.report
        return tuple(
            test for test, outcome in report.collect.items() if outcome.failed and test not in self.blameless
        )

    def _weight(self, again: SecondRun | None, twin: Session | None) -> tuple[float, str]:
        """How much a pass proves, 0 to 1, and what a person should know of it."""
        if again is not None and again.flaky:
            return by_nature(again)
        if self._before() == "all passed":
            return NO_EVIDENCE
        share, whole, tests = proven(self.session, twin, self._passed_before())
        if whole == tests:
            return 1.0, ""
        where = "compared values where the answer's own code runs, or ask too little"
        hint = f"{tests - whole} of {tests} tests {where}."
        return min(round(0.9 + 0.1 * share / tests, 3), 0.999), hint

    def _before(self) -> str:
        base = self.case.base
        if base is None:
            return "not run"
        if base.hung:
            return "took too long"
        if base.report.imports or not base.tests:
            return "did not import"
        wrong = not_passed(base, self.expected)
        return f"{len(wrong)} of {len(base.tests)} failed" if wrong else "all passed"

    def _facts(self, again: SecondRun | None, twin: Session | None = None) -> dict[str, Any]:
        session, suite = self.session, self.case.bench.suite
        results = list(session.tests.values())
        evidence: dict[str, object] = {
            "command": list(session.command),
            "exit_status": session.result.exit_status,
            "counts": {result: results.count(result) for result in dict.fromkeys(results)},
            "expected": len(self.expected.ids) + len(self.expected.patterns),
            "collected": len(session.tests),
            "sentinel": "failed as it must" if session.sentinels_failed else "did not fail",
            "pytest": session.report.pytest,
            "python": session.report.python,
            "tests": dict(suite.hashes),
            "base": self._before(),
            "compared": {"blind": len(session.compared.blind), "as objects": len(session.compared.undecided)},
            "seconds": round(session.result.seconds, 3),
        }
        if again is not None and again.flaky:
            evidence |= {"flaky": list(again.flaky), "flaky_before": list(again.flaky_before)}
        if twin is not None:
            evidence["twin"] = {"tests": len(twin.tests), "failed": len(twin.tests) - len(_passing(twin))}
        if self.blameless:
            evidence["not_judged"] = sorted(self.blameless)
        if self.notes:
            evidence["notes"] = list(self.notes)
        return {"evidence": evidence, "seconds": session.result.seconds, "isolation": session.result.isolation}


def _ran(session: Session) -> bool:
    """Whether any test was there and not skipped, or something kept tests from being found."""
    return bool(session.report.imports) or any(result != "skipped" for result in session.tests.values())


def _passing(session: Session) -> tuple[str, ...]:
    """The tests that passed, other than those that must not."""
    return tuple(test for test in session.tests if session.tests[test] in {"passed", "xpassed"})


def did_not_start(session: Session) -> bool:
    """Whether pytest fell over its settings, before it came to any code of the project."""
    ended = session.report.started and session.report.status is None and not session.result.killed
    said = session.result.stderr
    return ended and "Error" in said and "/workspace/" not in said and not session.report.collected
