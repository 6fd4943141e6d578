#!/bin/sh
# Makes the virtual environment, on a bare Debian too, where python3 comes without its venv module.
set -eu
venv=$1
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 14)))' || {
    echo "Madoguchi needs Python 3.11, 3.12 or 3.13; $python is $("$python" --version 2>&1). Set PYTHON=… to another one." >&2
    exit 1
}
[ -x "$venv/bin/pip" ] && exit 0
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "python3-venv is missing: installing it with apt-get …" >&2
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq "python$version-venv"; } >/dev/null || {
        echo "Could not install it. Please run: apt-get install python$version-venv" >&2
        exit 1
    }
fi
"$python" -m venv "$venv"
