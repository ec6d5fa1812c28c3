"""Which files of a project stay back: the table of names, and what a look inside adds and takes away."""

from __future__ import annotations

import pytest

from escalator.errors import TaskError
from escalator.workspace import kind_of, read_files, read_tests, stays_back

PRIVATE = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n"
PUBLIC = b"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----\n"
AWS = b"[default]\naws_access_key_id = AKIAABCDEFGH12345678\naws_secret_access_key = " + b"aB3/" * 10 + b"\n"

SECRET = (
    *("id_rsa", "id_ed25519", "id_rsa.old", "ID_RSA", "deploy.pem", "server.key", "store.p12", "store.pfx"),
    *("release.jks", "vault.kdbx", "win.ppk", "kubeconfig", "kubeconfig.yaml", ".npmrc", ".pypirc", ".netrc"),
    *(
        ".env",
        ".env.production",
        "prod.env",
        "service-account-prod.json",
        "service_account.json",
        "credentials.json",
    ),
    *("my-credentials.json", "terraform.tfstate", "terraform.tfstate.backup", "prod.tfvars", "x.auto.tfvars.json"),
    *(
        "secrets.yaml",
        "secrets.enc.yml",
        ".secrets.toml",
        ".git-credentials",
        "client_secret_12.json",
        ".mcp.json",
    ),
)
ORDINARY = (
    *(
        ".coveragerc",
        ".flake8",
        ".python-version",
        ".tool-versions",
        ".editorconfig",
        ".gitignore",
        ".dockerignore",
    ),
    *(".env.example", ".env.sample", ".env.template", "example.env", "prod.tfvars.example", "id_rsa.pub"),
    *(
        "secrets.py",
        "credentials.ts",
        "service_account.go",
        "secrets.md",
        "secrets.html.j2",
        "monkey.txt",
        "turkey",
    ),
    *(
        "environment.py",
        "key.py",
        "keys.json",
        "tokens.json",
        "credentials_store",
        "pyproject.toml",
        "package.json",
    ),
)


@pytest.mark.parametrize("name", SECRET)
def test_names_of_secrets_stay_back(name: str) -> None:
    """Keys, credentials and state are known by their name, whatever is in them."""
    assert kind_of(name) == "secret"
    assert stays_back(name, b"x\n")


@pytest.mark.parametrize("name", ORDINARY)
def test_what_a_projects_tests_need_does_not(name: str) -> None:
    """Settings of tools, templates, public halves, and code and prose of any name are ordinary files."""
    assert kind_of(name) is None
    assert not stays_back(name, b"x\n")


@pytest.mark.parametrize(
    ("name", "top", "kind"),
    [
        (".ssh", False, "secret"),
        (".aws", True, "secret"),
        (".idea", False, "tool"),
        (".somebodys-agent", True, "tool"),
        (".somebodys-agent", False, None),
        (".github", True, None),
        (".cargo", True, None),
        ("secrets", True, None),
        ("src", True, None),
    ],
)
def test_folders_of_tools_stay_back(name: str, top: bool, kind: str | None) -> None:
    """A folder with a dot at the top of a project is some tool's, unless builds and tests are known to read it."""
    assert kind_of(name, folder=True, top=top) == kind


@pytest.mark.parametrize(
    ("name", "head", "back"),
    [
        ("notes.txt", PRIVATE, True),
        ("LICENSE", b"# my key\n" + PRIVATE, True),
        ("broken.py", PRIVATE, True),  # no Python file begins so
        ("test_tls.py", b'KEY = """\n' + PRIVATE + b'"""\n', False),
        ("README.md", b"# How to make a key\n\n" + PRIVATE, False),
        ("app.json", b'{"private_key": "' + b"0a" * 16 + b'"}', True),
        ("app.json", b'{"private_key": ""}', False),
        ("app.json", b'{"public_key": "' + b"0a" * 16 + b'"}', False),
        ("config", AWS, True),
        ("config", AWS.replace(b"aB3/aB3/", b"EXAMPLE/"), False),
        ("test_aws.py", AWS, False),
        ("it", b"ghp_" + b"a1" * 20 + b"\n", True),
        ("it", b"A sentence about ghp_" + b"a1" * 20 + b"\n", False),
        ("putty", b"PuTTY-User-Key-File-2: ssh-rsa\n", True),
        ("ca.pem", PUBLIC, False),
        ("both.pem", PUBLIC + PRIVATE, True),
        ("ca.key", b"SECRET\n", True),
        ("empty.bin", b"", False),
    ],
)
def test_the_beginning_of_a_file_decides_what_its_name_does_not(name: str, head: bytes, back: bool) -> None:
    """A key is a key under any name, a certificate is none under that of a key, and code is allowed to hold either."""
    assert stays_back(name, head) is back


@pytest.fixture
def tree(tmp_path):
    files = {"app.py": "x = 1\n", "server.pem": "k\n", ".agent/log.txt": "l\n", "data/key.txt": PRIVATE.decode()}
    files |= {"tests/test_a.py": "\n", "tests/server.key": "k\n", "tests/ca.pem": PUBLIC.decode()}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_patterns_and_folders_take_no_secrets(tree) -> None:
    """What a pattern or a folder of tests stands for is shown to models, so keys are not among it."""
    assert list(read_files(tree, ["**/*"])) == ["app.py", "tests/ca.pem", "tests/test_a.py"]
    assert list(read_tests(tree, ["tests"])) == ["tests/ca.pem", "tests/test_a.py"]
    with pytest.raises(TaskError, match="no text file"):
        read_files(tree, ["*.pem"])


def test_a_secret_that_is_named_is_read(tree) -> None:
    """The caller's word is the caller's word."""
    assert list(read_files(tree, ["server.pem", ".agent/log.txt"])) == [".agent/log.txt", "server.pem"]
    assert list(read_tests(tree, ["tests", "tests/server.key"])) == [
        "tests/ca.pem",
        "tests/server.key",
        "tests/test_a.py",
    ]
