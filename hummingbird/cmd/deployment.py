# SPDX-License-Identifier: Apache-2.0
"""A process takes part in its deployment: its keys are the deployment's, or it refuses.

The sealing key is a file, made by the first process that ever starts on a new database and
copied to each further controller (`export_key`, `import_key`). Its fingerprint is in the
database, and so is, sealed, all that follows from it: who starts with the key gets the
authority, the gateways' secret and the token from there, into the files that the servers
read. Two controllers so never have two authorities, and what was rotated reaches each
controller with its next start.
"""

import base64
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet

from hummingbird.adapters.pki.authority import first_certificate, make_authority
from hummingbird.clock import Clock
from hummingbird.cmd.private_files import keep_private
from hummingbird.conf import Conf
from hummingbird.conf.share import state_directory
from hummingbird.db.repository import deployment
from hummingbird.db.session import Database
from hummingbird.domain.deployment import Shared, identity_of
from hummingbird.errors import (
    DeploymentFileExists,
    DeploymentFileInvalid,
    DeploymentForeign,
    DeploymentKeyMissing,
    DeploymentNotShared,
    DeploymentNotStarted,
)
from hummingbird.secretbox import SecretBox, put_secret, read_secret, write_secret_once

LOG = logging.getLogger(__name__)

KEY_FILE: Final = "secret.key"
EXPORT_VERSION: Final = 1
GATEWAY_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class _Group:
    """Things that are shared together, each with its file."""

    files: Mapping[Shared, Path]
    make: Callable[[], Mapping[Shared, bytes]]
    """Makes them where nobody has them."""

    def from_files(self) -> Mapping[Shared, bytes] | None:
        """Return what the files say, where all are there."""
        if not all(path.exists() for path in self.files.values()):
            return None
        return {name: read_secret(path) for name, path in self.files.items()}


def adopt(conf: Conf, database: Database, clock: Clock) -> SecretBox:
    """Return the deployment's box, with its shared files in the state directory.

    :raises DeploymentKeyMissing, DeploymentForeign: this controller has not got the key.
    :raises DatabaseUnavailable: it does not answer.
    """
    path = state_directory(conf) / KEY_FILE
    with database.reader() as connection:
        known = deployment.read(connection).get(Shared.IDENTITY)
    if known is not None and not path.exists():
        raise DeploymentKeyMissing(identity=known, path=path)
    is_new = write_secret_once(path, Fernet.generate_key())
    key = read_secret(path)
    with database.writer() as connection:
        own = identity_of(key)
        deployment.put_first(connection, Shared.IDENTITY, own, now=clock.now())
        known = deployment.read(connection)[Shared.IDENTITY]
    if own != known:
        if is_new:
            # Two first starts at once on one database: the other was faster.
            path.unlink()
            raise DeploymentKeyMissing(identity=known, path=path)
        raise DeploymentForeign(path=path, own=own, identity=known)
    box = SecretBox(key)
    _share(conf, database, clock, box)
    return box


def _share(conf: Conf, database: Database, clock: Clock, box: SecretBox) -> None:
    """Have the files be what the database says; tell it what only the files say."""
    groups = _groups(conf)
    with database.writer() as connection:
        there = deployment.read(connection)
        for group in groups.values():
            if group.files.keys() <= there.keys():
                continue
            for name, content in (group.from_files() or group.make()).items():
                sealed = _sealed(box, content)
                deployment.put_first(connection, name, sealed, now=clock.now())
        there = deployment.read(connection)
    for group in groups.values():
        for name, path in group.files.items():
            content = base64.b64decode(box.open(there[name]))
            if path.exists() and read_secret(path) == content:
                continue
            if path.exists():
                LOG.warning("%s is replaced by the deployment's", path)
            put_secret(path, content, mode=_MODE.get(name, 0o600))


_MODE: Final = {Shared.AUTHORITY_CERTIFICATE: 0o644}


def _sealed(box: SecretBox, content: bytes) -> str:
    return box.seal(base64.b64encode(content).decode())


