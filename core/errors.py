"""The four families of failure (architecture.md, "Small pieces"); each decides what happens next, not how it reads."""


class MadoguchiError(Exception):
    """Base of all errors that the product raises on purpose."""


class DomainError(MadoguchiError):
    """The person asked for something the rules refuse: a stable code and data; the wording is the screen's."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class TransientError(MadoguchiError):
    """It may work later: the work is kept and tried again, after `retry_after` seconds where the other side said so."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PermanentError(MadoguchiError):
    """It will never work: the work becomes a dead letter that staff see."""


class InvariantBroken(MadoguchiError):
    """Something that must always hold does not: the turn is rolled back and the alarm raised."""
