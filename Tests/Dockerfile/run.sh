#!/usr/bin/env bash
# Runs the RUN lines of the Dockerfile, in order, in a fresh Debian 12 instead of a container:
#
#   Tests/Dockerfile/run.sh ROOT [DOCKERFILE]
#
# ROOT is a folder to make; its Debian comes from debootstrap. The toolchain that `swift` is of stands for
# the image's, with the packages that the image has for it. Needs root, debootstrap and the network.
set -euo pipefail
tree=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:?"usage: run.sh ROOT [DOCKERFILE]"}
dockerfile=${2:-$tree/Dockerfile}
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")

debootstrap --variant=minbase --include=ca-certificates,binutils,git,gnupg,libc6-dev,libcurl4-openssl-dev,libedit2,\
libgcc-12-dev,libncurses-dev,libpython3-dev,libsqlite3-0,libstdc++-12-dev,libxml2-dev,libz3-dev,pkg-config,tzdata,\
unzip,zlib1g-dev bookworm "$root"

cp /etc/resolv.conf "$root/etc/resolv.conf"
for mount in proc sys dev; do mount --rbind --make-rslave "/$mount" "$root/$mount"; done
# What the image has in /usr.
mkdir -p "$root/opt/swift/usr"
mount --bind "$toolchain" "$root/opt/swift/usr"
trap 'for mount in opt/swift/usr dev sys proc; do umount -R -l "$root/$mount"; done' EXIT

# COPY: the files of the tree that git has or would take.
mkdir -p "$root/heed"
(cd "$tree" && git ls-files -z --cached --others --exclude-standard | tar --null -T - -c) |
  tar -x -C "$root/heed"

folder=/
while read -r instruction rest; do
  case $instruction in
    WORKDIR) folder=$rest && mkdir -p "$root$folder" ;;
    RUN)
      echo "RUN $rest" >&2
      chroot "$root" /usr/bin/env PATH=/opt/swift/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root DEBIAN_FRONTEND=noninteractive /bin/sh -c "cd '$folder' && $rest"
      ;;
  esac
done < "$dockerfile"
