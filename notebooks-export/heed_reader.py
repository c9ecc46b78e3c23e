"""Opens runs and exports of Heed as labelled arrays, and draws their maps over the pictures.

    import heed_reader

    maps = heed_reader.open("maps")         # a run's folder, an export, or its .zarr, .nc or .safetensors
    maps.map("cat", method="attend-and-excite", seed=1)      # xarray, [row, column]
    maps.map("cat", seed=1, each_step=True)                  # xarray, [position, row, column]
    maps.words(["cat", "frog"])                              # xarray, [run, word, row, column]
    maps.overlay("cat", seed=1)                              # the map over the picture
    maps.draw()                                              # every run and subject, on one scale

Runs that `heed_record` made of pipelines of diffusers are opened alike: of joint attention the columns of the
text are read; of videos a map has an axis of frames, `maps.map("cat", frame=0)`.

A map is a mean of attention probabilities over heads, layers and steps; its largest value is the word's
peak attention. One file, to be copied: it needs NumPy, xarray and zarr, and Pillow and Matplotlib once
something is drawn.
"""

from __future__ import annotations

import base64
import csv
import fnmatch
import glob
import html
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["COLORS", "Maps", "Run", "open"]

COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
"""A colour means a word: the first is the first subject's, as in Heed's own figures."""

Steps = tuple[int, int]
Pieces = Literal["first", "last", "mean", "max"]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# Calls are numbered in a store of a run, and so are branches and phases; the words are these.
_BRANCHES = ["unconditional", "conditional"]
_PHASES = ["loss", "refinement", "denoise"]
_TITLES = {"stable-diffusion": "Stable Diffusion", "attend-and-excite": "Attend-and-Excite"}


@dataclass(frozen=True)
class Run:
    """One picture that was drawn: by which method, from which noise."""

    run: int
    method_name: str
    seed: int
    picture: str | None = None
    """The picture's file, of a video the middle frame's; None where it is not at hand."""
    title: str = field(default="")
    frames: tuple[str, ...] = ()
    """The files of a video's frames, where they are at hand."""

    def __str__(self) -> str:
        return f"{self.title or self.method_name}, seed {self.seed}"


