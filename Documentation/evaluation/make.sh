#!/bin/sh
# Redoes the evaluation of Attend-and-Excite's paper on Menagerie, and puts its tables and figures into the page; takes three hours on
# two cores, and goes on where it was interrupted:
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
  echo "Do the maps tell the truth? The verdicts of the neglect report beside what the detector sees:"
  echo
  "$HEED" analyze "$RUNS" --report detection --markdown
  cat << 'END'

The charts of these tables, and a row of pictures of the first prompt of each subset by each method; every number is in [scores.csv](evaluation/scores.csv) and
[detection.csv](evaluation/detection.csv):

![Bars of each score by method and subset, with intervals](evaluation/scores.png)

![Pictures of three prompts by seven methods](evaluation/strips.png)

END
  sed -n '/^<!-- end of what is measured -->$/,$p' ../evaluation.md
} > page.md
mv page.md ../evaluation.md
