"""What a deployment's conversation needs to know; one for each process."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.wording import Wording
from core.billing.attempts import PROVIDER_OF
from core.profiles.model import PaymentMethod, Profile


@dataclass(slots=True)
class Bot:
    """The operator's rules, where the product is reached, and the operator's own words (kept current by the app)."""

    profile: Profile
    public_url: str
    overrides: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by language
    online: frozenset[str] = frozenset()  # payment methods whose provider is set up (credit_card, konbini)
    flood_acts: int = 40  # one person's acts a minute; more are kept in the thread but not answered

    def wording(self, language: str) -> Wording:
        """The words to answer in."""
        own = self.profile.wording.ja if language == "ja" else self.profile.wording.en
        return Wording(language, {**own, **self.overrides.get(language, {})})

    def methods(self) -> tuple[PaymentMethod, ...]:
        """How members can pay here by hand: what the profile offers and is set up."""
        return tuple(
            method
            for method in self.profile.list_manual_methods()
            if method.code not in PROVIDER_OF or method.code in self.online
        )

    def operator_name(self, language: str) -> str:
        """The operator's name as members read it."""
        return self.profile.operator.name.text("ja" if language == "ja" else "en")

    def contact(self, language: str) -> dict[str, str]:
        """Name, phone, hours and address of the counter, for the foot of mails."""
        return {
            "operator": self.operator_name(language),
            "phone": self.profile.operator.phone,
            "hours": self.profile.operator.hours.text("ja" if language == "ja" else "en"),
            "url": f"{self.public_url}/chat",
        }
