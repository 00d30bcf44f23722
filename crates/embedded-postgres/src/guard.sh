# Owns one PostgreSQL server (or the initdb before it) and ends it when its master is gone.
# Arguments: the process to follow (0: whoever holds our stdin), the file for its exit status,
# the number of folders to remove at the very end, these folders, then its command line.
follow=$1 exited=$2 count=$3
shift 3
first=; second=
[ "$count" -ge 1 ] && { first=$1; shift; }
[ "$count" -ge 2 ] && { second=$1; shift; }

# A dead process that nobody has collected still has a number: its state tells.
alive() {
    if [ -r "/proc/$1/stat" ]; then
        read -r stat <"/proc/$1/stat" || return 1
        case ${stat##*) } in Z*|X*) return 1 ;; esac
        return 0
    fi
    # Not `kill -0`: it also fails for a living process of another user.
    [ ! -d /proc/self ] && ps -p "$1" >/dev/null 2>&1
}

# Never a signal to a number that may by now belong to somebody else.
signal() { [ -e "$exited" ] || kill "-$1" "$server" 2>/dev/null; }

# The master writes one word, a signal, to stop the server and keep its files. Its end, seen as
# end-of-file, stops the server and removes them.
watch() {
    if [ "$follow" = 0 ]; then
        if read -r word <&3; then
            signal "$word"
            exit 0
        fi
    else
        while alive "$follow"; do sleep 0.2; done
    fi
    signal INT
    exit 10
}

exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
trap 'signal INT' TERM INT HUP
watch &
watcher=$!

# A trapped signal ends `wait` early: ask again until the process is really gone.
while :; do
    wait "$server"; status=$?
    kill -0 "$server" 2>/dev/null || break
done
echo "$status" >"$exited"
while :; do
    wait "$watcher"; ending=$?
    kill -0 "$watcher" 2>/dev/null || break
done
if [ "$ending" = 10 ]; then
    [ -z "$first" ] || rm -rf -- "$first"
    [ -z "$second" ] || rm -rf -- "$second"
fi
