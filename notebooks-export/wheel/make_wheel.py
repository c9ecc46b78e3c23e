"""Makes the wheel: the command `heed` with every library that it needs, and the two Python modules.

    make_wheel.py --built .build/release --checkouts .build/checkouts --output FOLDER

Run on Debian 12, whose packages the libraries are of. `auditwheel` does not do for it: it trusts that
every machine has X11, GLib, zlib and Expat, and a bare one has none of them. Here everything that the
program loads goes into `heed_command/lib`; the program finds it there by its DT_RPATH, which holds for
the libraries of libraries too, and comes before LD_LIBRARY_PATH, where clusters keep other versions. So
no library of Debian's is altered.

The C library comes along in `heed_command/libc`, with its loader `heed_command/heed.loader`: where the
system's is older than the program needs, `heed_command` starts the program by that loader.

Needs Python 3.11, readelf, strip and patchelf. The same files make the same wheel.
"""

from __future__ import annotations

import argparse
import base64
import csv
import email.message
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
MODULES = HERE.parent
ROOT = MODULES.parent

NAME = "heed-attention"
"""The distribution; `heed` is another program's on the Python Package Index."""

PACKAGE = "heed_command"
RESOURCES = [
    "heed_PromptText.resources", "heed_Diffusion.resources", "heed_Figures.resources",
    "heed_Evaluation.resources",
]

FONTS = {
    "fonts-liberation2": ("LiberationSans-*.ttf", "LiberationSerif-*.ttf"),
    "fonts-dejavu-core": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
}
"""The fonts of Heed's figures, by Debian package."""

OLDEST = (2, 27)
"""The oldest C library, of Python's process, with which the wheel was tried."""

PYTHON = ">=3.9"
"""What starts the command; the modules may need a later one."""

LOADER = "ld-linux-x86-64.so.2"

LARGEST = 100 * 1024 * 1024
"""What the Python Package Index takes for one file [bytes]."""

SWIFT_LICENCE = "Apache-2.0 WITH Swift-exception"


def stop(message: str) -> NoReturn:
    sys.exit(f"make_wheel: {message}")


