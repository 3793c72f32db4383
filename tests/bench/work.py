# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""The least floating-point work of a training step: what the limit of a step is computed from.

A forward evaluation of one sample is F = linear + attention operations, two for a multiply-add: `linear` in products with
weights (linear layers, convolutions), `attention` in products of two activations. In units of these, a step needs

  flow matching   3 and 3: forward, gradients of weights and inputs
  LFMD            8 and 12: the student's dual forward 2 and 3, its backward 4 and 6, the teacher's forward 1 and 1 and
                  its gradient in x 1 and 2 (none of its weights)
  ITVM, Heun      10 and 10: the student on two batches, forward and backward, 6; the target network 1; the teacher 3.
                  For the share p of the pairs with t - s <= h the target network is not needed and the teacher's first
                  evaluation is that of the initial term: 10 - 2 p
"""

ITVM_STEP = 0.2


def share_of_short_pairs(h=ITVM_STEP):
    """P(t - s <= h) where s and t are two uniform numbers in order: the default of ttfm's losses."""
    return 1 - (1 - h) ** 2


class Forward:
    """Counts the products of one sample's forward evaluation."""

    def __init__(self):
        self.linear = self.attention = 0

    def layer(self, inner, outer, rows=1):
        self.linear += 2 * inner * outer * rows

    def conv(self, inner, outer, side, kernel=3):
        self.layer(inner * kernel**2, outer, side**2)

    def self_attention(self, width, tokens):
        self.layer(width, 4 * width, tokens)  # q, k, v and out
        self.attention += 4 * tokens**2 * width

    def time_embeddings(self, width, frequencies=64):
        for _ in "st":
            self.layer(2 * frequencies, width)
            self.layer(width, width)


def mlp(width, depth=3, dim=2, frequencies=8):
    f = Forward()
    sizes = [dim + 4 * frequencies] + [width] * depth + [dim]
    for inner, outer in zip(sizes, sizes[1:]):
        f.layer(inner, outer)
    return f


def dit(width=256, depth=6, ratio=4, patch=2, side=32, channels=1):
    f = Forward()
    tokens, values = (side // patch) ** 2, channels * patch**2
    f.time_embeddings(width)
    f.layer(values, width, tokens)
    for _ in range(depth):
        f.layer(width, 6 * width)
        f.self_attention(width, tokens)
        f.layer(width, 2 * ratio * width, tokens)  # in and out
    f.layer(width, 2 * width)
    f.layer(width, values, tokens)
    return f


def unet(channels=64, multipliers=(1, 2, 2), blocks=2, side=32, image_channels=1):
    f = Forward()
    embedding, last = 4 * channels, len(multipliers) - 1
    width, skips = channels, [channels]

    def block(inner, outer, attends):
        f.conv(inner, outer, side)
        f.layer(embedding, 2 * outer)
        f.conv(outer, outer, side)
        if inner != outer:
            f.conv(inner, outer, side, kernel=1)
        if attends:
            f.self_attention(outer, side**2)
        return outer

    f.time_embeddings(embedding)
    f.conv(image_channels, channels, side)
    for i, m in enumerate(multipliers):
        for _ in range(blocks):
            width = block(width, channels * m, i == last)
            skips.append(width)
        if i < last:
            side //= 2
            f.conv(width, width, side)
            skips.append(width)
    block(width, width, True)
    block(width, width, False)
    for i in reversed(range(len(multipliers))):
        for _ in range(blocks + 1):
            width = block(width + skips.pop(), channels * multipliers[i], i == last)
        if i > 0:
            side *= 2
            f.conv(width, width, side)
    f.conv(width, image_channels, side)
    return f


FORWARD = {"mlp": mlp(512), "mlp_small": mlp(256), "unet": unet(), "dit": dit()}


def of_step(network, loss, batch):
    """The operations of one training step."""
    f = FORWARD[network]
    if loss == "flow_matching":
        linear = attention = 3
    elif loss == "lfmd":
        linear, attention = 8, 12
    else:
        teacher = 0 if network == "mlp_small" else 1  # an exact teacher has no products
        short = share_of_short_pairs()
        linear = attention = 6 + (1 - short) + teacher * (3 - short)
    return batch * (linear * f.linear + attention * f.attention)
