#!/usr/bin/env bash
# Install weightgate, OPA and the local scanners; no credential is in the environment of this step.
# From the environment: PYTHON, VERSION (a release, or empty), SCANNERS, FINDINGS (then no scanner is needed).
set -euo pipefail
set -f

if [ -n "$VERSION" ] && ! [[ "$VERSION" =~ ^[0-9]+(\.[0-9]+)*((a|b|rc|\.post|\.dev)[0-9]+)?$ ]]; then
  echo "::error::the input version is not a release number; expected one such as 1.2.3"
  exit 2
fi

home="$RUNNER_TEMP/weightgate-program"
"$PYTHON" -I -m venv "$home"
if [ -d "$home/Scripts" ]; then bin="$home/Scripts"; else bin="$home/bin"; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1

if [ -z "$VERSION" ]; then
  source="$GITHUB_ACTION_PATH/../../.."
  "$bin/python" -I -m pip install --quiet --require-hashes -r "$source/requirements/core.txt"
  "$bin/python" -I -m pip install --quiet --no-deps --no-build-isolation "$source"
else
  "$bin/python" -I -m pip install --quiet "weightgate[hub,prisma]==$VERSION"
fi

"$bin/weightgate" opa install
if [ -z "$FINDINGS" ]; then
  for name in $SCANNERS; do
    if [ "$name" != prisma-airs ]; then
      "$bin/weightgate" scanners install -- "$name"
    fi
  done
fi
echo "python=$bin/python" >> "$GITHUB_OUTPUT"
