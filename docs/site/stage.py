# SPDX-License-Identifier: Apache-2.0
"""Puts the pages of the site where Sphinx reads them: stage.py REPOSITORY XML PROGRAM FOLDER.

The pages are Markdown that is also read in the repository: those of docs/, the README.md of each plugin, and a few from
the root. They are copied with their links rewritten to where each page stands in the site; what can only come from the
program or the headers is filled in. Only files that differ are written, so that Sphinx builds no page twice.
"""
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

from api import Api
from program import Program

PLACES = {  # pages that do not lie in docs/, and where they stand in the site
    "CHANGELOG.md": "dev/changelog.md",
    "CONTRIBUTING.md": "dev/contributing.md",
    "README.md": "index.md",  # not a page of its own: what links to it is led to the first page
    "plugins/README.md": "dev/plugin_folders.md",
    "tests/docs/README.md": "dev/tests_of_the_documentation.md",
}
CONTENTS = {  # pages with a part of the table of contents below them, beside the first one (contents.md)
    "reference/api/index.md": ["plugin", "options", "loss", "fields", "student", "teacher", "networks", "sampler", "dataset",
                               "basics", "flow", "nn", "io", "conformance", "abi"],
    "reference/plugins.md": [f"../plugins/{kind}/*" for kind in ("losses", "students", "teachers", "samplers", "datasets")],
}
DOWNLOADS = {".cpp", ".h", ".toml", ".py", ".cmake"}
FENCE = re.compile(r"^ *(`{3,}|~{3,})")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


class Mistake(Exception):
    pass


class Site:
    def __init__(self, repository, api, program, folder):
        self.repository, self.api, self.program, self.folder = repository, api, program, folder
        self.written, self.mistakes = set(), []
        self.pages = self.find_pages()  # path in the repository -> path in the site
        self.headers = {}  # header -> page in the site
        for page, place in self.pages.items():
            for header in re.findall(r"^```\{header\} (\S+)$", self.text(page), re.MULTILINE):
                if header in self.headers:
                    raise Mistake(f"<{header}> is on two pages: {self.headers[header]}, {place}")
                self.headers[header] = place

    def text(self, page):
        return (self.repository / page).read_text(encoding="utf-8")

    def find_pages(self):
        pages = {}
        for file in sorted(self.repository.glob("docs/**/*.md")):
            page = file.relative_to(self.repository).as_posix()
            if not page.startswith("docs/site/"):
                pages[page] = page.removeprefix("docs/")
        for file in sorted(self.repository.glob("plugins/*/*/README.md")):
            pages[file.relative_to(self.repository).as_posix()] = f"plugins/{file.parts[-3]}/{file.parts[-2]}.md"
        for file in sorted(self.repository.glob("examples/*/README.md")):
            pages[file.relative_to(self.repository).as_posix()] = f"examples/{file.parts[-2]}.md"
        for page, place in PLACES.items():
            if place != "index.md" and (self.repository / page).exists():
                pages[page] = place
        return pages

    def stage(self):
        self.mistakes += self.api.undocumented()
        missing = self.api.headers() - self.headers.keys()
        if missing:
            raise Mistake("on no page of docs/reference/api: " + ", ".join(sorted(missing)))
        for page, place in self.pages.items():
            text = self.rewrite(page, place, self.text(page))
            if page.startswith("plugins/") and page.count("/") == 3:
                text += self.program.plugin_sections(self.repository / page)
            if place == "index.md":
                text += "\n" + self.text("docs/site/contents.md")
            if place in CONTENTS:
                text += "\n```{toctree}\n:hidden:\n:glob:\n\n" + "\n".join(CONTENTS[place]) + "\n```\n"
            self.write(place, text.encode())
        for file in [f for f in self.folder.rglob("*") if f.is_file()]:
            if file.relative_to(self.folder).as_posix() not in self.written:
                file.unlink()
        if self.mistakes:
            raise Mistake("\n".join(self.mistakes))

    def write(self, place, data):
        self.written.add(place)
        file = self.folder / place
        if file.exists() and file.read_bytes() == data:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def rewrite(self, page, place, text):
        """The page with its links led to where they stand in the site, and its blocks filled in."""
        out, prose, block, fence = [], [], [], None

        def flush():
            out.append(LINK.sub(lambda match: self.link(page, place, match), "".join(prose)))
            prose.clear()

        for line in text.splitlines(keepends=True):
            mark = FENCE.match(line)
            if fence is None and mark:
                flush()
                fence, block = mark[1], [line]
            elif fence is not None:
                block.append(line)
                if mark and line.strip() == fence:
                    out.append(self.fill(block))
                    fence = None
            else:
                prose.append(line)
        if fence is not None:
            raise Mistake(f"{page}: a block is not closed: {block[0].strip()}")
        flush()
        return "".join(out)

    def fill(self, block):
        first = block[0].strip()
        if header := re.fullmatch(r"```\{header\} (\S+)", first):
            return self.api.header(header[1])
        if first == "```{commands}":
            return self.program.list_of_commands
        return "".join(block)

    def link(self, page, place, match):
        image, text, target = match.groups()
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return match[0]
        path, _, anchor = target.partition("#")
        path = os.path.normpath(PurePosixPath(page).parent / path)
        file = self.repository / path
        if not file.exists():
            self.mistakes.append(f"{page}: a link to {target}, which does not exist")
            return match[0]
        to = PLACES.get(path) if path == "README.md" else self.pages.get(path)
        header = path.removeprefix("framework/include/")
        if to is None and header in self.headers:
            to, anchor = self.headers[header], self.api.anchor(header)
        if to is None and (image or file.suffix in DOWNLOADS):
            to = path.removeprefix("docs/")
            self.write(to, file.read_bytes())
        if to is None:  # a file or a folder of the repository that is no part of the site
            return text
        to = os.path.relpath(to, PurePosixPath(place).parent) + (f"#{anchor}" if anchor else "")
        return f"{image}[{text}]({to})"


def main():
    repository, xml, binary, folder = map(Path, sys.argv[1:])
    try:
        Site(repository.resolve(), Api(xml), Program(binary.resolve(), folder.with_suffix(".answers")), folder).stage()
    except (Mistake, subprocess.CalledProcessError) as error:
        sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))


if __name__ == "__main__":
    main()
