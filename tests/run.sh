#!/usr/bin/env bash
# Runs all tests, none left out. The programs that they need besides cargo are installed first, where Debian has them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs in other languages are run by what they are for, and links are clicked in a browser.
PATH=$PATH:/usr/sbin # where nginx is
missing=()
while read -r program package; do
    command -v "$program" >/dev/null || missing+=("$package")
done <<'END'
python3 python3
node nodejs
go golang-go
php php-cli
ruby ruby
javac default-jdk-headless
mcs mono-mcs
openssl openssl
caddy caddy
curl curl
nginx nginx
chromium chromium
chromedriver chromium-driver
END

if [ ${#missing[@]} -gt 0 ]; then
    apt_get=(apt-get)
    [ "$(id -u)" -eq 0 ] || apt_get=(sudo apt-get)
    if ! command -v apt-get >/dev/null || ! command -v "${apt_get[0]}" >/dev/null; then
        echo "$0: install these first (the names are Debian's): ${missing[*]}" >&2
        exit 1
    fi
    "${apt_get[@]}" update -q
    "${apt_get[@]}" install -qy --no-install-recommends "${missing[@]}"
fi

# With `CI` set, a test that needs another program fails where it would be left out.
export CI=true
cargo test --all-features
cargo test --no-default-features
