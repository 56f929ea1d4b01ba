# Keeps a room: a network namespace from which nothing leads out but cables that can be cut.
# sh room.sh FOLDER CABLE...: each CABLE is the address of our side of a cable. The address of its other side is one less;
# that one lies in the network of whoever started us, behind descriptor 4.
# Orders come on standard input, a line each, answered with a line on standard output. The end of the input is the end of
# this script; the namespace ends with the last process in it, and the cables with it.
dir=$1
shift
exec 2>>"$dir/room.log"
outside() { nsenter --net=/proc/self/fd/4 "$@"; }
other() { echo "${1%.*}.$((${1##*.} - 1))"; }

ip link set lo up || exit 1
number=0
for here in "$@"; do
    # Its outer end has the number of this process in its name, which nobody else has.
    outside ip link add "ek$$c$number" type veth peer name "in$number" netns "$$" &&
        outside ip address add "$(other "$here")/30" dev "ek$$c$number" &&
        outside ip link set "ek$$c$number" up &&
        ip address add "$here/30" dev "in$number" && ip link set "in$number" up || exit 1
    number=$((number + 1))
done

# Both sides send to a neighbour that is not there: what is sent vanishes, and nobody is told.
nobody=02:00:00:00:00:01
cut() {
    ip neighbour replace "$(other "$2")" lladdr $nobody dev "in$1" nud permanent &&
        outside ip neighbour replace "$2" lladdr $nobody dev "ek$$c$1" nud permanent
}
mend() {
    ip neighbour del "$(other "$2")" dev "in$1" && outside ip neighbour del "$2" dev "ek$$c$1"
}

while read -r order which; do
    case $order in
    cut | mend) $order "$which" "$(eval "echo \$$((which + 1))")" ;;
    unplug) ip link set "in$which" down ;;
    plug) ip link set "in$which" up ;;
    esac || order="failed to $order"
    echo "$order"
done
