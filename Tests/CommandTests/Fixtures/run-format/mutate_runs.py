"""Changes runs in every way in which one value can be wrong, and says which the JSON Schema accepts.

python mutate_runs.py SCHEMA OUT RUN...

Each RUN is a folder with run.json, and perhaps calls.jsonl. OUT gets a folder for each change, with the
changed file (beside the unchanged run.json, where a line of calls.jsonl is changed), and verdicts.json:
a list of {"folder", "change", "accepted"}. Needs jsonschema.
"""

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in a document, of a list the first element, of objects the last one too."""
    yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list) and value:
        for index in sorted({0, len(value) - 1 if isinstance(value[0], dict) else 0}):
            yield from places(value[index], (*place, index))


def at(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def is_single(place: Place) -> bool:
    """Whether a number may be any, whatever the others are.

    Bounds of ranges, numbers of calls, and what words and tokens name of each other may not.
    """
    return (
        not {"range", "segments", "word"} & set(place)
        and place != ("call",)
        and place[-2:-1] != ("steps",)
        and not ("words" in place and place[-2] == "tokens")
    )


def others(value: Any, place: Place) -> Iterator[tuple[str, Any]]:
    """What may stand in the place of a value, and what that is called."""
    yield "null", None
    if isinstance(value, bool):
        yield "a number", 1
        yield "a text", "true"
    elif isinstance(value, (int, float)):
        yield "a text", str(value)
        yield "true", True
        yield "negative", -3 if value == 0 else -abs(value)
        yield "a fraction", value + 0.5
        if type(value) is int and is_single(place):
            yield "2**20", 2**20
            yield "beyond 2**20", 2**20 + 1
            yield "the largest of 64 bits", 2**63 - 1
        yield "a list", [value]
    elif isinstance(value, str):
        yield "a number", 7
        yield "another text", value + "-other"
        yield "a path", "../" + value
        yield "the folder above", ".."
        yield "no text", ""
        yield "an object", {"text": value}
    elif isinstance(value, list):
        yield "an object", {"0": value}
        yield "a text", "list"
        yield "with a text too many", [*value, "other"]
        yield "with an object too many", [*value, {}]
        if value and all(type(each) is int for each in value):
            yield "with a number too many", [*value, 1 + max(value)]
            yield "with a number too few", value[:-1]
    elif isinstance(value, dict):
        yield "a list", [value]
        yield "a text", "object"


def changes(document: Any) -> Iterator[tuple[str, Any]]:
    """Documents that differ from one in one place, and what was changed."""
    for place in places(document):
        value, name = at(document, place), ".".join(map(str, place)) or "the document"

        def changed(new: Any) -> Any:
            if not place:
                return new
            result = copy.deepcopy(document)
            at(result, place[:-1])[place[-1]] = new
            return result

        if place and isinstance(place[-1], str):
            result = copy.deepcopy(document)
            del at(result, place[:-1])[place[-1]]
            yield f"{name}: absent", result
        for what, new in others(value, place):
            yield f"{name}: {what}", changed(new)
        if isinstance(value, dict):
            yield f"{name}: with another key", changed({**value, "unheard_of": 1})


def main() -> None:
    schema = json.loads(Path(sys.argv[1]).read_text())
    Draft202012Validator.check_schema(schema)
    run = Draft202012Validator(schema)
    call = Draft202012Validator({"$ref": "#/$defs/call", "$defs": schema["$defs"]})
    verdicts: list[dict[str, Any]] = []

    def write(change: str, accepted: bool, files: dict[str, str]) -> None:
        folder = Path(sys.argv[2]) / str(len(verdicts))
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        verdicts.append({"folder": folder.name, "change": change, "accepted": accepted})

    for place in map(Path, sys.argv[3:]):
        text = (place / "run.json").read_text()
        document = json.loads(text)
        for change, changed in [("nothing", document), *changes(document)]:
            write(f"{place.name}/run.json {change}", run.is_valid(changed), {"run.json": json.dumps(changed)})
        journal = place / "calls.jsonl"
        if not journal.exists():
            continue
        # Heed asks of each line that it is the next call: the first is changed, and is alone.
        line = json.loads(journal.read_text().splitlines()[0])
        for change, changed in [("nothing", line), *changes(line)]:
            lines = json.dumps(changed) + "\n"
            write(
                f"{place.name}/calls.jsonl {change}", call.is_valid(changed), {"run.json": text, "calls.jsonl": lines}
            )
    (Path(sys.argv[2]) / "verdicts.json").write_text(json.dumps(verdicts))


main()
