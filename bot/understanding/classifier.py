"""A linear classifier over the features: softmax of summed weights out of data/model.csv (training.py writes it)."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from math import exp

from bot.understanding.features import DATA

MODEL = DATA / "model.csv"
SOURCES = ("spellings.csv", "concepts.toml", "utterances_ja.toml", "utterances_en.toml")


def digest_of_sources() -> str:
    """What the model was trained from; a test compares it with the model's first line, so that neither goes stale."""
    return sha256(b"\0".join((DATA / name).read_bytes() for name in SOURCES)).hexdigest()[:16]


@dataclass(slots=True)
class Model:
    """Weights by feature; a row is parsed when first asked for, which keeps the start quick."""

    digest: str
    intents: list[str]
    raw: dict[str, str]
    parsed: dict[str, list[tuple[int, float]]]

    def weights(self, feature: str) -> list[tuple[int, float]]:
        """(intent index, weight) pairs of a feature; empty for an unknown one."""
        known = self.parsed.get(feature)
        if known is None:
            row = self.raw.get(feature)
            if row is None:
                return []
            numbers = row.split(" ")
            known = [(int(a), int(b) / 100) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
            self.parsed[feature] = known
        return known

    def probabilities(self, features: dict[str, float]) -> list[tuple[str, float]]:
        """Intents with their probabilities, the likeliest first."""
        scores = [0.0] * len(self.intents)
        for feature, value in features.items():
            for index, weight in self.weights(feature):
                scores[index] += weight * value
        top = max(scores)
        raised = [exp(score - top) for score in scores]
        total = sum(raised)
        ranked = zip(self.intents, (one / total for one in raised), strict=True)
        return sorted(ranked, key=lambda pair: -pair[1])


@cache
def model() -> Model:
    """The shipped model, read once."""
    lines = MODEL.read_text(encoding="utf-8").splitlines()
    rows = dict(line.split("\t", 1) for line in lines[2:])
    return Model(lines[0].removeprefix("# "), lines[1].split(","), rows, {})
