"""`POST /webhooks/slack`: what is refused, and what cannot work is said at start. Through the real SDK."""

import hashlib
import hmac
import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from adapters.slack.adapter import SlackSettings, build
from core.clock import ManualClock, SystemClock
from core.db import Database
from core.errors import PermanentError
from core.profiles.files import load_profile

SECRET = "0123456789abcdef0123456789abcdef"


def settings(**changed: str) -> SlackSettings:
    given = {"bot_token": "xoxb-1-2-3", "signing_secret": SECRET, "desk_channel": "C0DESK1", **changed}
    return SlackSettings(**given)


@pytest.fixture
def door(database: Database, clock: ManualClock) -> TestClient:
    adapter = build(settings(), database, clock, load_profile("renewal-notice"))
    return TestClient(Starlette(routes=adapter.routes))


def signed(body: str, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at if at is not None else SystemClock().real().timestamp()))
    proof = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={proof}",
        "content-type": "application/json",
    }


def test_slack_may_verify_the_address(door: TestClient) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"})
    answer = door.post("/webhooks/slack", content=body, headers=signed(body))
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


def test_a_wrong_or_old_signature_is_refused(door: TestClient) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"})
    assert door.post("/webhooks/slack", content=body).status_code == 401
    assert door.post("/webhooks/slack", content=body, headers=signed(body, secret="other")).status_code == 401
    old = SystemClock().real().timestamp() - 600
    assert door.post("/webhooks/slack", content=body, headers=signed(body, at=old)).status_code == 401


def test_a_body_of_five_megabytes_is_refused_unread(door: TestClient) -> None:
    assert door.post("/webhooks/slack", content=b"x" * 5_000_000).status_code == 413


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bot_token": "xoxp-1"}, "BOT_TOKEN"),
        ({"signing_secret": ""}, "SIGNING_SECRET"),
        ({"app_token": "xoxb-1"}, "APP_TOKEN"),
        ({"desk_channel": "#desk"}, "DESK_CHANNEL"),
    ],
)
def test_settings_that_can_never_work_are_said_at_start(
    database: Database, clock: ManualClock, wrong: dict[str, str], words: str
) -> None:
    with pytest.raises(PermanentError, match=words):
        build(settings(**wrong), database, clock, load_profile("renewal-notice"))
