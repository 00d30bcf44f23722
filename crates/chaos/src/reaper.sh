# Ends the servers if the harness dies without doing so itself. Lines on stdin: "+ <pid>" and "- <pid>".
pids=
while read -r word pid; do
  case $word in
    +) pids="$pids $pid" ;;
    -) kept=
       for one in $pids; do [ "$one" = "$pid" ] || kept="$kept $one"; done
       pids=$kept ;;
  esac
done
for one in $pids; do kill -KILL "$one" 2>/dev/null; done
