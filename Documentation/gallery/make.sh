#!/bin/sh
# Draws one figure of each kind from runs of the embedded model, and the page that shows them:
#   HEED=path/to/heed RUNS=folder Documentation/gallery/make.sh
set -eu
cd "$(dirname "$0")"
: "${HEED:=../../.build/release/heed}" "${RUNS:=../../.build/gallery}"

"$HEED" compare "a cat and a frog" --seeds 0..7 --layers '*' --phases denoise,loss -o "$RUNS" > /dev/null
runs=$RUNS/a-cat-and-a-frog
page=README.md

# figure NAME "WORDS" SEEDS OPTIONS...: draws NAME.png of those seeds, and shows it with its command.
figure() {
  name=$1 words=$2 seeds=$3
  shift 3
  folders=
  for seed in $seeds; do folders="$folders $runs/stable-diffusion/seed-$seed $runs/attend-and-excite/seed-$seed"; done
  case $name in *.apng) dpi=60 ;; *) dpi=100 ;; esac
  "$HEED" sheet $folders "$@" --dpi $dpi -o "$name"
  quoted=$(for word in "$@"; do case $word in *[\ \*]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac; done)
  cat >> $page << END

## $words

\`heed sheet RUN…$quoted -o $name\`

![$words]($name)
END
}

cat > $page << 'END'
# Gallery

One figure of each kind, drawn by `make gallery` from runs of the embedded model: “a cat and a frog”, eight seeds,
without and with Attend-and-Excite. RUN… are the runs of the seeds that a figure shows.
END

figure compare.png "Pictures and maps of both methods, and peak attention at each step" "0 1" --curves strip
figure seeds.png "A row for each seed" "1 4 7" --layout seeds
figure methods.png "A row for each method" "1 4" --layout methods
figure difference.png "What excitation takes and gives" "1 4" --layout difference
figure tokens.png "Every token of the prompt" 4 --layout tokens
figure steps.png "Steps, a film strip" 4 --layout steps
figure steps.apng "Steps, animated" 4 --layout methods --steps 0,2,4,6,8,10,12,15,20,25,30,40,49 --width 0.5
figure layers.png "Layers" 4 --layout layers --for icml
figure heads.png "Heads of each layer, for one word" 1 --layout heads --words cat --overlay cells --width 0.6
figure matrix.png "How much the maps of two words share" "0 1 2 3 4 5 6 7" --layout matrix
figure curves.png "Curves over the steps" "0 1 2 3 4 5 6 7" --layout curves
figure neglect.png "Ranked cases of neglect" "0 1 2 3 4 5 6 7" --layout neglect --cases 4
figure side.png "Overlay: side by side" 4 --layout seeds --overlay side
figure mosaic.png "Overlay: a square for each cell" 4 --layout seeds --overlay mosaic
figure cells.png "Overlay: whole cells" 4 --layout seeds --overlay cells
figure dim.png "Overlay: dim" 4 --layout seeds --overlay dim
figure contour.png "Overlay: contours" 4 --layout seeds --overlay contour
figure jet-compat.png "Overlay: the published look of Attend-and-Excite" 4 --layout seeds --overlay jet-compat
figure logarithm.png "A logarithmic scale" 4 --layout seeds --overlay cells --log
figure own.png "Each map on its own scale" 4 --layout seeds --overlay cells --scale own
figure dark.png "Dark, in the type of ACM" "1 4" --layout seeds --theme dark --for acm
figure panels.png "Several panels, by a sheet file" "1 4" --layout panels.yaml --for cvpr
