#!/bin/sh
# Assembles the root file system of the container image: the binary, the libraries it links, the authorities it trusts,
# a user, and an empty folder for the state. No shell, no package manager, nothing to write to but that folder.
#
#   packaging/rootfs.sh BINARY FOLDER
#
# The Dockerfile calls it in its builder, and packaging/prove-image.sh on whatever Debian or Ubuntu it runs, so that what is
# proved is what is shipped. Needs ldd, strip (binutils) and /etc/ssl/certs/ca-certificates.crt (ca-certificates).
set -eu

if [ $# -ne 2 ] || [ ! -x "$1" ]; then
    echo "usage: packaging/rootfs.sh BINARY FOLDER, where BINARY is a built evenkeel" >&2
    exit 2
fi
binary=$1
root=$2
authorities=/etc/ssl/certs/ca-certificates.crt
if [ ! -s "$authorities" ]; then
    echo "error: $authorities is not there; install the package ca-certificates" >&2
    exit 1
fi

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/etc/evenkeel" "$root/tmp" \
    "$root/var/lib/evenkeel" "$root/var/lib/dpkg/status.d"

# Symbols help whoever debugs, and weigh a fifth of the binary; a panic still names its file and line.
strip --strip-all -o "$root/usr/local/bin/evenkeel" "$binary"
chmod 755 "$root/usr/local/bin/evenkeel"

# What the dynamic loader would load, under the very paths at which it looks.
ldd "$binary" | sed -n -e 's|.*=> \(/[^ ]*\) .*|\1|p' -e 's|^[[:space:]]*\(/[^ ]*\) (.*|\1|p' | sort -u |
    while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
        # Scanners know by this which packages the libraries are from: distroless images say it in the same place.
        if command -v dpkg-query >/dev/null; then
            for package in $(dpkg-query -S "$(readlink -f "$library")" "$library" 2>/dev/null | sed 's|: /.*||' | sort -u); do
                name=${package%%:*}
                dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$name"
                if [ -f "/usr/share/doc/$name/copyright" ]; then
                    mkdir -p "$root/usr/share/doc/$name"
                    cp -L "/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
                fi
            done
        fi
    done

cp -L "$authorities" "$root$authorities"
echo 'evenkeel:x:65532:65532:evenkeel:/var/lib/evenkeel:/sbin/nologin' >"$root/etc/passwd"
echo 'evenkeel:x:65532:' >"$root/etc/group"
# glibc asks files first and then the name servers; without this file it would look for modules that are not here.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
chmod 750 "$root/var/lib/evenkeel"
if [ "$(id -u)" -eq 0 ]; then
    chown -R 65532:65532 "$root/var/lib/evenkeel"
fi
