#!/bin/sh
# Follow some hashtags from a shell, with wscat (npm install --global wscat):
#
#     sh examples/follow.sh ws://127.0.0.1:6066 python,kafka
#
# A line for each result. After a break, and when it is started again, it goes on where it stopped:
# the last cursor is kept in a file. (Killed in between, it prints the last line once more.)
set -eu
gateway=$1 keys=$2 cursor=${CURSOR_FILE:-tally.cursor}

# wscat ends when its input does. This one never does.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
mkfifo "$folder/input"
exec 3<>"$folder/input"

while true; do
    since=$(cat "$cursor" 2>/dev/null || true)
    wscat --connect "$gateway/ws?realTimeItemKey=$keys${since:+&since=$since}" <&3 |
        while read -r message; do
            case $message in *'"id":'*) printf '%s\n' "$message" ;; esac
            next=$(printf '%s' "$message" | sed -n 's/.*"cursor": *"\([^"]*\)".*/\1/p')
            [ -z "$next" ] || printf '%s' "$next" >"$cursor"
        done
    sleep 1
done
