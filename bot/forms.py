"""Multi-step forms as data: steps, validation, back, cancel, resume; the rules are dialogue-and-desk.md 2.3.

A `Form` names its steps as functions of the answers so far. The engine below asks, parses, goes back, sums up and commits;
its state is a `FormView` row, so a restart or a second process changes nothing, and every button carries the revision it
belongs to: one pressed late shows the present step instead of acting.
"""

from dataclasses import replace
from datetime import date
from typing import Any

from bot.form_model import CHECKED, CONFIRM, FORMS, Answers, Form, Given, Parse, Step, Wrong, register
from bot.registry import ACTIONS, Context, Reply, Slots, action, as_screens
from bot.screens.model import Button, Check, Checks, Screen
from bot.understanding import understand
from bot.understanding.typed import put_right, says_none
from core.db import Tx
from core.dialogue import forms as store
from core.dialogue.forms import FormView
from core.errors import DomainError, InvariantBroken

__all__ = [
    "ASIDE", "CONFIRM", "FORMS", "PINNED",
    "Answers", "Form", "Given", "Parse", "Step", "Wrong", "ask_resume", "back", "begin", "commit",
    "is_current", "is_usable", "park_for_person", "prompt", "read_slots", "read_yes_no", "register", "resume_or_take", "stale",
    "stop", "take", "way_on",
]  # fmt: skip

PAUSED = "_paused"  # the person was asked whether to go on; their next word answers that, or the question itself
PINNED = "_pinned"
ASIDE = "which_ticket"  # asks about words that are held; it takes more of them and is never parked by staff's answer
MANY_ANSWERS = 2  # from here on "stop" is asked back


def begin(c: Context, name: str, answers: Answers | None = None) -> Reply:
    """Start a form with what is known already; asks for the first thing that is not."""
    form = FORMS[name]
    if form.needs_member:
        c.need_member()
    run = store.start(
        c.tx,
        chat_id=c.chat.id,
        member_id=c.member.id if c.member else None,
        name=form.name,
        form_version=form.version,
        answers=answers or {},
    )
    return _present(c, form, run, moved=True)


def prompt(c: Context, run: FormView) -> Screen:
    """The present step's question again, with live buttons."""
    form = FORMS[run.name]
    steps = list(form.steps(c, run.answers))
    return _draw(c, form, run, steps)


def take(c: Context, run: FormView, given: Given) -> Reply:
    """An answer to the present step: stored and the next thing asked, or why it does not fit."""
    form = FORMS[run.name]
    steps = list(form.steps(c, run.answers))
    step = next((s for s in steps if s.key == run.step), None)
    if step is None:
        return _present(c, form, run, moved=False)
    try:
        value = None if step.optional and says_none(given.text) else step.parse(c, run.answers, given)
    except Wrong as wrong:
        run = store.save(c.tx, run._replace(wrong=run.wrong + 1))
        return _refuse(c, form, run, steps, wrong)
    kept = {key: item for key, item in run.answers.items() if key not in (CHECKED, PAUSED)}
    run = run._replace(answers={**kept, step.key: value}, wrong=0, revision=run.revision + 1)
    return _present(c, form, run, moved=True)


def stop(c: Context, run: FormView) -> Reply:
    """The member's "stop": asked back when much was typed already."""
    if len([key for key in run.answers if not key.startswith("_")]) >= MANY_ANSWERS:
        buttons = (
            (Button(c.w("form.stop_yes"), "form.stop", _ticket(run), style="danger"),),
            (Button(c.w("form.stop_no"), "form.show", _ticket(run)),),
        )
        return Screen(c.w("form.stop_question", title=c.w(FORMS[run.name].title)), buttons=buttons)
    return _stop(c, run, keep=False)


def back(c: Context, run: FormView) -> Reply:
    """One step back; later answers are kept and checked again."""
    form = FORMS[run.name]
    keys = [step.key for step in form.steps(c, run.answers)]
    here = keys.index(run.step) if run.step in keys else len(keys)
    if here == 0:
        return prompt(c, run)
    run = store.save(c.tx, run._replace(step=keys[here - 1], revision=run.revision + 1, wrong=0))
    return prompt(c, run)


