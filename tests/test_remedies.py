"""What is missing is mended by one line, the same wherever it is said."""

from pathlib import Path

import pytest

from escalator.remedies import PAGE, install, isolation

ROOT = Path(__file__).parents[1]


def _machine(root: Path, *, program: str = "", **settings: str) -> dict[str, Path]:
    """Folders like those where package managers and settings of the kernel lie."""
    programs, kernel = root / "bin", root / "sys"
    programs.mkdir()
    if program:
        (programs / program).touch()
    for name, value in settings.items():
        place = kernel / name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{value}\n")
    return {"programs": programs, "settings": kernel}


@pytest.mark.parametrize(
    ("program", "line"), [("apt-get", "apt-get install"), ("dnf", "dnf install"), ("apk", "apk add")]
)
def test_bubblewrap_is_installed_as_this_machine_installs(tmp_path: Path, program: str, line: str) -> None:
    """By the package manager that is there."""
    machine = _machine(tmp_path, program=program)

    assert isolation(installed=False, platform="linux", **machine) == f"Run: sudo {line} bubblewrap"


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("kernel__apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel__unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user__max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_the_setting_that_forbids_namespaces_is_named(tmp_path: Path, setting: str, value: str, line: str) -> None:
    """Where bubblewrap is there and the kernel does not let it work."""
    machine = _machine(tmp_path, **{setting: value})

    assert isolation(installed=True, platform="linux", **machine) == f"Run: sudo sysctl -w {line}"


def test_where_no_setting_forbids_it_a_container_does(tmp_path: Path) -> None:
    """Its own filter of system calls is in the way then."""
    machine = _machine(tmp_path, user__max_user_namespaces="60000")

    assert "--security-opt seccomp=unconfined" in isolation(installed=True, platform="linux", **machine)
    assert "docker" in isolation(installed=False, platform="darwin", **machine)


def test_a_module_is_installed_by_the_name_of_its_package() -> None:
    """Beside the interpreter that lacks it."""
    assert install("yaml", "sklearn.svm", "pytest_httpx", python="/p/python") == (
        "Run: /p/python -m pip install pyyaml scikit-learn pytest-httpx"
    )


def test_the_page_that_explains_the_lines_is_there() -> None:
    """And repeats the table."""
    text = (ROOT / PAGE).read_text()

    assert "max_user_namespaces" in text
    assert "writable: true" in text
