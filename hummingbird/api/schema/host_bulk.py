# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add many hosts: an XML file in a form (StarlingX config
sysinv/api/controllers/v1/host.py, bulk_add).

The tags are sysinv's, and ours: all that an export has. An empty element is as one that
is not there. A document type or an entity in it is refused (they make a small file large,
and read others).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from hummingbird.api.schema.host import NewHost, parse_new_host
from hummingbird.domain.host import PERSONALITY
from hummingbird.errors import BadRequest, HostFileInvalid, HummingbirdError

MAX_BYTES: Final = 16 * 1024 * 1024
"""Of a request: some 50,000 hosts."""

FIELD: Final = "file"
TAGS: Final = (
    "hostname",
    "personality",
    "subfunctions",
    "mgmt_mac",
    "mgmt_ip",
    "underlay",
    "emn",
    "credential",
    "serialid",
    "location",
    "capabilities",
    "clock_synchronization",
    "bm_ip",
    "bm_type",
    "bm_username",
    "bm_password",
    "boot_device",
    "rootfs_device",
    "hw_settle",
    "install_output",
    "console",
    "tboot",
    "ttys_dcd",
    "vsc_controllers",
    "apparmor",
)
"""What is said of a host."""
_PASSED_OVER: Final = frozenset({"power_on", "sw_version"})
"""Tags that say nothing of the host itself."""

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One host of the file, checked as far as it can be without the database."""

    new: NewHost
    powers_on: bool
    """Whether it is to be switched on once it was added."""


def read_file(content_type: str, body: bytes) -> bytes:
    """Return the file in a form (multipart/form-data, RFC 7578).

    :raises HostFileInvalid: there is none.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii", "replace")
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in form.iter_parts() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        if name == FIELD and part.get_filename():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content
    raise HostFileInvalid(message="Error: No file uploaded")


def parse_hosts(content: bytes) -> list[Entry]:
    """Return the hosts of the file, if nothing is wrong with any.

    :raises HostFileInvalid: it is no such file, or hosts in it are wrong: a line for each.
    """
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise HostFileInvalid(
            message="No hosts have been added, invalid XML document"
        ) from error
    elements = root.findall("host")
    if not elements:
        raise HostFileInvalid(
            message="No hosts have been added, there are none in the file"
        )
    entries: list[Entry] = []
    wrong: list[str] = []
    seen: dict[tuple[str, object], str] = {}
    for index, element in enumerate(elements):
        culprit = _culprit(element, index)
        try:
            entry = _entry(element)
            _refuse_twice(entry.new, seen, culprit)
            entries.append(entry)
        except HummingbirdError as error:
            wrong.append(
                f" No hosts have been added, error parsing host {culprit}: {error}"
            )
    if wrong:
        raise HostFileInvalid(message="\n".join(wrong))
    return entries


def _entry(element: Element) -> Entry:
    body: dict[str, Any] = {}
    for child in element:
        tag = str(child.tag)
        if tag not in TAGS and tag not in _PASSED_OVER:
            raise BadRequest(message=f"Unknown attribute for argument host: {tag[:80]}")
        text = (child.text or "").strip()
        if len(child) or (tag in body and body[tag] != text):
            raise BadRequest(message=f"{tag} should be one text.")
        if "\x00" in text:
            raise BadRequest(message=f"{tag} holds what no text should hold.")
        if text and tag in TAGS:
            body[tag] = text
    return Entry(
        new=parse_new_host(body), powers_on=element.find("power_on") is not None
    )


def _refuse_twice(
    new: NewHost, seen: dict[tuple[str, object], str], culprit: str
) -> None:
    names: Sequence[tuple[str, object]] = (
        ("hostname", new.hostname),
        ("mgmt_mac", new.mgmt_mac),
        ("mgmt_ip", new.mgmt_ip),
        ("bm_ip", new.attributes.get("bm_ip")),
    )
    for name in names:
        if name[1] is None:
            continue
        if name in seen:
            raise BadRequest(
                message=f"{name[0]} {name[1]} is that of host {seen[name]} too."
            )
        seen[name] = culprit


def _culprit(element: Element, index: int) -> str:
    hostname = (element.findtext("hostname") or "").strip()
    return hostname[:80] or f"with index {index}"


class _HostsFile:
    """A form with a file."""

    schema: Final[dict[str, Any]] = {
        "type": "object",
        "properties": {
            FIELD: {
                "type": "string",
                "format": "binary",
                "description": "XML: <hosts><host><hostname/>…</host>…</hosts>.",
            }
        },
        "required": [FIELD],
    }


HOSTS_FILE: Final = _HostsFile()


def check_personality(given: str) -> None:
    """See that a file is asked for that we have.

    :raises BadRequest: it is of other hosts.
    """
    if given != PERSONALITY:
        raise BadRequest(message=f"There is a file of hosts of {PERSONALITY} alone.")
