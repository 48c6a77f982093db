#!/bin/sh
# Packs the files of a release around the binaries that deploy/image.sh left; it publishes nothing.
#
#   deploy/release.sh URL [ARCHITECTURE...]
#
# URL is where the archives will be, without their names; ARCHITECTURE is amd64 and arm64, unless you say.
# In target/dist are then an archive for each, SHA256SUMS, a manifest for krew and a formula for Homebrew.
# Needs GNU tar, and a binary for this machine, which prints manual and completions. docs/image.md says more.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit
    ;;
*[!A-Za-z0-9.:/_~%+-]*) wrong=1 ;;
https://?*) wrong= ;;
*) wrong=1 ;;
esac
if [ -n "$wrong" ]; then
    echo "release.sh: the first argument is the https:// address where the archives will be (deploy/release.sh --help)" >&2
    exit 2
fi
url=${1%/}
shift
[ $# -gt 0 ] || set -- amd64 arm64
cd "$(dirname "$0")/.."
if ! tar --version | grep -q 'GNU tar'; then
    echo "release.sh: tar is not GNU tar, which packs the same bytes every time" >&2
    exit 1
fi

own=$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/')
for architecture in "$own" "$@"; do
    if [ ! -x "target/image/$architecture/stateward" ] || [ ! -s "target/image/$architecture/THIRD-PARTY" ]; then
        echo "release.sh: there are not both stateward and THIRD-PARTY in target/image/$architecture; deploy/image.sh stateward:dev $architecture makes them" >&2
        exit 1
    fi
done
program=target/image/$own/stateward
fact() {
    "$program" version | sed -n "s/^$1: //p"
}
version=$(fact version)
commit=$(fact commit)
for architecture; do
    if ! grep -qF "$commit" "target/image/$architecture/stateward"; then
        echo "release.sh: target/image/$architecture/stateward is not of commit $commit, as $program is" >&2
        exit 1
    fi
done

# What every archive has besides the program.
dist=target/dist
rm -rf "$dist"
mkdir -p "$dist/common/completions"
cp LICENSE README.md "$dist/common"
"$program" man "$dist/common/man"
"$program" completions bash >"$dist/common/completions/stateward.bash"
"$program" completions zsh >"$dist/common/completions/_stateward"
"$program" completions fish >"$dist/common/completions/stateward.fish"

# The same files make the same archive: their order, times, owners and modes are not those of this machine.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
for architecture; do
    name=stateward-$version-linux-$architecture
    cp -R "$dist/common" "$dist/$name"
    cp "target/image/$architecture/stateward" "target/image/$architecture/THIRD-PARTY" "$dist/$name"
    find "$dist/$name" -type f ! -name stateward -exec chmod 644 {} +
    find "$dist/$name" \( -type d -o -name stateward \) -exec chmod 755 {} +
    tar --create --file "$dist/$name.tar" --format ustar --sort name --owner 0 --group 0 --numeric-owner \
        --mtime "@$SOURCE_DATE_EPOCH" --directory "$dist" "$name"
    gzip -9 --no-name "$dist/$name.tar"
    rm -r "${dist:?}/$name"
done
rm -r "$dist/common"
(cd "$dist" && sha256sum -- *.tar.gz >SHA256SUMS)
checksum() {
    sed -n "s/  stateward-$version-linux-$1.tar.gz\$//p" "$dist/SHA256SUMS"
}

{
    cat <<END
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: stateward
spec:
  version: v$version
  homepage: https://github.com/stateward/stateward
  shortDescription: Find workloads that do not own their state
  description: |
    Finds workloads that do not own their state the way Kubernetes will run it:
    several pods on one ReadWriteOnce claim, rolling updates that deadlock on
    their own disk, StatefulSets without their Service. It judges a live cluster
    or files, by the rules of stateward's admission webhook.
  platforms:
END
    for architecture; do
        cat <<END
  - selector:
      matchLabels:
        os: linux
        arch: $architecture
    uri: $url/stateward-$version-linux-$architecture.tar.gz
    sha256: $(checksum "$architecture")
    files:
    - from: stateward-$version-linux-$architecture/stateward
      to: .
    - from: stateward-$version-linux-$architecture/LICENSE
      to: .
    - from: stateward-$version-linux-$architecture/THIRD-PARTY
      to: .
    bin: stateward
END
    done
} >"$dist/stateward.yaml"

{
    cat <<END
class Stateward < Formula
  desc "Finds Kubernetes workloads that do not own their state"
  homepage "https://github.com/stateward/stateward"
  version "$version"
  license "Apache-2.0"

  depends_on :linux

END
    for architecture; do
        case $architecture in
        amd64) processor=intel ;;
        arm64) processor=arm ;;
        esac
        cat <<END
  on_$processor do
    url "$url/stateward-$version-linux-$architecture.tar.gz"
    sha256 "$(checksum "$architecture")"
  end

END
    done
    cat <<'END'
  def install
    bin.install "stateward"
    bin.install_symlink "stateward" => "kubectl-stateward"
    doc.install "THIRD-PARTY"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/stateward.bash" => "stateward"
    zsh_completion.install "completions/_stateward"
    fish_completion.install "completions/stateward.fish"
  end

  test do
    assert_match "version: #{version}", shell_output("#{bin}/stateward version")
  end
end
END
} >"$dist/stateward.rb"
(cd "$dist" && ls -l)