def ask_resume(c: Context, run: FormView) -> Screen:
    """After a pause: go on, or leave it? Asked once: the next words are the answer to this, or to the form's question."""
    run = store.save(c.tx, run._replace(answers={**run.answers, PAUSED: True}))
    keys = [step.key for step in FORMS[run.name].steps(c, run.answers)]
    here = keys.index(run.step) + 1 if run.step in keys else len(keys)
    buttons = (
        (Button(c.w("form.resume_yes"), "form.show", _ticket(run), style="primary"),),
        (Button(c.w("form.resume_no"), "form.stop", _ticket(run)),),
    )
    title = c.w(FORMS[run.name].title)
    return Screen(c.w("form.resume_question", title=title, n=here, total=len(keys)), buttons=buttons)


def way_on(c: Context, run: FormView) -> Button:
    """The button that takes up a form again after something else came between."""
    return Button(c.w("menu.resume", title=c.w(FORMS[run.name].title)), "form.show", _ticket(run))


def resume_or_take(c: Context, run: FormView, given: Given) -> Reply:
    """The words after `ask_resume` where it was asked, else the answer to the present step."""
    if PAUSED not in run.answers:
        return take(c, run, given)
    run = run._replace(answers={key: item for key, item in run.answers.items() if key != PAUSED})
    meaning = True if given.text == c.w("form.resume_yes") else read_yes_no(c, given.text) if given.text else None
    if meaning is None:
        return take(c, run, given)
    run = store.save(c.tx, run)
    return prompt(c, run) if meaning else stop(c, run)


def park_for_person(tx: Tx, *, chat_id: int) -> None:
    """A person speaks from now on: what was being filled in is left aside (dialogue-and-desk.md 2.3)."""
    run = store.find_active(tx, chat_id=chat_id)
    if run is not None and run.name != ASIDE:
        store.park(tx, chat_id=chat_id)


def is_current(run: FormView) -> bool:
    """Whether the program still knows the form as this run began it."""
    form = FORMS.get(run.name)
    return form is not None and form.version == run.form_version


def is_usable(c: Context, run: FormView) -> bool:
    """Whether the run can go on in this chat: known to the program, and begun for the membership that is active now."""
    mine = run.member_id is None or (c.member is not None and c.member.id == run.member_id)
    return mine and is_current(run)


def _ticket(run: FormView) -> dict[str, Any]:
    return {"run": run.id, "rev": run.revision}


def _present(c: Context, form: Form, run: FormView, *, moved: bool) -> Reply:
    """Ask for the first thing after the present step that is not known, or sum up."""
    steps = list(form.steps(c, run.answers))
    keys = [step.key for step in steps]
    start = keys.index(run.step) + 1 if run.step in keys else 0
    order = [*steps[start:], *steps[:start]]
    missing = next((step.key for step in order if _is_missing(step, run.answers)), CONFIRM)
    if form.is_settled is not None and form.is_settled(run.answers):
        return _commit(c, form, run)
    run = store.save(c.tx, run._replace(step=missing)) if moved or missing != run.step else run
    if missing == CONFIRM and form.confirm is None:
        return _commit(c, form, run)
    return _draw(c, form, run, steps)


def _is_missing(step: Step, answers: Answers) -> bool:
    return step.asked and step.key not in answers


def _draw(c: Context, form: Form, run: FormView, steps: list[Step]) -> Screen:
    keys = [step.key for step in steps]
    if run.step not in keys:
        return _draw_confirm(c, form, _pin(c, form, run), steps)
    here = keys.index(run.step)
    screen = steps[here].ask(c, run.answers)
    progress = c.w("form.progress", n=here + 1, total=len(keys)) if len(keys) > 1 else ""
    text = f"{progress} {screen.text}" if progress else screen.text
    rows = [tuple(_live(button, run) for button in row) for row in screen.buttons]
    if steps[here].optional:
        rows.append((_live(Button(c.w("form.skip"), "form.skip"), run),))
    rows.append(_way_out(c, run, first=here == 0))
    checks = _ticked(screen.checks, run) if screen.checks else None
    pick = replace(screen.date, button=_live(screen.date.button, run)) if screen.date else None
    return replace(screen, text=text, buttons=tuple(rows), checks=checks, date=pick)


def _pin(c: Context, form: Form, run: FormView) -> FormView:
    """Remember what the summary promises: only that may be committed (row C10)."""
    if form.pins is None or run.answers.get(PINNED) == (pinned := dict(form.pins(c, run.answers))):
        return run
    return store.save(c.tx, run._replace(answers={**run.answers, PINNED: pinned}, revision=run.revision + 1))