class Maps:
    """The attention maps of one prompt: of one run, or of several that were exported together."""

    path: str
    dataset: xr.Dataset
    """Every array. Axes are run, position (of calls), head, row, column and token, and frame where the run made a
    video; `method_name`, `seed`, `call`, `step`, `branch`, `phase`, `word` and `piece` stand along them;
    where both branches are there, `word_conditional`, `word_unconditional` and the pieces alike, since the
    unconditional branch reads the negative prompt. Head −1 is a mean of heads. Tokens below 0 are columns that
    were summed: `<padding>`, the text's other keys, and `<image>`, the picture's own."""
    prompt: str
    model: str
    recipe: str | None
    """How the maps were aggregated; None for maps as they were recorded, layer by layer."""
    runs: list[Run]
    subjects: list[str]
    """The words that the methods' loss reads."""

    def __init__(
        self, path: str, dataset: xr.Dataset, runs: list[Run], *, prompt: str, model: str,
        recipe: str | None, subjects: list[str], texts: dict[str, _Text] | None = None,
    ) -> None:
        self.path, self.runs, self._texts = path, runs, texts or {}
        self.prompt, self.model, self.recipe, self.subjects = prompt, model, recipe, subjects
        self.dataset = _complete(dataset, runs)

    # What there is

    @property
    def methods(self) -> list[str]:
        """The methods, in the order of the runs."""
        return list(dict.fromkeys(run.method_name for run in self.runs))

    @property
    def seeds(self) -> list[int]:
        """The seeds, ascending."""
        return sorted({run.seed for run in self.runs})

    @property
    def layers(self) -> list[str]:
        """Names of the arrays of cross-attention, in the model's order; `maps` where a recipe made one."""
        return [str(name) for name, array in self.dataset.data_vars.items()
                if any(str(axis).startswith("token") for axis in array.dims)]

    @cached_property
    def vocabulary(self) -> dict[str, list[int]]:
        """The tokens of each word of the prompt, or of the text of the one branch that is there, in every text
        encoder's segment; words that occur twice are `a#1` and `a#2`."""
        return self.words_of("conditional" if "conditional" in self.branches else self.branches[0])

    @cached_property
    def branches(self) -> list[str]:
        """The branches of guidance that maps are of, the conditional one first; it reads the prompt, the
        unconditional one the negative prompt."""
        axis = self._axis(self.layers[0], "token")
        if axis.replace("token", "word") not in self.dataset:
            return ["conditional", "unconditional"]
        there = {str(branch) for branch in np.unique(self.dataset["branch"].values)} \
            if "branch" in self.dataset else set((self.recipe or "conditional").split())
        return [branch for branch in ["conditional", "unconditional"] if branch in there]

    def words_of(self, branch: str) -> dict[str, list[int]]:
        """The tokens of each word of the text that a branch of guidance reads."""
        if branch in self._texts:
            return self._texts[branch].vocabulary(self._tokens(branch))
        found: list[tuple[str, list[int]]] = []
        spelled = ""
        for token, word, piece in self._tokens(branch):
            begins = not found or word != found[-1][0] or spelled == word.casefold()
            # A word of textual inversion is a piece itself, and its further vectors are numbered.
            if piece.casefold() == word.casefold():
                begins = True
            elif found and word == found[-1][0] and piece.casefold().startswith(f"{word}_".casefold()):
                begins = False
            if begins:
                found.append((word, []))
                spelled = ""
            found[-1][1].append(token)
            spelled += piece.removesuffix("</w>")
        return _numbered(found)

    def _tokens(self, branch: str) -> list[tuple[int, str, str]]:
        axis = self._axis(self.layers[0], "token")
        if branch not in self.branches:
            raise ValueError(f"{self.path}: has no maps of the {branch} branch")
        end = f"_{branch}" if axis.replace("token", "word") not in self.dataset else ""
        words = self.dataset[axis.replace("token", f"word{end}")].values
        pieces = self.dataset[axis.replace("token", f"piece{end}")].values
        return [(int(token), str(word), str(piece))
                for token, word, piece in zip(self.dataset[axis].values, words, pieces)]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the export: runs, calls, scores or tokens."""
        import pandas

        path = os.path.join(self.path, "tables", name + ".csv")
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"{path}: only the folder of an export has tables (heed export RUN -o FOLDER)")
        return pandas.read_csv(path, keep_default_na=False, na_values=[""])

    # Maps

    def array(self, layer: str) -> xr.DataArray:
        """A layer's array, [run, position, head, row, column, token], with frames behind the head, by its name or
        a glob of it."""
        found = fnmatch.filter(self.layers, layer)
        if len(found) != 1:
            raise ValueError(
                f"{layer!r} is {len(found)} layers, expected one; there are {_list(self.layers)}")
        return self._plain(found[0])

    def words(
        self, words: Sequence[str] | None = None, *, layers: str | None = None,
        steps: Steps | None = None, branch: str = "conditional", phase: str = "denoise",
        pieces: Pieces = "mean", each_step: bool = False, method: str | None = None,
        seed: int | None = None, frame: int | None = None,
    ) -> xr.DataArray:
        """Maps of words in every run, [run, word, row, column]; with `each_step`, of every call of the
        denoiser, [run, position, word, row, column]. Of a video, the latent's `frame`, or all of them,
        [run, word, frame, row, column].

        `words` are those of the prompt, or of the negative prompt for the unconditional branch; the
        subjects by default, of the negative prompt all words. `layers` is a grid, as in "16x16", or a
        glob of names; by default the layers whose grid is nearest to 16×16. `steps` is the first and the
        last. Heads and layers count alike. A word of several tokens has the mean of their maps, or what
        `pieces` says; where several text encoders read it, the mean of what each of them has.
        """
        if branch == "conditional" and self.branches == ["unconditional"]:
            branch = "unconditional"
        usual = self.subjects or self._spoken if branch == "conditional" else [
            word for word in self.words_of(branch) if not word.startswith("<")]
        wanted = [words] if isinstance(words, str) else list(words or usual)
        columns = [self._columns(word, branch) for word in wanted]
        runs = self._runs(method, seed)
        names = self._layers(layers)
        total: xr.DataArray | None = None
        for name in names:
            part = self._plain(name).isel(run=runs)
            if frame is not None:
                part = part.isel(frame=self._frame(part, frame))
            if "position" in part.dims:
                part = part.isel(position=self._positions(part, steps, branch, phase))
            elif steps is not None or each_step:
                raise ValueError(f"{self.path}: was averaged over steps: export it with --each-step")
            part = xr.concat(
                [_joined(part, segments, pieces) for segments in columns],
                xr.Variable("word", np.array(wanted, dtype=str)), coords="minimal", compat="override",
                join="override",
            )
            if "head" in part.dims:
                part = part.mean("head")
            if "position" in part.dims and not each_step:
                part = part.mean("position", keep_attrs=True)
            total = part if total is None else total + part
        assert total is not None
        axes = [axis for axis in ["run", "position", "word", "frame", "row", "column"] if axis in total.dims]
        result = (total / len(names)).transpose(*axes)
        return result.rename("attention").assign_attrs(
            long_name="mean attention probability", units="1")

    def map(
        self, word: str, *, method: str | None = None, seed: int | None = None,
        layers: str | None = None, steps: Steps | None = None, branch: str = "conditional",
        phase: str = "denoise", pieces: Pieces = "mean", each_step: bool = False, frame: int | None = None,
    ) -> xr.DataArray:
        """The map of one word in one run, [row, column]; with `each_step`, [position, row, column]; of a video
        without `frame`, [frame, row, column]."""
        run = self.run(method=method, seed=seed)
        found = self.words(
            [word], layers=layers, steps=steps, branch=branch, phase=phase, pieces=pieces,
            each_step=each_step, method=run.method_name, seed=run.seed, frame=frame)
        return found.isel(run=0, word=0)

    def run(self, *, method: str | None = None, seed: int | None = None) -> Run:
        """The one run of a method and a seed."""
        found = self._runs(method, seed)
        if len(found) > 1:
            raise ValueError(
                f"{len(found)} runs ({_list((str(self.runs[index]) for index in found), '; ')}): "
                "give method=… and seed=…")
        return self.runs[found[0]]

    def peaks(self, words: Sequence[str] | None = None, **how: Any) -> xr.DataArray:
        """The peak attention of words in every run: the largest value of each map of `words`."""
        maps = self.words(words, **how)
        return maps.max([axis for axis in ["frame", "row", "column"] if axis in maps.dims]).assign_attrs(
            long_name="peak attention", units="1")

    # Pictures

    def picture(
        self, *, method: str | None = None, seed: int | None = None, frame: int | None = None,
    ) -> Bytes:
        """The picture of a run, [y, x, colour], 0…255; of a video the one at a frame of the latent, or the
        middle one."""
        from PIL import Image

        run = self.run(method=method, seed=seed)
        if frame is not None and run.frames:
            last = max(1, self._latent_frames - 1)
            with Image.open(run.frames[round(frame * (len(run.frames) - 1) / last)]) as file:
                return np.asarray(file.convert("RGB"))
        if run.picture is None:
            raise FileNotFoundError(
                f"{self.path}: has no picture of {run}: give picture=…, or open the run or an export's "
                "folder")
        with Image.open(run.picture) as file:
            return np.asarray(file.convert("RGB"))

    def overlay(
        self, word: str, *, method: str | None = None, seed: int | None = None,
        top: float | None = None, picture: str | Bytes | None = None, size: int = 512,
        frame: int | None = None, **how: Any,
    ) -> Image:
        """The map of a word over its picture: the picture in grey, the map in magma, bicubic, as opaque as
        its value. `top` is where the scale ends, the map's peak by default: give maps that are compared one
        top. Of a video, `frame` is one of the latent's frames, the middle one by default."""
        run, frame = self.run(method=method, seed=seed), self._shown_frame(frame)
        values = self.map(word, method=run.method_name, seed=run.seed, frame=frame, **how).values
        if picture is None:
            drawn = self.picture(method=run.method_name, seed=run.seed, frame=frame)
        elif isinstance(picture, str):
            from PIL import Image

            with Image.open(picture) as file:
                drawn = np.asarray(file.convert("RGB"))
        else:
            drawn = picture
        return _overlay(values, drawn, float(np.nanmax(values)) if top is None else top, size)

    def draw(
        self, words: Sequence[str] | str | None = None, *, method: str | None = None,
        seed: int | None = None, top: float | None = None, size: float = 1.5,
        frame: int | None = None, **how: Any,
    ) -> Figure:
        """A row for each run: its picture, then each word's map over it, all on one scale from 0. Of a video,
        `frame` is one of the latent's frames, the middle one by default."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.figure import Figure

        class Drawing(Figure):
            """A figure that Jupyter shows, whether or not pyplot was used before."""

            def _repr_png_(self) -> bytes:
                buffer = io.BytesIO()
                self.savefig(buffer, format="png", dpi=100)
                return buffer.getvalue()

        wanted = [words] if isinstance(words, str) else words
        frame = self._shown_frame(frame)
        maps = self.words(wanted, method=method, seed=seed, frame=frame, **how)
        if "position" in maps.dims:
            raise ValueError("draw shows means over steps: leave each_step out")
        runs = [self.runs[index] for index in self._runs(method, seed)]
        names = [str(name) for name in maps.word.values]
        scale = float(maps.max()) if top is None else top
        figure = Drawing(figsize=(size * (len(names) + 1) + 1.2, size * 1.16 * len(runs)),
                         layout="constrained")
        panels = figure.subplots(len(runs), len(names) + 1, squeeze=False)
        for row, run in enumerate(runs):
            picture = (self.picture(method=run.method_name, seed=run.seed, frame=frame) if run.picture
                       else np.full((256, 256, 3), 128, np.uint8))
            panels[row, 0].imshow(picture)
            panels[row, 0].set_ylabel(f"{run.title or run.method_name}\nseed {run.seed}", size=8)
            for column, name in enumerate(names):
                values = maps.isel(run=row, word=column).values
                panel = panels[row, column + 1]
                panel.imshow(np.asarray(_overlay(values, picture, scale, 256)))
                panel.set_xlabel(f"peak {np.nanmax(values):.3f}", size=8)
                if row == 0:
                    panel.set_title(name, size=9)
            for panel in panels[row]:
                panel.set(xticks=[], yticks=[])
        bar = ScalarMappable(Normalize(0, scale), "magma")
        key = figure.colorbar(bar, ax=panels, shrink=0.8)
        key.set_label("mean attention\nprobability", size=8)
        key.ax.tick_params(labelsize=8)
        return figure

    # In words

    def __repr__(self) -> str:
        lines = [f"Maps of {self.prompt!r}, {self.model}: {self.path}"]
        lines += [f"  run {run.run}: {run}" for run in self.runs]
        lines += [f"  {name}: {_shape(self.dataset[name])}" for name in self.layers]
        lines += [f"  words: {', '.join(self._spoken)}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(str(run))}</td>{self._thumbnails(run)}</tr>" for run in self.runs[:4])
        more = f"<p>and {len(self.runs) - 4} more runs</p>" if len(self.runs) > 4 else ""
        names = "".join(
            f"<li><code>{html.escape(name)}</code> {html.escape(_shape(self.dataset[name]))}</li>"
            for name in self.layers)
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in ["", "", *self._shown])
        recipe = f"<br>recipe: <code>{html.escape(self.recipe)}</code>" if self.recipe else ""
        return (
            f"<div><b>“{html.escape(self.prompt)}”</b>, {html.escape(self.model)}"
            f"<br>words: {html.escape(', '.join(self._spoken))}{recipe}"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}"
            f"<ul>{names}</ul></div>")

    def _thumbnails(self, run: Run) -> str:
        """The run's picture and its subjects' maps over it, as cells of a table; without what draws them, or
        what they are drawn of, the peaks alone."""
        try:
            maps = self.words(
                self._shown, method=run.method_name, seed=run.seed, frame=self._shown_frame(None)).isel(run=0)
        except ValueError:
            return ""
        peaks = [f"peak {float(peak):.3f}" for peak in maps.max(["row", "column"]).values]
        try:
            picture = self.picture(
                method=run.method_name, seed=run.seed, frame=self._shown_frame(None))
            images = [_small(picture)]
            images += [_small(np.asarray(_overlay(map_, picture, self._top, 112))) for map_ in maps.values]
        except (ImportError, FileNotFoundError):
            return "<td></td>" + "".join(f"<td>{peak}</td>" for peak in peaks)
        return "".join(
            f'<td><img alt="{html.escape(str(run))}, {html.escape(name)}" src="{image}"><br>{peak}</td>'
            for image, name, peak in zip(images, ["picture", *self._shown], ["", *peaks]))

    @property
    def _spoken(self) -> list[str]:
        """The words of the prompt."""
        return [word for word in self.vocabulary if not word.startswith("<")]

    @property
    def _shown(self) -> list[str]:
        """The words that stand for the others: subjects, or the first that there are."""
        there = [word for word in self.subjects if word in self.vocabulary]
        return (there or self._spoken)[:4]

    @cached_property
    def _top(self) -> float:
        return float(self.words(self._shown, frame=self._shown_frame(None)).max())

    @property
    def _latent_frames(self) -> int:
        """How many frames a video's latent has; 0 where the result is a picture."""
        return int(self._plain(self.layers[0]).sizes.get("frame", 0))

    def _shown_frame(self, frame: int | None) -> int | None:
        """The frame that is drawn: the one asked for, or the middle one of a video."""
        return self._latent_frames // 2 if frame is None and self._latent_frames else frame

    def _frame(self, array: xr.DataArray, frame: int) -> int:
        if "frame" not in array.dims:
            raise ValueError(f"{self.path}: is no video: leave frame out")
        if not 0 <= frame < array.sizes["frame"]:
            raise ValueError(f"no frame {frame} of the latent; there are 0 to {array.sizes['frame'] - 1}")
        return frame

    # Choices

    def _axis(self, layer: str, kind: str) -> str:
        return next(str(axis) for axis in self.dataset[layer].dims if str(axis).split("_")[0] == kind)

    def _plain(self, layer: str) -> xr.DataArray:
        """A layer's array, its axes without the lengths that tell those of several layers apart."""
        array = self.dataset[layer]
        lengths = {name: re.sub(r"_\d+$", "", str(name)) for name in [*array.dims, *array.coords]
                   if re.fullmatch(
                       r"(head|frame|row|column|token|(word|piece)(_conditional|_unconditional)?)_\d+",
                       str(name))}
        return array.rename(lengths)

    def _layers(self, layers: str | None) -> list[str]:
        def grid(name: str) -> str:
            array = self._plain(name)
            return f"{array.sizes['row']}x{array.sizes['column']}"

        def distance(name: str) -> float:
            array = self._plain(name)
            return abs(float(np.log(array.sizes["row"] * array.sizes["column"] / 256)))

        if layers is None:
            nearest = min(map(distance, self.layers))
            return [name for name in self.layers if distance(name) == nearest]
        found = [name for name in self.layers if grid(name) == layers or fnmatch.fnmatch(name, layers)]
        if not found:
            raise ValueError(
                f"no layer is {layers!r}; there are "
                + _list(f"{name} ({grid(name)})" for name in self.layers))
        grids = sorted({grid(name) for name in found})
        if len(grids) > 1:
            raise ValueError(f"layers {layers!r} have several grids, {_list(grids)}: choose one")
        return found

    def _runs(self, method: str | None, seed: int | None) -> list[int]:
        found = [run.run for run in self.runs
                 if method in (None, run.method_name, run.title) and seed in (None, run.seed)]
        if not found:
            raise ValueError(
                f"no run of {method or 'any method'} on {'any seed' if seed is None else f'seed {seed}'}; "
                f"there are {_list(map(str, self.runs), '; ')}")
        return found

    def _columns(self, word: str, branch: str) -> list[list[int]]:
        """The tokens of a word, in each text encoder's segment that has it."""
        words = self.words_of(branch)
        tokens = words.get(word) or words.get(word + "#1")
        if tokens is None:
            raise ValueError(f"no word {word!r} in the {branch} branch; there are {_list(words)}")
        return _Text.split(tokens)

    def _positions(
        self, array: xr.DataArray, steps: Steps | None, branch: str, phase: str
    ) -> npt.NDArray[np.intp]:
        taken = (array.branch == branch).values & (array.phase == phase).values
        if steps is not None:
            taken &= (array.step >= steps[0]).values & (array.step <= steps[1]).values
        if not taken.any():
            there = sorted({f"{b} {p}" for b, p in zip(array.branch.values, array.phase.values)})
            raise ValueError(
                f"no call of {branch} {phase}{f' in steps {steps[0]} to {steps[1]}' if steps else ''}; "
                f"there are {_list(there)}, steps {int(array.step.min())} to {int(array.step.max())}")
        return np.flatnonzero(taken)


