# Keeps one Docker engine. It is the only child of process 1 of process, network and mount namespaces of its own: nothing
# of the engine touches the machine's network, and when this script ends everything it started ends with it.
# Orders come on standard input, a word a line, each answered with a line on standard output. The end of the input
# is the end of the engine, so it cannot outlive whoever holds the other side, however that ended.
dir=$1
shift
ip link set lo up
# Where containerd and dockerd write whatever one tells them.
mkdir -p /run/containerd && mount -t tmpfs tmpfs /run/containerd
[ -d /etc/docker ] && mount -t tmpfs tmpfs /etc/docker

start() {
    dockerd "$@" >>"$dir/dockerd.log" 2>&1 </dev/null &
    pid=$!
}

start "$@"
while read -r order; do
    case $order in
    start) start "$@" ;;
    stop) kill -TERM $pid && wait $pid ;;
    # Its containerd dies with it, and process 1 needs a moment to bury it. An unburied one looks alive to the next
    # dockerd, which then waits for it in vain.
    kill) kill -KILL $pid; wait $pid; sleep 0.3 ;;
    freeze) kill -STOP $pid ;;
    thaw) kill -CONT $pid ;;
    alive) kill -0 $pid 2>/dev/null || order=dead ;;
    esac
    echo "$order"
done
kill -CONT $pid 2>/dev/null
kill -TERM $pid 2>/dev/null && wait $pid
