#!/usr/bin/env bash
# Makes the sample beside this script anew: heed on the search path, or HEED=path/to/heed.
set -euo pipefail
heed=${HEED:-heed}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$heed" compare "a cat and a frog" --seeds 0..7 --layers '*' --phases denoise,loss > compare.txt
runs=runs/a-cat-and-a-frog
plain=$runs/stable-diffusion/seed-1
excited=$runs/attend-and-excite/seed-1

rm -rf "$here/sample"
mkdir "$here/sample"
# One map a call: heads and the layers that the loss reads together.
"$heed" export "$plain" "$excited" -o "$here/sample/maps" --format zarr --dtype float16 --each-step \
  --recipe "mean(head) mean(layer: 16x16) mean(step)" --tokens "<start>,a#1,cat,and,a#2,frog,<end>"
# The run that loses its cat, with every token of the window: the loss's softmax is over them.
"$heed" export "$plain" -o "$here/sample/loss" --format safetensors --each-step \
  --recipe "mean(head) mean(layer: 16x16) mean(step: 0..12)"
# Each head of each layer.
"$heed" export "$plain" "$excited" -o "$here/sample/heads" --format npz --tokens cat,frog \
  --branches conditional --phases denoise
# Every seed: tables of maxima and losses, and the maps that a sheet shows.
"$heed" export "$runs" -o "$here/sample/seeds" --format npz \
  --recipe "mean(head) mean(layer: 16x16) mean(step)" --tokens cat,frog
"$heed" sheet "$plain" "$excited" -o "$here/sample/sheet.png" -o "$here/sample/sheet.json"
cp "$plain/image.png" "$here/sample/plain.png"
cp "$excited/image.png" "$here/sample/excited.png"
