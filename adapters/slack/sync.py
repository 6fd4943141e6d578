"""One look at a ticket's thread, carried out: what is missing is posted in order, what has changed is drawn anew."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from adapters.slack.blocks import Draw, Drawn, short_id
from adapters.slack.calls import Calls, PostGone, Unclear
from adapters.slack.parts import Parts
from core.counter.desk_card import DeskCard, read_desk_card
from core.db import Tx, aread, arun
from core.delivery.files import list_contents
from core.delivery.ports import OutcomeUnknown
from core.teamchat import threads
from core.teamchat.plan import BLANKED, Change, Group, Look, MissingFile, begin_group, look

T = TypeVar("T")
REPAINT = timedelta(seconds=2.5)  # a root is drawn anew at most once in this time (dialogue-and-desk.md 1.1)
FILE_AGAIN = timedelta(seconds=5)
SEARCH_MARGIN_SECONDS = 300.0  # clocks differ
BROADCAST_STATES = frozenset({"dead", "unknown"})


class Sync:
    """Brings threads up to date."""

    def __init__(self, parts: Parts, calls: Calls, draw: Draw) -> None:
        self._parts, self._calls, self._draw = parts, calls, draw

    async def run(self, ticket_id: int) -> str:
        """What was done, in few words. Errors: as `Calls`, but no unclear outcome: those are looked up at the next try."""
        found = await self._look(ticket_id)
        if found is None:
            return "no thread"
        plan, card = found
        done = 0
        root = plan.thread.root_ref
        if root is None:
            root = await self._post_root(plan, card)
            done += 1
        for group in plan.missing:
            await self._post_group(plan, root, group)
            done += 1
        for change in plan.changes:
            await self._post_change(plan, root, change)
            done += 1
        for post in plan.gone_changes:
            await self._update(plan.thread.place, post.ref or "", self._draw.taken_back())
            posted = partial(threads.record_posted, post_ids=[post.id], ref=post.ref, digest=BLANKED)
            await self._note(posted)
            done += 1
        for file in plan.missing_files:
            await self._bring_file(plan, root, file)
            done += 1
        for group in plan.shown:
            done += await self._redraw(plan, group, root)
        for post in plan.gone_files:
            await self._calls.delete_file(post.ref or "")
            await self._note(partial(threads.drop_posts, post_ids=[post.id]))
            done += 1
        later = await self._paint(plan, card, root)
        await self._finish(plan, later)
        return f"{done} done"

    async def _look(self, ticket_id: int) -> tuple[Look, DeskCard] | None:
        def read(tx: Tx) -> tuple[Look, DeskCard] | None:
            plan = look(tx, ticket_id=ticket_id)
            if plan is None:
                return None
            return plan, read_desk_card(tx, profile=self._parts.profile, ticket_id=ticket_id)

        return await aread(self._parts.database, read)

    async def _post_root(self, plan: Look, card: DeskCard) -> str:
        thread, drawn = plan.thread, self._draw.card(card)
        post, ref = plan.root, None
        if post is None:
            post = await self._note(
                lambda tx: threads.add_post(
                    tx, ticket_id=thread.ticket_id, place=thread.place, kind="root", message_id=None
                )
            )
        else:
            ref = post.ref or await self._search(plan, post.id, None, post.at.timestamp())
        ref = ref or await self._post(plan, drawn, [post.id], None)

        def keep(tx: Tx) -> None:
            threads.record_posted(tx, post_ids=[post.id], ref=ref, digest=drawn.digest)
            threads.set_root(tx, ticket_id=thread.ticket_id, ref=ref)
            threads.record_painted(tx, ticket_id=thread.ticket_id, digest=drawn.digest)

        await self._note(keep)
        return ref

    async def _post_group(self, plan: Look, root: str, group: Group) -> None:
        drawn, ref = self._draw.group(group), None
        if group.posts:  # begun before, and nobody heard the answer
            ref = await self._search(plan, group.posts[0].id, root, group.posts[0].at.timestamp())
        else:
            group = await self._note(lambda tx: begin_group(tx, thread=plan.thread, group=group))
        ids = [post.id for post in group.posts]
        ref = ref or await self._post(plan, drawn, ids, root, broadcast=_is_alarming(plan, group))
        await self._note(lambda tx: threads.record_posted(tx, post_ids=ids, ref=ref, digest=drawn.digest))

    async def _post_change(self, plan: Look, root: str, change: Change) -> None:
        thread, drawn, post, ref = plan.thread, self._draw.change(change), change.post, None
        key = str(change.version.id)
        if post is not None:
            ref = await self._search(plan, post.id, root, post.at.timestamp())
        else:
            post = await self._note(
                lambda tx: threads.add_post(
                    tx,
                    ticket_id=thread.ticket_id,
                    place=thread.place,
                    kind="change",
                    message_id=change.message.id,
                    digest=key,
                )
            )
        ids = [post.id]
        ref = ref or await self._post(plan, drawn, ids, root)
        await self._note(lambda tx: threads.record_posted(tx, post_ids=ids, ref=ref, digest=key))

    async def _post(
        self, plan: Look, drawn: Drawn, ids: list[int], root: str | None, *, broadcast: bool = False
    ) -> str:
        mark = {"ticket_id": str(plan.ticket.id), "post_id": str(ids[0]), "revision": plan.thread.revision}
        try:
            return await self._calls.post(plan.thread.place, drawn, thread=root, mark=mark, broadcast=broadcast)
        except OutcomeUnknown as error:  # the rows stay: the next try looks for the mark first
            raise Unclear(str(error)) from error
        except Exception:  # certainly not posted
            await self._note(lambda tx: threads.drop_posts(tx, post_ids=ids))
            raise

    async def _search(self, plan: Look, post_id: int, root: str | None, since: float) -> str | None:
        try:
            return await self._calls.find_marked(
                plan.thread.place, post_id, thread=root, since=since - SEARCH_MARGIN_SECONDS
            )
        except OutcomeUnknown as error:
            raise Unclear(str(error)) from error

    async def _redraw(self, plan: Look, group: Group, root: str) -> int:
        drawn = self._draw.group(group)
        if group.ref is None or not group.entries or drawn.digest == group.posts[0].digest:
            return 0
        await self._update(plan.thread.place, group.ref, drawn, broadcast=_is_alarming(plan, group))
        ids, ref = [post.id for post in group.posts], group.ref
        await self._note(lambda tx: threads.record_posted(tx, post_ids=ids, ref=ref, digest=drawn.digest))
        return 1

    async def _paint(self, plan: Look, card: DeskCard, root: str) -> bool:
        """The header card; True when it was painted a moment ago and has to wait (the last state wins)."""
        drawn = self._draw.card(card)
        if plan.thread.root_ref is None or drawn.digest == plan.thread.card:
            return False
        painted_at = plan.thread.painted_at
        if painted_at is not None and self._parts.clock.real() - painted_at < REPAINT:
            return True
        await self._update(plan.thread.place, root, drawn)
        ticket_id = plan.ticket.id
        await self._note(lambda tx: threads.record_painted(tx, ticket_id=ticket_id, digest=drawn.digest))
        return False

    async def _update(self, place: str, ref: str, drawn: Drawn, *, broadcast: bool = False) -> None:
        try:
            await self._calls.update(place, ref, drawn, broadcast=broadcast)
        except PostGone:
            return  # somebody deleted it in Slack: what it showed is in the browser desk
        except OutcomeUnknown as error:  # drawing twice gives the same
            raise Unclear(str(error)) from error

    async def _bring_file(self, plan: Look, root: str, missing: MissingFile) -> None:
        file_id, post, thread = int(missing.file["file_id"]), missing.post, plan.thread
        if post is None:
            post = await self._note(
                lambda tx: threads.add_post(
                    tx,
                    ticket_id=thread.ticket_id,
                    place=thread.place,
                    kind="file",
                    message_id=missing.message.id,
                    part=missing.part,
                    digest=str(file_id),
                )
            )
        uploaded = next(iter(post.file_refs), "")
        try:
            if not uploaded or not await self._calls.is_shared(uploaded):
                uploaded = await self._share(post.id, file_id, missing, thread.place, root)
        except OutcomeUnknown as error:  # asked for by its id at the next try
            raise Unclear(str(error)) from error
        await self._keep_file(post.id, file_id, uploaded, ref=uploaded)

    async def _share(self, post_id: int, file_id: int, missing: MissingFile, place: str, root: str) -> str:
        contents = await aread(self._parts.database, lambda tx: list_contents(tx, file_ids=[file_id]))
        if not contents or contents[0].content is None:
            return ""
        name = contents[0].name
        uploaded = await self._calls.begin_upload(name, contents[0].content)
        await self._keep_file(post_id, file_id, uploaded, ref=None)
        comment = self._draw.w("post.file_comment", id=short_id(missing.message.id))
        await self._calls.share_upload(uploaded, name, place=place, thread=root, comment=comment)
        return uploaded

    async def _keep_file(self, post_id: int, file_id: int, uploaded: str, *, ref: str | None) -> None:
        await self._note(
            lambda tx: threads.record_posted(
                tx, post_ids=[post_id], ref=ref, digest=str(file_id), file_refs=[uploaded] if uploaded else []
            )
        )

    async def _finish(self, plan: Look, later: bool) -> None:
        def finish(tx: Tx) -> None:
            threads.record_shown(tx, ticket_id=plan.ticket.id, revision=plan.thread.revision)
            if later or plan.files_pending:
                threads.owe_look(tx, plan.thread, later=REPAINT if later else FILE_AGAIN)

        await self._note(finish)

    async def _note(self, work: Callable[[Tx], T]) -> T:
        return await arun(self._parts.database, work, name="slack.note")


def _is_alarming(plan: Look, group: Group) -> bool:
    """Shown in the channel too (dialogue-and-desk.md 1.1): a missed deadline, opened again, an answer that did not arrive."""
    return any(
        entry.message.id in plan.alarming or (entry.delivery is not None and entry.delivery.state in BROADCAST_STATES)
        for entry in group.entries
    )