def _draw_confirm(c: Context, form: Form, run: FormView, steps: list[Step]) -> Screen:
    if form.confirm is None:
        raise InvariantBroken(f"{form.name} has nothing to confirm")
    screen = form.confirm(c, run.answers)
    rows: list[tuple[Button, ...]] = [
        (_live(Button(c.w(form.submit_label), "form.commit", style="primary"), run),),
        *(tuple(_live(button, run) for button in row) for row in screen.buttons),
    ]
    if form.fixable:
        fixes = [_fix(c, step) for step in steps if not step.aside]
        rows.extend(tuple(_live(button, run) for button in fixes[i : i + 2]) for i in range(0, len(fixes), 2))
    rows.append(_way_out(c, run, first=not steps))
    return replace(screen, buttons=tuple(rows))


def _fix(c: Context, step: Step) -> Button:
    what = step.name or c.w(step.label)
    label = c.w("form.fix_about", what=what, about=step.about) if step.about else c.w("form.fix", what=what)
    return Button(label, "form.fix", {"step": step.key}, style="quiet")


def read_fix(c: Context, run: FormView, text: str) -> str | None:
    """The step of a summary that typed words want to put right: the words on its button, or its name with such a word."""
    form = FORMS[run.name]
    steps = [step for step in form.steps(c, run.answers) if not step.aside] if form.fixable else []
    return put_right(text, {step.key: step.name or c.w(step.label) for step in steps})


def read_slots(c: Context, text: str, *, expecting: str) -> Slots:
    """What a typed answer says, read as the answer to an intent's question ("1年" → term_months 12)."""
    return understand(text, today=c.today, lang=c.language, expecting=expecting).slots


def read_yes_no(c: Context, text: str) -> bool | None:
    """A typed yes or no."""
    meaning = understand(text, today=c.today, lang=c.language, expecting="confirm").intent
    return {"confirm": True, "decline": False}.get(meaning)


def _live(button: Button, run: FormView) -> Button:
    if not button.action.startswith("form."):
        return button
    return replace(button, args={**button.args, **_ticket(run)})


def _ticked(checks: Checks, run: FormView) -> Checks:
    chosen = run.answers.get(CHECKED)
    items: tuple[Check, ...] = checks.items
    if chosen is not None:
        items = tuple(replace(item, checked=item.value in chosen) for item in items)
    return replace(checks, items=items, submit=_live(replace(checks.submit, action="form.answer"), run))


def _way_out(c: Context, run: FormView, *, first: bool) -> tuple[Button, ...]:
    out = (Button(c.w("form.back"), "form.back", _ticket(run), style="quiet"),) if not first else ()
    return (*out, Button(c.w("form.stop"), "form.ask_stop", _ticket(run), style="quiet"))


def _refuse(c: Context, form: Form, run: FormView, steps: list[Step], wrong: Wrong) -> Reply:
    """1st: why and an example; 2nd: with the buttons again; 3rd: a person is offered. Never a loop without a way out."""
    why = c.w(wrong.key, **wrong.data)
    screen = _draw(c, form, run, [replace(step, ask=step.ask_again or step.ask) for step in steps])
    rows = screen.buttons
    if run.wrong >= 3:
        why = f"{why}\n{c.w('form.offer_human')}"
        rows = (*rows, (Button(c.w("menu.human"), "intent.talk_to_human"),))
    return replace(screen, text=f"{why}\n\n{screen.text}", buttons=rows, fresh=True)


def _stop(c: Context, run: FormView, *, keep: bool) -> Reply:
    """Out of the form; what was typed is kept as a draft for a day where there was more than a word of it."""
    store.save(c.tx, run._replace(state="parked" if keep else "cancelled", revision=run.revision + 1))
    menu = as_screens(ACTIONS["intent.show_menu"](c, {}))
    return [replace(menu[0], text=f"{c.w('form.stopped')}\n\n{menu[0].text}"), *menu[1:]]


def _found(c: Context, args: Slots) -> FormView | None:
    run = store.find(c.tx, chat_id=c.chat.id, form_id=int(args["run"]))
    if run is not None and run.state == "parked" and is_usable(c, run):
        run = store.resume(c.tx, run)
    return run


