"""What a name looks like."""

import pytest

from escalator.languages.lookalikes import odd_characters, skeleton


@pytest.mark.parametrize(
    "text",
    [
        "gr\u0435et.py",
        "\u0261reet.py",
        "\uff47reet.py",
        "gre\u200bet.py",
        "gre\u00adet.py",
        "\U0001d420reet.py",
        "greet\u2024py",
    ],
)
def test_what_is_drawn_alike_has_one_skeleton(text):
    """Letters of other alphabets, widths and styles, and what is not drawn at all."""
    assert skeleton(text) == "greet.py"


@pytest.mark.parametrize("text", ["greet.py", "gr\u00e9et.py", "\u03b4reet.py", "Greet.py", "g_reet.py"])
def test_what_is_told_apart_has_not(text):
    """Plain names stay as they are, accents and letters of their own are seen."""
    assert (skeleton(text) == "greet.py") == (text == "greet.py")


def test_letters_of_mathematics_are_near_only():
    """A nu beside a v is meant, in code; in a path it is not."""
    assert skeleton("\u03bd_e") != "v_e"
    assert skeleton("\u03bd_e", near=True) == "v_e"


def test_the_odd_characters_are_named():
    """By number and name, for who cannot see them."""
    assert odd_characters("gr\u0435et") == "U+0435 CYRILLIC SMALL LETTER IE"
    assert odd_characters("greet") == ""
