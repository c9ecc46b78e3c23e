"""Bad .npy files: maps that are imported."""

import struct

from make_bad_files import named_pipe, sparse

TOKENS = {"tokens.json": b'["<|startoftext|>", "a</w>", "cat</w>", "<|endoftext|>"]'}
AXES = "step,head,row,column,token"
SHAPE = (1, 1, 2, 2, 4)
# Rows that sum to 1.
DATA = struct.pack("<16f", *[0.25] * 16)
MAGIC = b"\x93NUMPY"


def header(descr="'<f4'", order="False", shape=SHAPE, more=""):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {more}}}"


def npy(text=None, data=DATA, version=(1, 0), size=None, magic=MAGIC, pads=True):
    """A file; `size` is what it says of the header."""
    text = (header() if text is None else text).encode("utf-8", "surrogateescape")
    start = 10 if version[0] == 1 else 12
    if pads:
        text += b" " * (63 - (start + len(text)) % 64) + b"\n"
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text) if size is None else size)
    return magic + bytes(version) + length + text + data


def arguments(path):
    return ["import", path, "--axes", AXES, "--tokens", "tokens.json"]


def bad_npy(group):
    def maps(name, words, content, code=65, axes=AXES):
        group.add(
            name, ["import", "maps.npy", "--axes", axes, "--tokens", "tokens.json"], code, ["maps.npy", *words],
            {**TOKENS, "maps.npy": content})

    good = npy()

    # Before the header.
    maps("a file of nothing", ["empty"], b"")
    maps("half of the magic bytes", ["expected a .npy, .npz or .safetensors file"], MAGIC[:3])
    maps("magic bytes alone", ["expected a version", "byte 6"], MAGIC)
    maps("a version without a size", ["expected a version and a header's size", "byte 9"], good[:9])
    maps("version 2 without all of its size", ["expected a header's size", "byte 10"], MAGIC + b"\2\0\x40\0")
    maps("version 0.0", ["expected version 1.0, 2.0 or 3.0, got 0.0", "byte 6"], npy(version=(0, 0)))
    maps("version 4.0", ["got 4.0", "byte 6"], npy(version=(4, 0)))
    maps("version 1.1", ["got 1.1", "byte 6"], npy(version=(1, 1)))
    maps("a header of no byte", ["expected more of the header"], npy("", pads=False))
    maps("a header longer than the file", ["which is all that follows", "byte 8"], npy(size=9000))
    maps("a header above the cap", ["at most 10000 bytes", "got 10001", "byte 8"], npy(header() + " " * 20_000, size=10_001))
    maps("a header of 4 GiB", ["at most 10000 bytes", "got 4294967295", "byte 8"], npy(version=(2, 0), size=(1 << 32) - 1))
    maps("a header that broke off", ["which is all that follows"], good[:60])

    # The dictionary.
    maps("a header that is no dictionary", ["expected '{'", "byte 10"], npy("[1, 2]"))
    maps("a dictionary without its end", ["expected more of the header"], npy(header()[:-1]))
    maps("a key that is there twice", ["duplicate key", "shape", "byte"], npy(header(more="'shape': (2,), ")))
    maps("a key that the format lacks", ["only descr, fortran_order and shape", "strides"], npy(header(more="'strides': (4,), ")))
    maps("no key shape", ["expected a key shape"], npy("{'descr': '<f4', 'fortran_order': False, }"))
    maps("something behind the dictionary", ["end of the header", "byte"], npy(header() + " + 1"))
    maps("a call in the place of a value", ["expected a string", "byte"], npy(header("__import__('os').system('id')")))
    maps("an order that is a number", ["expected True or False"], npy(header(order="0")))
    maps("a string without its end", ["expected a string of plain ASCII"], npy("{'descr"))
    maps("an escape in a string", ["string of plain ASCII"], npy(header(r"'\x3cf4'")))
    maps("letters that are not ASCII", ["string of plain ASCII"], npy(header("'<f4\u00e9'"), version=(3, 0)))
    maps("bytes that are no UTF-8", ["string of plain ASCII"], npy(header("'\udcff\udcfe'")))
    maps("parentheses nested 3,000 deep", ["expected an extent"], npy(header(shape="(" * 3000 + ")" * 3000)))

    # Types.
    maps("Python objects", ["Python objects are never read", "save the array"], npy(header("'|O'"), b"\x80\x02]q\0."))
    maps("records", ["arrays of records", "save each field"], npy(header("[('a', '<f4'), ('b', '<f4')]")))
    maps("numbers of the other byte order", ["expected a dtype of", ">f4", "astype"], npy(header("'>f4'")))
    maps("a type that there is not", ["expected a dtype of", "<f3"], npy(header("'<f3'")))
    maps("complex numbers", ["expected a dtype of", "<c8"], npy(header("'<c8'"), DATA * 2))
    maps("integers in the place of maps", ["expected floating-point numbers", "<i4"], npy(header("'<i4'")))
    maps("texts", ["expected a dtype of", "<U4"], npy(header("'<U4'")))

    # Shapes.
    maps("a negative extent", ["expected an extent from 0"], npy(header(shape="(1, 1, -2, -2, 4)")))
    maps("an extent with a fraction", ["expected ','"], npy(header(shape="(1.5, 2)")))
    maps("an extent with a leading zero", ["expected an extent from 0"], npy(header(shape="(01, 2)")))
    maps("an extent of 2^63", ["expected an extent from 0"], npy(header(shape=f"({1 << 63},)")))
    maps("an extent of 5,000 digits", ["expected an extent from 0"], npy(header(shape=f"({'9' * 5000},)")))
    maps("extents whose product wraps around to the right size", ["larger than any file"],
         npy(header(shape=(1 << 32, 1 << 32, 1, 1, 16))))
    maps("33 dimensions", ["at most 32 dimensions"], npy(header(shape=(1,) * 33)))
    maps("a number in the place of a tuple", ["expected '('"], npy(header(shape="16")))
    maps("a tuple of one without its comma", ["expected ','"], npy(header(shape="(16)")))
    maps("another number of axes than is named", ["4 axes", "--axes names 5"], npy(header(shape=(1, 2, 2, 4))), code=64)
    maps("no row", ["empty", "1 × 1 × 0 × 2 × 4"], npy(header(shape=(1, 1, 0, 2, 4)), b""), code=64)

    # Data.
    maps("fewer bytes than the shape has", ["expected 64 bytes of data", "got 60"], npy(data=DATA[:-4]))
    maps("more bytes than the shape has", ["expected 64 bytes of data", "got 65"], npy(data=DATA + b"\0"))
    maps("no data", ["expected 64 bytes of data", "got 0"], npy(data=b""))
    maps("a terabyte of zeros behind the header", ["expected 64 bytes of data"], sparse(good, 1 << 40))
    maps("a terabyte of zeros that the shape asks for", ["_ stands for an axis of 1"],
         sparse(npy(header(shape=(1, 1, 2, 2, 1 << 36)), b""), 128 + (1 << 40)), code=64, axes="step,head,row,column,_")
    group.add("a pipe that nobody writes into", arguments("maps.npy"), 66, ["maps.npy", "no regular file"],
              {**TOKENS, "maps.npy": named_pipe})


GROUPS = {"npy": (30, bad_npy)}
