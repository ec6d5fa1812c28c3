"""What a refusal names as its cure, in the words of the servers that say it."""

from __future__ import annotations

import json

import pytest

from escalator.errors import ProviderError
from escalator.providers.chat.body import Terms
from escalator.providers.terms import agreed, room

USUAL = Terms()


def _refusal(said: str, status: int = 400, **more: str) -> ProviderError:
    body = json.dumps({"error": {"message": said, "type": "invalid_request_error", **more}})
    return ProviderError(f"The server answered {status}: {said}", kind="bad_request", status=status, body=body)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Your organization must be verified to stream this model.", Terms(stream=False)),
        ("Streaming is not supported for this model.", Terms(stream=False)),
        ("This deployment does not support streaming.", Terms(stream=False)),
        ("Streaming responses are disabled here; set stream=false.", Terms(stream=False)),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            Terms(new_limit_name=True),
        ),
        ("Use 'max_completion_tokens' instead of 'max_tokens'.", Terms(new_limit_name=True)),
        ("`max_tokens` is deprecated; use `max_completion_tokens`.", Terms(new_limit_name=True)),
        ("Unrecognized request argument supplied: 'stream_options'", Terms(without=frozenset({"stream_options"}))),
        (
            '[{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]',
            Terms(without=frozenset({"stream_options"})),
        ),
        (
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) is supported.",
            Terms(without=frozenset({"temperature"})),
        ),
        ("System role not supported", Terms(system=False)),
        ("This model does not support the 'system' role.", Terms(system=False)),
        ("Unexpected role: system", Terms(system=False)),
        ("Developer instruction is not enabled for models/gemma-3-27b-it", Terms(system=False)),
        (
            'Error rendering prompt with jinja template: "Only user and assistant roles are supported!"',
            Terms(system=False),
        ),
        ("Conversation roles must alternate user/assistant/user/assistant/...", Terms(system=False)),
    ],
)
def test_a_refusal_that_names_its_cure_is_understood_once(said: str, wanted: Terms) -> None:
    """What was agreed is asked for no second time: a server that refuses it still has nothing more to say."""
    assert agreed(_refusal(said), USUAL) == wanted
    assert agreed(_refusal(said), wanted) is None


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("The model `x` does not exist", 404),
        ("Rate limit reached for streaming requests", 429),
        ("Streaming is not supported for this model.", 503),
        ("Invalid 'messages[0].content': string too long.", 400),
        ("'max_tokens' or 'max_completion_tokens' is too large: 4000.", 400),
        ("The stream of tokens was empty; your request is not valid JSON.", 400),
        ("The system is not available for maintenance.", 400),
        ("temperature must be between 0 and 2", 400),
    ],
)
def test_other_refusals_name_no_cure(said: str, status: int) -> None:
    """A wrong value, a limit or a trouble of the server is not cured by asking otherwise."""
    assert agreed(_refusal(said, status), USUAL) is None


def test_a_template_may_fail_as_the_servers_own_fault() -> None:
    """Some servers answer 500 where the template of a model raises."""
    assert agreed(_refusal("System role not supported", 500), USUAL) == Terms(system=False)


def test_terms_are_added_to_those_agreed_before() -> None:
    """A server may want several things, which it names one after the other."""
    first = agreed(_refusal("Streaming is not supported for this model."), USUAL)
    assert first is not None
    both = agreed(_refusal("System role not supported"), first)
    assert both == Terms(stream=False, system=False)


@pytest.mark.parametrize(
    ("said", "asked", "found"),
    [
        (
            (
                "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (3000 in the "
                "messages, 2000 in the completion). Please reduce the length of the messages or completion."
            ),
            2000,
            (3000, 4096),
        ),
        (
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is 4096 "
                "tokens and your request has 500 input tokens (4000 > 4096 - 500)."
            ),
            4000,
            (500, 4096),
        ),
        (
            (
                "You passed 500 input tokens and requested 4000 output tokens. However, the model's context length is only "
                "4096 tokens, resulting in a maximum input length of 96 tokens."
            ),
            4000,
            (500, 4096),
        ),
        (
            (
                "Requested token count exceeds the model's maximum context length of 8,192 tokens. You requested a total of "
                "9,000 tokens: 5,000 tokens from the input messages and 4,000 tokens for the completion."
            ),
            4000,
            (5000, 8192),
        ),
        (
            "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 500 `inputs` tokens and 4000 `max_new_tokens`",
            4000,
            (500, 4096),
        ),
        (
            "input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease them",
            8192,
            (195_000, 200_000),
        ),
        (  # the prompt alone is too long
            "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
            1000,
            None,
        ),
        (  # next to nothing is left
            (
                "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the "
                "messages, 1000 in the completion)."
            ),
            1000,
            None,
        ),
        ("request (2018 tokens) exceeds the available context size (512 tokens), try increasing it", 400, None),
        ("prompt is too long: 219,898 tokens > 200,000 maximum", 4096, None),
    ],
)
def test_the_room_that_is_left_is_read_from_an_overflow(
    said: str, asked: int, found: tuple[int, int] | None
) -> None:
    """Only where prompt, window and answer are all named, the prompt fits and enough is left for an answer."""
    assert room(said, asked) == found
