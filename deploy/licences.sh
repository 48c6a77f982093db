#!/bin/sh
# Prints the crates that are linked into the program, and the texts of their licences, which go wherever it goes.
#
#   deploy/licences.sh TARGET
#
# TARGET is what the program is built for, as rustc names it. Needs cargo, and the sources of the crates, which a build
# leaves behind.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit
    ;;
-* | '')
    echo "licences.sh: the only argument is what the program is built for (deploy/licences.sh --help)" >&2
    exit 2
    ;;
esac
target=$1
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cargo tree --locked --offline --edges normal,no-proc-macro --target "$target" --prefix none --format '{p} {l}' \
    >"$scratch/tree"
# Our own crates have paths beside them; what is told again has a star.
sed '/ (\//d; s/ (\*)$//; /^$/d' "$scratch/tree" | LC_ALL=C sort -u >"$scratch/crates"

while read -r name version licence; do
    crate=$name-${version#v}
    echo "$crate: $licence" >>"$scratch/list"
    for source in "${CARGO_HOME:-$HOME/.cargo}/registry/src"/*/"$crate"; do
        if [ ! -d "$source" ]; then
            echo "licences.sh: the sources of $crate are not here; cargo fetch --locked brings them" >&2
            exit 1
        fi
        (
            cd "$source"
            find . -type f \( -iname 'licen[cs]e*' -o -iname 'unlicense*' -o -iname 'copying*' -o -iname 'copyright*' \
                -o -iname 'notice*' \) ! -name '*.rs'
        ) | LC_ALL=C sort | while read -r file; do
            sum=$(sha256sum <"$source/$file")
            text=$scratch/${sum%% *}
            # Most say the same, word for word.
            if [ ! -e "$text" ]; then
                cp "$source/$file" "$text"
                echo "$text" >>"$scratch/texts"
            fi
            echo "$crate (${file#./})" >>"$text.of"
        done
        break
    done
done <"$scratch/crates"

echo "stateward is under the Apache License 2.0. It is made of these crates besides; the texts of all licences follow."
echo
cat "$scratch/list"
while read -r text; do
    echo
    echo "================================================================================"
    cat "$text.of"
    echo "--------------------------------------------------------------------------------"
    cat "$text"
done <"$scratch/texts"
