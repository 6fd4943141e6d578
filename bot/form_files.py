"""Photos and other files that come while a form is filled in: none is lost, at whatever step they come."""

from bot import forms
from bot.form_model import CONFIRM, FORMS, Given
from bot.registry import Context, Reply, as_screens
from bot.screens.model import Screen
from core.dialogue import forms as store
from core.dialogue.forms import FormView


def takes_files(c: Context, run: FormView) -> bool:
    """Whether a photo or another file answers the present step."""
    return any(step.key == run.step and step.takes_files for step in FORMS[run.name].steps(c, run.answers))


def keeps_files(run: FormView) -> bool:
    """Whether the form has a place for them, so that they may come before or after their question."""
    return bool(FORMS[run.name].files)


def keep_files(c: Context, run: FormView, given: Given) -> Reply:
    """Added to those the form has; what was written with them is the answer to the present step."""
    key = FORMS[run.name].files
    kept = {**run.answers, key: [*(run.answers.get(key) or ()), *given.files]}
    run = store.save(c.tx, run._replace(answers=kept))
    said = Screen(c.w("form.files_kept"))
    if given.text and run.step != CONFIRM:
        return [said, *as_screens(forms.take(c, run, Given(text=given.text)))]
    return [said, forms.prompt(c, run)]
