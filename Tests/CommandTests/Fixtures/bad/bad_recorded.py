"""Runs that another program recorded, whose run.json says what is not so, and what goes with runs."""

import json

from make_bad_files import below, sparse, tree

SD35, VIDEO = [below("run", tree(f"CommandTests/Fixtures/recorded/{name}")) for name in ["sd35", "cogvideox"]]
MANIFEST, GROUP = "run/run.json", "run/attention.zarr/zarr.json"


def changed(content, changes):
    """A JSON document with other values at places, as in `request/recording/tokens`; None takes a key away."""
    document = json.loads(content)
    for place, value in changes.items():
        *path, last = [int(part) if part.isdigit() else part for part in place.split("/")]
        target = document
        for part in path:
            target = target[part]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return json.dumps(document).encode()


def recorded(group):
    def run(name, words, changes, files=SD35, command=("analyze", "run"), code=65, path=MANIFEST, **more):
        group.add(name, list(command), code, words, {**files, path: changed(files[path], changes)}, **more)

    def lie(name, place, value, words, **more):
        run(name, [MANIFEST, *words], {place: value}, **more)

    def checked(name, place, value, words, path=(MANIFEST,), sheet=0):
        """What only the files together tell, heed check does; the other commands show what they can."""
        run(name, ["in 1 run"], {place: value}, command=["check", "run"], stdout=[*path, *words])
        for command in ["analyze", "sheet", "report"]:
            output = {"analyze": [], "sheet": ["sheet.svg"], "report": ["report.html"]}[command]
            run(f"{name}, heed {command}", [], {place: value},
                command=[command, "run", *(["-o", *output] if output else [])], code=sheet if command == "sheet" else 0, stdout=[], lines=None,
                written=output, seconds=3, mebibytes=256)

    # The text.
    lie("a text without tokens", "texts/0/tokens", [], ["texts.0"])
    lie("a text that is cut off before its words end", "texts/0/segments/0/end", 1 << 40, ["segments"])
    lie("a segment of a negative number of words", "texts/0/segments/0/words", [6, 1], ["segments"])
    lie("padding behind the text", "texts/0/segments/0/padding", [7, 1 << 50], ["segments"])
    lie("a segment that begins below 0", "texts/0/segments/0/start", -5, ["segments"])
    lie("a role that there is not", "texts/0/role", "villain", ["role"])
    lie("a token without a text", "texts/0/tokens/1", {}, ["tokens.1"])
    lie("a word of a token that there is not", "texts/0/tokens/1", 3, ["tokens"])
    run("ten thousand subjects of one token", [GROUP, "subjects are not those of run.json"], {"subjects": [{"name": "cat", "tokens": [2]}] * 10_000})
    run("a subject without a name", [GROUP, "subjects are not those of run.json"], {"subjects/0/name": ""})
    run("a subject of no token", [GROUP, "subjects are not those of run.json"], {"subjects/0/tokens": []})

    # Texts that take as long as one likes to set.
    long = "expected a text of at most 1024 bytes, got 60000"
    for place in ["subjects/0/name", "method/title", "texts/0/tokens/2/piece", "texts/0/words/1/text"]:
        lie(f"60,000 letters in {place}", place, "x" * 60_000, [place.replace("/", "."), long, "HEED_LIMITS=prompt"])
    for place in ["texts/0/prompt", "request/prompt", "request/negativePrompt"]:
        lie(f"300 KB in {place}", place, "x" * 300_000, [place.replace("/", "."), "at most 65536 bytes, got 300000"])

    # The picture and the grid.
    lie("a picture of 0 columns", "width", 0, ["width", "expected 1 to"])
    lie("a height that is a text", "height", "32", ["height"])
    lie("a grid of 2^62 cells", "method/grid", {"rows": 1 << 31, "columns": 1 << 31}, ["method.grid.rows"])
    checked("a grid that no layer has", "method/grid", {"rows": 5, "columns": 7}, ["method has grid 5x7"], sheet=69)
    lie("minus three frames", "frames", -3, ["frames", "expected 1 to"], files=VIDEO)
    lie("frames that are a fraction", "frames", 2.5, ["whole numbers", "fraction"], files=VIDEO)

    # Method, model, guidance and times.
    lie("a method whose name is a path", "method/name", "../../evil", ["method.name"])
    run("another method than the store's", [GROUP, "method is stable-diffusion-3"], {"method/name": ".evil"})
    lie("a method without a name", "method/name", "", ["method.name"])
    lie("thresholds that are texts", "method/thresholds", {"3": "high"}, ["thresholds"])
    lie("a step of a threshold that is none", "method/thresholds", {"x": 0.5}, ["thresholds"])
    lie("a guidance that there is not", "guidance/kind", "prayer", ["guidance"])
    checked("times that are fewer than the steps", "timesteps", [1000.0], ["run.json has 1 timesteps"], ["run/calls.jsonl"])
    checked("a time of 1e300", "timesteps/0", 1e300, ["run.json has 1e+300 for step 0"], ["run/calls.jsonl"])
    lie("sigmas that are texts", "sigmas", ["a"], ["sigmas"])
    lie("a negative number of seconds", "provenance/seconds", -5, ["seconds"])
    lie("a recorder that is a list", "provenance/recorder", [], ["recorder"])
    checked("a coverage of more layers than there are", "provenance/recorder/coverage/recorded", 99, ["provenance.recorder.coverage"])
    lie("passes below 0", "passes/forward", -4, ["passes"])

    # The plan of the recording.
    checked("columns that are sums of what there is not", "request/recording/summedColumns", ["everything"],
            ["the plan of run.json has summedColumns everything"], [GROUP])
    lie("a token of the plan below 0", "request/recording/tokens", [-1], ["tokens"])
    lie("a branch that there is not", "request/recording/branches", ["both"], ["branches"])
    lie("a precision that there is not", "request/recording/precision", "float7", ["precision"])
    lie("a mean of heads that there is not", "request/recording/reducedHeads", "mode", ["reducedHeads"])

    # The store against run.json.
    def store(name, words, changes, **more):
        run(name, [GROUP, *words], changes, path=GROUP, **more)

    site = "attributes/sites/0/"
    store("a store of another prompt", ["prompt"], {"attributes/prompt": "a dog"})
    store("a store of another seed", ["seed"], {"attributes/seed": 2})
    store("a layer of 2^40 rows", [], {site + "site/grid/rows": 1 << 40})
    store("a layer of no column", [], {site + "site/grid/columns": 0})
    store("a layer of -1 heads", [], {site + "site/heads": -1})
    store("a layer whose name is a path", [], {site + "site/path": "../../../etc"})
    store("a layer whose name is absolute", [], {site + "site/path": "/etc"})
    store("two layers of one name", [], {"attributes/sites/1/site/path": "transformer_blocks.0.attn"})
    store("a head that the layer does not have", [], {site + "heads": [0, 1, 99]})
    store("a token that the text does not have", [], {site + "tokens": [0, 1, 1 << 40]})
    store("a sum over -1 keys", [], {site + "summedColumns/0/keys": -1})
    store("sums of more keys than the layer has", [], {site + "summedColumns/0/keys": 1 << 40})
    store("a store of a precision that there is not", ["precision"], {"attributes/precision": "float7"})

    # Words of a parser.
    def relations(name, words, content):
        group.add(name, ["analyze", "run", "--report", "relations", "--dependencies", "words.tsv"], 65,
                  ["words.tsv", *words], {**SD35, "words.tsv": content})

    relations("relations of 16 MB", ["at most 1048576 bytes", "HEED_LIMITS=relations"], sparse(b"amod\tcat\tred\n", 16 << 20))
    relations("thirty thousand relations of two columns", ["line 1", "got 2 columns"], b"a\tb\n" * 30_000)
    relations("a quarter of a million relations of two columns", ["line 1", "got 2 columns"], b"a\tb\n" * 250_000)
    relations("a mark of byte order and no relation", ["got none"], b"\xef\xbb\xbf# x\r\n\r\n")

    # Exports.
    def export(name, words, sums, files=(), arrays=()):
        document = {"format": "heed-export", "format_version": 2, "files": list(files), "arrays": list(arrays)}
        group.add(name, ["verify-export", "out"], 65, words,
                  {"out/manifest.json": json.dumps(document).encode(), "out/SHA256SUMS": sums})

    export("sums of 300 MB", ["SHA256SUMS", "at most 16777216 bytes", "HEED_LIMITS=description"], sparse(b"", 300 << 20))
    files = [{"path": f"f{i}", "bytes": 1, "sha256": "0" * 64} for i in range(4000)]
    files.append({"path": "q/z/c", "bytes": 1, "sha256": "0" * 64})
    arrays = [{"name": "z", "dtype": "float32", "axes": [], "files": {"zarr": "q/z"}}] * 4000
    export("four thousand arrays and files", ["SHA256SUMS", "line 1", "expected a SHA-256"], b"x\n", files, arrays)
    export("an array in a folder without files of its own", ["files.zarr", "is not among the files"], b"x\n", files,
           [{**arrays[0], "name": "q", "files": {"zarr": "x/q"}}])


GROUPS = {"recorded": (15, recorded)}
