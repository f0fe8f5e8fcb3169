"""Which files of which repositories a model consists of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.models import hub
from training.models.catalogue import CatalogueModel, catalogue_model
from training.models.errors import UserError
from training.models.open_clip_names import CONFIG, HUB_WEIGHTS, find_source, hub_repository
from training.models.published_names import open_clip_files

VOCABULARIES = ("tokenizer.json", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "vocab.txt")
BESIDE_A_VOCABULARY = ("tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Need:
    """A file that a model needs: the first of names that the repository has. Without required, it may have none."""

    repository: str
    names: tuple[str, ...]
    required: bool = True


def needs_of(name: str) -> tuple[Need, ...]:
    """What the model called name needs of the hub, the weights first; nothing if it lies in files of this machine.

    Of hf-hub: repositories that are not here yet, the tokenizer is unknown and left out: ask again once their
    configuration is. UserError for a name that leads nowhere.
    """
    listed = catalogue_model(name)
    if listed is not None:
        return _of_the_catalogue(listed)
    if name.startswith("hf-hub:"):
        repository = hub_repository(name)
        return (Need(repository, HUB_WEIGHTS), Need(repository, (CONFIG,)), *_text_needs(_cached_text(repository)))
    source = find_source(name)
    if source.weights is None or Path(source.weights).is_file():
        return ()
    place, text = open_clip_files(source.model, source.weights)
    repository, _, file = place.rpartition("/")
    safe = file.rpartition(".")[0] + ".safetensors"
    names = (safe, file) if file else HUB_WEIGHTS  # as open_clip prefers them
    return (Need(repository, names), *_text_needs(text))


def _of_the_catalogue(model: CatalogueModel) -> tuple[Need, ...]:
    text = {"hf_tokenizer_name": model.tokenizer, "hf_model_name": model.text_tower}
    return (Need(model.repository, HUB_WEIGHTS), *_text_needs(text))


def _text_needs(text: Mapping[str, Any]) -> tuple[Need, ...]:
    """What the tokenizer and text tower of open_clip's text_cfg need."""
    found: list[Need] = []
    if tokenizer := text.get("hf_tokenizer_name"):
        found += [Need(tokenizer, VOCABULARIES), *(Need(tokenizer, (file,), False) for file in BESIDE_A_VOCABULARY)]
    if tower := text.get("hf_model_name"):
        found.append(Need(tower, ("config.json",)))
    elif tokenizer:
        found.append(Need(tokenizer, ("config.json",), False))
    return tuple(found)


def _cached_text(repository: str) -> Mapping[str, Any]:
    """The text_cfg of a repository's configuration in the hub's cache, empty if that is not here."""
    path = hub.cached_file(repository, CONFIG)
    if path is None:
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        text = config.get("model_cfg", config).get("text_cfg", {})
        named = [text.get(key) for key in ("hf_tokenizer_name", "hf_model_name")]
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{CONFIG} of {repository} is no configuration of an open_clip model.") from error
    for other in named:
        if other:
            hub_repository(other if isinstance(other, str) else "")  # it becomes an address and a folder
    found: Mapping[str, Any] = text
    return found