def _groups(conf: Conf) -> Mapping[str, _Group]:
    """Return what is shared, by the word for it in `deployment-rotate`."""
    state = state_directory(conf)
    groups = {
        "authority": _Group(
            {
                Shared.AUTHORITY_KEY: state / "pki" / "ca.pem",
                Shared.AUTHORITY_CERTIFICATE: state / "pki" / "ca.crt",
            },
            _new_authority,
        ),
        "gateway-key": _Group(
            {Shared.GATEWAY_KEY: state / "gateway.key"},
            lambda: {Shared.GATEWAY_KEY: secrets.token_bytes(GATEWAY_KEY_BYTES)},
        ),
    }
    if conf.api.auth_strategy == "token" and not conf.api.token_file:
        # One that was named is the operator's own to share.
        groups["token"] = _Group(
            {Shared.TOKEN: state / "token"},
            lambda: {Shared.TOKEN: secrets.token_urlsafe(32).encode()},
        )
    return groups


def _new_authority() -> Mapping[Shared, bytes]:
    certificate, key = make_authority()
    return {Shared.AUTHORITY_KEY: key, Shared.AUTHORITY_CERTIFICATE: certificate}


# --- rotation -------------------------------------------------------------------------------


def rotate(conf: Conf, database: Database, clock: Clock, what: str) -> None:
    """Make one shared thing anew, in the database and in this controller's files; each
    other process takes it at its next start.

    The certificate of the authority of before stays beside the new one, so that whoever
    is told of both trusts servers with either.

    :param what: "authority", "gateway-key" or "token".
    :raises DeploymentNotShared: it is none of these, or the operator's own.
    :raises StateDirectoryUnsafe: the files are another user's, the servers' perhaps.
    """
    keep_private(conf)
    box = adopt(conf, database, clock)
    group = _groups(conf).get(what)
    if group is None:
        raise DeploymentNotShared(what=what, known=", ".join(_groups(conf)))
    made = dict(group.make())
    if what == "authority":
        before = read_secret(group.files[Shared.AUTHORITY_CERTIFICATE])
        made[Shared.AUTHORITY_CERTIFICATE] += first_certificate(before)
    with database.writer() as connection:
        for name, content in made.items():
            sealed = _sealed(box, content)
            deployment.replace(connection, name, sealed, now=clock.now())
    _share(conf, database, clock, box)


# --- between controllers --------------------------------------------------------------------


def export_key(conf: Conf, target: Path) -> str:
    """Write the sealing key to a new file of mode 0600; return the deployment's identity.

    :raises DeploymentFileExists: the file is there already.
    :raises DeploymentNotStarted: there is no key yet.
    :raises StateDirectoryUnsafe: the files are another user's, the servers' perhaps.
    """
    keep_private(conf)
    path = state_directory(conf) / KEY_FILE
    if not path.exists():
        raise DeploymentNotStarted(path=path)
    key = read_secret(path)
    content = {
        "hummingbird_deployment": EXPORT_VERSION,
        "identity": identity_of(key),
        "sealing_key": key.decode().strip(),
    }
    if not write_secret_once(target, json.dumps(content, indent=1).encode() + b"\n"):
        raise DeploymentFileExists(path=target)
    return identity_of(key)


def import_key(conf: Conf, source: Path, *, replaces: bool) -> str:
    """Take the sealing key of another controller of the deployment; return the identity.

    :param replaces: whether a key that is here already, of another deployment, goes.
    :raises DeploymentFileInvalid: the file is none of `export_key`.
    :raises DeploymentForeign: there is another key here.
    :raises StateDirectoryUnsafe: the files are another user's, the servers' perhaps.
    """
    keep_private(conf)
    key = _exported(source)
    identity = identity_of(key)
    path = state_directory(conf) / KEY_FILE
    if path.exists() and read_secret(path).strip() != key:
        if not replaces:
            own = identity_of(read_secret(path))
            raise DeploymentForeign(path=path, own=own, identity=identity)
        kept = path.with_name(f"{KEY_FILE}.before-import")
        put_secret(kept, read_secret(path))
        for group in _groups(conf).values():
            for path_of_group in group.files.values():
                path_of_group.unlink(missing_ok=True)
    put_secret(path, key)
    return identity


def _exported(source: Path) -> bytes:
    try:
        content = json.loads(source.read_text())
        key = str(content["sealing_key"]).encode()
        Fernet(key)
        if content["hummingbird_deployment"] != EXPORT_VERSION:
            raise ValueError("it is of another version")
        if content["identity"] != identity_of(key):
            raise ValueError("its identity is not its key's")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeploymentFileInvalid(path=source, message=error) from error
    return key
