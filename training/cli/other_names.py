"""Option names of open_clip_train, lightly and solo-learn: taken as ours, or answered by a sentence that names ours."""

from collections.abc import Container, Sequence

import click

SAME = {  # what means the same here, in the same unit
    "--train-data": "--data",
    "--model": "--tower",
    "--backbone": "--tower",
    "--arch": "--tower",
    "--lr": "--learning-rate",
    "--wd": "--weight-decay",
    "--eps": "--epsilon",
    "--opt": "--optimizer",
    "--optim": "--optimizer",
    "--accum-freq": "--accumulate",
    "--accumulate-grad-batches": "--accumulate",
    "--grad-checkpointing": "--checkpoint-gradients",
    "--grad-clip-norm": "--clip-gradients",
    "--force-patch-dropout": "--patch-dropout",
    "--torchcompile": "--compile",
    "--num-workers": "--workers",
    "--num-epochs": "--epochs",
    "--max-epochs": "--epochs",
    "--max-steps": "--steps",
    "--report-to": "--logger",
    "--val-data": "--evaluate",
    "--imagenet-val": "--evaluate",
    "--accelerator": "--device",
    "--log-every-n-steps": "--log-every",
}

VALUES = {  # values of other names, by our option
    "--precision": {
        **{"fp32": "f32", "32": "f32", "32-true": "f32"},
        **{"amp": "f16", "fp16": "f16", "16-mixed": "f16", "pure_fp16": "f16"},
        **{"amp_bf16": "bf16", "amp_bfloat16": "bf16", "bf16-mixed": "bf16", "pure_bf16": "bf16"},
    },
    "--device": {"gpu": "cuda"},
}

INSTEAD = {  # what there is another way to say, or no need to
    "--siglip": "SigLIP is a method: python -m training siglip --data SOURCE",
    "--method": "the method is the command: python -m training simclr --data SOURCE",
    "--name": "name the run directory with --out runs/NAME",
    "--logs": "name the run directory with --out runs/NAME",
    "--resume": "continue a run with python -m training resume RUN",
    "--pretrained": "weights are part of the tower's name: --tower ViT-B-32/laion2b_s34b_b79k",
    "--checkpoint": "begin from a run or from weights by --tower RUN or --tower ARCHITECTURE/FILE",
    "--save-frequency": "checkpoints are counted in steps: --checkpoint-every 500",
    "--save-most-recent": "the last checkpoints stay by themselves; --keep says how many",
    "--val-frequency": "evaluation is counted in steps: --evaluate-every 500",
    "--zeroshot-frequency": "evaluation is counted in steps: --evaluate-every 500",
    "--dataset-type": "the kind of a source is found by its content",
    "--train-num-samples": "samples are counted; a mixture takes --weights",
    "--train-data-upsampling-factors": "repeat --data and give each a --weights",
    "--dataset-resampled": "every sample is used once an epoch, in a shuffled order that resumes exactly",
    "--lr-scheduler": "the schedule is a cosine; --warmup, --final-rate and --rate-scaling shape it",
    "--skip-scheduler": "for a constant rate give --final-rate 1 --warmup 0",
    "--local-loss": "the loss is over the batches of all ranks, and each computes its own rows",
    "--gather-with-grad": "gradients flow through the gathered features always",
    "--use-bn-sync": "batch norm is synchronised over ranks by itself",
    "--ddp-static-graph": "set up by itself where it is right",
    "--distill-model": "distillation is a method: python -m training distillation --teacher COLLECTION --data SOURCE",
    "--dist-backend": "nccl on GPUs and gloo on CPUs; start ranks with python -m training torchrun",
    "--dist-url": "torchrun sets it up; start ranks with python -m training torchrun",
    "--devices": "start a rank for each GPU: python -m training torchrun --nproc-per-node 8 METHOD ...",
    "--nodes": "start the nodes with python -m training torchrun --nnodes N METHOD ...",
    "--overwrite": "a run never overwrites another; name a new directory with --out",
    "--embed-dim": "each method has its own --projection",
    "--temperature-init": "--temperature is where the learned temperature begins",
}

