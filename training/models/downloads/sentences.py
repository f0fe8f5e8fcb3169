"""What goes wrong between here and the hub, as one sentence each that says what to do."""

import errno
import ssl
from collections.abc import Iterator

from training.models import hub
from training.models.catalogue import catalogue_model
from training.models.errors import UserError
from training.models.hub_contact import CERTIFICATES, shown

OFFLINE_HELP = "offline, starter works, and so does ARCHITECTURE/FILE with a checkpoint on this machine"
KEPT = "what has been fetched is kept, and the next try goes on from there"


BROKEN_OFF = ("RemoteProtocolError", "ReadError", "ReadTimeout")  # whose texts say nothing more


class LicenceNotAccepted(UserError):
    """The weights have a licence with restrictions that the user has not accepted yet."""

    def __init__(self, name: str, licence: str, licence_url: str):
        self.licence, self.licence_url = licence, licence_url
        super().__init__(
            f"{name} has the licence {licence!r}, which does not allow commercial use ({licence_url}). To fetch it "
            f"under this licence: python -m index models get {name} --accept-licence."
        )


def check_licence(name: str, accepted: bool) -> None:
    """LicenceNotAccepted for weights of the catalogue with a restricted licence, unless it was accepted."""
    listed = catalogue_model(name)
    if listed is not None and not listed.commercial and not accepted:
        raise LicenceNotAccepted(name, listed.licence, listed.licence_url)


class Stopped(UserError):
    """The user paused or cancelled a download."""


class OutOfReach(UserError):
    """No hub answers; why. to_copy: lines that say what to bring from another machine. fact: without advice."""

    def __init__(self, name: str, to_copy: list[str], why: str):
        self.to_copy, self.why = to_copy, why
        self.fact = f"{name} is not on this machine and the model hub cannot be reached ({why}); {OFFLINE_HELP}"
        super().__init__(f"{self.fact}; `python -m index models get {name}` says what to copy from another machine.")


def sentence(error: BaseException, repository: str) -> str:
    """What an error of the hub's client means, in one sentence."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    page = f"{shown()}/{repository}"
    if isinstance(error, GatedRepoError):
        signed = "with the account of your token" if hub.has_token() else "and make a token"
        return (
            f"{repository} is gated: accept its terms on {page} {signed}, then set HF_TOKEN to a token of that account "
            f"(or run `hf auth login`) and try again."
        )
    if isinstance(error, RepositoryNotFoundError):
        private = "private to others" if hub.has_token() else "private, and HF_TOKEN is not set"
        return f"The hub has no repository {repository}, or it is {private}; see {page}."
    if isinstance(error, HfHubHTTPError):
        return _of_status(error.response.status_code, repository, page)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"The certificate of {shown()} cannot be verified ({cause.reason or cause}); {CERTIFICATES}."
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"The disk is full: {cause.filename or 'the model'} cannot be written; {KEPT}."
    kind = type(error).__name__
    if kind == "ProxyError":
        return f"The proxy refuses the way to {shown()} ({_first_line(error)}); check HTTPS_PROXY."
    if isinstance(error, OSError):
        at = f" to {error.filename}" if error.filename else ""
        return (
            f"The files of {repository} cannot be written{at}: {error.strerror or error}; make the folder writable, or "
            f"set HF_HOME to another."
        )
    why = "" if kind in BROKEN_OFF else f" ({_first_line(error)})"
    return f"The connection to {shown()} was lost{why}; {KEPT}."


def _of_status(status: int, repository: str, page: str) -> str:
    if status == 401:
        return f"The hub does not accept the token in HF_TOKEN for {repository} (401); make a new one and try again."
    if status == 403:
        return f"The hub refuses access to {repository} (403); see {page}, and whether HF_TOKEN may read it."
    if status == 404:
        return f"The hub has no such file in {repository} (404); see {page}."
    if status == 429:
        return f"The hub asks to wait: too many requests (429); {KEPT} later, or sooner with HF_TOKEN set."
    if status >= 500:
        return f"The hub has a problem of its own ({status}); {KEPT} later."
    return f"The hub answers {status} for {repository}; see {page}."


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
