"""What is put off until a request needs it gives the same judgement."""

from __future__ import annotations

from importlib import resources

import pytest

from escalator.classify.features import features
from escalator.classify.lexicon import Lexicon, lexicon
from escalator.classify.text import tokens
from escalator.classify.weights import packaged_weights, parse_weights

REQUESTS = (
    "Fix the typo in README.md: `recieve` -> receive.",
    'In src/app/main.py:42 rename get_user_id() to fetch_user_id, and parse_HTML5() too; see "the old name" here.',
    'Traceback (most recent call last):\n  File "a.py", line 3\nValueError: verify=False\n- one\n- two\n1) three',
    "Don't let strangers rm -rf our 10,000 users' data! GET /users/7 must return 403? 3.5 ms, x_1, a/b.c:3",
    "HTTPServer's __init__ calls foo.bar() => `x = {'a': 1}`; ... ,, (( \"unterminated",
)


@pytest.mark.parametrize("text", REQUESTS)
def test_text_in_ascii_is_taken_apart_alike_by_the_smaller_expression(text: str) -> None:
    """The expression without the sets of other scripts finds the same tokens, of the same kinds."""
    found = [
        [(match.lastgroup, match.group()) for match in tokens(plain=plain).finditer(text)]
        for plain in (True, False)
    ]
    assert found[0] == found[1]
    assert found[0]


@pytest.mark.parametrize("text", REQUESTS)
def test_the_first_request_is_judged_by_the_same_weights(text: str) -> None:
    """Only the rows of a request's own features weigh in its score, so only they need reading."""
    values = features(text).values
    whole = packaged_weights()
    some = parse_weights(
        resources.files("escalator.classify").joinpath("weights.tsv").read_text("utf-8"), only=values
    )
    assert len(some.rows) < len(whole.rows) / 10
    assert some.scores(values) == whole.scores(values)
    assert some.complexity(values, 1) == whole.complexity(values, 1)


def test_a_word_opens_the_patterns_of_its_first_two_letters_only() -> None:
    """Patterns with accents, elisions, hyphens, digits and single letters are found under the word they begin with."""
    made = Lexicon()
    listed = ("l'accès", "É tat", "e-mail*", "3 d", "a b", "Größe*", "qu'il faut", "été", "ﬁn")
    for pattern in listed:
        made.add("c", pattern)
    for word in ("l", "e", "3", "a", "großenwahn", "qu", "ete", "ﬁn"):
        assert made.openings(word) is not None, word
    assert made.openings("unheard") is None
    assert set(made.shelves) == {"l", "e", "3", "a", "gr", "qu", "et", "ﬁn"[:2], "un"}


def test_every_packaged_pattern_is_found_by_its_first_word() -> None:
    """Nothing on the list is out of reach."""
    known = lexicon()
    for beginning, patterns in known.written.items():
        shelf = known.shelf(beginning)
        kept = [pattern for index in (shelf.exact, shelf.stems) for some in index.values() for pattern in some]
        assert len(kept) == len(patterns)
        assert all(pattern.words[0].startswith(beginning) for pattern in kept), beginning
        assert all(known.openings(pattern.words[0]) is not None for pattern in kept)
