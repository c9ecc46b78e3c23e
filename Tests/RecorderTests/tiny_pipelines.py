"""Pipelines of diffusers in miniature: every part is there, its weights are random, and nothing is downloaded.

    pipeline = NAMED["sdxl"].make()
    picture = pipeline(prompt, **NAMED["sdxl"].arguments(seed=1)).images[0]

Queries and keys are scaled up, so that attention is peaked: in random models it is nearly level, and a column
that stands in another's place would hardly show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tiny_text_encoders as encoders
import tiny_tokenizers as tokenizers
import torch
from diffusers import (
    AuraFlowPipeline, AuraFlowTransformer2DModel, AutoencoderDC, AutoencoderKL, AutoencoderKLCogVideoX,
    AutoencoderKLFlux2, AutoencoderKLHunyuanVideo, AutoencoderKLLTXVideo, AutoencoderKLQwenImage, AutoencoderKLWan,
    BriaFiboPipeline, BriaFiboTransformer2DModel, ChromaPipeline, ChromaTransformer2DModel, CogVideoXPipeline,
    CogVideoXTransformer3DModel, CogView4Pipeline, CogView4Transformer2DModel, ControlNetModel, DDIMScheduler,
    DDPMScheduler, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline, Flux2Pipeline,
    Flux2Transformer2DModel, FluxControlPipeline, FluxImg2ImgPipeline, FluxKontextPipeline, FluxPipeline,
    FluxTransformer2DModel, HunyuanDiT2DModel, HunyuanDiTPipeline, HunyuanVideoImageToVideoPipeline,
    HunyuanVideoPipeline, HunyuanVideoTransformer3DModel, Kandinsky3Pipeline, Kandinsky3UNet, Kandinsky5T2IPipeline,
    Kandinsky5Transformer3DModel, KandinskyV22PriorPipeline, LatentConsistencyModelPipeline, LCMScheduler,
    LTXConditionPipeline, LTXPipeline, LTXVideoTransformer3DModel, Lumina2Pipeline, Lumina2Transformer2DModel,
    PixArtSigmaPipeline, PixArtTransformer2DModel, PriorTransformer, QwenImagePipeline, QwenImageTransformer2DModel,
    SanaPipeline, SanaTransformer2DModel, SD3Transformer2DModel, StableDiffusion3Pipeline,
    StableDiffusionControlNetPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline, StableDiffusionXLPipeline, UnCLIPScheduler, UNet2DConditionModel,
    UniPCMultistepScheduler, VQModel, WanPipeline, WanTransformer3DModel, ZImagePipeline, ZImageTransformer2DModel,
)
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

PROMPT = "a cat and a frog"


@dataclass(frozen=True)
class Segment:
    """What the attention reads of one text encoder."""

    encoder: str
    length: int


@dataclass(frozen=True)
class TinyPipeline:
    """A kind of pipeline, and what a recording of `PROMPT` holds."""

    make: Callable[[], Any]
    call: Mapping[str, Any]
    """How it is called beside the prompt and the generator."""
    sites: Mapping[str, int]
    """How many layers of each kind, cross or joint, read the text by softmax attention."""
    grid: tuple[int, int]
    """Cells of the finest of these layers, [row, column]."""
    segments: tuple[Segment, ...]
    """The text, in the order in which it stands among the keys."""
    frames: int = 1
    """Frames of the latent, where the result is a video."""
    guidance: str = "cfg"
    """cfg, distilled or none."""
    text_first: bool = True
    """Whether the text stands before the picture among the keys of joint attention."""
    others: int = 0
    """Keys that are neither tokens nor picture: registers, and what a model puts in the place of padding."""
    beside: tuple[int, int] = (0, 0)
    """Cells of a picture that is edited, in front of the picture's own and behind them."""
    places: tuple[int, ...] | None = None
    """Where the tokens stand among the keys that are no picture; None where they are all of these."""

    def arguments(self, seed: int = 1) -> dict[str, Any]:
        return dict(self.call, generator=torch.Generator("cpu").manual_seed(seed))

    @property
    def text(self) -> int:
        """How many tokens the attention reads."""
        return sum(segment.length for segment in self.segments)

    def denoiser(self, pipeline: Any) -> torch.nn.Module:
        return getattr(pipeline, "unet", None) or pipeline.transformer


