#!/bin/sh
# Builds the static binary and the image around it, which holds nothing else but the licences of what it is made of.
#
#   deploy/image.sh [TAG] [ARCHITECTURE]
#
# TAG is stateward:dev, ARCHITECTURE that of this machine (amd64 or arm64). Both stay in target/image/ARCHITECTURE.
# Needs rustup, musl-gcc (Debian: musl-tools), and docker, podman or buildah. docs/image.md says more, also of what the
# other architecture needs.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit
    ;;
-*)
    echo "image.sh: there is no option $1 (deploy/image.sh --help)" >&2
    exit 2
    ;;
esac

tag=${1:-stateward:dev}
machine=$(uname -m)
architecture=${2:-$(echo "$machine" | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/')}
case $architecture in
amd64) cpu=x86_64 ;;
arm64) cpu=aarch64 ;;
*)
    echo "image.sh: no image for $architecture, only for amd64 and arm64" >&2
    exit 2
    ;;
esac
target=$cpu-unknown-linux-musl
cd "$(dirname "$0")/.."
root=$(pwd -P)
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src

if [ "$cpu" = "$machine" ]; then
    if ! command -v musl-gcc >/dev/null; then
        echo "image.sh: there is no musl-gcc, which compiles the C of two crates (Debian: apt-get install musl-tools)" >&2
        exit 1
    fi
elif ! printenv "CC_${cpu}_unknown_linux_musl" >/dev/null; then
    # Debian's cross compiler is for glibc; this makes it take the headers of musl. The linker gets all of musl from rustc.
    linker=$cpu-linux-gnu-gcc
    compiler="$linker -specs=/usr/lib/$cpu-linux-musl/musl-gcc.specs"
    if ! $compiler -E -x c /dev/null >/dev/null 2>&1; then
        echo "image.sh: there is no $linker that finds musl for $architecture; docs/image.md says how to install both" >&2
        exit 1
    fi
    export "CC_${cpu}_unknown_linux_musl=$compiler"
    export "CARGO_TARGET_$(echo "$cpu" | tr '[:lower:]' '[:upper:]')_UNKNOWN_LINUX_MUSL_LINKER=$linker"
fi
rustup target add "$target"
auditable=$(.ci/tool cargo-auditable)

# The same sources make the same bytes, wherever they lie: neither a path of this machine nor the time of the build, which
# mimalloc would tell, goes into the binary.
separator=$(printf '\037')
CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$crates=/crates$separator--remap-path-prefix=$root=/stateward"
CFLAGS="-ffile-prefix-map=$crates=/crates -ffile-prefix-map=$root=/stateward"
# shellcheck disable=SC2089 # The quotes are for the C compiler.
CFLAGS="$CFLAGS -Wno-builtin-macro-redefined -D__DATE__=\"\" -D__TIME__=\"\""
# shellcheck disable=SC2090
export CARGO_ENCODED_RUSTFLAGS CFLAGS
# What `stateward version` tells.
STATEWARD_COMMIT=$(git rev-parse HEAD 2>/dev/null || echo unknown)
export STATEWARD_COMMIT
"$auditable" auditable build --locked --release --bin stateward --target "$target" --target-dir target

# Times are those of the commit, so that the image is the same too.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH
mkdir -p "target/image/$architecture"
install -m 755 "target/$target/release/stateward" "target/image/$architecture/stateward"
deploy/licences.sh "$target" >"target/image/$architecture/THIRD-PARTY"
chmod 644 "target/image/$architecture/THIRD-PARTY"
touch -d "@$SOURCE_DATE_EPOCH" "target/image/$architecture/stateward" "target/image/$architecture/THIRD-PARTY"

if docker info >/dev/null 2>&1; then
    set -- docker build
elif command -v podman >/dev/null; then
    set -- podman build --timestamp "$SOURCE_DATE_EPOCH"
elif command -v buildah >/dev/null; then
    set -- buildah bud --timestamp "$SOURCE_DATE_EPOCH"
else
    echo "image.sh: the binary is target/image/$architecture/stateward; an image needs docker, podman or buildah" >&2
    exit 1
fi
"$@" --platform "linux/$architecture" --build-arg "TARGETARCH=$architecture" --tag "$tag" .
