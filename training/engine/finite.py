"""When and where a run stopped being finite, found without a step that waits for the device."""

import torch
from torch import Tensor, nn

from training.models.errors import UserError

NEVER = -1


class FirstNotFinite:
    """The first step with a loss that is not finite, and the first with such a gradient norm; NEVER if none.

    Kept on the device. With loss scaling an infinite gradient is usual: the scaler leaves such a step out.
    """

    def __init__(self, device: torch.device):
        self.steps = torch.full((2,), NEVER, dtype=torch.int64, device=device)

    def note(self, step: int, loss: Tensor, gradient_norm: Tensor) -> None:
        """Look at the loss and the gradient norm of a step, both scalars."""
        values = torch.stack([loss.detach().float(), gradient_norm.detach().float()])
        first = ~torch.isfinite(values) & (self.steps == NEVER)
        self.steps = torch.where(first, step, self.steps)

    def error(self, step: int, method: nn.Module) -> UserError:
        """What is known at a step after which the loss is not finite, as a sentence with what to try."""
        loss, gradient = self.steps.tolist()
        when = f"at step {loss}" if loss != NEVER else f"by step {step}"
        earlier = NEVER < gradient < (step if loss == NEVER else loss)
        before = f"; gradients were not finite from step {gradient} on" if earlier else ""
        return UserError(
            f"The loss became NaN or infinite {when}{before}{_weights(method)}. Try a lower --learning-rate, a longer "
            f"--warmup or --clip-gradients 1, and --precision bf16 instead of f16."
        )


def _weights(method: nn.Module) -> str:
    """Which weights are not finite by now, as a clause; "" if all are."""
    broken = [name for name, values in method.named_parameters() if not bool(torch.isfinite(values).all())]
    if not broken:
        return ""
    total = sum(1 for _ in method.parameters())
    return f"; {len(broken)} of {total} weight tensors hold such values now, the first is {broken[0]}"
