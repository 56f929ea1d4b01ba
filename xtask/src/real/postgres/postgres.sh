# Keeps one PostgreSQL server: makes its data, starts it and does with it what tests need.
# sh postgres.sh FOLDER PROGRAMS AS DISK: AS goes before every command of the server's, which refuses to run as root;
# with DISK, the options of a mount, the data is on a disk of its own, which needs a mount namespace around this script.
# Orders come on standard input, a word a line, each answered with a line on standard output. The end of the input
# is the end of the server, so it cannot outlive whoever holds the other side, however that ended.
dir=$1 programs=$2 as=$3 disk=$4
data=$dir/disk/data
log=$dir/postgres.log
[ -z "$disk" ] || mount -t tmpfs -o "$disk" tmpfs "$dir/disk" 2>>"$log" || exit 1

make_data() {
    $as "$programs/initdb" --no-sync --auth=scram-sha-256 --username=evenkeel --pwfile="$dir/password" \
        --encoding=UTF8 --locale=C "$@" --pgdata="$data" >>"$log" 2>&1 </dev/null
}

# Sorted as people sort, which is how most servers out there do it: whoever counts on the order of bytes is found out.
# Before version 15 that takes a locale of the machine's, which need not be there.
make_data --locale-provider=icu --icu-locale=en-US || make_data || exit 1
rm "$dir/password"
cat "$dir/settings.conf" >>"$data/postgresql.conf"

start() {
    $as "$programs/postgres" -D "$data" >>"$log" 2>&1 </dev/null &
    pid=$!
}

# Every process of a server is a child of its first one.
family() {
    grep -ls "^PPid:[[:space:]]*$pid\$" /proc/[0-9]*/status | cut -d/ -f3
}

# Waits while a process is in none of these states.
until_in() {
    while grep -qs "^State:[[:space:]]*[^[:space:]$2]" "/proc/$1/status"; do sleep 0.01; done
}

# The first one first: once it stands, there are no new ones.
freeze() {
    kill -STOP "$pid" && until_in "$pid" TZX
    for one in $(family); do kill -STOP "$one"; done
}

thaw() {
    for one in $(family) "$pid"; do kill -CONT "$one"; done
}

# Answers when the last of them is gone: a server does not start beside the remains of another.
slay() {
    freeze
    all="$(family) $pid"
    for one in $all; do kill -KILL "$one"; done
    wait "$pid"
    for one in $all; do until_in "$one" ZX; done
}

alive() {
    kill -0 "$pid" || { order=dead; return; }
    # Its first line is the process, its eighth how far that is.
    set -- $(sed -n '1p;8p' "$data/postmaster.pid")
    [ "$1 $2" != "$pid ready" ] || order=ready
}

start
while read -r order; do
    case $order in
    start) start ;;
    stop) thaw; kill -INT "$pid" && wait "$pid" ;;
    quit) kill -QUIT "$pid" && wait "$pid" ;;
    kill) slay ;;
    freeze) freeze ;;
    thaw) thaw ;;
    fill) cat /dev/zero >"$dir/disk/ballast" ;;
    free) rm -f "$dir/disk/ballast" ;;
    alive) alive ;;
    esac 2>/dev/null
    echo "$order"
done
thaw 2>/dev/null
kill -QUIT "$pid" 2>/dev/null && wait "$pid"
# What a killed server leaves outside its folder: one segment of shared memory, its number in the seventh line.
set -- $(sed -n 7p "$data/postmaster.pid" 2>/dev/null)
[ -z "$2" ] || ipcrm -m "$2" 2>/dev/null
