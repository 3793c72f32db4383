// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/shadow_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <ttfm/conformance/numbers.h>
#include <ttfm/weight_in.h>

namespace ttfm {
namespace {

constexpr auto kType = at::kBFloat16;

/// Two weights in one flat tensor, as the host lays them out: with a gap between them, and detached from it.
struct Network {
  Tensor flat = conformance::stream(1).normal({48});
  Tensor matrix = flat.narrow(0, 0, 15).view({3, 5}).detach();
  Tensor bias = flat.narrow(0, 32, 7).detach();
};

/// What weight_in() gives for each weight is a view of the copy, and has the weight's present values.
void expect_current(const Network& network, const ShadowWeights& shadow) {
  for (const Tensor& weight : {network.matrix, network.bias}) {
    const Tensor copy = weight_in(weight, kType);

    EXPECT_TRUE(copy.is_alias_of(shadow.values()));
    EXPECT_TRUE(at::equal(copy, weight.to(kType)));
  }
}

TEST(WeightIn, OfTheWeightsOwnTypeIsTheWeight) {
  const Network network;
  const ShadowWeights shadow(network.flat, kType);

  EXPECT_TRUE(weight_in(network.matrix, at::kFloat).is_same(network.matrix));
}

TEST(WeightIn, WithoutACopyMakesOne) {
  const Network network;

  const Tensor once = weight_in(network.matrix, kType), again = weight_in(network.matrix, kType);

  EXPECT_TRUE(at::equal(once, network.matrix.to(kType)));
  EXPECT_FALSE(again.is_alias_of(once));
}

TEST(WeightIn, RecordsNoGradient) {
  Network network;
  network.matrix.set_requires_grad(true);

  EXPECT_FALSE(weight_in(network.matrix, kType).requires_grad());
  const ShadowWeights shadow(network.flat, kType);
  EXPECT_FALSE(weight_in(network.matrix, kType).requires_grad());
}

TEST(ShadowWeights, GiveAViewOfTheCopyWhereTheWeightIsAViewOfTheWhole) {
  const Network network;
  const ShadowWeights shadow(network.flat, kType);

  for (const Tensor& weight : {network.matrix, network.bias, network.matrix.t(), network.matrix.narrow(1, 2, 3)}) {
    const Tensor copy = weight_in(weight, kType);

    EXPECT_EQ(copy.scalar_type(), kType);
    EXPECT_TRUE(copy.is_alias_of(shadow.values()));
    EXPECT_EQ(copy.storage_offset(), weight.storage_offset());
    EXPECT_EQ(copy.sizes(), weight.sizes());
    EXPECT_EQ(copy.strides(), weight.strides());
    EXPECT_TRUE(at::equal(copy, weight.to(kType)));
  }
}

TEST(ShadowWeights, MayBeOfAPartOfAStorage) {
  const Tensor storage = conformance::stream(2).normal({64});
  const Tensor flat = storage.narrow(0, 16, 48);
  const ShadowWeights shadow(flat, kType);

  const Tensor weight = flat.narrow(0, 8, 12).view({4, 3});

  EXPECT_EQ(weight_in(weight, kType).storage_offset(), 8);
  EXPECT_TRUE(at::equal(weight_in(weight, kType), weight.to(kType)));
}

TEST(ShadowWeights, FollowEveryChangeInPlace) {
  const at::NoGradGuard no_grad;
  Network network;
  const ShadowWeights shadow(network.flat, kType);
  expect_current(network, shadow);

  network.flat.lerp_(conformance::stream(3).normal({48}), 0.25);
  expect_current(network, shadow);
  network.flat.copy_(conformance::stream(4).normal({48}));
  expect_current(network, shadow);
  network.flat.narrow(0, 30, 10).copy_(conformance::stream(5).normal({10}));
  expect_current(network, shadow);
  network.matrix.mul_(2);  // the weight itself, which was detached from the whole
  expect_current(network, shadow);
}

TEST(ShadowWeights, FollowWeightsThatRecordAGradient) {
  Network network;
  network.matrix.set_requires_grad(true);
  const ShadowWeights shadow(network.flat, kType);
  {
    const at::NoGradGuard no_grad;
    network.matrix.copy_(conformance::stream(6).normal({3, 5}));
  }

  expect_current(network, shadow);
}

TEST(ShadowWeights, AreCopiedWhenAskedForAndOnlyOnce) {
  const Network network;
  ShadowWeights shadow(network.flat, kType);
  network.flat.zero_();
  expect_current(network, shadow);
  shadow.values().fill_(1);  // told apart from a new copy

  EXPECT_TRUE(weight_in(network.bias, kType).eq(1).all().item<bool>());
}

TEST(ShadowWeights, AreTakenAsTheyAreAfterCurrent) {
  const Network network;
  ShadowWeights shadow(network.flat, kType);
  network.flat.zero_();
  shadow.values().fill_(1);
  shadow.current();

  EXPECT_TRUE(weight_in(network.bias, kType).eq(1).all().item<bool>());

  network.flat.fill_(2);
  EXPECT_TRUE(weight_in(network.bias, kType).eq(2).all().item<bool>());
}

TEST(ShadowWeights, AreOfOneTypeAlone) {
  const Network network;
  const ShadowWeights shadow(network.flat, kType);

  const Tensor half = weight_in(network.matrix, at::kHalf);

  EXPECT_EQ(half.scalar_type(), at::kHalf);
  EXPECT_FALSE(half.is_alias_of(shadow.values()));
  EXPECT_TRUE(at::equal(half, network.matrix.to(at::kHalf)));
}

TEST(ShadowWeights, AreForgottenWhenTheyGo) {
  const Network network;
  std::optional<ShadowWeights> shadow(std::in_place, network.flat, kType);
  const Tensor kept = weight_in(network.matrix, kType), before = kept.clone();
  const Tensor whole = shadow->values();

  shadow.reset();
  network.flat.zero_();

  EXPECT_FALSE(weight_in(network.matrix, kType).is_alias_of(whole));
  EXPECT_TRUE(at::equal(weight_in(network.matrix, kType), at::zeros_like(before)));
  EXPECT_TRUE(at::equal(kept, before));  // what was given out stays what it was
}

TEST(ShadowWeights, OfTwoNetworksDoNotMix) {
  const Network one, other{.flat = conformance::stream(7).normal({48})};
  const ShadowWeights of_one(one.flat, kType);
  std::optional<ShadowWeights> of_other(std::in_place, other.flat, kType);

  one.flat.mul_(3);
  expect_current(one, of_one);
  expect_current(other, *of_other);

  of_other.reset();
  one.flat.mul_(3);
  expect_current(one, of_one);
  EXPECT_FALSE(weight_in(other.bias, kType).is_alias_of(of_one.values()));
  EXPECT_TRUE(at::equal(weight_in(other.bias, kType), other.bias.to(kType)));
}

/// Runs `work` in two threads that begin together; whether both returned true, every time.
template <class Work>
bool in_two_threads(const Work& work) {
  std::atomic<int> ready = 0, good = 0;
  const auto run = [&](int thread) {
    ++ready;
    while (ready < 2) std::this_thread::yield();
    good += work(thread);
  };
  std::thread first(run, 0), second(run, 1);
  first.join();
  second.join();
  return good == 2;
}

// Each round, both threads meet a copy that is older than its weights. Neither may see its end before it is written.
TEST(ShadowWeights, AreReadFromTwoThreads) {
  const Tensor flat = at::zeros({1 << 22});
  const ShadowWeights shadow(flat, kType);
  const Tensor weight = flat.narrow(0, flat.size(0) - 64, 64);
  for (int round = 1; round <= 10; ++round) {
    flat.fill_(round);

    EXPECT_TRUE(in_two_threads([&](int) {
      const Tensor copy = weight_in(weight, kType);
      return copy.is_alias_of(shadow.values()) && copy.eq(round).all().item<bool>();
    })) << round;
  }
}

TEST(ShadowWeights, ComeAndGoInOneThreadWhileAnotherReads) {
  const Network network, other{.flat = conformance::stream(9).normal({48})};
  const Tensor expected = network.matrix.to(kType);
  std::atomic<bool> done = false;

  EXPECT_TRUE(in_two_threads([&](int thread) {
    bool good = true;
    for (int i = 0; thread == 0 && i < 500; ++i) {
      std::vector<std::unique_ptr<ShadowWeights>> passing;
      for (int k = 0; k < 16; ++k) passing.push_back(std::make_unique<ShadowWeights>(other.flat, kType));
      good &= at::equal(weight_in(other.bias, kType), other.bias.to(kType));
    }
    if (thread == 0) done = true;
    while (!done) good &= at::equal(weight_in(network.matrix, kType), expected);  // looks at them all
    return good;
  }));
}

}  // namespace
}  // namespace ttfm
