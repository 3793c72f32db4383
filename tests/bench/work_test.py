#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""Tests of the benchmarks' arithmetic."""

import importlib.machinery
import importlib.util
import struct
import sys
import unittest
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import images  # noqa: E402
import side_by_side  # noqa: E402
import work  # noqa: E402


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, str(HERE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


compare, use = script("compare"), script("use")


class Work(unittest.TestCase):
    def test_an_mlp_is_its_matrices(self):
        self.assertEqual(work.mlp(512).linear, 2 * (34 * 512 + 512 * 512 * 2 + 512 * 2))
        self.assertEqual(work.mlp(512).attention, 0)

    def test_a_dit_block_is_twelve_squares_of_its_width_for_each_token_and_its_modulation(self):
        one, two = work.dit(depth=1), work.dit(depth=2)
        self.assertEqual(two.linear - one.linear, 2 * (12 * 256**2 * 256 + 256 * 6 * 256))
        self.assertEqual(two.attention - one.attention, 2 * 2 * 256**2 * 256)

    def test_networks_cost_what_pytorch_counts(self):
        # torch.utils.flop_counter on the peers of this folder: MFLOP of one sample's forward evaluation
        for network, counted in (("mlp", 1.08544), ("unet", 2888.237056), ("dit", 2824.994816)):
            f = work.FORWARD[network]
            self.assertAlmostEqual((f.linear + f.attention) / 1e6 / counted, 1, delta=1e-9, msg=network)

    def test_pairs_of_uniform_times_are_shorter_than_h_with_the_probability_of_the_triangle(self):
        n = 400
        short = sum(abs(i - j) <= 0.2 * n for i in range(n) for j in range(n)) / n**2
        self.assertAlmostEqual(work.share_of_short_pairs(0.2), short, delta=5e-3)

    def test_a_step_with_an_exact_teacher_asks_networks_less(self):
        self.assertLess(work.of_step("mlp_small", "itvm", 1) / work.of_step("mlp_small", "flow_matching", 1), 7 / 3)
        self.assertAlmostEqual(work.of_step("dit", "itvm", 8) / work.of_step("dit", "flow_matching", 8), 9.28 / 3)

    def test_lfmd_needs_eight_forwards_and_twelve_in_attention(self):
        f = work.FORWARD["dit"]
        self.assertEqual(work.of_step("dit", "lfmd", 2), 2 * (8 * f.linear + 12 * f.attention))


class Summary(unittest.TestCase):
    def result(self):
        return {"network": "dit", "loss": "lfmd", "precision": "fp32", "threads": 1, "batch": 8, "accumulate": 1, "rate": 1e11,
                "modes": {"ttfm": {"seconds": 2.5, "peak_mib": 500, "page_faults": 0},
                          "eager": {"seconds": 6.0, "peak_mib": 2000}, "compile": {"seconds": 5.0, "peak_mib": 1000}}}

    def test_compares_with_the_fastest_peer(self):
        found = compare.summary(self.result())
        self.assertEqual((found["best_peer"], found["ratio"], found["memory_ratio"]), ("compile", 2, 0.5))

    def test_the_limit_is_the_least_work_at_the_best_rate(self):
        found = compare.summary(self.result())
        self.assertAlmostEqual(found["limit"], work.of_step("dit", "lfmd", 8) / 1e11 / 2.5)

    def test_without_peers_its_own_columns_are_left(self):
        result = self.result()
        result["modes"] = {"ttfm": result["modes"]["ttfm"]}
        self.assertEqual(compare.row(compare.summary(result))[5:12], ("2500.0", "-", "-", "-", "500", "-", "-"))

    def test_a_batch_in_parts_is_shown(self):
        self.assertEqual(compare.row(compare.summary(self.result()))[4], "8")
        self.assertEqual(compare.row(compare.summary(self.result() | {"accumulate": 2}))[4], "8 / 2")

    def test_cells_have_names_that_patterns_find(self):
        names = [compare.name_of(cell) for cell in compare.all_cells()]
        self.assertIn("unet/lfmd/bf16/2", names)
        self.assertNotIn("mlp/lfmd/bf16/1", names)
        self.assertEqual(len(names), len(set(names)))

    def test_a_peer_that_computes_something_else_is_refused(self):
        cell = {"network": "mlp", "loss": "itvm", "precision": "fp32", "threads": 1}
        errors = dict.fromkeys(("u", "v", "du", "loss", "gradient"), 1e-6)
        compare.require_same(cell, "eager", errors)
        compare.require_same(cell | {"precision": "bf16"}, "eager", errors | {"gradient": 2e-2})
        for wrong in ({"loss": 2e-5}, {"gradient": 2e-4}, {"u": float("nan")}):
            with self.assertRaisesRegex(SystemExit, "mlp/itvm/fp32/1: the peer 'eager' computes something else"):
                compare.require_same(cell, "eager", errors | wrong)


class Machine(unittest.TestCase):
    def test_idle_is_what_nobody_used_and_steal_what_somebody_else_did(self):
        self.assertEqual(side_by_side.busy_ticks("cpu  10 1 4 80 5 0 2 3 7 0"), (105, 20))

    def test_finds_the_versions_in_what_libtorch_says(self):
        shown = ("  - Intel(R) oneAPI Math Kernel Library Version 2024.2-Product Build 20240605 for Intel(R) 64\n"
                 "  - CPU capability usage: AVX512\n  - Build settings: TORCH_VERSION=2.15.0, USE_MKL=ON, \n")
        self.assertEqual(side_by_side.built_with(shown),
                         {"torch": "2.15.0", "MKL": "2024.2", "oneDNN": "none", "instructions": "AVX512"})


class Use(unittest.TestCase):
    def test_a_rate_leaves_out_what_both_counts_take(self):
        self.assertAlmostEqual(use.rate_between((16, 144), (0.5 + 1.6, 0.5 + 14.4)), 10)

    def test_waiting_before_the_first_line_does_not_count(self):
        first = {"step": 10, "steps_per_second": 5, "data_wait": 0.5}  # 1 s of 2 s
        last = {"step": 60, "steps_per_second": 5, "data_wait": 0.125}  # 1.5 s of 12 s
        self.assertAlmostEqual(use.waiting_share([first, last]), 0.05)

    def test_a_bar_that_is_missed_is_seen(self):
        found = {"cell": "startup/dit", "batch": 8, "unit": "s", "ttfm": 1.52, "bar": 1.5, "met": False, "step": 1.13}
        self.assertEqual(use.row(found)[3:], ("1.52", "-", "-", "< 1.5: NO", "1.1 s a later step"))

    def test_a_png_file_holds_its_pixels(self):
        pixels = bytes(range(2 * 3 * 3))
        file = images.png(pixels, 3, 2)
        start = file.index(b"IDAT") + 4
        size, = struct.unpack(">I", file[start - 8 : start - 4])
        self.assertEqual(zlib.decompress(file[start : start + size]), b"\0" + pixels[:9] + b"\0" + pixels[9:])


if __name__ == "__main__":
    unittest.main()