def stale(c: Context, run: FormView | None) -> Reply:
    """A button of a step gone by: never an error, never an action; the present state instead."""
    if run is not None and run.state in ("active", "parked") and not is_usable(c, run):
        return _stale_menu(c, "errors.other_member_form")
    if run is not None and run.state == "done" and run.result is not None:
        shown = as_screens(ACTIONS[run.result["action"]](c, run.result["args"]))
        note = c.w("form.already_done", title=c.w(FORMS[run.name].title))
        return [replace(shown[0], text=f"{note}\n\n{shown[0].text}", fresh=True), *shown[1:]] if shown else Screen(note)
    if run is not None and run.state == "active":
        screen = prompt(c, run)
        return replace(
            screen, text=f"{c.w('form.old_button')}\n\n{screen.text}", toast=c.w("form.old_button"), fresh=True
        )
    return _stale_menu(c, "form.old_button")


def _stale_menu(c: Context, why: str) -> Reply:
    menu = as_screens(ACTIONS["intent.show_menu"](c, {}))
    return [replace(menu[0], text=f"{c.w(why)}\n\n{menu[0].text}", toast=c.w(why), fresh=True), *menu[1:]]


def _current(c: Context, args: Slots) -> tuple[FormView | None, bool]:
    """The run a button belongs to, and whether the button belongs to its present step."""
    run = store.find(c.tx, chat_id=c.chat.id, form_id=int(args["run"]))
    live = run is not None and run.state == "active" and run.revision == args["rev"] and is_usable(c, run)
    return run, live


@action("form.answer")
def _on_answer(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    if run is None or not live:
        return stale(c, run)
    chosen = c.inbound.chosen
    if chosen is None and CHECKED in run.answers:
        chosen = tuple(run.answers[CHECKED])
    day = date.fromisoformat(c.inbound.date) if c.inbound.date else None
    return take(c, run, Given(value=args.get("value"), chosen=chosen, day=day))


@action("form.toggle")
def _on_toggle(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    if run is None or not live:
        return stale(c, run)
    screen = prompt(c, run)
    before = run.answers.get(CHECKED)
    if before is None:
        before = [item.value for item in screen.checks.items if item.checked] if screen.checks else []
    value = str(args["value"])
    after = [item for item in before if item != value] if value in before else [*before, value]
    return prompt(c, store.save(c.tx, run._replace(answers={**run.answers, CHECKED: after})))


@action("form.skip")
def _on_skip(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    if run is None or not live:
        return stale(c, run)
    run = run._replace(answers={**run.answers, run.step: None}, wrong=0, revision=run.revision + 1)
    return _present(c, FORMS[run.name], run, moved=True)


@action("form.back")
def _on_back(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    return back(c, run) if run is not None and live else stale(c, run)


@action("form.fix")
def _on_fix(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    if run is None or not live:
        return stale(c, run)
    run = store.save(c.tx, run._replace(step=str(args["step"]), revision=run.revision + 1, wrong=0))
    return prompt(c, run)


@action("form.ask_stop")
def _on_ask_stop(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    return stop(c, run) if run is not None and live else stale(c, run)


@action("form.stop")
def _on_stop(c: Context, args: Slots) -> Reply:
    run, live = _current(c, args)
    return _stop(c, run, keep=True) if run is not None and live else stale(c, run)


@action("form.show")
def _on_show(c: Context, args: Slots) -> Reply:
    run = _found(c, args)
    if run is None or run.state != "active" or not is_usable(c, run):
        return stale(c, run)
    answers = {key: item for key, item in run.answers.items() if key != PAUSED}
    return prompt(c, store.save(c.tx, run._replace(answers=answers)))


@action("form.commit")
def commit(c: Context, args: Slots) -> Reply:
    """The final press. A second one shows the same result again: the run is done, its revision has moved on."""
    run, live = _current(c, args)
    if run is None or not live:
        return stale(c, run)
    form = FORMS[run.name]
    missing = [step.key for step in form.steps(c, run.answers) if _is_missing(step, run.answers)]
    if missing or run.step != CONFIRM:
        return _present(c, form, run, moved=True)
    if form.pins is not None and dict(form.pins(c, run.answers)) != run.answers.get(PINNED):
        screen = _draw(c, form, run, list(form.steps(c, run.answers)))
        return replace(screen, text=f"{c.w('form.changed')}\n\n{screen.text}", fresh=True)
    return _commit(c, form, run)


def _commit(c: Context, form: Form, run: FormView) -> Reply:
    if form.needs_member and run.member_id != c.need_member().id:
        raise DomainError("other_member_form")
    # Done before the commit's own screens are made: a form begun by them must not park this one
    done = store.save(c.tx, run._replace(state="done", step="", revision=run.revision + 1, answers={}))
    reply, again, again_args = form.commit(c, run.answers)
    store.save(c.tx, done._replace(result={"action": again, "args": again_args} if again else None))
    return reply
