#!/bin/sh
# Builds the reference of every module from its doc comments and its page here, and one archive of all; a warning is an
# error:
#   SWIFT=path/to/swift BUILD=.build/release OUTPUT=.build/reference Documentation/reference/make.sh
set -eu
cd "$(dirname "$0")/../.."
: "${SWIFT:=$(command -v swift)}" "${BUILD:=.build/release}" "${OUTPUT:=.build/reference}"
tools=$(dirname "$(readlink -f "$SWIFT")")
rm -rf "$OUTPUT" && mkdir -p "$OUTPUT/symbols"

# Where the C modules are that the Swift modules import.
set --
for map in "$BUILD"/*.build/module.modulemap; do set -- "$@" -Xcc "-fmodule-map-file=$map"; done
for map in Sources/C*/module.modulemap .build/checkouts/*/Sources/C*/include/module.modulemap; do
  set -- "$@" -I "$(dirname "$map")"
done
for flag in $(pkg-config --cflags-only-I pangocairo libpng libjpeg libgif libwebpdemux libqpdf libcrypto zlib); do
  set -- "$@" -Xcc "$flag"
done

archives= failed=
for catalog in Documentation/reference/*.docc; do
  module=$(basename "$catalog" .docc)
  mkdir "$OUTPUT/symbols/$module"
  "$tools/swift-symbolgraph-extract" -module-name "$module" -target "$(uname -m)-unknown-linux-gnu" \
    -I "$BUILD/Modules" "$@" -minimum-access-level public -skip-inherited-docs -skip-synthesized-members \
    -omit-extension-block-symbols -output-dir "$OUTPUT/symbols/$module"
  "$tools/docc" convert "$catalog" --additional-symbol-graph-dir "$OUTPUT/symbols/$module" \
    --fallback-display-name "$module" --fallback-bundle-identifier "heed.$module" \
    --fallback-default-module-kind Module --warnings-as-errors --output-path "$OUTPUT/$module.doccarchive" \
    || failed="$failed $module"
  archives="$archives $OUTPUT/$module.doccarchive"
done
if [ -n "$failed" ]; then
  echo "warnings in:$failed" >&2
  exit 1
fi
"$tools/docc" merge $archives --synthesized-landing-page-name Heed --output-path "$OUTPUT/Heed-reference.doccarchive"
echo "$OUTPUT/Heed-reference.doccarchive"
