#!/bin/sh
# Install Groundswell into /opt/groundswell on Debian 12 or newer (needs python3 and python3-venv), from a checkout.
#   sh deploy/install.sh [FOLDER]
# Run it again after `git pull` to upgrade. It keeps no data: that is in the folder where the program runs.
set -eu
cd "$(dirname "$0")/.."
target=${1:-/opt/groundswell}
python3 -m venv "$target"
"$target/bin/python" -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
rm -rf build
"$target/bin/python" -m pip install --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall .
rm -rf build groundswell.egg-info
echo "Installed: $target/bin/groundswell"
