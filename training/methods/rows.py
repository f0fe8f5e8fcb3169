"""Embeddings in a loss: their precision, and measures of collapse."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def full(rows: Tensor) -> Tensor:
    """The rows in float32; float64 stays float64."""
    return rows if rows.dtype == torch.float64 else rows.float()


def effective_rank(rows: Tensor) -> float:
    """Exponential of the entropy of the singular values [B, D] -> 1..min(B, D) (Roy and Vetterli 2007).

    The singular values are the roots of the eigenvalues of the smaller Gram matrix, which a GPU finds sooner.
    """
    rows = rows.detach().to(torch.float32 if rows.device.type == "mps" else torch.float64)
    gram = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
    values = torch.linalg.eigvalsh(gram.cpu() if rows.device.type == "mps" else gram).clamp_min(0).sqrt()
    share = values / values.sum().clamp_min(1e-12)
    return math.exp(float(-(share * share.clamp_min(1e-12).log()).sum()))


def health(rows: Tensor) -> dict[str, float]:
    """Measures of collapse of features [B, D]: effective_rank, and spread, which is 1 for isotropic unit rows
    and 0 for identical ones.
    """
    units = F.normalize(rows.detach().float(), dim=1)
    spread = float(units.std(dim=0).mean()) * math.sqrt(units.shape[1])
    return {"effective_rank": effective_rank(rows - rows.mean(dim=0)), "spread": spread}