def output(*command: str | Path) -> str:
    """What a program prints."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        stop(f"{command[0]} is not installed")
    except subprocess.CalledProcessError as error:
        stop(f"{' '.join(map(str, command))} fails: {error.stderr.strip()}")


# --- Libraries


@dataclass(frozen=True)
class Origin:
    """Whose a file is, and on which terms."""

    package: str
    version: str
    licence: str
    source: str
    """Where the source of this very version is."""
    texts: tuple[Path, ...]


@dataclass(frozen=True)
class Library:
    """A shared library, under the name by which programs ask for it."""

    soname: str
    file: Path
    origin: Origin

    @property
    def place(self) -> str:
        """Its path in the package."""
        if self.origin.package != "libc6":
            return f"lib/{self.soname}"
        # The program looks for its files beside what started it, which the loader is then.
        return "heed.loader" if self.soname == LOADER else f"libc/{self.soname}"


class Debian:
    """The packages of this machine."""

    def __init__(self) -> None:
        with open(HERE / "libraries.csv", newline="") as table:
            self.licences = {row["package"]: row["licence"] for row in csv.DictReader(table)}

    def package(self, file: Path) -> str | None:
        """The package that a file is of, if it is of any."""
        # Since /lib became a link to /usr/lib, packages name their files by either path.
        for path in (str(file), str(file).removeprefix("/usr")):
            found = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
            if found.returncode == 0:
                return found.stdout.split(":")[0]
        return None

    def origin(self, package: str) -> Origin:
        if package not in self.licences:
            stop(
                f"{HERE / 'libraries.csv'} has no line for {package}, of which a library is needed; "
                f"read /usr/share/doc/{package}/copyright, and add its licence"
            )
        fields = output("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", package)
        source, version = fields.split()
        return Origin(
            package,
            version,
            self.licences[package],
            f"https://snapshot.debian.org/package/{source}/{quote(version)}/",
            (Path(f"/usr/share/doc/{package}/copyright"),),
        )


def loaded(program: Path) -> dict[str, Path]:
    """Every library that a program loads, by soname."""
    found = {}
    for line in output("ldd", program).splitlines():
        if match := re.match(r"\s*(\S+) => (.*?)( \(0x[0-9a-f]+\))?$", line):
            if not Path(match[2]).exists():
                stop(f"{program} needs {match[1]}, which is not on this machine; make build first")
            found[match[1]] = Path(match[2]).resolve()
        elif LOADER in line:
            found[LOADER] = Path(line.split()[0]).resolve()
    return found


def libraries(program: Path, debian: Debian) -> list[Library]:
    """What goes into the wheel: all that the program loads."""
    files = loaded(program)
    if "libswiftCore.so" not in files:
        stop(f"{program} does not load Swift's libraries; build it without --static-swift-stdlib")
    # The toolchain's usr, above lib/swift/linux.
    toolchain = files["libswiftCore.so"].parents[3]
    version = re.search(r"Swift version (\S+)", output(toolchain / "bin/swift", "--version"))
    if not version:
        stop(f"{toolchain}/bin/swift tells no version")
    swift = Origin(
        "swift",
        version[1],
        SWIFT_LICENCE,
        f"https://github.com/swiftlang/swift/tree/swift-{version[1]}-RELEASE",
        (toolchain / "share/swift/LICENSE.txt",),
    )
    found = []
    for soname, file in sorted(files.items()):
        if package := debian.package(file):
            origin = debian.origin(package)
        elif file.is_relative_to(toolchain):
            origin = swift
            if soname == "lib_FoundationICU.so":
                if b"icudt76" not in file.read_bytes():
                    stop(f"{file} is not ICU 76, whose licence is {HERE / 'licences/ICU.txt'}")
                origin = Origin(
                    "swift-foundation-icu",
                    version[1],
                    f"{SWIFT_LICENCE} AND Unicode-3.0",
                    f"https://github.com/swiftlang/swift-foundation-icu/tree/swift-{version[1]}-RELEASE",
                    (*swift.texts, HERE / "licences/ICU.txt"),
                )
        else:
            stop(f"{file} is neither of a Debian package nor of the toolchain in {toolchain}")
        found.append(Library(soname, file, origin))
    return found


def needed(file: Path) -> set[str]:
    """The sonames that a program or library asks for itself."""
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", file)))


def glibc(file: Path) -> tuple[int, int]:
    """The oldest version of the C library that a file runs with."""
    text = output("readelf", "-VW", file).partition("Version needs section")[2]
    names = set(re.findall(r"Name: (GLIBC_\S+)", text))
    # A compact form of relocations, which 2.36 was the first to read.
    versions = [(2, 36) for name in names & {"GLIBC_ABI_DT_RELR"}]
    for name in names - {"GLIBC_ABI_DT_RELR"}:
        match = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", name)
        if not match:
            stop(f"{file} needs {name}, which no other C library promises")
        versions.append((int(match[1]), int(match[2])))
    return max(versions, default=OLDEST)


def check(package: Path) -> tuple[int, int]:
    """Looks that the program and its libraries need nothing but each other.

    - Returns: the oldest C library that all run with, when it is not their own.
    """
    files = [package / "heed", *sorted((package / "lib").iterdir())]
    brought = {file.name for file in [*files, *(package / "libc").iterdir()]} | {LOADER}
    for file in files:
        if missing := needed(file) - brought:
            stop(f"{file.name} needs {', '.join(sorted(missing))}, which the wheel does not have")
    return max(map(glibc, files))


# --- The package


def bundle(built: Path, package: Path, parts: Sequence[Library], debian: Debian) -> list[Origin]:
    """Puts the program with its libraries, resources and fonts into the package's folder.

    - Returns: whose the fonts are.
    """
    shutil.copytree(HERE / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    program = package / "heed"
    shutil.copy(built / "heed", program)
    output("strip", program)
    output("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/lib", program)
    for part in parts:
        copy = _made(package / part.place)
        shutil.copy(part.file, copy)
        # Swift's have a path of their own, which LD_LIBRARY_PATH would come before.
        if "(RUNPATH)" in output("readelf", "-dW", copy):
            output("patchelf", "--remove-rpath", copy)
    for name in RESOURCES:
        shutil.copytree(built / name, package / name)
    fonts = package / "heed_Figures.resources" / "Fonts"
    fonts.mkdir()
    for name, patterns in FONTS.items():
        files = [Path(line) for line in output("dpkg", "-L", name).splitlines()]
        for pattern in patterns:
            chosen = [file for file in files if file.match(pattern)]
            if not chosen:
                stop(f"the package {name} has no font {pattern}")
            for file in chosen:
                shutil.copy(file, fonts)
    return [debian.origin(name) for name in FONTS]


def sources(checkouts: Path) -> list[Origin]:
    """The Swift packages that are part of the program itself."""
    licences = {"Yams": "MIT", "swift-argument-parser": SWIFT_LICENCE}
    names = sorted(folder.name for folder in checkouts.iterdir() if folder.is_dir())
    if unknown := set(names) ^ set(licences):
        stop(f"{checkouts}: the packages with known licences differ in {', '.join(sorted(unknown))}")
    found = []
    for name in names:
        folder = checkouts / name
        texts = tuple(sorted(folder.glob("LICENSE*")))
        if not texts:
            stop(f"{folder} has no licence")
        address = output("git", "-C", folder, "config", "remote.origin.url").strip()
        if not address.startswith("https://"):
            # SwiftPM clones from a copy of its own, whose origin is the address.
            address = output("git", "-C", address, "config", "remote.origin.url").strip()
        commit = output("git", "-C", folder, "rev-parse", "HEAD").strip()
        version = output("git", "-C", folder, "describe", "--tags", "--always").strip()
        found.append(
            Origin(name, version, licences[name], f"{address.removesuffix('.git')}/tree/{commit}", texts)
        )
    return found


LIBRARIES = """\
What is in this wheel besides Heed
==================================

