#!/bin/sh
# Makes the secrets of the stacks, a file each, in secrets/ beside this script. What is there already stays as it is, so it
# may be run again.
#
#   NETBOX_TOKEN=… ./secrets.sh homelab     the token of your NetBox, which needs to read and nothing else
#   ./secrets.sh full                       everything, for the NetBox that the stack brings
#
# EVENKEEL is how evenkeel is called, to make the password's hash: without it, in a container of the stack's image.
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
secrets=${SECRETS:-$here/secrets}
image=ghcr.io/evenkeel/evenkeel:0.1.0
evenkeel=${EVENKEEL:-docker run --rm --interactive --network none --read-only --cap-drop ALL $image}

case ${1:-} in
homelab | full) stack=$1 ;;
*)
    echo "usage: [NETBOX_TOKEN=…] $0 homelab|full" >&2
    exit 2
    ;;
esac

# Letters and digits only: nothing in it means anything to a shell, to YAML, or to an address.
random() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# Nobody but you gets into the folder. Within it the files can be read by all, because each container has an account of its own
# and is given the file alone.
mkdir -p "$secrets"
chmod 700 "$secrets"

keep() {
    [ ! -s "$secrets/$1" ] || return 0
    printf '%s\n' "$2" >"$secrets/$1.new"
    chmod 444 "$secrets/$1.new"
    mv -f "$secrets/$1.new" "$secrets/$1"
    echo "made secrets/$1"
}
have() { cat "$secrets/$1"; }

keep evenkeel-admin-password "$(random 12)"
if [ ! -s "$secrets/evenkeel-admin-hash" ]; then
    # shellcheck disable=SC2086
    hash=$(have evenkeel-admin-password | $evenkeel passwd admin --role admin | sed -n 's/^password_hash = "\(.*\)"$/\1/p')
    [ -n "$hash" ] || {
        echo "error: evenkeel made no hash of the password; does \`$evenkeel --version\` work?" >&2
        exit 1
    }
    keep evenkeel-admin-hash "$hash"
fi
keep evenkeel-metrics-token "evk_$(random 32)"
keep evenkeel-metrics-hash "sha256:$(have evenkeel-metrics-token | tr -d '\n' | sha256sum | cut -d ' ' -f 1)"
keep ntfy-topic "evenkeel-$(random 12)"
keep grafana-admin-password "$(random 12)"

if [ "$stack" = full ]; then
    keep netbox-db-password "$(random 24)"
    keep netbox-redis-password "$(random 24)"
    keep netbox-redis-cache-password "$(random 24)"
    keep netbox-secret-key "$(random 32)"
    keep netbox-pepper "$(random 32)"
    keep netbox-superuser-password "$(random 12)"
    # NetBox shows a token as nbt_KEY.TOKEN: 12 characters and 40.
    keep netbox-superuser-api-key "$(random 6)"
    keep netbox-superuser-api-token "$(random 20)"
    keep netbox-token "nbt_$(have netbox-superuser-api-key).$(have netbox-superuser-api-token)"
    keep netbox-webhook-secret "$(random 24)"
    keep n8n-encryption-key "$(random 24)"
    keep n8n-webhook-secret "whsec_$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
    keep n8n-header-token "$(random 24)"
    keep kong-netbox-key "$(random 24)"
elif [ ! -s "$secrets/netbox-token" ]; then
    [ -n "${NETBOX_TOKEN:-}" ] || {
        echo "error: which token opens your NetBox? Make one that may only read (Admin, API tokens) and say" >&2
        echo "    NETBOX_TOKEN=… $0 homelab" >&2
        exit 1
    }
    keep netbox-token "$NETBOX_TOKEN"
fi
echo "the password of \`admin\` is in secrets/evenkeel-admin-password, the topic for the phone in secrets/ntfy-topic"
