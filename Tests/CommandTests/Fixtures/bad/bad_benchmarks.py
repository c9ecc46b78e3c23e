"""Bad suites, results of other programs, and answers of studies."""

import binascii
import copy
import json

from make_bad_files import empty_folder, link, named_pipe, sparse

# Suites


def lines(*objects):
    return "".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in objects).encode()


def suites(group):
    def add(name, words, content, file="suite.jsonl", form=None, code=65, **more):
        content = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        group.add(
            name,
            ["benchmark", "run", "--suite", file, "--methods", "stable-diffusion", "--seeds", "0", "--list"]
            + (["--suite-format", form] if form else []), code, [file, *words] if code else [], {file: content}, **more)

    def line(name, words, **members):
        add(name, ["line 1", *words], lines({"prompt": "a cat and a frog", **members}))

    # Lines of JSON.
    add("a file of nothing", [], b"")
    add("blank lines alone", ["expected prompts"], b"\n \n\t\n")
    add("a line that is no JSON", ["line 2", "expected a value"], lines({"prompt": "a cat"}, "cat\n"))
    add("a line that is cut off", ["line 1", "end of the document", "byte"], b'{"prompt": "a ca')
    add("text that is no UTF-8", ["line 2", "UTF-8"], b'{"prompt": "a cat"}\n{"prompt": "\xff"}\n')
    add("half a surrogate", ["line 1", "byte"], b'{"prompt": "\\ud83d cat"}\n')
    add("lists in 40 levels", ["line 1", "nested deeper than 32 levels"],
        b'{"prompt": "a cat", "phrases": ' + b"[" * 40 + b"]" * 40 + b"}\n")
    add("lists in a million levels", ["line 1", "nested deeper than 32 levels"], b'{"prompt": ' + b"[" * 1_000_000)
    line("a key that there is not", ['"subject"', "did you mean subjects?"], subject=["cat"])
    add("a line without a prompt", ["line 1", "prompt"], lines({"id": "a"}))
    add("a prompt of spaces", ["line 1.prompt", "empty text"], lines({"id": "a", "prompt": "  "}))
    add("a prompt of 10001 bytes", ["line 1.prompt", "at most 10000 bytes", "got 10001"], lines({"prompt": "a" * 10_001}))
    line("a prompt with a control character", ["line 1.prompt", "control characters"], prompt="a \x1b[31mcat")
    add("two prompts of one id", ["line 2", "each id once", '"a"', "line 1"],
        lines({"id": "a", "prompt": "a cat"}, {"id": "a", "prompt": "a dog"}))
    line("a word that is not in the prompt", ["subjects", '"dog"'], subjects=["dog"])
    line("an attribute of what is no subject", ["attributes", '"dog"'], subjects=["cat"], attributes={"dog": "red"})
    line("a relation of two texts", ["relations[0]", "got 2 texts"], relations=[["cat", "on"]])
    line("a thousand phrases", ["phrases", "at most 100", "got 1000"], phrases=["a cat"] * 1000)
    # Names are folders of runs.
    for what, name, words in [
        ("the folder above", "..", ["begins with a dot"]), ("a path out of the folder", "../../evil", ["begins with a dot"]),
        ("an absolute path", "/tmp/evil", ["has a slash"]), ("a folder in a folder", "a/b", ["has a slash"]),
        ("nothing", "", ["is empty"]), ("300 bytes", "a" * 300, ["longer than 200 bytes"]),
        ("a zero byte", "a\0b", ["cannot be seen"]), ("a mark that turns the text around", "a\u202eb", ["cannot be seen"]),
    ]:
        line(f"an id that is {what}", ["line 1.id", "the name of a folder", *words], id=name)

    # YAML.
    def yaml(name, words, content, **more):
        add(name, words, content, file="suite.yaml", **more)

    yaml("a YAML suite without prompts", [".prompts", "expected an array"], "prompts: 3\n")
    yaml("a YAML suite with a key that there is not", ['"promts"', "did you mean prompts?"], "promts:\n- prompt: a cat\n")
    add("a table in the place of a suite", ['"prompt,id"', "--suite-format"], "prompt,id\na cat,p1\n", file="suite.csv")
    yaml("a YAML suite that is no YAML", ["line 2", "expected YAML"], "prompts:\n\t- prompt: a cat\n")
    yaml("a YAML suite with a tab of prompts that does not end", ["expected YAML"], "prompts: [{prompt: a cat}")
    yaml("a YAML suite with an alias", ["line 2", "no aliases", "*a"], "name: &a cats\nprompts: [{prompt: *a }]\n")
    yaml("a YAML suite of aliases of aliases", ["no aliases"], bomb())
    yaml("a YAML suite whose key is aliases of aliases", ["no aliases"], bomb(key=True))
    yaml("a YAML suite in 40 levels", ["line 1", "at most 32 levels"], "prompts: " + "[" * 40 + "]" * 40)
    yaml("a YAML suite in a thousand levels", ["at most 32 levels"], "prompts:\n" + "".join(" " * i + "-\n" for i in range(1000)))
    yaml("two YAML documents", ["line 3", "expected one YAML document"], "prompts:\n- prompt: a cat\n---\n- 3\n")
    yaml("a YAML key that is there twice", ["line 3", "each key once", '"id"'], "- id: a\n  prompt: a cat\n  id: b\n")
    yaml("a YAML suite of 17 MB", ["at most 16777216 bytes"], sparse(b"prompts:\n", 17 << 20), seconds=3)
    yaml("a YAML suite of three million values", ["at most 2000000 values", "HEED_LIMITS=yaml"],
         "prompts: [" + "1," * 3_000_000 + "]", seconds=4, mebibytes=256)

    # Other tools' forms.
    add("a hundred thousand prompts and one", ["line 100001", "at most 100000 prompts"],
        "a cat\n" * 100_001, file="color_val.txt")
    add("a line of T2I-CompBench with a zero byte", ["line 2.prompt", "control characters"],
        "a red cat\na \0green dog\n", file="color_val.txt")
    add("a line of T2I-CompBench that is 64 KiB long", ["line 1.prompt", "at most 10000 bytes"], "a " * 32768 + "\n",
        file="color_val.txt")
    add("GenEval's class that is not in the prompt", ["line 1.include[0]", '"dog"'],
        lines({"tag": "single_object", "include": [{"class": "dog", "count": 1}], "prompt": "a cat"}))
    for what, position in [("-1", ["above", -1]), ("2^63 - 1", ["above", (1 << 63) - 1]), ("one too few", ["above"])]:
        add(f"GenEval's position beside class {what}", ["line 1.include[0].position"],
            lines({"tag": "position", "include": [{"class": "cat", "position": position}], "prompt": "a cat"}))
    add("GenEval without a tag", ["line 1", "tag"], lines({"include": [{"class": "cat"}], "prompt": "a cat"}))
    add("GenEval 2 with more skills than questions", ["line 1.vqa_list", "2 skills"],
        lines({"prompt": "a cat", "atom_count": 1, "skills": ["object", "object"],
               "vqa_list": [["Are there any cats in the image?", "Yes"]]}))
    add("GenEval 2 with a skill that there is not", ["skills[0]", "expected one of", '"smell"'],
        lines({"prompt": "a cat", "atom_count": 1, "skills": ["smell"],
               "vqa_list": [["Are there any cats in the image?", "Yes"]]}))
    add("GenEval 2 with a question that names nothing", ["vqa_list[0]", "expected a question like"],
        lines({"prompt": "a cat", "atom_count": 1, "skills": ["object"], "vqa_list": [["Are there any in the image?", "Yes"]]}))
    phrase = {"unique_id": 0, "num_objects": 2, "obj_1_attributes": ["cat"], "obj_2_attributes": ["dog"],
              "rel_type": "above", "text": "a cat above a dog"}
    for what, words, change in [
        ("an entry in another place", ["[0].unique_id", "expected 0"], {"unique_id": 1}),
        ("three objects", ["[0].num_objects", "expected 1 or 2"], {"num_objects": 3}),
        ("2^64 objects", ["[0].num_objects"], {"num_objects": 1 << 64}),
        ("a relation of one object", ["[0]", "two objects"], {"num_objects": 1}),
        ("an object that is a number", ["[0].obj_1_attributes", "a list of one object"], {"obj_1_attributes": [3]}),
    ]:
        add(f"VISOR with {what}", words, json.dumps([{**phrase, **change}]), file="text.json")
    add("lists of prompts with a number among them", [".animals[1]", "the integer 3"], '{"animals": ["a cat", 3]}',
        file="prompts.json")
    add("a suite of 65 MB", ["at most 67108864 bytes"], sparse(b'{"prompt": "a cat"}\n', 65 << 20))
    command = ["benchmark", "run", "--methods", "stable-diffusion", "--list", "--suite"]
    group.add("a pipe in the place of a suite", [*command, "suite.jsonl"], 66, ["suite.jsonl", "expected a file"],
              {"suite.jsonl": named_pipe})
    group.add("a folder in the place of a suite", [*command, "suite.jsonl"], 66, ["suite.jsonl", "got a folder"],
              {"suite.jsonl": empty_folder})
    group.add("a link to itself in the place of a suite", [*command, "suite.jsonl"], 66, ["suite.jsonl"],
              {"suite.jsonl": link("suite.jsonl")})
    # A file of prompts is no suite, but stands for one.
    for name, words, content in [
        ("a file of prompts with a text that is no UTF-8", ["line 2", "UTF-8"], b"a cat and a dog\n\xff\n"),
        ("a file of prompts with one twice", ["line 3", "that of line 1 again"], b"a cat and a dog\na cat and a frog\na cat and a dog\n"),
        ("a file of comments alone", ["expected prompts"], b"# a cat\n\n"),
        ("20000 prompts of which the last is there twice", ["line 20001", "that of line 20000 again"],
         "".join(f"a cat and a frog {i}\n" for i in range(20_000)).encode() + b"a cat and a frog 19999\n"),
        ("a line of 70 KB", ["line 2", "at most 65536 bytes"], b"a cat and a frog\n" + b"a " * 35_000),
        ("a line of 100 MB", ["line 1 is longer than 1048576 bytes"], sparse(b"a cat", 100 << 20)),
    ]:
        group.add(name, ["compare", "--dry-run", "--from", "prompts.txt"], 65, ["prompts.txt", *words],
                  {"prompts.txt": content})


