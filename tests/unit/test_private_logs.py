"""Logs name the kind and the place of a fault, and the values given beside a message; never a person's data."""

import logging
import sys

from bot.private_logs import PrivateFormatter
from core.errors import PermanentError


def written(error: Exception) -> str:
    try:
        try:
            raise error
        except Exception as first:
            raise RuntimeError(str(error)) from first
    except RuntimeError:
        record = logging.LogRecord("core", logging.ERROR, __file__, 1, "a turn failed", (), sys.exc_info())
        record.__dict__.update({"turn": "desk.reply", "ms": 61})
        return PrivateFormatter().format(record)


def test_an_errors_own_words_stay_out_and_its_kind_place_and_cause_are_there() -> None:
    text = written(ValueError("Key (email)=(taro@example.jp) already exists"))
    assert "taro" not in text and "Key" not in text
    assert "a turn failed turn=desk.reply ms=61" in text
    assert text.index("builtins.ValueError") < text.index("builtins.RuntimeError")
    assert "test_private_logs.py" in text


def test_our_own_errors_say_what_the_operator_can_do() -> None:
    assert "set MADOGUCHI_SMTP_URL" in written(PermanentError("set MADOGUCHI_SMTP_URL"))
