"""The contrastive loss of SimCLR."""

import torch
import torch.nn.functional as F


def nt_xent(z0: torch.Tensor, z1: torch.Tensor, temperature: float) -> torch.Tensor:
    """Normalised temperature-scaled cross entropy, a scalar: the mean over all 2n views.

    In float64 for float64 projections, else in float32.

    z0, z1 : (n, d) projections of two views of the same n images, row by row; any length
    temperature : above 0

    The memory is O(n^2). One image alone has no negative: its loss is 0.
    Raises ValueError where shapes or temperature do not fit.
    Chen et al. 2020, "A Simple Framework for Contrastive Learning", equation 1 and Algorithm 1.
    """
    if z0.ndim != 2 or z0.shape != z1.shape or len(z0) < 1:
        raise ValueError(
            f"z0 and z1 must have one shape (n, d) with n >= 1,"
            f" got {tuple(z0.shape)} and {tuple(z1.shape)}"
        )
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    n = len(z0)
    views = torch.cat([z0, z1])
    views = F.normalize(views.to(torch.promote_types(views.dtype, torch.float32)), dim=1)
    logits = views @ views.T / temperature
    itself = torch.eye(2 * n, dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(itself, float("-inf"))
    positive = torch.cat([logits.diagonal(n), logits.diagonal(-n)])
    return (logits.logsumexp(dim=1) - positive).mean()
