"""Write what the program is made of: an SBOM (CycloneDX) and the licences, of run time alone.

`make sbom` runs it. Two well-kept tools, in an environment of their own, say what is installed and
under which licence; this keeps what the program needs at run time, adds the files of others that
lie in the package, and compares every version with `requirements.lock`. It is without dates and
random numbers: the same lock gives the same files.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / ".venv-sbom" / "bin"
OUT = ROOT / "artefacts"
VENDOR = ROOT / "shelterplan" / "views" / "vendor"
STRONG = re.compile(r"\b(A?GPL|General Public|Affero|SSPL|EUPL|CC-BY-(NC|SA))", re.IGNORECASE)
WEAK = re.compile(r"\b(LGPL|Lesser General|MPL|Mozilla|EPL|CDDL)", re.IGNORECASE)
"""Licences of files, or of libraries that stay apart: fine beside MIT, with their terms kept."""


CHOICES = {"pyphen": "GPL-2.0-or-later OR LGPL-2.1-or-later OR MPL-1.1"}
"""Packages whose metadata lists licences of which one may be chosen, by their own LICENSE file."""


def needed() -> set[str]:
    """Return the packages that the program needs at run time here, all the way down."""
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf-8"))["project"]
    waiting = _named(project["dependencies"], frozenset())
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        package = waiting.pop()
        if package not in seen:
            seen.add(package)
            waiting |= _named(distribution(package[0]).requires or [], package[1])
    return {name for name, _ in seen}


def _named(texts: list[str], extras: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
    """Return the packages, each with its extras, of those requirements that hold here."""
    found = set()
    for one in map(Requirement, texts):
        if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in extras or {""}):
            found.add((str(canonicalize_name(one.name)), frozenset(one.extras)))
    return found


def native(package: str) -> list[str]:
    """Return the names of the compiled libraries that a package brings along."""
    inside = [path.name for path in distribution(package).files or [] if ".libs" in path.parts[0]]
    return sorted({re.split(r"[-.]", name)[0] for name in inside})


def locked(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock names, by package."""
    found: dict[str, set[str]] = {}
    for name, number in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lock, re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(number)
    return found


def vendored() -> list[dict[str, str]]:
    """Return the files of others in the package: name, version, licence and its text."""
    found = []
    for folder in sorted(path.parent for path in VENDOR.glob("*/VERSION")):
        said = folder.joinpath("VERSION").read_text("utf-8")
        number = re.search(r"\d+\.\d+(\.\d+)?", said)
        text = folder.joinpath("LICENSE").read_text("utf-8")
        found.append(
            {
                "Name": folder.name,
                "Version": number[0] if number else "unknown",
                "License": "BSD-2-Clause"
                if text.lstrip().startswith("BSD 2-Clause")
                else "UNKNOWN",
                "LicenseText": text,
            }
        )
    return found


def judged(name: str, licence: str) -> str:
    """Say what must be looked at before MIT code is handed on together with a package."""
    if not licence or "UNKNOWN" in licence.upper():
        return f"{name}: licence unknown"
    choices = re.split(r"\s+OR\s+", licence)
    strong = [STRONG.search(WEAK.sub("", one)) for one in choices]
    if all(strong):
        return f"{name}: {licence}: copyleft, may not be handed on as a part of MIT code"
    return f"{name}: {licence}: keep its terms for its own files" if WEAK.search(licence) else ""


def bom(packages: set[str]) -> dict[str, Any]:
    """Return the SBOM of some packages, and of the files of others."""
    text = _run(
        *("cyclonedx-py", "environment", sys.executable, "--output-reproducible"),
        *("--pyproject", str(ROOT / "pyproject.toml"), "--output-format", "JSON"),
    )
    found: dict[str, Any] = json.loads(text)
    kept = [one for one in found["components"] if canonicalize_name(one["name"]) in packages]
    main = found["metadata"].get("component", {}).get("bom-ref", "shelterplan")
    names = {one["bom-ref"] for one in kept} | {main}
    depends = [one for one in found.get("dependencies", []) if one["ref"] in names]
    for one in depends:
        one["dependsOn"] = [ref for ref in one.get("dependsOn", []) if ref in names]
    others = [
        {
            "bom-ref": f"vendored:{one['Name']}",
            "type": "library",
            "name": one["Name"],
            "version": one["Version"],
            "purl": f"pkg:npm/{one['Name']}@{one['Version']}",
            "licenses": [{"license": {"id": one["License"]}}],
        }
        for one in vendored()
    ]
    for one in kept:  # where it happens to be installed is nobody's business
        one["externalReferences"] = [
            ref for ref in one.get("externalReferences", []) if not ref["url"].startswith("file:")
        ]
    return found | {"components": [*kept, *others], "dependencies": depends}


def licences(packages: set[str]) -> list[dict[str, str]]:
    """Return the licence of each package with its text."""
    text = _run(
        *("pip-licenses", "--python", sys.executable, "--format", "json", "--from", "mixed"),
        *("--with-license-file", "--no-license-path", "--with-system", "--with-urls"),
    )
    found = [one for one in json.loads(text) if canonicalize_name(one["Name"]) in packages]
    for one in found:
        stated = distribution(one["Name"]).metadata.get("License-Expression")
        one["License"] = CHOICES.get(one["Name"].lower()) or stated or one["License"]
    return [*sorted(found, key=lambda one: one["Name"].lower()), *vendored()]


def _run(tool: str, *arguments: str) -> str:
    command = [str(TOOLS / tool), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def told(listed: list[dict[str, str]]) -> str:
    """Return the list of licences: names first, then the texts."""
    lines = ["What shelterplan is made of at run time, and the licences.", ""]
    lines += [f"{one['Name']} {one['Version']}: {one['License']}" for one in listed]
    marks = [mark for one in listed if (mark := judged(one["Name"], one["License"]))]
    lines += ["", "To look at:", *(marks or ["nothing"])]
    lines += ["", "Compiled libraries that packages bring along, under licences of their own:"]
    for one in listed:
        if one["Name"] not in {other["Name"] for other in vendored()}:
            inside = native(one["Name"])
            lines += [f"{one['Name']}: {', '.join(inside)}"] if inside else []
    lines += ["libgeos is under LGPL-2.1: fine beside MIT code, as it stays a library of its own."]
    for one in listed:
        lines += ["", "=" * 78, f"{one['Name']} {one['Version']}", "", one["LicenseText"].strip()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write both files; return 1 if what is installed is not what is locked."""
    packages = needed()
    lock = locked(ROOT.joinpath("requirements.lock").read_text("utf-8"))
    strays = sorted(one for one in packages if version(one) not in lock.get(one, set()))
    if strays:
        print(f"not as in requirements.lock: {', '.join(strays)}; run `make clean` first")
        return 1
    OUT.mkdir(exist_ok=True)
    made = json.dumps(bom(packages), indent=2, sort_keys=True, ensure_ascii=False)
    (OUT / "sbom.cdx.json").write_text(made + "\n", "utf-8")
    listed = licences(packages)
    (OUT / "licences.txt").write_text(told(listed), "utf-8")
    print(f"{len(listed)} parts: artefacts/sbom.cdx.json, artefacts/licences.txt")
    for one in listed:
        if mark := judged(one["Name"], one["License"]):
            print(f"look at {mark}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
