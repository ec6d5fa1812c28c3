"""The JSON validator holds an answer to a schema or a pydantic model."""

import json

import pytest
from pydantic import BaseModel, Field

from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.json_schema import json_schema

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size/mb": {"type": "integer", "minimum": 0},
    },
    "required": ["title"],
    "additionalProperties": False,
}


class Book(BaseModel):
    title: str = Field(min_length=1)
    pages: list[int] = []


def judge(answer="", files=None, response_schema=None, **options):
    brief = Brief(task_id="t", prompt="p", response_schema=response_schema)
    candidate = Candidate(brief=brief, changes=ChangeSet(files=files or {}), answer=answer)
    return json_schema(**options)(candidate)


def test_a_matching_answer_passes():
    """JSON of the right shape passes, white space and one code fence around it included."""
    assert judge('\n {"title": "x", "tags": ["a"]} \n', schema=SCHEMA).passed
    assert judge('```json\n{"title": "x"}\n```\n', schema=SCHEMA).passed


def test_the_tasks_own_schema_counts():
    """Without options, the task's response schema is what the answer is held to."""
    assert judge('{"title": "x"}', response_schema=SCHEMA).passed
    assert judge('{"title": 1}', response_schema=SCHEMA).failed


def test_without_a_schema_there_is_nothing_to_judge():
    """No schema anywhere gives a skip, and is known before any model is asked."""
    assert judge("{}").reason == "skipped"
    assert json_schema().inapplicable(Brief(task_id="t", prompt="p"))
    assert json_schema().inapplicable(Brief(task_id="t", prompt="p", response_schema={})) is None


def test_faults_are_named_by_json_pointer():
    """Each fault of shape is told with the place of the value, slashes in keys escaped."""
    verdict = judge(json.dumps({"title": "", "tags": ["a", 2], "size/mb": -1}), schema=SCHEMA)
    assert verdict.failed
    assert "/tags/1: 2 is not of type 'string'" in verdict.feedback
    assert "/size~1mb: -1 is less than the minimum of 0" in verdict.feedback


def test_at_most_five_faults_are_told():
    """A hopeless answer does not flood the next prompt."""
    verdict = judge(json.dumps({"title": "x", "tags": list(range(500))}), schema=SCHEMA)
    assert len(verdict.feedback.splitlines()) == 6


@pytest.mark.parametrize(
    "answer", ["", "Here you are: {}", '{"title": "x"', "{'title': 'x'}", '{"title": NaN}', "[" * 99999]
)
def test_what_is_not_json_fails_with_its_place(answer):
    """Prose, cut-off JSON, Python literals, NaN and hostile nesting fail with a hint at the place."""
    verdict = judge(answer, schema=SCHEMA)
    assert verdict.failed
    assert "answer:1:" in verdict.feedback


def test_a_json_file_of_the_answer_is_judged_instead_of_its_text():
    """When the answer is a JSON file, the prose around it does not matter."""
    verdict = judge("I wrote the file.", files={"out.json": '{"title": "x"}'}, schema=SCHEMA)
    assert verdict.passed
    assert verdict.evidence["judged"] == "out.json"


def test_a_pydantic_model_judges():
    """A pydantic model, as a class or by name, decides, and its messages become feedback."""
    assert judge('{"title": "x", "pages": [1]}', model=Book).passed
    verdict = judge('{"title": "x", "pages": [1, "two"]}', model=Book)
    assert verdict.failed
    assert "/pages/1: Input should be a valid integer" in verdict.feedback
    assert judge("[1, 2]", model="builtins:list").passed


def test_a_model_that_does_not_import_is_unavailable():
    """A wrong model name is the matrix's fault, never the answer's."""
    assert judge("{}", model="no.such.module:Book").reason == "unavailable"
    assert judge("{}", model="json:NoSuchName").reason == "unavailable"


def test_foreign_references_are_not_fetched():
    """A reference to another document makes the verdict inconclusive; no network is used."""
    verdict = judge("{}", schema={"$ref": "http://127.0.0.1:9/schema.json"})
    assert verdict.reason == "error"


def test_a_broken_schema_is_refused_when_the_validator_is_made():
    """A schema that is not one is found when the matrix is read."""
    with pytest.raises(ValueError, match="schema:"):
        json_schema(schema={"type": "strnig"})
    with pytest.raises(ValueError, match="model:"):
        json_schema(model="Book")


def test_a_broken_schema_of_the_task_is_an_error_not_a_fail():
    """An answer is not blamed for a task whose schema cannot be used."""
    assert judge("{}", response_schema={"type": 12}).reason == "error"


def test_huge_integers_do_not_break_the_judge():
    """An integer of ten thousand digits is judged, not raised at."""
    assert judge('{"title": "x", "size/mb": ' + "9" * 10_000 + "}", schema=SCHEMA).status in {"passed", "failed"}
