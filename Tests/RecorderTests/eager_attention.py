"""Attention probabilities in full, computed beside a pipeline that runs as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Attention:
    """One call of a layer."""

    layer: str
    weights: np.ndarray
    """[batch, head, query, key], in float64."""


class EagerAttention:
    """Writes down softmax(Q Kᵀ · scale + mask) of every attention of a denoiser; what it returns is untouched.

    It stands in the place of the function itself: recorders, which listen by another way, run at another time.
    """

    def __init__(self, denoiser: torch.nn.Module) -> None:
        self.denoiser = denoiser
        self.passes: list[list[Attention]] = []
        """The layers of each pass, in the order in which they ran."""

    def __enter__(self) -> EagerAttention:
        self._layers: list[str] = []
        self._hooks = [
            self.denoiser.register_forward_pre_hook(lambda *_: self.passes.append([])),
            self.denoiser.register_forward_hook(lambda *_: self._layers.clear())]
        for name, module in self.denoiser.named_modules():
            if hasattr(module, "processor"):
                self._hooks += [
                    module.register_forward_pre_hook(lambda *_, name=name: self._layers.append(name)),
                    module.register_forward_hook(lambda *_: (self._layers.pop(), None)[1])]
        self._fused = F.scaled_dot_product_attention
        F.scaled_dot_product_attention = self._attend
        return self

    def __exit__(self, *_: object) -> None:
        F.scaled_dot_product_attention = self._fused
        for hook in self._hooks:
            hook.remove()

    def _attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
        **more: Any,
    ) -> torch.Tensor:
        if self._layers:
            assert not is_causal and dropout_p == 0
            self.passes[-1].append(Attention(self._layers[-1], probabilities(query, key, attn_mask, scale)))
        return self._fused(
            query, key, value, attn_mask=attn_mask, dropout_p=dropout_p, is_causal=is_causal, scale=scale,
            enable_gqa=enable_gqa, **more)


def probabilities(
    query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None = None, scale: float | None = None,
) -> np.ndarray:
    """softmax(Q Kᵀ · scale + mask), [batch, head, query, key], of queries and keys [batch, head, place, width]."""
    with torch.no_grad():
        keys = key.double().repeat_interleave(query.shape[1] // key.shape[1], dim=1)
        scores = query.double() @ keys.transpose(-1, -2) * (query.shape[-1] ** -0.5 if scale is None else scale)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        return scores.softmax(-1).numpy()
