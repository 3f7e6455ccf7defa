"""Rules of the house: no pickle, no foreign host, no address in the lock file."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = {".py", ".toml", ".js", ".css", ".html", ".cfg", ".yml", ".lock", ""}


def tracked():
    """Return the files that git knows, or every file where there is no git checkout."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    found = [ROOT / name for name in names if name] or [
        path for folder in ("shelterplan", "tests", "data") for path in (ROOT / folder).rglob("*")
    ]
    return [path for path in found if path.is_file()]


@pytest.fixture(scope="module")
def sources():
    return {
        path: path.read_text("utf-8")
        for path in tracked()
        if path.suffix in TEXT
        and path != Path(__file__)
        and path.name != "LICENSE"
        and "vendor" not in path.parts
    }


def test_nothing_is_pickled(sources):
    users = [
        path.name
        for path, text in sources.items()
        if re.search(r"^\s*(import|from) (pickle|shelve|marshal|joblib)\b", text, re.MULTILINE)
        or re.search(r"\b(read|to)_pickle\(|allow_pickle=True", text)
    ]
    assert users == []


def test_the_lock_file_names_versions_and_hashes_only(sources):
    text = sources[ROOT / "requirements.lock"]
    assert "--hash=sha256:" in text
    assert not re.search(r"https?://|index-url|find-links", text)


def test_every_dependency_has_a_range_and_is_locked(sources):
    project = tomllib.loads(sources[ROOT / "pyproject.toml"])
    groups = project["dependency-groups"]
    dev = [requirement for requirement in groups["dev"] if isinstance(requirement, str)]
    wanted = [*project["project"]["dependencies"], *groups["build"], *dev]
    assert all(">=" in requirement for requirement in wanted)
    locked = re.findall(r"^([a-z0-9._-]+)==", sources[ROOT / "requirements.lock"], re.MULTILINE)
    names = [re.split(r"[<>=!\[]", requirement)[0] for requirement in wanted]
    assert set(names) <= set(locked)


def test_no_page_is_told_to_fetch_anything_from_elsewhere(sources):
    loads = re.compile(
        r"""(src|href)=\\?["']https?://|@import\s+url\(["']?https?://|fetch\(["']http"""
    )
    told = [
        path.name
        for path, text in sources.items()
        if "shelterplan" in path.parts and loads.search(text)
    ]
    assert told == []


def test_vendored_files_lie_beside_their_version_and_licence():
    vendored = [
        path for path in (ROOT / "shelterplan" / "views" / "vendor").iterdir() if path.is_dir()
    ]
    assert vendored
    for folder in vendored:
        names = {path.name.upper() for path in folder.iterdir()}
        assert any("LICEN" in name for name in names), folder.name
        assert any("VERSION" in name for name in names), folder.name


def test_the_readme_shows_pictures_that_exist():
    readme = (ROOT / "README.md").read_text("utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert pictures
    assert [name for name in pictures if not (ROOT / name).is_file()] == []
