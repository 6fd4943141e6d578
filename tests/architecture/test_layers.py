"""What handlers, policies and the core may not hold. Each rule says that it looked, and has a case that it would catch."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = ("bot/handlers/*.py",)
CONVERSATION = (*HANDLERS, "bot/forms.py", "bot/form_model.py", "bot/turn.py", "bot/routing.py")
MAY_ASK_THE_MACHINE = {"core/clock.py", "core/ids.py"}
JAPANESE = re.compile(r"[぀-ヿ㐀-鿿＀-￯]")
STATEMENT_CALLS = {"select", "insert", "update", "delete", "Read", "Write", "text", "bindparam"}
MACHINE_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
MACHINE_MODULES = {"random", "secrets", "uuid"}

Rule = Callable[[ast.Module], Iterator[str]]


def files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.name != "__init__.py")


def breaches(paths: Iterable[Path], rule: Rule) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {breach}" for path in paths for breach in rule(ast.parse(path.read_text("utf-8")))
    ]


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def uses_sql(tree: ast.Module) -> Iterator[str]:
    """Statements belong to the core: no SQLAlchemy, no statement objects, no tables, no call on the transaction."""
    for line, module in imported(tree):
        if module.startswith("sqlalchemy") or module == "core.statements" or module.endswith(".tables"):
            yield f"line {line} imports {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in STATEMENT_CALLS or re.fullmatch(r"(c\.)?tx\.(all|first|one|run|many)", name):
                yield f"line {node.lineno} calls {name}"


def reckons_with_yen(tree: ast.Module) -> Iterator[str]:
    """Sums of money are the core's: no arithmetic with a name that ends in _yen, nor a sum of such."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BinOp):
            parts = [node.left, node.right]
        elif isinstance(node, ast.AugAssign):
            parts = [node.target, node.value]
        elif isinstance(node, ast.Call) and dotted(node.func) in ("sum", "round", "divmod"):
            parts = list(node.args)
        names = {dotted(inner) for part in parts for inner in ast.walk(part)}
        if any(name.endswith("_yen") for name in names):
            yield f"line {node.lineno} reckons with yen"


def words_japanese(tree: ast.Module) -> Iterator[str]:
    """Words are in bot/locales: no Japanese in a literal that is no docstring."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        if is_text and JAPANESE.search(node.value):
            yield f"line {node.lineno} says {node.value!r}"


def asks_the_machine(tree: ast.Module) -> Iterator[str]:
    """Time, ids and secrets are handed in."""
    for line, module in imported(tree):
        if module in MACHINE_MODULES:
            yield f"line {line} imports {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in MACHINE_CALLS:
            yield f"line {node.lineno} calls {dotted(node.func)}"


def imports_sqlalchemy(tree: ast.Module) -> Iterator[str]:
    """Policies are values in, values out."""
    for line, module in imported(tree):
        if module.startswith("sqlalchemy") or module in ("core.db", "core.statements"):
            yield f"line {line} imports {module}"


CAUGHT = [
    (uses_sql, "from core.dialogue.tables import Chat"),
    (uses_sql, "from sqlalchemy import select"),
    (uses_sql, "def f(c): c.tx.first(QUERY)"),
    (reckons_with_yen, "total = invoice.open_yen + fee"),
    (reckons_with_yen, "total = sum(i.open_yen for i in invoices)"),
    (words_japanese, "x = f'{name}様'"),
    (asks_the_machine, "from datetime import datetime\nnow = datetime.now()"),
    (asks_the_machine, "import random"),
    (imports_sqlalchemy, "from sqlalchemy import select"),
]


@pytest.mark.parametrize(("rule", "code"), CAUGHT)
def test_a_rule_catches_what_it_is_for(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code)))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (uses_sql, "def f(c): return invoices.list_unpaid(c.tx, member_id=1)"),
        (reckons_with_yen, "total_yen = quote.total_yen"),
        (words_japanese, '"""説明。"""\nx = "invoice.paid"'),
        (asks_the_machine, "def f(tx): return tx.now"),
        (imports_sqlalchemy, "from datetime import date"),
    ],
)
def test_a_rule_lets_good_code_pass(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code))) == []


def test_handlers_hold_no_statements() -> None:
    paths = files(*HANDLERS)
    assert len(paths) > 5
    assert breaches(paths, uses_sql) == []


def test_handlers_do_not_reckon_with_money() -> None:
    paths = files(*CONVERSATION)
    assert len(paths) > 8
    assert breaches(paths, reckons_with_yen) == []


def test_handlers_forms_and_turn_hold_no_wording() -> None:
    paths = files(*CONVERSATION)
    assert len(paths) > 8
    assert breaches(paths, words_japanese) == []


def test_time_ids_and_secrets_are_handed_in() -> None:
    paths = [
        path
        for path in files("core/**/*.py", "bot/**/*.py")
        if path.relative_to(ROOT).as_posix() not in MAY_ASK_THE_MACHINE and "commands" not in path.parts
    ]
    assert len(paths) > 100
    assert [breach for breach in breaches(paths, asks_the_machine) if not breach.startswith(tuple(SEEDED))] == []


SEEDED = (
    "core/exchange/sample.py",
    "core/exchange/sample_reservations.py",
    "core/exchange/names.py",
    "bot/understanding/training.py",
)
"""The sample's generator and the training of the classifier: both are handed their seed, nothing they make is a secret."""


def test_policies_know_no_database() -> None:
    paths = files("core/**/policy.py", "core/money.py", "core/bankdays.py")
    assert len(paths) > 5
    assert breaches(paths, imports_sqlalchemy) == []


def test_files_and_functions_stay_short() -> None:
    paths = files("bot/**/*.py")
    assert len(paths) > 40
    long_files = [path.name for path in paths if len(path.read_text("utf-8").splitlines()) > 400]
    long_functions = [
        f"{path.name}:{node.name}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 60
    ]
    assert long_files == [] and long_functions == []
