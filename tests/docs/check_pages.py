#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""Holds every block of the documentation against what it shows.

Usage: check_pages.py --source DIR (--program DIR | --install BUILD) [--long] [--write] [PAGE ...]

Quotations are compared with their files, configurations are checked by `ttfm config check`, commands are run in a
folder of their own for each page, in the order of the page, and their outputs are compared. tests/docs/README.md says
how a block is written.

--install first installs a build, and uses that; without it blocks marked `builds` are not run. --long runs trainings at
the length that the page shows; --write puts the outputs of this machine into the pages.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pages import Block, Page, commands, first_difference, quotes, read_page

INSTALLED = "/opt/ttfm"  # what pages call the folder of an installed ttfm
# What ./dev does once everything is built.
DEV = """#!/bin/bash
case $1 in
  run) exec ttfm "$@" ;;
  shell) exec bash "${@:2}" ;;
  *) echo "dev: '$1' changes the tree: mark this block as not run" >&2; exit 1 ;;
esac
"""
MARKER = "\x1e"  # parts the outputs of a page's commands
PASSIVE = {"text"}  # shows nothing that could be run


def shorten(text: str) -> str:
    """The same configuration or command with a few steps and samples."""
    text = re.sub(r"(?m)^(\s*)steps = \d+", r"\1steps = 4", text)
    text = re.sub(r"(?m)^(\s*)warmup = \d+", r"\1warmup = 0", text)
    text = re.sub(r"(?m)^(\s*)samples = \d+", r"\1samples = 32", text)
    text = re.sub(r"(?m)^(\s*)tolerance = \S+", r"\1tolerance = 1e-2", text)
    text = re.sub(r"steps=\d+", "steps=4", text)
    text = re.sub(r"samples=\d+", "samples=32", text)
    return re.sub(r"--count \d{3,}", "--count 32", text)


