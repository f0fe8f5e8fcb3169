"""What was chosen, by tokens: the address of an export has no room for ten thousand ids."""

import secrets
from dataclasses import dataclass

from app.language.current import _
from training.models.errors import UserError
from training.models.lru_cache import LRUCache

HELD = 2_000_000  # ids of all choices that exports can still name


@dataclass(frozen=True)
class Chosen:
    """The ids of chosen images of a collection."""

    key: str
    ids: tuple[str, ...]


class Choices:
    """The choices that were made last. Safe from any thread."""

    def __init__(self) -> None:
        self._held: LRUCache[str, Chosen] = LRUCache(HELD, lambda chosen: 1 + len(chosen.ids))

    def hold(self, chosen: Chosen) -> str:
        token = secrets.token_urlsafe(12)
        self._held[token] = chosen
        return token

    def get(self, token: str) -> Chosen:
        chosen = self._held.get(token)
        if chosen is None:
            raise UserError(_("What was chosen is not stored any more; choose the images again."))
        return chosen
