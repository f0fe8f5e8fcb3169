"""When and where a run stopped being finite, found without a step that waits for the device."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.models.errors import UserError

NEVER = -1
ADVICE = "Try a lower --learning-rate, a longer --warmup or --clip-gradients 1, and --precision bf16 instead of f16."
OR_GO_ON = "--on-nan skip leaves such steps out, and --on-nan rollback goes back to the last checkpoint."
KINDS = ("input", "loss", "gradient")  # in the order in which one causes the next


@dataclass(frozen=True)
class NotFinite:
    """The first step that was not finite. kind: of KINDS, what was the first in it. rank: on which rank.

    tensors: of a gradient, how many weight tensors have one that is not finite, of how many; nearest: of these the
    one nearest to the loss. last_step, loss, gradient_norm: of the last step that was finite, NEVER if none was.
    """

    step: int
    kind: str
    rank: int
    tensors: tuple[int, int]
    nearest: str
    last_step: int
    loss: float
    gradient_norm: float

    def sentence(self) -> str:
        """What happened, without advice."""
        what = {
            "input": f"An input of the loss holds NaN or infinite values at step {self.step}",
            "loss": f"The loss became NaN or infinite at step {self.step}",
            "gradient": f"The gradients of {self.tensors[0]} of {self.tensors[1]} weight tensors became NaN or "
            f"infinite at step {self.step}, nearest to the loss that of {self.nearest}",
        }[self.kind]
        where = f" on rank {self.rank}" if self.rank else ""
        if self.last_step == NEVER:
            return f"{what}{where}; no step before it was finite."
        return (
            f"{what}{where}; the last finite step was {self.last_step}, with the loss {self.loss:.4g} and the gradient "
            f"norm {self.gradient_norm:.4g}."
        )

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


class StoppedBeingFinite(UserError):
    """A run cannot go on from its weights. found: where it stopped being finite."""

    def __init__(self, found: NotFinite):
        super().__init__(f"{found.sentence()} {ADVICE} {OR_GO_ON}")
        self.found = found


class FiniteWatch:
    """The first step with an input, a loss or a gradient that is not finite, and the figures of the last finite one.

    Kept on the device. scaled: losses are scaled (f16), so that infinite gradients are usual: the scaler leaves such
    a step out.
    """

    def __init__(self, method: nn.Module, device: torch.device, scaled: bool):
        self.device, self.scaled = device, scaled
        self.named = list(method.named_parameters())
        self._numbers: dict[tuple[int, ...], Tensor] = {}  # of the parameters with gradients, on the device
        self.last = torch.zeros(2, device=self.device)  # loss and gradient norm of the last finite step
        self.last_step = torch.full((), NEVER, dtype=torch.int64, device=self.device)
        self.reset()

    def reset(self) -> None:
        """Forget what was not finite."""
        self.first = torch.full((len(KINDS),), NEVER, dtype=torch.int64, device=self.device)
        self.layer = torch.zeros(2, dtype=torch.int64, device=self.device)  # how many gradients, the last of them

    def note_inputs(self, step: int, arguments: object) -> None:
        """Look at the inputs of a loss. A sum is finite if all of its terms are, and it needs no further memory."""
        sums = [tensor.sum(dtype=torch.float32) for tensor in _floating(arguments)]
        if sums:
            self._note(step, 0, torch.stack(sums))

    def note_loss(self, step: int, loss: Tensor) -> None:
        """Look at the loss of a batch."""
        self._note(step, 1, loss.detach())

    def note_gradients(self, step: int, loss: Tensor, norm: Tensor, norms: Tensor) -> None:
        """Look at the gradients of a step whose last loss and whose gradient norm are given.

        norms: [K], of the parameters on this rank that have a gradient, in their order.
        """
        loss, norm = loss.detach().float(), norm.detach().float().to(self.device)
        if not self.scaled:
            have = tuple(number for number, (_, weights) in enumerate(self.named) if weights.grad is not None)
            if have not in self._numbers:
                self._numbers[have] = torch.tensor(have).to(self.device, non_blocking=True)
            broken = ~torch.isfinite(norms)
            nearest = torch.where(broken, self._numbers[have], NEVER).max()
            found = torch.stack([broken.sum(), nearest])
            self.layer = torch.where(self.first[2] == NEVER, found, self.layer)
            self._note(step, 2, norm)
        good = torch.isfinite(loss) & torch.isfinite(norm)
        self.last = torch.where(good, torch.stack([loss, norm]), self.last)
        self.last_step = torch.where(good, step, self.last_step)

    def _note(self, step: int, kind: int, values: Tensor) -> None:
        bad = ~torch.isfinite(values).all() & (self.first[kind] == NEVER)
        self.first[kind] = torch.where(bad, step, self.first[kind])

    def any(self) -> bool:
        """Whether anything that was looked at was not finite; waits for the device."""
        return bool((self.first != NEVER).any())

    def found(self, rank: int) -> NotFinite | None:
        """The first that was not finite on this rank, None if all was."""
        first = self.first.tolist()
        when = min((at for at in first if at != NEVER), default=None)
        if when is None:
            return None
        kind = KINDS[first.index(when)]
        count, nearest = self.layer.tolist() if kind == "gradient" else (0, NEVER)
        loss, norm = self.last.tolist()
        name = self.named[nearest][0] if nearest != NEVER else ""
        return NotFinite(when, kind, rank, (count, len(self.named)), name, int(self.last_step), loss, norm)


def earliest(found: Sequence[NotFinite | None]) -> NotFinite | None:
    """Of what the ranks found, the first in time, and in a step the cause before its effects."""
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: (one.step, KINDS.index(one.kind), one.rank), default=None)


def _floating(values: object) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        if values.is_floating_point():
            yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _floating(value)
