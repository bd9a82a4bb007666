#!/bin/sh
# Fetch and unpack the packages of npm-packages.txt and deb-packages.txt.
# usage: fetch.sh WORK      (Debian: apt-get update first; a few GB of disk)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
mkdir -p "$work/npm/tgz" "$work/npm/x" "$work/deb/x"
cd "$work/npm/tgz"
xargs -n 6 npm pack --silent --ignore-scripts < "$here/npm-packages.txt"
for f in *.tgz; do
  mkdir -p "../x/${f%.tgz}"
  tar -xzf "$f" -C "../x/${f%.tgz}"
done
cd "$work/deb"
xargs apt-get download < "$here/deb-packages.txt"
for f in *.deb; do dpkg -x "$f" "x/${f%%_*}"; done
