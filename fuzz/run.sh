#!/usr/bin/env bash
# Fuzzes each target: `fuzz/run.sh [SECONDS]`, 600 unless said otherwise. Seeds are the attack suite's requests, or what is in
# the folder that SEEDS names. Fails if a target does, and leaves the input in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
targets=(split verify carriers mint)

command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz@0.13.2

if [ -z "${SEEDS:-}" ]; then
    SEEDS=$PWD/corpus/seeds
    mkdir -p "$SEEDS"
    (cd .. && SEEDS=$SEEDS cargo test --all-features --test attacks)
fi
if [ -z "$(ls -A "$SEEDS")" ]; then
    echo "$0: there are no seeds in $SEEDS" >&2
    exit 1
fi

# Coverage counters need flags that a stable compiler takes with RUSTC_BOOTSTRAP alone. There is no sanitizer: the crate
# forbids `unsafe`, so that there is nothing of its own to watch. Debug assertions and overflow checks are on.
export RUSTC_BOOTSTRAP=1
fuzz=(--fuzz-dir . --sanitizer none --codegen-units 16)
cargo fuzz build "${fuzz[@]}"

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    echo "$target"
done | xargs -P "$(nproc)" -I{} sh -c '
    target=$1 seeds=$2 seconds=$3 log=$4; shift 4
    cargo fuzz run "$@" "$target" "corpus/$target" "$seeds" -- \
        -max_total_time="$seconds" -dict=dict -max_len=4096 -timeout=10 -print_final_stats=1 >"$log" 2>&1 || echo "$target" >>"$log.failed"
' sh {} "$SEEDS" "$seconds" "$logs/{}" "${fuzz[@]}"

failed=0
printf '%-10s %12s %10s %10s %10s\n' target runs coverage features corpus
for target in "${targets[@]}"; do
    log=$logs/$target
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    last=$(grep -E '^#[0-9]+.* cov: [0-9]+ ft: ' "$log" | tail -1)
    field() { sed -n "s|.* $1: \([0-9]*\).*|\1|p" <<<"$last"; }
    printf '%-10s %12s %10s %10s %10s\n' "$target" "$runs" "$(field cov)" "$(field ft)" "$(field corp)"
    if [ -e "$log.failed" ]; then
        failed=1
        tail -60 "$log" >&2
    fi
done
exit $failed
