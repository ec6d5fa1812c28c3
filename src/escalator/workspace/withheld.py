"""What of a project a model's code is not shown unless the task names it: one table of names, and a look inside.

Two kinds stay back. A "secret" is a key, a credential, or a state that holds some. A "tool" is what an editor, an
agent or another program keeps for itself; at the top of a project every folder with a dot is taken for one, unless
builds and tests are known to read it. Code and prose are not judged by their name: a project's tests import them.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["secret", "tool"]

CACHES: Final = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".venv", "venv", "node_modules", ".tox", ".nox"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
)
"""Folders that no run needs and nobody misses."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SECRET_FOLDERS = _words(".aws .azure .gcloud .ssh .gnupg .docker .kube .terraform .terraform.d .password-store")
_TOOL_FOLDERS = _words("""
    .idea .vscode .vs .zed .fleet .history .claude .cursor .codex .gemini .continue .windsurf .codeium .copilot
    .cline .roo .kiro .junie .trae .amazonq .augment .goose .opencode .specstory .tabnine .serena
""")
_PROJECT_FOLDERS = _words("""
    .github .gitlab .gitea .forgejo .circleci .buildkite .woodpecker .ci .husky .githooks .cargo .mvn .yarn .nuget
    .paket .config .storybook .changeset .well-known .reuse .vitepress .vuepress .docs .tool .tools
    .data .templates
""")
_SECRET_NAMES = _words("""
    .env .envrc .netrc _netrc .npmrc .pypirc .git-credentials .pgpass .my.cnf .htpasswd .dockercfg .boto .s3cfg
    .dockerconfigjson .vault-token .terraformrc terraform.rc .mcp.json .claude.json kubeconfig credentials secrets
    .secrets
""")
_SECRET_ENDS = _words("""
    .pem .key .p12 .pfx .p8 .pk8 .jks .keystore .kdbx .kdb .ppk .ovpn .agekey .tfstate .tfvars .env .kubeconfig
    credentials.json
""")
_SECRET_STARTS = _words("""
    id_rsa id_dsa id_ecdsa id_ed25519 .env. .vault_pass kubeconfig. credentials. secrets. .secrets.
""")
_SECRET_PARTS = _words(".tfstate. .tfvars. -firebase-adminsdk-")
_SECRET_WORDS = _words("credentials service-account service_account client_secret client-secret")
"""Beginnings of ordinary words too: only files of data are meant."""

_DATA = _words(".json .yaml .yml .toml .ini .cfg .conf .properties .txt .xml .csv .enc")
_HARMLESS_ENDS = _words("""
    .pub .example .sample .template .dist .tmpl .tpl .jinja .jinja2 .j2 example.env sample.env template.env
""")
_CODE = _words("""
    .py .pyi .pyx .ipynb .js .mjs .cjs .jsx .ts .mts .cts .tsx .vue .svelte .go .rs .java .kt .kts .scala .groovy
    .gradle .c .h .cc .cpp .hpp .cs .fs .vb .swift .m .rb .php .pl .lua .r .jl .ex .exs .erl .hs .clj .dart
    .zig .nim .ml .el .sh .bash .zsh .fish .ps1 .bat .sql .html .htm .css .scss .md .rst .adoc .tex .diff .patch
    .proto .graphql .tf
""")
_MAY_BE_PUBLIC = _words(".pem .key")

TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]{0,200}[0-9])[A-Za-z0-9_-]{16,}"
    r"|AIza[0-9A-Za-z_-]{30,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|AKIA[0-9A-Z]{16}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+"
)
"""The forms of well-known keys and tokens."""

HEAD: Final = 64 * 1024
"""How many bytes of a file are looked at."""

_PRIVATE_KEY = b"PRIVATE KEY-----"
_BEGINNINGS = (b"-----BEGIN OpenVPN Static key", b"PuTTY-User-Key-File-", b"AGE-SECRET-KEY-1")
_AWS = re.compile(rb"""secret_?access_?key["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])""", re.IGNORECASE)
_JSON_KEY = re.compile(rb'"private_key"\s*:\s*"[^"]{16}')


def kind_of(name: str, *, folder: bool = False, top: bool = False) -> Kind | None:
    """Why a file or folder of this name stays back; None if it does not. `top`: it lies in the project's root."""
    low = name.lower()
    if not folder:
        return "tool" if low.startswith(".aider") else "secret" if _is_secret(low) else None
    if low in _SECRET_FOLDERS:
        return "secret"
    unknown = top and low.startswith(".") and low not in _PROJECT_FOLDERS
    return "tool" if unknown or low in _TOOL_FOLDERS else None


def _is_secret(low: str) -> bool:
    if low in _SECRET_NAMES:
        return True
    if low.endswith(_CODE):
        return False
    if low.endswith(_SECRET_ENDS) or any(part in low for part in _SECRET_PARTS):
        return not low.endswith(_HARMLESS_ENDS)
    if low.startswith(_SECRET_STARTS):
        return not low.endswith(_HARMLESS_ENDS)
    return low.startswith(_SECRET_WORDS) and low.endswith(_DATA)


def stays_back(name: str, head: bytes) -> bool:
    """Whether a file stays back, by its name or by its beginning `head`, at most `HEAD` bytes. A certificate or a
    public key does not, though it may have the name of a key.
    """
    if kind_of(name) is not None:
        return not (name.lower().endswith(_MAY_BE_PUBLIC) and _is_public(head))
    return holds_key(name, head)


def is_secret(path: str, text: str) -> bool:
    """Whether a file that a task was given by name may hold a secret, by its folders, its name or its text."""
    *folders, name = path.split("/")
    if any(kind_of(folder, folder=True) == "secret" for folder in folders):
        return True
    return kind_of(name) != "tool" and stays_back(name, text[:HEAD].encode("utf-8", "replace"))


def _is_public(head: bytes) -> bool:
    return head.lstrip().startswith(b"-----BEGIN ") and b"PRIVATE" not in head and b"Static key" not in head


def holds_key(name: str, head: bytes) -> bool:
    """Whether a file clearly is a key or a token, or data that holds one, whatever it is called. Code and prose
    that only speak of keys are none.
    """
    if _PRIVATE_KEY in head:
        return not is_code(name) or head.lstrip().startswith(b"-----BEGIN ")
    if is_code(name):
        return False
    if head.startswith(_BEGINNINGS) or (len(head) <= 512 and _is_token(head.strip())):
        return True
    return bool((b'"private_key"' in head and _JSON_KEY.search(head)) or _has_aws_key(head))


def is_code(name: str) -> bool:
    """Whether a file is a program or prose by its name."""
    return name.lower().endswith(_CODE)


def _is_token(line: bytes) -> bool:
    return len(line) >= 16 and b"\n" not in line and TOKEN.fullmatch(line.decode("latin-1")) is not None


def _has_aws_key(head: bytes) -> bool:
    if b"ccess" not in head and b"CCESS_KEY" not in head:
        return False
    return any(b"EXAMPLE" not in found[0] for found in _AWS.finditer(head))
