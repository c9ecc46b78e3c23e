"""The recorded numbers, held against softmax attention that is computed in full beside them."""

from __future__ import annotations

import tempfile
import unittest
from typing import Any

import heed_record
import numpy as np
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor
from diffusers.models.embeddings import apply_rotary_emb
from eager_attention import EagerAttention, probabilities
from recorded import Recorded
from tiny_pipelines import NAMED, OTHERS, PROMPT, TinyPipeline

EVERY = {**NAMED, **OTHERS}


def assert_float16(actual: np.ndarray, expected: np.ndarray, what: str) -> None:
    """That numbers are the expected ones, rounded to float16; float32's own rounding may tip it once."""
    assert actual.dtype == np.float16, f"{what}: {actual.dtype}"
    assert actual.shape == expected.shape, f"{what}: {actual.shape}, expected {expected.shape}"
    np.testing.assert_allclose(actual.astype(np.float64), expected, rtol=2.0 ** -11 + 2e-5, atol=5e-7, err_msg=what)


class EveryPipelineTests(unittest.TestCase):
    def recorded(self, tiny: TinyPipeline, **plan: Any) -> tuple[Recorded, list[list[Any]]]:
        pipeline = tiny.make()
        with EagerAttention(tiny.denoiser(pipeline)) as eager:
            pipeline(prompt=PROMPT, **tiny.arguments(seed=1))
        pipeline = tiny.make()
        with tempfile.TemporaryDirectory() as folder:
            with heed_record.Recorder(pipeline, folder, PROMPT, seed=1, **plan):
                pipeline(prompt=PROMPT, **tiny.arguments(seed=1))
            run = Recorded(folder)
            # What is asked of it later is read while it is there.
            run.maps_of_sites = {path: run.maps(path) for path in run.sites}
            run.manifest
        return run, eager.passes

    def text_attention(self, tiny: TinyPipeline, run: Recorded, passes: list[list[Any]]) -> dict[str, np.ndarray]:
        """What the conditional branch paid: by layer, [call, head, (frame), row, column, key]; first the tokens, then
        the picture's keys, then those that are neither."""
        found: dict[str, list[np.ndarray]] = {}
        places = list(range(tiny.text) if tiny.places is None else tiny.places)
        rest = [place for place in range(tiny.text + tiny.others) if place not in places]
        for layers in conditional(tiny, passes):
            for path, weights in layers:
                if path not in run.sites:
                    continue
                site = run.sites[path]["site"]
                grid = (site["grid"]["rows"], site["grid"]["columns"])
                cells = site.get("frames", 1) * grid[0] * grid[1]
                whole = cells + sum(tiny.beside)
                picture = weights[..., :0]
                if site["kind"] == "joint" and tiny.text_first:
                    weights, picture = weights[:, -whole:, :-whole], weights[:, -whole:, -whole:]
                elif site["kind"] == "joint":
                    weights, picture = weights[:, :whole, whole:], weights[:, :whole, :whole]
                weights, picture = (part[:, tiny.beside[0]:tiny.beside[0] + cells] for part in (weights, picture))
                self.assertEqual(weights.shape[-1], tiny.text + tiny.others)
                weights = np.concatenate([weights[..., places], picture, weights[..., rest]], -1)
                shape = (tiny.frames, *grid) if tiny.frames > 1 else grid
                found.setdefault(path, []).append(weights.reshape(len(weights), *shape, -1))
        return {path: np.stack(calls) for path, calls in found.items()}

    def test_every_head_cell_and_token_is_what_softmax_gives(self) -> None:
        for name, tiny in EVERY.items():
            with self.subTest(name):
                run, passes = self.recorded(tiny, heads="all", tokens="all", cells="all")
                expected = self.text_attention(tiny, run, passes)
                self.assertEqual(set(expected), set(run.sites))
                for path, site in run.sites.items():
                    self.assertEqual(site["tokens"], list(range(tiny.text)))
                    self.assertEqual(site["heads"], list(range(site["site"]["heads"])))
                    assert_float16(
                        run.maps_of_sites[path][..., :tiny.text], expected[path][..., :tiny.text], f"{name} {path}")

    def test_by_default_heads_are_averaged_and_the_rest_is_summed(self) -> None:
        for name, tiny in EVERY.items():
            with self.subTest(name):
                run, passes = self.recorded(tiny)
                expected = self.text_attention(tiny, run, passes)
                padding = {token["index"] for token in run.tokens()["tokens"] if token.get("special") == "padding"}
                for path, site in run.sites.items():
                    self.assertEqual(site["reducedHeads"], "mean")
                    whole = expected[path].mean(1, keepdims=True)
                    text = tiny.text
                    picture = whole.shape[-1] - text - tiny.others
                    kept = site["tokens"]
                    self.assertEqual(kept, [token for token in range(text) if token not in padding])
                    sums = {column["name"]: column["keys"] for column in site.get("summedColumns", [])}
                    keys = {"padding": text - len(kept) + tiny.others, "image": picture}
                    self.assertEqual(sums, {column: count for column, count in keys.items() if count})
                    image = whole[..., text:text + picture].sum(-1, keepdims=True)
                    parts = [whole[..., kept]]
                    if "padding" in sums:
                        parts.append(1 - whole[..., kept].sum(-1, keepdims=True) - image)
                    if "image" in sums:
                        parts.append(image)
                    assert_float16(run.maps_of_sites[path], np.concatenate(parts, -1), f"{name} {path}")

    def test_cells_are_averaged_to_a_coarser_grid(self) -> None:
        for name in ["sdxl", "sana", "flux", "wan"]:
            with self.subTest(name):
                tiny = EVERY[name]
                cells = max(tiny.grid) // 2
                run, passes = self.recorded(tiny, cells=cells, heads="all", tokens="all")
                expected = self.text_attention(tiny, run, passes)
                for path, site in run.sites.items():
                    maps = run.maps_of_sites[path]
                    rows, columns = maps.shape[-3:-1]
                    self.assertTrue(rows <= cells and columns <= cells, maps.shape)
                    if max(site["site"]["grid"].values()) > cells:
                        self.assertEqual(site["grid"], {"rows": rows, "columns": columns})
                    text = len(site["tokens"])
                    fine = expected[path][..., :text]
                    high, wide = fine.shape[-3] // rows, fine.shape[-2] // columns
                    self.assertEqual((rows * high, columns * wide), fine.shape[-3:-1])
                    coarse = fine.reshape(*fine.shape[:-3], rows, high, columns, wide, text).mean((-4, -2))
                    assert_float16(maps[..., :text], coarse, f"{name} {path}")


