"""What anybody may know about the operator."""

from collections.abc import Sequence

from bot.screens.invoices import local
from bot.screens.model import Screen
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.profiles.model import PaymentMethod, Profile


def about(w: Wording, profile: Profile, what: str, methods: Sequence[PaymentMethod]) -> Screen:
    """`what`: hours, registration, phone, methods; `methods`: how members can pay here now."""
    operator = profile.operator
    if what == "methods":
        names = w.join(local(w, method.name) for method in methods)
        stores = any(method.code == "konbini" for method in methods)
        text = "\n".join([w("operator.methods", names=names), *([w("pay.konbini_stores")] if stores else [])])
        return Screen(text, buttons=((intent_button(w, "list_unpaid"),), menu_button(w)))
    text = {
        "hours": w("operator.hours", hours=local(w, operator.hours), phone=operator.phone),
        "phone": w("operator.phone", hours=local(w, operator.hours), phone=operator.phone),
        "registration": w(
            "operator.registration", operator=local(w, operator.name), number=operator.registration_number
        ),
    }[what]
    return Screen(text, buttons=((intent_button(w, "talk_to_human"),), menu_button(w)))
