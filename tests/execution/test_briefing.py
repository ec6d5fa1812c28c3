"""A task is read once and checked once: what no model could be asked for is named, with what to pass instead."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import BaseModel

from escalator import TaskError
from escalator.execution.briefing import LARGEST_IMAGE, make_brief
from escalator.records import Brief, Image, Task
from houses import BASE, BROKEN, RIGHT, TESTS, House


def brief(**fields: Any) -> Brief:
    """What is read of a task with these fields."""
    return make_brief(Task(**{"prompt": "Fix it.", **fields}))


class Point(BaseModel):
    x: int


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"files": {"/etc/hosts": "x"}}, r"files: '/etc/hosts' cannot be used: .*\(pass paths relative to the"),
        ({"files": {"a\\b.py": "x"}}, r"it holds a backslash \(pass paths relative"),
        ({"files": {"": "x"}}, r"files: '' cannot be used: it is empty"),
        ({"files": {"a.py": b"x"}}, r"files: the content of 'a.py' is bytes, not str"),
        ({"tests": {"t.py": 3}}, r"tests: the content of 't.py' is int, not str"),
        ({"workspace": "~nobody-of-that-name/x"}, r"workspace: nobody knows the home that ~nobody"),
        ({"images": ["~nobody-of-that-name/x.png"]}, r"images: nobody knows the home .*\(write it out\)"),
        ({"images": ["missing.png"]}, r"images: the picture missing.png does not exist"),
        ({"images": [Path("a.svg")]}, r"images: a.svg is not a picture models accept \(use one of .gif, .jpeg"),
        ({"budget": "nan"}, r"budget: nan is not an amount of USD from 0 upward"),
        ({"budget": -1}, r"budget: -1 is not an amount"),
        ({"budget": True}, r'budget: True is not an amount of USD \(write "0.25"\)'),
        ({"deadline": -0.5}, r"deadline: -0.5 s leaves no time \(pass seconds above 0, or None\)"),
        ({"complexity": "5"}, r"complexity: '5' is str, not a number"),
        ({"complexity": float("nan")}, r"complexity: nan is not between 0 and 10"),
        ({"response_schema": int}, r"neither a JSON Schema nor a pydantic model \(pass one of the two\)"),
        ({"response_schema": {"type": object()}}, r"response_schema: it is not JSON: .*\(use plain values\)"),
        ({"benchmark": {"sizes": {1, 2}}}, r"benchmark: it is not JSON: .*set"),
        ({"benchmark": {"setup": "\ud800"}}, r"benchmark: it is not JSON"),
        ({"requirements": ["Fine.", "Not \ud800."]}, r"requirements: it holds half a character"),
        ({"tags": "\udfff"}, r"tags: it holds half a character .*\(decode it anew\)"),
        ({"language": "\ud800"}, r"language: it holds half a character"),
        ({"task_id": "t\ud800"}, r"task_id: it holds half a character"),
    ],
)
def test_what_cannot_be_read_names_its_argument_and_the_way_out(wrong: dict[str, Any], says: str) -> None:
    """Nothing of it comes as far as a model or the ledger."""
    house = House({"small": [RIGHT]})
    with pytest.raises(TaskError, match=says) as caught:
        house.execute(**wrong)
    assert [caught.value.field] == list(wrong)
    assert (house.models(), house.ledger.tasks()) == ([], [])


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    """The hint says where the file belongs."""
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(TaskError, match=r"a.py is not a directory \(pass the directory and name it in files\)"):
        brief(workspace=tmp_path / "a.py")


def test_a_workspace_in_the_home_may_be_written_with_a_tilde() -> None:
    """`~` is the user's home, whichever it is; the brief has the real directory."""
    project = Path.home() / "project"
    project.mkdir()
    (project / "a.py").write_text("x = 1\n")
    read = brief(workspace="~/project", files=["a.py"])
    assert read.workspace == project.resolve()
    assert read.files == {"a.py": "x = 1\n"}


def test_a_trusted_test_is_never_among_the_files_to_be_changed() -> None:
    """Given as both it is a test, and protected; given as nothing but that, somebody must decide."""
    both = {**BASE, **TESTS}
    read = brief(files=both, tests=TESTS)
    assert (set(read.files), read.protected) == (set(BASE), tuple(TESTS))
    with pytest.raises(TaskError, match=r"both to be changed and a trusted test \(name it in one of the two\)"):
        brief(files=TESTS, tests=TESTS)


@pytest.mark.parametrize("name", ["a.png", "A.JPG", "b.jpeg", "c.webp", "d.gif"])
def test_a_picture_is_read_by_its_ending_in_any_case(tmp_path: Path, name: str) -> None:
    """Models are told the kind of a picture, so it is taken from the name once and never guessed."""
    (tmp_path / name).write_bytes(b"picture")
    (image,) = brief(images=tmp_path / name).images
    assert image.data == b"picture"
    assert image.media_type == f"image/{name.rpartition('.')[2].lower().replace('jpg', 'jpeg')}"


