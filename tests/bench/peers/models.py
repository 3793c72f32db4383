# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""ttfm's networks in PyTorch, as somebody who knows PyTorch would write them for speed.

Modules carry the names that ttfm gives its weights, so that a state dict of ttfm's loads as it is. velocity(x, s, t) is
u_{s,t}(x). Within composite() norms and attention are made of elementary operations: the built-in ones have no
forward-mode derivative that can be differentiated once more, or a wrong one (layer_norm), which LFMD's student needs.
"""

import contextlib

import torch
import torch.nn.functional as F
from torch import nn

COMPOSITE = False


@contextlib.contextmanager
def composite():
    global COMPOSITE
    before, COMPOSITE = COMPOSITE, True
    try:
        yield
    finally:
        COMPOSITE = before


def upcast(x):
    return x.float() if x.dtype == torch.bfloat16 else x


def layer_norm(x, eps=1e-6):
    if not COMPOSITE:
        return F.layer_norm(x, x.shape[-1:], eps=eps)
    c = upcast(x)
    c = c - c.mean(-1, keepdim=True)
    return c * torch.rsqrt((c * c).mean(-1, keepdim=True) + eps)


def attention(q, k, v):
    if not COMPOSITE:
        return F.scaled_dot_product_attention(q, k, v)
    a = upcast((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1))
    e = (a - a.detach().amax(-1, keepdim=True)).exp()
    return (e / e.sum(-1, keepdim=True)).to(v.dtype) @ v


def sinusoids(tau, frequencies):
    angle = tau[:, None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], -1)


class GroupNorm(nn.GroupNorm):
    def forward(self, x):
        if not COMPOSITE:
            return super().forward(x)
        b, c = x.shape[:2]
        g = upcast(x).reshape(b, self.num_groups, -1)
        g = g - g.mean(-1, keepdim=True)
        g = g * torch.rsqrt((g * g).mean(-1, keepdim=True) + self.eps)
        return g.view(x.shape) * self.weight.view(1, c, 1, 1) + self.bias.view(1, c, 1, 1)


class TimeEmbedding(nn.Module):
    def __init__(self, frequencies, width):
        super().__init__()
        self.register_buffer("frequencies", torch.zeros(frequencies))
        self.add_module("in", nn.Linear(2 * frequencies, width))
        self.out = nn.Linear(width, width)

    def forward(self, tau):
        return self.out(F.silu(getattr(self, "in")(sinusoids(tau, self.frequencies))))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.out(attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, width, depth, dim=2, frequencies=8):
        super().__init__()
        self.register_buffer("frequencies", torch.zeros(frequencies))
        sizes = [dim + 4 * frequencies] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.out = nn.Linear(width, dim)

    def forward(self, x, s, t):
        a = torch.cat([x, sinusoids(s, self.frequencies), sinusoids(t, self.frequencies)], -1)
        for layer in self.hidden:
            a = F.silu(layer(a))
        return self.out(a)


class ResidualBlock(nn.Module):
    def __init__(self, inner, outer, embedding, groups):
        super().__init__()
        self.norm_in = GroupNorm(groups, inner)
        self.conv_in = nn.Conv2d(inner, outer, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outer)
        self.norm_out = GroupNorm(groups, outer)
        self.conv_out = nn.Conv2d(outer, outer, 3, padding=1)
        self.skip = nn.Conv2d(inner, outer, 1) if inner != outer else None

    def forward(self, x, c):
        scale, shift = self.modulation(c)[:, :, None, None].chunk(2, 1)
        h = self.conv_in(F.silu(self.norm_in(x)))
        h = self.conv_out(F.silu(self.norm_out(h) * (1 + scale) + shift))
        return (x if self.skip is None else self.skip(x)) + h


class AttentionBlock(Attention):
    def __init__(self, channels, heads, groups):
        super().__init__(channels, heads)
        self.norm = GroupNorm(groups, channels)

    def forward(self, x):
        y = super().forward(self.norm(x).flatten(2).transpose(1, 2))
        return x + y.transpose(1, 2).reshape(x.shape)


class Level(nn.Module):
    def __init__(self):
        super().__init__()
        self.residual, self.attention, self.resample = nn.ModuleList(), nn.ModuleList(), None

    def block(self, i, h, c):
        h = self.residual[i](h, c)
        return self.attention[i](h) if i < len(self.attention) else h


class UNet(nn.Module):
    """Sides are multiples of 2^(levels - 1); attention at the lowest level, as ttfm's `attention` says it."""

    def __init__(self, channels=64, multipliers=(1, 2, 2), blocks=2, heads=4, groups=32, image_channels=1, frequencies=64):
        super().__init__()
        embedding, last = 4 * channels, len(multipliers) - 1
        self.embed_s, self.embed_t = TimeEmbedding(frequencies, embedding), TimeEmbedding(frequencies, embedding)
        self.conv_in = nn.Conv2d(image_channels, channels, 3, padding=1)
        width, skips = channels, [channels]

        def append(level, inner, outer, attends):
            level.residual.append(ResidualBlock(inner, outer, embedding, groups))
            if attends:
                level.attention.append(AttentionBlock(outer, heads, groups))

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, m in enumerate(multipliers):
            level = Level()
            for _ in range(blocks):
                append(level, width, channels * m, i == last)
                width = channels * m
                skips.append(width)
            if i < last:
                level.resample = nn.Conv2d(width, width, 3, stride=2, padding=1)
                skips.append(width)
            self.down.append(level)
        self.middle = Level()
        append(self.middle, width, width, True)
        append(self.middle, width, width, False)
        for i in reversed(range(len(multipliers))):
            level = Level()
            for _ in range(blocks + 1):
                append(level, width + skips.pop(), channels * multipliers[i], i == last)
                width = channels * multipliers[i]
            if i > 0:
                level.resample = nn.Conv2d(width, width, 3, padding=1)
            self.up.append(level)
        self.norm_out = GroupNorm(groups, width)
        self.conv_out = nn.Conv2d(width, image_channels, 3, padding=1)

    def forward(self, x, s, t):
        c = F.silu(self.embed_s(s) + self.embed_t(t))
        h = self.conv_in(x)
        skips = [h]
        for level in self.down:
            for i in range(len(level.residual)):
                h = level.block(i, h, c)
                skips.append(h)
            if level.resample is not None:
                h = level.resample(h)
                skips.append(h)
        for i in range(2):
            h = self.middle.block(i, h, c)
        for level in self.up:
            for i in range(len(level.residual)):
                h = level.block(i, torch.cat([h, skips.pop()], 1), c)
            if level.resample is not None:
                h = level.resample(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(h)))


