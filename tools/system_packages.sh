#!/bin/sh
# system_packages.sh PACKAGE...: installs those of bubblewrap and postgresql that are missing, from Debian's packages,
# where this user may do so. What needs them is skipped, with a line that says so, where neither holds.
set -u
missing=""
for package in "$@"; do
    case "$package" in
    bubblewrap) command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap" ;;
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ "$(uname -s)" != Linux ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed:$missing; what needs them will be skipped"
    exit 0
fi
if [ "$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo -n"; else
    echo "not installed:$missing (no right to install packages); what needs them will be skipped"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -qq >/dev/null 2>&1
# shellcheck disable=SC2086
$run apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
    echo "could not install:$missing; what needs them will be skipped"
exit 0