def result(output: Any) -> np.ndarray:
    """The picture, [y, x, colour], or the video, [frame, y, x, colour], of what a pipeline returned."""
    if hasattr(output, "frames"):
        return np.asarray(output.frames[0])
    return np.asarray(pictures(output)[0])


def pictures(output: Any) -> list[Image.Image]:
    return output.images if hasattr(output, "images") else output.image


def _peaked(denoiser: torch.nn.Module, factor: float = 4) -> torch.nn.Module:
    """Scales what makes queries and keys, or the norms behind, so that softmax has peaks."""
    names = {
        "to_q", "to_k", "to_qkv", "to_query", "to_key", "add_q_proj", "add_k_proj", "norm_q", "norm_k", "norm_added_q",
        "norm_added_k", "query_norm", "key_norm"}
    for name, module in denoiser.named_modules():
        weight = getattr(module, "weight", None)
        if name.rpartition(".")[2] in names and weight is not None:
            weight.data.mul_(factor)
    return denoiser.eval()


def _quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _autoencoder(latent: int = 4, levels: int = 2, **more: Any) -> AutoencoderKL:
    """Its latent is smaller by a factor of 2 with two levels, and as large as the picture with one."""
    return AutoencoderKL(
        block_out_channels=[8] * levels, down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels, latent_channels=latent, layers_per_block=1, norm_num_groups=2,
        sample_size=32, **more).eval()


def _flow_autoencoder(latent: int, levels: int = 1) -> AutoencoderKL:
    return _autoencoder(
        latent, levels, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1, scaling_factor=1.5)


def _unet(width: int, **more: Any) -> UNet2DConditionModel:
    return _peaked(UNet2DConditionModel(**{
        "sample_size": 16, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 2,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), "cross_attention_dim": width,
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"), "attention_head_dim": 2, **more}), 6)


# Stable Diffusion


def sdxl() -> StableDiffusionXLPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.clip()
    return _quiet(StableDiffusionXLPipeline(
        vae=_autoencoder(), text_encoder=encoders.clip(tokenizer, 16),
        text_encoder_2=encoders.clip(tokenizer, 32, projected=True), tokenizer=tokenizer, tokenizer_2=tokenizers.clip(),
        unet=_unet(
            48, attention_head_dim=(2, 4), use_linear_projection=True, addition_embed_type="text_time",
            addition_time_embed_dim=8, transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=6 * 8 + 32),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading",
            steps_offset=1)))


def _stable_diffusion_parts() -> dict[str, Any]:
    torch.manual_seed(0)
    tokenizer = tokenizers.clip()
    return {
        "vae": _autoencoder(), "text_encoder": encoders.clip(tokenizer, 16), "tokenizer": tokenizer,
        "unet": _unet(16), "scheduler": DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=False, steps_offset=1),
        "safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def stable_diffusion() -> StableDiffusionPipeline:
    return _quiet(StableDiffusionPipeline(**_stable_diffusion_parts()))


def stable_diffusion_image_to_image() -> StableDiffusionImg2ImgPipeline:
    return _quiet(StableDiffusionImg2ImgPipeline(**_stable_diffusion_parts()))


def stable_diffusion_controlnet() -> StableDiffusionControlNetPipeline:
    """Its ControlNet has layers of cross-attention of its own, which are not the denoiser's."""
    parts = _stable_diffusion_parts()
    controlnet = ControlNetModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=2, cross_attention_dim=16, attention_head_dim=2,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), conditioning_embedding_out_channels=(8, 8))
    return _quiet(StableDiffusionControlNetPipeline(**parts, controlnet=controlnet.eval()))


def instruct_pix2pix() -> StableDiffusionInstructPix2PixPipeline:
    """Its batch has three rows: the prompt's, and two of the negative prompt, with the picture and without."""
    return _quiet(StableDiffusionInstructPix2PixPipeline(
        **{**_stable_diffusion_parts(), "unet": _unet(16, in_channels=8, out_channels=4)}))


def latent_consistency() -> LatentConsistencyModelPipeline:
    """It reads the scale of guidance as an embedding."""
    return _quiet(LatentConsistencyModelPipeline(**{
        **_stable_diffusion_parts(), "unet": _unet(16, time_cond_proj_dim=16), "scheduler": LCMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=False)}))


