"""A quote counts if it shows the point; a reply that says two things of one requirement says nothing."""

import json

import pytest

from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.semantic.prompt import exhibit
from escalator.validators.semantic.rubric import Item
from escalator.validators.semantic.vote import ReplyError, read_vote

BEFORE = "import os\n\n\ndef total(xs):\n    return 0\n\n\ndef other(xs):\n    return len(xs) + 1\n"
AFTER = BEFORE.replace("return 0", "# adds up all the numbers\n    return sum(xs)  # like the old one")
SHORT = "double = lambda n: n * 2\n"


def shown(before=BEFORE, after=AFTER, path="m.py"):
    files = {} if before is None else {path: before}
    brief = Brief(task_id="t", prompt="p", files=files)
    return exhibit(Candidate(brief=brief, changes=ChangeSet(files={path: after} if path else {}), answer=after))


def vote(*said, on=None, text="total adds up the numbers", defects=()):
    """The vote of a reply; `said` are (id, met, quote)."""
    items = [Item(key=key, text=text) for key in sorted({each[0] for each in said} | {"R1"})]
    requirements = [{"id": key, "met": met, "quote": quote} for key, met, quote in said]
    reply = {"requirements": requirements, "defects": list(defects), "control": "no"}
    return read_vote(json.dumps(reply), items, on or shown())


@pytest.mark.parametrize(
    "quote",
    [
        "def",
        "return",
        "import",
        "():",
        "(): {}",
        "return (",
        "xs",
        "total",
        "(xs)",
        "",
        "   ",
        "sum(ys)",
        "# adds up all the numbers",
        "adds up all the numbers",
        "# like the old one",
        "return len(xs) + 1",
        "import os",
    ],
)
def test_a_quote_that_shows_nothing_voids_the_item(quote):
    """Keywords, brackets, a lone name, a comment, what is not there and what was there before vouch for nothing."""
    found = vote(("R1", "yes", quote))
    assert (found.ballot, found.void) == ("undecided", ("R1",))


@pytest.mark.parametrize(
    ("quote", "code", "path"),
    [
        ("return sum(xs)", AFTER, "m.py"),
        ("sum(xs)", AFTER, "m.py"),
        ("def total(xs):\n    # adds up all the numbers\n    return sum(xs)", AFTER, "m.py"),
        ("return sum(xs)  # like the old one", AFTER, "m.py"),
        ("url = 'http://x'", "url = 'http://x'\n", "m.js"),
        ("def total(xs):", AFTER, "m.py"),
        ("n*2", SHORT, "m.py"),
        ("n  *\n 2", SHORT, "m.py"),
        ("x.lower()", "def f(x):\n    return x.lower()\n", "m.py"),
        ("@cache", "from functools import cache\n@cache\ndef f(x): return x\n", "m.py"),
        ('"a # b"', 'MARK = "a # b"\n', "m.py"),
        ("return true;", "// yes\nfunction f() { return true; }\n", "m.js"),
        ("color: #fff", "a { color: #fff }\n", "m.css"),
        ("# Title here", "# Title here\n\ntext\n", "m.md"),
        ('"retries": 3', '{"retries": 3}\n', "m.json"),
        ("Use a queue", "Use a queue: it is safe.\n", ""),
        ("#include <stdio.h>", "#include <stdio.h>\nint main(void) { return 0; }\n", "m.c"),
    ],
)
def test_an_honest_quote_counts(quote, code, path):
    """Short code, code without its white space, headings, data and words of an answer in words are quotes."""
    before = BEFORE if code is AFTER else None
    assert vote(("R1", "yes", quote), on=shown(before, code, path)).ballot == "pass"


def test_old_code_may_support_what_new_code_shows():
    """One requirement may be met by what was kept, if the vote points at what the answer did as well."""
    said = (("R1", "yes", "return sum(xs)"), ("R2", "yes", "return len(xs) + 1"))
    assert vote(*said).ballot == "pass"


def test_a_requirement_about_comments_may_be_shown_by_one():
    """Where a comment was asked for, it is the proof."""
    quote = "# adds up all the numbers"
    assert vote(("R1", "yes", quote), text="Explain total in a comment.").ballot == "pass"


def test_code_taken_away_is_a_change_of_its_block():
    """An answer that only deletes lines can be vouched for by what is left of the block."""
    before = "def f(x):\n    print(x)\n    return x + 1\n\n\ndef g(x):\n    return x - 1\n"
    on = shown(before, before.replace("    print(x)\n", ""))
    assert vote(("R1", "yes", "return x + 1"), on=on).ballot == "pass"
    assert vote(("R1", "yes", "return x - 1"), on=on).ballot == "undecided"


@pytest.mark.parametrize("words", [("no", "yes"), ("yes", "no"), ("yes", "unclear"), ("no", "yes", "yes")])
def test_two_words_for_one_requirement_are_a_contradiction(words):
    """Whichever comes last, an item judged in two ways is open."""
    found = vote(*(("R1", word, "return sum(xs)") for word in words))
    assert found.contradicted == ("R1",)
    assert (found.met["R1"], found.ballot) == ("unclear", "undecided")


def test_a_contradiction_takes_no_other_veto_away():
    """What was clearly found missing stays missing."""
    said = (("R1", "no", ""), ("R1", "yes", "return sum(xs)"), ("R2", "no", ""))
    assert vote(*said).ballot == "fail"


def test_the_same_word_twice_is_none():
    """A requirement judged twice alike is judged; but each of its quotes must count."""
    assert vote(("R1", "yes", "return sum(xs)"), ("R1", "yes", "sum(xs)")).ballot == "pass"
    assert vote(("R1", "yes", "return sum(xs)"), ("R1", "yes", "def")).ballot == "undecided"


def test_a_key_given_twice_is_no_reply():
    """JSON readers take the last of two; here neither is taken, and the checker is asked again."""
    item = '{"id": "R1", "met": "no", "met": "yes", "quote": "return sum(xs)"}'
    with pytest.raises(ReplyError, match="twice"):
        read_vote(
            f'{{"requirements": [{item}], "defects": [], "control": "no"}}', [Item(key="R1", text="x")], shown()
        )


def test_a_defect_may_stand_anywhere_in_what_was_shown():
    """Doubts need less than praise: the place of a blocking defect may be old code."""
    where = {
        "severity": "blocking",
        "where": "return len(xs) + 1",
        "what": "off by one",
        "call": "",
        "expected": "",
    }
    assert vote(("R1", "yes", "return sum(xs)"), defects=[where]).ballot == "fail"
