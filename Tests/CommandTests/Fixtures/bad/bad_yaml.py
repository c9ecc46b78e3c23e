"""Bad files of defaults, and bad layouts of sheets."""

from bad_benchmarks import bomb
from make_bad_files import below, empty_folder, link, named_pipe, sparse, tree

RUN = below("packed", tree("CommandTests/Fixtures/bad/packed"))


def defaults(group):
    def add(name, words, content, code=65, arguments=("model",), path="heed.yaml", **more):
        content = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        group.add(name, list(arguments), code, words, {path: content}, **more)

    def file(name, words, content, **more):
        add(name, ["heed.yaml", *words], content, **more)

    file("a file of nothing", ["empty"], "")
    file("a comment alone", ["a YAML mapping", "nothing"], "# steps: 3\n")
    file("a list", ["a YAML mapping", "array"], "- steps\n")
    file("a text", ["a YAML mapping", "string"], "steps 3\n")
    file("text that is no UTF-8", ["UTF-8"], b"steps: \xff\n")
    file("a text that does not end", ["line", "expected YAML"], "steps: 'x\n")
    file("a tab for spaces", ["line 2", "expected YAML"], "sheet:\n\tfor: cvpr\n")
    file("a control character", ["expected YAML", "control characters"], "steps: \x01\n")
    file("two documents", ["line 2", "one YAML document"], "steps: 3\n---\nsteps: 4\n")
    file("a directive for tags", ["%TAG", "(byte 10)"], "%YAML 1.1\n%TAG ! b\n--- {steps: 3}\n")
    for number, end in enumerate(["\n", "\r", "\x85", "\u2028"]):
        tags = "".join(f"%TAG !{i:x}! b{end}" for i in range(60_000))
        file(f"a megabyte of directives, {number}", ["no directive but %YAML, got %TAG", "(byte 0)"], tags + "--- {steps: 3}\n")
    file("a key that is there twice", ["line 2", "each key once", '"steps"'], "steps: 3\nsteps: 4\n")
    file("a key that is a list", ["line 1", "a text for a key"], "[steps]: 3\n")
    file("a key that is a mapping of itself", ["line 1", "a text for a key"], "? {? {? a : b} : c} : d\n")
    file("an anchor and its alias", ["line 2", "no aliases", "*n"], "steps: &n 3\nseeds: *n\n")
    file("an alias of nothing", ["line 1", "no aliases", "*n"], "steps: *n\n")
    file("aliases of aliases", ["no aliases"], bomb())
    file("a key of aliases of aliases", ["no aliases"], bomb(key=True))
    file("lists in 40 levels", ["line 1", "at most 32 levels"], "steps: " + "[" * 40 + "]" * 40 + "\n")
    file("mappings in 900 levels", ["at most 32 levels"], "steps: " + "{a: " * 900 + "}" * 900 + "\n")
    file("lists in a hundred thousand levels", ["at most 32 levels"], "steps: " + "[" * 100_000 + "\n")
    file("eleven thousand values", ["line 1", "at most 10485 values"], "steps: [" + "1," * 11_000 + "]\n")
    file("half a million values", ["at most 10485 values", "HEED_LIMITS=yaml"], "steps: [" + "1," * 500_000 + "]\n")
    file("half a million keys", ["at most 10485 values"], "steps: {" + "".join(f"{i:x}," for i in range(150_000)) + "}\n")
    file("a file of a megabyte and a byte", ["at most 1048576 bytes", "got 1048577", "HEED_LIMITS=yaml"], sparse(b"steps: 3\n", (1 << 20) + 1))
    file("a file of 10 GB", ["at most 1048576 bytes"], sparse(b"steps: 3\n", 10 << 30))
    file("a hundred numbers with colons, which are a text", [], "steps: " + ":".join(["9"] * 100) + "\n",
         code=64, arguments=["generate", "a cat and a frog", "--dry-run"], lines=None)
    group.cases[-1]["words"] = ["--steps", "9:9:9"]
    file("an infinite number", ["line 1", "finite number"], "guidance-scale: .inf\n")
    file("NaN", ["line 1", "finite number"], "guidance-scale: .nan\n")
    file("an option that there is not", ['"stesp" is no option', "did you mean steps?"], "stesp: 4\n")
    file("a command that there is not", ['"compaer" is no command', "did you mean compare?"], "compaer: {steps: 4}\n")
    file("an option of another command", ["generate", '"sedes" is no option of heed generate', "seeds"], "generate: {sedes: 4}\n")
    file("a command that reads no defaults", ["sweep", "reads no defaults"], "sweep: {output: x}\n")
    file("a mapping in an option's place", ["steps"], "generate: {steps: {a: 1}}\n")
    file("a list of mappings in an option's place", ["steps"], "steps: [1, {a: 2}]\n")
    file("a flag that is neither", ["json", "expected true or false"], "json: maybe\n")
    file("a key with control characters", ["\\u{1b}", "is no option"], '"\\e[31mred": 1\n')
    file("a tag of another language's object", ["is no option"], "!!python/object/apply:os.system ['id']: 1\n")
    group.cases[-1]["words"] = ["heed.yaml", "line 1"]
    file("a prompt of 70 KB", ["at most 65536 bytes"], "negative-prompt: " + "a " * 35_000 + "\n",
         arguments=["generate", "a cat and a frog", "--dry-run"])
    file("a zero byte in a folder's name", ["zero byte"], 'output: "runs\\0/../../evil"\n',
         arguments=["generate", "a cat and a frog", "--dry-run"])
    add("a pipe in the file's place", ["heed.yaml", "expected a file"], named_pipe, code=66)
    add("a folder in the file's place", ["heed.yaml", "got a folder"], empty_folder, code=66)
    add("a variable of a flag that is neither", ["HEED_PACK", "expected true or false", '"maybe"'], b"", path="other",
        arguments=["generate", "a cat and a frog", "--dry-run"], environment={"HEED_PACK": "maybe"})
    add("a user's own file with an option that there is not", ["conf/heed/heed.yaml", '"stesp"'], "stesp: 3\n",
        path="conf/heed/heed.yaml", environment={"XDG_CONFIG_HOME": "/proc/self/cwd/conf"})


