#!/usr/bin/python3
"""Runs heed on the cases of `make_bad_files.py`, and prints how each went as JSON.

    run_cases.py HEED FOLDER [--broken | --all]

Two at a time. Of each case the list says what it asks for and what came: the exit code or the negative
number of a signal, standard output and error, processor time, memory beyond that of `heed --version`, and
what is new or changed in the case's folder. Bytes that are no UTF-8 are shown as escapes. With --broken a
line for each case that is not as it should be is printed instead, and the exit code is 1 where there are any;
with --all what heed says of each case.
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import resource
import signal
import sys
import time

# Who has not ended by then hangs; far more than any case takes on a busy machine.
PATIENCE = 30


def snapshot(folder):
    """What stands below a folder: of files a checksum, of links their targets."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                # A sparse file is known by its size.
                data = b"" if status.st_size > 1 << 26 else open(path, "rb").read()
                content = f"{status.st_size} {hashlib.sha256(data).hexdigest()}"
            else:
                content = f"{status.st_mode:o}"
            found[os.path.relpath(path, folder)] = content
    return found


def text(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="backslashreplace")


class Runner:
    def __init__(self, heed, folder):
        self.heed = os.path.abspath(heed)
        self.folder = os.path.abspath(folder)
        self.base = 0
        self.base = max(self.run({"folder": ".", "arguments": ["--version"]}, "version")["kibibytes"] for _ in "abc")

    def run(self, case, name):
        output = os.path.join(self.folder, "said", name)
        os.makedirs(output + "/home", exist_ok=True)
        with open(output + "/stdin", "wb") as file:
            file.write(base64.b64decode(case.get("stdin", "")))
        kept = {key: os.environ[key] for key in ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"] if key in os.environ}
        environment = {
            **kept,
            **{key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")},
            "HOME": output + "/home",
            "LANG": "C.UTF-8",
            "COLUMNS": "80",
            # A crash shall end at once, without a trace of the stack.
            "SWIFT_BACKTRACE": "enable=no",
            **case.get("environment", {}),
        }
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            try:
                os.chdir(os.path.join(self.folder, case["folder"]))
                for number, stream in enumerate(["stdin", "stdout", "stderr"]):
                    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
                    os.dup2(os.open(f"{output}/{stream}", flags, 0o644), number)
                for limit, value in case.get("limits", {}).items():
                    resource.setrlimit(getattr(resource, "RLIMIT_" + limit.upper()), (value, value))
                # The threads of tests block signals, and a child inherits that; Python ignores two of them.
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                os.execve(self.heed, [self.heed, *map(os.fsencode, case["arguments"])], environment)
            finally:
                os._exit(126)
        hung = False
        while True:
            done, status, usage = os.wait4(child, os.WNOHANG)
            if done:
                break
            if not hung and time.monotonic() - start > PATIENCE:
                hung = True
                os.kill(child, signal.SIGKILL)
            time.sleep(0.003)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "hung": hung,
            "stdout": text(output + "/stdout"),
            "stderr": text(output + "/stderr"),
            "seconds": usage.ru_utime + usage.ru_stime,
            # Of the process that became heed too, but Python is smaller.
            "kibibytes": usage.ru_maxrss - self.base,
        }

    def outcome(self, case):
        folder = os.path.join(self.folder, case["folder"])
        before = snapshot(folder)
        result = self.run(case, case["folder"])
        texts = {name: text(os.path.join(folder, name)) if os.path.isfile(os.path.join(folder, name)) else None
                 for name in {**case.get("holds", {}), **case.get("lacks", {})}}
        after = snapshot(folder)
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        written = case.get("written", [])
        changed = [
            path for path in changed
            if not any(path == allowed or path.startswith(allowed + "/") for allowed in written)
        ]
        return {
            "name": case["name"],
            "command": " ".join(ascii(argument)[1:-1] for argument in case["arguments"])[:400],
            "code": case["code"],
            "words": case["words"],
            "output": case.get("stdout", []),
            "maySpeak": "stdout" in case,
            "lines": case.get("lines", 1),
            "table": case.get("table", False),
            "allowedSeconds": case.get("seconds", 1),
            "allowedKibibytes": case.get("mebibytes", 64) << 10,
            "changed": changed,
            "wanting": [
                f"{name} lacks {word!r}" for name, words in case.get("holds", {}).items()
                for word in words or [""] if word not in (texts[name] or "") or texts[name] is None
            ] + [
                f"{name} holds {word!r}" for name, words in case.get("lacks", {}).items()
                for word in words if word in (texts[name] or "")
            ],
            **result,
        }


def faults(outcome):
    """What is not as it should be, a phrase each."""
    said, messages = outcome["stdout"], outcome["stderr"]
    lines = messages.splitlines()
    if outcome["hung"]:
        yield "hangs"
    if outcome["status"] != outcome["code"]:
        yield f"exit code {outcome['status']}, expected {outcome['code']}"
    if outcome["lines"] is not None and len(lines) != outcome["lines"]:
        yield f"{len(lines)} lines on stderr, expected {outcome['lines']}"
    if any(not line.startswith("heed: ") for line in (lines[:1] if outcome["table"] else lines)):
        yield "a line that does not begin with 'heed: '"
    if outcome["words"] and not any(all(word in line for word in outcome["words"]) for line in lines):
        yield f"no line has all of {outcome['words']}"
    if said and not outcome["maySpeak"]:
        yield f"said on stdout: {said[:200]!r}"
    if any(word not in said for word in outcome["output"]):
        yield f"stdout lacks a word of {outcome['output']}: {said[:600]!r}"
    if any(ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 for c in said + messages):
        yield "control characters"
    if outcome["seconds"] > outcome["allowedSeconds"]:
        yield f"took {outcome['seconds']:.2f} s"
    if outcome["kibibytes"] > outcome["allowedKibibytes"]:
        yield f"took {outcome['kibibytes'] >> 10} MiB"
    yield from outcome["wanting"]
    if outcome["changed"]:
        yield f"wrote {len(outcome['changed'])} paths, among them {', '.join(outcome['changed'][:3])}"


def main():
    heed, folder = sys.argv[1:3]
    with open(os.path.join(folder, "cases.json")) as file:
        cases = json.load(file)
    runner = Runner(heed, folder)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(runner.outcome, cases))
    for outcome in outcomes:
        outcome["faults"] = list(faults(outcome))
    if sys.argv[3:] == ["--all"]:
        for outcome in outcomes:
            print(f"{outcome['name']}\n    $ heed {outcome['command']}\n    {outcome['stderr'].rstrip()}")
        return
    if sys.argv[3:] != ["--broken"]:
        print(json.dumps(outcomes))
        return
    broken = [outcome for outcome in outcomes if outcome["faults"]]
    for outcome in broken:
        print(f"{outcome['name']}: {'; '.join(outcome['faults'])}")
        print(f"    $ heed {outcome['command']}\n    {outcome['stderr'].rstrip()}")
    print(f"{len(outcomes)} cases, {len(broken)} not as they should be")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
