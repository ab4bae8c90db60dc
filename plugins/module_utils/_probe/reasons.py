# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a check is what it is: one word per way of passing or failing."""

from __future__ import annotations

OK = "ok"
PENDING = "pending"  # good as far as the host can judge; the controller has the last word

# No answer, or none that can be read. The words of _connect and _http.
REFUSED = "refused"
TIMEOUT = "timeout"
UNREACHABLE = "unreachable"
DNS = "dns"
RESET = "reset"
TLS = "tls"
NOT_TLS = "not_tls"
CERT_EXPIRED = "cert_expired"
CERT_NOT_YET_VALID = "cert_not_yet_valid"
CERT_WRONG_NAME = "cert_wrong_name"
CERT_UNTRUSTED = "cert_untrusted"
CERT_ENDS = "cert_ends"  # soon
NXDOMAIN = "nxdomain"
NO_DATA = "no_data"
BAD_RCODE = "bad_rcode"
BAD_ANSWER = "bad_answer"
DENIED = "denied"
NOT_HTTP = "not_http"
TOO_LARGE = "too_large"
INCOMPLETE = "incomplete"

# An answer that is not the expected one.
WRONG_SERVICE = "wrong_service"  # the body proves that another service answers
BAD_STATUS = "bad_status"
BAD_HEADER = "bad_header"
BAD_BODY = "bad_body"
SLOW = "slow"

# Processes, ports and managers.
NOT_RUNNING = "not_running"
TOO_MANY = "too_many"
NOT_LISTENING = "not_listening"
WRONG_OWNER = "wrong_owner"
MANAGER_GONE = "manager_gone"

# Resources and commands.
OVER_LIMIT = "over_limit"
MISSING = "missing"
STALE = "stale"
WRONG_SIZE = "wrong_size"
ERRORS = "errors"  # more error lines in a log than there may be
CANNOT_RUN = "cannot_run"
BAD_RC = "bad_rc"
BAD_OUTPUT = "bad_output"

# Of the runner itself.
FLAPPING = "flapping"  # the answers alternate
DEADLINE = "deadline"  # the whole run ended before there was an answer
ERROR = "error"  # the probe could not be carried out