def kandinsky_prior() -> KandinskyV22PriorPipeline:
    """It makes a vector, no picture."""
    torch.manual_seed(0)
    tokenizer = tokenizers.clip()
    return _quiet(KandinskyV22PriorPipeline(
        prior=PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1).eval(),
        image_encoder=encoders.clip_vision(32), text_encoder=encoders.clip(tokenizer, 32, projected=True),
        tokenizer=tokenizer, scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", num_train_timesteps=1000),
        image_processor=encoders.image_processor(28)))


def start_picture(height: int = 32, width: int = 48) -> Image.Image:
    """A picture to start from, or to be held to: colours that run over it."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 5, y * 7, (x + y) * 3], -1).astype(np.uint8))


def sd35() -> StableDiffusion3Pipeline:
    """As the medium size: its first block has a second attention, of pictures alone."""
    torch.manual_seed(0)
    tokenizer, tokenizer_3 = tokenizers.clip(16), tokenizers.t5()
    return _quiet(StableDiffusion3Pipeline(
        transformer=_peaked(SD3Transformer2DModel(
            sample_size=16, patch_size=2, in_channels=4, out_channels=4, num_layers=3, attention_head_dim=8,
            num_attention_heads=3, caption_projection_dim=24, joint_attention_dim=48, pooled_projection_dim=32,
            pos_embed_max_size=16, dual_attention_layers=(0,), qk_norm="rms_norm")),
        vae=_flow_autoencoder(4, levels=2), scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=encoders.clip(tokenizer, 16, projected=True),
        text_encoder_2=encoders.clip(tokenizer, 16, projected=True), text_encoder_3=encoders.t5(tokenizer_3, 48),
        tokenizer=tokenizer, tokenizer_2=tokenizers.clip(16), tokenizer_3=tokenizer_3))


# Flux


def _flux_parts() -> dict[str, Any]:
    torch.manual_seed(0)
    tokenizer, tokenizer_2 = tokenizers.clip(), tokenizers.t5()
    return {
        "transformer": _peaked(FluxTransformer2DModel(
            patch_size=1, in_channels=16, num_layers=2, num_single_layers=2, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(4, 6, 6),
            guidance_embeds=True)),
        "vae": _flow_autoencoder(4), "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        "text_encoder": encoders.clip(tokenizer, 16), "tokenizer": tokenizer,
        "text_encoder_2": encoders.t5(tokenizer_2, 32), "tokenizer_2": tokenizer_2}


def flux() -> FluxPipeline:
    return _quiet(FluxPipeline(**_flux_parts()))


def flux_control() -> FluxControlPipeline:
    """The picture that controls stands beside the latent along the channels."""
    parts = _flux_parts()
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=32, out_channels=16, num_layers=2, num_single_layers=2, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(4, 6, 6),
        guidance_embeds=True)
    return _quiet(FluxControlPipeline(**{**parts, "transformer": _peaked(transformer)}))


def flux_kontext() -> FluxKontextPipeline:
    """The cells of the picture that is edited stand behind the latent's."""
    return _quiet(FluxKontextPipeline(**_flux_parts()))


def flux_image_to_image() -> FluxImg2ImgPipeline:
    return _quiet(FluxImg2ImgPipeline(**_flux_parts()))


def _flux2_autoencoder() -> AutoencoderKLFlux2:
    return AutoencoderKLFlux2(
        sample_size=32, down_block_types=("DownEncoderBlock2D",), up_block_types=("UpDecoderBlock2D",),
        block_out_channels=(8,), layers_per_block=1, latent_channels=4, norm_num_groups=2, use_quant_conv=False,
        use_post_quant_conv=False).eval()


def _flux2_transformer(text: int, distilled: bool) -> torch.nn.Module:
    return _peaked(Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=text, timestep_guidance_channels=32, axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=distilled))