def test_a_picture_in_memory_is_taken_as_it_is() -> None:
    """One alone is a list of one."""
    image = Image(media_type="image/png", data=b"x")
    assert brief(images=image).images == brief(images=[image]).images == (image,)


def test_a_picture_too_large_for_any_model_is_refused_by_its_size(tmp_path: Path) -> None:
    """Its bytes are not even read."""
    large = tmp_path / "a.png"
    with large.open("wb") as file:
        file.truncate(LARGEST_IMAGE)
    assert len(brief(images=[large]).images[0].data) == LARGEST_IMAGE
    with large.open("ab") as file:
        file.write(b"x")
    with pytest.raises(TaskError, match=r"larger than 20 MiB \(scale it down\)"):
        brief(images=[large])


@pytest.mark.parametrize("given", [0.1, "0.1", Decimal("0.1")])
def test_a_budget_means_the_digits_that_were_written(given: Any) -> None:
    """A float is the decimal a person reads, not its binary neighbour."""
    assert brief(budget=given).budget == Decimal("0.1")


def test_nothing_may_be_spent_is_a_budget_too() -> None:
    """0 is a limit; None is none."""
    assert (brief(budget=0).budget, brief().budget) == (Decimal(0), None)


@pytest.mark.parametrize("given", [{"type": "object"}, OrderedDict(type="object"), MappingProxyType({"type": 1})])
def test_any_mapping_of_plain_values_is_a_schema(given: Any) -> None:
    """It is kept as it was given."""
    assert brief(response_schema=given).response_schema is given


def test_a_pydantic_model_stands_for_its_schema() -> None:
    """What the model's own method says is what a provider is sent."""
    assert brief(response_schema=Point).response_schema == Point.model_json_schema()


def test_every_task_without_an_id_gets_one_of_its_own() -> None:
    """Two tasks alike are two tasks."""
    assert len({brief().task_id for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"budget": "much"}, "budget: 'much' is not"),
        ({"deadline": 0}, "deadline: 0 s"),
        ({"budgte": 1}, "'budget'"),
    ],
)
def test_a_wrong_limit_of_a_resume_leaves_the_task_to_be_resumed(limits: dict[str, Any], says: str) -> None:
    """The mistake is named, nobody is asked, and the next resume finds the task where it was."""
    first = House({"small": [BROKEN, KeyboardInterrupt()]})
    with pytest.raises(KeyboardInterrupt):
        first.execute(task_id="t", validators=["syntax"])
    second = House({"small": [RIGHT]}, ledger=first.ledger)
    with pytest.raises(TaskError, match=says):
        second.escalator.resume("t", **limits)
    assert second.models() == []
    assert second.escalator.resume("t").status == "accepted"


def test_a_resume_has_the_limits_it_is_given_and_else_those_of_the_task() -> None:
    """A budget is replaced alone, and the deadline stays; the stored task itself is not changed."""
    first = House({"small": [KeyboardInterrupt()]})
    with pytest.raises(KeyboardInterrupt):
        first.execute(task_id="t", validators=["syntax"], budget="0.5", deadline=60)
    second = House({"small": [KeyboardInterrupt(), RIGHT]}, ledger=first.ledger)
    with pytest.raises(KeyboardInterrupt):
        second.escalator.resume("t", budget="0.25")
    outcome = second.escalator.resume("t", deadline=90)
    assert (outcome.brief.budget, outcome.brief.deadline) == (Decimal("0.5"), 90)


def test_texts_beside_a_workspace_stand_for_its_files(tmp_path: Path) -> None:
    """A name in another Unicode form is that of the tree, the conftest.py above a test comes along, links and
    folders are refused, and what the tree does not have is noted.
    """
    for name in ("caf\u00e9.py", "tests/conftest.py", "pkg/a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# theirs\n")
    (tmp_path / "link").symlink_to(tmp_path / "pkg")
    read = brief(
        workspace=tmp_path, files={"cafe\u0301.py": "x = 1\n", "new.py": ""}, tests={"tests/test_x.py": "T = 1\n"}
    )
    assert read.files == {"caf\u00e9.py": "x = 1\n", "new.py": ""}
    assert read.tests == {"tests/test_x.py": "T = 1\n", "tests/conftest.py": "# theirs\n"}
    assert read.absent == ("new.py", "tests/test_x.py")
    for files, words in {"link/a.py": "goes through a symbolic link", "pkg": "is a directory"}.items():
        with pytest.raises(TaskError, match=words):
            brief(workspace=tmp_path, files={files: "x = 1\n"})
    assert brief(files={"a.py": "x = 1\n"}).absent is None
