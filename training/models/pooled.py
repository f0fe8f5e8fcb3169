"""Only what the pooled vector of a transformer needs: the same embeddings and gradients to rounding, in less time.

The last layer of a tower that keeps one token a sample (a ViT's class token, the end of a caption) need only compute
that token: keys and values of all, but queries, output and MLP of one, which is a sixth of the layer's work. And
where each token attends to those before it alone, what stands behind the longest caption's end reaches nothing, so a
batch may be as long as its longest caption. Towers for which either would change the result run as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from open_clip import CLIP, CustomTextCLIP
    from open_clip.transformer import ResidualAttentionBlock, Transformer, VisionTransformer


def image_rows(visual: "VisionTransformer", images: Tensor) -> Tensor:
    """visual(images), [B, dim]."""
    if not _keeps_class_token(visual):
        return visual(images)
    tokens = visual._embeds(images)
    first = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
    kept = visual.ln_post(_run(visual.transformer, tokens, None, first))
    return kept @ visual.proj


def text_rows(model: "CLIP | CustomTextCLIP", tokens: Tensor) -> Tensor:
    """model.encode_text(tokens), [B, dim]; tokens [B, L] may be cut behind the end of the longest."""
    ending = ending_of(model)
    if ending is None:
        return model.encode_text(tokens)
    text, length = getattr(model, "text", model), tokens.shape[1]
    dtype = text.transformer.get_cast_dtype()
    embedded = text.token_embedding(tokens).to(dtype) + text.positional_embedding[:length].to(dtype)
    kept = text.ln_final(_run(text.transformer, embedded, text.attn_mask[:length, :length], ending.of(tokens)))
    project = text.text_projection
    return project(kept) if isinstance(project, nn.Module) else kept if project is None else kept @ project


@dataclass(frozen=True)
class Ending:
    """Where captions end: at their first token `eos`, or at the greatest number."""

    eos: int | None = None

    def of(self, tokens: Tensor) -> Tensor:
        """[B], of tokens [B, L], as open_clip finds it."""
        return (tokens if self.eos is None else (tokens == self.eos).int()).argmax(dim=1)

    def cut(self, tokens: Tensor) -> Tensor:
        """tokens [B, L] up to the end of the longest caption."""
        return tokens[:, : int(self.of(tokens).max()) + 1]


def ending_of(model: "CLIP | CustomTextCLIP") -> Ending | None:
    """Where captions end for a text tower that keeps that token alone and attends to what is before it, else None."""
    from open_clip.transformer import TextTransformer

    text = getattr(model, "text", model)
    if type(text) is TextTransformer:
        if text.cls_emb is not None or text.use_pad_mask or text.output_tokens:
            return None
        pool, eos = text.pool_type, text.eos_id
    else:
        pool, eos = getattr(text, "text_pool_type", None), getattr(text, "text_eos_id", None)
    # open_clip has a mask where attention is causal and none where it is not.
    if pool not in ("argmax", "eos") or text.attn_mask is None or not _is_plain(text.transformer):
        return None
    return Ending(eos if pool == "eos" else None)


def _keeps_class_token(visual: "VisionTransformer") -> bool:
    """Whether visual is a ViT of open_clip whose class token alone becomes the embedding."""
    from open_clip.transformer import VisionTransformer

    return (
        type(visual) is VisionTransformer
        and visual.pool_type == "tok"
        and visual.attn_pool is None
        and visual.proj is not None
        and not visual.output_tokens
        and _is_plain(visual.transformer)
    )


def _is_plain(transformer: "Transformer") -> bool:
    """Whether a transformer's layers are the usual ones, which _last knows."""
    from open_clip.transformer import ResidualAttentionBlock

    plain = all(isinstance(b, ResidualAttentionBlock) and not hasattr(b, "ln_1_kv") for b in transformer.resblocks)
    return plain and bool(transformer.batch_first)


def _run(transformer: "Transformer", tokens: Tensor, mask: Tensor | None, rows: Tensor) -> Tensor:
    """All layers over tokens [B, L, W], the last for the tokens at rows [B] alone: [B, W]."""
    again = transformer.grad_checkpointing and torch.is_grad_enabled()
    through = partial(checkpoint, use_reentrant=False) if again else _call
    for block in transformer.resblocks[:-1]:
        tokens = through(block, tokens, None, None, mask)
    return through(_last, transformer.resblocks[-1], tokens, mask, rows)


def _call(function: Callable[..., Tensor], *arguments: object) -> Tensor:
    return function(*arguments)


def _last(block: "ResidualAttentionBlock", tokens: Tensor, mask: Tensor | None, rows: Tensor) -> Tensor:
    """What a layer makes of the tokens at rows [B] of tokens [B, L, W]: [B, W]."""
    each = torch.arange(len(tokens), device=tokens.device)
    normal = block.ln_1(tokens)
    if mask is not None:  # of the query's own row, for each head
        mask = mask[rows].to(normal.dtype).repeat_interleave(block.attn.num_heads, dim=0)[:, None]
    query = normal[each, rows][:, None]
    attended = block.attn(query, normal, normal, need_weights=False, attn_mask=mask)[0][:, 0]
    kept = tokens[each, rows] + block.ls_1(attended)
    return kept + block.ls_2(block.mlp(block.ln_2(kept)))