def flux2() -> Flux2Pipeline:
    torch.manual_seed(0)
    processor = tokenizers.mistral()
    pipeline = Flux2Pipeline(
        transformer=_flux2_transformer(2 * 16, True), vae=_flux2_autoencoder(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        text_encoder=encoders.mistral3(processor, 16), tokenizer=processor)
    pipeline.system_message = "describe the picture"
    return _quiet(pipeline)


def flux2_klein() -> Flux2KleinPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.qwen()
    return _quiet(Flux2KleinPipeline(
        transformer=_flux2_transformer(2 * 16, False), vae=_flux2_autoencoder(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        text_encoder=encoders.qwen3(tokenizer, 16, causal=True), tokenizer=tokenizer))


def bria_fibo() -> BriaFiboPipeline:
    """Each of its blocks reads another layer of the text encoder beside the text."""
    torch.manual_seed(0)
    tokenizer = tokenizers.llama()
    return _quiet(BriaFiboPipeline(
        transformer=_peaked(BriaFiboTransformer2DModel(
            patch_size=1, in_channels=4, num_layers=2, num_single_layers=2, attention_head_dim=8, num_attention_heads=2,
            joint_attention_dim=32, text_encoder_dim=16, pooled_projection_dim=None, axes_dims_rope=(0, 4, 4))),
        vae=AutoencoderKLWan(
            base_dim=4, decoder_base_dim=4, z_dim=4, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[False],
            scale_factor_spatial=16, scale_factor_temporal=4, latents_mean=[0.0] * 4, latents_std=[1.0] * 4).eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(), text_encoder=encoders.smollm3(tokenizer, 16),
        tokenizer=tokenizer))


def chroma() -> ChromaPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    return _quiet(ChromaPipeline(
        transformer=_peaked(ChromaTransformer2DModel(
            patch_size=1, in_channels=16, num_layers=2, num_single_layers=2, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=32, axes_dims_rope=(4, 6, 6), approximator_hidden_dim=32,
            approximator_layers=1, approximator_num_channels=16)),
        vae=_flow_autoencoder(4), scheduler=FlowMatchEulerDiscreteScheduler(), text_encoder=encoders.t5(tokenizer, 32),
        tokenizer=tokenizer))


# Other transformers of pictures


def pixart() -> PixArtSigmaPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    return _quiet(PixArtSigmaPipeline(
        transformer=_peaked(PixArtTransformer2DModel(
            sample_size=16, patch_size=2, num_layers=2, attention_head_dim=8, num_attention_heads=3,
            caption_channels=32, in_channels=4, out_channels=8, cross_attention_dim=24, attention_bias=True,
            activation_fn="gelu-approximate", norm_type="ada_norm_single", norm_elementwise_affine=False,
            norm_eps=1e-6)),
        vae=_autoencoder(), scheduler=DDIMScheduler(), text_encoder=encoders.t5(tokenizer, 32), tokenizer=tokenizer))


def sana() -> SanaPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.gemma()
    autoencoder = AutoencoderDC(
        in_channels=3, latent_channels=4, attention_head_dim=2, encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8), encoder_qkv_multiscales=((), (5,)), decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1), decoder_layers_per_block=(1, 1), downsample_block_type="conv",
        upsample_block_type="interpolate", decoder_norm_types="rms_norm", decoder_act_fns="silu", scaling_factor=0.4)
    return _quiet(SanaPipeline(
        transformer=_peaked(SanaTransformer2DModel(
            patch_size=1, in_channels=4, out_channels=4, num_layers=2, num_attention_heads=2, attention_head_dim=8,
            num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16, caption_channels=16,
            sample_size=16)),
        vae=autoencoder.eval(), scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=encoders.gemma(tokenizer, 16), tokenizer=tokenizer))


def qwen_image() -> QwenImagePipeline:
    """The first part of its template is cut from the text, as the pipeline does with 34 tokens."""
    torch.manual_seed(0)
    tokenizer = tokenizers.qwen()
    pipeline = QwenImagePipeline(
        transformer=_peaked(QwenImageTransformer2DModel(
            patch_size=2, in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=3,
            joint_attention_dim=16, axes_dims_rope=(8, 4, 4))),
        vae=AutoencoderKLQwenImage(
            base_dim=8, z_dim=4, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[False],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4).eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(), text_encoder=encoders.qwen2_5_vl(tokenizer, 16),
        tokenizer=tokenizer)
    before, _ = pipeline.prompt_template_encode.split("{}")
    pipeline.prompt_template_encode_start_idx = len(tokenizer(before).input_ids)
    return _quiet(pipeline)


def z_image() -> ZImagePipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.qwen()
    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=4, dim=32, n_layers=2, n_refiner_layers=1, n_heads=2,
        n_kv_heads=2, qk_norm=True, cap_feat_dim=16, axes_dims=[8, 4, 4], axes_lens=[256, 32, 32])
    with torch.no_grad():
        transformer.x_pad_token.normal_()
        transformer.cap_pad_token.normal_()
    return _quiet(ZImagePipeline(
        transformer=_peaked(transformer), vae=_flow_autoencoder(4, levels=2),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), text_encoder=encoders.qwen3(tokenizer, 16),
        tokenizer=tokenizer))


