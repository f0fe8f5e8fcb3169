"""Files inside installed packages, such as the weights that the encoder starter is made of."""

from importlib.util import find_spec
from pathlib import Path

from training.models.errors import UserError


def packaged(package: str, file: str) -> Path:
    """A file inside an installed package, found without running the package."""
    spec = find_spec(package)
    path = Path(spec.origin).parent / file if spec and spec.origin else None
    if path is None or not path.is_file():
        raise UserError(
            f"The encoder starter needs the package {package.replace('_', '-')}, which is not installed; "
            f"to have it: pip install -r requirements.txt"
        )
    return path
