"""PROBES: name to function, the only registry of probes."""

from collections.abc import Callable
from typing import Any

PROBES: dict[str, Callable[..., Any]] = {}
