"""P4, P5, P10: what a payment does to its invoice; every yen ends somewhere (algorithms.md 5 and 6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.policy import Allocation, InvoiceStatus, decide_payment
from core.errors import DomainError, InvariantBroken
from core.money import MAX_YEN

FEES = (110, 220, 330, 660)


def paid(paid_yen: int, open_yen: int = 14_051, **changed: object) -> Allocation:
    asked: dict[str, object] = {"invoice_status": InvoiceStatus.OPEN, **changed}
    return decide_payment(open_yen=open_yen, paid_yen=paid_yen, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paid_yen", "borne", "expected"),
    [
        (14_051, 0, Allocation(14_051, 0, 0, 0, 0)),
        (15_000, 0, Allocation(14_051, 949, 0, 0, 0)),
        (13_721, 660, Allocation(13_721, 0, 0, 0, 330)),
        (13_721, 329, Allocation(13_721, 0, 0, 330, 0)),
        (13_721, 0, Allocation(13_721, 0, 0, 330, 0)),
        (13_390, 660, Allocation(13_390, 0, 0, 661, 0)),
    ],
)
def test_a_payment_is_applied_held_as_credit_or_leaves_the_rest_due(
    paid_yen: int, borne: int, expected: Allocation
) -> None:
    assert paid(paid_yen, fee_borne_up_to_yen=borne) == expected


def test_only_a_known_fee_is_borne_when_the_fees_are_known() -> None:
    assert paid(13_721, fee_borne_up_to_yen=660, known_fees_yen=FEES).fee_yen == 330
    assert paid(13_722, fee_borne_up_to_yen=660, known_fees_yen=FEES) == Allocation(13_722, 0, 0, 329, 0)
    assert paid(14_051, fee_borne_up_to_yen=660, known_fees_yen=FEES) == Allocation(14_051, 0, 0, 0, 0)


def test_a_shortage_greater_than_the_payment_is_no_fee() -> None:
    assert paid(1, open_yen=500, fee_borne_up_to_yen=660) == Allocation(1, 0, 0, 499, 0)


@pytest.mark.parametrize("status", [InvoiceStatus.PAID, InvoiceStatus.VOID])
def test_late_money_waits_in_suspense(status: InvoiceStatus) -> None:
    for open_yen in (0, 14_051):
        expected = Allocation(applied_yen=0, credit_yen=0, suspense_yen=14_051, still_due_yen=0, fee_yen=0)
        assert paid(14_051, open_yen=open_yen, invoice_status=status, fee_borne_up_to_yen=660) == expected


def test_pain_10_an_invoice_of_5_paid_with_40_leaves_35_to_the_member() -> None:
    assert paid(40, open_yen=5) == Allocation(applied_yen=5, credit_yen=35, suspense_yen=0, still_due_yen=0, fee_yen=0)


@given(
    open_yen=st.integers(1, 100_000),
    paid_yen=st.integers(1, 100_000),
    status=st.sampled_from(InvoiceStatus),
    borne=st.sampled_from([0, 330, 660]),
    fees=st.sampled_from([(), FEES]),
)
def test_pain_10_not_a_yen_is_lost_or_invented(
    open_yen: int, paid_yen: int, status: InvoiceStatus, borne: int, fees: tuple[int, ...]
) -> None:
    done = paid(paid_yen, open_yen=open_yen, invoice_status=status, fee_borne_up_to_yen=borne, known_fees_yen=fees)
    assert done.applied_yen + done.credit_yen + done.suspense_yen == paid_yen
    assert min(done.applied_yen, done.credit_yen, done.suspense_yen, done.still_due_yen, done.fee_yen) >= 0
    assert done.fee_yen <= borne
    if status is InvoiceStatus.OPEN:
        assert done.applied_yen + done.fee_yen + done.still_due_yen == open_yen
        assert not (done.credit_yen and done.still_due_yen)
    else:
        assert done.suspense_yen == paid_yen


@given(parts=st.lists(st.integers(1, 5_000), min_size=1, max_size=8), open_yen=st.integers(1, 20_000))
def test_pain_11_an_invoice_can_be_paid_in_parts(parts: list[int], open_yen: int) -> None:
    """Whatever the parts are, they do what their sum would have done, and what comes after the last waits for staff."""
    left, applied, elsewhere = open_yen, 0, 0
    for part in parts:
        status = InvoiceStatus.OPEN if left else InvoiceStatus.PAID
        done = paid(part, open_yen=left, invoice_status=status)
        left, applied = done.still_due_yen, applied + done.applied_yen
        elsewhere += done.credit_yen + done.suspense_yen
    assert applied == min(sum(parts), open_yen)
    assert left == max(open_yen - sum(parts), 0)
    assert elsewhere == max(sum(parts) - open_yen, 0)


@pytest.mark.parametrize("paid_yen", [0, -1, MAX_YEN + 1])
def test_pain_19_a_payment_of_nothing_is_an_error_and_never_a_row_of_0(paid_yen: int) -> None:
    for status in InvoiceStatus:
        with pytest.raises(DomainError) as refusal:
            paid(paid_yen, invoice_status=status)
        assert refusal.value.code == "yen_out_of_range"


def test_an_open_invoice_that_lacks_nothing_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken):
        paid(100, open_yen=0)