def open(path: str | os.PathLike[str]) -> Maps:
    """Opens a run's folder, an export's folder, or its arrays alone: .zarr, .nc or .safetensors."""
    place = os.fspath(path).rstrip("/") or "/"
    if not os.path.exists(place):
        raise FileNotFoundError(f"{place}: there is no such file or folder")
    if os.path.exists(os.path.join(place, "manifest.json")):
        return _open_export(place)
    if os.path.exists(os.path.join(place, "run.json")):
        return _open_run(place)
    if place.endswith(".nc"):
        return _open_arrays(place, xr.open_dataset(place))
    if place.endswith(".safetensors"):
        return _open_arrays(place, _safetensors(place))
    if any(os.path.exists(os.path.join(place, name)) for name in ["zarr.json", ".zgroup"]):
        return _open_arrays(place, _store(place))
    raise ValueError(
        f"{place}: is no run (run.json), no export (manifest.json), and no .zarr, .nc or .safetensors; "
        "runs of one prompt are put together by heed export RUN… -o FOLDER")


# Files


def _open_export(path: str) -> Maps:
    manifest = _json(os.path.join(path, "manifest.json"))
    if manifest.get("format") != "heed-export":
        raise ValueError(f"{path}: manifest.json is not that of an export of Heed")
    if manifest["format_version"] != 2:
        raise ValueError(
            f"{path}: is an export of format {manifest['format_version']}, expected 2: export it again")
    runs = [
        Run(run["run"], run["method"], run["seed"],
            os.path.join(path, run["picture"]) if run.get("picture") else None,
            _TITLES.get(run["method"], ""))
        for run in manifest["runs"]
    ]
    tokens = os.path.join(path, "tables", "tokens.csv")
    branches = ["conditional", "unconditional"] if os.path.exists(tokens) else []
    return Maps(
        path, _exported(path, manifest), runs, prompt=manifest["prompt"],
        model=manifest["runs"][0]["model"]["name"], recipe=manifest.get("recipe"),
        subjects=[subject["name"] for subject in manifest["subjects"]],
        texts={branch: _Text.of_table(tokens, branch) for branch in branches})


