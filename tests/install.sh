#!/usr/bin/env bash
# Installs those programs that are missing, where Debian has them. Standard input has a line for each program: its name,
# and the package that it is in.
set -euo pipefail
exec >&2

missing=()
while read -r program package; do
    command -v "$program" >/dev/null || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

apt_get=(apt-get)
[ "$(id -u)" -eq 0 ] || apt_get=(sudo apt-get)
if ! command -v apt-get >/dev/null || ! command -v "${apt_get[0]}" >/dev/null; then
    echo "$0: install these first (the names are Debian's): ${missing[*]}"
    exit 1
fi
"${apt_get[@]}" update -q
"${apt_get[@]}" install -qy --no-install-recommends "${missing[@]}"
