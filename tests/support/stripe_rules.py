"""What Stripe's API takes: the form it is sent, checked against the parameter types that the SDK carries.

The SDK does not check what it sends, and Stripe refuses an unknown name. Its types are made from Stripe's own OpenAPI, so a
name, a literal or a list that is not in them would be refused there.
"""

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl

import typing_extensions
from stripe._request_options import RequestOptions
from stripe.params import EventListParams
from stripe.params.checkout import SessionCreateParams

_BY_HEADER = set(RequestOptions.__annotations__)  # never in the form
_HEADER_TYPES = {"StripeContext": object, "Mapping": Mapping}  # named only in those
_PART = re.compile(r"\[([^\]]*)\]")


def read_form(encoded: str) -> dict[str, Any]:
    """`a[b][0][c]=d` as nested objects and lists, as Stripe reads a body or a query."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head, _, _ = name.partition("[")
        path = [head, *_PART.findall(name)]
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1] or str(len(node))] = value
    return {key: _as_lists(value) for key, value in tree.items()}


def _as_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    inner = {key: _as_lists(value) for key, value in node.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def session_violations(form: Mapping[str, Any]) -> list[str]:
    """What is wrong with a Checkout session that is to be made; empty when Stripe would take it."""
    found = list(_check(SessionCreateParams, dict(form), ""))
    if found:
        return found
    # the SDK's types leave these two open
    if form.get("allowed_payment_method_types") not in (["card"], ["konbini"]) or form.get("locale") not in (
        "ja",
        "en",
    ):
        found.append("method or locale")
    konbini = form.get("allowed_payment_method_types") == ["konbini"]
    total = sum(int(line["quantity"]) * int(line["price_data"]["unit_amount"]) for line in form["line_items"])
    least, most = (120, 300_000) if konbini else (50, 99_999_999)
    if not least <= total <= most:
        found.append(f"amount {total}")
    if form.get("mode") != "payment" or any(line["price_data"]["currency"] != "jpy" for line in form["line_items"]):
        found.append("mode or currency")
    days = int(form.get("payment_method_options", {}).get("konbini", {}).get("expires_after_days", 3))
    if not 1 <= days <= 60:
        found.append(f"expires_after_days {days}")
    if "@" not in form.get("customer_email", "@"):
        found.append("customer_email")
    return found


def events_violations(query: Mapping[str, Any]) -> list[str]:
    """The same of a question for events."""
    return list(_check(EventListParams, dict(query), ""))


def _check(wanted: Any, value: Any, where: str) -> Iterator[str]:
    origin = get_origin(wanted)
    if origin in (typing.Union, types.UnionType):
        options = [list(_check(option, value, where)) for option in get_args(wanted)]
        yield from () if any(not problems for problems in options) else min(options, key=len)
    elif origin is list:
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for number, each in enumerate(value):
            yield from _check(get_args(wanted)[0], each, f"{where}[{number}]")
    elif origin is Literal:
        yield from () if value in get_args(wanted) else [f"{where}={value!r}"]
    elif origin is dict:
        yield from () if isinstance(value, dict) else [f"{where} is no object"]
    elif isinstance(wanted, type) and typing_extensions.is_typeddict(wanted):
        yield from _check_object(wanted, value, where)
    elif wanted is int:
        yield from () if isinstance(value, str) and value.lstrip("-").isdigit() else [f"{where}={value!r}"]
    elif wanted is bool:
        yield from () if value in ("true", "false") else [f"{where}={value!r}"]
    elif wanted is str:
        yield from () if isinstance(value, str) else [f"{where} is no text"]


def _check_object(wanted: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object"
        return
    hints = typing_extensions.get_type_hints(wanted, localns=_HEADER_TYPES, include_extras=True)
    known = {name: hint for name, hint in hints.items() if name not in _BY_HEADER}
    for name, each in value.items():
        if name not in known:
            yield f"{where}.{name} is unknown"
        else:
            yield from _check(_inside(known[name]), each, f"{where}.{name}")
    missing = [
        n for n, hint in known.items() if get_origin(hint) is not typing_extensions.NotRequired and n not in value
    ]
    yield from (f"{where}.{name} is missing" for name in missing)


def _inside(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is typing_extensions.NotRequired else hint
