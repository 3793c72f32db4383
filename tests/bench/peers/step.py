# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""A training step of a PyTorch peer, told what to do over stdin by ../compare and ../use, a line each:

  check         relative errors to what ttfm computed: of u, v and du/dt, of the loss and its gradient
  steps N       take N training steps: their times
  sample N B C  C batches of B samples each, by N evaluations: the seconds that they take
  reset         the peak of the memory counts from here
  rates         the best rates of large products on this machine

Losses are the formulas of docs/mathematics.md; a step is loss, backward, fused AdamW and the averages (the student's, and
ITVM's target network).
"""

import argparse
import copy
import json
import sys
import time

import torch
import torch.autograd.forward_ad as forward_ad
from safetensors.torch import load_file

import models

H = 0.2  # of ITVM


def per_row(a, x):
    return a.view(-1, *[1] * (x.dim() - 1))


def flow_matching(student, teacher, target, x_0, x_1, s, t):
    x_t = torch.lerp(x_0, x_1, per_row(t, x_0))
    return (student(x_t, t, t).float() - (x_1 - x_0)).square().mean()


def itvm(student, teacher, target, x_0, x_1, s, t):
    x_s = torch.lerp(x_0, x_1, per_row(s, x_0))
    with torch.no_grad():
        h = (t - s).clamp(max=H)
        r = t - h
        u_e = target(x_s, s, r).float()
        x_r = x_s + per_row(r - s, x_s) * u_e
        v_1, v_s = teacher(torch.cat([x_r, x_s]), torch.cat([r, s]), torch.cat([r, s])).float().chunk(2)
        v_2 = teacher(x_r + per_row(h, x_s) * v_1, t, t).float()
        u = torch.lerp(u_e, (v_1 + v_2) / 2, per_row(H / (t - s).clamp(min=H), x_s))
    terminal, initial = student(torch.cat([x_s, x_s]), torch.cat([s, s]), torch.cat([t, s])).float().chunk(2)
    return (terminal - u).square().mean() + (initial - v_s).square().mean()


def lfmd(student, teacher, target, x_0, x_1, s, t):
    x_s = torch.lerp(x_0, x_1, per_row(s, x_0))
    u, du = derivative(student, x_s, s, t)
    gap = per_row(t - s, x_s)
    v_t = teacher(x_s + gap * u, t, t).float()
    return (u + gap * du - v_t).square().mean()


def derivative(student, x, s, t):
    """u_{s,t}(x) and d/dt u_{s,t}(x)."""
    with models.composite(), forward_ad.dual_level():
        u, du = forward_ad.unpack_dual(student(x, s, forward_ad.make_dual(t, torch.ones_like(t))))
    return u.float(), du.float()


LOSSES = {"flow_matching": flow_matching, "itvm": itvm, "lfmd": lfmd}


def load(module, prefix, weights):
    own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    if own:
        module.load_state_dict(own)


class Step:
    def __init__(self, options, weights):
        network = models.NETWORKS[options.network]
        self.student = network()
        self.teacher = models.MixtureTeacher() if options.network == "mlp_small" else network()
        load(self.student, "student/", weights)
        load(self.teacher, "teacher/", weights)
        self.teacher.requires_grad_(False)
        self.channels_last = options.mode == "channels_last"
        if self.channels_last:
            for module in (self.student, self.teacher):
                module.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.student).requires_grad_(False)
        self.target = copy.deepcopy(self.student).requires_grad_(False) if options.loss == "itvm" else None
        if self.target:
            load(self.target, "target/", weights)
        self.autocast = options.precision == "bf16"
        self.loss = LOSSES[options.loss]
        if options.mode == "compile":
            self.loss = torch.compile(self.loss, dynamic=False)
        self.parameters = list(self.student.parameters())
        self.followers = [(list(m.parameters()), d) for m, d in ((self.average, 0.999), (self.target, 0.99)) if m]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-3, weight_decay=0, fused=True)
        self.x_1, self.s, self.t = self.arranged(weights["x_1"]), weights["s"].clone(), weights["t"].clone()

    def arranged(self, x):
        return x.contiguous(memory_format=torch.channels_last) if self.channels_last else x

    def forward(self, x_0):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
            return self.loss(self.student, self.teacher, self.target, x_0, self.x_1, self.s, self.t)

    def __call__(self):
        loss = self.forward(torch.randn_like(self.x_1))
        loss.backward()
        torch.nn.utils.get_total_norm([p.grad for p in self.parameters])  # ttfm judges each step by it
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for follower, decay in self.followers:
                torch._foreach_lerp_(follower, self.parameters, 1 - decay)


def sample(step, evaluations, batch, batches):
    grid = torch.linspace(0, 1, evaluations + 1)
    samples = []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=step.autocast):
        for _ in range(batches):
            x = step.arranged(torch.randn(batch, *step.x_1.shape[1:]))
            for s, t in zip(grid, grid[1:]):
                x = x + (t - s) * step.student(x, s.expand(batch), t.expand(batch))
            samples.append(x)
    return torch.cat(samples)


def relative_error(found, exact):
    return ((found - exact).norm() / exact.norm()).item()


def check_same(step, weights):
    """The peer is a peer only if it computes the same numbers."""
    with torch.no_grad():
        errors = {"u": relative_error(step.student(weights["x_1"], step.s, step.t), weights["u"])}
        errors["v"] = relative_error(step.teacher(weights["x_1"], step.t, step.t), weights["v"])
        errors["du"] = relative_error(derivative(step.student, weights["x_1"], step.s, step.t)[1], weights["du"])
    loss = step.forward(step.arranged(weights["x_0"]))
    loss.backward()
    errors["loss"] = relative_error(loss.detach(), weights["loss"])
    own = {name: p.grad for name, p in step.student.named_parameters()}
    errors["gradient"] = relative_error(*(torch.cat([g.flatten() for g in whole]) for whole in (
        own.values(), [weights[f"gradient/{name}"] for name in own])))
    step.optimizer.zero_grad(set_to_none=True)
    return errors


def status_kib(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key + ":"))


def rates(threads):
    """The best rates of large products on this machine, GFLOP/s."""
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        best = 0
        large = [(4096, 4096, 4096)] if dtype == torch.float32 else []
        for m, n, k in [(1024, 1024, 1024), (2048, 2048, 2048), (2048, 1024, 256), (4096, 512, 512), *large]:
            a, b, c = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype), torch.empty(m, n, dtype=dtype)
            for _ in range(3 if m * n * k > 5e10 else 8):
                begin = time.perf_counter()
                torch.mm(a, b, out=c)
                best = max(best, 2 * m * n * k / (time.perf_counter() - begin) / 1e9)
        for channels, side in ((64, 32), (128, 16), (256, 16)):
            x = torch.randn(16, channels, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
            w = torch.randn(128, channels, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
            for _ in range(8):
                begin = time.perf_counter()
                torch.conv2d(x, w, padding=1)
                best = max(best, 2 * 16 * 128 * channels * side * side * 9 / (time.perf_counter() - begin) / 1e9)
        found[name] = best
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=models.NETWORKS, required=True)
    parser.add_argument("--loss", choices=LOSSES, required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--mode", choices=("eager", "channels_last", "compile"), default="eager")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights", required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bare = status_kib("VmRSS")
    weights = load_file(options.weights)
    step = Step(options, weights)
    answer = {}
    for line in sys.stdin:
        command, *counts = line.split()
        if command == "check":
            answer["errors"] = check_same(step, weights)
            weights.clear()
        elif command == "steps":
            times = []
            for _ in range(int(counts[0])):
                begin = time.perf_counter()
                step()
                times.append(time.perf_counter() - begin)
            answer["seconds"] = times
        elif command == "sample":
            begin = time.perf_counter()
            sample(step, *map(int, counts))
            answer["seconds"] = [time.perf_counter() - begin]
        elif command == "rates":
            answer["rates"] = rates(options.threads)
        elif command == "reset":
            with open("/proc/self/clear_refs", "w") as refs:
                refs.write("5")
        else:
            sys.exit(f"step.py: there is no command '{command}'")
        answer["peak_mib"] = (status_kib("VmHWM") - bare) / 1024
        print(json.dumps(answer), flush=True)


main()
