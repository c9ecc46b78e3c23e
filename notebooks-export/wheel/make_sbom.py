"""Lists what the command is made of: a software bill of materials in CycloneDX 1.5.

    make_sbom.py --built .build/release --checkouts .build/checkouts --output FILE

Heed itself with its commit, the Swift packages that are part of the program, with the hashes of their commits, every
shared library that the program loads, with the package that it is of, and the data that is not Heed's own. Licences are
those of the wheel. The same program on the same machine gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from make_wheel import ROOT, Debian, Library, Origin, libraries, output, sources

NAMESPACE = uuid.UUID("6f2d9a5e-0c0a-5b8e-9a53-4f9e8f1f6a10")


class ListedDebian(Debian):
    """The packages of this machine, asked once for all libraries of a program."""

    def __init__(self, program: Path) -> None:
        super().__init__()
        found = re.findall(r"=> (/\S+)|^\s*(/\S+) \(", output("ldd", program), re.MULTILINE)
        files = {str(Path(one or other).resolve()) for one, other in found}
        # Since /lib became a link to /usr/lib, packages name their files by either path.
        names = files | {file.removeprefix("/usr") for file in files}
        said = subprocess.run(["dpkg", "-S", *sorted(names)], capture_output=True, text=True).stdout
        self.owners = {}
        for line in said.splitlines():
            owner, _, file = line.partition(": ")
            self.owners[file] = owner.split(":")[0]

    def package(self, file: Path) -> str | None:
        return self.owners.get(str(file)) or self.owners.get(str(file).removeprefix("/usr"))


def sha256(file: Path) -> dict[str, str]:
    return {"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}


def component(kind: str, name: str, version: str, purl: str, licence: str, **others: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": [{"expression": licence}],
        **others,
    }


def swift_package(origin: Origin) -> dict[str, Any]:
    """A package that is part of the program; its address ends in /tree/ and its commit."""
    address, _, commit = origin.source.partition("/tree/")
    purl = f"pkg:swift/{address.removeprefix('https://')}@{origin.version}"
    return component(
        "library", origin.package, origin.version, purl, origin.licence,
        hashes=[{"alg": "SHA-1", "content": commit}],
        externalReferences=[{"type": "vcs", "url": address}],
    )


def shared(parts: list[Library], system: str) -> list[dict[str, Any]]:
    """The packages that libraries are of, each with its files."""
    packages: dict[tuple[str, str], list[Library]] = {}
    for part in parts:
        packages.setdefault((part.origin.package, part.origin.version), []).append(part)
    found = []
    for (name, version), files in sorted(packages.items()):
        origin = files[0].origin
        if name.startswith("swift"):
            repository = name
            purl = f"pkg:github/swiftlang/{repository}@swift-{version}-RELEASE"
        else:
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='.~-')}?arch=amd64&distro={system}"
        found.append(
            component(
                "library", name, version, purl, origin.licence,
                externalReferences=[{"type": "distribution", "url": origin.source}],
                components=[
                    {
                        "type": "file", "bom-ref": f"{purl}#{part.soname}", "name": part.soname,
                        "hashes": [sha256(part.file)],
                    }
                    for part in files
                ],
            )
        )
    return found


def system() -> str:
    fields = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    return "-".join(fields.get(key, "").strip('"') for key in ("ID", "VERSION_ID"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--built", type=Path, required=True, help="folder of heed and its resources")
    parser.add_argument("--checkouts", type=Path, required=True, help="sources of its Swift packages")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    options = parser.parse_args()

    program = options.built / "heed"
    version, _, rest = output(program, "--version").strip().partition(" (commit ")
    commit = rest.split(",")[0].strip("()")
    purl = f"pkg:generic/heed@{version}?vcs_revision={quote(commit)}"
    heed = component(
        "application", "heed", version, purl, "Apache-2.0", hashes=[sha256(program)],
        properties=[{"name": "heed:commit", "value": commit}],
    )
    parts = [swift_package(origin) for origin in sources(options.checkouts)]
    parts += shared(libraries(program, ListedDebian(program)), system())
    parts.append(
        component(
            "data", "CLIP's vocabulary", "2021", "pkg:github/openai/CLIP", "MIT",
            externalReferences=[{"type": "vcs", "url": "https://github.com/openai/CLIP"}],
        )
    )
    try:
        date = int(output("git", "-C", ROOT, "log", "-1", "--format=%ct"))
    except SystemExit:
        date = 0  # not from a clone
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date)),
            "tools": {"components": [{"type": "application", "name": "make_sbom", "version": version}]},
            "component": heed,
        },
        "components": parts,
        "dependencies": [
            {"ref": purl, "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"]} for part in parts),
        ],
    }
    text = json.dumps(bill, indent=2, sort_keys=True)
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(NAMESPACE, text)}"
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n")
    print(f"{options.output}: {len(parts)} components")


if __name__ == "__main__":
    main()
