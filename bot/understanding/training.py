"""Trains the classifier from the example sentences and writes data/model.csv: `python -m bot.understanding.training`.

Multinomial logistic regression by AdaGrad in plain Python; the same sources give the same model. Run it after every
change to the data files or the features; a test says so when it was forgotten.
"""

import sys
import tomllib
from datetime import date
from math import exp, sqrt
from random import Random

from bot.understanding.classifier import MODEL, digest_of_sources
from bot.understanding.entities import find_entities
from bot.understanding.features import DATA, extract
from bot.understanding.slots import SLOTS_OF
from bot.understanding.text import normalise

EPOCHS = 16
RATE = 0.5
DECAY = 1e-4
SMALLEST_WEIGHT = 0.06
TODAY = date(2026, 11, 22)
KEPT_WORDING = (1.0, 0.7, 0.4, 0.0)
Weighed = list[tuple[int, float]]
Example = tuple[Weighed, int]


def read_examples(language: str) -> list[tuple[str, str]]:
    """(intent, utterance) pairs of one language's data file."""
    tables = tomllib.loads((DATA / f"utterances_{language}.toml").read_text(encoding="utf-8"))
    return [(intent, line) for intent, lines in tables.items() for line in lines.strip().splitlines() if line.strip()]


def features_of(utterance: str) -> dict[str, float]:
    """What the classifier sees of an utterance."""
    return extract(find_entities(normalise(utterance), today=TODAY)).weights


def train(pairs: list[tuple[str, str]]) -> dict[str, dict[int, float]]:
    """Weights by feature and intent index."""
    intents = list(SLOTS_OF)
    names: dict[str, int] = {}
    examples: list[Example] = []
    for intent, utterance in pairs:
        weighed = features_of(utterance)
        examples.append(
            ([(names.setdefault(name, len(names)), value) for name, value in weighed.items()], intents.index(intent))
        )
    count = len(intents)
    wording = {index for name, index in names.items() if name[:2] in ("j:", "w:")}
    weights = [[0.0] * count for _ in names]
    squares = [[1e-2] * count for _ in names]
    order = list(range(len(examples)))
    shuffle = Random(7)  # a fixed seed: the model must be reproducible
    for _ in range(EPOCHS):
        shuffle.shuffle(order)
        for at in order:
            features, truth = examples[at]
            _step(_thinned(features, wording, shuffle), truth, weights, squares)
    return {
        name: kept
        for name, index in names.items()
        if (kept := {k: w for k, w in enumerate(weights[index]) if abs(w) >= SMALLEST_WEIGHT})
    }


def _thinned(features: Weighed, wording: set[int], chance: Random) -> Weighed:
    """An example with part of its wording left out, so that the concepts learn to carry the meaning on their own."""
    kept = chance.choice(KEPT_WORDING)
    if kept == 1.0:
        return features
    return [pair for pair in features if pair[0] not in wording or chance.random() < kept]


def _step(features: Weighed, truth: int, weights: list[list[float]], squares: list[list[float]]) -> None:
    scores = [0.0] * len(weights[0])
    for index, value in features:
        scores = [score + weight * value for score, weight in zip(scores, weights[index], strict=True)]
    top = max(scores)
    raised = [exp(score - top) for score in scores]
    total = sum(raised)
    errors = [(k, one / total - (k == truth)) for k, one in enumerate(raised)]
    errors = [(k, error) for k, error in errors if abs(error) > 0.004]
    for index, value in features:
        row, square = weights[index], squares[index]
        for k, error in errors:
            gradient = error * value + DECAY * row[k]
            square[k] += gradient * gradient
            row[k] -= RATE * gradient / sqrt(square[k])


def write(weights: dict[str, dict[int, float]]) -> None:
    """The model file: digest of the sources, intents, then a row a feature with weights in hundredths."""
    lines = [f"# {digest_of_sources()}", ",".join(SLOTS_OF)]
    for name in sorted(weights):
        row = " ".join(f"{k} {round(w * 100)}" for k, w in weights[name].items())
        lines.append(f"{name}\t{row}")
    MODEL.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(train(read_examples("ja") + read_examples("en")))
    sys.stdout.write(f"{MODEL}\n")
