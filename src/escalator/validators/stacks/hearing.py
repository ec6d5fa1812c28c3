"""One answer's run of tests by another runner than pytest: weighed by the same rules, and worded as a verdict.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from escalator.languages.parsing import parses
from escalator.languages.tags import language_of_path
from escalator.records import Verdict
from escalator.validators.build_files import Steering
from escalator.validators.protocol import broke, failed, passed, unavailable
from escalator.validators.stacks.expecting import expect, file_of, known_before
from escalator.validators.stacks.session import Case, Session
from escalator.validators.stacks.stack import Lack, Twin
from escalator.validators.tests.feedback import MOST, equal_to_everything, listed, tidy
from escalator.validators.tests.hearing import NO_EVIDENCE
from escalator.validators.tests.rerun import NAME, SecondRun, by_nature, undoubted, wavering

COMPARED_INSIDE = 0.9
"""How sure a pass is where values are compared in the process that runs the answer."""

_SAY_LITTLE = frozenset({"node", "vitest", "jest"})
"""Runners whose report is missing only where they did not come to run the tests; what they printed says why."""

_OUT_OF_MEMORY = "JavaScript heap out of memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Laid:
    """What was laid over the project for the answer. `own`: build files that the task let it change."""

    kept: Steering = Steering()
    own: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Hearing:
    """Weighs one run. `wrong` are the tests that count against the answer, `lack` is what no answer can bring."""

    def __init__(self, case: Case, session: Session, *, expected: tuple[str, ...] | None, laid: Laid) -> None:
        self.case, self.session, self.laid = case, session, laid
        self.expected = expect(case, expected)
        self.lack = self._lack()
        self.wrong = tuple(
            test
            for test, result in session.tests.items()
            if result == "failed" or (result == "skipped" and not self.expected.excuses(test))
        )
        self.missing = tuple(
            test
            for test in self.expected.missing(tuple(session.tests))
            if file_of(test) not in self.wrong and not self.expected.excuses(test)
        )

    @property
    def worth_a_second_run(self) -> bool:
        """Whether the answer fails for failing tests alone, in a run that went as it should."""
        return bool(self.wrong) and self.session.sound and not self.missing and self.lack is None

    def would_pass(self, again: SecondRun | None) -> bool:
        """Whether nothing but a look at the answer stands between it and a pass."""
        return self.lack is None and self._pointless({}) is None and not self._complaint(again)

    def verdict(self, again: SecondRun | None = None, twin: tuple[Twin, Session] | None = None) -> Verdict:
        """`again` is a second run of the failing tests, `twin` one of passing tests with other expected values."""
        more = self._facts(again, twin)
        if self.lack is not None:
            return unavailable(NAME, self.lack.why, self.lack.mend, **more)
        unjudged = self._pointless(more)
        if unjudged is not None:
            return unjudged
        complaint = self._complaint(again) or _equal_to_everything(twin)
        if complaint:
            return failed(NAME, feedback="\n".join(filter(None, [complaint, self.laid.kept.told])), **more)
        if again is not None and again.by_chance:
            return wavering(again, **more)
        if twin is not None and not twin[1].sound:
            return undoubted(**more)
        confidence, hint = self._weight(again)
        return passed(NAME, confidence=confidence, hint=hint, **more)

    def _lack(self) -> Lack | None:
        """What is missing here: the runner says so, or a failing test that failed so without the answer too or
        that asks for it by its own text.
        """
        session, base, stack = self.session, self.case.base, self.case.stack
        if session.reading.lack is not None:
            return session.reading.lack
        unread = self._unparsed()
        if unread:
            return Lack(why=f"The tests in {unread} do not parse.", mend="Correct the test file.")
        before = _lacks(self.case, base) if base is not None else {}
        for lack in _lacks(self.case, session).values():
            if lack.certain or lack in before.values():
                return lack
        said = "" if session.result.killed else session.reading.broken
        if base is not None and said and said == base.reading.broken and stack.name in {*_SAY_LITTLE, "go"}:
            shown = tidy(_told(session) or said, 600)
            why = f"{stack.name} cannot run these tests, with or without the answer: {shown}"
            return Lack(why=why, mend="See that they run in the project by themselves.")
        return None

    def _unparsed(self) -> str:
        """A file of tests that failed as a whole and is not written in its language."""
        wholes = {test for test, ended in self.session.tests.items() if ended == "failed"} & set(
            self.case.share.tests
        )
        return next(
            (
                path
                for path in sorted(wholes)
                if parses(language_of_path(path), self.case.share.tests[path]) is False
            ),
            "",
        )

    def _pointless(self, more: dict[str, Any]) -> Verdict | None:
        """The verdict where the tests go wrong in the same way without the answer."""
        base, session = self.case.base, self.session
        if base is None:
            return None
        if session.hung and base.hung:
            why = f"The tests take longer than {self.case.bounds.timeout:g} s even without the answer."
            return broke(NAME, why, "Raise the option timeout.", **more)
        if any(base.reading.report.tests.get(test) in {"passed", "skipped"} for test in base.marked.sentinels):
            why = "A test that must fail does not, even without the answer: results of these tests prove nothing."
            return broke(NAME, why, "Look at the settings of the runner and what they load.", **more)
        found = base.tests or session.tests or base.reading.broken or session.reading.broken
        if not found and self.case.stack.name in _SAY_LITTLE and not session.result.killed:
            why = f"{self.case.stack.name} takes none of these files for tests, with or without the answer."
            return broke(NAME, why, "Look at the settings of the runner that say which files are tests.", **more)
        if base.sound and session.sound and not _ran(base) and not _ran(session):
            what = "Every test is skipped" if base.tests else "There is no test in what was given"
            return broke(NAME, f"{what}, with or without the answer.", "Give tests that run.", **more)
        return None

    def _complaint(self, again: SecondRun | None) -> str:
        """What to tell the model, empty if nothing is wrong."""
        wrong = self.wrong if again is None else again.against(self.wrong, self._passed_before())
        return tidy(self._cut_short() or self._failing(wrong) or self._unsound(), MOST)

    def _cut_short(self) -> str:
        """What to tell of a run that did not come to its end."""
        session, bounds = self.session, self.case.bounds
        text = "\n".join([session.result.stderr, *session.reading.report.messages.values()])
        if session.result.killed == "memory" or _OUT_OF_MEMORY in text:
            most = f"the {bounds.memory} MiB" if bounds.memory is not None else "all"
            return f"The tests used more than {most} of memory there is, with your change."
        if session.result.killed == "output":
            return "The tests printed without end with your change."
        if session.hung:
            begun = self.expected.missing(tuple(session.tests))
            at = f" It did not get past {begun[0]}." if begun else ""
            return f"The tests took longer than {bounds.timeout:g} s: an endless loop, or far too slow?{at}"
        return f"The run was ended by its limits ({session.result.killed})." if session.result.killed else ""

    def _failing(self, wrong: tuple[str, ...]) -> str:
        """What to tell of failing tests: the first in full, the others by name."""
        if not wrong:
            return ""
        before = self._passed_before()
        first = min(wrong, key=lambda test: test not in self.session.reading.report.messages)
        others = [test for test in wrong if test != first]
        lines = [f"{len(wrong)} of {len(self.session.tests)} tests did not pass. First: {first}"]
        lines[0] += " (it passed before your change)" if first in before else ""
        if self.session.tests[first] == "skipped":
            lines.append("It was skipped; a test must run and pass.")
        text = self.session.reading.report.messages.get(first, "")
        lines.append(tidy(text.removeprefix(first).strip(), 1000))
        lines += [listed(others, before)] if others else []
        return "\n".join(filter(None, lines))

    def _unsound(self) -> str:
        """What to tell of a run in which no test failed that counts, and that yet proves nothing."""
        session = self.session
        if session.reading.broken:
            shown = _told(session) if self.case.stack.name in _SAY_LITTLE else ""
            said = "\n".join(filter(None, [session.reading.broken, shown]))
            return f"The tests cannot be run with your change:\n{tidy(said, 1200)}"
        if self._changed:
            return f"The run changed {self._changed[0]}. Code under test must leave the tests as they are."
        if self.missing:
            return f"Tests that must pass were not found with your change: {', '.join(self.missing[:5])}."
        if not session.sentinels_failed:
            return "The tests' results do not add up. Code under test must not interfere with the test runner."
        passing = [test for test, result in session.tests.items() if result == "passed"]
        return "" if passing or self.wrong else "No test passed with your change."

    @property
    def _changed(self) -> tuple[str, ...]:
        """Files about the tests that only a run with the answer changed."""
        before = self.case.base.changed if self.case.base is not None else ()
        return tuple(path for path in self.session.changed if path not in before)

    def _passed_before(self) -> frozenset[str]:
        return frozenset(test for test, result in known_before(self.case).items() if result == "passed")

    def _weight(self, again: SecondRun | None) -> tuple[float, str]:
        """How much a pass proves, 0 to 1, and what a person should know of it."""
        if self.laid.own:
            changed = ", ".join(self.laid.own)
            return 0.5, f"The answer changes {changed}, which the runner itself reads; look at that change."
        if again is not None and again.flaky:
            return by_nature(again)
        if self._before() == "all passed":
            return NO_EVIDENCE
        return COMPARED_INSIDE, "The tests compared values where the answer's own code runs."

    def _before(self) -> str:
        base = self.case.base
        if base is None:
            return "not run"
        if base.hung:
            return "took too long"
        known = known_before(self.case)
        wrong = [test for test, result in known.items() if result == "failed"]
        if not known or not base.sentinels_failed:
            return "did not run"
        gone = set(self.expected.ids) - set(known)
        return f"{len(wrong)} of {len(known)} failed" if wrong or gone else "all passed"

    def _facts(self, again: SecondRun | None, twin: tuple[Twin, Session] | None) -> dict[str, Any]:
        session, case = self.session, self.case
        results = list(session.tests.values())
        evidence: dict[str, object] = {
            "runner": case.stack.name,
            "version": session.reading.version,
            "command": list(session.command),
            "exit_status": session.result.exit_status,
            "counts": {result: results.count(result) for result in dict.fromkeys(results)},
            "expected": len(self.expected.ids),
            "collected": len(session.tests),
            "sentinel": "none"
            if not session.marked.sentinels
            else "failed as it must"
            if session.sentinels_failed
            else "did not fail",
            "tests": {
                path: sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
                for path, text in case.share.tests.items()
            },
            "base": self._before(),
            "put_back": list(self.laid.kept.put_back),
            "left_out": list(self.laid.kept.left_out),
            "seconds": round(session.result.seconds, 3),
        }
        if again is not None and again.flaky:
            evidence |= {"flaky": list(again.flaky), "flaky_before": list(again.flaky_before)}
        if twin is not None:
            evidence["twin"] = {"tests": len(twin[0].ids), "failed": len(twin[0].ids) - len(_passing(twin))}
        if self.laid.notes:
            evidence["notes"] = list(self.laid.notes)
        return {"evidence": evidence, "seconds": session.result.seconds, "isolation": session.result.isolation}


def _lacks(case: Case, session: Session) -> dict[str, Lack]:
    """What failing tests, or the run as a whole, say is missing."""
    report = session.reading.report
    told = {"": session.reading.broken, **{test: report.messages.get(test, "") for test in session.tests}}
    found = {test: case.stack.environment(case.brief, text) for test, text in told.items() if text}
    return {test: lack for test, lack in found.items() if lack is not None}


def _told(session: Session) -> str:
    return (session.result.stderr.strip() or session.result.stdout.strip())[-600:]


def _equal_to_everything(twin: tuple[Twin, Session] | None) -> str:
    """What to tell the model where a test passes whatever it expects."""
    passing = _passing(twin) if twin is not None else ()
    return equal_to_everything(passing[0]) if passing else ""


def _passing(twin: tuple[Twin, Session]) -> tuple[str, ...]:
    return tuple(sorted(test for test in twin[0].ids if twin[1].tests.get(test) == "passed"))


def foreseen(case: Case) -> Verdict | None:
    """The verdict that every answer would get: the runner itself says on the untouched project what it lacks."""
    base = case.base
    lack = None if base is None or base.result.killed else base.reading.lack
    stated = case.stack.name == "command"  # what it starts may be the answer's to write
    return None if lack is None or stated else unavailable(NAME, lack.why, lack.mend)


def _ran(session: Session) -> bool:
    return any(result != "skipped" for result in session.tests.values())
