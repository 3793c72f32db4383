# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""What a page of the documentation shows: its blocks, what each says about itself, and how an output is compared.

A block says how it is checked by its language and by comments `<!-- check: ... -->` directly above its fence;
tests/docs/README.md lists both.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+)(?P<language>[^`\s]*)\s*(?P<rest>[^`]*)$")
MARK = re.compile(r"^ *<!-- check: (?P<word>not run|any numbers|page needs|[a-z]+)(?:: | )?(?P<value>.*?) *-->$")
INDENTED = re.compile(r"^ {4}(\$|ttfm|\./dev|sudo|cmake|ctest) ")  # the beginning of a command in an indented block
WORDS = {"not run", "any numbers", "page needs", "from", "file", "onto", "builds", "fails", "needs"}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"


@dataclass
class Block:
    page: Path
    line: int  # of the opening fence, from 1
    language: str
    lines: list[str]  # without the fences' indentation
    marks: dict[str, str] = field(default_factory=dict)
    argument: str = ""  # what follows the language: the file of a {literalinclude}

    @property
    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)


@dataclass
class Page:
    path: Path
    blocks: list[Block]
    needs: list[str]  # paths without which this page's commands are not run
    mistakes: list[tuple[int, str]]  # line, what is wrong with the page itself


def read_page(path: Path) -> Page:
    page = Page(path, [], [], [])
    marks: dict[str, str] = {}
    lines = path.read_text().splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if mark := MARK.match(line):
            word, value = mark["word"], mark["value"]
            if word == "page needs":
                page.needs.append(value)
            elif word not in WORDS:
                page.mistakes.append((number, f"unknown mark `check: {word}`; known: {', '.join(sorted(WORDS))}"))
            else:
                marks[word] = value
            continue
        fence = FENCE.match(line)
        if not fence:
            if INDENTED.match(line):
                page.mistakes.append((number, "commands stand in a fenced block, which says how it is checked"))
            if marks and line.strip():
                page.mistakes.append((number, "a mark `<!-- check: ... -->` stands directly above a block"))
                marks = {}
            continue
        begin, body = number, []
        while number < len(lines) and lines[number].strip() != fence["fence"]:
            body.append(lines[number].removeprefix(fence["indent"]))
            number += 1
        number += 1
        page.blocks.append(Block(path, begin, fence["language"], body, marks, fence["rest"].strip()))
        marks = {}
    return page


@dataclass
class Command:
    line: int  # on the page
    text: str
    expected: list[str]


def commands(block: Block) -> list[Command]:
    """The commands of a console block: `$ command`, its continuation behind `\\` or after `> `, then its output."""
    found: list[Command] = []
    open_ended = False
    for number, line in enumerate(block.lines, block.line + 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:], []))
            open_ended = True
        elif found and open_ended and (found[-1].text.endswith("\\") or line.startswith("> ")):
            found[-1].text += "\n" + line.removeprefix("> ")
        elif found:
            found[-1].expected.append(line)
            open_ended = False
        elif line.strip():
            raise ValueError("a console block begins with `$ ` and a command")
    return found


def pattern(line: str, any_numbers: bool) -> str:
    """The regular expression of one expected line: `...` stands for anything on it, alone for any number of lines."""
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    pieces = []
    for part in re.split(r"(\.\.\.)", line.rstrip()):
        if part == "...":
            pieces.append(".*")
        elif any_numbers:  # a number may be of another width, so columns may be too
            for token in re.split(rf"((?<![A-Za-z_\d]){NUMBER}(?![A-Za-z_]*\d)| +|-{{2,}})", part):
                if re.fullmatch(NUMBER, token):
                    pieces.append(NUMBER)
                else:  # a slow machine counts seconds for a step
                    pieces.append(" *" if token.isspace() else re.sub("it/s|s/it", "(?:it/s|s/it)", re.escape(token)))
        else:
            pieces.append(re.escape(part))
    return "".join(pieces) + r" *\n"


def first_difference(expected: list[str], actual: list[str], any_numbers: bool) -> int | None:
    """The index of the first expected line that the output does not have, len(expected) where the output goes on."""
    text = "".join(line + "\n" for line in actual)
    whole = ""
    for index, line in enumerate(expected):
        whole += pattern(line, any_numbers)
        if not re.match(whole, text):
            return index
    return None if re.fullmatch(whole, text) else len(expected)


def quotes(block: list[str], source: list[str]) -> bool:
    """Whether the block is whole lines of the source; lines `...` and `// ...` stand for what is left out."""
    pieces: list[list[str]] = [[]]
    for line in block:
        if line.strip() in ("...", "// ...", "# ..."):
            pieces.append([])
        else:
            pieces[-1].append(line.rstrip())
    source = [line.rstrip() for line in source]
    position = 0
    for piece in pieces:
        while piece and not piece[0]:
            piece.pop(0)
        while piece and not piece[-1]:
            piece.pop()
        places = range(position, len(source) - len(piece) + 1)
        place = next((i for i in places if source[i : i + len(piece)] == piece), None)
        if place is None:
            return False
        position = place + len(piece)
    return True
