"""docs/models.md, made from the catalogue: python -m training.models.catalogue.page > docs/models.md"""

from training.models.catalogue import CatalogueModel, catalogue

TEXT = """# Models

Made by `python -m training.models.catalogue.page` from `training/models/catalogue/models.toml`.

`starter` is the default because it needs no download; it is not CLIP. These models of open_clip are better, and one of
them takes two commands:

    python -m index models
    python -m index models get ViT-B-16-SigLIP2/webli
    python -m index build ~/Images --into photos.gelato --encoder ViT-B-16-SigLIP2/webli

The first lists the models with what is on this machine and how long they take here; the second fetches one, with its
tokenizer. Nothing is fetched unasked, and afterwards no network is needed.

{models}

Figures are those that the source of each model published, in percent: top-1 accuracy on ImageNet without training on
it, and recall at 1 from text to image / from image to text on Flickr30k and COCO. Where a source does not say, the
field is empty. GFLOPs are those of the image tower for one image; they decide how fast a model embeds.

Weights marked **not commercial** are for research or have another restriction: `models get` shows the licence and
fetches them only with `--accept-licence`, and the model that Gelato recommends is never one of them.

| model | training data | languages | licence | figures from |
|---|---|---|---|---|
{sources}

## How a download goes

- **Interrupted**, by a lost connection, Ctrl-C or a restart: the same command goes on with what is there.
- **Checked**: the checksum of every file is compared with the hub's; a damaged file is deleted.
- **Where**: in the cache of the Hugging Face hub (`~/.cache/huggingface/hub`, or `HF_HOME`), where other programs find
  it too. `python -m index models remove NAME` deletes it, with what was exported from it.
- **Space**: the disk is checked first, and 200 MB stay free.
- **Mirrors, tokens, proxies, certificates**: `HF_ENDPOINT` names a mirror, `HF_TOKEN` a token for gated repositories
  (or `hf auth login`), `HTTPS_PROXY` a proxy, `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE` your organisation's certificates.
- **A hub that is busy** is waited for as long as it asks, up to 15 minutes. One that does not answer, and a login page
  or another server in its place, is said within 3 seconds: the hub is first asked for a small file, without the token.

## Without network

`python -m index models get NAME` says which files to copy from another machine, and into which folder; given there, the
same command imports them. Or name a folder, for example of a USB stick:

    python -m index models get ViT-B-16-SigLIP2/webli --from /media/usb

The folder holds the files themselves, folders called like the repositories, or the hub's cache of another machine,
whose checksums are compared. Weights whose size is not this model's, and safetensors files that are not whole, are
refused.

## Other models

`models get` and `--encoder` take every ARCHITECTURE/TAG of open_clip, `hf-hub:ORGANISATION/REPOSITORY`, and for files
that are here ARCHITECTURE/FILE, a folder with `open_clip_config.json`, or a run of `python -m training`. Weights load
without running code: safetensors, or PyTorch files with `weights_only`.
"""


def page() -> str:
    """The whole page."""
    return TEXT.format(models=_models(), sources="\n".join(_source(model) for model in catalogue()))


def _models() -> str:
    head = "model | for | download | parameters | GFLOPs | size of images | dim | ImageNet | Flickr30k | COCO"
    rows = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    for model in catalogue():
        mark = "" if model.commercial else ", **not commercial**"
        fields = (
            *(f"`{model.name}`{mark}", model.use, f"{model.download_bytes / 1e6:,.0f} MB"),
            *(f"{model.parameters / 1e6:,.0f} M", f"{model.image_gflops:,.1f}", f"{model.image_size}", f"{model.dim}"),
            *(f"{model.imagenet:.1f}" if model.imagenet else "", _recall(model.flickr), _recall(model.coco)),
        )
        rows.append(f"| {' | '.join(fields)} |")
    return "\n".join(rows)


def _recall(figures: tuple[float, ...] | None) -> str:
    return " / ".join(f"{figure:.1f}" for figure in figures or ())


def _source(model: CatalogueModel) -> str:
    licence = f"[{model.licence}]({model.licence_url})"
    return f"| `{model.name}` | {model.data} | {model.languages} | {licence} | [source]({model.source}) |"


if __name__ == "__main__":
    print(page(), end="")
