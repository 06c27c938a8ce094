#!/usr/bin/env bash
# Builds the image: build.sh [more arguments of the builder]. `make image` calls it.
#
#   VARIANT=cpu|gpu   TAG=ragserve:0.1.0   BUILDER=docker|podman|buildah   BASE_IMAGE=...
#
# Without BASE_IMAGE the base is pulled. Where no registry can be reached, BASE_IMAGE=local makes one from Debian's
# packages with mmdebstrap, for buildah; it runs as root and without a daemon.
set -euo pipefail
cd "$(dirname "$0")/../.."

variant="${VARIANT:-cpu}"
case "$variant" in
	cpu) arguments=() ;;
	gpu) arguments=(--build-arg EXTRAS=serve,postgresql,vllm --build-arg TORCH_INDEX=) ;;
	*) echo "VARIANT is cpu or gpu" >&2; exit 2 ;;
esac
version="$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)"
suffix="$([ "$variant" = cpu ] || echo "-$variant")"
tag="${TAG:-ragserve:$version$suffix}"
builder="${BUILDER:-$(for name in docker podman buildah; do command -v "$name" > /dev/null && echo "$name" && break; done || true)}"
[ -n "$builder" ] || { echo "docker, podman or buildah is needed" >&2; exit 1; }

if [ "${BASE_IMAGE:-}" = local ]; then
	builder=buildah
	folder="$(mktemp -d)"
	trap 'rm -rf "$folder"' EXIT
	mmdebstrap --variant=minbase --include=python3,python3-venv,bash,ca-certificates,wget bookworm "$folder/base.tar"
	base="$(buildah from scratch)"
	buildah add --quiet "$base" "$folder/base.tar" / > /dev/null
	buildah commit --quiet --rm "$base" localhost/ragserve-base > /dev/null
	BASE_IMAGE=localhost/ragserve-base
fi

"$builder" build --file deploy/image/Containerfile --tag "$tag" \
	--build-arg "VARIANT=$variant" --build-arg "VERSION=$version" \
	--build-arg "REVISION=$(git rev-parse HEAD 2> /dev/null || echo unknown)" \
	${BASE_IMAGE:+--build-arg "BASE_IMAGE=$BASE_IMAGE"} \
	"${arguments[@]}" "$@" .
echo "$tag"