def lumina2() -> Lumina2Pipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.gemma()
    return _quiet(Lumina2Pipeline(
        transformer=_peaked(Lumina2Transformer2DModel(
            sample_size=16, patch_size=2, in_channels=4, hidden_size=32, num_layers=2, num_refiner_layers=1,
            num_attention_heads=2, num_kv_heads=2, multiple_of=16, axes_dim_rope=(8, 4, 4), axes_lens=(300, 32, 32),
            cap_feat_dim=16)),
        vae=_flow_autoencoder(4, levels=2), scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=encoders.gemma(tokenizer, 16), tokenizer=tokenizer))


def hunyuan_dit() -> HunyuanDiTPipeline:
    torch.manual_seed(0)
    tokenizer, tokenizer_2 = tokenizers.bert(), tokenizers.t5()
    return _quiet(HunyuanDiTPipeline(
        transformer=_peaked(HunyuanDiT2DModel(
            sample_size=16, num_layers=2, patch_size=2, attention_head_dim=8, num_attention_heads=3, in_channels=4,
            cross_attention_dim=24, cross_attention_dim_t5=32, pooled_projection_dim=16, hidden_size=24,
            activation_fn="gelu-approximate", text_len=77, text_len_t5=256)),
        vae=_autoencoder(levels=4), scheduler=DDPMScheduler(), text_encoder=encoders.bert(tokenizer, 24),
        tokenizer=tokenizer, text_encoder_2=encoders.t5(tokenizer_2, 32), tokenizer_2=tokenizer_2, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False))


def aura_flow() -> AuraFlowPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    return _quiet(AuraFlowPipeline(
        transformer=_peaked(AuraFlowTransformer2DModel(
            sample_size=16, patch_size=2, in_channels=4, out_channels=4, num_mmdit_layers=1, num_single_dit_layers=2,
            attention_head_dim=8, num_attention_heads=3, caption_projection_dim=24, joint_attention_dim=32,
            pos_embed_max_size=144)),
        vae=_autoencoder(), scheduler=FlowMatchEulerDiscreteScheduler(), text_encoder=encoders.umt5(tokenizer, 32),
        tokenizer=tokenizer))


def kandinsky3() -> Kandinsky3Pipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    movq = VQModel(
        block_out_channels=[32, 32], down_block_types=["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
        up_block_types=["AttnUpDecoderBlock2D", "UpDecoderBlock2D"], latent_channels=4, layers_per_block=1,
        norm_num_groups=4, norm_type="spatial", num_vq_embeddings=12, vq_embed_dim=4)
    return _quiet(Kandinsky3Pipeline(
        unet=_peaked(Kandinsky3UNet(
            in_channels=4, time_embedding_dim=8, groups=2, attention_head_dim=4, layers_per_block=2,
            block_out_channels=(16, 32), cross_attention_dim=8, encoder_hid_dim=32)),
        scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2"), movq=movq.eval(),
        text_encoder=encoders.t5(tokenizer, 32), tokenizer=tokenizer))


def kandinsky5() -> Kandinsky5T2IPipeline:
    torch.manual_seed(0)
    tokenizer, tokenizer_2 = tokenizers.qwen(), tokenizers.clip()
    pipeline = Kandinsky5T2IPipeline(
        transformer=_peaked(Kandinsky5Transformer3DModel(
            in_visual_dim=16, in_text_dim=32, in_text_dim2=16, time_dim=16, out_visual_dim=16, patch_size=(1, 2, 2),
            model_dim=16, ff_dim=32, num_text_blocks=1, num_visual_blocks=2, axes_dims=(1, 1, 2), visual_cond=False)),
        vae=_flow_autoencoder(16, levels=2), scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=encoders.qwen2_5_vl(tokenizer, 32), tokenizer=tokenizers.TextProcessor(tokenizer),
        text_encoder_2=encoders.clip(tokenizer_2, 16), tokenizer_2=tokenizer_2)
    pipeline.resolutions = [(192, 128)]
    before, _ = pipeline.prompt_template.split("{}")
    pipeline.prompt_template_encode_start_idx = len(tokenizer(before).input_ids)
    return _quiet(pipeline)


def cogview4() -> CogView4Pipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.llama(padding_side="left")
    return _quiet(CogView4Pipeline(
        transformer=_peaked(CogView4Transformer2DModel(
            patch_size=2, in_channels=4, out_channels=4, num_layers=2, attention_head_dim=8, num_attention_heads=3,
            text_embed_dim=32, time_embed_dim=8, condition_dim=4, rope_axes_dim=(64, 64), sample_size=16)),
        vae=_autoencoder(), scheduler=FlowMatchEulerDiscreteScheduler(
            base_shift=0.25, max_shift=0.75, base_image_seq_len=256, use_dynamic_shifting=True,
            time_shift_type="linear"),
        text_encoder=encoders.glm(tokenizer, 32), tokenizer=tokenizer))


# Videos


def cogvideox() -> CogVideoXPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    return _quiet(CogVideoXPipeline(
        transformer=_peaked(CogVideoXTransformer3DModel(
            num_attention_heads=4, attention_head_dim=8, in_channels=4, out_channels=4, time_embed_dim=8,
            text_embed_dim=32, num_layers=2, sample_width=6, sample_height=4, sample_frames=9, patch_size=2,
            temporal_compression_ratio=4, max_text_seq_length=16)),
        vae=AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8,) * 4, latent_channels=4, layers_per_block=1, norm_num_groups=2,
            temporal_compression_ratio=4).eval(),
        scheduler=DDIMScheduler(), text_encoder=encoders.t5(tokenizer, 32), tokenizer=tokenizer))


