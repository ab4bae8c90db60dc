# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import xmlrpc.client

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers.xmlrpc import Fault, dump_call, load_answer


@pytest.mark.parametrize("arguments", [(), ("main",), ("halcytone:main", False), ("a<b>&c 'ü'", True)])
def test_the_standard_library_reads_our_calls(arguments):
    read, method = xmlrpc.client.loads(dump_call("supervisor.startProcess", *arguments))
    assert (read, method) == (arguments, "supervisor.startProcess")


@pytest.mark.parametrize(
    "value",
    [
        "", "text <&> ü", 0, -7, 2147483647, True, False, 1.5, None, [], ["a", 1, [True]], {},
        {"pid": 5, "deep": {"a": [{}]}}
    ],
)  # fmt: skip
def test_we_read_the_standard_librarys_answers(value):
    body = xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()
    assert load_answer(body) == value


def test_text_needs_no_type_and_large_numbers_have_other_names():
    shell = b"<?xml version='1.0'?><methodResponse><params><param><value>%s</value></param></params></methodResponse>"
    assert load_answer(shell % b"plain") == "plain"
    assert load_answer(shell % b"") == ""
    assert load_answer(shell % b"<i4>12</i4>") == 12
    assert load_answer(shell % b"<struct><member><name>a</name></member></struct>") == {}


def test_a_fault_carries_its_number_and_its_words():
    with pytest.raises(Fault) as error:
        load_answer(xmlrpc.client.dumps(xmlrpc.client.Fault(10, "BAD_NAME: main")).encode())
    assert (error.value.code, error.value.words, str(error.value)) == (10, "BAD_NAME: main", "fault 10: BAD_NAME: main")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"<html></html>", b"<methodResponse/>", b"<methodResponse><params>",
        b"<other><params><param><value>x</value></param></params></other>",
        b"<methodResponse><params><param><value><date>x</date></value></param></params></methodResponse>",
        b"<methodResponse><params><param><value><int>x</int></value></param></params></methodResponse>",
        b"<methodResponse><fault><value>what</value></fault></methodResponse>",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        load_answer(body)