def _exported(path: str, manifest: dict[str, Any]) -> xr.Dataset:
    """The arrays of an export, of the first format that there is."""
    arrays = manifest["arrays"]
    places: dict[str, str] = {
        form: os.path.join(path, place) for form, place in arrays[0]["files"].items()}
    for form in ["zarr", "zarr2"]:
        if form in places:
            return _store(os.path.dirname(places[form]))
    if "netcdf" in places:
        return xr.open_dataset(places["netcdf"])
    if "safetensors" in places:
        return _safetensors(places["safetensors"])
    read: Callable[[dict[str, Any]], npt.NDArray[Any]]
    if "npy" in places:
        def read(array: dict[str, Any]) -> npt.NDArray[Any]:
            file: npt.NDArray[Any] = np.load(os.path.join(path, array["files"]["npy"]), mmap_mode="r")
            return file
    elif "npz" in places:
        archive = np.load(places["npz"])

        def read(array: dict[str, Any]) -> npt.NDArray[Any]:
            member: npt.NDArray[Any] = archive[array["name"]]
            return member
    else:
        raise ValueError(f"{path}: holds {_list(places)} only; export it with --format zarr")
    return _dataset({
        array["name"]: ([axis["name"] for axis in array["axes"]], read(array)) for array in arrays})


