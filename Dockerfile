# syntax=docker/dockerfile:1.7
# The container image of evenkeel: one binary, the libraries it links, the authorities it trusts. No shell, no package
# manager; user 65532; nothing is written but /var/lib/evenkeel, so the root may be read-only.
#
#   docker build -t ghcr.io/evenkeel/evenkeel:0.1.0 .
#
# For several platforms, with a bill of materials and provenance (docker-bake.hcl says the rest):
#
#   docker buildx create --use --name evenkeel
#   VERSION=0.1.0 REVISION=$(git rev-parse HEAD) CREATED=$(date -u +%FT%TZ) docker buildx bake release
#
# Each platform is built on its own kind of machine, or in QEMU (docker run --privileged tonistiigi/binfmt --install arm64).
#
# Run:
#   docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
#       -p 127.0.0.1:9797:9797 ghcr.io/evenkeel/evenkeel:0.1.0 demo --stay --listen 0.0.0.0:9797
#   docker run -d --read-only --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:9797:9797 \
#       -v ./evenkeel.toml:/etc/evenkeel/evenkeel.toml:ro -v evenkeel:/var/lib/evenkeel ghcr.io/evenkeel/evenkeel:0.1.0
#
# What the last stage holds is proved without a registry by packaging/prove-image.sh.

# What the bill of materials is made from, beside what the image itself shows: the lock file in the context, and the builder.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true

# The versions of rust-toolchain.toml and of the Debian whose libraries go into the image.
FROM rust:1.95.0-slim-bookworm AS build

ARG BUILDKIT_SBOM_SCAN_STAGE=true
ARG TARGETPLATFORM

# binutils for strip; the compiler of C is part of the image (SQLite, ring and mimalloc are built from source).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils ca-certificates \
    && rm -rf /var/lib/apt/lists/*

# The toolchain file also wants rustfmt and clippy, which nothing here needs.
ENV RUSTUP_TOOLCHAIN=1.95.0
# Relative relocations, packed: a megabyte less of 40, understood by the loader of this very image (glibc 2.36 and later).
ENV RUSTFLAGS="-C link-arg=-Wl,-z,pack-relative-relocs"
ENV CARGO_INCREMENTAL=0

WORKDIR /src
COPY . .
# The caches hold what was fetched and built before; the lock file decides, and nothing that is not in it is taken. A cache per
# platform: what one builds is of no use to another. The binary is taken out of the cache, which is not part of the stage.
RUN --mount=type=cache,id=evenkeel-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=evenkeel-target-$TARGETPLATFORM,target=/src/target,sharing=locked \
    cargo build --locked --release --package evenkeel \
    && packaging/rootfs.sh target/release/evenkeel /rootfs

# Nothing but what packaging/rootfs.sh put together. distroless/cc would do as well, and weigh 23 MB before the binary: most of
# it OpenSSL, libstdc++ and time zones, none of which evenkeel uses.
FROM scratch

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="evenkeel" \
      org.opencontainers.image.description="Compares what NetBox says should exist with what does exist, and tells the difference" \
      org.opencontainers.image.source="https://github.com/evenkeel/evenkeel" \
      org.opencontainers.image.url="https://github.com/evenkeel/evenkeel" \
      org.opencontainers.image.documentation="https://github.com/evenkeel/evenkeel/tree/main/docs" \
      org.opencontainers.image.vendor="evenkeel" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="scratch" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"

COPY --from=build /rootfs /
# Said once more: whether a copy keeps owners depends on who builds.
COPY --from=build --chown=65532:65532 /rootfs/var/lib/evenkeel /var/lib/evenkeel

USER 65532:65532
WORKDIR /var/lib/evenkeel
EXPOSE 9797
STOPSIGNAL SIGTERM
# Asks the evenkeel of this container whether it lives: where `[http] listen` says, or at 127.0.0.1:9797.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/evenkeel", "health"]
ENTRYPOINT ["/usr/local/bin/evenkeel"]
CMD ["run"]
