#!/usr/bin/env bash
# Builds the command twice, from clean clones in two folders, and compares: run.sh SWIFT FOLDER
#
# What is compared is the program as make wheel ships it, without symbols, and without the linker's hash over them and
# the compiler's hashes of its modules (.swift_modhash), which take in paths and which nothing reads when it runs. It
# must be the same bytes, but where it names the folder that it was built in; those places are printed, and must be
# SwiftPM's own accessors of resources, which Heed does not use (see ResourceFolder.swift).
set -euo pipefail
[ $# = 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 64; }
swift=$1 folder=$(realpath -m "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$folder"
mkdir -p "$folder"
commit=$(git -C "$root" rev-parse --short=12 HEAD)
git -C "$root" diff --quiet HEAD || echo "note: what is not committed is not built" >&2
# Names of one length, as offsets in the program follow from it.
for name in one two; do
  git clone --quiet "$root" "$folder/$name"
  (
    cd "$folder/$name"
    HEED_COMMIT=$commit "$swift" build -c release --product heed \
      -Xcc "-ffile-prefix-map=$PWD=." -Xswiftc -file-prefix-map -Xswiftc "$PWD=." >"$folder/$name.log" 2>&1 ||
      { grep -a 'error:' "$folder/$name.log" >&2; exit 1; }
  )
  objcopy --strip-all --remove-section=.note.gnu.build-id --remove-section=.swift_modhash \
    "$folder/$name/.build/release/heed" "$folder/$name.heed"
done
python3 - "$folder" <<'PYTHON'
import hashlib, pathlib, re, sys

folder = pathlib.Path(sys.argv[1])
one, two = ((folder / f"{name}.heed").read_bytes() for name in ("one", "two"))
places = set(re.findall(rb"[ -~]*" + re.escape(f"{folder}/one".encode()) + rb"[ -~]*", one))
for place in sorted(places):
    print("differs:", place.decode().replace(f"{folder}/one", "FOLDER"))
known = re.compile(rb".*/\.build/[^/]+/release/heed_[A-Za-z]+\.resources")
strange = [place for place in places if not known.fullmatch(place)]
same = one.replace(f"{folder}/one".encode(), f"{folder}/two".encode()) == two
print(f"two builds: {'the same' if same else 'different'} {len(one)} bytes but for {len(places)} names of the folder")
print("SHA-256:", *(hashlib.sha256(bytes).hexdigest()[:16] for bytes in (one, two)))
if not same:
    changed = sum(a != b for a, b in zip(one, two)) + abs(len(one) - len(two))
    print(f"{changed} bytes differ; look with: cmp -l {folder}/one.heed {folder}/two.heed")
sys.exit(0 if same and not strange else 1)
PYTHON