def layouts(group):
    def add(name, words, content, code=65, **more):
        content = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        group.add(
            name, ["sheet", "--layout", "sheet.yaml", "--print-layout"], code, ["sheet.yaml", *words],
            {"sheet.yaml": content}, **more)

    maps = "rows: [seed]\ncolumns: [word]\n"

    add("a file of nothing", ["empty"], "")
    add("a list", ["a YAML mapping", "array"], "- layout: maps\n")
    add("text that is no UTF-8", ["UTF-8"], b"layout: \xff\n")
    add("a list that does not end", ["line", "expected YAML"], "rows: [seed\ncolumns: [word]\n")
    add("aliases of aliases", ["no aliases"], bomb())
    add("a panel that is an alias", ["line 3", "no aliases", "*a"], "panels:\n- &a {layout: compare}\n- *a\n")
    add("panels in 40 levels", ["line 1", "at most 32 levels"], "panels: " + "[" * 40 + "]" * 40 + "\n")
    add("panels in a hundred thousand levels", ["at most 32 levels"], "panels: " + "[" * 100_000)
    add("eleven thousand panels", ["at most 10485 values"], "panels:\n" + "- layout: compare\n" * 11_000)
    add("a file of 2 MB", ["at most 1048576 bytes"], sparse(b"layout: maps\n", 2 << 20))
    add("a layout that there is not", [".layout", "expected one of", '"mapps"'], "layout: mapps\n")
    add("a layout that is a number", [".layout", "expected a string"], "layout: 3\n")
    add("a key that there is not", ["expected keys among", '"row"'], "row: [seed]\n" + maps)
    add("a key that another layout has", ["expected keys among", '"cases"'], "cases: 3\n" + maps)
    add("no rows", ["rows"], "columns: [word]\n")
    add("rows that are a text", [".rows", "expected an array"], "rows: seed\ncolumns: [word]\n")
    add("rows of what there is not", [".rows[0]", "expected one of", '"sead"'], "rows: [sead]\ncolumns: [word]\n")
    add("steps below 0", [".steps", "0 or more"], "steps: [-1]\n" + maps)
    add("a step of 2^64", [".steps[0]", "expected an integer"], "steps: [18446744073709551616]\n" + maps)
    add("a step that is a fraction", [".steps[0]", "expected an integer"], "steps: [1.5]\n" + maps)
    add("frames below 0", [".frames", "0 or more"], "frames: [-1]\n" + maps)
    add("words that are a number", [".words"], "words: 3\n" + maps)
    add("a recipe that is none", [".recipe"], "recipe: mean(mean)\n" + maps)
    add("a recipe of 100 KB", [".recipe"], "recipe: " + "mean(head) " * 10_000 + "\n" + maps)
    add("colours that there are not", [".colors", '"rainbow"'], "colors: rainbow\n" + maps)
    add("a scale from more to less", [".scale"], "scale: 1..0\n" + maps)
    add("a scale to infinity", [".scale"], "scale: 0..inf\n" + maps)
    add("a level of contours above 1", [".levels"], "levels: [2]\n" + maps)
    add("a level of NaN", ["line 1", "finite number"], "levels: [.nan]\n" + maps)
    add("a flag that is a text", [".log", "expected true or false"], "log: maybe\n" + maps)
    add("a panel that is a text", [".panels[0]", "expected an object"], "panels: [maps]\n")
    add("a row of no panels", [".panels", "at least one panel"], "panels: [[]]\n")
    add("no panels", [".panels", "at least one panel"], "panels: []\n")
    add("cases below 1", [".cases", "1 case or more"], "layout: neglect\ncases: 0\n")
    add("cases of 2^64", [".cases", "expected an integer"], "layout: neglect\ncases: 18446744073709551616\n")
    add("a caption that is a list", [".caption", "expected a string"], "layout: compare\ncaption: [a]\n")
    group.add("a pipe in the place of a layout", ["sheet", "--layout", "sheet.yaml", "--print-layout"], 66,
              ["sheet.yaml", "expected a file"], {"sheet.yaml": named_pipe})
    group.add("a link to itself in the place of a layout", ["sheet", "--layout", "sheet.yaml", "--print-layout"], 66,
              ["sheet.yaml"], {"sheet.yaml": link("sheet.yaml")})
    # What only the drawing can tell.
    for name, words, content, code in [
        ("a step that the run does not have", ["999"], "rows: [step]\ncolumns: [word]\nsteps: [999]\n", 69),
    ]:
        group.add(name, ["sheet", "packed", "--layout", "sheet.yaml", "-o", "sheet.svg"], code, words,
                  {**RUN, "sheet.yaml": content.encode()}, seconds=3, mebibytes=256)


GROUPS = {"defaults": (15, defaults), "layouts": (15, layouts)}
