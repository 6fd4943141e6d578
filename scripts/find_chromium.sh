#!/bin/sh
# Sees to a Chromium for the browser tests. In CI a missing one is an error; elsewhere the tests say that they were skipped.
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium and a Japanese font for the browser tests …" >&2
    apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null 2>&1 && exit 0
fi
if [ "${CI:-}" = true ]; then
    echo "CI needs Chromium for the browser tests: apt-get install chromium fonts-noto-cjk" >&2
    exit 1
fi
echo "No Chromium: the browser tests will be skipped (apt-get install chromium fonts-noto-cjk)." >&2
