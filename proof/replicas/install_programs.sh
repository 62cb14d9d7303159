#!/bin/sh
# Installs Valkey, HAProxy and Caddy from the system's packages, without starting their services.
set -eu
PATH=$PATH:/usr/sbin
if command -v valkey-server || command -v redis-server; then engine=; else engine=valkey-server; fi
if command -v haproxy; then proxy=; else proxy=haproxy; fi
if command -v caddy; then caddy=; else caddy=caddy; fi
if [ -z "$engine$proxy$caddy" ]; then exit; fi
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy" # invoke-rc.d: "action not allowed"
  chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086  # one word or more
apt-get install -y -qq --no-install-recommends $engine $proxy $caddy
