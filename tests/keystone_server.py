# SPDX-License-Identifier: Apache-2.0
"""A Keystone of the tests' own, from PyPI: its environment is made once and kept in the
cache, its database and keys are of one server and end with it.

`python -m tests.keystone_server` makes the environment and nothing else.
"""

import getpass
import grp
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from hummingbird_lab import cache

from tests.free_port import free_port

REQUIREMENTS = Path(__file__).with_name("keystone-requirements.txt")
ADMIN_PASSWORD = "the administrator's"
REGION = "RegionOne"
ROLES = ("reader", "operator", "configurator", "admin")
SERVICE_USER = "hummingbird"
_START_SECONDS = 120.0

_SERVE = """
import os, sys
port = int(os.environ["KEYSTONE_PORT"])
sys.argv = ["keystone"]
from keystone.server.wsgi import initialize_public_application
from waitress import serve
serve(initialize_public_application(), host="127.0.0.1", port=port, threads=4)
"""

_MINT = """
import os, sys
expires_at, user_id, project_id, config = sys.argv[1:]
import keystone.conf
from keystone.token import token_formatters
keystone.conf.configure()
keystone.conf.CONF(["--config-file", config], project="keystone")
keystone.conf.set_external_opts_defaults()
print(token_formatters.TokenFormatter().create_token(
    user_id, expires_at, ["3T2dc1CGQxyJsHdDu1xkcw"],
    token_formatters.ProjectScopedPayload, methods=["password"], project_id=project_id,
))
"""


