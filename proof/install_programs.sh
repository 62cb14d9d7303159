#!/bin/sh
# Installs programs from the system's packages of the same names, without starting their services.
#   sh proof/install_programs.sh valkey-server haproxy
set -eu
PATH=$PATH:/usr/sbin
is_there() {
  command -v "$1" || { [ "$1" = valkey-server ] && command -v redis-server; }
}
missing=
for program in "$@"; do
  is_there "$program" || missing="$missing $program"
done
if [ -z "$missing" ]; then exit; fi
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy" # invoke-rc.d: "action not allowed"
  chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086  # one word or more
apt-get install -y -qq --no-install-recommends $missing
