"""Which tests must pass, told by their run on the untouched project, by the caller, or by their text. Pure."""

from __future__ import annotations

from escalator.validators.reports import Result
from escalator.validators.stacks.session import Case
from escalator.validators.tests.decision import Expected


def expect(case: Case, given: tuple[str, ...] | None) -> Expected:
    """The tests that must pass: the caller's list, else for each file what the untouched project ran, else what
    its text defines. What the text says is to be skipped is excused only where it did not run without the answer.
    """
    defined, known = case.stack.defined(case.brief, case.share), known_before(case)
    if given is not None:
        return Expected(ids=given, excused=frozenset(each for each in known if known[each] == "skipped"))
    ids = [test for test in known if test not in case.stack.wholes(case.share)]
    ran = set(map(file_of, ids))
    excused = {test for test in ids if known[test] == "skipped"}
    ids += [test for test in defined.ids if file_of(test) not in ran]
    excused |= {test for test in defined.excused if file_of(test) not in ran}
    return Expected(ids=tuple(dict.fromkeys(ids)), excused=frozenset(excused))


def known_before(case: Case) -> dict[str, Result]:
    """What became of the tests without the answer; nothing where that run cannot be believed."""
    base = case.base
    usable = base is not None and not base.reading.broken and not base.result.killed
    return dict(base.tests) if base is not None and usable else {}


def file_of(test: str) -> str:
    """The file, or package, that a test stands in."""
    return test.partition("::")[0]