MOCO_V2 = "python -m training moco --recipe moco-v2-imagenet-200e"
COMMANDS = {  # commands of lightly-train and solo-learn, by what there is instead
    "train": "a method is a command: python -m training dino --data SOURCE",
    "pretrain": "a method is a command: python -m training dino --data SOURCE",
    "linear-probe": "a linear probe is an evaluation: python -m training evaluate RUN --data SOURCE --suite linear,knn",
    "embed": "images are embedded into a collection: python -m index build SOURCE --into DIR --encoder RUN",
    "moco-v2": MOCO_V2,
    "mocov2": MOCO_V2,
    "mocov3": "python -m training moco-v3",
    "list-models": "python -m training list towers",
    "list-methods": "python -m training list methods",
}


class ForgivingCommand(click.Command):
    """A command that takes the names and values of other trainers."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {flag for parameter in self.get_params(ctx) for flag in (*parameter.opts, *parameter.secondary_opts)}
        ctx.allow_extra_args = True
        super().parse_args(ctx, translated(args, own))
        if ctx.args:
            raise click.UsageError(f"{ctx.args[0]} is given without its option. {_as_option(ctx)}")
        return ctx.args


def _as_option(ctx: click.Context) -> str:
    """How to give a source: people write its name alone, or a pattern that their shell replaces by names."""
    above, first = ctx.parent, ctx.args[0]
    if above and isinstance(above.command, click.Group) and first in above.command.list_commands(above):
        return f"{first} is a command of its own: {above.command_path} {' '.join(ctx.args)}"
    if ctx.params.get("data"):
        return "Repeat --data for each source, or put a pattern into quotes: --data 'shards/*.tar'."
    return f"The data is an option: {ctx.command_path} --data {' --data '.join(ctx.args[:3])}"


def translated(args: Sequence[str], own: set[str]) -> list[str]:
    """args with our names for those of other trainers; click.UsageError for what is said another way here.

    own: the options that the command has itself, which keep their meaning. `--lr=1` and `--lr 1` are both read, as is
    an underscore for a hyphen; `key=value`, as Hydra and lightly-train have it, is answered by a sentence.
    """
    instead = {flag: text for given in args if (flag := given.partition("=")[0]) and (text := said_instead(flag, own))}
    if instead:  # all at once, since a command line of another trainer has several
        raise click.UsageError("\n".join(f"There is no option {flag}: {text}." for flag, text in instead.items()))
    result: list[str] = []
    for i, given in enumerate(args):
        if given.startswith("--"):
            flag, equals, value = given.partition("=")
            ours = our_name(flag, own)
            value = VALUES.get(ours, {}).get(value, value)
            result.append(f"{ours}{equals}{value}")
        else:
            before = result[-1] if i and args[i - 1].startswith("--") else ""
            name, equals, value = given.partition("=")
            if equals and not before and f"--{name.replace('_', '-')}" in own | SAME.keys():
                raise click.UsageError(f"Settings are options here: write --{name.replace('_', '-')} {value}.")
            result.append(VALUES.get(before, {}).get(given, given))
    return result


def our_name(flag: str, own: Container[str]) -> str:
    """Our name of an option; the flag itself if nobody has it. click.UsageError for what is said another way here."""
    hyphens = flag.replace("_", "-")
    if flag in own or hyphens in own:
        return flag if flag in own else hyphens
    if hyphens in INSTEAD:
        raise click.UsageError(f"There is no option {flag}: {INSTEAD[hyphens]}.")
    return SAME.get(hyphens, flag)


def said_instead(flag: str, own: Container[str]) -> str:
    """What there is instead of an option of another trainer; "" for ours, for one with a translation and for others."""
    hyphens = flag.replace("_", "-")
    return "" if flag in own or hyphens in own else INSTEAD.get(hyphens, "")
