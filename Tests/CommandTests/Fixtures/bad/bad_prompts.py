"""Prompts that are refused, and prompts that are odd and work.

`PromptTests` and `HostileTextTests` look at what is made of those that work.
"""

LONG = "a cat and a frog " * 4000


def prompts(group):
    def add(name, prompt, words, code=65, options=("--tokens", "cat,frog"), command="generate", **more):
        text = prompt.decode("utf-8", "surrogateescape") if isinstance(prompt, bytes) else prompt
        if code == 0:
            more = {"stdout": ["runs"], "lines": None, "seconds": 3, "mebibytes": 256, **more}
        group.add(name, [command, *options, "--dry-run", "--", text], code, words, {}, **more)

    # Refused; where words must be chosen, with the table of tokens.
    table = {"lines": None, "table": True}
    add("no text", "", ["the prompt is empty"])
    add("spaces alone", " \t ", ["the prompt is empty"])
    add("a line's end alone", "\n", ["the prompt is empty"])
    add("a byte that is no UTF-8", b"a \xff cat", ["is not UTF-8", "argument 6"])
    add("half a surrogate in UTF-8", b"a cat \xed\xa0\xbd", ["is not UTF-8"])
    add("a zero byte in five bits too many", b"a cat \xc0\x80", ["is not UTF-8"])
    add("a text of 68 KB", LONG, ["argument 6: expected a text of", "at most 65536 bytes", "got 68000", "HEED_LIMITS=prompt"])
    add("a word that is not there", "a cat", ['"frog"'], code=64, **table)
    add("a repeated word that is there three times, not four", "a cat and a cat and a cat", ["cat"], code=64,
        options=["--tokens", "cat#4"], **table)
    add("a word that is cut off with the end of a long prompt", "a cat " + "and " * 80 + "a frog",
        ['"frog" is beyond the 77 tokens'], code=64)
    add("marks alone", "\u0301" * 40, [], code=64, **table)
    add("a zero-width space and nothing else", "\u200b", [], code=64, **table)
    group.add("a file of a prompt with a byte that is no UTF-8", ["compare", "--dry-run", "--from", "-"], 65,
              ["standard input", "line 2 is not UTF-8"], {}, stdin=b"a cat and a frog\na \xfe cat\n")
    group.add("a megabyte in one line", ["compare", "--dry-run", "--from", "-"], 65,
              ["standard input", "line 1", "at most 65536 bytes"], {}, stdin=b"a cat and a frog " * 60_000)
    group.add("two megabytes in one line", ["compare", "--dry-run", "--from", "-"], 65,
              ["standard input", "line 1 is longer than 1048576 bytes"], {}, stdin=b"a cat and a frog " * 120_000)
    group.add("zero bytes without an end", ["compare", "--dry-run", "--from", "/dev/zero"], 65,
              ["/dev/zero", "line 1 is longer than 1048576 bytes"], {})

    # Accepted.
    for name, prompt in [
        ("more than 77 tokens", "a cat and a frog " * 30),
        ("from right to left", "חתול cat וצפרדע frog"),
        ("marks that turn the direction", "a \u202ecat\u202c and a \u2066frog\u2069"),
        ("emoji joined to a family", "a cat 👨\u200d👩\u200d👧 and a frog 🐸"),
        ("Chinese and Japanese", "猫 cat と蛙 frog"),
        ("escapes of a terminal", "a \x1b[31m cat \x1b[0m and a \x07 frog"),
        ("the end of a script", "</script><b>cat</b> &amp; frog"),
        ("what means something to LaTeX", "\\textbf{cat} $x_1$ % frog \\input{/etc/passwd}"),
        ("what means something to XML", "<cat a='1'> & \"frog\" ]]> <!-- -->"),
        ("a path", "../../etc/passwd cat frog"),
        ("a dash first", "--cat and a frog"),
        ("several lines", "a cat\r\nand\na frog"),
        ("letters and marks apart", "a cafe\u0301 cat and a frog"),
        ("a word a hundred times", "cat " * 100 + "frog"),
        ("a line separator", "a cat\u2028and a frog\u2029"),
        ("a mark of byte order", "\ufeffa cat and a frog"),
    ]:
        options = ["--tokens", "cat#1"] if "hundred" in name or "77" in name else ["--tokens", "cat"]
        add(name, prompt, [], code=0, options=options)


GROUPS = {"prompts": (24, prompts)}
