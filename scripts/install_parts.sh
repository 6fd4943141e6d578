#!/bin/sh
# Installs the locked parts into a virtual environment. uv does in seconds what takes pip a minute; where uv does not get
# through (an index, certificate or log-in that only pip was told about), pip does all of it.
set -eu
venv=$1
lock=requirements.lock
own=$(mktemp)
trap 'rm -f "$own"' EXIT
awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$lock" >"$own"
index=$("$venv/bin/pip" config get global.index-url 2>/dev/null || true)
index=${PIP_INDEX_URL:-$index}
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}" UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-120}" PIP_DISABLE_PIP_VERSION_CHECK=1
if "$venv/bin/pip" install --quiet --require-hashes --requirement "$own" &&
    "$venv/bin/uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes --requirement "$lock"; then
    exit 0
fi
echo "uv did not get through; pip goes on by itself …" >&2
"$venv/bin/pip" install --quiet --require-hashes --requirement "$lock"
