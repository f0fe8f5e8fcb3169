"""python -m training torchrun: start a method or resume on several processes, which end with one sentence."""

import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from training.methods import METHODS
from training.models.console import fail
from training.models.errors import UserError
from training.models.last_words import LAUNCHED, WORDS, LastWords, said_in

if TYPE_CHECKING:
    from argparse import ArgumentParser

WORDS_AT = f"*/attempt_*/{WORDS}"  # in the folder of torchrun's logs
STOPPED, USAGE = 130, 2  # exit codes of ranks that have said all there is to say


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION OF TORCHRUN ...] METHOD|resume ...")
def torchrun(arguments: tuple[str, ...]) -> None:
    """Start METHOD or resume on several processes, with the options of torchrun.

    \b
      python -m training torchrun --nproc-per-node 8 clip --data 'shards/{00000..00099}.tar' --tower ViT-B-32

    It is torchrun, but for the end of a run that fails: one sentence from the rank that failed first, instead of a
    traceback from each rank and from torchrun.
    """
    launch(arguments)


def launch(arguments: tuple[str, ...], module: str = "training") -> None:
    """Run `python -m module` on the processes that torchrun's options say; arguments: these, then the module's own.

    Exits with 1 and the sentence of the rank that failed first, with 130 after a stop.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import get_args_parser, run

    given = _parser(get_args_parser()).parse_args(arguments)
    if module == "training" and given.training_script not in (*METHODS, "resume"):
        raise click.UsageError(
            f"torchrun starts a method or resume, and {given.training_script} is neither; the methods are "
            f"{', '.join(METHODS)}."
        )
    for option, count in {"--nproc-per-node": given.nproc_per_node, "--nnodes": given.nnodes}.items():
        if count.lstrip("-").isdigit() and int(count) < 1:
            raise click.UsageError(f"{option} is {count}; it must be at least 1.")
    given.module, given.training_script_args = True, [given.training_script, *given.training_script_args]
    given.training_script = module
    os.environ[LAUNCHED] = "1"
    logging.disable(logging.ERROR)  # torchrun's own report
    try:
        with tempfile.TemporaryDirectory() as folder:
            given.log_dir = given.log_dir or folder  # where it keeps the ranks' error files
            before = set(Path(given.log_dir).glob(WORDS_AT))
            try:
                run(given)
            except ChildFailedError as error:
                codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
                new = sorted(set(Path(given.log_dir).glob(WORDS_AT)) - before, key=lambda path: path.stat().st_mtime)
                end(codes, said_in(new[-1].parent) if new else None)
    except Exception as error:  # torchrun's SignalException too, which it exports nowhere
        if type(error).__name__ == "SignalException":
            sys.exit(STOPPED)
        fail(UserError(f"The processes cannot be started: {type(error).__name__}: {error}."))


def _parser(parser: "ArgumentParser") -> "ArgumentParser":
    """torchrun's parser, which says what is wrong as our commands do."""

    def error(message: str) -> NoReturn:
        missing = "training_script" in message
        said = "it needs a METHOD or resume after its options" if missing else message
        raise click.UsageError(f"torchrun cannot be started: {said}, as in torchrun --nproc-per-node 2 clip --data X.")

    parser.error = error  # type: ignore[method-assign]
    return parser


def end(codes: dict[int, int], said: LastWords | None) -> None:
    """Exit as the ranks did. codes: exit codes by rank, negative for signals."""
    by_system = -getattr(signal, "SIGKILL", 9)  # which Windows has not
    killed = next(((rank, -code) for rank, code in codes.items() if code == by_system), None)
    ended = {rank: code for rank, code in codes.items() if code > 0} or codes  # others were stopped after these
    if said is not None and not said.effect:
        sentence = said.sentence
    elif killed is not None:
        sentence = (
            f"Rank {killed[0]} was killed by signal {killed[1]}, as the system does when memory runs out. Use fewer "
            f"--workers or a smaller --cache, and resume the run from its last checkpoint."
        )
    elif said is not None:
        sentence = said.sentence
    else:
        if STOPPED in codes.values():
            sys.exit(STOPPED)
        rank, code = next(iter(ended.items()))
        how = f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.Signals(-code).name})"
        sentence = f"Rank {rank} ended with {how}."
    if USAGE in codes.values():
        click.echo(f"Error: {sentence}", err=True)
        sys.exit(USAGE)
    os.environ.pop(LAUNCHED, None)
    fail(UserError(sentence))
