"""The command `heed`, with every library, font and file that it needs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

__all__ = ["FOLDER", "main"]

FOLDER = Path(__file__).resolve().parent
"""Where the program `heed` is, with `lib` and its resources beside it."""


def main() -> NoReturn:
    """Becomes the program `heed`, with the arguments of this process."""
    # Python ignores these; a program that inherits that would not end when `head` closes its pipe.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    # Heed names its fonts itself, but Pango has fontconfig look for the system's settings, which complains
    # where there are none.
    told = {"FONTCONFIG_FILE", "FONTCONFIG_PATH"} & os.environ.keys()
    if not told and not Path("/etc/fonts/fonts.conf").exists():
        os.environ["FONTCONFIG_FILE"] = str(FOLDER / "fonts.conf")
    program, arguments = FOLDER / "heed", ["heed"]
    if not _system_has(FOLDER / "libc/needed"):
        loader = FOLDER / "heed.loader"
        arguments = [str(loader), "--argv0", "heed", "--library-path", str(FOLDER / "libc"), str(program)]
        program = loader
    try:
        os.execv(program, arguments + sys.argv[1:])
    except OSError as error:
        # The shell's own status for a program that is there and cannot be run.
        print(f"heed: {program} does not start: {error.strerror}", file=sys.stderr)
        sys.exit(126)


def _system_has(needed: Path) -> bool:
    """Whether the system's C library has the version in the file."""

    def numbers(version: str) -> list[int]:
        return [int(number) for number in version.strip().split(".")]

    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        return name == "glibc" and numbers(version) >= numbers(needed.read_text())
    except ValueError:
        return False