def _store(path: str) -> xr.Dataset:
    # Without chunks, so that nothing but xarray and zarr is needed.
    store: xr.Dataset = xr.open_zarr(path, chunks=None)
    return store


def _recorded(path: str) -> xr.Dataset:
    """The store of a run. A packed one (`heed pack`) has no array of what counts from 0, but its description."""
    store = _store(path)
    group = _json(os.path.join(path, "zarr.json"))
    described = group.get("consolidated_metadata", {}).get("unpacked", {})
    for axis, size in store.sizes.items():
        if axis not in store.coords and f"{axis}/zarr.json" in described:
            attributes = json.loads(described[f"{axis}/zarr.json"]).get("attributes", {})
            store = store.assign_coords({axis: (axis, np.arange(size, dtype=np.int32), attributes)})
    return store


def _dataset(variables: dict[str, tuple[list[str], npt.NDArray[Any]]]) -> xr.Dataset:
    maps = {name for name, (axes, _) in variables.items()
            if {axis.split("_")[0] for axis in axes} & {"row", "column"}}
    return xr.Dataset(
        {name: variables[name] for name in variables if name in maps},
        {name: variables[name] for name in variables if name not in maps})


def _safetensors(path: str) -> xr.Dataset:
    """The arrays of a safetensors file, by its own header; its texts are JSON in the metadata."""
    types = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U64": "<u8"}
    with io.open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    metadata: dict[str, str] = header.pop("__metadata__", {})
    data = np.memmap(path, np.uint8, "r", 8 + length)
    variables: dict[str, tuple[list[str], npt.NDArray[Any]]] = {}
    for key, axes in metadata.items():
        if not key.startswith("dimensions."):
            continue
        name = key.removeprefix("dimensions.")
        if name in header:
            entry = header[name]
            first, last = entry["data_offsets"]
            values: npt.NDArray[Any] = data[first:last].view(types[entry["dtype"]])
            variables[name] = (axes.split(), values.reshape(entry["shape"]))
        else:
            variables[name] = (axes.split(), np.array(json.loads(metadata[name]), dtype=str))
    dataset = _dataset(variables)
    dataset.attrs = {key: value for key, value in metadata.items() if key not in variables}
    return dataset


