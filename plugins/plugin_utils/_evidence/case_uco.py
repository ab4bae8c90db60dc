# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture in the language of CASE/UCO: what was taken from which host, with what, when, and who had it afterwards.

The identifiers follow from the digest of the bag, so that the same bag gives the same graph, byte by byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.timeline import moment
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagView

Node = dict[str, Any]
_UCO = "https://ontology.unifiedcyberontology.org/uco"
CONTEXT = {
    "case": "https://ontology.caseontology.org/case/investigation/",
    **{name: f"{_UCO}/{name}/" for name in ("action", "core", "identity", "observable", "tool", "types")},
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_COLLECTION = "toombos.incident"
_SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, _COLLECTION)
_DONE = frozenset((t.COLLECTED, t.EMPTY, t.TRUNCATED))
_NOBODY = "unknown"


class CaseGraph:
    """The nodes of one bag. ``custody``: the records of its incident's log. ``version``: of this collection."""

    def __init__(self, bag: BagView, custody: Sequence[bytes], version: str) -> None:
        self._bag = bag
        self._custody = [line for line in custody if _concerns(json.loads(line), bag)]
        self._version = version
        self._known: list[str] = []
        self._who: dict[str, str] = {}

    def nodes(self) -> Iterator[tuple[bool, Node]]:
        """Each node, and whether it is that of a payload file. The investigation, which names all, comes last."""
        yield from self._frame()
        actions = []
        payload: list[str] = []
        for artifact in self._bag.artifacts:
            results: list[str] = []
            origins: list[str] = []
            for _name, stored in self._bag.files(artifact["artifact"]):
                yield from self._copied(stored, results, origins)
            payload += results
            actions.append(self._collecting(artifact, results, origins))
        actions += self._steps()
        for name, iri in self._who.items():
            yield False, self._node(iri, "identity:Identity", {"core:name": name})
        for action in actions:
            yield False, self._node(action.pop("@id"), "case:InvestigativeAction", action)
        yield False, self._record(payload)
        yield False, self._investigation()

    def _frame(self) -> Iterator[tuple[bool, Node]]:
        tool = {"core:name": _COLLECTION, "tool:version": self._version, "tool:toolType": "evidence capture"}
        yield False, self._node(self._iri("tool", self._version), "tool:Tool", tool)
        yield False, self._node(self._host, "observable:Device", {"core:name": _text(self._bag.host)})

    def _copied(self, stored: t.Stored, results: list[str], origins: list[str]) -> Iterator[tuple[bool, Node]]:
        """The payload file, what it is a copy of, and that it is one."""
        copy, origin = self._iri("payload", stored.path), self._iri("origin", stored.origin, stored.original_sha256)
        digests = {"SHA256": stored.sha256, "SHA512": stored.sha512}
        yield True, self._file(copy, stored.path, stored.stored, digests)
        results.append(copy)
        if origin not in origins:  # else that of the other end of a file that was too large
            origins.append(origin)
            digests = {"SHA256": stored.original_sha256}
            if stored.origin.startswith("/"):
                yield False, self._file(origin, stored.origin, stored.size, digests)
            else:
                said = {"core:name": _text(stored.origin), "core:hasFacet": [self._data(origin, stored.size, digests)]}
                yield False, self._node(origin, "observable:ObservableObject", said)
        relation = {
            "core:source": _ref(copy),
            "core:target": _ref(origin),
            "core:kindOfRelationship": "Copied_From",
            "core:isDirectional": True,
            "core:description": _text("; ".join(filter(None, (stored.part, stored.compression, stored.note)))),
        }
        yield False, self._node(self._iri("relation", stored.path), "observable:ObservableRelationship", relation)

    def _file(self, iri: str, path: str, size: int, digests: Mapping[str, str]) -> Node:
        named = {
            "@id": self._iri("file-facet", iri),
            "@type": "observable:FileFacet",
            "observable:fileName": _text(posixpath.basename(path)),
            "observable:filePath": _text(path),
            "observable:sizeInBytes": size,
        }
        return self._node(iri, "observable:File", {"core:hasFacet": [named, self._data(iri, size, digests)]})

    def _data(self, iri: str, size: int, digests: Mapping[str, str]) -> Node:
        hashes = [
            {
                "@id": self._iri("hash", iri, method),
                "@type": "types:Hash",
                "types:hashMethod": method,
                "types:hashValue": {"@type": "xsd:hexBinary", "@value": value},
            }
            for method, value in digests.items()
        ]
        return {
            "@id": self._iri("data-facet", iri),
            "@type": "observable:ContentDataFacet",
            "observable:sizeInBytes": size,
            "observable:hash": hashes,
        }

    def _collecting(self, artifact: Mapping[str, Any], results: Sequence[str], origins: Sequence[str]) -> Node:
        outcome, began = str(artifact["outcome"]), float(artifact["began"])
        said = "; ".join(filter(None, (outcome, artifact.get("message"), artifact.get("source"))))
        return {
            "@id": self._iri("collecting", artifact["artifact"]),
            "core:name": _text(artifact["artifact"]),
            "core:description": _text(said),
            "action:actionStatus": "Success" if outcome in _DONE else "Fail",
            "action:startTime": _time(moment(round(began * 1e6))),
            "action:endTime": _time(moment(round((began + float(artifact["duration"])) * 1e6))),
            "action:performer": _ref(self._person(self._responsible())),
            "action:instrument": [_ref(self._iri("tool", self._version))],
            "action:object": [_ref(each) for each in (self._host, *origins)],
            **({"action:result": [_ref(each) for each in results]} if results else {}),
        }

    def _steps(self) -> list[Node]:
        """The chain of custody, each step with the one before it."""
        steps: list[Node] = []
        for line in self._custody:
            record = json.loads(line)
            detail = json.dumps(record.get("detail") or {}, sort_keys=True)
            step = {
                "@id": f"urn:uuid:{uuid.uuid5(_SPACE, self._bag.digest + hashlib.sha256(line).hexdigest())}",
                "core:name": _text(f"custody: {record['event']}"),
                "core:description": _text(f"{record.get('why', '')} {detail}".strip()),
                "action:startTime": _time(record["time"]),
                "action:endTime": _time(record["time"]),
                "action:performer": _ref(self._person(str(record.get("who") or _NOBODY))),
                "action:instrument": [_ref(self._iri("tool", self._version))],
                "action:object": [_ref(self._iri("record"))],
            }
            if steps:
                step["case:wasInformedBy"] = [_ref(steps[-1]["@id"])]
            steps.append(step)
        return steps

    def _record(self, payload: Sequence[str]) -> Node:
        said = {
            "core:description": f"Bag {self._bag.name}; SHA-256 of its tagmanifest-sha256.txt: {self._bag.digest}",
            "case:exhibitNumber": self._bag.name,
            "core:object": [_ref(each) for each in (self._host, *payload)],
        }
        return self._node(self._iri("record"), "case:ProvenanceRecord", said)

    def _investigation(self) -> Node:
        incident = str(self._bag.capture.get("incident") or self._bag.name)
        said = {
            "core:name": _text(incident),
            "case:investigationForm": "incident",
            "case:focus": _text(self._bag.info.get("External-Description") or incident),
            "core:object": [_ref(each) for each in self._known],
        }
        return self._node(self._iri("investigation"), "case:Investigation", said)

    def _responsible(self) -> str:
        """Who has asked for the capture."""
        asked = (str(record.get("who") or "") for record in map(json.loads, self._custody))
        requested = self._bag.capture.get("requested")
        named = str(requested.get("who") or "") if isinstance(requested, Mapping) else ""
        return named or next(filter(None, asked), _NOBODY)

    def _person(self, name: str) -> str:
        return self._who.setdefault(_text(name), self._iri("person", name))

    @property
    def _host(self) -> str:
        return self._iri("host", self._bag.host)

    def _node(self, iri: str, kind: str, said: Node) -> Node:
        self._known.append(iri)
        return {"@id": iri, "@type": kind, **said}

    def _iri(self, *parts: str) -> str:
        name = "\0".join((self._bag.digest, *parts)).encode("utf-8", "surrogateescape")
        return f"urn:uuid:{uuid.uuid5(_SPACE, hashlib.sha256(name).hexdigest())}"


def document(graph: CaseGraph) -> Iterator[tuple[bool, bytes]]:
    """The JSON-LD text, a node a line, and of each line whether it is that of a payload file."""
    yield False, b'{"@context": %s,\n"@graph": [\n' % _line(CONTEXT)
    before = b""
    for payload, node in graph.nodes():
        yield payload, before + _line(node)
        before = b",\n"
    yield False, b"\n]}\n"


def _concerns(record: Mapping[str, Any], bag: BagView) -> bool:
    """Whether a step of custody is one of this bag, or of all of them."""
    return bool(record["bag"] == bag.name or (not record["bag"] and record["host"] in ("", bag.host)))


def _line(node: Node) -> bytes:
    return json.dumps(node, separators=(",", ":")).encode()


def _text(value: str) -> str:
    """Without what no reader of the graph could write again."""
    return shown(os.fsencode(value))


def _ref(iri: str) -> Node:
    return {"@id": iri}


def _time(text: str) -> Node:
    return {"@type": "xsd:dateTime", "@value": text}