class Checker:
    def __init__(self, source: Path, program: Path, prefix: Path | None, long: bool, write: bool):
        self.source, self.program, self.prefix, self.long, self.write = source, program, prefix, long, write

    def check(self, page: Page, scratch: Path) -> list[tuple[int, str]]:
        """What is stale: lines of the page and what is wrong there."""
        stale = list(page.mistakes)
        self.prepare(scratch)
        script = "export PATH\n"
        shown: dict[int, tuple[Block, object]] = {}  # marker's number -> the block and the command it belongs to

        def step(block: Block, command: object, text: str):
            nonlocal script
            shown[len(shown)] = (block, command)
            script += f"{text}\n__code=$?; printf '{MARKER}%s{MARKER}' $__code; (exit $__code)\n"

        runs = all(Path(path).exists() for path in page.needs)
        for block in page.blocks:
            try:
                self.take(block, scratch, step, stale, runs)
            except (ValueError, SyntaxError) as error:  # of this checker, of JSON, of Python
                stale.append((block.line, str(error)))
        return sorted(stale + self.run(page, scratch, script, shown))

    def prepare(self, scratch: Path):
        shutil.copytree(self.source / "configs", scratch / "configs")
        (scratch / "dev").write_text(DEV)
        (scratch / "dev").chmod(0o755)
        if not self.long:
            for path in (scratch / "configs").rglob("*.toml"):
                path.write_text(shorten(path.read_text()))

    def take(self, block: Block, scratch: Path, step, stale: list, runs: bool):
        """Checks what can be checked at once, and lines up what has to be run in the page's order."""
        language, marks = block.language, block.marks
        runs = runs and Path(marks.get("needs", "/")).exists()
        if "not run" in marks:
            if not marks["not run"]:
                raise ValueError("`check: not run` needs a reason: <!-- check: not run: it installs packages -->")
        elif language == "{literalinclude}":
            if not (block.page.parent / block.argument).exists():
                raise ValueError(f"there is no {block.argument}")
        elif language.startswith("{") or language in PASSIVE:
            pass  # Sphinx checks the former
        elif "builds" in marks and not self.prefix or not runs and language in ("console", "sh", "toml"):
            pass
        elif "file" in marks:
            text = block.text if self.long else shorten(block.text)
            name = f"'{scratch}/{marks['file']}'"
            step(block, None, f"mkdir -p \"$(dirname {name})\"\ncat >{name} <<'END_OF_BLOCK'\n{text}END_OF_BLOCK")
            if language == "toml":
                step(block, "configuration", f"ttfm config check {name}")
        elif "from" in marks:
            path = self.source / marks["from"]
            if path.exists():
                if not quotes(block.lines, path.read_text().splitlines()):
                    raise ValueError(f"is not what stands in {marks['from']}")
            else:
                step(block, "quotation", f"cat '{scratch}/{marks['from']}'")
        elif language == "toml":
            complete = re.search(r"(?m)^(\[dataset\]|extends)", block.text) and "onto" not in marks
            base = marks.get("onto", "configs/quickstart.toml")
            text = block.text if complete else f'extends = ["{base}"]\n{block.text}'
            name = f"'{scratch}/block.toml'"
            step(block, "configuration", f"cat >{name} <<'END_OF_BLOCK'\n{text}END_OF_BLOCK\nttfm config check {name}")
        elif language == "console":
            found = commands(block)
            if not found:
                raise ValueError("a console block begins with `$ ` and a command")
            for command in found:
                text = command.text if self.long else shorten(command.text)
                step(block, command, text.replace(INSTALLED, str(self.prefix)) if self.prefix else text)
        elif language == "sh":
            step(block, "script", f"(\nset -e\n{block.text if self.long else shorten(block.text)})")
        elif language == "json":
            for line in [block.text] if block.text.startswith("{\n") else block.lines:
                json.loads(line)
        elif language == "python":
            compile(block.text, str(block.page), "exec")
        else:
            raise ValueError(
                f"a block of language '{language}' is checked by nothing: quote a file (`check: from FILE`), write one "
                "(`check: file NAME`), say why not (`check: not run: REASON`), or make it `text`"
            )

    def run(self, page: Page, scratch: Path, script: str, shown: dict) -> list[tuple[int, str]]:
        if not shown:
            return []
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("TTFM_", "XDG_"))}
        environment = keep | {
            "PATH": f"{self.program}:{os.environ['PATH']}",
            "HOME": str(scratch.parent),
            "OMP_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "120",
        }
        if shutil.which("ccache"):  # the same few files again, under a folder of another name
            environment |= {
                "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
                "CCACHE_BASEDIR": str(scratch.parent.parent),
                "CCACHE_NOHASHDIR": "1",
                "CCACHE_DIR": os.environ.get("CCACHE_DIR", str(Path.home() / ".cache/ccache")),
            }
        (scratch.parent / "script.sh").write_text(script)
        # one core: a run takes a thread for each that it may use, and two pages are checked at once
        cores = sorted(os.sched_getaffinity(0))
        command = ["taskset", "-c", str(cores[int(scratch.parent.name) % len(cores)]), "bash", "../script.sh"]
        result = subprocess.run(
            command, cwd=scratch, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        output = result.stdout.replace(str(scratch), "/home/you/ttfm").replace(str(scratch.parent), "/home/you")
        if self.prefix:
            output = output.replace(str(self.prefix), INSTALLED)
        parts = output.split(MARKER)
        stale, replacements = [], []
        for index, (block, command) in shown.items():
            if 2 * index + 1 >= len(parts):
                stale.append((block.line, "did not come to its end"))
                break
            actual, code = parts[2 * index].splitlines(), int(parts[2 * index + 1])
            if command is None:
                continue
            if command == "quotation":
                if code or not quotes(block.lines, actual):
                    stale.append((block.line, f"is not what stands in {block.marks['from']}" + tail(actual)))
            elif isinstance(command, str):
                if code:
                    stale.append((block.line, f"this {command} ends with exit code {code}" + tail(actual)))
            else:
                replacements.append((command, actual))
                if problem := self.compare(block, command, actual, code):
                    stale.append(problem)
        if self.write:
            write_outputs(page, replacements)
        return stale

    def compare(self, block: Block, command, actual: list[str], code: int) -> tuple[int, str] | None:
        may_fail = any(line.startswith(("error", "dev: ")) for line in command.expected) or "fails" in block.marks
        if code and not may_fail:
            return command.line, f"this command ends with exit code {code}" + tail(actual)
        place = first_difference(command.expected, actual, "any numbers" in block.marks)
        if place is None:
            return None
        last = command.line + command.text.count("\n") + place
        if place == len(command.expected):
            return last, "the output goes on" + tail(actual, 30)
        return last + 1, "the output has no such line" + tail(actual, 30)


def tail(lines: list[str], count: int = 12) -> str:
    return "".join("\n    | " + line for line in lines[-count:])


def write_outputs(page: Page, replacements: list):
    """Puts what the commands said in place of what the page shows, where that leaves nothing out by `...`."""
    lines = page.path.read_text().splitlines()
    for command, actual in sorted(replacements, key=lambda pair: -pair[0].line):
        if any("..." in line for line in command.expected):
            continue
        begin = command.line + command.text.count("\n")
        lines[begin : begin + len(command.expected)] = actual
    page.path.write_text("".join(line + "\n" for line in lines))


def pages_of(source: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=source, capture_output=True, text=True,
    )
    if listed.returncode == 0:
        names = [source / name for name in listed.stdout.split("\0") if name and (source / name).exists()]
    else:  # an archive without its history
        names = [path for path in source.rglob("*.md") if "build" not in path.relative_to(source).parts]
    return sorted(names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="the root of the tree")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--program", type=Path, help="the folder of the program ttfm")
    where.add_argument("--install", type=Path, help="a build folder, whose program is installed and used")
    parser.add_argument("--long", action="store_true", help="trainings at full length")
    parser.add_argument("--write", action="store_true", help="put the outputs into the pages")
    parser.add_argument("pages", nargs="*", type=Path)
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    pages = [read_page(path.resolve()) for path in arguments.pages or pages_of(source)]

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        prefix = Path(folder) / "prefix" if arguments.install else None
        if prefix:
            command = ["cmake", "--install", arguments.install, "--prefix", prefix]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        program = prefix / "bin" if prefix else arguments.program.resolve()
        checker = Checker(source, program, prefix, arguments.long, arguments.write)

        def check(numbered):
            scratch = Path(folder) / str(numbered[0]) / "ttfm"
            scratch.mkdir(parents=True)
            return checker.check(numbered[1], scratch)

        stale = list(pool.map(check, enumerate(pages)))
    blocks = sum(len(page.blocks) for page in pages)
    count = 0
    for page, found in zip(pages, stale):
        for line, what in found:
            count += 1
            print(f"{os.path.relpath(page.path, source)}:{line}: {what}")
    print(f"{len(pages)} pages, {blocks} blocks, {count} of them stale")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
