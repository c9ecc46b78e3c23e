#!/usr/bin/env bash
# Gives parsers inputs that nobody wrote: run.sh EXECUTABLE FOLDER SECONDS [PARSER…]
#
# The seconds are divided among the parsers, all unless some are named. FOLDER keeps what is worth going on with
# (corpus), logs, and inputs that end the program, hang it for ten seconds, or take more memory than they should
# (crashes). Ends with 1 where there are such.
set -uo pipefail
[ $# -ge 3 ] || { sed -n '2s/^# //p' "$0" >&2; exit 64; }
fuzzing=$(realpath "$1") folder=$(realpath -m "$2") seconds=$3
shift 3
mkdir -p "$folder"/{corpus,logs,crashes}
# A parser that is fast writes a hundred thousand small files a minute.
memory=/dev/shm
[ -w $memory ] || memory=${TMPDIR:-/tmp}
HEED_SCRATCH=$(mktemp -d "$memory/heed-fuzz.XXXXXX")
trap 'rm -rf "$HEED_SCRATCH"' EXIT
export HEED_SCRATCH
# Without this Swift's own backtrace hangs under libFuzzer.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:handle_abort=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
# One thread: what is looked for is a fault of one parser with one input.
export HEED_THREADS=1

python3 "$(dirname "$0")/make_seeds.py" "$folder/seeds"
known=$(HEED_PARSER='' "$fuzzing" -runs=1 2>/dev/null | grep -a '^parsers: ' | cut -d ' ' -f 2-)
[ -n "$known" ] || { echo "$fuzzing names no parsers" >&2; exit 70; }
for parser in "$@"; do
  [[ " $known " == *" $parser "* ]] || { echo "no parser $parser; expected some of $known" >&2; exit 64; }
done
read -ra parsers <<<"${*:-$known}"
share=$((seconds / ${#parsers[@]}))
[ "$share" -ge 1 ] || share=1

runs=0 crashes=0
for parser in "${parsers[@]}"; do
  export HEED_PARSER=$parser
  mkdir -p "$folder/corpus/$parser" "$folder/seeds/$parser"
  options=(-max_total_time="$share" -timeout=10 -print_final_stats=1 -print_funcs=0 -report_slow_units=60
    -artifact_prefix="$folder/crashes/$parser-")
  case $parser in
    # The description of a store is longer than what else is read.
    store | packed-store) options+=(-max_len=65536) ;;
    *) options+=(-max_len=8192) ;;
  esac
  case $parser in
    # A picture may be large; nothing else needs much memory for a few thousand bytes.
    png | jpeg | webp | gif) options+=(-malloc_limit_mb=512 -rss_limit_mb=2048) ;;
    *) options+=(-malloc_limit_mb=64 -rss_limit_mb=1024) ;;
  esac
  [ ! -s "$folder/seeds/$parser.dict" ] || options+=(-dict="$folder/seeds/$parser.dict")
  # Files of a run are the target's own.
  HEED_SEED="$folder/seeds/$parser/own" "$fuzzing" "${options[@]}" "$folder/corpus/$parser" "$folder/seeds/$parser" \
    >"$folder/logs/$parser" 2>&1
  code=$?
  done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/logs/$parser")
  covered=$(grep -ao ' cov: [0-9]*' "$folder/logs/$parser" | tail -n 1)
  line="$parser: ${done:-0} runs,${covered:+ ${covered#* cov: } places,}"
  if [ "$code" = 0 ]; then
    echo "$line 0 crashes"
  else
    crashes=$((crashes + 1))
    echo "$line 1 crash: $(grep -ao 'Test unit written to .*' "$folder/logs/$parser" | head -n 1 |
      cut -d ' ' -f 5 | grep . || echo "none written, see $folder/logs/$parser")"
  fi
  runs=$((runs + ${done:-0}))
done
echo "fuzzing: ${#parsers[@]} parsers, $((share * ${#parsers[@]})) s, $runs runs, $crashes crashes"
[ "$crashes" = 0 ]
