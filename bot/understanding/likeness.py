"""How alike two texts are (row Q4): frequent questions for a member's words, past inquiries for staff.

Both are folded as for understanding, then cut into pairs of letters (Japanese) or word beginnings (anything in Latin
letters). What everybody writes ("ました", "the") weighs little, what few write weighs much: the weights come from the
product's own example sentences. A long text is compared sentence by sentence, so that a greeting around it changes nothing.
Pure, and bounded by the constants below.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log, sqrt

from bot.understanding.features import DATA
from bot.understanding.text import fold, normalise

READ_CHARACTERS = 2_000  # of a text; nobody states their trouble after page two
MOST_SENTENCES = 12
SENTENCE_FEATURES = 120
LONGEST_STEM = 5  # "passwords" and "password" begin alike
KEYWORD_SHARE = 0.45  # what one keyword adds
MOST_KEYWORDS_COUNTED = 2

LIKE = 0.39
"""From here on a question is worth offering (measured: decision 0013)."""
SIMILAR = 0.3
"""From here on a past inquiry is worth showing to staff, who judge for themselves."""
CLEAR = 0.75
"""From here on it is plainly the question that was asked."""

_RUN = re.compile(r"[a-z0-9]+|[\u3041-\u30ff\u3400-\u9fff々]+")
_KANJI = re.compile("[\u3400-\u9fff]")  # 鍵, 車, 駅: a word of one letter
_SENTENCE = re.compile(r"[。．!?！？\n]+|\.\s")
_NO_LATIN = re.compile("[^a-z0-9]+")
_GLUE = (
    "a an and any are at be been but by can cannot could did do does for from get got has have help hello hi how i if in is "
    "it its m me my need no not of on or our please s so some t tell thank thanks that the their there they this to us use "
    "want was we what when where which who why will with would you your"
)
_WORDLESS = frozenset(_GLUE.split())


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that can be compared with: its wordings (one a language) and other words for it."""

    key: int
    wordings: tuple[str, ...]
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """A sentence or wording with its features and their whole weight."""

    folded: str
    spaced: str  # words in Latin letters and digits, each between blanks
    features: tuple[str, ...]
    weight: float


class Topics:
    """Many topics made ready to be compared with: which features lead to which wordings."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self._wordings: list[tuple[int, float]] = []  # place of its topic, weight
        self._by_feature: dict[str, list[int]] = {}
        self._keywords: list[tuple[int, str]] = []
        self._keys = [topic.key for topic in topics]
        for place, topic in enumerate(topics):
            for words in filter(None, topic.wordings):
                weighed = _weighed(words)
                for feature in weighed.features:
                    self._by_feature.setdefault(feature, []).append(len(self._wordings))
                self._wordings.append((place, weighed.weight))
            self._keywords += [(place, word) for word in map(_keyword, topic.keywords) if word.strip()]

    def best(self, text: str, *, most: int, least: float = LIKE) -> list[tuple[int, float]]:
        """Keys of the topics most like a text, best first, with how alike they are (0..1)."""
        found: dict[int, float] = {}
        for part in _sentences(text):
            for place, likeness in self._of_sentence(_weighed(part)).items():
                found[place] = max(likeness, found.get(place, 0.0))
        scored = sorted(((place, score) for place, score in found.items() if score >= least), key=_best_first)
        return [(self._keys[place], score) for place, score in scored[:most]]

    def best_whole(self, text: str, *, least: float) -> list[tuple[int, float]]:
        """As `best`, the text compared as one: everything in it counts."""
        alike = self._of_sentence(_weighed(text[:READ_CHARACTERS]))
        scored = sorted(((place, score) for place, score in alike.items() if score >= least), key=_best_first)
        return [(self._keys[place], score) for place, score in scored]

    def _of_sentence(self, sentence: Weighed) -> dict[int, float]:
        common: dict[int, float] = {}
        for feature in sentence.features:
            rarity = _rarity(feature)
            for wording in self._by_feature.get(feature, ()):
                common[wording] = common.get(wording, 0.0) + rarity
        alike: dict[int, float] = {}
        for wording, shared in common.items():
            place, weight = self._wordings[wording]
            alike[place] = max(shared / sqrt(sentence.weight * weight), alike.get(place, 0.0))
        named = Counter(place for place, word in self._keywords if word in _where(sentence, word))
        for place, times in named.items():
            alike[place] = min(1.0, alike.get(place, 0.0) + KEYWORD_SHARE * min(times, MOST_KEYWORDS_COUNTED))
        return alike


@lru_cache(maxsize=8)
def prepared(topics: tuple[Topic, ...]) -> Topics:
    """The same topics are made ready once."""
    return Topics(topics)


def rank_texts(text: str, others: Sequence[tuple[int, str]]) -> list[tuple[int, float]]:
    """Keys of the texts like this one, best first (`core.counter.similar.Rank`)."""
    return Topics([Topic(key, (words,)) for key, words in others]).best_whole(text, least=SIMILAR)


def _best_first(pair: tuple[int, float]) -> tuple[float, int]:
    return -pair[1], pair[0]


def _sentences(text: str) -> list[str]:
    parts = [part for part in _SENTENCE.split(text[:READ_CHARACTERS]) if part.strip()]
    return parts[:MOST_SENTENCES]


def _weighed(words: str) -> Weighed:
    folded = fold(normalise(words))
    features = tuple(dict.fromkeys(_features(folded)))[:SENTENCE_FEATURES]
    return Weighed(folded, _spaced(folded), features, sum(map(_rarity, features)))


def _features(folded: str) -> Iterable[str]:
    for run in _RUN.findall(folded):
        if run[0].isascii():
            if run not in _WORDLESS:
                yield run[:LONGEST_STEM]
        else:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
            yield from _KANJI.findall(run)


def _spaced(folded: str) -> str:
    return f" {_NO_LATIN.sub(' ', folded)} "


def _keyword(word: str) -> str:
    """As it is looked for: in Latin letters a word of its own ("port" is not in "support"), in Japanese anywhere."""
    folded = fold(normalise(word))
    return _spaced(folded) if folded.isascii() else folded


def _where(sentence: Weighed, keyword: str) -> str:
    return sentence.spaced if keyword.isascii() else sentence.folded


def _rarity(feature: str) -> float:
    seen, sentences = _background()
    return log((sentences + 1) / (seen[feature] + 1))


@cache
def _background() -> tuple[Counter[str], int]:
    """In how many of the example sentences each feature stands, and how many there are."""
    seen: Counter[str] = Counter()
    count = 0
    for language in ("ja", "en"):
        tables = tomllib.loads((DATA / f"utterances_{language}.toml").read_text(encoding="utf-8"))
        for lines in tables.values():
            for line in lines.strip().splitlines():
                seen.update(set(_features(fold(normalise(line)))))
                count += 1
    return seen, count