def wan() -> WanPipeline:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    return _quiet(WanPipeline(
        transformer=_peaked(WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4,
            text_dim=32, freq_dim=32, ffn_dim=32, num_layers=2, cross_attn_norm=True,
            qk_norm="rms_norm_across_heads", rope_max_seq_len=32)),
        vae=AutoencoderKLWan(
            base_dim=4, z_dim=4, dim_mult=[1, 1, 1], num_res_blocks=1, temperal_downsample=[True, True],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4).eval(),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
        text_encoder=encoders.umt5(tokenizer, 32), tokenizer=tokenizer))


def _ltx_parts() -> dict[str, Any]:
    torch.manual_seed(0)
    tokenizer = tokenizers.t5()
    autoencoder = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4,
        layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=(True, True, False, False), decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False)
    autoencoder.use_framewise_encoding = autoencoder.use_framewise_decoding = False
    return {
        "transformer": _peaked(LTXVideoTransformer3DModel(
            in_channels=8, out_channels=8, num_attention_heads=4, attention_head_dim=8, cross_attention_dim=32,
            num_layers=2, caption_channels=32)),
        "vae": autoencoder.eval(), "scheduler": FlowMatchEulerDiscreteScheduler(),
        "text_encoder": encoders.t5(tokenizer, 32), "tokenizer": tokenizer}


def ltx() -> LTXPipeline:
    return _quiet(LTXPipeline(**_ltx_parts()))


def ltx_condition() -> LTXConditionPipeline:
    """The cells of a frame that is given stand in front of the latent's."""
    return _quiet(LTXConditionPipeline(**_ltx_parts()))


def _hunyuan_video_parts(channels: int, **more: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    tokenizer, tokenizer_2 = tokenizers.llama(), tokenizers.clip()
    return {
        "transformer": _peaked(HunyuanVideoTransformer3DModel(
            in_channels=channels, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=1,
            num_single_layers=1, num_refiner_layers=1, patch_size=1, patch_size_t=1, text_embed_dim=16,
            pooled_projection_dim=16, rope_axes_dim=(2, 4, 4), **more)),
        "vae": AutoencoderKLHunyuanVideo(
            latent_channels=4, down_block_types=("HunyuanVideoDownBlock3D",) * 4,
            up_block_types=("HunyuanVideoUpBlock3D",) * 4, block_out_channels=(8,) * 4, layers_per_block=1,
            norm_num_groups=4, spatial_compression_ratio=8, temporal_compression_ratio=4).eval(),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0), "text_encoder": encoders.llama(tokenizer, 16),
        "tokenizer": tokenizer, "text_encoder_2": encoders.clip(tokenizer_2, 16), "tokenizer_2": tokenizer_2}


def hunyuan_video() -> HunyuanVideoPipeline:
    """A mean of the text's tokens moves every one of them."""
    return _quiet(HunyuanVideoPipeline(**_hunyuan_video_parts(4, guidance_embeds=True)))


