"""The checks of `gelato doctor` but for those of packages. Each imports what it needs, which may be broken."""

import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gelato import __version__
from gelato.findings import Finding

LITTLE = 2e9  # bytes of free disk: less than an export of a large tower and a few thousand thumbnails take


def versions() -> Iterator[Finding]:
    """Gelato, Python and the system."""
    yield Finding("Versions", "Gelato", __version__)
    yield Finding("Versions", "Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Finding("Versions", "system", f"{platform.platform()}, {platform.machine()}")


def devices() -> Iterator[Finding]:
    """Processor, GPUs, and the runtime that encoders use here."""
    from training.models.parallel import cores

    yield Finding("Devices", "processor", f"{cores()} cores")
    import torch

    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("Apple GPU (MPS)")
    yield Finding("Devices", "GPU", ", ".join(names) or "none that PyTorch can use")
    from training.models.runtime import resolve

    runtime, precision = resolve()
    yield Finding("Devices", "runtime", f"{runtime}, {precision}")


def folders() -> Iterator[Finding]:
    """Whether the cache and the temporary folder can be written, and how much room they have."""
    from training.models.cache import preferred_folder

    try:
        cache = preferred_folder()
    except RuntimeError:
        remedy = "set GELATO_CACHE to a folder that can be written"
        yield Finding("Folders", "cache", "this user has no home folder", "fault", remedy)
    else:
        yield _folder("cache", cache, "GELATO_CACHE")
        yield from _damaged(cache)
    try:
        yield _folder("temporary", Path(tempfile.gettempdir()), "TMPDIR")
    except FileNotFoundError:  # Python tries several
        remedy = "set TMPDIR to a folder that can be written"
        yield Finding("Folders", "temporary", "no temporary folder can be written", "fault", remedy)


def _folder(name: str, folder: Path, variable: str) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        remedy = f"set {variable} to a folder that can be written"
        return Finding("Folders", name, f"{folder} cannot be written ({error.strerror})", "fault", remedy, str(folder))
    text = f"{folder}, {free / 1e9:,.1f} GB free"
    if free < LITTLE:
        return Finding(
            "Folders", name, text, "fault", f"make room, or set {variable} to a folder on another disk", str(folder)
        )
    return Finding("Folders", name, text, path=str(folder))


def _damaged(cache: Path) -> Iterator[Finding]:
    """Databases of the cache that cannot be opened, and exported towers that are not whole."""
    broken = [path for path in cache.rglob("*.sqlite") if not _opens(path)] if cache.is_dir() else []
    for graph in cache.glob("openvino/**/*.xml"):
        weights = graph.with_suffix(".bin")
        if not (graph.stat().st_size and weights.is_file() and weights.stat().st_size):
            broken.append(graph)
    for path in broken:
        remedy = f"delete {path}; it is made again when needed"
        yield Finding("Folders", "cache", f"{path} is damaged", "fault", remedy, str(path))


def _opens(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as store:
            store.execute("PRAGMA schema_version")
        return True
    except sqlite3.OperationalError:  # locked: somebody else writes it
        return True
    except sqlite3.DatabaseError:
        return False


def formats() -> Iterator[Finding]:
    """How many formats are read, and which need an optional package that is not there."""
    from training.models.commands import as_started
    from training.models.formats import OPTIONAL, TABLE, why_unsupported

    images = [one for one in TABLE if one.kind in ("image", "raw")]
    absent = [one.name for one in images if why_unsupported(one)]
    if not _is_there("rawpy"):
        absent.append("RAW without an embedded JPEG")
    yield Finding("Formats", "read", f"{sum(not why_unsupported(one) for one in images)} of {len(images)}")
    if absent:
        remedy = as_started(f"pip install -r {OPTIONAL}")
        yield Finding("Formats", "not read", f"{', '.join(absent)}; optional", "note", remedy)
    if not _is_there("umap"):
        remedy = as_started("pip install -r requirements-map.txt")
        yield Finding("Formats", "map", "UMAP is not installed; the map uses PCA; optional", "note", remedy)


def _is_there(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def network() -> Iterator[Finding]:
    """Whether the model hub answers. Nothing but fetching models needs it."""
    from training.models import hub_contact

    if hub_contact.is_forbidden():
        yield Finding("Network", "model hub", "not asked: HF_HUB_OFFLINE is set", "note")
    elif not (why := hub_contact.absence()):
        yield Finding("Network", "model hub", f"{hub_contact.shown()} answers")
    else:
        remedy = "all but fetching models works without; behind a proxy set HTTPS_PROXY, for a mirror HF_ENDPOINT"
        yield Finding("Network", "model hub", why, "note", remedy)


def models() -> Iterator[Finding]:
    """The embedded default, and the models of the catalogue that are on this machine."""
    from training.models.catalogue import catalogue
    from training.models.commands import as_started
    from training.models.downloads.local import status
    from training.models.errors import UserError
    from training.models.starter import BRIDGE, fingerprint

    try:
        yield Finding("Models", "starter", f"there, fingerprint {fingerprint(BRIDGE)[:8]}")
    except UserError as error:
        yield Finding("Models", "starter", str(error), "fault", as_started("pip install -r requirements.txt"))
    found = [status(model.name) for model in catalogue()]
    for one in found:
        if one.state == "ready":
            yield Finding("Models", one.name, f"there, {one.here / 1e6:,.0f} MB")
        elif one.state == "partial":
            remedy = as_started(f"python -m index models get {one.name}")
            yield Finding("Models", one.name, f"partly fetched, {one.here / 1e6:,.0f} MB", "note", remedy)
    absent = sum(one.state == "absent" for one in found)
    yield Finding("Models", "not here", f"{absent} of the catalogue; {as_started('python -m index models')} lists them")