def bomb(key=False):
    """Ten lists, each of ten aliases of the one before: 10 billion values."""
    text = "x0: &x0 [cat,cat,cat,cat,cat,cat,cat,cat,cat,cat]\n"
    for level in range(1, 10):
        text += f"x{level}: &x{level} [" + ",".join([f"*x{level - 1} "] * 10) + "]\n"
    return "prompts:\n- prompt: a cat\n" + text + ("? *x9\n: 1\n" if key else "name: *x9\n")


# Results


BENCH = {
    "bench/suite.jsonl": lines(
        {"id": "p1", "prompt": "a cat and a frog", "subjects": ["cat", "frog"]},
        {"id": "p2", "prompt": "a dog and a bird", "subjects": ["dog", "bird"]}),
    "bench/benchmark.json": json.dumps({
        "format": 1, "suite": "suite", "model": "Menagerie", "methods": ["stable-diffusion", "attend-and-excite"],
        "titles": ["Stable Diffusion", "Attend-and-Excite"], "seeds": [0, 1]}).encode(),
}


def exported(layout, *pictures):
    return json.dumps({
        "format": 1, "layout": layout, "suite": "suite",
        "pictures": [{"file": file, "key": key, "id": "p1", "method": "stable-diffusion", "seed": seed, **more}
                     for file, key, seed, more in pictures]}).encode()


