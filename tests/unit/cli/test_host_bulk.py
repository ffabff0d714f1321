# SPDX-License-Identifier: Apache-2.0
"""Many hosts by the command line: a file in, a file out."""

from pathlib import Path

from tests.unit.cli.conftest import Asked, Run, Server

DONE = {"success": "\n edge-1", "error": " edge-2: Hostname already exists\n"}


def test_a_file_is_sent_as_a_form(
    hummingbird: Run, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "hosts.xml"
    file.write_text("<hosts/>")
    seen: list[bytes] = []

    def take(asked: Asked) -> tuple[int, object]:
        seen.append(asked.raw)
        return 200, DONE

    server.on("POST", "/v1/ihosts/bulk_add", take)
    done = hummingbird("host-bulk-add", str(file))
    assert done.status == 1
    assert done.out == "edge-1: added\n"
    assert "edge-2: Hostname already exists" in done.err
    assert b'name="file"; filename="for_upload"\r\n\r\n<hosts/>\r\n' in seen[0]


def test_an_export_is_written_where_it_is_wanted(
    hummingbird: Run, server: Server, tmp_path: Path
) -> None:
    server.on("GET", "/v1/ihosts/bulk_export", {"content": "<hosts>\n</hosts>\n"})
    assert hummingbird("host-bulk-export").out == "<hosts>\n</hosts>\n"
    file = tmp_path / "hosts.xml"
    done = hummingbird("host-bulk-export", "--filename", str(file))
    assert (done.status, file.read_text()) == (0, "<hosts>\n</hosts>\n")


def test_a_file_that_is_not_there_asks_nobody(hummingbird: Run, server: Server) -> None:
    assert hummingbird("host-bulk-add", "/no/such.xml").status == 1
    assert server.asked == []
