#!/bin/sh
# Runs every method on eight prompts of the benchmark and sixteen seeds, and measures and draws them; takes an hour:
#   HEED=path/to/heed RUNS=folder Documentation/methods/make.sh
set -eu
cd "$(dirname "$0")"
: "${HEED:=../../.build/release/heed}" "${RUNS:=../../.build/methods}"

methods="stable-diffusion attend-and-excite composable structure prompt-to-prompt syngen ebama divide-and-bind
conform a-star box-diff predicated-diffusion initno overlap-iou overlap-centres overlap-kl overlap-compactness"

# The benchmark's 276 prompts at equal distances: the 18th, 53rd, 87th and so on, with their subjects.
# BoxDiff is given the left and the right half, prompt-to-prompt twice the second subject.
while IFS='|' read -r prompt first second; do
  "$HEED" compare "$prompt" --seeds 0..15 --methods "$(echo $methods | tr ' ' ,)" --tokens "$first,$second" \
    --reweight "$second=2" --box "$first=0,0.1,0.5,0.9" --box "$second=0.5,0.1,1,0.9" \
    --record-tokens "$first,$second" --batch 2 -o "$RUNS" > /dev/null
done << 'END'
a cat and an elephant|cat|elephant
a bear and a rabbit|bear|rabbit
a monkey and a green bowl|monkey|bowl
a lion and a black backpack|lion|backpack
a mouse with a crown|mouse|crown
a frog and a black chair|frog|chair
a blue crown and a red balloon|crown|balloon
a black backpack and a pink balloon|backpack|balloon
END

runs= shown=
for method in $methods; do
  runs="$runs $(echo "$RUNS"/*/"$method")"
  for seed in 4 8; do shown="$shown $RUNS/a-monkey-and-a-green-bowl/$method/seed-$seed"; done
done
"$HEED" analyze $runs --report outcome --csv > runs.csv
"$HEED" analyze $runs --report outcome --over-prompts > table.txt
"$HEED" sheet $shown --layout methods.yaml --scale 0..1 --dpi 150 -o methods.png -o methods.pdf