def _open_run(path: str) -> Maps:
    manifest = _json(os.path.join(path, "run.json"))
    if manifest.get("format") != 2:
        raise ValueError(f"{path}: is a run of format {manifest.get('format')}, expected 2")
    store = os.path.join(path, "attention.zarr")
    if not os.path.exists(store):
        raise FileNotFoundError(f"{store}: this run recorded no attention")
    texts = {"conditional": manifest["texts"][0]}
    texts |= {"unconditional": text for text in manifest["texts"] if text["role"] == "negative"}
    dataset = _recorded(store).rename_dims(call="position").reset_index("call", drop=False)
    dataset = dataset.isel(position=_acknowledged(os.path.join(path, "calls.jsonl")))
    dataset = dataset.assign_coords(
        position=np.arange(dataset.sizes["position"]),
        branch=("position", np.array(_BRANCHES)[dataset.branch.values]),
        phase=("position", np.array(_PHASES)[dataset.phase.values]),
        step=dataset["step"], timestep=dataset["timestep"], attempt=dataset["attempt"],
        loss=dataset["loss"])
    recorded = (manifest["request"].get("recording") or {}).get("branches", ["conditional"])
    summed = {
        str(dataset[site["site"]["path"]].dims[-1]): [f"<{sum_['name']}>" for sum_ in site.get("summedColumns", [])]
        for site in dataset.attrs.get("sites", []) if site["site"]["path"] in dataset}
    for axis in [str(name) for name in dataset.dims if str(name).split("_")[0] == "token"]:
        tokens = dataset[axis].values if axis in dataset.coords else np.arange(dataset.sizes[axis])
        dataset = dataset.assign_coords({axis: tokens})
        columns = summed.get(axis, [])
        for branch in recorded:
            text, end = texts[branch], f"_{branch}" if len(recorded) > 1 else ""
            # Where the branches' texts differ in length, the shorter one has no such key.
            there = [text["tokens"][token] if token < len(text["tokens"]) else None
                     for token in tokens if token >= 0]
            labels = [_word(text, token) if token else "" for token in there] + columns
            pieces = [str(token["piece"]) if token else "" for token in there] + columns
            dataset = dataset.assign_coords({
                axis.replace("token", f"word{end}"): (axis, np.array(labels)),
                axis.replace("token", f"piece{end}"): (axis, np.array(pieces)),
            })
    picture = os.path.join(path, "image.png")
    method = manifest["method"]
    run = Run(0, method["name"], manifest["request"]["seed"],
              picture if os.path.exists(picture) else None, method.get("title", ""),
              tuple(sorted(glob.glob(os.path.join(glob.escape(path), "frames", "*.png")))))
    return Maps(
        path, dataset, [run], prompt=texts["conditional"]["prompt"], model=manifest["model"]["name"], recipe=None,
        subjects=[subject["name"] for subject in manifest.get("subjects", [])],
        texts={branch: _Text.of_run(texts[branch]) for branch in recorded})


