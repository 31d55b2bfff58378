#!/usr/bin/env bash
# `make web`: the JavaScript package in Node, and the page in Chromium on three sites.
#
#   PYTHON       the interpreter with ssdgm-export in it, by default .venv/bin/python
#   CHROMIUM     the browser, by default Debian's, which is installed where it is missing
#   SCREENSHOTS  a folder to keep pictures of the pages in
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
PYTHON=${PYTHON:-$ROOT/.venv/bin/python}
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
export SITES=${SITES:-$ROOT/build/web}
NODE=20 # the oldest major version that the tests run in

have_node() {
    command -v node npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge $NODE ]
}

# Install a Debian package, where this is Debian and we may.
install() {
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        echo "make web needs $1: install it, as with: sudo apt-get install $1" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null
}

have_node || { command -v npm >/dev/null || install npm; }
if ! have_node; then # Debian's own is older
    npm install --silent --no-save --prefix "$ROOT/build/node" "node@$NODE"
    export PATH=$ROOT/build/node/node_modules/.bin:$PATH
fi
[ -x "$CHROMIUM" ] || install chromium

cd runtime/javascript
npm ci --silent --no-audit --no-fund
npm run --silent check
npm test --silent
mkdir -p "$SITES"
OMP_NUM_THREADS=1 "$PYTHON" "$ROOT/tests/web/sites.py" "$SITES"
npm run --silent browser
