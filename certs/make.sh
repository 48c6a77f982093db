#!/bin/sh
# Makes a CA and a serving certificate for the webhook Service, and prints the commands that install them.
#
#   certs/make.sh [DIRECTORY] [NAMESPACE] [SERVICE]
#
# Nothing is overwritten, and no key leaves DIRECTORY: keep it out of git.
set -eu
umask 077

case ${1:-} in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit
    ;;
-*)
    echo "make.sh: there is no option $1 (certs/make.sh --help)" >&2
    exit 2
    ;;
esac

directory=${1:-./stateward-certs}
namespace=${2:-stateward-system}
service=${3:-stateward}
name=$service.$namespace.svc
ca_days=3650
leaf_days=365

mkdir -p "$directory"
for file in ca.crt ca.key tls.crt tls.key; do
    if [ -e "$directory/$file" ]; then
        echo "make.sh: $directory/$file exists: nothing is overwritten, choose another directory" >&2
        exit 1
    fi
done

work=$(mktemp -d "$directory/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The API server compares the names under subjectAltName, never the subject (which holds 64 characters at most).
cat >"$work/openssl.cnf" <<EOF
[req]
distinguished_name = subject
prompt = no
[subject]
CN = stateward webhook
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:$name, DNS:$name.cluster.local, DNS:$service.$namespace
EOF

run() {
    openssl "$@" 2>"$work/openssl.log" || {
        cat "$work/openssl.log" >&2
        exit 1
    }
}
key() {
    run genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve -out "$1"
}

key "$work/ca.key"
run req -x509 -new -sha256 -key "$work/ca.key" -subj "/CN=stateward CA" -days "$ca_days" \
    -config "$work/openssl.cnf" -extensions ca -out "$work/ca.crt"
key "$work/tls.key"
run req -new -sha256 -key "$work/tls.key" -config "$work/openssl.cnf" -out "$work/tls.csr"
run x509 -req -sha256 -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -days "$leaf_days" -extfile "$work/openssl.cnf" -extensions leaf -out "$work/tls.crt"
run verify -CAfile "$work/ca.crt" "$work/tls.crt" >/dev/null

for file in ca.crt ca.key tls.crt tls.key; do
    mv "$work/$file" "$directory/$file"
done

cat <<EOF
Made a CA ($ca_days days) and a certificate for $name ($leaf_days days) in $directory. Install them with:

kubectl create namespace $namespace
kubectl -n $namespace create secret tls stateward-tls --cert=$directory/tls.crt --key=$directory/tls.key
stateward manifests --namespace $namespace --ca-bundle $directory/ca.crt | kubectl apply --server-side -f -
EOF
