# What run.sh runs as a user in the fresh system; ends with the first thing that is wrong.
set -euo pipefail
cd
wheel=$(ls /srv/heed/*.whl)
fail() { echo "wheel: $*" >&2; exit 1; }

for name in swift heed; do ! command -v "$name" > /dev/null || fail "$name is in this system"; done
[ ! -e /usr/share/fonts ] && [ ! -e /etc/fonts ] || fail "this system has fonts"
python3 /srv/heed/check_record.py "$wheel"

python3 -m venv bare
bare/bin/pip install --quiet --disable-pip-version-check --no-index "$wheel"
heed=$PWD/bare/bin/heed
package=$(bare/bin/python -c 'import heed_command; print(heed_command.FOLDER)')
"$heed" --version
[ "$(bare/bin/python -m heed_command --version)" = "$("$heed" --version)" ] ||
  fail "python -m heed_command differs"

# Every command that draws, without a complaint of a library.
"$heed" compare "a cat and a frog" --seeds 0 -o runs 2> messages
"$heed" sheet runs --layout steps -o steps.pdf 2>> messages
"$heed" sheet runs -o sheet.png 2>> messages
"$heed" sheet runs -o sheet.svg 2>> messages
"$heed" sheet runs --layout steps -o steps.gif 2>> messages
"$heed" report runs -o report.html 2>> messages
"$heed" analyze runs > analysis 2>> messages
"$heed" export runs -o maps.nc 2>> messages
"$heed" check runs 2>> messages
for file in runs/*/sheet.pdf runs/*/sheet.png steps.pdf sheet.png sheet.svg steps.gif report.html maps.nc; do
  [ -s "$file" ] || fail "$file is empty: $(cat messages)"
done
! grep -iE 'fontconfig|pango|glib|cairo|warning: .*glyph' messages || fail "a library complains"

# A pipe without a reader ends the command by its signal (128 + 13), as it ends any other.
set +o pipefail
{ sleep 1; exec "$heed" ls runs; } | true
status=${PIPESTATUS[0]}
set -o pipefail
[ "$status" -eq 141 ] || fail "a closed pipe ends the command with $status"

# Nothing is loaded from elsewhere but a C library that is new enough, even where other libraries have the
# same names: the decoys would end the command. Python itself, which starts it, loads what it likes.
mkdir decoys
for library in "$package"/lib/*; do echo decoy > "decoys/${library##*/}"; done
cat > start.py <<'PYTHON'
import os
import sys

import heed_command

os.environ.update(LD_LIBRARY_PATH="decoys", LD_DEBUG="libs", LD_DEBUG_OUTPUT="loaded")
sys.argv[1:] = ["sheet", "runs", "-o", "again.png"]
heed_command.main()
PYTHON
bare/bin/python start.py 2> /dev/null
cmp sheet.png again.png
sed -n 's/.*calling init: //p' loaded.* | sort -u > libraries
while read -r library; do
  case $library in
    "$package"/*) ;;
    *) [ "$(dpkg -S "$(realpath "$library")" "$library" 2> /dev/null | head -n 1 | cut -d : -f 1)" = libc6 ] ||
      fail "$library is loaded from this system" ;;
  esac
done < libraries
inside=$(grep -c "^$package/" libraries)
[ "$inside" -ge "$(ls "$package/lib" | wc -l)" ] || fail "only $inside libraries are loaded from the wheel"
echo "$inside libraries are loaded from the wheel; from the system:" \
  "$(grep -v "^$package/" libraries | sed 's:.*/::' | tr '\n' ' ')"

# The modules, with what they import.
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check --no-index --find-links /srv/wheels \
  "$wheel" numpy xarray zarr
run=$(dirname "$(find runs -name run.json | sort | head -n 1)")
python/bin/python - "$run" <<'PYTHON'
import sys

import heed_reader
import heed_record
import zarr

print(f"{heed_record.Recorder.__name__} and {heed_reader.Maps.__name__} are there")
if int(zarr.__version__.partition(".")[0]) < 3:
    print(f"zarr {zarr.__version__}, the last for this Python, reads no store of format 3: not opened")
    sys.exit()
peak = float(heed_reader.open(sys.argv[1]).map("cat").max())
assert 0 < peak < 1, peak
print(f"heed_reader reads {sys.argv[1]}: peak attention to cat {peak:.4f}")
PYTHON
python/bin/python -m heed_record check "$run"

bare/bin/pip uninstall --quiet --yes heed-attention
left=$(find bare -name 'heed*')
[ -z "$left" ] || fail "pip uninstall leaves $left"
