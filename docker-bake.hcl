# How the image is built for every platform it is published for: docker buildx bake release (see Dockerfile).
# `docker buildx bake` without a target builds for this machine alone, and loads the image into its engine.

variable "VERSION" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
variable "CREATED" { default = "1970-01-01T00:00:00Z" }
variable "REGISTRY" { default = "ghcr.io/evenkeel" }

group "default" {
  targets = ["local"]
}

target "evenkeel" {
  context    = "."
  dockerfile = "Dockerfile"
  args = {
    VERSION  = VERSION
    REVISION = REVISION
    CREATED  = CREATED
  }
}

target "local" {
  inherits = ["evenkeel"]
  tags     = ["${REGISTRY}/evenkeel:${VERSION}"]
  output   = ["type=docker"]
}

# Pushed: an image for several platforms has no place in an engine. The bill of materials (SPDX) and the provenance (SLSA)
# are attached to it, to be read with `docker buildx imagetools inspect IMAGE --format '{{ json .SBOM }}'`.
target "release" {
  inherits  = ["evenkeel"]
  platforms = ["linux/amd64", "linux/arm64"]
  tags      = ["${REGISTRY}/evenkeel:${VERSION}"]
  attest    = ["type=sbom", "type=provenance,mode=max"]
  output    = ["type=registry"]
}
