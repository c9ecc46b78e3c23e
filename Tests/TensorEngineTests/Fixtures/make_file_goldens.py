"""Write the files that the tests of TensorEngine's formats and random sources compare with.

    python3 make_file_goldens.py          needs torch, numpy and safetensors

Made with torch 2.15.0, numpy 2.4.6 and safetensors 0.8.0 on x86-64 with AVX2.
"""

import pathlib

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

HERE = pathlib.Path(__file__).parent
SEEDS = [0, 1, 42, 2**31, 2**32 + 5, 2**63, 2**64 - 1]
SHAPES = [
    (1,), (15,), (16,), (17,), (31,), (32,), (33,), (100,), (4, 64, 64), (3, 5, 7),
]


def ramp(count, dtype):
    return (np.arange(count) * 0.75 - 2).astype(dtype)


def write_safetensors():
    # What the writer must reproduce byte for byte: order, escapes, padding, one metadata key.
    safetensors.numpy.save_file(
        {
            "b.half": ramp(5, np.float16),
            "z": ramp(6, np.float32).reshape(2, 3),
            "a\"\\\n\x01é😀": ramp(4, np.float32).reshape(1, 2, 2),
            "ids": np.array([[-1, 2**40, 7]], dtype=np.int64),
            "scalar": np.array(3.5, np.float32),
            "empty": np.zeros((0, 4), np.float32),
        },
        HERE / "written.safetensors",
        metadata={"format": "np \"é\"\t"},
    )
    # What the reader must read: the halves and integers of checkpoints.
    halves = np.array(
        [0.0, -0.0, 1, -2, 65504, 6.1e-5, 6e-8, np.inf, -np.inf, 0.1], dtype=np.float16
    )
    tensors = {
        "f16": torch.from_numpy(halves),
        "bf16": torch.tensor([1.0, -3.140625, 1e38, 1e-38, 0.1, float("inf")]).bfloat16(),
        "f64": torch.tensor([1.0, 2.0], dtype=torch.float64),
        "i64": torch.tensor([-(2**63), 2**63 - 1, 0]),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "u8": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "f8": torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn),
        "f32": torch.tensor([[1.5, -2.25], [1e-40, 3.0e38]]),
    }
    safetensors.torch.save_file(tensors, HERE / "types.safetensors")
    widened = {
        name: tensors[name].float().numpy() for name in ("f16", "bf16", "f32")
    }
    safetensors.numpy.save_file(widened, HERE / "types.float32.safetensors")


def write_rare_floats():
    # Every code of both 8-bit floats, and doubles between two float32, beyond them and below them.
    codes = torch.arange(256, dtype=torch.uint8)
    doubles = [1.0, -0.1, 1 + 2**-24, 1 + 2**-24 + 2**-40, 1e39, 1e-46, 3e-45, float("nan")]
    tensors = {
        "e4m3": codes.clone().view(torch.float8_e4m3fn).reshape(16, 16),
        "e5m2": codes.view(torch.float8_e5m2),
        "f64": torch.tensor(doubles, dtype=torch.float64),
    }
    safetensors.torch.save_file(tensors, HERE / "rare.safetensors")
    narrow = {name: tensor.float() for name, tensor in tensors.items()}
    safetensors.torch.save_file(narrow, HERE / "rare.float32.safetensors")


def write_npy():
    folder = HERE / "npy"
    folder.mkdir(exist_ok=True)
    for shape in [(), (1,), (7,), (0,), (2, 3), (1, 2, 3, 4), (1234567, 0), (1,) * 8, (1,) * 30]:
        name = "x".join(map(str, shape)) or "scalar"
        if len(shape) == 30:
            name = "30-axes"
        np.save(folder / f"f4-{name}.npy", ramp(int(np.prod(shape)), np.float32).reshape(shape))
    np.save(folder / "f2-2x3.npy", ramp(6, np.float16).reshape(2, 3))
    np.save(folder / "i4-3.npy", np.array([-(2**31), 0, 2**31 - 1], np.int32))
    np.save(folder / "i8-1x2.npy", np.array([[-(2**63), 2**63 - 1]], np.int64))
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.save(folder / "f4-2x3x4-fortran.npy", np.asfortranarray(cube))
    np.save(folder / "i4-2x3-fortran.npy", np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)))
    for version in [(2, 0), (3, 0)]:
        with open(folder / f"f4-2x3-v{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, ramp(6, np.float32).reshape(2, 3), version=version)


def write_random():
    def ends(values):
        flat = values.flatten()
        return torch.cat([flat[:32], flat[-32:]]) if len(flat) > 64 else flat

    tensors = {}
    for seed in SEEDS:
        for shape in SHAPES:
            generator = torch.Generator("cpu").manual_seed(seed)
            name = f"normal/{seed}/" + "x".join(map(str, shape))
            tensors[name] = ends(torch.randn(shape, generator=generator))
    generator = torch.Generator("cpu").manual_seed(42)
    tensors["latent/42"] = torch.randn((4, 64, 64), generator=generator)
    # One generator, drawn from again and again: the spare number of a pair outlives other draws.
    generator = torch.Generator("cpu").manual_seed(7)
    draws = [3, 5, 16, 1, 17, 2, 640, 7, 33, 15, 1]
    tensors["sequence/counts"] = torch.tensor(draws)
    tensors["sequence/values"] = torch.cat(
        [torch.randn(count, generator=generator) for count in draws]
    )
    generator = torch.Generator("cpu").manual_seed(3)
    tensors["uniform/3"] = ends(torch.rand(1000, generator=generator))
    safetensors.torch.save_file(tensors, HERE / "random.safetensors")


def write_numpy_random():
    tensors = {}
    for seed in [0, 42, 2**31, 2**32 - 1]:
        # One source, drawn from again and again: the spare number of a pair is kept between draws.
        state = np.random.RandomState(seed)
        draws = [3, 1, 16, 7, 4 * 64 * 64, 5]
        values = [state.randn(count).astype(np.float32) for count in draws]
        values[4] = np.concatenate([values[4][:32], values[4][-32:]])
        tensors[f"sequence/{seed}"] = np.concatenate(values)
    safetensors.numpy.save_file(tensors, HERE / "numpy-random.safetensors")


if __name__ == "__main__":
    write_safetensors()
    write_rare_floats()
    write_npy()
    write_random()
    write_numpy_random()
