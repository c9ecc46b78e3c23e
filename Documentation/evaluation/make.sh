#!/bin/sh
# Redoes the evaluation of Attend-and-Excite's paper on Menagerie, and puts its tables and figures into the page. Seeds 0..1 by seven methods take
# an hour and a quarter on two cores, seeds 0..7 of the first two another hour; it goes on where it was interrupted:
#   HEED=path/to/heed RUNS=folder SEEDS=0..1 MORE=0..7 Documentation/evaluation/make.sh
set -eu
cd "$(dirname "$0")"
: "${HEED:=../../.build/release/heed}" "${RUNS:=../../.build/evaluation}" "${SEEDS:=0..1}" "${MORE:=0..7}"

"$HEED" benchmark run --seeds "$SEEDS" --pack -o "$RUNS" --reweight "<subjects>=2" \
  --methods stable-diffusion,attend-and-excite,composable,structure,prompt-to-prompt,syngen,conform
"$HEED" benchmark run --seeds "$MORE" --pack -o "$RUNS" --methods stable-diffusion,attend-and-excite
"$HEED" benchmark score "$RUNS" > /dev/null

"$HEED" benchmark table "$RUNS" --format csv > scores.csv
"$HEED" analyze "$RUNS" --report detection --csv > detection.csv
"$HEED" benchmark figure "$RUNS" --kind scores --seeds "$SEEDS" -o scores.png
"$HEED" benchmark figure "$RUNS" --kind strips -o strips.png

# Between its two marks the page has what is measured.
{
  sed '/^<!-- measured -->$/q' ../evaluation.md
  cat << 'END'

![Bars of each score by method and subset, with intervals, for the seeds that every method has](evaluation/scores.png)

![Pictures of three prompts by seven methods](evaluation/strips.png)

END
  "$HEED" benchmark table "$RUNS" --format markdown
  cat << 'END'

Do the maps tell the truth? The verdicts of the neglect report beside what the detector sees:

END
  "$HEED" analyze "$RUNS" --report detection --markdown
  cat << 'END'

Every number is in [scores.csv](evaluation/scores.csv) and [detection.csv](evaluation/detection.csv).
END
  sed -n '/^<!-- end of what is measured -->$/,$p' ../evaluation.md
} > page.md
mv page.md ../evaluation.md
