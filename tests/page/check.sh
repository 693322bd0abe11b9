#!/usr/bin/env bash
# Makes the page of the sample inbox and clicks through it: `tests/page/check.sh PROGRAM [SHOTS]`. Fetches the models where they are missing.
set -euo pipefail
program=$(realpath "$1")
shots=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
venv="${AIMASS_PAGE_VENV:-${CARGO_TARGET_DIR:-$here/../../target}/page-venv}"

if ! "$venv/bin/python" -c 'import playwright' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet "playwright==1.65.2"
fi
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for lang in en zh; do
  AIMASS_HOME="$folder/home" "$program" run --lang "$lang" --report "$folder/page-$lang.html" >/dev/null
  "$venv/bin/python" "$here/click_through.py" "$folder/page-$lang.html" ${shots:+"$shots/$lang"}
done
