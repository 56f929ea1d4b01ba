# Holds one program that needs no more than to be started and ended: sh hold.sh LOG PROGRAM [ARGUMENT...]
# It is asked on standard input whether the program lives, and answers on standard output. The end of the input is the
# end of the program, so it cannot outlive whoever holds the other side, however that ended.
log=$1
shift
"$@" >>"$log" 2>&1 </dev/null &
pid=$!
while read -r order; do
    kill -0 $pid 2>/dev/null || order=dead
    echo "$order"
done
kill -TERM $pid 2>/dev/null && wait $pid
