#!/bin/sh
# Fetch and unpack the packages of npm-packages.txt, deb-packages.txt and src-packages.txt.
# usage: fetch.sh WORK      (Debian with deb-src entries: apt-get update first; a few GB of disk)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
mkdir -p "$work/npm/tgz" "$work/npm/x" "$work/deb/x" "$work/src/dl" "$work/src/x" "$work/pypi/x/sqlfluff"
cd "$work/npm/tgz"
xargs -n 6 npm pack --silent --ignore-scripts < "$here/npm-packages.txt"
for f in *.tgz; do
  mkdir -p "../x/${f%.tgz}"
  tar -xzf "$f" -C "../x/${f%.tgz}"
done
cd "$work/deb"
xargs apt-get download < "$here/deb-packages.txt"
for f in *.deb; do dpkg -x "$f" "x/${f%%_*}"; done
cd "$work/src/dl"
xargs apt-get source --download-only < "$here/src-packages.txt"
for f in *.dsc; do dpkg-source --skip-patches -x "$f" "../x/${f%%_*}"; done
rm -f ../x/*.orig*.tar.*
cd "$work/pypi"
pip download --no-deps --no-binary :all: sqlfluff
tar -xzf sqlfluff-*.tar.gz -C x/sqlfluff --strip-components=1
