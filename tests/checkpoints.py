"""Small random open_clip models of the shapes that the catalogue has, as their repositories hold them."""

import json
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
from safetensors.torch import save
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

PREPROCESS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
WORDS = ["a", "photo", "of", "the", "cat", "dog", "red", "old", "sea", "katze", "hund", "rot", "chat", "chien"]
SMALL_VIT = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16}
SMALL_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


@dataclass(frozen=True)
class Repository:
    """A model and what its repositories hold: name to path to content, the first of them its own."""

    model: Any
    repositories: dict[str, dict[str, bytes]]

    @property
    def name(self) -> str:
        return f"hf-hub:{next(iter(self.repositories))}"


def clip() -> Repository:
    """open_clip's own towers, one module: as DataComp's ViTs."""
    return _repository("some/clip", {"embed_dim": 32, "vision_cfg": SMALL_VIT, "text_cfg": SMALL_TEXT})


def custom_text() -> Repository:
    """A tower of timm and a text tower as a module of its own, as PE has them."""
    vision = {"timm_model_name": "test_vit", "timm_model_pretrained": False, "timm_pool": "token", "timm_proj": None}
    text = SMALL_TEXT | {"context_length": 32, "eos_id": 49407, "pool_type": "eos"}
    config = {"embed_dim": 64, "vision_cfg": {"image_size": 160, **vision}, "text_cfg": text, "custom_text": True}
    return _repository("some/custom", config)


def siglip2() -> Repository:
    """An attention-pooled tower of timm, a bias of the logits, and a tokenizer whose files are in the repository."""
    vision = {"timm_model_name": "test_vit", "timm_model_pretrained": False, "timm_pool": "map", "timm_proj": "none"}
    text = {"context_length": 16, "vocab_size": 64, "width": 64, "heads": 2, "layers": 2, "no_causal_mask": True}
    text |= {"hf_tokenizer_name": "some/siglip2", "tokenizer_kwargs": {"clean": "canonicalize"}, "pool_type": "last"}
    config = {"embed_dim": 64, "init_logit_bias": -10, "custom_text": True}
    config |= {"vision_cfg": {"image_size": 160, **vision}, "text_cfg": text}
    made = _repository("some/siglip2", config)
    made.repositories["some/siglip2"] |= _tokenizer("GemmaTokenizer", ["<pad>", "<eos>", "<bos>", "<unk>"], ["<eos>"])
    return made


def mobileclip() -> Repository:
    """The image tower of MobileCLIP2-S0 in its full size, since timm has it in no other."""
    vision = {"timm_model_name": "fastvit_mci0", "timm_model_pretrained": False, "timm_pool": "avg", "timm_proj": None}
    config = {"embed_dim": 64, "vision_cfg": {"image_size": 256, **vision}, "text_cfg": SMALL_TEXT, "custom_text": True}
    return _repository("some/mobileclip", config)


def xlm_roberta(cache: str) -> Repository:
    """A text tower of transformers, whose configuration and tokenizer are in another repository.

    cache: a hub's cache in which that configuration may be laid while the model is made.
    """
    tower = "some/xlm-roberta"
    sizes = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "pad_token_id": 1}
    sizes |= {"intermediate_size": 64, "max_position_embeddings": 64, "type_vocab_size": 1, "model_type": "xlm-roberta"}
    files = _tokenizer("XLMRobertaTokenizer", ["<s>", "<pad>", "</s>", "<unk>"], ["<s>", "</s>"])
    files["config.json"] = json.dumps(sizes).encode()
    text = {"hf_model_name": tower, "hf_tokenizer_name": tower, "hf_pooler_type": "mean_pooler", "context_length": 32}
    config = {"embed_dim": 32, "vision_cfg": SMALL_VIT, "text_cfg": text | {"hf_proj_type": "mlp"}}
    made = _repository("some/xlm", config, files["config.json"], cache)
    return Repository(made.model, made.repositories | {tower: files})


def _repository(name: str, config: dict[str, Any], tower: bytes | None = None, cache: str = "") -> Repository:
    torch.manual_seed(0)
    model = _made(config, tower, cache).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim < 2 and parameter.numel() > 1:
                parameter.add_(0.1 * torch.randn_like(parameter))  # random towers are all alike without
    weights = save({key: value.contiguous() for key, value in model.state_dict().items()})
    files = {"open_clip_model.safetensors": weights}
    files["open_clip_config.json"] = json.dumps({"model_cfg": config, "preprocess_cfg": PREPROCESS}).encode()
    return Repository(model, {name: files})


def _made(config: dict[str, Any], tower: bytes | None, cache: str) -> Any:
    keys = {key: value for key, value in config.items() if key not in ("custom_text",)}
    if tower is None:
        made = open_clip.model.CustomTextCLIP if config.get("custom_text") else open_clip.model.CLIP
        return made(**keys)
    from pathlib import Path

    folder = Path(cache) / "tower"  # transformers reads a configuration from a folder as well
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(tower)
    text = config["text_cfg"] | {"hf_model_name": str(folder), "hf_model_pretrained": False}
    return open_clip.model.CustomTextCLIP(**keys | {"text_cfg": text})


def _tokenizer(kind: str, special: list[str], around: list[str]) -> dict[str, bytes]:
    """The files of a tokenizer of a few words; around: the special tokens before and after a text."""
    vocabulary = {token: number for number, token in enumerate([*special, *("▁" + word for word in WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    template = " ".join([*around[:-1], "$A", around[-1]])
    ids = [(token, vocabulary[token]) for token in around]
    tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=ids)
    names = {"<pad>": "pad_token", "<eos>": "eos_token", "</s>": "eos_token", "<s>": "bos_token", "<bos>": "bos_token"}
    settings = {names[token]: token for token in special if token in names} | {"unk_token": "<unk>"}
    facts = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64} | settings
    return {"tokenizer.json": tokenizer.to_str().encode(), "tokenizer_config.json": json.dumps(facts).encode()}
