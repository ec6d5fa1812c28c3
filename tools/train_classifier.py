"""Trains the weights of the built-in classifier from the labelled requests beside this file.

    python tools/train_classifier.py              train, report cross-validated figures, write the weights
    python tools/train_classifier.py --check      fail if the shipped weights are not what training gives
    python tools/train_classifier.py --report     cross-validated figures, and each author's requests judged by
                                                  weights from the other's; nothing is written
    python tools/train_classifier.py --eval FILE  how the shipped weights do on another labelled file

Only the standard library is used. The same requests give the same file.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from escalator.classify.features import features  # noqa: E402
from escalator.classify.protocol import TASK_TYPES  # noqa: E402
from escalator.classify.weights import Weights, cheapest_mistake, packaged_weights, softmax  # noqa: E402

FIRST = ROOT / "tools" / "classifier" / "requests.jsonl"
SECOND = ROOT / "tools" / "classifier" / "second_author.jsonl"
WEIGHTS = ROOT / "src" / "escalator" / "classify" / "weights.tsv"

SEED = 20
FOLDS = 5
PASSES = 24
STEP = 0.1
SHRINK = 0.2
RAREST = 2
FAINTEST = 0.03
LEANING_PASSES = 30
LEANING_SHRINK = 6.0
DIGITS = 3


class Example(NamedTuple):
    """A labelled request as the trainer sees it."""

    values: dict[str, float]
    label: int
    complexity: float
    hard: bool


def load(path: Path) -> list[Example]:
    """The labelled requests of a JSON Lines file."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [
        Example(
            values=features(row["text"]).values,
            label=TASK_TYPES.index(row["task_type"]),
            complexity=float(row["complexity"]),
            hard=bool(row.get("hard")),
        )
        for row in rows
    ]


def train(examples: list[Example], temperature: float = 1.0) -> Weights:
    """Fit the types by regularised multinomial logistic regression and the complexity by ridge regression."""
    frequency = Counter(name for example in examples for name in example.values)
    names = [name for name in sorted(frequency) if frequency[name] >= RAREST]
    number = {name: index for index, name in enumerate(names)}
    packed = [[(number[n], v) for n, v in sorted(e.values.items()) if n in number] for e in examples]
    shrink = [SHRINK / frequency[name] for name in names]
    rows, prior = fit_types(packed, [e.label for e in examples], shrink)
    means = [mean([e.complexity for e in examples if e.label == t]) for t in range(len(TASK_TYPES))]
    leanings = fit_leanings(packed, [e.complexity - means[e.label] for e in examples], names)
    kept = [i for i, row in enumerate(rows) if max(map(abs, row)) >= FAINTEST]
    return Weights(
        rows={names[i]: tuple(round(w, DIGITS) for w in rows[i]) for i in kept},
        leanings={names[i]: round(leanings[i], DIGITS) for i in kept},
        prior=tuple(round(w, DIGITS) for w in prior),
        means=tuple(round(m, DIGITS) for m in means),
        temperature=round(temperature, 2),
    )


def fit_types(
    packed: list[list[tuple[int, float]]], labels: list[int], shrink: list[float]
) -> tuple[list[list[float]], list[float]]:
    """Stochastic gradient descent with a step of its own for each feature. `shrink` is the L2 pull a visit."""
    types = range(len(TASK_TYPES))
    rows = [[0.0] * len(TASK_TYPES) for _ in shrink]
    seen = [1e-3] * len(shrink)
    prior = [0.0] * len(TASK_TYPES)
    order = list(range(len(packed)))
    dice = random.Random(SEED)
    for epoch in range(PASSES):
        dice.shuffle(order)
        step = STEP * (1.0 - 0.9 * epoch / PASSES)
        for index in order:
            active = packed[index]
            scores = list(prior)
            for name, value in active:
                row = rows[name]
                for t in types:
                    scores[t] += value * row[t]
            errors = softmax(scores)
            errors[labels[index]] -= 1.0
            energy = sum(error * error for error in errors)
            for name, value in active:
                seen[name] += value * value * energy
                rate = step / math.sqrt(seen[name])
                row, pull = rows[name], shrink[name]
                for t in types:
                    row[t] -= rate * (value * errors[t] + pull * row[t])
            for t in types:
                prior[t] -= 0.01 * errors[t]
    return rows, prior


