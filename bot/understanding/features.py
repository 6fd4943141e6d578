"""What the classifier looks at: concepts out of a lexicon for both languages, pairs of them, and the wording itself."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

from bot.understanding.entities import MASKS, Kind, Masked
from bot.understanding.names import find_payer
from bot.understanding.text import fold

DATA = Path(__file__).parent / "data"
HEAD_CHARACTERS, TAIL_CHARACTERS = 400, 160
"""A long message is judged by its beginning and its end, so that the work stays bounded."""

_WORD = re.compile(r"[a-z][a-z0-9'+-]*|\d+")
_ASCII_WORD = re.compile(r"[A-Za-z]{5,24}")
_JAPANESE = re.compile(rf"[\u3041-\u30ff\u3400-\u9fff々〆{MASKS}\ue00b]+")
_COURTESY = re.compile(
    r"[、。,\s]*(?:を|の?ほど)?(?:どうぞ|何卒)?(?:よろしく)?(?:願い|おねがい)(?:し(?:ます|たい.*|て.*)|"
    r"いたします|致します|いたしたく.*|でき(?:ます|ない).*|申し上げます|したく.*)?[。!?\s]*$"
    r"|[、。,\s]*よろしく(?:です)?[。!\s]*$"
)
_PAYER_MASK = "\ue00b"
_MAX_PHRASE = 16
_MAX_WORDS = 5


def stem(word: str) -> str:
    """A word without its commonest English endings; only for comparing."""
    for ending in ("'s", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Concepts by Japanese phrase, by English phrase of stems, by English phrase as written, and by pattern."""

    japanese: dict[str, tuple[str, ...]]
    stems: dict[tuple[str, ...], tuple[str, ...]]
    raw: dict[tuple[str, ...], tuple[str, ...]]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    words: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The concept lexicon out of data/concepts.toml, read once."""
    tables = tomllib.loads((DATA / "concepts.toml").read_text(encoding="utf-8"))
    japanese: dict[str, list[str]] = {}
    stems: dict[tuple[str, ...], list[str]] = {}
    raw: dict[tuple[str, ...], list[str]] = {}
    words: set[str] = set()
    for concept, phrases in tables["ja"].items():
        for phrase in phrases.split("|"):
            japanese.setdefault(fold(phrase.strip()), []).append(concept)
    for concept, phrases in tables["en"].items():
        for phrase in phrases.split("|"):
            parts = tuple(_WORD.findall(phrase.lower()))
            words.update(parts)
            if phrase.strip().startswith("="):
                raw.setdefault(parts, []).append(concept)
            else:
                stems.setdefault(tuple(stem(part) for part in parts), []).append(concept)
    patterns = [(concept, re.compile(fold(pattern))) for concept, pattern in tables["ja_pattern"].items()]
    patterns += [(concept, re.compile(pattern)) for concept, pattern in tables["en_pattern"].items()]
    return Lexicon(
        {phrase: tuple(found) for phrase, found in japanese.items()},
        {phrase: tuple(found) for phrase, found in stems.items()},
        {phrase: tuple(found) for phrase, found in raw.items()},
        tuple(patterns),
        frozenset(words),
    )


@dataclass(frozen=True, slots=True)
class Features:
    """The folded text, its concepts, how much of it the lexicon covers (0..1), and the weighted features."""

    folded: str
    concepts: frozenset[str]
    coverage: float
    words: tuple[str, ...]
    weights: dict[str, float]


def _bounded(text: str) -> str:
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return text[:HEAD_CHARACTERS] + " " + text[-TAIL_CHARACTERS:]


@cache
def _deletions() -> dict[str, list[str]]:
    """Known words by themselves with one letter left out: the index behind spelling correction."""
    index: dict[str, list[str]] = {}
    for word in sorted(vocabulary()):
        if len(word) >= 4:
            for at in range(len(word)):
                index.setdefault(word[:at] + word[at + 1 :], []).append(word)
            index.setdefault(word, []).append(word)
    return index


@cache
def vocabulary() -> frozenset[str]:
    """English words the bot knows, out of the lexicon and its example sentences; others may be misspelt ones."""
    text = (DATA / "utterances_en.toml").read_text(encoding="utf-8").lower()
    return lexicon().words | frozenset(_WORD.findall(text))


def corrected(word: str) -> str:
    """An unknown English word as the known word one letter (or one swap) away, if there is one; else unchanged."""
    if len(word) < 5 or word in vocabulary() or not word.isascii() or len(word) > 24:
        return word
    index = _deletions()
    near: list[str] = list(index.get(word, ()))
    for at in range(len(word)):
        near += index.get(word[:at] + word[at + 1 :], ())
    near = [known for known in near if abs(len(known) - len(word)) <= 1 and known[0] == word[0]]
    return max(near, key=lambda known: (near.count(known), known)) if near else word


def with_words_corrected(text: str) -> str:
    """The text with misspelt English words put right; for closed vocabularies only, never for names."""
    return _ASCII_WORD.sub(
        lambda found: corrected(found.group().lower()) if found.group().islower() else found.group(), text
    )


def _without_courtesy(folded: str) -> str:
    """The text without a closing お願いします and the like, which says nothing about the matter, if more is said."""
    bare = _COURTESY.sub("", folded)
    return bare if len(re.sub(r"\W", "", bare)) >= 2 else folded


def extract(masked: Masked) -> Features:
    """The features of a masked text. Work is bounded by HEAD_CHARACTERS + TAIL_CHARACTERS."""
    payer = find_payer(masked)
    text = masked.text.replace(payer, _PAYER_MASK) if payer and len(payer) > 1 else masked.text
    folded = _without_courtesy(fold(_bounded(text)))
    concepts: set[str] = {"HAS_PAYER"} if payer else set()
    covered = bytearray(len(folded))
    lex = lexicon()
    _scan_japanese(folded, lex, concepts, covered)
    words = _scan_english(folded, lex, concepts, covered)
    for concept, pattern in lex.patterns:
        match = pattern.search(folded)
        if match:
            concepts.add(concept)
            covered[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    concepts |= _value_concepts(masked)
    for at, character in enumerate(folded):
        if character in MASKS:
            covered[at] = 1
    meant = [at for at, character in enumerate(folded) if character.isalnum() or character in MASKS]
    coverage = sum(covered[at] for at in meant) / len(meant) if meant else 0.0
    return Features(folded, frozenset(concepts), coverage, tuple(words), _weighted(folded, concepts, words))


def _scan_japanese(folded: str, lex: Lexicon, concepts: set[str], covered: bytearray) -> None:
    for at in range(len(folded)):
        for length in range(1, _MAX_PHRASE + 1):
            found = lex.japanese.get(folded[at : at + length])
            if found:
                concepts.update(found)
                covered[at : at + length] = b"\x01" * len(folded[at : at + length])
            if at + length >= len(folded):
                break


def _scan_english(folded: str, lex: Lexicon, concepts: set[str], covered: bytearray) -> list[str]:
    found = [(match.start(), match.end(), corrected(match.group())) for match in _WORD.finditer(folded)]
    raw = [word for _, _, word in found]
    stems = [stem(word) for word in raw]
    for at in range(len(found)):
        for length in range(1, min(_MAX_WORDS, len(found) - at) + 1):
            hits = lex.stems.get(tuple(stems[at : at + length]), ()) + lex.raw.get(tuple(raw[at : at + length]), ())
            if hits:
                concepts.update(hits)
                start, end = found[at][0], found[at + length - 1][1]
                covered[start:end] = b"\x01" * (end - start)
    return raw


def _value_concepts(masked: Masked) -> set[str]:
    concepts = {f"HAS_{entity.kind.name}" for entity in masked.entities}
    if len(masked.of(Kind.DATE)) > 1:
        concepts.add("TWO_DATES")
    for entity in masked.of(Kind.DATE):
        if entity.tense:
            concepts.add("DATE_AHEAD" if entity.tense > 0 else "DATE_BEHIND")
    return concepts


def _weighted(folded: str, concepts: set[str], words: list[str]) -> dict[str, float]:
    weights: dict[str, float] = {"bias": 1.0}
    if concepts:
        each = 2.0 / len(concepts) ** 0.5
        weights |= {f"c:{concept}": each for concept in concepts}
        pairs = [f"p:{a}+{b}" for a, b in combinations(sorted(concepts)[:12], 2)]
        if pairs:
            weights |= dict.fromkeys(pairs, 1.6 / len(pairs) ** 0.5)
    grams: set[str] = set()
    for run in _JAPANESE.findall(folded):
        padded = f"^{run}$" if len(run) == len(folded) else run
        for size in (2, 3):
            grams.update("j:" + padded[at : at + size] for at in range(len(padded) - size + 1))
        if len(run) == 1:
            grams.add("j:" + run)
    stems = [stem(word) for word in words]
    grams.update("w:" + word for word in stems)
    grams.update(f"w:{a} {b}" for a, b in pairwise(stems))
    if stems and len(stems) <= 3:
        grams.add("w:^" + " ".join(stems) + "$")
    if grams:
        weights |= dict.fromkeys(grams, 2.0 / len(grams) ** 0.5)
    return weights
