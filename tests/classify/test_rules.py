"""The built-in classifier: what it calls a request, and how it behaves on any text."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.classify import BANDS, TASK_TYPES, classify_brief, classify_text
from escalator.classify.features import features
from escalator.classify.text import WINDOW
from escalator.records import Brief
from processor import processor_seconds


@pytest.mark.parametrize(
    "request_text",
    [
        "If I put another number into the link, I can read my neighbour's medical letters.",
        "The former tenant can still unlock the front door with the old phone.",
        "When two tellers book at the same time the customer is debited twice.",
        "After last night's update, our users' saved drafts are gone.",
        "Si cambio el número en la dirección veo las facturas de otra persona.",
        "Wer die Nummer in der Adresse ändert, sieht fremde Rechnungen.",
        "改一下网址里的编号就能看到别人的病历",
        "Если поменять номер в адресе, видно чужие договоры.",
    ],
)
def test_stakes_in_plain_words_are_critical(request_text: str) -> None:
    """A fault that lets somebody in, loses data or moves money is critical however harmless its words are."""
    found = classify_text(request_text)

    assert found.task_type == "critical", found


@pytest.mark.parametrize(
    "request_text",
    [
        'SECURITY.md: "authentification" -> "authentication" in the first heading',
        "The comment above encrypt() says 64 bytes, it is 32. Change the comment only, not the code.",
        'In payments.md the word \'refund\' has a typo: "refnud" -> "refund"',
        "Rename the local variable `attack` to `move` in chess.py, nothing else uses it.",
        "URGENT: the heading of the disaster recovery page is missing a letter",
    ],
)
def test_small_edits_stay_small_in_frightening_words(request_text: str) -> None:
    """A named edit of a text, a comment or a name is a quick edit, whatever the text is about."""
    found = classify_text(request_text)

    assert found.task_type == "quick_edit", found


@pytest.mark.parametrize(
    ("request_text", "task_type"),
    [
        ("Add a --csv option to the list command, with tests", "standard_development"),
        ("Write unit tests for verify_password(); do not change the function", "standard_development"),
        ("For my cryptography homework: Caesar cipher in Python with a few tests", "standard_development"),
        (
            "Design a plug-in system for our editor: interfaces, versions, isolation of errors",
            "complex_architecture",
        ),
        (
            "Just a small thing: every one of our 30 teams should be able to add its own screens",
            "complex_architecture",
        ),
        ("SQL injection in the login form, please fix it and check the other queries", "critical"),
        ("Migrate the production orders table, 400M rows, without downtime", "critical"),
        ("fix the typo in the README", "quick_edit"),
    ],
)
def test_requests_are_called_what_their_work_is(request_text: str, task_type: str) -> None:
    """The type follows the work that is asked for."""
    assert classify_text(request_text).task_type == task_type


def test_a_role_given_to_the_model_is_not_the_work() -> None:
    """What a prompt says about who the model is does not count; what it asks for does."""
    asked = 'Fix the typo "teh" in notes.md.'
    preamble = "You are a world-class security architect of distributed payment systems. Think step by step. "

    assert classify_text(preamble + asked).task_type == classify_text(asked).task_type == "quick_edit"


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=600))
def test_any_text_gets_a_usable_answer(text: str) -> None:
    """Whatever is typed, the answer names a known type, a complexity within its band, a share, and a reason."""
    found = classify_text(text)

    low, high = BANDS[found.task_type]
    assert found.task_type in TASK_TYPES
    assert low <= found.complexity <= high
    assert 0.0 <= found.confidence <= 1.0
    assert found.reasons


@pytest.mark.parametrize("text", ["", "   \n", "!!!", "1234", "``````", "🙂🙂🙂"])
def test_a_request_without_words_is_not_guessed_at(text: str) -> None:
    """With nothing to judge by, the work is taken for ordinary and the confidence says so."""
    found = classify_text(text)

    assert (found.task_type, found.confidence) == ("standard_development", 0.25)


@pytest.mark.parametrize(
    "text",
    [
        "fix it",
        "make it better",
        "the app is broken",
        "please fix the bug",
        "不工作",
        "не работает",
        "काम नहीं कर रहा",
    ],
)
def test_a_request_that_names_nothing_is_taken_for_ordinary_work(text: str) -> None:
    """A few words that could be asked of anything are not called an edit or a danger, and the confidence is low."""
    found = classify_text(text)

    assert (found.task_type, found.confidence) == ("standard_development", 0.25)


@pytest.mark.parametrize(
    ("text", "task_type"),
    [
        ("fix the typo", "quick_edit"),
        ("SQL injection in login", "critical"),
        ("design a plugin system", "complex_architecture"),
    ],
)
def test_a_few_words_that_name_the_work_are_enough(text: str, task_type: str) -> None:
    """A short request that says what it is about is judged by that."""
    assert classify_text(text).task_type == task_type


@pytest.mark.parametrize(
    ("glued", "spaced"),
    [("给parse_line函数写注释", "给 parse_line 函数写注释"), ("修改README里的错别字", "修改 README 里的错别字")],
)
def test_scripts_without_spaces_are_told_from_the_names_among_them(glued: str, spaced: str) -> None:
    """A name written into Chinese text without spaces is read as if it had them."""
    assert classify_text(glued) == classify_text(spaced)


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("`recieve` should read receive", True),
        ("the heading says Artchitecture, make it Architecture", True),
        ("rename `charge` to charges", False),
        ("move the header into the footer", False),
    ],
)
def test_a_word_beside_its_correction_is_noticed(text: str, twin: bool) -> None:
    """Two words that differ inside by a slip of the pen speak for a correction; an ending does not."""
    assert ("size:word beside its correction" in features(text).values) is twin


def test_only_head_and_tail_of_a_long_request_are_read() -> None:
    """What stands in the middle of a long request cannot change the answer, so the time is bounded."""
    head, tail = "Fix the typo in the title. " * 100, " Nothing else, please." * 50
    middle = "SQL injection lets anybody read the patients' records in production. " * 2000

    assert classify_text(head + "x" * WINDOW + tail) == classify_text(head + middle + tail)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a1",
        "a.",
        "a_",
        "a/",
        "aB",
        "\n",
        " at ",
        "if a",
        "`",
        '"',
        "1,",
        "verify",
        "漢字",
        "- ",
        "you are a ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """Text made to trip a pattern is read about as fast as any other: what it is made of is not read to its end."""
    classify_text(piece)

    with processor_seconds(at_most=0.5):
        classify_text(piece * 100_000)


def test_the_same_request_gets_the_same_answer() -> None:
    """A classification depends on the request alone."""
    text = "Rework the importer so that other teams can add formats; 30 exist."

    assert classify_text(text) == classify_text(text)


def test_reasons_quote_the_words_they_rest_on() -> None:
    """A reason says what was understood and by which words."""
    found = classify_text("Somebody else's invoices can be opened without logging in.")

    assert any("somebody else's" in reason or "invoices" in reason for reason in found.reasons), found.reasons


def test_a_task_is_judged_by_its_prompt() -> None:
    """The classifier takes a task with everything read, as every classifier does."""
    brief = Brief(task_id="t", prompt="Fix the typo in the heading", files={"docs/a.md": "# Helo"})

    assert classify_brief(brief) == classify_text(brief.prompt, files=["docs/a.md"])


def test_files_that_are_all_documents_speak_for_an_edit() -> None:
    """Knowing that only documents may change makes a quick edit likelier, never less likely."""
    text = "Correct what it says about the key rotation."
    with_documents = classify_text(text, files=[str(PurePosixPath("docs") / "keys.md")])
    without = classify_text(text)

    assert with_documents != without
    assert with_documents.complexity <= without.complexity


@pytest.mark.parametrize(
    ("text", "judgement", "reasons"),
    [
        (
            'Fix the typo in the heading of docs/intro.md: "recieve" should be "receive".',
            ("quick_edit", 0.5, 1.0),
            (
                'documentation or a comment: "heading"',
                "what it contains: quotation",
                "what it contains: document named",
                "what it contains: file name",
            ),
        ),
        (
            "Rename the local variable `tmp` to `total` in sums.py.",
            ("quick_edit", 0.75, 0.999),
            (
                "what it contains: file name",
                'a rename: "rename"',
                "what it contains: inline code",
                'the request limits itself: "local variable"',
            ),
        ),
        (
            "Add a --json option to the export command, with tests for an empty list.",
            ("standard_development", 3.75, 1.0),
            (
                'something of ordinary size is to be written: "add a"',
                'a part of a screen or a tool: "json"',
                'tests are the work: "tests for"',
            ),
        ),
        (
            "fix_total() returns None when the cart is empty; it should return 0. See cart.py:41.",
            ("standard_development", 4.0, 0.832),
            ('something of ordinary size is to be written: "should return"',),
        ),
        (
            "Design how plug-ins of other teams are loaded, versioned and isolated in our editor; 30 exist.",
            ("complex_architecture", 7.0, 0.999),
            (
                'others shall extend it: "plug ins"',
                'a design is asked for: "design"',
                'many parts of a program: "teams"',
                'the request asks a question: "how"',
            ),
        ),
        (
            "Move the monolith's reporting module into a service of its own without stopping the others.",
            ("complex_architecture", 7.0, 0.679),
            ('modules, layers and interfaces between them: "module"',),
        ),
        (
            "Anybody who changes the number in the link can read other customers' invoices.",
            ("critical", 9.25, 0.996),
            (
                'the wrong person sees or does something: "anybody"',
                'money: "invoices"',
                'real users or a running system: "customers"',
                'code that guards something: "can read"',
            ),
        ),
        (
            "Migrate the production orders table, 400M rows, without downtime.",
            ("critical", 9.25, 0.993),
            (
                'money: "orders"',
                'moving data that exists: "m rows"',
                'real users or a running system: "production"',
                "huge records or users",
            ),
        ),
        (
            "You are a senior engineer. Think step by step. Write a function that says whether a year is a leap year.",
            ("standard_development", 3.75, 0.826),
            ('something of ordinary size is to be written: "write"',),
        ),
        (
            "Die Überschrift auf der Hilfeseite hat einen Tippfehler.",
            ("quick_edit", 0.5, 0.825),
            ('documentation or a comment: "uberschrift"', 'a spelling mistake: "tippfehler"'),
        ),
        (
            "改一下网址里的编号就能看到别人的病历",
            ("critical", 9.25, 0.972),
            (
                'who may do or see what: "能看到别人"',
                'the wrong person sees or does something: "别人"',
                'data about people: "病历"',
            ),
        ),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\nKeyError: 'id'\nWhat is wrong here?",
            ("complex_architecture", 6.75, 0.585),
            (
                'modules, layers and interfaces between them: "module"',
                "what it contains: question mark",
                'the request asks a question: "what"',
                'many parts of a program: "file"',
            ),
        ),
        (
            "please fix it",
            ("standard_development", 4.0, 0.25),
            ("the request says too little to judge by: took it for work of ordinary size",),
        ),
    ],
)
def test_judgements_stay_what_they_were(
    text: str, judgement: tuple[str, float, float], reasons: tuple[str, ...]
) -> None:
    """Type, complexity, confidence and every reason of some requests, so that a faster reading is the same reading."""
    found = classify_text(text)

    assert (found.task_type, found.complexity, found.confidence) == judgement
    assert found.reasons == reasons