Heed itself is under the Apache License 2.0 (LICENSE). The program `heed_command/heed` calls the shared
libraries in `heed_command/lib` and `heed_command/libc`. They are Debian's, unaltered, and those of
Swift's toolchain, less their search paths. Each is under its own licence, whose whole text is in the
folder of its package here; the licences that those texts refer to are in `common-licenses`.

The libraries under the GNU licences (GPL, LGPL) are marked with *. Their source is at the address in
their row: Debian's source package of this very version. Each may be replaced: put another build of the
library, under the same name, in its place.

The colour table turbo is Copyright 2019 Google LLC, under the Apache License 2.0.

"""


def notices(
    folder: Path, parts: Sequence[Library], others: Iterable[tuple[str, Origin]]
) -> tuple[list[str], list[str]]:
    """Writes the licence of everything, and a table of what is under which.

    - Returns: the paths below `folder`, and the licences.
    """
    shutil.copy(ROOT / "LICENSE", _made(folder / "LICENSE"))
    shutil.copy("/usr/share/common-licenses/Apache-2.0", _made(folder / "common-licenses/Apache-2.0"))
    table = [("file", "package", "version", "licence", "source")]
    vocabulary = "https://github.com/openai/CLIP"
    clip = Origin("CLIP", "2021", "MIT", vocabulary, (HERE / "licences/CLIP.txt",))
    rows = [(part.place, part.origin) for part in parts]
    rows += [*others, ("heed_PromptText.resources/CLIPVocabulary", clip)]
    licences = {"Apache-2.0"}
    for file, origin in rows:
        mark = "*" if "GPL" in origin.licence else ""
        table.append((file, origin.package, origin.version, origin.licence + mark, origin.source))
        # An alternative stays one, in brackets, among the licences that hold together.
        if " OR " in origin.licence:
            licences.add(f"({origin.licence})")
        else:
            licences.update(origin.licence.split(" AND "))
        for text in origin.texts:
            shutil.copy(text, _made(folder / origin.package / text.name))
            references = re.findall(
                r"/usr/share/common-licenses/([\w.-]*\w)", text.read_text(errors="replace")
            )
            for name in set(references):
                # Some say GPL-2.0 for what the folder calls GPL-2.
                licence = Path("/usr/share/common-licenses") / name.removesuffix(".0")
                if not licence.exists():
                    licence = licence.with_name(name)
                if not licence.is_file():
                    stop(f"{text} refers to {licence}, which is not there")
                shutil.copy(licence, _made(folder / "common-licenses" / licence.name))
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[4]]) for row in table]
    (folder / "LIBRARIES.txt").write_text(LIBRARIES + "\n".join(lines) + "\n")
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    return files, sorted(licences)


def _made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


# --- The wheel


def metadata(version: str, project: Mapping[str, Any], files: Iterable[str], licences: Iterable[str]) -> str:
    """The wheel's METADATA (PEP 566, PEP 639).

    The command needs nothing but a Python that starts it. What the modules need is what their own
    project says, as extras.
    """
    message = email.message.Message()
    message["Metadata-Version"] = "2.4"
    message["Name"] = NAME
    message["Version"] = version
    message["Summary"] = "Records, measures and draws the attention of text-to-image diffusion models"
    message["License-Expression"] = " AND ".join(licences)
    for file in files:
        message["License-File"] = file
    message["Requires-Python"] = PYTHON
    for extra, requirements in project["optional-dependencies"].items():
        message["Provides-Extra"] = extra
        for requirement in [*project["dependencies"], *requirements]:
            what, _, mark = map(str.strip, requirement.partition(";"))
            message["Requires-Dist"] = f'{what}; {f"({mark}) and " if mark else ""}extra == "{extra}"'
    return message.as_string(maxheaderlen=0)


def write(wheel: Path, tree: Path, information: str) -> None:
    """Zips the tree with its RECORD: sorted, under one date."""
    date = int(os.environ.get("SOURCE_DATE_EPOCH") or output("git", "-C", ROOT, "log", "-1", "--format=%ct"))
    # A zip begins in 1980, and counts seconds by two.
    stamp = max(time.gmtime(date)[:6], (1980, 1, 1, 0, 0, 0))
    record = []
    files = sorted(file for file in tree.rglob("*") if file.is_file())
    # pip reads the information last, as the standard asks for.
    files.sort(key=lambda file: file.is_relative_to(tree / information))
    with zipfile.ZipFile(wheel, "w") as archive:

        def add(name: str, data: bytes, mode: int) -> None:
            entry = zipfile.ZipInfo(name, stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, data, compresslevel=9)

        for file in files:
            name, data = file.relative_to(tree).as_posix(), file.read_bytes()
            add(name, data, 0o755 if file.stat().st_mode & 0o100 else 0o644)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}")
        record.append(f"{information}/RECORD,,")
        add(f"{information}/RECORD", ("\n".join(record) + "\n").encode(), 0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--built", type=Path, required=True, help="folder of heed and its resources")
    parser.add_argument("--checkouts", type=Path, required=True, help="sources of its Swift packages")
    parser.add_argument("--output", type=Path, required=True, help="folder for the wheel")
    options = parser.parse_args()

    debian = Debian()
    parts = libraries(options.built / "heed", debian)
    version = output(options.built / "heed", "--version").split()[0]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        fonts = bundle(options.built, tree / PACKAGE, parts, debian)
        for module in ("heed_record.py", "heed_reader.py"):
            shutil.copy(MODULES / module, tree)
        newest = check(tree / PACKAGE)
        # Below this version of the system's C library, the program runs with its own.
        (tree / PACKAGE / "libc/needed").write_text("{}.{}\n".format(*newest))
        information = f"{NAME.replace('-', '_')}-{version}.dist-info"
        others = [("heed_Figures.resources/Fonts", font) for font in fonts]
        others += [("heed", source) for source in sources(options.checkouts)]
        files, licences = notices(_made(tree / information / "licenses") / "", parts, others)
        project = tomllib.loads((MODULES / "pyproject.toml").read_text())["project"]
        (tree / information / "METADATA").write_text(metadata(version, project, files, licences))
        tag = "py3-none-manylinux_{}_{}_x86_64".format(*OLDEST)
        (tree / information / "WHEEL").write_text(
            f"Wheel-Version: 1.0\nGenerator: make_wheel ({version})\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        scripts = {"heed": f"{PACKAGE}:main", **project.get("scripts", {})}
        lines = ["[console_scripts]", *(f"{name} = {function}" for name, function in scripts.items())]
        (tree / information / "entry_points.txt").write_text("\n".join(lines) + "\n")
        installed = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file())
        options.output.mkdir(parents=True, exist_ok=True)
        for old in options.output.glob(f"{NAME.replace('-', '_')}-*.whl"):
            old.unlink()
        wheel = options.output / f"{NAME.replace('-', '_')}-{version}-{tag}.whl"
        write(wheel, tree, information)
    size = wheel.stat().st_size
    if size > LARGEST:
        stop(f"{wheel} has {size} bytes, more than the {LARGEST} that the Python Package Index takes")
    print(
        f"{wheel}: {size / 2**20:.0f} MiB, installed {installed / 2**20:.0f} MiB; "
        f"{len(parts)} libraries; glibc {OLDEST[0]}.{OLDEST[1]} or later, "
        f"below {newest[0]}.{newest[1]} with its own C library"
    )


if __name__ == "__main__":
    main()
