"""Options that several commands share, each described once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

CommandFunction = TypeVar("CommandFunction", bound=Callable[..., Any])

ENCODER_HELP = "starter, an open_clip name such as ViT-B-32/laion2b_s34b_b79k, ARCHITECTURE/FILE, or hf-hub:..."

collection_argument = click.argument("collection", type=click.Path(path_type=Path), metavar="DIR")
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def run_options(command: CommandFunction) -> CommandFunction:
    """How an encoder runs, the same for every command that loads one."""
    help = (
        "f32, bf16, f16 or int8; on a processor, a tower that bf16 turns too far runs in f32.  "
        "[default: bf16 or f16 if the hardware supports it, else f32]"
    )
    command = click.option("--precision", help=help)(command)
    return click.option("--runtime", help="openvino or torch.  [default: the faster one on this machine]")(command)
