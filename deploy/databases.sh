#!/bin/sh
# A database and an account for each service; run once, by the container of PostgreSQL, when its
# volume is empty. Passwords go through psql's variables, which quotes them.
set -eu
. /run/secrets/databases.env

make_database() {
    # From the environment and not by --set: a command line shows in the list of processes.
    SERVICE_PASSWORD="$2" psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=service="$1" \
        --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv password SERVICE_PASSWORD
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
}

make_database label_studio "$LABEL_STUDIO_DB_PASSWORD"
make_database mlflow "$MLFLOW_DB_PASSWORD"
make_database prefect "$PREFECT_DB_PASSWORD"