class _Text:
    """A text that several encoders read, one segment of keys after the other: a word has tokens in each."""

    def __init__(self, words: list[tuple[str, list[int]]]) -> None:
        self.words = words

    @classmethod
    def of_run(cls, text: dict[str, Any]) -> _Text:
        marked = {mark: [token["index"] for token in text["tokens"] if token.get("special") == mark]
                  for mark in ["start", "end", "template", "padding"]}
        return cls([(str(word["text"]), word["tokens"]) for word in text["words"]]
                   + [(f"<{mark}>", tokens) for mark, tokens in marked.items()])

    @classmethod
    def of_table(cls, path: str, branch: str) -> _Text:
        """The words of an export's table of tokens; each row has its word and the word's occurrence."""
        words: dict[tuple[str, str], list[int]] = {}
        with io.open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("branch") in (None, "", branch):
                    words.setdefault((row["word"], row["occurrence"]), []).append(int(row["token"]))
        return cls([(word, tokens) for (word, _), tokens in words.items()])

    @staticmethod
    def split(tokens: list[int]) -> list[list[int]]:
        """A word's tokens by the segment that they stand in: within one they follow each other."""
        groups: list[list[int]] = []
        for token in tokens:
            if not groups or token != groups[-1][-1] + 1:
                groups.append([])
            groups[-1].append(token)
        return groups

    def vocabulary(self, columns: list[tuple[int, str, str]]) -> dict[str, list[int]]:
        """The tokens of each word, of each kind of special tokens, and of each summed column, of those that the
        arrays have."""
        there = {token for token, _, _ in columns}
        found = [(word, [token for token in tokens if token in there]) for word, tokens in self.words]
        found = sorted((entry for entry in found if entry[1]), key=lambda entry: entry[1][0])
        return _numbered(found + [(word, [token]) for token, word, _ in columns if token < 0])


def _numbered(words: list[tuple[str, list[int]]]) -> dict[str, list[int]]:
    """By word; one that is there more than once is numbered, as `a#1`."""
    names = [word for word, _ in words]
    return {
        word if names.count(word) == 1 else f"{word}#{names[:index + 1].count(word)}": tokens
        for index, (word, tokens) in enumerate(words)
    }


def _acknowledged(path: str) -> list[int]:
    """The calls that the run's journal has; the line of one that is being written is not all there."""
    with io.open(path, encoding="utf-8") as file:
        return [int(json.loads(line)["call"]) for line in file if line.endswith("\n")]


