#!/bin/sh
# Runs the tests of notebooks-export/heed_record.py:
#
#   Tests/RecorderTests/run.sh PYTHON [TEST ...]
#
# PYTHON has what notebooks-export/requirements.txt and requirements-diffusers.txt name; a TEST is a module, a class
# or a method, as in test_pipelines.SdxlTests. HEED names a built heed, whose own check and recordings are compared.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
python=$1
shift
cd "$tests"
export PYTHONPATH="$tests/../../notebooks-export" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1
if [ $# -gt 0 ]; then exec "$python" -m unittest --buffer "$@"; fi
exec "$python" -m unittest discover --buffer
