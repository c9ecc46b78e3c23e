#!/bin/sh
# Runs every method on eight prompts of the benchmark and sixteen seeds, and measures and draws them; takes an hour:
#   HEED=path/to/heed RUNS=folder Documentation/methods/make.sh
set -eu
cd "$(dirname "$0")"
: "${HEED:=../../.build/release/heed}" "${RUNS:=../../.build/methods}"

methods="stable-diffusion attend-and-excite composable structure prompt-to-prompt syngen ebama divide-and-bind
conform a-star box-diff predicated-diffusion initno self-cross storm focus jedi tebopt magnet tome overlap-iou overlap-centres overlap-kl overlap-compactness"

# The benchmark's 276 prompts at equal distances: the 18th, 53rd, 87th and so on, with their subjects.
# BoxDiff and A-STAR are told the left and the right half, prompt-to-prompt twice the second subject.
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
  for seed in 4 14; do shown="$shown $RUNS/a-bear-and-a-rabbit/$method/seed-$seed"; done
done
"$HEED" analyze $runs --report outcome --csv > runs.csv
"$HEED" sheet $shown --layout methods.yaml --dpi 150 -o methods.png

cat > README.md << 'END'
# Every method, measured

[Methods](../methods.md) describes them.

Made by `make methods`: eight prompts of Attend-and-Excite's benchmark (at equal distances in its list), seeds 0 to 15, 50
steps, the embedded model; every method with its published schedule. BoxDiff and A-STAR are told to keep the subjects to the
left and the right half, prompt-to-prompt to give the second subject twice its attention. The mean of 128 runs, and in brackets the ends
of its 95 % bootstrap interval:

- **weakest score**: the excitation score (see [Commands](../commands.md#two-quantities)) of the weakest subject, over steps 20 to 24; **at the end**: over steps 40 to 49.
- **overlap**: the soft Jaccard index of the two subjects' maps over all steps.
- **moved**: how far the latent was moved in all.
- **forward**: passes of the UNet, of which each branch of guidance and each pass for an objective counts as one; **backward**: gradients taken back through it.
- **seconds**: of denoising, two runs side by side on two cores; the median of the runs.

| method | weakest score | at the end | overlap | moved | forward | backward | seconds |
| --- | --- | --- | --- | --- | --- | --- | --- |
END
# The median does not move with what else the machine did meanwhile.
"$HEED" analyze $runs --report outcome --over-prompts --csv > means.csv
sort -t, -k2,2 -k10,10g runs.csv | awk -F, '
  FNR == 1 { file++ }
  file == 1 { if ($3 ~ /^[0-9]+$/) { count[$2]++; sorted[$2, count[$2]] = $10 }; next }
  function median(name, half) {
    half = int((count[name] + 1) / 2)
    return (sorted[name, half] + sorted[name, count[name] + 1 - half]) / 2
  }
  function mean(name) { return $column[name] }
  function interval(name) {
    return sprintf("%.3f [%.3f, %.3f]", $column[name], $column[name "_low"], $column[name "_high"])
  }
  FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
  {
    printf "| %s | %s | %s | %s | %.1f | %.0f | %.0f | %.2f |\n", mean("method"), interval("weakest_score"),
      interval("weakest_score_end"), interval("overlap"), mean("moved"), mean("forward"), mean("backward"), median(mean("method"))
  }' - means.csv >> README.md
rm means.csv
cat >> README.md << 'END'

Each run is a row of [runs.csv](runs.csv), as `heed analyze RUNS --report outcome --csv` prints it.

![Pictures and maps of two seeds by every method](methods.png)
END
