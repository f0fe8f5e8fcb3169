"""Whether the packages that Gelato requires are there, in versions that do, and can be imported."""

from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

from gelato.findings import Finding

SECTION = "Packages"
# Imported to see that they load: those with code of the machine, which fail where only their files are there.
NATIVE = {
    "numpy": "numpy",
    "torch": "torch",
    "torchvision": "torchvision",
    "openvino": "openvino",
    "faiss-cpu": "faiss",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "pillow": "PIL.Image",
    "simplejpeg": "simplejpeg",
    "pi-heif": "pi_heif",
    "tokenizers": "tokenizers",
    "scipy": "scipy",
    "gradio": "gradio",
}
SHOWN = ("torch", "openvino", "faiss-cpu", "gradio", "open-clip-torch")  # whose versions a bug report should have


def required(root: Path) -> list[str]:
    """The requirements of this installation: of the package, or of a checkout at root."""
    listed = root / "requirements.txt"
    if listed.is_file():
        lines = (line.partition("#")[0].strip() for line in listed.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line]
    return [line for line in metadata.requires("gelato") or [] if "extra ==" not in line]


def packages(lines: list[str]) -> Iterator[Finding]:
    """The versions that matter, and every requirement that is missing, too old or too new, or cannot be imported."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield _fault("packaging", "is not installed, so no other package was looked at", "packaging")
        return
    requirements = [each for each in map(Requirement, lines) if not each.marker or each.marker.evaluate({"extra": ""})]
    sound = 0
    for each in requirements:
        wanted = f"{each.name}{each.specifier}"
        try:
            version = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            yield _fault(each.name, "is not installed", wanted)
            continue
        if not each.specifier.contains(version, prereleases=True):
            yield _fault(each.name, f"{version} is not a version that works with Gelato", wanted)
        elif reason := _not_importable(NATIVE.get(each.name)):
            yield _fault(each.name, f"{version} cannot be imported ({reason})", wanted, "--force-reinstall ")
        else:
            sound += 1
            if each.name.replace("_", "-") in SHOWN:  # a built package writes its requirements so
                yield Finding(SECTION, each.name, version)
    yield Finding(SECTION, "sound", f"{sound} of the {len(requirements)} that are required")


def _fault(name: str, text: str, wanted: str, option: str = "") -> Finding:
    return Finding(SECTION, name, text, "fault", f'pip install {option}"{wanted}"')


def _not_importable(module: str | None) -> str:
    """Why a module cannot be imported, "" if it can."""
    try:
        if module:
            import_module(module)
    except Exception as error:  # a broken package may raise anything
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return ""
