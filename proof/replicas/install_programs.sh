#!/bin/sh
# Installs Valkey and HAProxy from the system's packages, without starting their services.
set -eu
PATH=$PATH:/usr/sbin
if command -v valkey-server || command -v redis-server; then engine=; else engine=valkey-server; fi
if command -v haproxy; then proxy=; else proxy=haproxy; fi
if [ -z "$engine$proxy" ]; then exit; fi
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy" # invoke-rc.d: "action not allowed"
  chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086  # one or two words
apt-get install -y -qq --no-install-recommends $engine $proxy
