"""python -m training claims: test the claims of the lecture."""

import time
from pathlib import Path

import click

from training.claims import CLAIMS
from training.models.console import answer, print_json
from training.models.errors import UserError
from training.models.registry import pick


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="One seed and short runs: effects without a verdict.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of stored runs. [default: in the cache]"
)
@click.option(
    "--page", type=click.Path(path_type=Path, dir_okay=False), help="Write the page and its figures to this file."
)
@click.option("--minutes", type=float, help="Start no further run after this time; the next call continues.")
@click.option("--list", "only_list", is_flag=True, help="List the claims and run nothing.")
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
    """Test claims of the lecture and print the verdicts. Finished runs are stored and not repeated.

    \b
      python -m training claims --quick
      python -m training claims byol-collapse temperature
      python -m training claims --page docs/claims.md
    """
    if only_list:
        answer(as_json, list(CLAIMS), "\n".join(CLAIMS))
        return
    for name in names:
        pick("claim", name, dict.fromkeys(CLAIMS))
    if page is not None and quick:
        raise UserError("--quick gives no verdicts for a page; leave --quick or --page out.")

    from training.claims.claim import SEEDS, Store
    from training.claims.page import document, write_page
    from training.models.cache import cache_dir

    seeds = 1 if quick else SEEDS
    store = Store(out or cache_dir("claims"), quick)
    started = time.monotonic()
    for name in names or tuple(CLAIMS):
        claim = CLAIMS[name]
        for seed in range(seeds):
            for label, arm in claim.arms.items():
                if minutes is not None and time.monotonic() - started > 60 * minutes:
                    break
                if store.run(arm, seed):
                    click.echo(f"{name}: {label}, seed {seed}", err=True)
    if page is not None:
        write_page(store, page)
        click.echo(f"Written to {page}.", err=True)
    results = document(store, seeds)
    chosen = {name: results[name] for name in names or tuple(CLAIMS)}
    if as_json:
        print_json(chosen)
        return
    for name, result in chosen.items():
        assert isinstance(result, dict)
        missing = "short runs of one seed" if quick else f"{result['seeds']} of {SEEDS} seeds"
        click.echo(f"{name}: {result['verdict'] or f'no verdict ({missing})'}")
        for effect in result["effects"]:
            between = f"{effect['interval'][0]:+.3g} to {effect['interval'][1]:+.3g}" if effect["interval"] else "-"
            click.echo(
                f"  {effect['name']:58} {effect['mean']:+.3g}  ({between}; smallest interesting {effect['smallest']:g})"
            )
