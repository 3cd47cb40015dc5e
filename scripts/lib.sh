# lib.sh - what the scripts share. Sourced, never run.
#
# State lives outside the checkout:
#   data   ${XDG_DATA_HOME:-~/.local/share}/leadwire    PostgreSQL's root directory and data
#   state  ${XDG_STATE_HOME:-~/.local/state}/leadwire   process ids, logs, addresses
# When root runs PostgreSQL from the distribution, its data is in /var/lib/leadwire, which its user can reach.

set -eu
case ${1:-} in
-h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data_dir=${XDG_DATA_HOME:-$HOME/.local/share}/leadwire
state_dir=${XDG_STATE_HOME:-$HOME/.local/state}/leadwire
mkdir -p "$data_dir" "$state_dir"
chmod 700 "$state_dir"

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# as_root COMMAND...: with sudo where we are not root.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "root or sudo is needed for: $*"; fi
}

# apt_install PACKAGE...: installs what is missing, and says so.
apt_install() {
    local missing=() package installed
    installed=$(dpkg-query -W -f='${Package} ${Status}\n' "$@" 2>/dev/null || true)
    for package; do
        grep -q "^$package .*ok installed" <<<"$installed" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || die "these Debian packages are needed: ${missing[*]}"
    say "installing: ${missing[*]}"
    if [ -z "${apt_updated:-}" ]; then
        as_root apt-get update -qq
        apt_updated=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
        || die "apt-get could not install: ${missing[*]}"
}

# apt_has PACKAGE: whether the distribution offers it.
apt_has() {
    [ -n "$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \(.*\)/\1/p' | grep -v '(none)')" ]
}

# free_port: prints a TCP port that is free on loopback now, below those that the kernel gives away by itself (32768 and
# up): neither a service's own socket nor an outgoing connection can take it before its user binds it.
free_port() {
    python3 - <<'END'
import random, socket
while True:
    port = random.randint(20000, 32000)
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
END
}

services="gateway orchestrator knowledge delivery scheduler"

# build PRESET [TARGET...]: says nothing unless it fails.
build() {
    local preset=$1 log=$state_dir/build-$1.log
    shift
    [ -e "$top/build/$preset/build.ninja" ] || say "building ($preset) ..."
    (
        cd "$top"
        if command -v ccache >/dev/null; then export CMAKE_C_COMPILER_LAUNCHER=ccache; fi
        [ -e "build/$preset/build.ninja" ] || cmake --preset "$preset" || exit 1
        if [ $# -gt 0 ]; then cmake --build --preset "$preset" --target "$@"; else cmake --build --preset "$preset"; fi
    ) >"$log" 2>&1 || { grep -E 'error|Error' "$log" | head -n 20 >&2 || true; die "the build failed; its log is $log"; }
}

# launch NAME COMMAND...: starts it in the background with log and pid file in $run_dir.
launch() {
    local name=$1
    shift
    setsid "$@" >>"$run_dir/$name.log" 2>&1 </dev/null &
    echo "$! $(start_time $!)" >"$run_dir/$name.pid"
}

# start_time PID: when it started, in clock ticks since boot; tells a process from a later one with its number. Nothing
# for one that has ended, also if nobody has waited for it yet.
start_time() {
    sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# is_alive PIDFILE
is_alive() {
    local pid started
    read -r pid started <"$1" 2>/dev/null || return 1
    [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}

# end PIDFILE: SIGTERM, after 12 s SIGKILL.
end() {
    local pid
    [ -e "$1" ] || return 0
    read -r pid _ <"$1" || true
    if is_alive "$1"; then
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 120); do
            is_alive "$1" || break
            sleep 0.1
        done
        if is_alive "$1"; then kill -KILL "$pid" 2>/dev/null || true; fi
    fi
    rm -f "$1"
}

# own_database URL NAME: a database beside the URL's; prints its URL.
own_database() {
    psql_run "$1" "CREATE DATABASE $2" 2>/dev/null || true
    echo "${1%/*}/$2"
}

psql_run() {
    PGOPTIONS='-c client_min_messages=warning' psql -qAtX -v ON_ERROR_STOP=1 -d "$1" -c "$2"
}

# The key that seals clients' secrets: made once and kept, since without it they are lost.
kept_master_key() {
    local file=$data_dir/master.key
    [ -e "$file" ] || (umask 077; od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file")
    cat "$file"
}
