# SPDX-License-Identifier: Apache-2.0
"""Small runs that are killed, starved and resumed: what the checks kill, faults, flips and soak have in common."""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TTFM_BUILD"])
INJECTION = BUILD / "tests" / "faults" / "injection.so"

# 20 steps of a teacher, 20 of its student; a line of metrics for each step, a checkpoint for every fifth
CONFIG = """\
[run]
name = "run"
device = "cpu"
threads = {threads}
[dataset]
type = "gaussian_mixture"
[teacher]
type = "network"
network.type = "mlp"
network.width = {width}
network.depth = 2
[teacher.train]
[teacher.loss]
type = "flow_matching"
[student]
type = "mlp"
width = {width}
depth = 2
[loss]
type = "itvm"
[train]
steps = 20
batch = {batch}
[eval]
samples = 64
teacher_evaluations = [8]
tolerance = 1e-3
[log]
every = 1
[checkpoint]
every = 5
"""


def prepare():
    """Builds what the checks preload."""
    subprocess.run([ROOT / "dev", "build", "ttfm_injection"], check=True)


class Outcome:
    def __init__(self, code, err):
        self.code = 128 - code if code < 0 else code  # as a shell sees it
        self.err = err


class Run:
    """A run in a folder of its own, which goes with the object."""

    def __init__(self, threads=1, more=""):
        self._folder = tempfile.TemporaryDirectory(prefix="ttfm-check-")
        self.folder = pathlib.Path(self._folder.name)
        self.path = self.folder / "runs" / "run"
        self.threads = threads
        # two threads need something that is worth being shared
        width, batch = (16, 32) if threads == 1 else (64, 1024)
        (self.folder / "small.toml").write_text(CONFIG.format(threads=threads, width=width, batch=batch) + more)

    def command(self, *arguments):
        return ["ttfm", "run", "small.toml", "--resume=auto", *arguments]

    def environment(self, **faults):
        environment = dict(os.environ, LD_PRELOAD=str(INJECTION), OMP_NUM_THREADS=str(self.threads), NO_COLOR="1")
        environment["TTFM_FAULT_UNDER"] = str(self.folder / "runs")
        environment.update({"TTFM_FAULT_" + name: str(value) for name, value in faults.items()})
        return environment

    def start(self, *arguments, seconds=None, **faults):
        """Starts it, or goes on with it; killed after some seconds if they are given."""
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment(**faults),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, err = process.communicate(timeout=120 if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            _, err = process.communicate()
            if seconds is None:
                raise AssertionError("the run did not end:\n" + err)
        return Outcome(process.returncode, err)

    def trace(self):
        """The calls of a whole run that change files, in order: (function, path below the run's folder)."""
        file = self.folder / "trace"
        outcome = self.start(TRACE=file)
        assert outcome.code == 0, outcome.err
        calls = []
        for line in file.read_text().splitlines():
            _, function, path = line.split(" ", 2)
            calls.append((function, path.removeprefix(str(self.path)).lstrip("/")))
        return calls

    def again(self):
        shutil.rmtree(self.folder / "runs", ignore_errors=True)

    def results(self):
        """What must not depend on what happened on the way: tensors of the kept checkpoints, metrics, table."""
        files = {"metrics.jsonl": (self.path / "metrics.jsonl").read_bytes()}
        for path in sorted(self.path.glob("*/checkpoints/step-00000020/*.safetensors")):
            files[str(path.relative_to(self.path))] = path.read_bytes()
        table = (self.path / "eval" / "results.csv").read_text().splitlines()
        files["results.csv"] = "\n".join(line.rpartition(",")[0] for line in table).encode()  # but for the seconds
        return files

    def stray(self):
        """Files and folders that are not complete."""
        return [path for path in (self.folder / "runs").rglob("*") if ".tmp-" in path.name]


def differences(expected, actual):
    return sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))


def parallel(function, cases, workers=2):
    """function(case) for each, in two threads; the failures' texts, and how many cases there were."""
    cases = list(cases)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [text for text in pool.map(function, cases) if text], len(cases)
