"""Packed runs whose shards (Zarr's `sharding_indexed`) are damaged.

`packed` is a run of three calls and two layers, imported and packed by heed.
"""

import json
import struct

from make_bad_files import empty_folder, link, named_pipe, sparse, tree

RUN = "CommandTests/Fixtures/bad/packed"
STORE = "attention.zarr/"
GROUP = STORE + "zarr.json"
SHARD = STORE + "mid.attn/0.0.0.0.0"
# Of a chunk: 1 call, 2 heads, 2 rows, 3 columns and 6 tokens of 4 bytes, and its checksum.
CHUNK = 2 * 2 * 3 * 6 * 4 + 4
CALLS = 3
NONE = (1 << 64) - 1


def crc32c(content):
    rest = 0xFFFFFFFF
    for byte in content:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def index(ranges):
    content = b"".join(struct.pack("<QQ", *each) for each in ranges)
    return content + struct.pack("<I", crc32c(content))


def shards(group):
    run = tree(RUN)
    shard = run[SHARD]
    chunks = shard[:CHUNK * CALLS]
    count = (len(shard) - len(chunks) - 4) // 16
    ranges = [struct.unpack("<QQ", shard[len(chunks) + 16 * i:][:16]) for i in range(count)]
    assert index(ranges) == shard[len(chunks):] and ranges[0] == (0, CHUNK)

    def add(name, words, files, command=("analyze",), code=65, **more):
        changed = {**run, **files}
        changed = {name: content for name, content in changed.items() if content is not None}
        group.add(
            name, [*command, "packed"], code, words, {"packed/" + name: content for name, content in changed.items()},
            **more)

    def indexed(name, words, change, **more):
        other = list(ranges)
        change(other)
        add(name, ["mid.attn/0.0.0.0.0", *words] if "stdout" not in more else words, {SHARD: chunks + index(other)}, **more)

    def described(name, words, change, **more):
        group_file = json.loads(run[GROUP])
        change(group_file)
        add(name, ["zarr.json", *words], {GROUP: json.dumps(group_file).encode()}, **more)

    def array(group_file):
        return group_file["consolidated_metadata"]["metadata"]["mid.attn"]

    # The shard as a file.
    add("a shard of nothing", ["mid.attn/0.0.0.0.0", "the file ends here"], {SHARD: b""})
    add("a shard cut off in its index", ["mid.attn/0.0.0.0.0", "the index is damaged", "byte"], {SHARD: shard[:-20]})
    add("a shard cut off in its chunks", ["mid.attn/0.0.0.0.0", "byte"], {SHARD: shard[CHUNK:]})
    add("a shard that is shorter than an index", ["mid.attn/0.0.0.0.0", "byte 20", "the file ends here", "index of 3 chunks"], {SHARD: shard[-20:]})
    add("a shard that is missing", [], {SHARD: None, STORE + "mid.attn/other": b""},
        command=["check"], stdout=["mid.attn/0.0.0.0.0", "missing"], lines=None)
    add("a shard that is missing with its folder", ["mid.attn", "No such file"], {SHARD: None}, code=66)
    add("a folder in the place of a shard", ["mid.attn/0.0.0.0.0"], {SHARD: empty_folder})
    add("a pipe in the place of a shard", ["mid.attn/0.0.0.0.0"], {SHARD: named_pipe})
    add("a link out of the run in the place of a shard", ["mid.attn/0.0.0.0.0"],
        {SHARD: link("../../../elsewhere"), "../elsewhere": shard})
    add("a shard of zeros", ["mid.attn/0.0.0.0.0", "the index is damaged"], {SHARD: bytes(len(shard))})

    # What the index says.
    add("an index whose checksum is wrong", ["mid.attn/0.0.0.0.0", "the index is damaged", "CRC-32C", "byte"],
        {SHARD: shard[:-1] + bytes([shard[-1] ^ 1])})
    add("an index of which a bit is flipped", ["mid.attn/0.0.0.0.0", "the index is damaged", "CRC-32C"],
        {SHARD: chunks + bytes([shard[len(chunks)] ^ 1]) + shard[len(chunks) + 1:]})
    add("a chunk of which a bit is flipped", ["mid.attn/0.0.0.0.0", "byte 292", "chunk 1 is damaged", "CRC-32C"],
        {SHARD: shard[:CHUNK + 9] + bytes([shard[CHUNK + 9] ^ 1]) + shard[CHUNK + 10:]})
    indexed("a chunk that begins behind the file", ["byte", "chunk 1", "where the index begins"],
            lambda all: all.__setitem__(1, (1 << 40, CHUNK)))
    indexed("a chunk whose end is beyond 2^64", ["byte", "chunk 1"], lambda all: all.__setitem__(1, (NONE - 3, CHUNK)))
    indexed("a chunk that begins at 2^63", ["byte", "chunk 1"], lambda all: all.__setitem__(1, (1 << 63, CHUNK)))
    indexed("a chunk that reaches into the index", ["byte", "chunk 2"], lambda all: all.__setitem__(2, (2 * CHUNK + 1, CHUNK)))
    indexed("a chunk of no byte", ["chunk 0 has 0 bytes", "expected 292"], lambda all: all.__setitem__(0, (0, 0)))
    indexed("a chunk of 2^60 bytes", ["chunk 0 has 1152921504606846976 bytes", "expected 292"],
            lambda all: all.__setitem__(0, (0, 1 << 60)))
    indexed("a chunk of a byte less", ["chunk 0 has 291 bytes", "expected 292"], lambda all: all.__setitem__(0, (0, CHUNK - 1)))
    indexed("two chunks in one place", ["chunk", "within chunk"], lambda all: all.__setitem__(1, all[0]))
    indexed("chunks that overlap by a byte", ["within chunk 0"], lambda all: all.__setitem__(1, (CHUNK - 1, CHUNK)))
    indexed("a chunk that is left out", [], lambda all: all.__setitem__(1, (NONE, NONE)), command=["check"],
            stdout=["mid.attn/0.0.0.0.0: chunk 1 is missing"], lines=None)
    indexed("a chunk of which only the place is left out", ["chunk 1"], lambda all: all.__setitem__(1, (NONE, CHUNK)))
    indexed("two chunks that have changed places", ["is damaged"], lambda all: all.__setitem__(slice(0, 2), [all[1], all[0]]))

    # What the store's description says.
    def outer(rows):
        return lambda file: array(file)["chunk_grid"]["configuration"]["chunk_shape"].__setitem__(0, rows)

    described("a shard of 2^39 chunks", ["mid.attn"], outer(1 << 39))
    described("a shard of 0 chunks", ["mid.attn", "a shard of at most 1048576 whole chunks"], outer(0))
    described("a shard of -3 chunks", ["mid.attn", "a shard of at most 1048576 whole chunks"], outer(-3))
    described("a shard of 2^62 chunks", ["mid.attn", "a shard of at most 1048576 whole chunks"], outer(1 << 62))
    described("chunks of no call", ["mid.attn", "a shard of at most 1048576 whole chunks"],
              lambda file: array(file)["codecs"][0]["configuration"]["chunk_shape"].__setitem__(0, 0))
    described("an array of another codec", ["mid.attn", "expected the codec sharding_indexed"],
              lambda file: array(file)["codecs"][0].__setitem__("name", "gzip"))
    described("shards, and nothing of what they were packed of", ["unpacked"],
              lambda file: file["consolidated_metadata"].pop("unpacked"))
    huge = json.loads(run[GROUP])
    outer(1 << 30)(huge)
    add("a shard of 2^30 chunks in a file that has room for their index", ["mid.attn"],
        {GROUP: json.dumps(huge).encode(), SHARD: sparse(b"", (16 << 30) + 4)})
    add("a description that is cut off", ["zarr.json"], {GROUP: run[GROUP][:-200]})

    # The other commands say the same.
    broken = {SHARD: shard[:-1] + bytes([shard[-1] ^ 1])}
    for command in [["sheet", "-o", "sheet.png"], ["report", "-o", "report.html"], ["export", "-o", "maps.npz"],
                    ["pack", "--undo"]]:
        add(f"heed {command[0]} of an index whose checksum is wrong", ["mid.attn/0.0.0.0.0", "the index is damaged"],
            broken, command)
    unpacked = json.loads(run[GROUP])
    texts = unpacked["consolidated_metadata"]["unpacked"]
    texts["../../evil/zarr.json"] = texts["mid.attn/zarr.json"]
    group.add(
        "heed pack --undo of a description that lies outside of the store, which is not written",
        ["pack", "--undo", "packed"], 0, [], {"packed/" + name: content for name, content in
                                             {**run, GROUP: json.dumps(unpacked).encode()}.items()},
        stdout=["packed: 8 files unpacked to 30"], lines=None, written=["packed"])


GROUPS = {"shards": (15, shards)}
