"""Every statement constant of the core compiles once for both databases: no defaults, no expanding IN."""

import importlib
import pkgutil

from sqlalchemy.engine import make_url

import core
from core.statements import Statement

DIALECTS = [make_url(url).get_dialect()() for url in ("sqlite://", "postgresql+psycopg://")]


def test_every_statement_compiles_once_on_both_databases() -> None:
    seen = 0
    for module_info in pkgutil.walk_packages(core.__path__, "core."):
        if ".migrations" in module_info.name:
            continue
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            if isinstance(value, Statement):
                for dialect in DIALECTS:
                    assert value.plan(dialect).sql, f"{module_info.name}.{name}"
                seen += 1
    assert seen > 40
