#!/bin/sh
# Install the program with what uv.lock names into PREFIX: `install.sh PREFIX`, from the root of the source tree.
# It needs uv and a Python on the PATH, and no compiler: every locked package has a wheel.
set -eu

prefix=${1:?"usage: install.sh PREFIX"}

UV_PROJECT_ENVIRONMENT=$prefix uv sync \
  --frozen --no-dev --no-editable --link-mode copy --no-python-downloads --python python3

packages=$("$prefix/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# The asynchronous twin of the Kubernetes client, which nothing imports (21 MB).
rm -r "$packages/kubernetes/aio"

# Descriptions of AWS services that are never called (26 MB). The rest is S3 and what credentials come from.
find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d \
  ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -r {} +

# The image's root is read-only, so what is not compiled now is compiled at every start.
"$prefix/bin/python" -m compileall -q -j 0 "$packages"
