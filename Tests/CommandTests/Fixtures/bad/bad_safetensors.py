"""Bad safetensors files: maps that are imported, and weights of a checkpoint."""

import json
import struct

from make_bad_files import TESTS, below, empty_folder, link, named_pipe, sparse, tree

TOKENS = {"tokens.json": b'["<|startoftext|>", "a</w>", "cat</w>", "<|endoftext|>"]'}
AXES = "step,head,row,column,token"
SHAPE = [1, 1, 2, 2, 4]
# Rows that sum to 1.
DATA = struct.pack("<16f", *[0.25] * 16)


def tensor(dtype="F32", shape=SHAPE, offsets=(0, 64), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets), **more}


def file(header, data=DATA, size=None):
    """A file of a header, which is a dictionary or the JSON itself, and data; `size` is what it says of the header."""
    text = json.dumps(header, separators=(",", ":")) if isinstance(header, dict) else header
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def arguments(path):
    return ["import", path, "--axes", AXES, "--tokens", "tokens.json"]


def safetensors(group):
    def maps(name, words, content, code=65):
        group.add(
            name, arguments("maps.safetensors"), code, ["maps.safetensors", *words],
            {**TOKENS, "maps.safetensors": content})

    good = file({"maps": tensor()})
    short = '{"maps":{"dtype":"F32","shape":[1,1,2,2,4],"data_offsets":[0,64]'

    # The size of the header.
    maps("a file of nothing", ["empty"], b"")
    maps("a file shorter than the header's size", ["expected a .npy, .npz or .safetensors file"], b"\x10\0\0")
    maps("a header of no byte", ["header is empty", "byte 0"], file("", DATA))
    maps("a header's size of 2^64 - 1", ["at most 100000000 bytes", "got 18446744073709551615", "byte 0"], b"\xff" * 8 + good[8:])
    maps("a header's size of 2^63", ["at most 100000000 bytes", "got 9223372036854775808"], file({"maps": tensor()}, size=1 << 63))
    maps("a header larger than what follows", ["which is all that follows", "not whole", "byte 0"], good[:8] + good[8:12])
    maps(
        "a header above the cap in a file that has room for it", ["at most 100000000 bytes", "got 100000001", "byte 0"],
        sparse(struct.pack("<Q", 100_000_001) + b'{"maps":', 100_000_200))
    maps(
        "a header of 90 MB that is zeros", ["expected", "byte"],
        sparse(struct.pack("<Q", 90_000_000) + b'{', 90_000_200))

    # JSON.
    maps("a header that is no object", ["begin with '{'", "byte 8"], file("[1]"))
    maps("a header that begins with a space", ["begin with '{'", "byte 8"], file(" " + short + "}}"))
    maps("a header that ends within an object", ["end of the document", "byte"], file(short + "}"))
    maps("a comma before the closing brace", ["expected a key", "byte"], file(short + ",}}"))
    maps("something behind the header's object", ["only spaces after the header", "0x78", "byte"], file(short + "}}x"))
    maps("a line feed behind the header's object", ["only spaces after the header", "0xa"], file(short + "}}\n"))
    maps("a name that is there twice", ["duplicate key", "maps", "byte"],
         file(short + '},"maps":{"dtype":"F32","shape":[1],"data_offsets":[64,68]}}', DATA + bytes(4)))
    maps("a name that is there twice, once in escapes", ["duplicate key", "maps"],
         file(short + '},"\\u006daps":{"dtype":"F32","shape":[1],"data_offsets":[64,68]}}', DATA + bytes(4)))
    maps("a field that is there twice", ["duplicate key", "shape", "maps"], file(short + ',"shape":[16]}}'))
    maps("a name that is not UTF-8", ["not UTF-8", "byte 10"], file(b'{"\xff\xfe' + short[2:].encode() + b"}}"))
    maps("half of a surrogate pair in a name", ["lone surrogate", "byte"], file('{"\\ud800' + short[2:] + "}}"))
    maps("a control character in a name", ["control character 0x1b"], file('{"\x1b[2J' + short[2:] + "}}"))
    maps("objects nested 100,000 deep", ["expected a string"],
         file('{"__metadata__":{"a":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}," + short[1:] + "}}"))
    maps("arrays nested 100,000 deep in a shape", ["maps", "expected a digit", "'['"],
         file('{"maps":{"shape":' + "[" * 100_000 + "1" + "]" * 100_000 + "}}"))

    # Tensors.
    maps("a tensor that is a number", ["maps", "expected an object"], file('{"maps":3}'))
    maps("a type that there is not", ["maps", "expected a dtype of", "F31"], file({"maps": tensor("F31")}))
    maps("a type that is a number", ["maps", "expected a string"], file('{"maps":{"dtype":32}}'))
    maps("a tensor without a shape", ["maps", "expected a field shape"],
         file('{"maps":{"dtype":"F32","data_offsets":[0,64]}}'))
    maps("a field that the format lacks", ["maps", "strides"], file({"maps": tensor(strides=[1])}))
    maps("nine dimensions", ["maps", "at most 8"], file({"maps": tensor(shape=[1, 1, 1, 1, 1, 1, 1, 4, 4])}))
    maps("a negative extent", ["maps", "integer from 0", "-1"], file({"maps": tensor(shape=[-1, -1, 2, -2, -4])}))
    maps("an extent with a fraction", ["maps", "integer from 0", "1.5"], file({"maps": tensor(shape=[1.5])}))
    maps("an extent of 2^63", ["maps", "integer from 0"], file({"maps": tensor(shape=[1 << 63])}))
    maps("extents whose product wraps around to the right size", ["maps", "no size in whole bytes"],
         file({"maps": tensor(shape=[1 << 32, 1 << 32, 1, 1, 16])}))
    maps("a shape of fewer bytes than the offsets", ["maps", "expected 48 bytes", "got 64"],
         file({"maps": tensor(shape=[1, 1, 2, 2, 3])}))
    maps("half a byte", ["maps", "no size in whole bytes"], file({"maps": tensor("F4", [3], [0, 2])}, bytes(2)))
    maps("an end before the begin", ["maps", "begin and an end"], file({"maps": tensor(offsets=(64, 0))}))
    maps("offsets below zero", ["maps", "integer from 0", "-64"], file({"maps": tensor(offsets=(-64, 0))}))
    maps("one offset", ["maps", "begin and an end"], file({"maps": tensor(offsets=(64,))}))
    maps("three offsets", ["maps", "at most 2"], file({"maps": tensor(offsets=(0, 32, 64))}))
    maps("offsets beyond the file", ["maps", "within the 64 bytes", "download that broke off"],
         file({"maps": tensor(shape=[1, 1, 2, 2, 8], offsets=(0, 128))}))
    maps("offsets near 2^63", ["maps", "within the 64 bytes"],
         file({"maps": tensor(offsets=((1 << 63) - 65, (1 << 63) - 1))}))

    # The data.
    maps("two tensors of the same bytes", ["\"b\"", "overlap", "\"a\"", "64 bytes"], file({"a": tensor(), "b": tensor()}))
    maps("tensors that overlap by four bytes", ["\"b\"", "overlap", "4 bytes"],
         file({"a": tensor(), "b": tensor(shape=[1], offsets=(60, 64))}))
    maps("bytes between tensors", ["\"b\"", "4 bytes before its data belong to no tensor"],
         file({"a": tensor(), "b": tensor(shape=[1], offsets=(68, 72))}, DATA + bytes(8)))
    maps("bytes behind the last tensor", ["4 bytes at the end belong to no tensor"], file({"maps": tensor()}, DATA + bytes(4)))
    maps("a file without tensors", ["no array"], file({"__metadata__": {"a": "b"}}, b""))

    # Names.
    maps("a name of no byte", ["expected a name of 1 to 1024 bytes"], file({"": tensor()}))
    maps("a name of 1,025 bytes", ["expected a name of 1 to 1024 bytes", "got 1025"], file({"a" * 1025: tensor()}))
    maps("notes that are no object", ["__metadata__", "expected an object"], file({"__metadata__": [], "maps": tensor()}))
    maps("a note that is a number", ["__metadata__", "expected a string"],
         file({"__metadata__": {"a": 1}, "maps": tensor()}))
    maps("more than a million tensors", ["at most 1000000 tensors", "HEED_LIMITS=tensors", "byte"],
         file("{" + ",".join(f'"{number:x}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for number in range(1_100_000)) + "}", b""))

    # Files that are none.
    group.add("a folder in the place of a file", arguments("maps.safetensors"), 66, ["maps.safetensors", "folder"],
              {**TOKENS, "maps.safetensors": empty_folder})
    group.add("a pipe that nobody writes into", arguments("maps.safetensors"), 66, ["maps.safetensors", "no regular file"],
              {**TOKENS, "maps.safetensors": named_pipe})
    group.add("a file that is not there", arguments("maps.safetensors"), 66, ["maps.safetensors", "No such file"], TOKENS)
    group.add("a link that goes around in a circle", arguments("maps.safetensors"), 66, ["maps.safetensors", "cannot open"],
              {**TOKENS, "maps.safetensors": link("maps.safetensors")})

    # Weights of a checkpoint.
    checkpoint = below("model", tree("DiffusionTests/Fixtures/sharded", without=["golden.safetensors", "golden.json"]))
    run = ["generate", "a cat and a frog", "--model", "model", "--steps", "1"]
    decoder = "model/vae/diffusion_pytorch_model.bf16.safetensors"
    encoder = "model/text_encoder/model.bf16.safetensors"
    fixture = TESTS / "DiffusionTests/Fixtures/sharded"

    def weights(name, words, changes, code=65):
        group.add(name, run, code, words, {**checkpoint, **changes})

    whole = (fixture / "text_encoder/model.bf16.safetensors").read_bytes()
    weights("weights that broke off", [encoder, "not whole", "fetch it again"], {encoder: whole[: len(whole) // 2]})
    weights("weights whose header is a list", [encoder, "begin with '{'"], {encoder: file("[]")})
    index = "model/unet/diffusion_pytorch_model.safetensors.index.bf16.json"

    def shards(name):
        return {index: json.dumps({"metadata": {}, "weight_map": {"conv_in.bias": name}}).encode()}

    for what, name in [
        ("a shard in the folder above", "../vae/diffusion_pytorch_model.bf16.safetensors"),
        ("a shard by an absolute path", "/etc/hostname.safetensors"),
        ("a shard whose name ends at a NUL", "config.json\0.safetensors"),
        ("a shard without the name of one", "config.json"),
    ]:
        weights(what, [index, "safetensors file beside the index"], shards(name))
    weights("a list without shards", [index, "at least one shard"], {index: b'{"weight_map":{}}'})
    weights("a shard that is not there", ["model/unet/gone.safetensors"], shards("gone.safetensors"), 66)
    twice = file({"a": tensor(shape=[1], offsets=(0, 4))}, bytes(4))
    weights(
        "one name in two shards", ["conv_in.bias", "model/unet/two.safetensors"],
        {index: b'{"weight_map":{"conv_in.bias":"one.safetensors","b":"two.safetensors"}}',
         "model/unet/one.safetensors": file({"conv_in.bias": tensor(shape=[1], offsets=(0, 4))}, bytes(4)),
         "model/unet/two.safetensors": file({"conv_in.bias": tensor(shape=[1], offsets=(0, 4))}, bytes(4))})
    weights("weights without a tensor that the network has", [decoder, "120 missing", "encoder.conv_in.weight"], {decoder: twice})


GROUPS = {"safetensors": (40, safetensors)}