def results(group):
    def add(name, words, content, file="scores.csv", more_files={}, options=(), code=65, **more):
        content = content.encode() if isinstance(content, str) else content
        group.add(name, ["benchmark", "import", "bench", file, *options], code, words if code else [],
                  {**BENCH, **more_files, file: content}, **more)

    def csv(name, words, content, **more):
        add(name, ["scores.csv", *words], content, **more)

    head = "id,method,seed,score\n"
    row = "p1,stable-diffusion,0,0.5\n"

    # Tables.
    csv("a file of nothing", ["empty"], "")
    csv("a table without rows", ["expected results, got none"], head)
    csv("text that is no UTF-8", ["line 2", "UTF-8"], head.encode() + b"p1,\xff,0,0.5\n")
    csv("a column that is there twice", ["line 1", "each column once"], "id,id\n")
    csv("a row of fewer fields", ["line 3", "expected 4 fields", "got 2"], head + row + "p1,x\n")
    csv("a quote that is not closed", ["line 2", "closing quote"], head + "\"p1,stable-diffusion,0,0.5\n")
    csv("a quote that closes within a field", ["line 2", "after its closing quote"], head + '"p1"x,stable-diffusion,0,0.5\n')
    csv("neither a path nor a run", ["line 2"], "name,score\np1,0.5\n")
    csv("a picture that the benchmark does not have", ["line 2", "expected a picture of the benchmark", "p9"],
        head + "p9,stable-diffusion,0,0.5\n")
    csv("a path out of the benchmark", ["line 2", "expected a picture of the benchmark"],
        "path,score\n../../../etc/seed-0/image.png,0.5\n")
    csv("a path to a run that there is not", ["line 2", "expected a picture of the benchmark"],
        "path,score\np1/../seed-0/image.png,0.5\n")
    csv("a picture that is there twice", ["line 3", "each picture once", "line 2"], head + row * 2)
    csv("a seed of 2^64", ["line 2"], head + "p1,stable-diffusion,18446744073709551616,0.5\n")
    csv("a seed below 0", ["line 2"], head + "p1,stable-diffusion,-1,0.5\n")
    csv("a score that is no number among numbers", ["line 3.score", "expected a number"],
        head + row + "p1,stable-diffusion,1,much\np2,stable-diffusion,1,0.2\n")
    csv("a score of NaN", ["line 2.score", "expected a number"], head + "p1,stable-diffusion,0,nan\n" + "p1,stable-diffusion,1,0.5\n")
    csv("an infinite score", ["line 2.score", "expected a number"], head + "p1,stable-diffusion,0,1e999\n")
    csv("a million commas", ["line 2", "expected 4 fields", "got 1000001"], head + "," * 1_000_000)
    csv("half a million rows of one field", ["line 2", "expected 4 fields", "got 1"], head + "x\n" * 500_000)
    csv("three million rows", ["at most 1000000 lines", "split the file"], head + "x\n" * 3_000_000)
    csv("rows of which one is too much", ["line 200002", "at most 200000 rows"], "path,s\n" + "a,1\n" * 200_001,
        seconds=4, mebibytes=256)
    add("a line of JSON that names no picture, and half a million after it", ["scores.jsonl", "line 2", "the name of a picture"],
        lines({"id": "p1", "method": "stable-diffusion", "seed": 0, "score": 1}, "{}\n" * 500_000), file="scores.jsonl")
    add("line feeds without number, and a brace", ["scores.jsonl", "at most 1000000 lines"], "\n" * 5_000_000 + "{", file="scores.jsonl")
    csv("a control character in a picture's name", ["line 2", "\\u{1b}"], head + "\x1b[31m,stable-diffusion,0,0.5\n")
    add("lines of JSON of which one is no object", ["scores.jsonl", "line 2"],
        lines({"id": "p1", "method": "stable-diffusion", "seed": 0, "score": 1}, "[1]\n"), file="scores.jsonl")
    add("a list in a thousand levels", ["scores.json", "nested deeper than 32 levels"], "[" * 1000, file="scores.json")
    add("a key that is there twice", ["scores.json", "duplicate key", "score"],
        '[{"id": "p1", "method": "stable-diffusion", "seed": 0, "score": 1, "score": 2}]', file="scores.json")
    csv("a file of 65 MB", ["at most 67108864 bytes"], sparse(head.encode() + row.encode(), 65 << 20))

    # What a scorer is called is a file in `scores`.
    for what, name in [("a path out of the folder", "../evil"), ("an absolute path", "/tmp/evil"), ("a hidden file", ".evil"),
                       ("nothing", "")]:
        csv(f"a scorer whose name is {what}", ["a name that a file can have"], head + row, options=["--name", name])
    csv("the name of a scorer of Heed's own", ["clip is a scorer of Heed's own"], head + row, options=["--name", "clip"])
    add("a file named after the folder above", ["a name that a file can have"], head + row, file="...csv")

    # Tools' own forms, with the export whose pictures they scored.
    pictures = {"heed-export.json": exported("geneval", ("00000/samples/00000.png", "00000/samples/00000.png", 0, {}))}
    line = {"filename": "out/00000/samples/00000.png", "correct": True, "details": "{}"}

    def geneval(name, words, **change):
        add(name, ["results.jsonl", "line 1", *words], lines({**line, **change}), file="results.jsonl", more_files=pictures)

    geneval("GenEval's path of two parts", [".filename", "expected a path like"], filename="a/b.png")
    geneval("GenEval's path to a picture that was not exported", ["expected a picture of the export"],
            filename="x/00009/samples/00000.png")
    geneval("GenEval's verdict that is a text", [".correct"], correct="yes")
    geneval("GenEval's boxes that are no JSON", [".details", "boxes by class as JSON"], details="{cat")
    geneval("GenEval's boxes in a thousand levels", [".details", "nested deeper"], details='{"cat":' + "[" * 1000)
    geneval("GenEval's box of four numbers", [".details", "got 4"], details='{"cat": [[1, 2, 3, 4]]}')
    add("GenEval's results without an export", ["results.jsonl", "--export"], lines(line), file="results.jsonl", code=66)
    add("answers of GenEval 2 above 1", ["scores.json", "[0][0]", "0 to 1"], "[[1.5]]", file="scores.json",
        more_files={"heed-export.json": exported("geneval2", ("0.png", "0", 0, {"questions": 1}))})
    add("answers of GenEval 2 to more questions than were asked", ["scores.json", "[0]", "got 2"],
        "[[1, 0]]", file="scores.json",
        more_files={"heed-export.json": exported("geneval2", ("0.png", "0", 0, {"questions": 1}))})
    dsg = {"heed-export.json": exported("dsg", ("p1.png", "p1", 0, {"questions": 2}))}
    dsg_head = "item_id,t2i_model,question_id,dependency_id,answer\n"
    for what, words, rows in [
        ("an answer that is neither yes nor no", ["line 2", "yes or no", '"maybe"'], "p1,stable-diffusion,1,0,maybe\n"),
        ("question 0", ["line 2", "from 1"], "p1,stable-diffusion,0,0,yes\n"),
        ("an answer that is there twice", ["line 3", "each answer once"], "p1,stable-diffusion,1,0,yes\n" * 2),
        ("a question that depends on one without an answer", ["line 2", "question 7"], "p1,stable-diffusion,1,7,yes\n"),
    ]:
        add(f"DSG with {what}", ["dsg.csv", *words], dsg_head + rows, file="dsg.csv", more_files=dsg)
    add("the results of another layout than the export's", ["dsg.csv", "whose layout the export has"],
        dsg_head + "p1,stable-diffusion,1,0,yes\n", file="dsg.csv", more_files=pictures)

    # The export's own record.
    for what, words, content in [
        ("cut off", ["byte"], pictures["heed-export.json"][:-9]),
        ("of another format", ["format", "expected 1, got 2"], pictures["heed-export.json"].replace(b'"format": 1', b'"format": 2')),
        ("of a layout that there is not", ["layout", "expected one of"], pictures["heed-export.json"].replace(b"geneval", b"genevil")),
        ("other JSON", ["what heed benchmark export writes"], b"{}"),
    ]:
        add(f"an export whose record is {what}", ["heed-export.json", *words], lines(line), file="results.jsonl",
            more_files={"heed-export.json": content})
    add("an export of another benchmark", ["of another benchmark", "p9"], lines(line), file="results.jsonl",
        more_files={"heed-export.json": pictures["heed-export.json"].replace(b'"p1"', b'"p9"')})

    # The benchmark's own files.
    record = json.loads(BENCH["bench/benchmark.json"])
    for what, words, change in [
        ("a method that is a path", ["methods", "names of folders"], {"methods": ["../../evil", "attend-and-excite"]}),
        ("a method twice", ["each method"], {"methods": ["a", "a"]}),
        ("no titles", ["each method"], {"titles": []}),
        ("a seed below 0", ["record of a benchmark"], {"seeds": [-1]}),
    ]:
        csv(f"a record of a benchmark with {what}", [], head + row,
            more_files={"bench/benchmark.json": json.dumps({**record, **change}).encode()})
        group.cases[-1]["words"] = ["benchmark.json", *words]
    csv("scores that are there and damaged", [], head + row,
        more_files={"bench/scores/scores.jsonl": b'{"scorer": "scores"}\n'})
    group.cases[-1]["words"] = ["scores/scores.jsonl", "line 1", "the score of a picture"]

    # What a scorer's file leads to, or is, may be somebody's own.
    for what, words, files in [
        ("that are a link to a text", ["scores/scores.jsonl", "symbolic link"],
         {"own.txt": b"a text without a line feed", "bench/scores/scores.jsonl": link("../../own.txt")}),
        ("that are a link to nothing", ["scores/scores.jsonl", "symbolic link"],
         {"bench/scores/scores.jsonl": link("../../own.txt")}),
        ("in a folder that is a link", ["bench/scores", "symbolic link"],
         {"own/clip.jsonl": b"", "bench/scores": link("../own")}),
        ("that are a text without a line feed", ["scores/scores.jsonl", "line 1", "cut off", "remove the file"],
         {"bench/scores/scores.jsonl": b"a text without a line feed"}),
    ]:
        csv(f"scores {what}", [], head + row, more_files=files)
        group.cases[-1]["words"] = words
    group.add("scores that are a link, in a table", ["benchmark", "table", "bench"], 65, ["scores/a.jsonl", "symbolic link"],
              {**BENCH, "own.txt": b"{}\n", "bench/scores/a.jsonl": link("../../own.txt")})


