#!/usr/bin/env bash
# Tries to break recordings and to bring in bad files, whole: run.sh SWIFT SECONDS
#
# Runs the tests of bad inputs, faults, kills, locks and equal bytes with all their cases, which `make test` does a
# part of, and gives the parsers inputs that nobody wrote for SECONDS. The last line adds up what they said.
# Ends with 1 where a test fails, a call is lost or a parser crashes.
set -uo pipefail
[ $# = 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 64; }
swift=$1 seconds=$2
suites='BadFileTests|DamageTests|ExchangeTests|HostileTextTests|KillTests|FaultTests|RunLockTests|RunPackTests'
suites+='|InterruptTests|OutputFolderTests|DeterminismTests|MemoryLimitTests|ManyRunsTests'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
HEED_TORTURE=1 "$swift" test -c release --skip-build --filter "$suites" 2>&1 | tee -a "$log" || code=1
if [ "$seconds" != 0 ]; then
  make --no-print-directory fuzz SECONDS="$seconds" 2>&1 | tee -a "$log" || code=1
fi

# sum PATTERN...: the numbers in what the patterns leave of the lines, each of what the one before left, together.
sum() {
  local found
  found=$(cat "$log")
  for pattern in "$@" '[0-9]+'; do found=$(grep -aoE -- "$pattern" <<<"$found"); done
  awk '{ sum += $1 } END { print sum + 0 }' <<<"$found"
}
generated=$(($(sum '[0-9]+ generated') + $(sum '^fuzzing: .* [0-9]+ runs' '[0-9]+ runs')))
lost=$(sum ' lost: [0-9]+')
echo "faults: $(sum 'faults: [0-9]+'); reads of runs being written: $(sum 'runs being written: [0-9]+')"
echo "bad inputs tried: $(sum 'tried: [0-9]+ named') named, $generated generated;" \
  "kills: $(sum 'kills: [0-9]+'), acknowledged calls checked: $(sum 'calls checked: [0-9]+'), lost: $lost"
[ "$code" = 0 ] && [ "$lost" = 0 ]