def hunyuan_video_image_to_video() -> HunyuanVideoImageToVideoPipeline:
    """Its encoder reads the first picture too, four tokens of it in the place of one."""
    parts = _hunyuan_video_parts(9, guidance_embeds=False, image_condition_type="latent_concat")
    tokenizer = tokenizers.llama3()
    return _quiet(HunyuanVideoImageToVideoPipeline(
        **{**parts, "text_encoder": encoders.llava(tokenizer, 16), "tokenizer": tokenizer},
        image_processor=encoders.image_processor(28)))


def _image_template() -> dict[str, Any]:
    """The pipeline's own template, with another instruction."""
    template = (
        "<|start_header_id|>system<|end_header_id|><image>describe the picture<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>")
    before, _ = template.split("{}")
    ids = tokenizers.llama3()(before).input_ids
    place = ids.index(tokenizers.llama3().convert_tokens_to_ids("<image>"))
    return {
        "template": template, "crop_start": len(ids), "image_emb_len": 4, "image_emb_start": place,
        "image_emb_end": place + 4}


# What a recording of each holds

_SIZE: dict[str, Any] = {"num_inference_steps": 2, "height": 32, "width": 48}
_SMALL: dict[str, Any] = {"num_inference_steps": 2, "height": 8, "width": 12}
_LARGE: dict[str, Any] = {"num_inference_steps": 2, "height": 128, "width": 192}
_BROAD: dict[str, Any] = {"num_inference_steps": 2, "height": 32, "width": 64}
_VIDEO: dict[str, Any] = {
    "num_inference_steps": 2, "num_frames": 9, "max_sequence_length": 16, "output_type": "pil"}
_CUT: dict[str, Any] = {"max_sequence_length": 24}
_CLIP: dict[str, Any] = {"num_inference_steps": 2, "height": 32, "width": 48, "num_frames": 9}


def _one(length: int) -> tuple[Segment, ...]:
    return (Segment("text_encoder", length),)


NAMED: dict[str, TinyPipeline] = {
    "sdxl": TinyPipeline(sdxl, _SIZE, {"cross": 11}, (16, 24), _one(77)),
    "sd35": TinyPipeline(
        sd35, {**_SIZE, **_CUT}, {"joint": 3}, (8, 12), (Segment("text_encoder", 16), Segment("text_encoder_3", 24)),
        text_first=False),
    "flux": TinyPipeline(
        flux, {**_SMALL, **_CUT}, {"joint": 4}, (4, 6), (Segment("text_encoder_2", 24),), guidance="distilled"),
    "flux2": TinyPipeline(
        flux2, {**_SMALL, **_CUT, "text_encoder_out_layers": (1, 2)}, {"joint": 4}, (4, 6), _one(24),
        guidance="distilled"),
    "pixart": TinyPipeline(
        pixart, {**_SIZE, **_CUT, "use_resolution_binning": False}, {"cross": 2}, (8, 12), _one(24)),
    "sana": TinyPipeline(
        sana, {**_BROAD, **_CUT, "use_resolution_binning": False,
               "complex_human_instruction": ["describe the picture of the user:", ""]},
        {"cross": 2}, (16, 32), _one(24)),
    "qwen-image": TinyPipeline(
        qwen_image, {**_SIZE, "true_cfg_scale": 4.0, "negative_prompt": "a red car"}, {"joint": 2}, (8, 12), _one(17)),
    "z-image": TinyPipeline(z_image, {**_SIZE, **_CUT}, {"joint": 2}, (8, 12), _one(20), text_first=False, others=12,
        places=tuple(range(20))),
    "lumina2": TinyPipeline(
        lumina2, {**_LARGE, "system_prompt": "describe the picture", "max_sequence_length": 40}, {"joint": 2}, (8, 12),
        _one(24)),
    "cogvideox": TinyPipeline(
        cogvideox, {**_VIDEO, "height": 32, "width": 48}, {"joint": 2}, (2, 3), _one(16), frames=3),
    "wan": TinyPipeline(
        wan, {**_VIDEO, "height": 64, "width": 96}, {"cross": 2}, (4, 6), _one(16), frames=3),
    "hunyuan-dit": TinyPipeline(
        hunyuan_dit, {**_LARGE, "use_resolution_binning": False}, {"cross": 2}, (8, 12),
        (Segment("text_encoder", 77), Segment("text_encoder_2", 256))),
}
"""The pipelines that the recorder promises."""