# Answers


KEY = {
    "format": "heed study key", "version": 1, "study": "0123456789abcdef", "seed": 0,
    "methods": ["stable-diffusion", "attend-and-excite"],
    "questions": [
        {"code": "bcdfghjk", "id": "p1", "prompt": "a cat and a frog", "seeds": ["0"],
         "sets": [{"code": "kkkkkkkk", "method": "stable-diffusion"}, {"code": "mmmmmmmm", "method": "attend-and-excite"}]},
        {"code": "lmnpqrst", "id": "p2", "prompt": "a dog and a bird", "subset": "s", "seeds": ["0"],
         "sets": [{"code": "pppppppp", "method": "attend-and-excite"}, {"code": "qqqqqqqq", "method": "stable-diffusion"}]},
    ],
}
ANSWERS = {
    "format": "heed study answers", "version": 1, "study": KEY["study"], "respondent": "00112233445566ff", "seed": 7,
    "answers": [
        {"question": "bcdfghjk", "order": ["mmmmmmmm", "kkkkkkkk"], "choice": "mmmmmmmm"},
        {"question": "lmnpqrst", "order": ["pppppppp", "qqqqqqqq"], "choice": "qqqqqqqq"},
    ],
}


def sealed(answers):
    """The answers with the checksum of what they say."""
    told = [answers["study"], answers["respondent"], str(answers["seed"])]
    told += [" ".join([each["question"], *each["order"], each["choice"]]) for each in answers["answers"]]
    return {**answers, "checksum": f"{binascii.crc32(chr(10).join(told).encode()):08x}"}


