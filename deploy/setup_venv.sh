#!/bin/sh
# setup_venv.sh EXTRAS WHAT: makes .venv with the project and these extras of setup.cfg.
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"

if ! command -v "$python" >/dev/null; then
    echo "No $python found: install Python 3.11 or newer, or run make PYTHON=/path/to/it" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$("$python" --version) is too old: Python 3.11 or newer is needed." >&2
    echo "If you have one under another name, run make PYTHON=python3.12 (for example)." >&2
    exit 1
fi

# An interrupted run leaves a folder without pip behind; a moved folder, a pip that doesn't start.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "Making .venv with $("$python" --version) ..."
    if ! "$python" -m venv --clear .venv; then
        echo "$python can't make a virtual environment (Debian: apt-get install python3-venv)." >&2
        exit 1
    fi
fi
echo "Installing $2 into .venv."
echo "The first time takes a minute or two and some hundred MB; later runs skip it."
.venv/bin/python -m pip install --disable-pip-version-check --editable ".[$1]"