def fit_leanings(packed: list[list[tuple[int, float]]], targets: list[float], names: list[str]) -> list[float]:
    """Ridge regression by coordinate descent on what is said and how much, not on single words."""
    columns: list[list[tuple[int, float]]] = [[] for _ in names]
    for index, active in enumerate(packed):
        for name, value in active:
            if not names[name].startswith(("word", "starts", "script", "pair")):
                columns[name].append((index, value))
    leanings = [0.0] * len(names)
    left = list(targets)
    for _ in range(LEANING_PASSES):
        for name, column in enumerate(columns):
            if not column:
                continue
            old = leanings[name]
            pulled = sum(value * (left[index] + old * value) for index, value in column)
            new = pulled / (sum(value * value for _, value in column) + LEANING_SHRINK)
            leanings[name] = new
            for index, value in column:
                left[index] -= (new - old) * value
    return leanings


def mean(numbers: list[float]) -> float:
    """The mean, 0 for none."""
    return sum(numbers) / len(numbers) if numbers else 0.0


def folds(examples: list[Example], count: int = FOLDS) -> list[int]:
    """A fold for each example, stratified by type and by whether it is misleading."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for index, example in enumerate(examples):
        groups.setdefault((TASK_TYPES[example.label], example.hard), []).append(index)
    dice = random.Random(SEED)
    fold = [0] * len(examples)
    for key in sorted(groups):
        dice.shuffle(groups[key])
        for place, index in enumerate(groups[key]):
            fold[index] = place % count
    return fold


class Guess(NamedTuple):
    """What was said of an example that the weights had not seen."""

    example: Example
    scores: list[float]
    complexities: list[float]


def guesses(weights: Weights, examples: list[Example]) -> list[Guess]:
    """What these weights say of examples."""
    return [
        Guess(
            example=example,
            scores=weights.scores(example.values),
            complexities=[weights.complexity(example.values, t) for t in range(len(TASK_TYPES))],
        )
        for example in examples
    ]


def cross_validate(examples: list[Example]) -> list[Guess]:
    """Each example judged by weights trained without its fold."""
    fold = folds(examples)
    out: list[Guess] = []
    for number in range(FOLDS):
        weights = train([e for e, f in zip(examples, fold, strict=True) if f != number])
        out += guesses(weights, [e for e, f in zip(examples, fold, strict=True) if f == number])
    return out


def across_authors(first: list[Example], second: list[Example], temperature: float) -> None:
    """Report each author's requests, and the half of the second's kept back, as judged by the other's weights."""
    half = folds(second, 2)
    seen, kept_back = ([e for e, part in zip(second, half, strict=True) if part == side] for side in (0, 1))
    for title, known, unknown in (
        ("second author, trained on the first", first, second),
        ("first author, trained on the second", second, first),
        ("second half of the second author, trained on all else", first + seen, kept_back),
    ):
        report(guesses(train(known), unknown), temperature, title)


def best_temperature(judged: list[Guess]) -> float:
    """The divisor of the scores under which the truth was likeliest."""

    def surprise(temperature: float) -> float:
        return -sum(
            math.log(softmax([s / temperature for s in g.scores])[g.example.label] + 1e-12) for g in judged
        )

    return max(1.0, min((t / 20 for t in range(8, 61)), key=surprise))


