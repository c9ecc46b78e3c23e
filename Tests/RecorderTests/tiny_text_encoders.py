"""Text encoders of the kinds that diffusion pipelines have, one or two layers deep, with random weights.

Each is made for a tokenizer of `tiny_tokenizers`; `width` is that of its states.
"""

from __future__ import annotations

from typing import Any

from transformers import (
    BertConfig, BertModel, CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection,
    CLIPVisionConfig, CLIPVisionModelWithProjection, Gemma2Config, Gemma2Model, GlmConfig, GlmModel, LlamaConfig,
    LlamaModel, LlavaConfig, LlavaForConditionalGeneration, Mistral3Config, Mistral3ForConditionalGeneration,
    Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen3Config, Qwen3ForCausalLM, Qwen3Model,
    SmolLM3Config, SmolLM3ForCausalLM, T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel,
)


def clip(tokenizer: Any, width: int, projected: bool = False) -> Any:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, max_position_embeddings=tokenizer.model_max_length,
        hidden_size=width, intermediate_size=2 * width, projection_dim=width, num_attention_heads=2,
        num_hidden_layers=3, hidden_act="gelu")
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def t5(tokenizer: Any, width: int) -> Any:
    return T5EncoderModel(T5Config(vocab_size=len(tokenizer), **_t5(width))).eval()


def umt5(tokenizer: Any, width: int) -> Any:
    return UMT5EncoderModel(UMT5Config(vocab_size=len(tokenizer), **_t5(width))).eval()


def _t5(width: int) -> dict[str, Any]:
    return {
        "d_model": width, "d_ff": 2 * width, "d_kv": 8, "num_heads": 2, "num_layers": 2,
        "feed_forward_proj": "gated-gelu"}


def bert(tokenizer: Any, width: int) -> Any:
    return BertModel(BertConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=2 * width, num_attention_heads=2,
        num_hidden_layers=2)).eval()


def gemma(tokenizer: Any, width: int) -> Any:
    return Gemma2Model(Gemma2Config(
        **_decoder(tokenizer, width), head_dim=8, sliding_window=512)).eval()


def glm(tokenizer: Any, width: int) -> Any:
    return GlmModel(GlmConfig(**_decoder(tokenizer, width), head_dim=8)).eval()


def llama(tokenizer: Any, width: int) -> Any:
    return LlamaModel(LlamaConfig(**_decoder(tokenizer, width))).eval()


def smollm3(tokenizer: Any, width: int) -> Any:
    return SmolLM3ForCausalLM(SmolLM3Config(**_decoder(tokenizer, width))).eval()


def clip_vision(width: int) -> Any:
    return CLIPVisionModelWithProjection(_vision(width)).eval()


def _vision(width: int) -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=width, intermediate_size=2 * width, projection_dim=width, num_attention_heads=2,
        num_hidden_layers=2, image_size=28, patch_size=14)


def image_processor(size: int) -> CLIPImageProcessor:
    return CLIPImageProcessor(crop_size=size, size=size)


def llava(tokenizer: Any, width: int) -> Any:
    """A picture of 28 × 28 becomes four tokens."""
    text = LlamaConfig(**_decoder(tokenizer, width))
    return LlavaForConditionalGeneration(LlavaConfig(
        vision_config=_vision(16), text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), pad_token_id=tokenizer.pad_token_id)).eval()


def qwen3(tokenizer: Any, width: int, causal: bool = False) -> Any:
    config = Qwen3Config(**_decoder(tokenizer, width), head_dim=8)
    return (Qwen3ForCausalLM if causal else Qwen3Model)(config).eval()


def qwen2_5_vl(tokenizer: Any, width: int) -> Any:
    """Its head is `width / 2` wide; a fourth of it turns with time, the rest with place."""
    quarter = width // 16
    text = _decoder(tokenizer, width) | {
        "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e6,
            "mrope_section": [quarter, quarter, width // 4 - 2 * quarter]}}
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": width}
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config=text, vision_config=vision)).eval()


def mistral3(processor: Any, width: int) -> Any:
    text = _decoder(processor.tokenizer, width) | {"model_type": "mistral", "head_dim": 8, "sliding_window": None}
    vision = {
        "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "image_size": 30, "patch_size": 6, "num_channels": 3}
    return Mistral3ForConditionalGeneration(
        Mistral3Config(text_config=text, vision_config=vision, image_token_index=1)).eval()


def _decoder(tokenizer: Any, width: int) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer), "hidden_size": width, "intermediate_size": 2 * width,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "max_position_embeddings": 1024, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
