#!/usr/bin/env bash
# Makes the sample beside this script anew, or one of another prompt for the same notebooks:
#   make_sample.sh [FOLDER [PROMPT WORDS SEEDS SEED]]
# as in  make_sample.sh mine "a red car and a sheep" car,sheep 0..7 3
# heed is that on the search path, or HEED=path/to/heed. RUNS names a folder of runs to keep.
set -euo pipefail
heed=${HEED:-heed}
here=$(cd "$(dirname "$0")" && pwd)
sample=${1:-$here/sample}
prompt=${2:-a cat and a frog}
words=${3:-cat,frog}
seeds=${4:-0..7}
seed=${5:-0}
mkdir -p "$(dirname "$sample")"
sample=$(cd "$(dirname "$sample")" && pwd)/$(basename "$sample")
work=${RUNS:-$(mktemp -d)}
if [ -z "${RUNS:-}" ]; then trap 'rm -rf "$work"' EXIT; fi
cd "$work"

"$heed" compare "$prompt" --seeds "$seeds" --layers '*' --phases denoise,loss > compare.txt
runs=$(echo runs/*)
plain=$runs/stable-diffusion/seed-$seed
excited=$runs/attend-and-excite/seed-$seed

rm -rf "$sample"
mkdir "$sample"
# One map a call: heads and the layers that the loss reads together.
"$heed" export "$plain" "$excited" -o "$sample/maps" --format zarr --dtype float16 --each-step \
  --recipe "mean(head) mean(layer: 16x16) mean(step)" --tokens "$words"
# The plain run with every token of the window: the loss's softmax is over them.
"$heed" export "$plain" -o "$sample/loss" --format safetensors --each-step \
  --recipe "mean(head) mean(layer: 16x16) mean(step: 0..12)"
# Each head of each layer.
"$heed" export "$plain" "$excited" -o "$sample/heads" --format npz --tokens "$words" \
  --branches conditional --phases denoise
# Every seed: tables of scores and losses, and mean maps.
"$heed" export "$runs" -o "$sample/seeds" --format netcdf \
  --recipe "mean(head) mean(layer: 16x16) mean(step)" --tokens "$words"
# The maps of a sheet, and the sheet beside them.
"$heed" export "$plain" "$excited" -o "$sample/sheet" --format npy \
  --recipe "mean(head) mean(layer: 16x16) mean(step)" --tokens "$words"
"$heed" sheet "$plain" "$excited" --overlay mosaic -o "$sample/sheet.png" -o "$sample/sheet.json"
