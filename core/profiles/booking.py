"""What can be reserved and how a reservation is changed or cancelled: facilities, categories with their forms, deadlines."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.profiles.shapes import ClockTime, Code, Flaws, LocalText, Part, Rows, Text, repeated, whole

FieldKind = Literal["date", "time", "facility", "number", "choice", "text"]
OWN_COLUMNS: dict[str, FieldKind] = {
    "used_on": "date",
    "used_time": "time",
    "facility": "facility",
    "purpose": "text",
}
"""Fields that a reservation has by itself: an accepted change moves the reservation. All others are its details."""


class Facility(Part):
    """A room, hall or kind of visit that members reserve. `exclusive`: one reservation at a time."""

    code: Code
    name: LocalText
    words: Rows[Text] = ()
    exclusive: bool = True


class FieldChoice(Part):
    """One answer to choose."""

    code: Code
    name: LocalText


class RequestField(Part):
    """One question of a change or cancel request (row F4)."""

    code: Code
    name: LocalText
    kind: FieldKind
    required: bool = True
    most: Annotated[int, whole("数の上限", "the largest number", low=1, high=99_999)] = 99_999
    choices: Rows[FieldChoice] = ()

    def choice(self, code: str) -> FieldChoice | None:
        """The choice `code`, or None when the profile has none of that name any more."""
        return next((choice for choice in self.choices if choice.code == code), None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        own = OWN_COLUMNS.get(self.code)
        if own is not None and self.kind != own:
            flaws.add(
                ("kind",),
                f'{self.code} は予約そのものの項目なので、kind = "{own}" にしてください',
                f"{self.code} is a field of the reservation itself: its kind is '{own}'",
            )
        if self.kind in ("date", "time", "facility") and own is None:
            flaws.add(
                ("code",),
                f'kind = "{self.kind}" は、予約の項目（{"、".join(OWN_COLUMNS)}）だけに使えます',
                f"kind '{self.kind}' is only for the reservation's own fields ({', '.join(OWN_COLUMNS)})",
            )
        if (self.kind == "choice") != bool(self.choices):
            flaws.add(
                ("choices",),
                'choices は kind = "choice" のときに、一つ以上書いてください',
                "choices belong to kind 'choice', one at least",
            )
        for place in repeated(self.choices, lambda choice: choice.code):
            flaws.add(("choices", place, "code"), "同じコードの選択肢が二つあります", "two choices have the same code")
        flaws.raise_if_any()
        return self


class RequestDeadline(Part):
    """Until when a request is taken: so many days before the day of use, at this time of day."""

    days: Annotated[int, whole("日数", "a number of days", low=0, high=365)]
    at: ClockTime


class CancellationFee(Part):
    """From so many days before the day of use, a cancellation costs this share of the charge."""

    days: Annotated[int, whole("日数", "a number of days", low=0, high=365)]
    percent: Annotated[int, whole("キャンセル料（%）", "the fee in percent", low=1, high=100)]


class Category(Part):
    """A kind of reservation: what may be asked to change, what is asked at cancelling, and until when."""

    code: Code
    name: LocalText
    change_until: RequestDeadline | None = None
    cancel_until: RequestDeadline | None = None
    change_fields: Annotated[Rows[RequestField], Field(min_length=1)]
    cancel_fields: Rows[RequestField] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        for name, fields in (("change_fields", self.change_fields), ("cancel_fields", self.cancel_fields)):
            for place in repeated(fields, lambda field: field.code):
                flaws.add((name, place, "code"), "同じコードの項目が二つあります", "two fields have the same code")
        for place, field in enumerate(self.cancel_fields):
            if field.code in OWN_COLUMNS:
                flaws.add(
                    ("cancel_fields", place, "code"),
                    f"{field.code} は予約の項目です。キャンセルの依頼では、理由などだけを尋ねてください",
                    f"{field.code} is a field of the reservation: a cancel request asks for reasons only",
                )
        flaws.raise_if_any()
        return self


class Bookings(Part):
    """Reservations (profile `facility`, rows F1 to F5)."""

    queue: Code
    change_until: RequestDeadline
    cancel_until: RequestDeadline
    cancellation_note: LocalText
    cancellation_fees: Rows[CancellationFee] = ()
    facilities: Annotated[Rows[Facility], Field(min_length=1)]
    categories: Annotated[Rows[Category], Field(min_length=1)]

    def facility(self, code: str) -> Facility | None:
        """The facility `code`; None for one that the profile has no more, whose reservations stay."""
        return next((facility for facility in self.facilities if facility.code == code), None)

    def category(self, code: str) -> Category | None:
        """The category `code`; None for one that the profile has no more."""
        return next((category for category in self.categories if category.code == code), None)

    def deadline(self, kind: str, category_code: str) -> RequestDeadline:
        """Until when a request of this kind (change, cancel) is taken: the category's own, else everybody's."""
        category = self.category(category_code)
        if kind == "change":
            return (category.change_until if category else None) or self.change_until
        return (category.cancel_until if category else None) or self.cancel_until

    def fields(self, kind: str, category_code: str) -> tuple[RequestField, ...]:
        """What a request of this kind asks for; nothing for a category that the profile has no more."""
        category = self.category(category_code)
        if category is None:
            return ()
        return category.change_fields if kind == "change" else category.cancel_fields

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        for place in repeated(self.facilities, lambda facility: facility.code):
            flaws.add(("facilities", place, "code"), "同じコードの施設が二つあります", "two facilities, same code")
        for place in repeated(self.categories, lambda category: category.code):
            flaws.add(("categories", place, "code"), "同じコードの区分が二つあります", "two categories, same code")
        for place in repeated(self.cancellation_fees, lambda fee: str(fee.days)):
            flaws.add(("cancellation_fees", place, "days"), "同じ日数の行が二つあります", "two rows, same days")
        flaws.raise_if_any()
        return self
