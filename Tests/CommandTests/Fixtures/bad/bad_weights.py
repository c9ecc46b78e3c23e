"""Checkpoints with a number in their weights that is none."""

import functools
import json
import struct

from make_bad_files import TESTS, below, tree

FIXTURE = "DiffusionTests/Fixtures/tiny-sd1"
WEIGHTS = {
    "text_encoder": "text_encoder/model.safetensors",
    "unet": "unet/diffusion_pytorch_model.safetensors",
    "vae": "vae/diffusion_pytorch_model.safetensors",
}
# The id of a word of the prompts below.
WORD = 320
NAN, INFINITY = b"\0\0\xc0\x7f", b"\0\0\x80\x7f"


@functools.cache
def weights(part):
    return (TESTS / FIXTURE / WEIGHTS[part]).read_bytes()


def spoiled(part, tensor, number):
    """The weights of a part with another number in a tensor: in the row of `a</w>` of the embedding of tokens, in
    the first of that of positions, else in the middle."""
    content = bytearray(weights(part))
    size = struct.unpack_from("<Q", content)[0]
    entry = json.loads(content[8 : 8 + size])[tensor]
    assert entry["dtype"] == "F32", entry
    begin, end = entry["data_offsets"]
    if "token_embedding" in tensor:
        element = WORD * entry["shape"][1]
    elif "position_embedding" in tensor:
        element = 0
    else:
        element = (end - begin) // 8
    place = 8 + size + begin + 4 * element
    content[place : place + 4] = number
    return bytes(content)


def bad_weights(group):
    checkpoint = below("model", tree(FIXTURE, without=["golden.safetensors", "golden.json"]))
    block = "down_blocks.0.attentions.0.transformer_blocks.0"
    clip = "encoder.layers.0"
    for what, part, tensor, number, layer, call in [
        ("an embedding of tokens", "text_encoder", "embeddings.token_embedding.weight", NAN, "embeddings", ""),
        ("an embedding of positions", "text_encoder", "embeddings.position_embedding.weight", NAN, "embeddings", ""),
        ("the text's attention", "text_encoder", f"{clip}.self_attn.q_proj.weight", INFINITY, clip, ""),
        ("the text's feed-forward part", "text_encoder", f"{clip}.mlp.fc1.bias", NAN, clip, ""),
        ("a norm of layers", "text_encoder", "final_layer_norm.weight", NAN, "final_layer_norm", ""),
        ("the first convolution", "unet", "conv_in.weight", NAN, "conv_in", "step 0 (denoise pass)"),
        ("the embedding of time", "unet", "time_embedding.linear_1.weight", INFINITY, "time_embedding", "step 0 (denoise pass)"),
        ("a resnet's convolution", "unet", "down_blocks.0.resnets.0.conv1.weight", NAN, "down_blocks.0.resnets.0", "step 0"),
        ("a norm of groups", "unet", "down_blocks.1.resnets.0.norm1.weight", INFINITY, "down_blocks.1.resnets.0", "step 0"),
        ("self-attention", "unet", f"{block}.attn1.to_q.weight", NAN, "down_blocks.0.attentions.0", "step 0"),
        ("cross-attention's keys", "unet", f"{block}.attn2.to_k.weight", INFINITY, "down_blocks.0.attentions.0", "step 0"),
        ("cross-attention's values", "unet", f"{block}.attn2.to_v.weight", NAN, "down_blocks.0.attentions.0", "step 0"),
        ("a feed-forward part", "unet", f"{block}.ff.net.0.proj.weight", NAN, "down_blocks.0.attentions.0", "step 0"),
        ("a projection", "unet", "mid_block.attentions.0.proj_in.weight", INFINITY, "mid_block.attentions.0", "step 0"),
        ("a sampler", "unet", "down_blocks.0.downsamplers.0.conv.weight", NAN, "down_blocks.0.downsamplers.0", "step 0"),
        ("the last convolution", "unet", "conv_out.weight", NAN, "conv_out", "step 0 (denoise pass)"),
        ("the decoder's first convolution", "vae", "decoder.conv_in.weight", NAN, "decoder.conv_in: output", ""),
        ("the decoder's attention", "vae", "decoder.mid_block.attentions.0.to_q.weight", NAN, "decoder.mid_block.attentions.0", ""),
        ("the decoder's last convolution", "vae", "decoder.conv_out.bias", INFINITY, "decoder.conv_out", ""),
    ]:
        kind = "NaN" if number == NAN else "infinity"
        group.add(
            f"{kind} in {what}",
            ["generate", "a cat and a frog", "--model", "model", "--steps", "1", "--method", "stable-diffusion", "--no-record"],
            65, [layer, "output is not finite", "NaN or infinite", call], {**checkpoint, f"model/{WEIGHTS[part]}": spoiled(part, tensor, number)},
            # The steps that were made stay, so that the run goes on with sound weights.
            written=["runs"] if part == "vae" else [], seconds=3, mebibytes=128)


GROUPS = {"weights": (12, bad_weights)}
