"""Exchanges random files with Heed: writes them with NumPy and safetensors, or reads what Heed wrote.

    exchange.py write|check FOLDER COUNT

Of each format COUNT files, FOLDER/npy/0.npy and so on. Both sides make up the same arrays, by the same
random numbers: `ExchangeTests.swift` says how.
"""

import pathlib
import sys

import numpy as np
import safetensors

FORMATS = ["npy", "npz", "safetensors"]
MASK = (1 << 64) - 1
NUMPY = ["<f4", "<f2", "<f8", "<i4", "<i8"]
TENSORS = ["F32", "F16", "F64", "BF16", "I32", "I64", "U8"]
NAMES = ["a", "down_blocks.0/attn2.", "mid block ", "w_"]
# NumPy's types of tensors; bfloat16 is none of them.
IN_NUMPY = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "BF16": "<f4", "I32": "<i4", "I64": "<i8", "U8": "u1"}
# The library's names of the types.
LONG = {
    "F32": "float32", "F16": "float16", "F64": "float64", "BF16": "bfloat16", "I32": "int32", "I64": "int64",
    "U8": "uint8",
}


class Numbers:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def next(self, limit):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return (z ^ (z >> 31)) % limit


def arrays(format, index):
    """The arrays of a file: name, type, whether columns come first, and numbers in NumPy's type."""
    numbers = Numbers(FORMATS.index(format) * 1_000_000 + index)
    types = TENSORS if format == "safetensors" else NUMPY
    for place in range(1 if format == "npy" else 1 + numbers.next(4)):
        name = NAMES[numbers.next(4)] + str(place)
        type = types[numbers.next(len(types))]
        shape = []
        for _ in range(numbers.next(6)):
            extent = numbers.next(20)
            shape.append(0 if extent == 0 else 1 + extent % 4)
        column_major = numbers.next(2) == 1
        values = np.array([numbers.next(256) for _ in range(int(np.prod(shape)))], dtype=np.int64).reshape(shape)
        own = IN_NUMPY.get(type, type)
        made = values if own == "u1" else values - 128 if "i" in own else (values - 128) / 8
        yield name, type, column_major, np.asarray(made).astype(own)


def raw(type, array):
    """The bytes of a tensor; bfloat16 are the upper halves of float32, which hold these numbers."""
    if type == "BF16":
        return (array.reshape(-1).view("<u4") >> 16).astype("<u2").tobytes()
    return array.tobytes()


def write(folder, format, index):
    path = folder / format / f"{index}.{format}"
    if format == "safetensors":
        # The buffers live until the file is written.
        buffers = [(name, type, array, np.frombuffer(raw(type, array) + b" ", dtype="u1"))
                   for name, type, _, array in arrays(format, index)]
        path.write_bytes(safetensors.serialize({
            name: safetensors.TensorSpec(
                dtype=LONG[type], shape=list(array.shape), data_ptr=buffer.ctypes.data, data_len=buffer.size - 1)
            for name, type, array, buffer in buffers}))
        return
    made = {
        name: np.array(array, order="F" if column_major else "C")
        for name, _, column_major, array in arrays(format, index)}
    if format == "npy":
        np.save(path, *made.values())
    else:
        (np.savez if index % 2 else np.savez_compressed)(path, **made)


def check(folder, format, index):
    path = folder / format / f"{index}.{format}"
    expected = list(arrays(format, index))
    if format == "safetensors":
        found = dict(safetensors.deserialize(path.read_bytes()))
        assert set(found) == {name for name, *_ in expected}, path
        for name, type, _, array in expected:
            tensor = found[name]
            assert tensor["dtype"] == type and list(tensor["shape"]) == list(array.shape), (path, name, tensor)
            assert bytes(tensor["data"]) == raw(type, array), (path, name)
        return
    loaded = np.load(path, allow_pickle=False)
    found = {expected[0][0]: loaded} if format == "npy" else dict(loaded)
    assert list(found) == [name for name, *_ in expected], path
    for name, type, _, array in expected:
        other = found[name]
        assert other.dtype == np.dtype(type) and other.shape == array.shape, (path, name)
        assert other.tobytes() == array.tobytes(), (path, name)


def main():
    folder, count = pathlib.Path(sys.argv[2]), int(sys.argv[3])
    for format in FORMATS:
        (folder / format).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            {"write": write, "check": check}[sys.argv[1]](folder, format, index)
    print(", ".join(f"{count} {format}" for format in FORMATS))


if __name__ == "__main__":
    main()
