# Runs programs with --version, for so many seconds at most each. Standard input: paths. $1: how many at a time, $2: seconds.
# Answers: path, exit code and a checksum of what it said first, with tabs between; in no order.
# Names are names, whatever is in them.
set -f
list=$(cat)
jobs=$1
limit=
command -v timeout >/dev/null 2>&1 && limit="timeout -s KILL $2"
# A session of its own keeps it from the terminal and from the others.
apart=
command -v setsid >/dev/null 2>&1 && apart=setsid
cd /
work() {
  at=0
  IFS='
'
  for path in $list; do
    at=$((at + 1))
    [ $((at % jobs)) = "$1" ] || continue
    IFS=' '
    got=$({ { $limit $apart "$path" --version </dev/null 2>/dev/null; echo "$?" >&3; } | head -c 4096 | cksum; } 3>&1 2>/dev/null)
    IFS='
'
    set -- "$1" $got
    # One line has the exit code, the other a checksum and a size.
    case ${2-} in *" "*) sum=${2-} code=${3-} ;; *) code=${2-} sum=${3-} ;; esac
    printf '%s\t%s\t%s\n' "$path" "$code" "$sum"
  done
}
k=0
while [ "$k" -lt "$jobs" ]; do
  work "$k" 2>/dev/null &
  k=$((k + 1))
done
wait
