"""Annotators at a real Label Studio behind nginx as `deploy/nginx.conf` sets it up."""

import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from wheel import REPOSITORY

from labelcycle.adapters.annotation.label_studio import labeling_config
from labelcycle.adapters.local import processes
from labelcycle.adapters.local import services as local_services
from labelcycle.adapters.local.services import Services
from labelcycle.adapters.ports import LabelSchema
from labelcycle.campaign.campaign_paths import Campaign

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="not installed: nginx"),
]

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@pytest.fixture
def server(service_campaign: Campaign, label_studio: Services) -> Iterator[httpx.Client]:
    """Label Studio past the proxy, as labelcycle asks it."""
    found = local_services.environment(service_campaign)
    key = {"Authorization": f"Token {found['LABEL_STUDIO_API_KEY']}"}
    with httpx.Client(base_url=found["LABEL_STUDIO_URL"], headers=key, timeout=120) as client:
        yield client


@pytest.fixture
def proxy(server: httpx.Client, tmp_path: Path) -> Iterator[str]:
    """Address of nginx in front of it."""
    port = processes.free_port(0, "127.0.0.1")
    site = (REPOSITORY / "deploy" / "nginx.conf").read_text()
    site = site.replace("listen 127.0.0.1:8081", f"listen 127.0.0.1:{port}")
    site = site.replace("http://127.0.0.1:8080", str(server.base_url).rstrip("/"))
    (tmp_path / "site.conf").write_text(site)
    main = tmp_path / "nginx.conf"
    main.write_text(MAIN.format(folder=tmp_path))
    process = subprocess.Popen(["nginx", "-c", str(main), "-p", str(tmp_path)])
    try:
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=7), timeout=60) as patient:
            patient.get(f"{address}/user/login/").raise_for_status()
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def tasks(server: httpx.Client) -> list[int]:
    """Of a new project, first the one that somebody else has answered."""
    schema = labeling_config.build(LabelSchema(("cat", "dog"), ""))
    settings = {"title": "Proxy", "label_config": schema, "sampling": "Sequential sampling"}
    project = server.post("/api/projects/", json=settings).json()["id"]
    records = [{"data": {"image": "x", "key": f"k{n}"}} for n in range(4)]
    path = f"/api/projects/{project}/import?return_task_ids=true"
    made = list(server.post(path, json=records).json()["task_ids"])
    server.post(
        f"/api/tasks/{made[0]}/annotations/", json={"result": labeling_config.result("cat")}
    )
    return [project, *made]


@pytest.fixture
def web(server: httpx.Client, proxy: str) -> Iterator[httpx.Client]:
    """An annotator who signed up by the invite link."""
    link = server.get("/api/invite").json()["invite_url"]
    path = link[link.index("/user/") :]
    with httpx.Client(base_url=proxy, timeout=120, follow_redirects=True) as client:
        token = re.findall(r'csrfmiddlewaretoken" value="([^"]+)"', client.get(path).text)[0]
        form = {"email": f"{uuid.uuid4().hex}@example.org", "password": "hut-und-stock"}
        client.post(path, data={**form, "csrfmiddlewaretoken": token}, headers={"Referer": proxy})
        yield client


def test_people_can_label(server: httpx.Client, web: httpx.Client, tasks: list[int]) -> None:
    project, _, *rest = tasks
    me = web.get("/api/current-user/whoami").json()["id"]
    assert web.get(f"/projects/{project}/data?labeling=1").status_code == 200
    path = f"/api/dm/actions?id=next_task&tabID=0&project={project}"
    assert web.post(path, json={}).json()["id"] == rest[0]
    said = {"result": labeling_config.result("cat"), "lead_time": 1.0}
    draft = web.post(f"/api/tasks/{rest[0]}/drafts?project={project}", json=said)
    assert draft.status_code == 201
    mine = web.post(
        f"/api/tasks/{rest[0]}/annotations?project={project}",
        json=said | {"draft_id": draft.json()["id"]},
    ).json()["id"]
    other = {"result": labeling_config.result("dog")}
    assert web.patch(f"/api/annotations/{mine}?taskID=1", json=other).status_code == 200
    skip = {"result": [], "was_cancelled": True}
    assert web.post(f"/api/tasks/{rest[1]}/annotations", json=skip).status_code == 201
    there = server.get(f"/api/tasks/{rest[0]}/annotations/").json()
    assert [(a["id"], a["completed_by"], a["updated_by"]) for a in there] == [(mine, me, me)]


def test_people_can_do_nothing_else(
    server: httpx.Client, proxy: str, web: httpx.Client, tasks: list[int]
) -> None:
    project, first, *_ = tasks
    me = web.get("/api/current-user/whoami").json()["id"]
    theirs = server.get(f"/api/tasks/{first}/").json()["annotations"][0]["id"]
    before = server.get(f"/api/projects/{project}/export?exportType=JSON").json()
    for line, body in forbidden(project, tasks, theirs, me):
        method, _, where = line.partition(" ")
        status = web.request(method, where, json=body).status_code
        assert status == 403, (line, status)
    assert server.get(f"/api/projects/{project}/export?exportType=JSON").json() == before
    for lists in ("users", "tasks", "projects", "ml"):
        assert "@" not in web.get(f"/api/{lists}").text
        assert str(first) not in web.get(f"/api/{lists}?project={project}").text
    key = server.headers["Authorization"]
    whoami = f"{proxy}/api/current-user/whoami"
    assert httpx.get(whoami, headers={"Authorization": key}, timeout=60).is_error


def forbidden(
    project: int, tasks: list[int], theirs: int, me: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """What an annotator's session can do at Label Studio itself."""
    every = {"selectedItems": {"all": True, "excluded": []}}
    actions = f"POST /api/dm/actions?project={project}"
    yield f"DELETE /api/annotations/{theirs}/", {}
    yield f"PUT /api/annotations/{theirs}/", {"result": []}
    yield f"POST /api/annotations/{theirs}/convert-to-draft", {}
    for action in ("delete_tasks", "delete_tasks_annotations", "predictions_to_annotations"):
        yield f"{actions}&id={action}", every
        yield f"{actions}&id=next_task&id={action}", every
        yield f"POST /api/dm/actions?id=next_task&project={project}&%69d={action}", every
        yield f"POST /api/dm/actions/?id=next_task&id={action}&project={project}", every
    yield f"DELETE /api/tasks/{tasks[1]}/", {}
    yield f"PATCH /api/tasks/{tasks[1]}/", {"data": {"image": "y", "key": "k1"}}
    yield f"POST /api/projects/{project}/import", {}
    yield f"GET /api/projects/{project}/export?exportType=JSON", {}
    yield f"PATCH /api/projects/{project}/", {"title": "Mine"}
    yield f"DELETE /api/projects/{project}/", {}
    yield f"POST /api/projects/{project}/../{project}/import", {}
    yield f"POST /api/tasks/1/annotations/..%2f..%2f..%2fprojects/{project}/import", {}
    yield f"DELETE //api/projects/{project}/", {}
    yield f"PATCH /api/users/{me}/", {"first_name": "X"}
    for path in ("invite", "organizations", "current-user/token", "token", "webhooks", "storages"):
        yield f"GET /api/{path}", {}
    yield "POST /api/storages/localfiles/", {"project": project}
    yield f"GET /api/tasks/{tasks[1]}/annotations/", {}
    yield f"GET /projects/{project}/settings", {}
    yield "GET /organization/", {}
    yield "GET /admin/", {}
