# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""What `compare` and `use` share: programs on the same cores, what the machine is and was, tables."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

PEER = Path(__file__).resolve().parent / "peers" / "step.py"


def pinned(command, threads):
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    return ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]


def environment(threads, folder):
    return os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "TMPDIR": str(folder),
                         "PYTHONDONTWRITEBYTECODE": "1"}


class Program:
    """A process that does what it is told to, a line each."""

    def __init__(self, command, threads, folder):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(pinned(command, threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, env=environment(threads, folder))

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        while answer := self.process.stdout.readline():
            if answer.startswith("{"):
                return json.loads(answer)
        self.process.wait()
        self.log.seek(0)
        raise RuntimeError(f"{line!r}: exit code {self.process.returncode}\n" + self.log.read()[-2000:])

    def warm_up(self, seconds):
        """Steps until they are as they stay; the number of steps that take about so many seconds."""
        self.ask("steps 2")
        self.ask("reset")
        return max(1, min(200, round(seconds / self.ask("steps 1")["seconds"][0])))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{model}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.2f} at the start"


def built_with(shown):
    """The versions in what LibTorch says of its build."""
    patterns = {"torch": r"TORCH_VERSION=([^, ]+)", "MKL": r"Math Kernel Library Version ([^- ]+)",
                "oneDNN": r"MKL-DNN v(\S+)", "instructions": r"CPU capability usage: (\S+)"}
    return {name: found[1] if (found := re.search(pattern, shown)) else "none" for name, pattern in patterns.items()}


def versions(program, python):
    """Of the LibTorch under ttfm and under the peers."""
    commands = {"ttfm": [program, "--versions"]}
    if python:
        commands["peers"] = [python, "-c", "import torch; print(torch.__config__.show())"]
    return {name: built_with(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            for name, command in commands.items()}


def busy_ticks(line):
    """All ticks and the busy ones of the first line of /proc/stat."""
    ticks = [int(word) for word in line.split()[1:9]]  # what follows, of guests, is counted in these
    idle = ticks[3] + ticks[4]
    return sum(ticks), sum(ticks) - idle


class Others:
    """The machine's CPU time since now that is not of this process and its children, once these have ended."""

    def __init__(self):
        self.before = self.read()

    @staticmethod
    def read():
        with open("/proc/stat") as stat:
            every, busy = busy_ticks(stat.readline())
        return every, busy, sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")

    def share(self):
        every, busy, own = (after - before for before, after in zip(self.before, self.read()))
        return max(0.0, busy - own) / max(1, every)


class Report:
    """The table as it grows, on the console and in files."""

    def __init__(self, head, wide, options):
        self.head, self.options, self.rows, self.cells = head, options, [], []
        self.others, self.machine = Others(), machine()
        self.versions = versions(options.program, options.python)
        self.widths = [wide.get(name, max(9, len(name))) for name in head]
        print(self.machine)
        for name, found in self.versions.items():
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items()))
        if not options.python:
            print("no PyTorch to compare with: ./dev setup --peers installs it, for these benchmarks alone")
        self.print(head)

    def print(self, row):
        print(" ".join(value.rjust(width) for value, width in zip(row, self.widths)), flush=True)

    def add(self, cell, row):
        self.cells.append(cell)
        self.rows.append(row)
        self.print(row)
        if self.options.json:
            said = {"machine": self.machine, "versions": self.versions, "others": self.others.share(),
                    "cells": self.cells}
            Path(self.options.json).write_text(json.dumps(said, indent=1) + "\n")
        if self.options.markdown:
            lines = [self.head, ["---"] * len(self.head), *self.rows]
            Path(self.options.markdown).write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))

    def end(self):
        print(f"other processes had {100 * self.others.share():.1f} % of the machine's CPU time meanwhile")
