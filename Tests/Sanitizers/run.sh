#!/usr/bin/env bash
# Runs every test under sanitizers: run.sh SWIFT FOLDER [address] [thread]
#
# `address` is AddressSanitizer, with UndefinedBehaviorSanitizer for the C targets in the same build; `thread` is
# ThreadSanitizer. Each builds below FOLDER, 3 GB and a quarter of an hour on two cores, and runs for as long again.
# What counts are reports that have a frame of Heed, of the tests' process and of every heed that they start: the
# three counts are printed, and one that is not 0 fails. Tests do not: some hold the program to a time, which is
# twenty times as long here; those that failed are named, for who looks into a report.
#
# What cannot work under a sanitizer is not run:
# - Tests that limit the memory of a process (their names say so): a sanitizer reserves terabytes of addresses.
# - Tests that preload a library or run under strace, which must come before the sanitizer's own: with
#   AddressSanitizer they work, without the search for leaks, which is off for what the system libraries keep to the end;
#   with ThreadSanitizer they do not.
# - What others have built is not instrumented: Python, the browser, R, Poppler. Their variables are left alone.
set -uo pipefail
[ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 64; }
swift=$1 folder=$(realpath -m "$2")
shift 2
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
export SWIFT_BACKTRACE=enable=no
symbolizer=$(dirname "$(realpath "$swift")")/llvm-symbolizer
[ -x "$symbolizer" ] || symbolizer=$(command -v llvm-symbolizer || true)
[ -z "$symbolizer" ] || export ASAN_SYMBOLIZER_PATH=$symbolizer UBSAN_SYMBOLIZER_PATH=$symbolizer \
  TSAN_OPTIONS=external_symbolizer_path=$symbolizer
base=${TSAN_OPTIONS:-}
limits='MemoryLimitTests'
preloads='KillTests|RunLockTests|OutputFolderTests'
status=0

# $1: address or thread; the rest: sanitizers to count. Leaves the reports in $folder/$1/reports.
check() {
  local name=$1 own=$folder/$1 flags skipped
  local reports=$own/reports
  shift
  rm -rf "$reports"
  mkdir -p "$reports"
  for sanitizer in address thread undefined; do
    sed -n "s/^$sanitizer //p" "$here/suppressions.txt" >"$own/$sanitizer.suppressions"
  done
  # Ours are the bugs of memory: what the system's libraries keep to the end is not searched for.
  export ASAN_OPTIONS="log_path=$reports/report:suppressions=$own/address.suppressions:detect_leaks=0:verify_asan_link_order=0:allocator_may_return_null=1:detect_stack_use_after_return=0"
  export UBSAN_OPTIONS="log_path=$reports/report:print_stacktrace=1"
  export TSAN_OPTIONS="log_path=$reports/report:suppressions=$own/thread.suppressions:exitcode=0:report_signal_unsafe=0:history_size=4:$base"
  if [ "$name" = thread ]; then
    flags=(--sanitize thread) skipped="$limits|$preloads"
  else
    # Swift itself has no undefined behaviour that its compiler could look for.
    flags=(--sanitize address -Xcc -fsanitize=undefined) skipped=$limits
  fi
  "$swift" build -c release "${flags[@]}" --scratch-path "$own/build" --build-tests >"$own/build.log" 2>&1 &&
    "$swift" build -c release "${flags[@]}" --scratch-path "$own/build" --product heed >>"$own/build.log" 2>&1 || {
    grep -a 'error:' "$own/build.log" | head -n 20 >&2
    echo "$name: not built, see $own/build.log"
    return 1
  }
  # ThreadSanitizer wants its own places in memory, which the kernel's random ones may take.
  local launch=()
  if [ "$name" = thread ] && setarch "$(uname -m)" -R true 2>/dev/null; then launch=(setarch "$(uname -m)" -R); fi
  "${launch[@]}" "$swift" test -c release "${flags[@]}" --scratch-path "$own/build" --skip-build --skip "$skipped" \
    >"$own/test.log" 2>&1
  local summary
  summary=$(grep -a 'Test run with' "$own/test.log" | tail -n 1)
  grep -a '✘ Test' "$own/test.log" | grep -a 'failed' | cut -c 1-160
  if [ -z "$summary" ]; then
    echo "$name: the tests ended early, see $own/test.log"
    tail -n 5 "$own/test.log"
    status=1
  fi
  echo "$name:${summary#*Test run}"
  for sanitizer in "$@"; do
    local files=()
    # Reports of a process that ended over one stand in the tests' own output, too, where no file could be made.
    mapfile -t files < <(find "$reports" -type f)
    python3 "$here/count_reports.py" "$sanitizer" "$root/Sources" "${files[@]}" "$own/test.log" || status=1
  done
}

for name in ${*:-address thread}; do
  case $name in
    address) check address address undefined || status=1 ;;
    thread) check thread thread || status=1 ;;
    *) echo "no sanitizer $name; expected address or thread" >&2; exit 64 ;;
  esac
done
exit $status
