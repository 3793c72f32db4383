# SPDX-License-Identifier: Apache-2.0
"""What the program says of itself, as Markdown: its commands, and the parameters of its plugins."""
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor


class Program:
    """`answers` is a file that keeps what the program said, for as long as it and its plugins are the same files."""

    def __init__(self, binary, answers):
        self.binary, self.answers = binary, {}
        files = [binary, *sorted((binary.parent.parent / "lib").rglob("*.so*"))]
        state = [[str(file), file.stat().st_mtime_ns] for file in files]
        if answers.exists():
            kept = json.loads(answers.read_text())
            self.answers = kept["answers"] if kept["state"] == state else {}
        listed = json.loads(self.ask("plugin", "list", "--json"))
        names = [f"{plugin['kind']}/{plugin['name']}" for plugin in listed]
        with ThreadPoolExecutor() as pool:
            described = pool.map(lambda name: json.loads(self.ask("plugin", "describe", name, "--json")), names)
        self.plugins = dict(zip(names, described))
        self.list_of_commands = self.commands()
        answers.write_text(json.dumps({"state": state, "answers": self.answers}))

    def ask(self, *arguments):
        key = " ".join(arguments)
        if key not in self.answers:
            environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}  # no plugins but the program's own
            self.answers[key] = subprocess.run([self.binary, *arguments], env=environment, check=True, text=True, cwd="/",
                                               stdout=subprocess.PIPE).stdout
        return self.answers[key]

    def commands(self):
        """A section for each command, with its --help."""
        out, pending = "", [()]
        while pending:
            command = pending.pop(0)
            text = self.ask(*command, "--help")
            below = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
            names = re.findall(r"^  (\S+) ", below[1], re.MULTILINE) if below else []
            pending[:0] = [(*command, name) for name in names]
            title = " ".join(("ttfm", *command))
            out += f"{'##' if len(command) < 2 else '###'} `{title}`\n\n```text\n{text.rstrip()}\n```\n\n"
        return out

    def plugin_sections(self, readme):
        """What follows the README.md of a plugin: its parameters, and its example."""
        kind = {"losses": "loss"}.get(readme.parts[-3], readme.parts[-3][:-1])
        name = f"{kind}/{readme.parts[-2]}"
        plugin = self.plugins[name]
        out = f"\n## All parameters\n\nOf version {plugin['version']} ({plugin['license']}), "
        out += f"as `ttfm plugin describe {name}` prints them.\n\n"
        out += table(plugin["params"]) if plugin["params"] else "There are none.\n"
        example = readme.parent / "example.toml"
        if example.exists():
            text = re.sub(r"\A(#.*SPDX.*\n)+\n?", "", example.read_text(encoding="utf-8"))
            out += f"\n## A run with it\n\n```toml\n{text.rstrip()}\n```\n"
        return out


def table(params):
    rows = []
    for param in params:
        default = "required" if param["required"] else f"`{param['default']}`" if param["default"] else ""
        meaning = param["doc"] + (" (advanced)" if param["advanced"] else "")
        rows.append([f"`{param['name']}`", param["type"], default, param["limits"], param["unit"] or "", meaning])
    titles = ["key", "type", "default", "limits", "unit", "meaning"]
    used = [column for column in range(len(titles)) if any(row[column] for row in rows)]
    lines = [[titles[column] for column in used], ["---"] * len(used)]
    lines += [[row[column].replace("|", "\\|").replace("<", "&lt;" if "`" not in row[column] else "<") for column in used]
              for row in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