def conditional(tiny: TinyPipeline, passes: list[list[Any]]) -> list[list[tuple[str, np.ndarray]]]:
    """The attention of the conditional branch in each step, by layer, [head, query, key]."""
    batch = max(len(attention.weights) for layers in passes for attention in layers)
    if batch == 2:
        # Z-Image alone has the conditional half first.
        half = 0 if tiny.make is NAMED["z-image"].make else 1
        return [[(attention.layer, attention.weights[half]) for attention in layers if len(attention.weights) == 2]
                for layers in passes]
    steps = 2 if tiny.guidance == "cfg" else 1
    return [[(attention.layer, attention.weights[0]) for attention in layers] for layers in passes[::steps]]


class ReferenceTests(unittest.TestCase):
    """Three architectures by ways that share nothing with the recorder: diffusers' own plain processor, outputs of
    the layers' projections and norms, and a processor written out."""

    def recorded(self, name: str, pipeline: Any) -> dict[str, np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            with heed_record.Recorder(
                    pipeline, folder, PROMPT, seed=1, heads="all", tokens="all", cells="all"):
                pipeline(prompt=PROMPT, **NAMED[name].arguments(seed=1))
            run = Recorded(folder)
            return {path: run.maps(path)[..., :len(site["tokens"])] for path, site in run.sites.items()}

    def compare(self, recorded: dict[str, np.ndarray], expected: dict[str, list[np.ndarray]]) -> None:
        self.assertEqual(set(recorded), set(expected))
        for path, calls in expected.items():
            maps = recorded[path].astype(np.float64)
            # The plain form and the fused one differ by float32's rounding, which a step and sharp peaks magnify.
            np.testing.assert_allclose(
                maps, np.stack(calls).reshape(maps.shape), rtol=0.02, atol=1e-4, err_msg=path)

    def test_sdxl_by_the_plain_processor_of_diffusers(self) -> None:
        recorded = self.recorded("sdxl", NAMED["sdxl"].make())
        pipeline, expected = NAMED["sdxl"].make(), {}
        for name, module in pipeline.unet.named_modules():
            if isinstance(module, Attention):
                module.set_processor(AttnProcessor())
                if module.is_cross_attention:
                    scores = module.get_attention_scores

                    def written(*arguments: Any, name: str = name, scores: Any = scores, **more: Any) -> torch.Tensor:
                        weights = scores(*arguments, **more)
                        expected.setdefault(name, []).append(weights.reshape(2, -1, *weights.shape[1:])[1].numpy())
                        return weights

                    module.get_attention_scores = written
        pipeline(prompt=PROMPT, **NAMED["sdxl"].arguments(seed=1))
        self.compare(recorded, expected)

    def test_sd35_by_the_outputs_of_its_norms(self) -> None:
        recorded = self.recorded("sd35", NAMED["sd35"].make())
        pipeline, expected = NAMED["sd35"].make(), {}
        normed: dict[str, torch.Tensor] = {}
        cells = 8 * 12

        def attend(name: str) -> None:
            query = normed[f"{name}.norm_q"]
            key = torch.cat([normed[f"{name}.norm_k"], normed[f"{name}.norm_added_k"]], 2)
            expected.setdefault(name, []).append(probabilities(query, key)[1, :, :, cells:])

        for name, module in pipeline.transformer.named_modules():
            if name.rpartition(".")[2] in ["norm_q", "norm_k", "norm_added_k"] and ".attn." in name:
                module.register_forward_hook(
                    lambda _, __, output, name=name: normed.__setitem__(name, output.detach()))
            if name.endswith(".attn"):
                module.register_forward_hook(lambda *_, name=name: attend(name))
        pipeline(prompt=PROMPT, **NAMED["sd35"].arguments(seed=1))
        # The norm of added queries comes last: what the text asks is not recorded.
        self.compare(recorded, expected)

    def test_flux_by_a_processor_written_out(self) -> None:
        recorded = self.recorded("flux", NAMED["flux"].make())
        pipeline, expected = NAMED["flux"].make(), {}

        class Plain:
            def __init__(self, name: str) -> None:
                self.name = name

            def __call__(
                self, attn: Any, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor | None = None,
                attention_mask: Any = None, image_rotary_emb: Any = None,
            ) -> Any:
                def heads(states: torch.Tensor) -> torch.Tensor:
                    return states.unflatten(-1, (attn.heads, -1)).transpose(1, 2)

                query, key = attn.norm_q(heads(attn.to_q(hidden_states))), attn.norm_k(heads(attn.to_k(hidden_states)))
                value = heads(attn.to_v(hidden_states))
                text = 24
                if encoder_hidden_states is not None:
                    text = encoder_hidden_states.shape[1]
                    query = torch.cat([attn.norm_added_q(heads(attn.add_q_proj(encoder_hidden_states))), query], 2)
                    key = torch.cat([attn.norm_added_k(heads(attn.add_k_proj(encoder_hidden_states))), key], 2)
                    value = torch.cat([heads(attn.add_v_proj(encoder_hidden_states)), value], 2)
                query, key = (apply_rotary_emb(states, image_rotary_emb) for states in (query, key))
                weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
                expected.setdefault(self.name, []).append(weights[0, :, text:, :text].numpy())
                states = (weights @ value).transpose(1, 2).flatten(2)
                if encoder_hidden_states is None:
                    return states
                return attn.to_out[1](attn.to_out[0](states[:, text:])), attn.to_add_out(states[:, :text])

        for name, module in pipeline.transformer.named_modules():
            if name.endswith(".attn"):
                module.set_processor(Plain(name))
        pipeline(prompt=PROMPT, **NAMED["flux"].arguments(seed=1))
        self.compare(recorded, expected)


if __name__ == "__main__":
    unittest.main()
