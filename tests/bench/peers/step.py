# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""A training step of a PyTorch peer, told what to do over stdin by ../compare.

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


class Step:
    def __init__(self, options, weights):
        network = models.NETWORKS[options.network]
        self.student = network()
        self.teacher = models.MixtureTeacher() if options.network == "mlp_small" else network()
        for module, prefix in ((self.student, "student/"), (self.teacher, "teacher/")):
            own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
            if own:
                module.load_state_dict(own)
        self.teacher.requires_grad_(False)
        self.channels_last = options.mode == "channels_last"
        if self.channels_last:
            for module in (self.student, self.teacher):
                module.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.student).requires_grad_(False)
        self.target = copy.deepcopy(self.student).requires_grad_(False) if options.loss == "itvm" else None
        self.autocast = options.precision == "bf16"
        self.loss = LOSSES[options.loss]
        if options.mode == "compile":
            self.loss = torch.compile(self.loss, dynamic=False)
        self.parameters = list(self.student.parameters())
        self.followers = [(list(m.parameters()), d) for m, d in ((self.average, 0.999), (self.target, 0.99)) if m]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-3, weight_decay=0, fused=True)
        self.x_1, self.s, self.t = weights["x_1"], weights["s"].clone(), weights["t"].clone()
        if self.channels_last:
            self.x_1 = self.x_1.contiguous(memory_format=torch.channels_last)

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


def relative_error(found, exact):
    return ((found - exact).norm() / exact.norm()).item()


def check_same_network(step, weights):
    """The peer is a peer only if it computes the same numbers."""
    with torch.no_grad():
        errors = {"u": relative_error(step.student(weights["x_1"], step.s, step.t), weights["u"])}
        errors["v"] = relative_error(step.teacher(weights["x_1"], step.t, step.t), weights["v"])
        errors["du"] = relative_error(derivative(step.student, weights["x_1"], step.s, step.t)[1], weights["du"])
    return errors


def status_kib(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key + ":"))


def rates(threads):
    """The best rates of large products on this machine, GFLOP/s."""
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        best = 0
        for m, n, k in ((1024, 1024, 1024), (2048, 2048, 2048), (2048, 1024, 256), (4096, 512, 512)):
            a, b, c = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype), torch.empty(m, n, dtype=dtype)
            for _ in range(8):
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
    answer = {"errors": check_same_network(step, weights)}
    del weights
    for line in sys.stdin:
        command, _, count = line.strip().partition(" ")
        if command == "steps":
            times = []
            for _ in range(int(count)):
                begin = time.perf_counter()
                step()
                times.append(time.perf_counter() - begin)
            answer["seconds"] = times
        elif command == "rates":
            answer["rates"] = rates(options.threads)
        elif command == "reset":
            with open("/proc/self/clear_refs", "w") as refs:
                refs.write("5")
        answer["peak_mib"] = (status_kib("VmHWM") - bare) / 1024
        print(json.dumps(answer), flush=True)


main()
