#!/bin/sh
# Installs Prometheus and Valkey from the system's packages, without starting their services.
set -eu
if command -v prometheus && command -v promtool; then metrics=; else metrics=prometheus; fi
if command -v valkey-server || command -v redis-server; then engine=; else engine=valkey-server; fi
if [ -z "$metrics$engine" ]; then exit; fi
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy" # invoke-rc.d: "action not allowed"
  chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086  # one or two words
apt-get install -y -qq --no-install-recommends $metrics $engine
