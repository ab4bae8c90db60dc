# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes in which secrets lie about; ``{}`` stands for the secret."""

from __future__ import annotations

SHAPES = [
    "password={}",
    "PASSWORD: {}",
    "db_passwd='{}'",
    "passphrase: {}",
    "mysql.pwd={}",
    '{{"api_key": "{}"}}',
    "--token {}",
    "--password={}",
    "-client-secret {}",
    "client_secret => {}",
    "credentials: {}",
    "Authorization: Bearer {}",
    "authorization=Basic {}",
    "bearer {}",
    "https://user:{}@example.org/x",
    "postgres://shop:{}@db:5432/shop",
    "Cookie: sid={}; theme=dark",
    "Set-Cookie: s={}; Path=/",
    "input_value='{}', input_type=str",
    "aws_secret_access_key={}",
    "access-key: {}",
    "private_key={}",
    "signing_key={}",
    "encryption-key={}",
    "license_key={}",
    "auth_key: {}",
    "SENTRY_DSN={}",
    "jwt={}",
    "session_id={}",
    "slack_webhook={}",
    "refresh_token: '{}'",
    "sk-{}",
    "ghp_{}",
    "github_pat_{}",
    "glpat-{}",
    "xoxb-{}",
    "AKIA{}",
    "eyJ{}.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "digest {}0123456789abcdef0123",
    "-----BEGIN RSA PRIVATE KEY-----\\n{}\\n-----END RSA PRIVATE KEY-----",
]
