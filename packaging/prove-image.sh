#!/bin/sh
# Proves the last stage of the Dockerfile where no registry can be reached: assembles its root file system around a binary
# that is already built, imports it into the engine that `docker` speaks to (DOCKER_HOST), and uses it as it is meant to be
# used: as user 65532, with a read-only root, without capabilities, without a network.
#
#   packaging/prove-image.sh [BINARY]        without one: target/release/evenkeel
#
# LIMIT is how many bytes the image may have (40 MB; 0 for any), DEMO what the demo is given (nothing: all of its incidents).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
binary=${1:-$here/../target/release/evenkeel}
limit=${LIMIT:-40000000}
patience=${PATIENCE:-60}
image=evenkeel-proof:$$
container=evenkeel-proof-$$
work=$(mktemp -d)
trap 'docker rm --force "$container" >/dev/null 2>&1; docker rmi --force "$image" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say() { echo "prove-image: $*"; }
fail() {
    echo "prove-image: error: $*" >&2
    exit 1
}

docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
    fail "no engine answers; start one, or say where it is with DOCKER_HOST"

"$here/rootfs.sh" "$binary" "$work/root"
say "binary:           $(wc -c <"$binary" | tr -d ' ') bytes as built, $(wc -c <"$work/root/usr/local/bin/evenkeel" | tr -d ' ') in the image"

tar -C "$work/root" --numeric-owner -c . | docker import \
    --change 'USER 65532:65532' \
    --change 'WORKDIR /var/lib/evenkeel' \
    --change 'HEALTHCHECK --interval=1s --timeout=5s --retries=3 CMD ["/usr/local/bin/evenkeel", "health"]' \
    --change 'ENTRYPOINT ["/usr/local/bin/evenkeel"]' \
    --change 'CMD ["run"]' \
    - "$image" >/dev/null
size=$(docker image inspect --format '{{.Size}}' "$image")
say "image:            $size bytes; $(tar -C "$work/root" -c . | gzip -6 | wc -c | tr -d ' ') compressed, as it would be pulled"
if [ "$limit" -gt 0 ] && [ "$size" -gt "$limit" ]; then
    fail "the image has $size bytes, and may have $limit"
fi

# What an operator is told to run it with; no network, because the demo needs none.
evenkeel() {
    docker run --name "$container" --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
        --network none --memory 512m --pids-limit 256 "$@"
}

say "version:          $(evenkeel --rm "$image" --version)"

say "demo:             to its end"
# shellcheck disable=SC2086
if ! evenkeel --rm "$image" demo ${DEMO:-} >"$work/demo.log" 2>&1; then
    cat "$work/demo.log" >&2
    fail "the demo found something that should not have been, or did not run"
fi
tail -n 2 "$work/demo.log" | sed 's/^/    /'

evenkeel --detach "$image" demo --quiet --stay >/dev/null
state=starting
while [ "$state" != healthy ]; do
    patience=$((patience - 1))
    if [ "$patience" -lt 0 ] || [ "$(docker inspect --format '{{.State.Running}}' "$container")" != true ]; then
        docker logs "$container" >&2
        docker inspect --format '{{json .State.Health}}' "$container" >&2
        fail "it is not healthy, but $state"
    fi
    sleep 1
    state=$(docker inspect --format '{{.State.Health.Status}}' "$container")
done
say "health:           $state, by $(docker inspect --format '{{join .Config.Healthcheck.Test " "}}' "$container")"
say "user:             $(docker inspect --format '{{.Config.User}}' "$container"); root read-only: $(docker inspect --format '{{.HostConfig.ReadonlyRootfs}}' "$container")"

# Neither a shell nor anything else to run: what is not there cannot be used.
if docker exec "$container" /bin/sh -c true >/dev/null 2>&1; then
    fail "there is a shell in the image"
fi
written=$(docker diff "$container" | grep -v -e ' /tmp$' -e ' /dev' || true)
[ -z "$written" ] || fail "something was written outside of its places: $written"
say "written:          nothing; no shell"

docker kill --signal INT "$container" >/dev/null
code=$(docker wait "$container")
[ "$code" = 0 ] || fail "told to stop, it ended with $code"
say "stopped:          exit code $code"
