#!/bin/sh
# Makes the files of secrets/ that compose.yaml names: the configuration of Valkey with the hash of a
# new password, the address with that password, and a token for callers. It replaces none.
set -eu
cd "$(dirname "$0")"
mkdir secrets
password=$(openssl rand -hex 24)
hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
sed "s/PASSWORD_SHA256/$hash/" valkey.conf >secrets/valkey.conf
umask 077
echo "redis://trax:$password@valkey:6379/0" >secrets/store-url
openssl rand -hex 24 >secrets/token
