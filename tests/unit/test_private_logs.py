"""Logs name the kind and the place of a fault, and the values given beside a message; never a person's data."""

import logging
import subprocess
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


def test_what_the_providers_library_says_of_a_refusal_stays_out_of_a_serving_process() -> None:
    """It logs the provider's words, which quote what was refused: a member's mail address."""
    says = "import logging, stripe; logging.getLogger('stripe').info('Invalid email address: taro@example.jp')"
    program = f"from bot.private_logs import set_up_logs; set_up_logs(); {says}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "taro" not in done.stdout + done.stderr
