"""The list of models as the page and the API show it: the catalogue beside what this machine and a collection have."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.state.generations import generations, last_reencoding
from app.state.jobs import Job
from app.state.library import Library
from app.state.model_facts import Duration
from app.state.models import GET, last_download
from app.state.open_collection import OpenCollection
from index.maintenance.generations import Generation
from training.models.catalogue import CatalogueModel, catalogue, catalogue_model
from training.models.downloads.local import ModelStatus, status, where_to_copy
from training.models.errors import UserError
from training.models.zoo import ZooModel, zoo, zoo_model

STARTER, HUB = "starter", "hf-hub:"


@dataclass(frozen=True)
class ModelEntry:
    """One model. state: ready, partial or absent on this machine. model: its entry in the catalogue, None for others.

    job: fetches it now, or did last. generation: of the collection by it. duration: of embedding the collection here;
    None while it is not known. copy: what to bring from another machine, where the hub is out of reach.
    outdated: it serves, and the model of that name has other weights now. zoo: its entry in the zoo, None for others.
    """

    name: str
    state: str
    here: int
    total: int | None
    model: CatalogueModel | None
    serving: bool
    recommended: bool
    generation: Generation | None
    duration: Duration | None
    job: Job | None
    copy: tuple[str, ...] = ()
    folders: tuple[tuple[str, str, str], ...] = ()  # repository, file and folder of what is missing
    outdated: bool = False
    zoo: ZooModel | None = None


@dataclass(frozen=True)
class ModelList:
    """The models for one collection. online: whether the hub can be reached, None while that is not known."""

    online: bool | None
    images: int
    encoder: str
    models: tuple[ModelEntry, ...]
    reencoding: Job | None
    previous: str


def list_models(library: Library, opened: OpenCollection) -> ModelList:
    """The embedded default, every model of the catalogue and the zoo, and what else the collection is embedded with."""
    made = generations(opened)
    by_name = {one.encoder: one for one in reversed(made)}
    names = [STARTER, *(model.name for model in catalogue()), *(model.encoder for model in zoo())]
    fetched = (job.about for job in library.jobs.all() if job.kind == GET and job.state != "done")
    names += [name for name in dict.fromkeys([*by_name, *fetched]) if name not in names]
    images = made[0].images if made else 0
    online, facts = library.model_facts.online(), library.model_facts
    durations = facts.durations(names, images) if images else {}
    best = facts.recommended(images) if images else None
    entries = tuple(
        _entry(library, name, by_name.get(name), durations.get(name), best is not None and best.name == name, online)
        for name in names
    )
    entries = tuple(sorted(entries, key=lambda entry: not entry.serving))  # what is in use comes first
    entries += tuple(  # by other weights of a name that is in the list already
        _entry(library, one.encoder, one, None, False, online) for one in made if by_name[one.encoder] is not one
    )
    if entries and entries[0].serving and _has_other_weights(library, opened):
        entries = (replace(entries[0], outdated=True), *entries[1:])
    previous = next((one.encoder for one in made if one.previous), "")
    job = last_reencoding(library, opened)
    return ModelList(online, images, made[0].encoder if made else opened.encoder_name, entries, job, previous)


def _has_other_weights(library: Library, opened: OpenCollection) -> bool:
    """Whether the encoder of a collection is loaded and did not make its embeddings."""
    if library.encoder_state(opened)["state"] != "ready":
        return False
    return library.encoder(opened).fingerprint != opened.published().fingerprint


def _entry(
    library: Library,
    name: str,
    generation: Generation | None,
    duration: Duration | None,
    recommended: bool,
    online: bool | None,
) -> ModelEntry:
    model = catalogue_model(name)
    here = _status(name)
    lacks = here.state != "ready" and online is False
    missing = tuple((file.repository, file.path, str(file.folder)) for file in here.files if not file.present)
    return ModelEntry(
        name,
        here.state,
        here.here,
        here.total,
        model,
        generation is not None and generation.state == "serving",
        recommended,
        generation,
        duration,
        last_download(library, name),
        tuple(where_to_copy(name)) if lacks else (),
        missing if lacks else (),
        zoo=zoo_model(name),
    )


def _status(name: str) -> ModelStatus:
    """What this machine has of a model; of a name that is not of the hub, it is what made the embeddings."""
    if catalogue_model(name) is None and not name.startswith(HUB):  # whose it is, only slow imports would tell
        return ModelStatus(name, "ready", 0, None, ())
    try:
        return status(name)
    except UserError:  # a name that was tried and leads nowhere; its job says so
        return ModelStatus(name, "absent", 0, None, ())


def as_dict(entry: ModelEntry, local: bool) -> Mapping[str, Any]:
    """An entry for the page. local: whether it may say where on this computer files belong."""
    facts = asdict(replace(entry, job=None))  # a job holds a lock, which cannot be copied
    facts["job"] = entry.job.as_dict() if entry.job is not None else None
    if entry.zoo is not None:
        facts["zoo"] |= {"bytes": entry.zoo.bytes, "readsText": entry.zoo.reads_text, "figures": entry.zoo.figures()}
    if not local:
        facts["copy"], facts["folders"] = (), ()
    return facts
