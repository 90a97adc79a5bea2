# Shared by the scripts beside it; sourced, not run. Sets `root` and moves there.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}
