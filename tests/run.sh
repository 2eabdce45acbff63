#!/usr/bin/env bash
# Runs all tests, none left out. The programs that they need besides cargo are installed first, where Debian has them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs in other languages are run by what they are for, and links are clicked in a browser.
PATH=$PATH:/usr/sbin # where nginx is
tests/install.sh <<'END'
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

# With `CI` set, a test that needs another program fails where it would be left out.
export CI=true
cargo test --all-features
cargo test --no-default-features
