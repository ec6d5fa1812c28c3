"""The test validator judges projects of many shapes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from escalator.records import Brief
from escalator.validators.tests.suite import pytest_suite
from validators.judging import judged, needs_bwrap
from validators.layouts import GOOD, LAYOUTS, PLAIN, STUB

pytestmark = [*needs_bwrap, pytest.mark.slow]


def write(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def brief_of(root, layout, name) -> Brief:
    write(root, layout.project)
    there = layout.target in layout.project
    return Brief(
        task_id=name,
        prompt="Make double() double.",
        workspace=root,
        files={layout.target: layout.project[layout.target]} if there else {},
        tests={path: layout.project[path] for path in layout.tests},
    )


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Each layout's right answer and stub, judged by a validator of its own."""

    def both(name):
        layout = LAYOUTS[name]
        validator = pytest_suite(timeout=30, rerun_flaky=False, **layout.options)
        brief = brief_of(tmp_path_factory.mktemp("project"), layout, name)
        return [judged(validator, brief, {layout.target: code}) for code in (layout.good, layout.bad)]

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(LAYOUTS, pool.map(both, LAYOUTS), strict=True))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_right_answer_passes(verdicts, name):
    """The reference passes, and the untouched project did not."""
    right, _ = verdicts[name]

    assert right.passed, right
    assert right.evidence["base"] != "all passed"


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_pass_counts_in_full_where_its_values_were_compared_apart(verdicts, name):
    """What the tests of a layout write out is compared outside; where they write nothing out, the pass says so."""
    right, _ = verdicts[name]
    apart, tests = right.evidence["compared"]["blind"], right.evidence["collected"]

    assert right.confidence == round(0.9 + 0.1 * apart / tests, 3)
    assert bool(right.hint) == (apart < tests)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_stub_fails(verdicts, name):
    """The stub fails, and the feedback names a test."""
    _, stub = verdicts[name]

    assert stub.failed, stub
    assert "test" in stub.feedback


@pytest.mark.parametrize("target", ["answer.py", "calc.py"])
def test_tests_alone_are_enough(target):
    """Without a project the answer's only file serves as the module that the tests import."""
    brief = Brief(
        task_id="alone", prompt="Write double().", tests={"test_calc.py": "from calc import double\n" + PLAIN}
    )
    validator = pytest_suite(rerun_flaky=False)

    assert judged(validator, brief, {target: GOOD}).passed
    assert judged(validator, brief, {target: STUB}).failed
