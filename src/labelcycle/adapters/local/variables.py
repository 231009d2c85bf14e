"""The environment variables that people may set. What is set wins over what labelcycle finds."""

VARIABLES = {
    "LABELCYCLE_NOTIFY": "Where notices go: addresses of apprise, with blanks between them.",
    "LABELCYCLE_LABEL_STUDIO": "The program `label-studio` that `labelcycle up` starts.",
    "LABELCYCLE_OFFLINE": "Set to anything: no trained weights are downloaded. `encoder: auto` then"
    " takes what this computer has. An encoder that you name needs its weights here.",
    "LABEL_STUDIO_URL": "The address of a Label Studio of your own.",
    "LABEL_STUDIO_API_KEY": "The token with which labelcycle works there.",
    "LABEL_STUDIO_HOST": "The address of it that people use, if that is another one.",
    "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": "The folder `.labelcycle/media` as Label Studio's"
    " server sees it, if it sees another path.",
    "CSRF_TRUSTED_ORIGINS": "The address at which a proxy shows the Label Studio of"
    " `labelcycle up`, with https.",
    "MLFLOW_TRACKING_URI": "The address or the database of an MLflow of your own.",
    "PREFECT_API_URL": "The address of a Prefect of your own.",
    "PREFECT_API_AUTH_STRING": "The login of that Prefect.",
    "PREFECT_LOGGING_LEVEL": "What Prefect's own messages are about. By default critical errors.",
    "PREFECT_HOME": "Prefect's folder. By default `.labelcycle/prefect`.",
    "AWS_ACCESS_KEY_ID": "The key of a bucket.",
    "AWS_SECRET_ACCESS_KEY": "The secret of that key.",
    "AWS_SESSION_TOKEN": "The token of a key that is good for a short time.",
    "AWS_PROFILE": "The profile of AWS's own files that holds keys and region.",
    "AWS_REGION": "The region of a bucket.",
    "AWS_DEFAULT_REGION": "The same, by its older name.",
    "AWS_ENDPOINT_URL": "The address of a server that speaks S3, if it is not AWS.",
    "AWS_ENDPOINT_URL_S3": "The same, for S3 alone.",
    "DVC_SITE_CACHE_DIR": "The folder of DVC's index. By default `.labelcycle/dvc`.",
    "OMP_NUM_THREADS": "Threads of a selection. By default one for each core.",
    "TORCHINDUCTOR_CACHE_DIR": "The folder of what torch compiles. By default in `.labelcycle`.",
    "TRITON_CACHE_DIR": "The folder of what torch compiles for a GPU. By default in `.labelcycle`.",
    "PATH": "Where git and other programs are looked for.",
    "NO_PROXY": "Names that no proxy is asked for. labelcycle adds this computer.",
}
"""What each of them means."""

OWN = ("LABELCYCLE_RANK", "LABELCYCLE_RUNNER")
"""Those by which labelcycle tells the processes that it starts; nobody else sets them."""
