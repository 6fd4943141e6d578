"""Emoji as shortcuts (dialogue-and-desk.md 1.2): they act, they are never the record, and taking one away does nothing."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from adapters.slack.parts import Parts
from core.db import Tx, arun
from core.delivery import outbox
from core.errors import DomainError
from core.members.identities import find_by_identity
from core.teamchat import intake
from core.teamchat.acting import Press, react, tell_refusal
from core.teamchat.threads import LANE, find_post

ACTS = {"eyes": "claim", "white_check_mark": "solve", "rotating_light": "urgent", "lock": "keep_internal"}


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to emoji that are put under messages; to nothing that is taken away."""

    async def on_reaction(body: dict[str, Any], event: dict[str, Any]) -> None:
        item, name = event.get("item") or {}, str(event.get("reaction") or "").partition("::")[0]  # without a skin tone
        place, ref = str(item.get("channel") or ""), str(item.get("ts") or "")
        if name not in ACTS or place != parts.settings.desk_channel or body.get("is_ext_shared_channel"):
            return
        team, user, key = str(body.get("team_id") or ""), str(event.get("user") or ""), str(body["event_id"])
        await arun(
            parts.database,
            lambda tx: _act(tx, name, place, ref, team, user, key),
            failed=lambda tx, error: _refuse(tx, error, place, ref, team, user, key),
            name="slack.reaction",
        )

    app.event("reaction_added")(on_reaction)


def _act(tx: Tx, name: str, place: str, ref: str, team: str, user: str, key: str) -> None:
    """Whoever is not of staff changes nothing and is told nothing: an emoji is just an emoji to them."""
    staff = find_by_identity(tx, team=team, user=user)
    if staff is None or not intake.take_press(tx, team=team, key=key):
        return
    ticket_id = react(tx, staff, ACTS[name], place=place, ref=ref)
    if ticket_id is not None:
        outbox.owe(
            tx,
            channel=LANE,
            account="",
            address=place,
            order_key=f"{LANE}:react:{ref}",
            kind="react",
            payload={"op": "react", "ref": ref, "name": name},
            reason="an emoji was understood",
        )


def _refuse(tx: Tx, error: Exception, place: str, ref: str, team: str, user: str, key: str) -> None:
    if not isinstance(error, DomainError):
        raise error
    post = find_post(tx, place=place, ref=ref)
    if post is not None and intake.take_press(tx, team=team, key=key):
        tell_refusal(tx, Press(post.ticket_id, "emoji", 0, 0, team, user), error)
