#!/bin/sh
# Redoes the evaluation of Attend-and-Excite's paper on Menagerie, and puts its tables and figures into the page; takes two hours on two cores:
#   HEED=path/to/heed RUNS=folder Documentation/evaluation/make.sh
set -eu
cd "$(dirname "$0")"
: "${HEED:=../../.build/release/heed}" "${RUNS:=../../.build/evaluation}"

"$HEED" benchmark run --seeds 0..1 --pack -o "$RUNS" --reweight "<subjects>=2" \
  --methods stable-diffusion,attend-and-excite,composable,structure,prompt-to-prompt,syngen,conform
"$HEED" benchmark run --seeds 0..7 --pack -o "$RUNS" --methods stable-diffusion,attend-and-excite
"$HEED" benchmark score "$RUNS" > /dev/null

"$HEED" benchmark table "$RUNS" --format csv > scores.csv
"$HEED" analyze "$RUNS" --report detection --csv > detection.csv
"$HEED" benchmark figure "$RUNS" --kind scores -o scores.png
"$HEED" benchmark figure "$RUNS" --kind strips -o strips.png

# Between its two marks the page has what is measured.
{
  sed '/^<!-- measured -->$/q' ../evaluation.md
  echo
  "$HEED" benchmark table "$RUNS" --format markdown
  echo
  "$HEED" analyze "$RUNS" --report detection --markdown
  echo
  sed -n '/^<!-- end of what is measured -->$/,$p' ../evaluation.md
} > page.md
mv page.md ../evaluation.md
