"""python -m index models: the model catalogue, and fetching and removing models."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from index.cli.options import as_json_option
from training.models.console import answer

if TYPE_CHECKING:
    from training.models.catalogue import CatalogueModel
    from training.models.downloads.local import ModelStatus
    from training.models.zoo import ZooModel

name_argument = click.argument("name", metavar="NAME")


@click.group(invoke_without_command=True)
@click.option("--images", type=click.IntRange(1), default=1000, show_default=True, help="Say how long these take.")
@as_json_option
@click.pass_context
def models(context: click.Context, images: int, as_json: bool) -> None:
    """List the models that can be fetched (licence, size, and what they take on this machine), and the zoo.

    \b
      python -m index models
      python -m index models get ViT-B-16-SigLIP2/webli
      python -m index build ~/Images --into photos.gelato --encoder ViT-B-16-SigLIP2/webli
    """
    if context.invoked_subcommand is not None:
        return
    from training.models.catalogue import catalogue
    from training.models.estimates import recommended
    from training.models.zoo import zoo

    offer = recommended(images).name
    rows = [_document(model, images) for model in catalogue()]
    small = [_of_zoo(model) for model in zoo()]
    document = {"recommended": offer, "images": images, "models": rows, "zoo": small}
    answer(as_json, document, f"{_table(rows, offer, images)}\n\n{_zoo_table(small)}")


@models.command("get")
@name_argument
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    help="Take the files from this folder, which another machine filled, instead of the network.",
)
@click.option("--accept-licence", is_flag=True, help="Agree to a licence that does not allow commercial use.")
@as_json_option
def get(name: str, folder: Path | None, accept_licence: bool, as_json: bool) -> None:
    """Fetch the model NAME, or go on with a download; afterwards it needs no network.

    NAME is one of `python -m index models`, any ARCHITECTURE/TAG of open_clip, or hf-hub:ORGANISATION/REPOSITORY.
    """
    from training.models.catalogue import catalogue_model
    from training.models.downloads.get import get as fetch
    from training.models.downloads.importing import import_from
    from training.models.downloads.local import hub_needs
    from training.models.downloads.progress import DownloadLine
    from training.models.downloads.sentences import OutOfReach
    from training.models.errors import UserError

    name = name.strip()
    if needs := hub_needs(name):  # a name that leads nowhere has no licence
        click.echo(_licence(name, catalogue_model(name), needs[0].repository), err=True)
    line = DownloadLine(name)
    try:
        if folder is not None:
            found = import_from(name, folder, accept_licence)
        else:
            found = fetch(name, on_progress=line.show, accept_licence=accept_licence)
    except OutOfReach as error:
        for each in error.to_copy:
            click.echo(each, err=True)
        raise UserError(f"{error.fact}.") from error
    finally:
        line.close()
    fact = f"{name} is on this machine ({found.here / 1e6:,.0f} MB)"
    if not found.files:
        fact = f"{name} has no files of the hub to fetch (a model of timm fetches its own when it is first used)"
    text = f"{fact}. Now: python -m index build FOLDER --encoder {name}"
    answer(as_json, _local(found), text)


@models.command("remove")
@name_argument
@as_json_option
def remove(name: str, as_json: bool) -> None:
    """Delete the model NAME from this machine; collections that were built with it stay, and need it for text."""
    from training.models.downloads.local import remove as delete

    freed = delete(name)
    answer(as_json, {"name": name, "freed": freed}, f"{name} was removed: {freed / 1e6:,.0f} MB are free again.")


def _licence(name: str, listed: "CatalogueModel | None", repository: str) -> str:
    if listed is not None:
        use = "commercial use is allowed" if listed.commercial else "commercial use is not allowed"
        return f"{name}: licence {listed.licence}, {use} ({listed.licence_url})"
    return f"{name}: its licence is not in the catalogue: see https://huggingface.co/{repository}"


def _document(model: "CatalogueModel", images: int) -> dict[str, Any]:
    """A line of the catalogue with what this machine has and takes."""
    from training.models.downloads.local import status
    from training.models.estimates import estimate

    speed = estimate(model.name, images)
    return {
        **asdict(model),
        "download_bytes": model.download_bytes,
        "on_this_machine": _local(status(model.name)),
        "images_per_second": round(speed.images_per_second, 2),
        "seconds": round(speed.seconds, 1),
        "measured": speed.measured,
    }


def _of_zoo(model: "ZooModel") -> dict[str, Any]:
    """A line of the zoo."""
    facts = {"name": model.encoder, "idea": model.idea, "paper": model.paper, "reads_text": model.reads_text}
    return {**facts, "bytes": model.bytes, "figures": model.figures()}


def _zoo_table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "Small encoders that come with Gelato, to compare methods (docs/zoo.md); k-NN on images kept aside:",
        f"{'encoder':16} {'text':5} {'MB':>5} {'shapes':>7} {'colours':>8}  learns from",
    ]
    for row in rows:
        shape, colour = (f"{row['figures'][f'knn/{what}']['value']:.0%}" for what in ("shape", "colour"))
        text, size = "yes" if row["reads_text"] else "no", row["bytes"] / 1e6
        lines.append(f"{row['name']:16} {text:5} {size:5.1f} {shape:>7} {colour:>8}  {row['idea']}")
    return "\n".join(lines)


def _local(found: "ModelStatus") -> dict[str, Any]:
    files = [asdict(file) | {"folder": str(file.folder)} for file in found.files]
    return {"name": found.name, "state": found.state, "bytes": found.here, "files": files}


def _table(rows: list[dict[str, Any]], offer: str, images: int) -> str:
    from training.models.console import duration
    from training.models.hub_contact import absence

    states = {"ready": "yes", "partial": "partly", "absent": "no"}
    takes = f"{images:,} images"
    lines = [
        f"{'model':46} {'for':12} {'here':6} {'MB':>6} {'images/s':>9} {takes:>13}  "
        f"{'ImageNet':>8} {'COCO':>5}  licence"
    ]
    for row in rows:
        speed = ("" if row["measured"] else "~ ") + f"{row['images_per_second']:,.1f}"
        figures = [f"{row['imagenet']:.1f}" if row["imagenet"] else "", f"{row['coco'][0]:.1f}" if row["coco"] else ""]
        mark = "" if row["commercial"] else " (not for commercial use)"
        lines.append(
            f"{row['name']:46} {row['use']:12} {states[row['on_this_machine']['state']]:6} "
            f"{row['download_bytes'] / 1e6:6,.0f} {speed:>9} {duration(row['seconds']):>13}  "
            f"{figures[0]:>8} {figures[1]:>5}  {row['licence']}{mark}"
        )
    lines.append(f"~ is estimated from a short run on this machine. For this machine: {offer}")
    if why := absence():
        lines.append(
            f"The model hub cannot be reached from here ({why}). To copy a model from another machine: "
            f"`python -m index models get NAME` says which files, and where to."
        )
    return "\n".join(lines)
