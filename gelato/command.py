"""gelato app | index | train | doctor: the three commands of the checkout, under one name and from any folder.

Only the standard library is imported here, so that `gelato --help` answers whatever is installed.
"""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from gelato import __version__
from gelato.doctor import doctor
from gelato.output import ending_quietly, take_any_text
from gelato.platforms import why_unsupported

HERE = Path(__file__).parent
ROOT = HERE / "_src" if (HERE / "_src").is_dir() else HERE.parent  # of app, index and training; not _src: a checkout
COMMANDS = {"app": ("app.command", "main"), "index": ("index.__main__", "cli"), "train": ("training.__main__", "cli")}
HELP = """Usage: gelato COMMAND [ARGS]...

  Search and label image collections by text, and train the encoders for it.

    gelato app --images ~/Images
    gelato index search photos.gelato "a dog asleep on a sofa"
    gelato train clip --data images.parquet --out runs/first

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
  app     Open the page: search and label images in the browser.
  index   Build collections; search and label them; fetch models.
  train   Pretrain encoders and measure them.
  doctor  Say what is there, and the remedy for each fault.

`gelato COMMAND --help` shows the options of a command."""


def main() -> None:
    """Run the command that the arguments name. Exits with 2 if there is none of that name."""
    take_any_text()
    with ending_quietly():
        called(*sys.argv[1:] or ["--help"])


def called(name: str, *arguments: str) -> None:
    """Run the command of that name."""
    if name in ("-h", "--help"):
        print(HELP)
    elif name == "--version":
        print(f"gelato {__version__}")
    elif name in COMMANDS:
        if reason := why_unsupported():
            sys.exit(f"Error: {reason}")
        if name == "app":  # as app.py does
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        use_source()
        run(name, list(arguments))
    elif name == "doctor":
        use_source()
        doctor(list(arguments), ROOT)
    else:
        print(f"Error: There is no command {name!r}. Choose from: {', '.join(COMMANDS)}, doctor.", file=sys.stderr)
        sys.exit(2)


def use_source() -> None:
    """Let this process and its children import app, index and training from ROOT, before anything of that name."""
    sys.path.insert(0, str(ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    os.environ["PYTHONSAFEPATH"] = "1"  # a child started by -m would look in the working directory first
    if ROOT.name == "_src":
        os.environ["GELATO_COMMAND"] = "gelato"  # messages name the commands so: training.models.commands


def run(name: str, arguments: list[str]) -> None:
    """Hand over to a command of the checkout."""
    module, function = COMMANDS[name]
    try:
        command = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        sys.exit(f"Error: The Python package {error.name} is missing. For the remedy: gelato doctor")
    command(arguments, prog_name=f"gelato {name}")
