"""Embeddings in a loss: their precision, and measures of collapse."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def full(rows: Tensor) -> Tensor:
    """At least float32; float64 stays."""
    return rows if rows.dtype == torch.float64 else rows.float()


def effective_rank(rows: Tensor) -> float:
    """Exponential of the entropy of the singular values [B, D] -> 1..min(B, D) (Roy and Vetterli 2007)."""
    values = torch.linalg.svdvals(rows.detach().float().cpu())
    share = values / values.sum().clamp_min(1e-12)
    return math.exp(float(-(share * share.clamp_min(1e-12).log()).sum()))


def health(rows: Tensor) -> dict[str, float]:
    """What a report says of features [B, D]: effective_rank, and spread: 1 if unit rows point everywhere, 0 if
    all of them point the same way.
    """
    units = F.normalize(rows.detach().float(), dim=1)
    spread = float(units.std(dim=0).mean()) * math.sqrt(units.shape[1])
    return {"effective_rank": effective_rank(rows - rows.mean(dim=0)), "spread": spread}
