"""A run of seconds in the server's child process: a method on a few generated scenes, a step at a time."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from training.data.batch import Batch
from training.data.keyed import Keyed
from training.methods.base import Method

LEARNING_RATE = 2e-3


def tiny_run(method: Method, images: Tensor, steps: int, batch: int) -> Iterator[float]:
    """Train a method with AdamW on images uint8 [N, 3, S, S]; the loss of each step, after the step.

    The order of images and their augmentation are the same in each run.
    """
    optimizer = torch.optim.AdamW(method.parameters(), LEARNING_RATE, weight_decay=0.05)
    method.train()
    for step in range(steps):
        rows = np.random.default_rng(step).choice(len(images), batch, replace=False)
        labels, aspects = torch.full((batch,), -1), torch.ones(batch)
        drawn = Batch(images[rows], [[] for _ in rows], labels, Keyed(0, step, rows), aspects)
        loss = method.loss(*method.augment(drawn))
        optimizer.zero_grad()
        loss.backward()
        method.before_step(step / steps)
        optimizer.step()
        method.after_step((step + 1) / steps)
        yield float(loss.detach())