def environment(say: cache.Say = lambda line: print(line, file=sys.__stderr__)) -> Path:
    """Return the folder of the environment, made if it is not there (half a minute)."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache.make(
        cache.entry("keystone", [REQUIREMENTS, version]),
        _install,
        say=say,
        what="Keystone's environment, from PyPI",
    )


def _install(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    done = subprocess.run(
        [
            *pip,
            *("install", "--quiet", "--no-deps", "--require-hashes"),
            *("--requirement", REQUIREMENTS),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"Keystone can't be installed: {done.stderr[-2000:]}")


class KeystoneServer:
    """One Keystone, with a user for each role and StarlingX's services in its catalogue.

    A user's name is his role, and his password is "pw-" and that.
    """

    def __init__(self) -> None:
        self._python = environment() / "bin" / "python"
        self._folder = Path(tempfile.mkdtemp(prefix="hb-keystone-", dir="/tmp"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v3"
        self._configure()
        self._process = self._serve()
        self._http = requests.Session()
        self._http.trust_env = False
        self._endpoints: dict[str, list[str]] = {}
        self._fill()

    def token(self, name: str, *, password: str | None = None) -> str:
        """Return a new token of a user, in the project admin (services: the service's)."""
        project = "services" if name == SERVICE_USER else "admin"
        return self.token_of(name, password or f"pw-{name}", project)

    def token_of(self, name: str, password: str, project: str) -> str:
        """Return a new token of a user in a project."""
        domain = {"domain": {"id": "default"}}
        user = {"name": name, "password": password, **domain}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": project, **domain}},
            }
        }
        answer = self._http.post(f"{self.url}/auth/tokens", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    def expired_token(self, name: str) -> str:
        """Return a token of a user that ended a minute ago, made with Keystone's keys."""
        ended = datetime.now(UTC) - timedelta(minutes=1)
        argv = [ended.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), self.users[name]]
        argv += [self.projects["admin"], str(self._folder / "keystone.conf")]
        return self._run(self._python, "-c", _MINT, *argv).strip()

    def revoke(self, token: str) -> None:
        """End a token before its time."""
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        answer = self._http.delete(
            f"{self.url}/auth/tokens", headers=headers, timeout=30
        )
        assert answer.status_code == 204, answer.text

    def register(self, **urls: str) -> None:
        """Say in the catalogue where services are, by type (platform=…)."""
        for kind, url in urls.items():
            for endpoint in self._endpoints[kind]:
                self._api("PATCH", f"endpoints/{endpoint}", {"endpoint": {"url": url}})

    def down(self) -> None:
        """Be away: connections are refused."""
        self._process.kill()
        self._process.wait()

    def up(self) -> None:
        """Be there again, with the same keys and users."""
        if self._process.poll() is not None:
            self._process = self._serve()

    def stop(self) -> None:
        """End it; nothing of it is left."""
        self.down()
        self._http.close()
        shutil.rmtree(self._folder)

    def _configure(self) -> None:
        config = self._folder / "keystone.conf"
        config.write_text(
            f"[DEFAULT]\nlog_file = {self._folder / 'keystone.log'}\n"
            f"[database]\nconnection = sqlite:///{self._folder / 'keystone.sqlite'}\n"
            f"[token]\nprovider = fernet\n"
            f"[fernet_tokens]\nkey_repository = {self._folder / 'fernet'}\n"
            f"[fernet_receipts]\nkey_repository = {self._folder / 'fernet'}\n"
            f"[credential]\nkey_repository = {self._folder / 'credential'}\n"
            "[identity]\npassword_hash_rounds = 4\n"
        )
        (self._folder / "fernet").mkdir(mode=0o700)
        self._manage("db_sync")
        owner = ["--keystone-user", getpass.getuser()]
        owner += ["--keystone-group", grp.getgrgid(os.getgid()).gr_name]
        self._manage("fernet_setup", *owner)
        self._manage(
            *("bootstrap", "--bootstrap-region-id", REGION),
            *("--bootstrap-public-url", self.url),
            *("--bootstrap-internal-url", self.url),
            *("--bootstrap-admin-url", self.url),
            environ={"OS_BOOTSTRAP_PASSWORD": ADMIN_PASSWORD},
        )

    def _manage(self, *words: str, environ: dict[str, str] | None = None) -> None:
        program = self._python.with_name("keystone-manage")
        config = ["--config-file", str(self._folder / "keystone.conf")]
        self._run(self._python, str(program), *config, *words, environ=environ)

    def _run(self, *argv: object, environ: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [str(word) for word in argv],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            env={**os.environ, "PYTHONWARNINGS": "ignore", **(environ or {})},
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def _serve(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", self._python, "-c", _SERVE],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={
                    **os.environ,
                    "KEYSTONE_PORT": str(self.port),
                    "OS_KEYSTONE_CONFIG_DIR": str(self._folder),
                    "PYTHONWARNINGS": "ignore",
                },
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                with requests.Session() as session:
                    session.trust_env = False
                    if session.get(self.url, timeout=10).status_code == 200:
                        return process
            except requests.RequestException:
                time.sleep(0.1)
        process.kill()
        raise AssertionError((self._folder / "serve.log").read_text()[-3000:])

    def _fill(self) -> None:
        self._admin = self.token_of("admin", ADMIN_PASSWORD, "admin")
        roles = {r["name"]: r["id"] for r in self._api("GET", "roles")["roles"]}
        # member would not do for a stranger: to Keystone it implies reader.
        for name in {*ROLES, "guest"} - set(roles):
            made = self._api("POST", "roles", {"role": {"name": name}})
            roles[name] = made["role"]["id"]
        found = self._api("GET", "projects")["projects"]
        self.projects = {one["name"]: one["id"] for one in found}
        for name in ("services", "kitchen"):
            made = self._api("POST", "projects", {"project": {"name": name}})
            self.projects[name] = made["project"]["id"]
        found = self._api("GET", "users")["users"]
        self.users = {one["name"]: one["id"] for one in found}
        for role in (*ROLES[:-1], "stranger", SERVICE_USER):
            user = {"name": role, "password": f"pw-{role}", "domain_id": "default"}
            made = self._api("POST", "users", {"user": user})
            self.users[role] = made["user"]["id"]
        for role in ROLES[:-1]:
            self._grant("admin", role, roles[role])
        self._grant("admin", "stranger", roles["guest"])
        self._grant("kitchen", "configurator", roles["configurator"])
        self._grant("services", SERVICE_USER, roles["admin"])
        for kind in ("platform", "faultmanagement"):
            service = {"type": kind, "name": kind}
            made = self._api("POST", "services", {"service": service})
            self._endpoints[kind] = [
                self._endpoint(made["service"]["id"], interface)
                for interface in ("public", "internal", "admin")
            ]

    def _grant(self, project: str, user: str, role_id: str) -> None:
        where = f"projects/{self.projects[project]}/users/{self.users[user]}"
        self._api("PUT", f"{where}/roles/{role_id}")

    def _endpoint(self, service_id: str, interface: str) -> str:
        endpoint = {
            "service_id": service_id,
            "interface": interface,
            "region_id": REGION,
            "url": "https://127.0.0.1:1",
        }
        made = self._api("POST", "endpoints", {"endpoint": endpoint})
        return str(made["endpoint"]["id"])

    def _api(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(
            method,
            f"{self.url}/{path}",
            json=body,
            headers={"X-Auth-Token": self._admin},
            timeout=30,
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None


if __name__ == "__main__":
    environment()