def answers(group):
    def add(name, words, content, key=KEY, code=65, others={}, arguments=("answers.json",), **more):
        content = content if isinstance(content, bytes) or callable(content) else json.dumps(content).encode()
        key = key if isinstance(key, bytes) else json.dumps(key).encode()
        group.add(
            name, ["study", "tally", *arguments], code, words,
            {"study-key.json": key, "answers.json": content, **others}, **more)

    def changed(name, words, change, seal=True):
        document = copy.deepcopy(ANSWERS)
        change(document)
        add(name, ["answers.json", *words], sealed(document) if seal else document)

    good = sealed(ANSWERS)
    text = json.dumps(good)

    add("a file of nothing", ["answers.json", "empty"], b"")
    add("answers that are cut off", ["answers.json", "byte"], text[:-9].encode())
    add("text that is no UTF-8", ["answers.json", "byte"], text.replace("bcdfghjk", "\x00").encode().replace(b"\\u0000", b"\xff"))
    add("a web page", ["answers.json"], b"<!doctype html>")
    add("other JSON", ["answers.json", '"heed study answers"'], {"answers": []})
    add("the key in the place of answers", ["answers.json", '"heed study answers"'], KEY)
    add("another version", ["answers.json", "version", "expected 1", "another Heed"], {**good, "version": 2})
    add("a version of 2^64", ["answers.json", "version"], {**good, "version": 1 << 64})
    add("answers of another study", ["answers.json", "another questionnaire", KEY["study"]], sealed({**ANSWERS, "study": "f" * 16}))
    changed("a respondent that is a path", ["respondent", "16 hexadecimal digits"], lambda d: d.update(respondent="../../../../e"))
    changed("a respondent of 17 digits", ["respondent", "16 hexadecimal digits"], lambda d: d.update(respondent="0" * 17))
    changed("a seed that is a fraction", ["seed"], lambda d: d.update(seed=7.5))
    changed("a question that was not asked", ["answers[0].question", "a question of the questionnaire"],
            lambda d: d["answers"][0].update(question="zzzzzzzz"))
    changed("two answers to a question", ["answers[1].question", "one answer to a question"],
            lambda d: d["answers"].__setitem__(1, d["answers"][0]))
    changed("a set of another question", ["answers[0].order", "each set of the question"],
            lambda d: d["answers"][0].update(order=["kkkkkkkk", "pppppppp"]))
    changed("a set twice", ["answers[0].order", "each set of the question"],
            lambda d: d["answers"][0].update(order=["kkkkkkkk", "kkkkkkkk"]))
    changed("a choice of no set", ["answers[0].choice", "expected a set"], lambda d: d["answers"][0].update(choice="none"))
    changed("an answer that is missing", ["incomplete", "all 2 questions", "got 1"], lambda d: d["answers"].pop())
    changed("no checksum", ["checksum"], lambda d: None, seal=False)
    add("a checksum of other answers", ["answers.json", "checksum", "damaged"], {**good, "checksum": "00000000"})
    add("a choice that was changed afterwards", ["answers.json", "checksum", "damaged"],
        text.replace('"choice": "mmmmmmmm"', '"choice": "kkkkkkkk"').encode())
    add("a key that is there twice", ["answers.json", "duplicate key"], text.replace('"seed": 7', '"seed": 7, "seed": 8').encode())
    add("lists in a thousand levels", ["answers.json", "nested deeper than 32 levels"],
        b'{"format": "heed study answers", "answers": ' + b"[" * 1000)
    add("answers of 5 MB", ["answers.json", "at most 4194304 bytes"], sparse(text.encode(), 5 << 20))
    add("a file twice", ["answers.json", "the same respondent", "00112233445566ff"], good, arguments=["answers.json", "answers.json"])
    add("a pipe in the place of answers", ["answers.json", "expected a file"], named_pipe, code=66)
    add("answers that there are not", ["gone.json"], good, code=66, arguments=["gone.json"])

    # The key.
    def key(name, words, change):
        document = copy.deepcopy(KEY)
        change(document)
        add(name, ["study-key.json", *words], good, key=document)

    add("a key that is cut off", ["study-key.json", "byte"], good, key=json.dumps(KEY)[:-9].encode())
    key("a key of one method", ["methods", "two methods or more"], lambda d: d.update(methods=["stable-diffusion"]))
    key("a key of a method whose name goes on in another line", ["a\\u{a}heed: all answers were counted"],
        lambda d: d.update(methods=["a\nheed: all answers were counted", "b"]))
    key("a key of a method with a name of a megabyte", ["aaaa … aaaa"], lambda d: d.update(methods=["a" * 1_000_000, "b"]))
    key("a key without questions", ["questions", "got none"], lambda d: d.update(questions=[]))
    key("a key with a code twice", ["questions", "each code once"], lambda d: d["questions"][1].update(code="bcdfghjk"))
    key("a key with a question that lacks a method", ["questions[0]", "a set for each of the methods"],
        lambda d: d["questions"][0]["sets"].pop())
    key("a key with a seed below 0", ["seed", "32 bits"], lambda d: d.update(seed=-1))
    key("a key with a code that is a number", ["questions[0].code"], lambda d: d["questions"][0].update(code=3))


GROUPS = {"suites": (15, suites), "results": (15, results), "answers": (15, answers)}
