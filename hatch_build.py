"""What the package needs, read from the lists of requirements, so that each is written once."""

import re
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

EXTRAS = ("cluster", "database", "formats", "int8", "map")  # requirements-NAME.txt becomes gelato[NAME]


class Requirements(MetadataHookInterface):
    """dependencies from requirements.txt, optional-dependencies from the lists beside it."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        sys.path.insert(0, self.root)
        from gelato.platforms import why_unsupported

        if reason := why_unsupported():  # pip builds where it installs, and shows this instead of a resolver's error
            sys.exit(f"Error: {reason}")
        metadata["dependencies"] = requirements(root / "requirements.txt")
        metadata["optional-dependencies"] = {name: requirements(root / f"requirements-{name}.txt") for name in EXTRAS}


def requirements(path: Path) -> list[str]:
    """The lines of a list without comments and without the lists that it includes."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("-r ")]
