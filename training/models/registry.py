"""Things by name: an answer that helps when the name is wrong, and registries that import on demand."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TypeVar

from training.models.errors import UserError

T = TypeVar("T")


def pick(kind: str, name: str, options: Mapping[str, T]) -> T:
    """options[name], or a UserError that names the nearest spelling and every choice."""
    if name in options:
        return options[name]
    nearest = get_close_matches(name, options, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise UserError(f"There is no {kind} called {name!r}.{hint} Choose from: {', '.join(sorted(options))}.")


class Lazy(Mapping[str, T]):
    """A registry of things in modules, each imported when it is asked for, so that listing names loads nothing.

    package: where the modules lie. places: name to "file:attribute" in it.
    """

    def __init__(self, package: str, places: Mapping[str, str]):
        self.package, self.places = package, dict(places)

    def __getitem__(self, name: str) -> T:
        file, _, attribute = self.places[name].partition(":")
        return getattr(import_module(f"{self.package}.{file}"), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self.places  # Mapping's own would import it

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)
