#!/usr/bin/env bash
# Installs a wheel of Heed in a fresh Linux without Swift, fonts or network, and runs it there:
#
#   Tests/Wheel/run.sh ROOT WHEEL [SUITE [MIRROR]]
#
# ROOT is a folder to make, or one that this made before; its system comes from debootstrap: Debian 12 with
# Python, unless another SUITE is named (trixie; jammy http://archive.ubuntu.com/ubuntu). Needs root,
# debootstrap and the network, which the wheel itself does not see.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath -m "${1:?"usage: run.sh ROOT WHEEL [SUITE [MIRROR]]"}")
wheel=${2:?"usage: run.sh ROOT WHEEL [SUITE [MIRROR]]"}
suite=${3:-bookworm}
requirements=$here/../../notebooks-export/requirements.txt

if [ ! -e "$root/made" ]; then
  # Ubuntu's key is no part of Debian: its packages are read unsigned; python3-venv is of its universe.
  options=(--variant=minbase --include=python3,python3-venv)
  [ "$#" -lt 4 ] || options+=(--no-check-gpg --components=main,universe)
  debootstrap "${options[@]}" "$suite" "$root" "${4:-http://deb.debian.org/debian}"
  chroot "$root" useradd --create-home guest
  # This machine's way to the network, which may lead through a proxy with a certificate of its own.
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp /etc/ssl/certs/ca-certificates.crt "$root/srv/certificates"
  # What heed_reader imports, in the versions of the notebooks where this Python has them.
  grep -E '^(numpy|xarray|zarr)==' "$requirements" > "$root/srv/requirements.txt"
  chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin PIP_CERT=/srv/certificates sh -ec '
    python3 -m venv /srv/pip
    /srv/pip/bin/pip download --quiet --dest /srv/wheels --requirement /srv/requirements.txt ||
      /srv/pip/bin/pip download --quiet --dest /srv/wheels numpy xarray zarr'
  touch "$root/made"
fi

rm -rf "$root"/home/guest/* "$root"/home/guest/.cache "$root"/srv/heed
mkdir "$root/srv/heed"
cp "$wheel" "$here/inside.sh" "$here/check_record.py" "$root/srv/heed/"
# Its own mounts and processes, which end with it, and no network.
unshare --mount --pid --fork --net sh -ec '
  mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev"
  exec chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin su guest -c "bash /srv/heed/inside.sh"' - "$root"

# The same recordings make the same bytes here.
if [ -n "${HEED:-}" ]; then
  scratch=$(mktemp -d)
  trap 'rm -r "$scratch"' EXIT
  "$HEED" sheet "$root/home/guest/runs" --layout steps -o "$scratch/steps.pdf"
  cmp "$root/home/guest/steps.pdf" "$scratch/steps.pdf"
  echo "a sheet is the same as $HEED makes it"
fi