def report(judged: list[Guess], temperature: float, title: str) -> float:
    """Print figures and confusion matrices; returns the share judged right."""
    print(f"\n{title}: {len(judged)} requests")
    for part, hard in (("plain", False), ("misleading", True)):
        chosen = [g for g in judged if g.example.hard is hard]
        if chosen:
            show_matrix(chosen, temperature, part)
    share = mean([float(choice(g, temperature) == g.example.label) for g in judged])
    likeliest = mean([float(max(zip(g.scores, range(9), strict=False))[1] == g.example.label) for g in judged])
    miss = mean([abs(g.complexities[choice(g, temperature)] - g.example.complexity) for g in judged])
    right = [g for g in judged if choice(g, temperature) == g.example.label]
    within = mean([abs(g.complexities[g.example.label] - g.example.complexity) for g in right])
    print(f"  right: {share:.1%} (taking the likeliest type instead: {likeliest:.1%})")
    low = sum(g.example.label == 3 and choice(g, temperature) != 3 for g in judged)
    print(f"  critical sent low: {low} of {sum(g.example.label == 3 for g in judged)}")
    print(f"  complexity, mean absolute error: {miss:.2f}; where the type is right: {within:.2f}")
    print(f"  calibration error in ten bins: {calibration_error(judged, temperature):.3f}")
    return share


def choice(guess: Guess, temperature: float) -> int:
    """The type taken for a guess."""
    return cheapest_mistake(softmax([score / temperature for score in guess.scores]))


def show_matrix(judged: list[Guess], temperature: float, part: str) -> None:
    """One confusion matrix: a row for what it is, a column for what it was taken for."""
    table = Counter((g.example.label, choice(g, temperature)) for g in judged)
    right = sum(count for (truth, taken), count in table.items() if truth == taken)
    print(f"  {part}: {right / len(judged):.1%} of {len(judged)}")
    print(f"    {'':22}" + "".join(f"{name[:8]:>10}" for name in TASK_TYPES))
    for truth, name in enumerate(TASK_TYPES):
        print(f"    {name:22}" + "".join(f"{table[truth, taken]:>10}" for taken in range(len(TASK_TYPES))))


def calibration_error(judged: list[Guess], temperature: float) -> float:
    """Mean distance between stated confidence and share right, over ten bins of confidence."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for guess in judged:
        shares = softmax([score / temperature for score in guess.scores])
        taken = cheapest_mistake(shares)
        bins.setdefault(min(9, int(shares[taken] * 10)), []).append((shares[taken], taken == guess.example.label))
    return sum(
        abs(sum(stated for stated, _ in inside) - sum(right for _, right in inside)) for inside in bins.values()
    ) / len(judged)


def as_text(weights: Weights) -> str:
    """The weights as their file."""
    lines = [
        "# Weights of the built-in classifier, written by tools/train_classifier.py. One feature a line:",
        "# feature, then what it adds to the score of " + ", ".join(TASK_TYPES) + ", then to the complexity.",
        "\t".join(["=temperature", f"{weights.temperature:g}"]),
        "\t".join(["=prior", *(f"{w:g}" for w in weights.prior)]),
        "\t".join(["=mean complexity", *(f"{m:g}" for m in weights.means)]),
    ]
    for name, row in weights.rows.items():
        leaning = weights.leanings[name]
        lines.append("\t".join([name, *(f"{w:g}" for w in row), *([f"{leaning:g}"] if leaning else [])]))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the shipped weights differ from training")
    parser.add_argument("--report", action="store_true", help="report cross-validated figures, write nothing")
    parser.add_argument("--eval", type=Path, metavar="FILE", help="report the shipped weights on a labelled file")
    chosen = parser.parse_args()
    if chosen.eval:
        shipped = packaged_weights()
        report(guesses(shipped, load(chosen.eval)), shipped.temperature, str(chosen.eval))
        return 0
    first, second = load(FIRST), load(SECOND)
    if chosen.check:
        text = as_text(train(first + second, packaged_weights().temperature))
        if text != WEIGHTS.read_text("utf-8"):
            print("The shipped weights differ from what training gives: run python tools/train_classifier.py")
            return 1
        print("The shipped weights are what training gives.")
        return 0
    judged = cross_validate(first + second)
    temperature = best_temperature(judged)
    report(judged, temperature, f"both authors, {FOLDS}-fold cross-validation, seed {SEED}")
    if chosen.report:
        across_authors(first, second, temperature)
        return 0
    weights = train(first + second, temperature)
    WEIGHTS.write_text(as_text(weights), "utf-8")
    print(f"\nwrote {WEIGHTS.relative_to(ROOT)}: {len(weights.rows)} features, temperature {weights.temperature}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