def _word(prompt: dict[str, Any], token: dict[str, Any]) -> str:
    if token.get("special"):
        return f"<{token['special']}>"
    words = prompt.get("words", [])
    if "word" in token and token["word"] < len(words):
        return str(words[token["word"]]["text"])
    first, last = token["range"]
    text: str = prompt["prompt"]
    return text.encode()[first:last].decode(errors="replace")


def _open_arrays(path: str, dataset: xr.Dataset) -> Maps:
    attributes = dataset.attrs
    if "heed_version" not in attributes:
        raise ValueError(f"{path}: was not written by heed export")

    def listed(name: str, between: str) -> list[str]:
        value = attributes.get(name, "")
        if isinstance(value, str):
            return [part for part in value.split(between) if part]
        return [str(part) for part in np.atleast_1d(value)]

    methods, seeds = listed("methods", " "), listed("seeds", " ")
    runs = [Run(index, method, int(seed), None, _TITLES.get(method, ""))
            for index, (method, seed) in enumerate(zip(methods, seeds))]
    return Maps(
        path, dataset, runs, prompt=attributes["prompt"], model=attributes["model"],
        recipe=attributes.get("recipe"), subjects=listed("subjects", ", "))


def _complete(dataset: xr.Dataset, runs: list[Run]) -> xr.Dataset:
    """The dataset with an axis of runs, if there is only one too, and texts as NumPy's own."""
    for name in [name for name, array in dataset.coords.items() if array.dtype.kind in "OT"]:
        texts = np.array([str(text) for text in dataset[name].values])
        dataset = dataset.assign_coords({name: (dataset[name].dims, texts)})
    if "run" not in dataset.dims:
        maps = {name: array.expand_dims("run") for name, array in dataset.data_vars.items()}
        own = {name: dataset[name].expand_dims("run") for name in ["call", "loss"]
               if name in dataset.coords}
        dataset = dataset.assign(maps).assign_coords(own).assign_coords(run=[0])
    return dataset.assign_coords(
        seed=("run", np.array([run.seed for run in runs], np.uint64)),
        method_name=("run", np.array([run.method_name for run in runs])))


# Small things


def _json(path: str) -> dict[str, Any]:
    with io.open(path, encoding="utf-8") as file:
        document: dict[str, Any] = json.load(file)
        return document


def _list(texts: Iterable[str], between: str = ", ") -> str:
    listed = list(texts)
    return between.join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "")


def _shape(array: xr.DataArray) -> str:
    return "[" + ", ".join(f"{name} {size}" for name, size in array.sizes.items()) + "]"


def _joined(maps: xr.DataArray, segments: list[list[int]], pieces: Pieces) -> xr.DataArray:
    """One map of the maps of a word's tokens: the mean of what each segment has."""
    joined = sum(_chosen(maps.sel(token=tokens).astype("float64"), pieces) for tokens in segments) / len(segments)
    assert isinstance(joined, xr.DataArray)
    return joined


def _chosen(maps: xr.DataArray, pieces: Pieces) -> xr.DataArray:
    if pieces == "first" or pieces == "last":
        joined = maps.isel(token=0 if pieces == "first" else -1)
    else:
        joined = maps.mean("token") if pieces == "mean" else maps.max("token")
    return joined.drop_vars(
        [name for name in joined.coords if re.match(r"(token|word|piece)(_|$)", str(name))])


def _grey(picture: Bytes) -> Floats:
    """A picture in grey, stretched over the middle of the range (Rec. 709 luma), as Heed draws it."""
    luma = picture.astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722])
    span = float(luma.max() - luma.min())
    stretched = np.round(60 + 140 * (luma - luma.min()) / span) if span else np.full(luma.shape, 130.0)
    return np.repeat(stretched[..., None], 3, axis=2)


def _overlay(values: npt.NDArray[Any], picture: Bytes, top: float, size: int) -> Image:
    """A map over a picture whose longer side becomes `size` pixels."""
    from matplotlib import colormaps
    from PIL import Image

    high, wide = picture.shape[:2]
    extent = (max(1, round(size * wide / max(high, wide))), max(1, round(size * high / max(high, wide))))
    ground = np.asarray(
        Image.fromarray(_grey(picture).astype(np.uint8)).resize(extent, Image.Resampling.BICUBIC), float)
    fine = np.asarray(
        Image.fromarray(values.astype(np.float32)).resize(extent, Image.Resampling.BICUBIC), float)
    share = np.clip(np.nan_to_num(fine) / (top or 1), 0, 1)[..., None]
    colour = np.asarray(colormaps["magma"](share[..., 0]), float)[..., :3] * 255
    return Image.fromarray(np.round(ground * (1 - share) + colour * share).astype(np.uint8))


def _small(picture: Bytes) -> str:
    """A picture as a small JPEG in a URI."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((112, 112))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
