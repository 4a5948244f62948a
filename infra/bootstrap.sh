#!/usr/bin/env bash
# Brings a fresh Debian or Ubuntu to the point where `npm start` and `npm test` work: node_modules by
# npm ci, redis-server and iproute2 by apt, raw-socket (IPv6 only) compiled against Node's own headers, ours built.
# Does only what is missing, says what it does, and is silent when there is nothing to do. What it may
# not do itself, for want of root, it prints as one command. Usage: bootstrap.sh [--test]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'bootstrap: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

node_is_recent() {
  has node && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'
}

# Unless what is installed is what the lock file says: by its words, for a checkout gives every file a new date.
install_node_modules() {
  local installed=node_modules/.installed-lock.json
  if cmp -s package-lock.json "$installed"; then return; fi
  say 'installing node_modules (npm ci)'
  # Compiling raw-socket is tried below, where its failure costs IPv6 only.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$installed"
}

# apt packages for the commands of which at least one is missing: "package command" pairs.
missing_packages() {
  local packages=()
  while [ $# -gt 0 ]; do
    has "$2" || packages+=("$1")
    shift 2
  done
  echo "${packages[*]:-}"
}

# apt_install "why" packages…: with root or sudo does it, otherwise prints how. Fails when it is not done.
apt_install() {
  local why=$1 as_root=()
  shift
  if ! has apt-get; then
    say "$why needs these, which this system's package manager may have: $*"
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      as_root=(sudo)
    else
      say "$why needs: sudo apt-get install -y --no-install-recommends $*"
      return 1
    fi
  fi
  say "installing $* (apt-get), for $why"
  # redis-server would start as a service of the machine; Herald starts its own.
  local get=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0)
  local install=("${get[@]}" install -y --no-install-recommends "$@")
  "${as_root[@]}" "${install[@]}" >/dev/null 2>&1 && return
  "${as_root[@]}" "${get[@]}" update >&2 && "${as_root[@]}" "${install[@]}" >&2 && return
  say "apt-get could not install them; try: sudo apt-get update && sudo apt-get install -y $*"
  return 1
}

node_headers() {
  local prefix
  prefix=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
  for folder in "$prefix" /usr /usr/local; do
    # Headers of another major version compile, and then fail to load.
    if grep -qs "NODE_MAJOR_VERSION $(node -p 'process.versions.node.split(".")[0]')\$" \
      "$folder/include/node/node_version.h"; then
      echo "$folder"
      return
    fi
  done
  return 1
}

no_ipv6() {
  say "IPv6 announcements are unavailable: $1. Everything else works."
  say "To try again: rm -f node_modules/.no-raw-socket && npm rebuild raw-socket"
  mkdir -p node_modules && touch node_modules/.no-raw-socket # said once, not at every start
}

build_raw_socket() {
  local folder=node_modules/raw-socket headers tools
  [ -d "$folder" ] || return 0
  [ -f "$folder/build/Release/raw.node" ] && return
  [ -f node_modules/.no-raw-socket ] && return
  if ! headers=$(node_headers); then
    no_ipv6 "raw-socket cannot be built without the headers of Node $(node --version) (libnode-dev, or a Node that brings include/node)"
    return
  fi
  tools=$(missing_packages python3 python3 make make g++ g++)
  # shellcheck disable=SC2086 # a list of words
  if [ -n "$tools" ] && ! apt_install 'IPv6 (raw-socket, which is compiled)' $tools; then
    no_ipv6 "raw-socket cannot be built without $tools"
    return
  fi
  say 'compiling raw-socket, for IPv6'
  local log
  if ! log=$(npm_config_nodedir=$headers npm rebuild raw-socket --loglevel=error 2>&1) ||
    ! node -e 'require("raw-socket")' 2>/dev/null; then
    printf '%s\n' "$log" | tail -n 15 >&2
    no_ipv6 'raw-socket could not be built (above)'
  fi
}

# JavaScript in dist/, when the sources have changed since: all that is started here starts faster for it.
build() { node -e 'import("./infra/built.mjs").then(one => process.exit(one.isBuilt() ? 0 : 1))' || npm run -s build >&2; }

node_is_recent || {
  say "Node 20 or later is needed, this is $(has node && node --version || echo none): see https://nodejs.org"
  exit 1
}
install_node_modules
wanted=(redis-server redis-server iproute2 ip)
why='npm start'
if [ "${1:-}" = --test ]; then
  why='npm test'
  wanted+=(iputils-arping arping iputils-ping ping tcpdump tcpdump curl curl procps ps)
fi
missing=$(missing_packages "${wanted[@]}")
# Without them some of it still works (a Redis of one's own, no LAN): go on, but say so.
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] || apt_install "$why" $missing || true
build_raw_socket
build