OTHERS: dict[str, TinyPipeline] = {
    "stable-diffusion": TinyPipeline(stable_diffusion, _SIZE, {"cross": 7}, (16, 24), _one(77)),
    "image-to-image": TinyPipeline(
        stable_diffusion_image_to_image, {"num_inference_steps": 4, "strength": 0.5, "image": start_picture()},
        {"cross": 7}, (16, 24), _one(77)),
    "controlnet": TinyPipeline(
        stable_diffusion_controlnet, {**_SIZE, "image": start_picture()}, {"cross": 7}, (16, 24), _one(77)),
    "flux-image-to-image": TinyPipeline(
        flux_image_to_image, {**_SMALL, **_CUT, "num_inference_steps": 4, "strength": 0.5,
                              "image": start_picture(8, 12)},
        {"joint": 4}, (4, 6), (Segment("text_encoder_2", 24),), guidance="distilled"),
    "latent-consistency": TinyPipeline(
        latent_consistency, {**_SIZE, "guidance_scale": 6.0}, {"cross": 7}, (16, 24), _one(77), guidance="distilled"),
    "flux-control": TinyPipeline(
        flux_control, {**_SMALL, **_CUT, "control_image": start_picture(8, 12)}, {"joint": 4}, (4, 6),
        (Segment("text_encoder_2", 24),), guidance="distilled"),
    "flux-kontext": TinyPipeline(
        flux_kontext, {**_SMALL, **_CUT, "image": start_picture(8, 12), "max_area": 96, "_auto_resize": False},
        {"joint": 4}, (4, 6), (Segment("text_encoder_2", 24),), guidance="distilled", beside=(0, 24)),
    "flux2-klein": TinyPipeline(
        flux2_klein, {**_SMALL, **_CUT, "text_encoder_out_layers": (1, 2)}, {"joint": 4}, (4, 6), _one(24)),
    "bria-fibo": TinyPipeline(
        bria_fibo, {"num_inference_steps": 2, "height": 64, "width": 96, "negative_prompt": "a red car"},
        {"joint": 4}, (4, 6), _one(6)),
    "chroma": TinyPipeline(chroma, {**_SMALL, **_CUT}, {"joint": 4}, (4, 6), _one(24)),
    "aura-flow": TinyPipeline(aura_flow, {**_SIZE, **_CUT}, {"joint": 3}, (8, 12), _one(24), others=8,
        places=tuple(range(8, 32))),
    "kandinsky3": TinyPipeline(kandinsky3, _LARGE, {"cross": 6}, (16, 24), _one(7)),
    "kandinsky5": TinyPipeline(kandinsky5, _LARGE, {"cross": 2}, (8, 12), _one(6)),
    "cogview4": TinyPipeline(cogview4, {**_SIZE, **_CUT}, {"joint": 2}, (8, 12), _one(16)),
    "ltx": TinyPipeline(
        ltx, {**_VIDEO, "height": 32, "width": 64}, {"cross": 2}, (8, 16), _one(16), frames=3),
    "ltx-condition": TinyPipeline(
        ltx_condition, {**_VIDEO, "height": 32, "width": 64, "conditions": [
            LTXVideoCondition(image=start_picture(32, 64), frame_index=8)]},
        {"cross": 2}, (8, 16), _one(16), frames=3, beside=(128, 0)),
    "wan-four-frames": TinyPipeline(
        wan, {**_VIDEO, "num_frames": 13, "height": 64, "width": 96}, {"cross": 2}, (4, 6), _one(16), frames=4),
    "z-image-as-small-as-its-channels": TinyPipeline(
        z_image, {"num_inference_steps": 2, "height": 8, "width": 8, **_CUT}, {"joint": 2}, (2, 2), _one(20),
        text_first=False, others=40, places=tuple(range(28, 48))),
    "hunyuan-video": TinyPipeline(
        hunyuan_video, {**_CLIP, "max_sequence_length": 16, "prompt_template": {
            "template": "describe the picture {}", "crop_start": 4}},
        {"joint": 2}, (4, 6), _one(16), frames=3, guidance="distilled", text_first=False),
    "hunyuan-video-image-to-video": TinyPipeline(
        hunyuan_video_image_to_video, {**_CLIP, "image": start_picture(), "max_sequence_length": 16,
            "prompt_template": _image_template()},
        {"joint": 2}, (4, 6), _one(14), frames=3, guidance="none", text_first=False),
}
"""Pipelines that nothing in the recorder was made for."""