class DiTBlock(nn.Module):
    def __init__(self, width, heads, ratio):
        super().__init__()
        self.attention = Attention(width, heads)
        self.mlp_in, self.mlp_out = nn.Linear(width, ratio * width), nn.Linear(ratio * width, width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, h, c):
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = self.modulation(c)[:, None].chunk(6, -1)
        h = h + gate_1 * self.attention(layer_norm(h) * (1 + scale_1) + shift_1)
        y = F.gelu(self.mlp_in(layer_norm(h) * (1 + scale_2) + shift_2), approximate="tanh")
        return h + gate_2 * self.mlp_out(y)


class DiT(nn.Module):
    def __init__(self, width=256, depth=6, heads=4, patch=2, ratio=4, image_channels=1, side=32, frequencies=64):
        super().__init__()
        self.patch, self.tokens = patch, side // patch
        self.embed_s, self.embed_t = TimeEmbedding(frequencies, width), TimeEmbedding(frequencies, width)
        self.embed_patch = nn.Linear(image_channels * patch * patch, width)
        self.register_buffer("position", torch.zeros(self.tokens**2, width))
        self.blocks = nn.ModuleList(DiTBlock(width, heads, ratio) for _ in range(depth))
        self.modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, image_channels * patch * patch)

    def forward(self, x, s, t):
        b, channels = x.shape[:2]
        n, p = self.tokens, self.patch
        h = x.reshape(b, channels, n, p, n, p).permute(0, 2, 4, 1, 3, 5).reshape(b, n * n, channels * p * p)
        h = self.embed_patch(h) + self.position
        c = F.silu(self.embed_s(s) + self.embed_t(t))
        for block in self.blocks:
            h = block(h, c)
        shift, scale = self.modulation(c)[:, None].chunk(2, -1)
        h = self.out(layer_norm(h) * (1 + scale) + shift)
        return h.view(b, n, n, channels, p, p).permute(0, 3, 1, 4, 2, 5).reshape(b, channels, n * p, n * p)


class MixtureTeacher(nn.Module):
    """The exact velocity of ttfm's gaussian_mixture: equal weights, means on a circle, one deviation.

    x_t is a mixture of N(t mu_k, a), a = (1-t)^2 + t^2 sigma^2, whose velocities are
    mu_k + (t sigma^2 - (1 - t)) / a (x - t mu_k), weighted with the posterior of k.
    """

    def __init__(self, components=8, radius=3.0, sigma=0.2):
        super().__init__()
        angle = 2 * torch.pi * torch.arange(components) / components
        self.register_buffer("means", radius * torch.stack([angle.cos(), angle.sin()], -1))
        self.sigma = sigma

    def forward(self, x, s, t):
        t = t[:, None]
        a = (1 - t) ** 2 + (t * self.sigma) ** 2
        gap = x[:, None] - t[:, None] * self.means
        posterior = torch.softmax(-gap.square().sum(-1) / (2 * a), -1)
        slope = (t * self.sigma**2 - (1 - t)) / a
        return (posterior[..., None] * (self.means + slope[..., None] * gap)).sum(1)


NETWORKS = {
    "mlp": lambda: Mlp(512, 3),
    "mlp_small": lambda: Mlp(256, 3),
    "unet": UNet,
    "dit": DiT,
}
