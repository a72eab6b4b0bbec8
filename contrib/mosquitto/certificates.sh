#!/bin/sh
# Certificates for a broker, for nodes and for people, from an authority of your own. Needs openssl.
#
#   certificates.sh DIR authority            once; DIR/ca.key signs everything, and belongs on no node and on no broker
#   certificates.sh DIR broker HOST...       the name or address by which nodes reach the broker; broker.crt, broker.key
#   certificates.sh DIR client NAME          a node or a person, each with a name of its own; NAME.crt, NAME.key
set -eu
umask 077

usage() {
    sed -n 's/^#   //p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
directory=$1 what=$2
shift 2
case $what in
authority) ;;
broker | client) [ $# -ge 1 ] || usage ;;
*) usage ;;
esac
mkdir -p "$directory"
cd "$directory"

# A name is compared by the broker's access list: no wildcard, nothing to be quoted.
check() {
    case $1 in
    "" | *[!a-z0-9-]*) echo "$0: $1: a name has 1 to 32 of a-z, 0-9 and -" >&2 && exit 2 ;;
    esac
    [ ${#1} -le 32 ] || { echo "$0: $1: too long" >&2 && exit 2; }
}

sign() { # NAME DAYS EXTENSIONS
    [ ! -e "$1.crt" ] || { echo "$0: there is a certificate for $1 already; remove it first: $directory/$1.crt" >&2 && exit 2; }
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf '%s\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$2" -sha256 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
    rm "$1.csr" "$1.ext"
}

case $what in
authority)
    [ ! -e ca.key ] || { echo "$0: there is an authority in $directory already" >&2 && exit 2; }
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -days 7300 -sha256 -subj "/CN=wagman authority" -out ca.crt \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
    ;;
broker)
    names=
    for host; do
        case $host in
        *:* | *[!0-9.]*) kind=DNS && case $host in *:*) kind=IP ;; esac ;;
        *) kind=IP ;;
        esac
        names="$names${names:+,}$kind:$host"
    done
    sign broker 1825 "subjectAltName=$names
extendedKeyUsage=serverAuth"
    ;;
client)
    check "$1"
    sign "$1" 1825 "extendedKeyUsage=clientAuth"
    ;;
esac
