"""python -m training claims: the claims of the lecture, run again."""

import json
import time
from pathlib import Path

import click

from training.claims import CLAIMS
from training.models.errors import UserError
from training.models.registry import pick


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="One seed and short runs: figures and no verdict.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where runs are stored. [runs/claims]")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write the page with its figures here.")
@click.option("--minutes", type=float, help="Begin no further run after so long; the next call goes on from there.")
@click.option("--list", "only_list", is_flag=True, help="Name the claims and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def claims(
    names: tuple[str, ...],
    quick: bool,
    out: Path | None,
    page: Path | None,
    minutes: float | None,
    only_list: bool,
    as_json: bool,
) -> None:
    """Run claims of the lecture again and say what held. Every run is stored when it is done and not done twice.

    \b
      python -m training claims --quick
      python -m training claims byol-collapse temperature
      python -m training claims --page docs/claims.md
    """
    if only_list:
        click.echo(json.dumps(list(CLAIMS)) if as_json else "\n".join(CLAIMS))
        return
    for name in names:
        pick("claim", name, dict.fromkeys(CLAIMS))
    if page is not None and quick:
        raise UserError("A quick look gives no verdicts to write a page of; leave --quick or --page out.")

    from training.claims.claim import SEEDS, Store
    from training.claims.page import document, write_page

    seeds = 1 if quick else SEEDS
    store = Store(out or Path("runs", "claims"), quick)
    begun = time.monotonic()
    for name in names or tuple(CLAIMS):
        claim = CLAIMS[name]
        for seed in range(seeds):
            for label, arm in claim.arms.items():
                if minutes is not None and time.monotonic() - begun > 60 * minutes:
                    break
                if store.run(arm, seed):
                    click.echo(f"{name}: {label}, seed {seed}", err=True)
    if page is not None:
        write_page(store, page)
        click.echo(f"Written to {page}.", err=True)
    found = document(store, seeds)
    chosen = {name: found[name] for name in names or tuple(CLAIMS)}
    if as_json:
        click.echo(json.dumps(chosen, indent=1))
        return
    for name, of in chosen.items():
        assert isinstance(of, dict)
        none = (
            "no verdict, a quick look: short runs of one seed"
            if quick
            else f"no verdict ({of['seeds']} of {SEEDS} seeds)"
        )
        verdict = of["verdict"] or none
        click.echo(f"{name}: {verdict}")
        for effect in of["effects"]:
            between = f"{effect['interval'][0]:+.3g} to {effect['interval'][1]:+.3g}" if effect["interval"] else "-"
            click.echo(f"  {effect['name']:58} {effect['mean']:+.3g}  ({between}; {effect['smallest']:g} would count)")
