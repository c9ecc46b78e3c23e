"""Bad runs: their stores, calls and descriptions."""

import json

from make_bad_files import below, empty_folder, link, named_pipe, sparse, tree

RUN = below("run", tree("CommandTests/Fixtures/recorded/flux2"))
STORE = "run/attention.zarr"
LAYER = "transformer_blocks.0.attn"
CHUNK = f"{STORE}/{LAYER}/c.1.0.0.0.0"
GROUP = f"{STORE}/zarr.json"
ARRAY = f"{STORE}/{LAYER}/zarr.json"
EXPORT = ["export", "run", "-o", "out", "--format", "npy"]
ANALYZE = ["analyze", "run"]
CHECK = ["check", "run"]


def changed(path, change):
    """The JSON file at `path` of the run, changed in place by `change`."""
    document = json.loads(RUN[path])
    change(document)
    return json.dumps(document).encode()


def assign(document, place, value):
    """Puts a value at a place, as in `attributes.sites.0.tokens`."""
    *path, last = [int(part) if part.isdigit() else part for part in place.split("/")]
    for part in path:
        document = document[part]
    document[last] = value


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1:]


def zarr(group):
    def run(name, arguments, words, changes, code=65, **more):
        files = {**RUN, **changes}
        for path, content in changes.items():
            # What becomes a link or a pipe has nothing below it.
            if content is None or callable(content):
                files = {key: value for key, value in files.items() if not key.startswith(path + "/")}
            if content is None:
                del files[path]
        group.add(name, arguments, code, words, files, **more)

    chunk = RUN[CHUNK]

    # Chunks.
    for what, content, words, code in [
        ("a bit of a chunk flipped", flipped(chunk, 100), ["damaged: CRC-32C is", "expected"], 65),
        ("a bit of a chunk's checksum flipped", flipped(chunk, len(chunk) - 1), ["damaged: CRC-32C is"], 65),
        ("another call's chunk", RUN[CHUNK.replace("c.1", "c.0")], ["damaged: CRC-32C is"], 65),
        ("a chunk that broke off", chunk[:-5], [f"{len(chunk) - 5} bytes, expected {len(chunk)}"], 65),
        ("a chunk with a byte more", chunk + b"\0", [f"{len(chunk) + 1} bytes, expected {len(chunk)}"], 65),
        ("a chunk of nothing", b"", [f"0 bytes, expected {len(chunk)}"], 65),
        ("a chunk of a terabyte", sparse(chunk, 1 << 40), ["1099511627776 bytes, expected"], 65),
        ("a chunk that is a link", link("/etc/hostname"), ["symbolic link", "not followed"], 65),
        ("a chunk that is a pipe", named_pipe, ["expected a file"], 65),
        ("a chunk that is a folder", empty_folder, ["expected a file"], 65),
    ]:
        run(what, EXPORT, [CHUNK, *words], {CHUNK: content}, code)
    run("a chunk that is gone", CHECK, ["1 problem in 1 run"], {CHUNK: None}, stdout=[CHUNK, "is missing, but listed in calls.jsonl"])
    for layer in ["single_transformer_blocks.0.attn", "single_transformer_blocks.1.attn", "transformer_blocks.1.attn"]:
        path = f"{STORE}/{layer}/c.3.0.0.0.0"
        run(f"a bit of a chunk of {layer} flipped", EXPORT, [path, "damaged"], {path: flipped(RUN[path], 0)})
    run("a layer's folder that is a link", EXPORT, [f"{STORE}/{LAYER}", "symbolic link"], {f"{STORE}/{LAYER}": link("/etc")})
    run("a store that is a link", ANALYZE, [STORE, "symbolic link"], {STORE: link("/etc")})

    # The store's description.
    for what, content, words in [
        ("no JSON", b"zarr", ["expected a value"]),
        ("nothing", b"", ["expected a value"]),
        ("JSON that broke off", RUN[GROUP][:-2], ["end of the document"]),
        ("a comma before the end", RUN[GROUP].rstrip()[:-1] + b",}", ["expected a key"]),
        ("a key that is there twice", b'{"attributes":{},' + RUN[GROUP].lstrip()[1:], ["duplicate key", "attributes", "byte"]),
        ("bytes that are no UTF-8", RUN[GROUP].replace(b"a cat", b"a \xff\xfe"), ["not UTF-8"]),
        ("objects nested 100,000 deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ["nested deeper than 32"]),
        ("a gigabyte", sparse(RUN[GROUP], 1 << 30), ["1073741824 bytes", "at most 16777216", "HEED_LIMITS=description"]),
        ("no attributes", b'{"zarr_format":3,"node_type":"group"}', ["attributes is missing"]),
        ("a pipe", named_pipe, ["expected a file"]),
        ("a link", link("/etc/hostname"), ["symbolic link"]),
    ]:
        run(f"a description of the store that is {what}", ANALYZE, [GROUP, *words], {GROUP: content})
    for what, place, value, words in [
        ("a layer's name that leads out of the store", "site/path", "../../x", ["impossible site"]),
        ("a layer's name that is a path", "site/path", "/etc/x", ["impossible site"]),
        ("a layer's name with a NUL", "site/path", "x\0y", ["impossible site"]),
        ("a layer's name with an escape sequence", "site/path", "\x1b]0;x\7", ["impossible site"]),
        ("a layer's name of no letter", "site/path", "", ["impossible site"]),
        ("a layer called zarr.json", "site/path", "zarr.json", ["name that stands for something else"]),
        ("a layer that is there twice", "site/path", LAYER, ["there twice"]),
        ("no head", "heads", [], ["impossible site"]),
        ("heads that go down", "heads", [1, 0], ["impossible site"]),
        ("a head that the layer has not", "heads", [0, 2], ["impossible site"]),
        ("a negative head", "heads", [-1, 0], ["impossible site"]),
        ("a token that the layer has not", "tokens", [47, 48], ["impossible site"]),
        ("2^62 tokens", "site/keys", 1 << 62, ["impossible site"]),
        ("extents whose product wraps around", "site/grid", {"rows": 1 << 32, "columns": 1 << 32}, ["impossible site"]),
        ("no rows", "site/grid", {"rows": 0, "columns": 6}, ["impossible site"]),
        ("another number of rows", "site/grid", {"rows": 5, "columns": 6}, ["bytes, expected"]),
        ("a kind of attention that there is not", "site/kind", "none", ["kind"]),
        ("sums of more keys than there are", "summedColumns", [{"name": "image", "keys": 1 << 40}], ["impossible site"]),
    ]:
        def change(document):
            sites = document["attributes"]["sites"]
            mine = next(i for i, one in enumerate(sites) if one["site"]["path"] != LAYER)
            assign(document, f"attributes/sites/{mine}/{place}", value)
        arguments = EXPORT if "bytes" in words[0] else ANALYZE
        run(what, arguments, [STORE if "bytes" in words[0] else GROUP, *words], {GROUP: changed(GROUP, change)})

    def vast(document):
        document["attributes"]["sites"][0].update(
            site={"grid": {"columns": 16384, "rows": 4096}, "heads": 2, "keys": 48, "kind": "joint", "path": "vast", "width": 32})

    run("chunks of more than a GiB", ANALYZE, [GROUP, "vast", "at most 1073741824", "HEED_LIMITS=chunk"],
        {GROUP: changed(GROUP, vast), "run/run.json": RUN["run/run.json"]})
    for what, place, value, words in [
        ("a store of another seed", "attributes/seed", 2, ["seed is 2, but run.json says 1"]),
        ("a store of another prompt", "attributes/prompt", "a dog", ["prompt is a dog"]),
        ("a store of other pieces", "attributes/token_pieces", ["a"], ["token_pieces"]),
        ("numbers of a type that there is not", "attributes/precision", "float8", ["precision"]),
        ("a seed with a fraction", "attributes/seed", 1.5, ["expected whole numbers", "a number below 0"]),
    ]:
        run(what, ANALYZE, [GROUP, *words], {GROUP: changed(GROUP, lambda document: assign(document, place, value))})

    # The arrays' own descriptions, which heed check compares.
    for what, place, value, words in [
        ("an array that says it has another shape", "shape", [4, 1, 4, 6, 16], ["shape.4 is 16, expected 15"]),
        ("an array that says it has a negative shape", "shape", [4, 1, 4, 6, -15], ["shape.4 is -15.0, expected 15"]),
        ("an array that says it is compressed", "codecs", [{"name": "gzip"}], ["codecs is"]),
        ("an array that says it has other chunks", "chunk_grid/configuration/chunk_shape", [1 << 60], ["chunk_shape is"]),
        ("an array that says it has another type", "data_type", "float64", ["data_type is", "float16"]),
        ("an array that says its bytes go the other way", "codecs/0/configuration/endian", "big", ["endian is", "little"]),
        ("an array that says it is a group", "node_type", "group", ["node_type is", "array"]),
    ]:
        run(what, CHECK, ["1 problem in 1 run"], {ARRAY: changed(ARRAY, lambda document: assign(document, place, value))},
            stdout=[ARRAY, *words])
    run("an array's description with a key that is there twice", CHECK, ["1 problem in 1 run"],
        {ARRAY: b'{"shape":[1],' + RUN[ARRAY].lstrip()[1:]}, stdout=[ARRAY, "duplicate key", "shape"])
    run("a coordinate that is a link", CHECK, ["problem"], {f"{STORE}/step/c.0": link("/etc/hostname")},
        stdout=[f"{STORE}/step/c.0", "symbolic link"])
    run("a coordinate of a terabyte", CHECK, ["problem"], {f"{STORE}/step/c.0": sparse(b"", 1 << 40)},
        stdout=[f"{STORE}/step/c.0", "1099511627776 bytes, expected"])
    run("a file that no array has", CHECK, ["1 problem in 1 run"], {f"{STORE}/{LAYER}/c.9.0.0.0.0": chunk},
        stdout=[f"{STORE}/{LAYER}/c.9.0.0.0.0", "calls.jsonl has no such chunk"])

    # The calls.
    journal = "run/calls.jsonl"
    lines = RUN[journal].splitlines(keepends=True)

    def second(content):
        return lines[0] + content + b"".join(lines[2:])

    call = json.loads(lines[1])
    for what, content, words in [
        ("a line that is no JSON", second(b"call\n"), ["line 2", "expected a value"]),
        ("a line of zeros", second(b"\0" * 4096 + b"\n"), ["line 2", "expected a value"]),
        ("a key that is there twice", second(b'{"call":1,' + lines[1][1:]), ["line 2", "duplicate key", "call"]),
        ("a call that was left out", lines[0] + b"".join(lines[2:]), ["line 2", "call 2, expected 1"]),
        ("a call without a number", second(json.dumps({**call, "call": None}).encode() + b"\n"), ["line 2", "call"]),
        ("a call of number 2^63", second(json.dumps({**call, "call": 1 << 63}).encode() + b"\n"), ["line 2", "call"]),
        ("a step that was predicted twice", second(json.dumps({**call, "step": 0}).encode() + b"\n"), ["line 2", "one prediction a step"]),
        ("a checksum below zero", second(json.dumps({**call, "checksums": {LAYER: -1}}).encode() + b"\n"), ["line 2", "expected whole numbers", "a number below 0"]),
        ("a checksum of 33 bits", second(json.dumps({**call, "checksums": {LAYER: 1 << 32}}).encode() + b"\n"), ["line 2", "expected whole numbers", "a number below 0"]),
        ("a phase that there is not", second(json.dumps({**call, "phase": "dream"}).encode() + b"\n"), ["line 2", "phase"]),
        ("a line of a gigabyte", sparse(lines[0], 1 << 30), ["expected a line of at most", "HEED_LIMITS=description"]),
        ("a link", link("/etc/passwd"), ["symbolic link"]),
        ("a pipe", named_pipe, ["expected a file"]),
    ]:
        run(f"calls: {what}", ANALYZE, [journal, *words], {journal: content})

    # The run.
    manifest = "run/run.json"
    for what, content, words in [
        ("nothing", b"", ["expected a value"]),
        ("a list", b"[]", ["expected an object"]),
        ("JSON that broke off", RUN[manifest][:1000], ["end of the document"]),
        ("JSON with a key that is there twice", b'{"format":2,' + RUN[manifest].lstrip()[1:], ["duplicate key", "format"]),
        ("a gigabyte", sparse(RUN[manifest], 1 << 30), ["at most 16777216", "HEED_LIMITS=description"]),
        ("a link", link("/etc/passwd"), ["symbolic link"]),
        ("a pipe", named_pipe, ["expected a file"]),
    ]:
        run(f"run.json that is {what}", ANALYZE, [manifest, *words], {manifest: content})
    for what, place, value, words in [
        ("of a format to come", "format", 99, ["format 99, expected 1 to 2", "another Heed"]),
        ("of format 0", "format", 0, ["format 0, expected 1 to 2"]),
        ("of a picture without height", "height", 0, ["height", "expected 1 to"]),
        ("of a picture of 2^62 columns", "width", 1 << 62, ["width", "expected 1 to"]),
        ("of 2^40 frames", "frames", 1 << 40, ["frames", "expected 1 to"]),
        ("of a negative number of steps", "request/steps", -1, ["steps", "expected 1 or more"]),
        ("whose method leads out of the folder", "method/name", "../../x", ["method.name", "a name that a folder can have"]),
        ("without texts", "texts", [], ["texts", "expected the prompt"]),
        ("of a status that there is not", "status", "done\nheed: all is well", ["status", "expected one of running, complete, got \"done\\u{a}heed"]),
        ("of a token below zero", "subjects/0/tokens", [-1], ["subjects.0.tokens", "0 or more"]),
        ("of a grid without rows", "method/grid", {"rows": 0, "columns": 1}, ["rows"]),
        ("of a time that is no number", "timesteps", ["NaN"], ["timesteps"]),
        ("of a seed below zero", "request/seed", -1, ["expected whole numbers", "a number below 0"]),
    ]:
        run(f"run.json {what}", ANALYZE, [manifest, *words],
            {manifest: changed(manifest, lambda document: assign(document, place, value))})
    run("a subject of a token behind the text's end", CHECK, ["problem"],
        {manifest: changed(manifest, lambda document: assign(document, "subjects/0/tokens", [1 << 40])),
         GROUP: changed(GROUP, lambda document: assign(document, "attributes/subjects/0/tokens", [1 << 40]))},
        stdout=["subject 'cat': token 1099511627776 is outside the window"])
    run("a run without run.json", ANALYZE, ["run", "no run found"], {manifest: None}, 66)

    # What else lies in a run's folder.
    run("a picture that is a link", ["sheet", "run", "-o", "sheet.png"], ["run/image.png", "symbolic link"],
        {"run/image.png": link("/usr/share/pixmaps/debian-logo.png")})
    run("a picture that is a pipe", ["sheet", "run", "-o", "sheet.png"], ["run/image.png", "no regular file"],
        {"run/image.png": named_pipe}, 66)
    run("a latent that is a link", CHECK, ["1 problem in 1 run"], {"run/latent.npy": link("/etc/hostname")},
        stdout=["run/latent.npy", "symbolic link"])
    run("losses of a terabyte", CHECK, ["1 problem in 1 run"], {"run/losses.csv": sparse(b"", 1 << 40)},
        stdout=["run/losses.csv", "line 1 does not match"])


GROUPS = {"zarr": (30, zarr)}
