#!/usr/bin/env bash
# Makes the page of the sample inbox, in English and in Chinese, and clicks through both: `tests/page/check.sh PROGRAM [SHOTS]`.
#
# PROGRAM is a built `aimass`; SHOTS, a folder for pictures of the pages. It needs Chromium and Python's venv, and fetches playwright and, where
# they are missing, the models. For pictures in Chinese a font is needed too, such as Debian's fonts-wqy-zenhei.
#
# The README has pictures of the English page. Where the page shows something else by now, this fails; `RENEW_PICTURES=1` takes them anew.
set -euo pipefail

# Seconds after which a step has hung. A page took half a minute to make, by a program that is not optimised and on two busy cores.
FETCHING=600 RUNNING=240 CLICKING=120

say() { printf 'page: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ $# -ge 1 ] && [ $# -le 2 ] || die "expected PROGRAM and perhaps SHOTS, got $# arguments; usage: tests/page/check.sh PROGRAM [SHOTS]"
[ -x "$1" ] || die "expected a program, got \`$1\`; build it with \`cargo build\`, and name \`target/debug/aimass\`"
program=$(realpath "$1")
shots=${2:+$(realpath -m "$2")}
here=$(cd "$(dirname "$0")" && pwd)
venv="${AIMASS_PAGE_VENV:-${CARGO_TARGET_DIR:-$here/../../target}/page-venv}"

for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  [ -n "$candidate" ] && CHROMIUM=$(command -v "$candidate") && break
done
[ -n "${CHROMIUM:-}" ] || die "Chromium is missing; install it (on Debian: \`apt-get install chromium\`), or name one in the variable CHROMIUM"
export CHROMIUM

if ! "$venv/bin/python" -c 'import playwright' 2>/dev/null; then
  python3 -c 'import venv, ensurepip' 2>/dev/null ||
    die "Python's venv is missing; install it (on Debian: \`apt-get install python3-venv\`)"
  say "fetching playwright"
  python3 -m venv --clear "$venv"
  # Its package has no browser, and none is fetched: the system's is used.
  timeout "$FETCHING" "$venv/bin/pip" install --quiet --disable-pip-version-check "playwright==1.65.2" ||
    die "playwright could not be fetched; see above"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export AIMASS_HOME="$folder/home"
# A cache of what a first run fetches and nothing else: with an optional model the page would say more.
mkdir -p "$folder/cache/models"
for model in minilm silero-vad whisper-base ssd-mobilenet-v2 efficientnet-lite0 mtcnn pp-ocr-v4; do
  timeout "$FETCHING" "$program" models pull "$model" >/dev/null || die "the model $model could not be fetched; see above"
  ln -s "$("$program" models path "$model")" "$folder/cache/models/$model"
done
export AIMASS_CACHE="$folder/cache"
for lang in en zh; do
  page="$folder/page-$lang.html"
  began=$SECONDS
  timeout "$RUNNING" "$program" run --lang "$lang" --report "$page" >"$folder/run-$lang.txt" ||
    die "the page in $lang was not made ($?; 124 is more than $RUNNING s): $(tail -n 3 "$folder/run-$lang.txt")"
  made=$((SECONDS - began))
  timeout --kill-after=10 "$CLICKING" "$venv/bin/python" "$here/click_through.py" "$page" ${shots:+"$shots/$lang"} ||
    die "the page in $lang is not as it should be ($?; 124 is more than $CLICKING s)"
  say "$lang: made in $made s, clicked through in $((SECONDS - began - made)) s"
done
timeout --kill-after=10 "$CLICKING" "$venv/bin/python" "$here/pictures.py" "$folder/page-en.html" "$here/../../docs/pictures" ${RENEW_PICTURES:+renew} ||
  die "the README's pictures are not of this page ($?; 124 is more than $CLICKING s)"
