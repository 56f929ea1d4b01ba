#!/bin/sh
# Starts n8n in compose/full.yaml. The first time, it imports the workflows beside this file: with the secret that requests are
# signed with and the credential that their header is compared with, inactive, and never again, so that what was changed in n8n
# stays as it is. To import them anew, remove the file `evenkeel-imported` from n8n's volume.
set -eu

N8N_ENCRYPTION_KEY=$(cat /run/secrets/n8n-encryption-key)
export N8N_ENCRYPTION_KEY

imported=$HOME/.n8n/evenkeel-imported
if [ ! -e "$imported" ]; then
    umask 077
    work=$(mktemp -d)
    secret=$(cat /run/secrets/n8n-webhook-secret)
    printf '[{"id":"evenkeelHeader01","name":"evenkeel header","type":"httpHeaderAuth","data":{"name":"X-Evenkeel-Token","value":"%s"}}]' \
        "$(cat /run/secrets/n8n-header-token)" >"$work/credentials.json"
    n8n import:credentials --input="$work/credentials.json"
    for workflow in "$(dirname "$0")"/*.json; do
        signed=$work/$(basename "$workflow")
        sed "s|whsec_REPLACE_ME|$secret|" "$workflow" >"$signed"
        n8n import:workflow --input="$signed"
    done
    rm -rf "$work"
    date >"$imported"
fi

exec n8n start
