"""The generations of an open collection: embed it with another encoder, switch, go back, compare, delete."""

from functools import partial

from app.language.current import _, spelt
from app.state.indexing import check_local, progress_of
from app.state.jobs import Job
from app.state.library import Library
from app.state.open_collection import OpenCollection
from index.collection import Collection
from index.ingest.engine import Engine, embed_locally
from index.ingest.reencode import ReencodeReport, reencode_collection
from index.ingest.shared_pixels import SharedPixels
from index.maintenance import generations as work
from training.models.errors import UserError
from training.models.zoo import zoo

REENCODE = "reencode"  # the kind of its jobs
ENOUGH = 100  # images whose rate says something about the next


def reencode(library: Library, opened: OpenCollection, encoder: str) -> Job:
    """Start to embed a collection with another encoder, in the background, while it serves as before."""
    _check_free(library, opened)
    if opened.published().encoder_name == encoder and library.encoder_state(opened)["state"] != "failed":
        loaded = library.encoder(opened)
        if loaded.fingerprint == opened.published().fingerprint:
            raise UserError(
                _(
                    "{name} is embedded with {encoder} already; choose another encoder.",
                    name=opened.name,
                    encoder=encoder,
                )
            )

    again = partial(reencode, library, opened, encoder)
    return library.jobs.start(
        REENCODE, partial(_embed, library, opened), fields=(encoder,), about=opened.key, again=again
    )


def reencode_zoo(library: Library, opened: OpenCollection) -> Job:
    """Start to embed a collection with every encoder of the zoo that has not embedded it, one after the other.

    The job's field is the encoder at work, and at the end the zoo. UserError if all have.
    """
    _check_free(library, opened)
    done = {one.encoder for one in generations(opened) if one.state != "partial"}
    names = [model.encoder for model in zoo() if model.encoder not in done]
    if not names:
        raise UserError(_("{name} is embedded with every encoder of the zoo already; compare them.", name=opened.name))

    def run(job: Job) -> None:
        engine = SharedPixels()
        for name in names:
            job.fields = (name,)
            if _embed(library, opened, job, engine).stopped:
                return
        job.fields = (_("the zoo"),)  # in the bar of jobs it was not the last one alone

    again = partial(reencode_zoo, library, opened)
    return library.jobs.start(REENCODE, run, fields=(names[0],), about=opened.key, again=again)


def _check_free(library: Library, opened: OpenCollection) -> None:
    check_local(library)
    if reencoding(library, opened):
        raise UserError(
            _("{name} is being embedded with another encoder already; stop that first, or wait.", name=opened.name)
        )


def _embed(library: Library, opened: OpenCollection, job: Job, engine: Engine = embed_locally) -> ReencodeReport:
    """Embed a collection with the encoder that the job's field names."""
    job.note = _("loading the encoder")
    loaded = library.encoder_named(str(job.fields[0]))
    job.note = ""
    show, stop = progress_of(job), job.stopping.is_set
    report = reencode_collection(opened.path, loaded, progress=show, stop=stop, engine=engine)
    if report.embedded >= ENOUGH and engine is embed_locally:  # the rate of a build, which decodes each image
        from training.models.estimates import record_speed

        record_speed(loaded, report.images_per_second)
        library.model_facts.forget_durations()
    job.note = _outcome(report)
    if not report.ready and not report.stopped:
        raise UserError(job.note)
    return report


def _outcome(report: ReencodeReport) -> str:
    if report.stopped:
        return _("stopped; what was embedded is kept")
    if report.missing:
        return _("{missing} images have neither a file within reach nor a thumbnail", missing=spelt(report.missing))
    thumbnails = (
        _(", {from_thumbnails} of them from their thumbnails", from_thumbnails=spelt(report.from_thumbnails))
        if report.from_thumbnails
        else ""
    )
    return _("ready: {images} images{thumbnails}", images=spelt(report.images), thumbnails=thumbnails)


def reencoding(library: Library, opened: OpenCollection) -> Job | None:
    """The job that embeds a collection with another encoder now, or None."""
    job = last_reencoding(library, opened)
    return job if job is not None and job.state == "running" else None


def stop_reencoding(library: Library, opened: OpenCollection) -> None:
    """Let the job that embeds the collection end; what it has embedded is kept."""
    check_local(library)
    job = reencoding(library, opened)
    if job is not None:
        job.stopping.set()


def last_reencoding(library: Library, opened: OpenCollection) -> Job | None:
    """The newest of these jobs, running or not."""
    return next((job for job in library.jobs.all() if job.kind == REENCODE and job.about == opened.key), None)


def generations(opened: OpenCollection) -> list[work.Generation]:
    """Every generation of a collection, the one that serves first; none while nothing of it is published."""
    collection = opened.collection
    return work.generations(opened.path) if collection is not None and len(collection) else []


def switch(library: Library, opened: OpenCollection, name: str) -> None:
    """Let the generation by that encoder (its name, or the beginning of its fingerprint) serve."""
    check_local(library)
    manifest = work.find_generation(opened.path, name)
    library.encoder_named(manifest.encoder)  # loaded before the first search needs it; UserError if it cannot be
    work.switch(opened.path, manifest.fingerprint)
    opened.look_again()


def back(library: Library, opened: OpenCollection) -> None:
    """Let the generation serve that did before."""
    switch(library, opened, work.previous(opened.path).fingerprint)


def delete(library: Library, opened: OpenCollection, name: str) -> int:
    """Delete the generation by that encoder; how many bytes that frees."""
    check_local(library)
    manifest = work.find_generation(opened.path, name)
    freed = work.delete(opened.path, manifest.fingerprint)
    library.forget_generation(opened, manifest.fingerprint)
    return freed


def compare(library: Library, opened: OpenCollection, name: str) -> OpenCollection:
    """Open another generation beside the one that serves, for the Compare tab."""
    check_local(library)
    manifest = work.find_generation(opened.path, name)
    Collection.open(opened.path, manifest.fingerprint)
    return library.open_generation(opened, manifest.fingerprint, manifest.encoder)


def compare_zoo(library: Library, opened: OpenCollection) -> OpenCollection:
    """Open every generation by an encoder of the zoo for the Compare tab; the first of those that do not serve."""
    check_local(library)
    ready = {one.encoder: one for one in generations(opened) if one.state == "ready"}
    found = [compare(library, opened, ready[m.encoder].fingerprint) for m in zoo() if m.encoder in ready]
    if not found:
        raise UserError(_("{name} is not embedded with another encoder of the zoo yet.", name=opened.name))
    return found[0]
