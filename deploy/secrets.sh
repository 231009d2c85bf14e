#!/bin/sh
# Make the secrets of docker-compose.yml, all at random:  deploy/secrets.sh FOLDER EMAIL
# EMAIL is the first account of Label Studio. The folder is closed to other accounts. The files in
# it are readable, since each container reads its own with a user of its own.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: deploy/secrets.sh FOLDER EMAIL" >&2
    exit 2
fi
folder=$1 email=$2
case $email in
*[!A-Za-z0-9._%+@-]* | '' | *@*@* | @* | *@) echo "not an e-mail address: $email" >&2 && exit 2 ;;
*@*) ;;
*) echo "not an e-mail address: $email" >&2 && exit 2 ;;
esac
if [ -e "$folder" ]; then
    echo "$folder exists: its secrets are in use, and the databases know them" >&2
    exit 1
fi

random() {
    od -An -N20 -tx1 /dev/urandom | tr -d ' \n'
}

umask 077
mkdir -p "$folder.part"
cd "$folder.part"
label_studio=$(random) mlflow=$(random) prefect=$(random) token=$(random) password=$(random)
tracking=$(random) prefect_login=labelcycle:$(random)

random >postgres_password
cat >databases.env <<FILE
export LABEL_STUDIO_DB_PASSWORD='$label_studio'
export MLFLOW_DB_PASSWORD='$mlflow'
export PREFECT_DB_PASSWORD='$prefect'
FILE
cat >label-studio.env <<FILE
# The account is made, and the token is read, at the first start. People change them in the page.
export POSTGRE_PASSWORD='$label_studio'
export SECRET_KEY='$(random)'
export LABEL_STUDIO_USERNAME='$email'
export LABEL_STUDIO_PASSWORD='$password'
export LABEL_STUDIO_USER_TOKEN='$token'
FILE
cat >mlflow.env <<FILE
export MLFLOW_BACKEND_STORE_URI='postgresql://mlflow:$mlflow@postgres:5432/mlflow'
export MLFLOW_FLASK_SERVER_SECRET_KEY='$(random)'
FILE
cat >mlflow-auth.ini <<FILE
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:////artifacts/accounts/accounts.db
admin_username = labelcycle
admin_password = $tracking
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
FILE
cat >prefect.env <<FILE
export PREFECT_SERVER_DATABASE_CONNECTION_URL='postgresql+asyncpg://prefect:$prefect@postgres:5432/prefect'
export PREFECT_SERVER_API_AUTH_STRING='$prefect_login'
FILE
cat >worker.env <<FILE
export LABEL_STUDIO_API_KEY='$token'
export MLFLOW_TRACKING_USERNAME='labelcycle'
export MLFLOW_TRACKING_PASSWORD='$tracking'
export PREFECT_API_AUTH_STRING='$prefect_login'
# Who is told that a round opens, is complete, is closed or is stuck: docs/guides/serve-weekly.md
export LABELCYCLE_NOTIFY=''
FILE
chmod 0444 ./*
cd - >/dev/null
mv "$folder.part" "$folder"

cat <<SAID
wrote the secrets to $folder; write into .env:
SECRETS=$(cd "$folder" && pwd)
Logins:
  Label Studio  $email  $password
  MLflow        labelcycle  $tracking
  Prefect       $prefect_login
SAID
