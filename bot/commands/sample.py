"""`madoguchi sample`: files of made-up members, contracts and reservations to try the import with."""

from datetime import date, datetime
from pathlib import Path

import click

from core.exchange.sample import make_members, write_sample
from core.exchange.sample_reservations import make_reservations, write_reservations_sample
from core.profiles.files import load_profile

PROFILE = "renewal-notice"  # whose plans the contracts have


@click.command("sample")
@click.option("--members", type=click.IntRange(1, 1_000_000), default=1000, help="会員の数 / how many members")
@click.option("--seed", type=int, default=1, help="同じ数なら同じ内容 / the same seed gives the same files")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="この日を中心に / expiries around this day"
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="出力先 / folder")
def sample(members: int, seed: int, day: datetime, out: Path) -> None:
    """取り込みを試すための架空の会員・契約・予約（CSV）を作る / Make sample files for `madoguchi import`."""
    plan_names = {plan.code: plan.name.ja for plan in load_profile(PROFILE).plans}
    made = make_members(members, seed=seed, day=date(day.year, day.month, day.day))
    for path in write_sample(made, out, plan_names=plan_names):
        click.echo(path)
    reservations = make_reservations(made, seed=seed, day=date(day.year, day.month, day.day))
    click.echo(write_reservations_sample(reservations, out))
