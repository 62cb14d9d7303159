#!/bin/sh
# Makes the files of secrets/: the configuration of Valkey with the hash of a new password, the address
# with that password, the secret that seals what is kept there, and a token for callers. It replaces none.
#   sh new_secrets.sh [HOST:PORT of Valkey, by default that of compose.yaml]
set -eu
cd "$(dirname "$0")"
mkdir secrets
password=$(openssl rand -hex 24)
hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
sed "s/PASSWORD_SHA256/$hash/" valkey.conf >secrets/valkey.conf
umask 077
echo "redis://trax:$password@${1:-valkey:6379}/0" >secrets/store-url
openssl rand -hex 32 >secrets/store-secret
openssl rand -hex 24 >secrets/token
