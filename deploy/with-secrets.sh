#!/bin/sh
# Run a command with the variables of the secrets that this container has, which `docker inspect`
# does not show. Under the name of a program it runs that program of /opt/labelcycle/bin.
set -eu

for file in /run/secrets/*.env; do
    if [ -d "$file" ]; then
        echo "$file is an empty folder: SECRETS in .env names no folder that deploy/secrets.sh wrote" >&2
        exit 1
    fi
    [ ! -f "$file" ] || . "$file"
done

program=$(basename "$0")
if [ "$program" = with-secrets ]; then
    exec "$@"
fi
exec "/opt/labelcycle/bin/$program" "$@"
