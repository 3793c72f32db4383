// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/trainer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <set>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

#include "framework/train/tiny.h"
#include "train/schedule.h"

namespace ttfm::train {
namespace {

/// A student, a loss and a trainer of them.
struct Fixture {
  test::TinyDataset dataset;
  test::TinyLoss loss;
  Network student{std::make_shared<test::TinyStudent>(), "tiny", Network::Role::trained, conformance::stream(1),
                  c10::kCPU};
  config::TrainSection options;
  const Field* teacher = nullptr;

  Fixture() {
    options.steps = 20;
    options.batch = 4;
    options.lr = 0.05;
  }
  std::unique_ptr<Trainer> trainer() {
    return std::make_unique<Trainer>(TrainerInputs{.stage = "student",
                                                   .seed = 3,
                                                   .options = options,
                                                   .device = c10::kCPU,
                                                   .dataset = dataset,
                                                   .loss = loss,
                                                   .student = student,
                                                   .teacher = teacher,
                                                   .make_copy = [] {
                                                     return std::make_unique<Network>(
                                                         std::make_shared<test::TinyStudent>(), "tiny",
                                                         Network::Role::copy, conformance::stream(1), c10::kCPU);
                                                   }});
  }
  Tensor values() const { return student.parameters().values(); }
};

TEST(Trainer, LowersTheLoss) {
  Fixture f;
  f.options.steps = 300;
  const auto trainer = f.trainer();
  for (int i = 0; i < 20; ++i) trainer->step();
  const double first = trainer->metrics().loss;
  trainer->next_window();
  while (!trainer->finished()) trainer->step();

  EXPECT_LT(trainer->metrics().loss, 0.7 * first);
}

TEST(Trainer, ReportsTheMeanOfEachTermOverTheWindow) {
  Fixture f, g;
  const auto window = f.trainer(), single = g.trainer();
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    window->step();
    single->step();
    sum += single->metrics().terms.at("square");
    single->next_window();
  }

  const Metrics metrics = window->metrics();

  EXPECT_EQ(metrics.step, 3);
  EXPECT_NEAR(metrics.terms.at("square"), sum / 3, 1e-4);
  EXPECT_DOUBLE_EQ(metrics.loss, metrics.terms.at("square"));
}

TEST(Trainer, MicroBatchesDoNotChangeARun) {
  Fixture whole, parts;
  parts.options.accumulate = 4;
  const auto a = whole.trainer(), b = parts.trainer();
  for (int i = 0; i < 10; ++i) {
    a->step();
    b->step();
  }

  EXPECT_LT(conformance::max_difference(whole.values(), parts.values()), 1e-5);
}

TEST(Trainer, ARunThatIsResumedIsTheSameRunBitForBit) {
  Fixture whole, first, second;
  for (Fixture* f : {&whole, &first, &second}) {
    f->loss.wants.copies = 1;
    f->loss.wants.copy[0].decay = 0.9;
  }
  const auto uninterrupted = whole.trainer();
  while (!uninterrupted->finished()) uninterrupted->step();

  const auto before = first.trainer();
  for (int i = 0; i < 7; ++i) before->step();
  const auto after = second.trainer();
  after->load(before->state(), "a checkpoint");
  while (!after->finished()) after->step();

  EXPECT_TRUE(at::equal(whole.values(), second.values()));
  EXPECT_TRUE(at::equal(uninterrupted->average(), after->average()));
  EXPECT_EQ(uninterrupted->metrics().loss, after->metrics().loss) << "the window, which began before the resume";
}

TEST(Trainer, ACheckpointOfAnotherNetworkOrLossIsNamed) {
  Fixture f;
  auto state = f.trainer()->state();
  for (run::TensorGroup& group : state.groups) {
    if (group.name == "model") group.tensors[0].value = at::zeros({3, 2});
  }
  EXPECT_EQ(conformance::error_text([&] { f.trainer()->load(state, "runs/a/step-00000005"); }),
            "'runs/a/step-00000005/model.safetensors' is a checkpoint of another network:\n"
            "  1 of another shape: weight has [3, 2], not [2, 2]\n"
            "Give the network the parameters that it was trained with (config.resolved.toml of that run)");

  f.loss.wants.copies = 1;
  EXPECT_NO_THROW(f.trainer()->load(f.trainer()->state(), "a"));
  f.loss.wants.copies = 0;
  const auto without_copy = f.trainer()->state();
  f.loss.wants.copies = 1;
  EXPECT_EQ(
      conformance::error_text([&] { f.trainer()->load(without_copy, "a"); }),
      "'a' has no copy-0.safetensors, which this stage needs: it is of another loss or [train] section; go on with "
      "the configuration of that run");
}

TEST(Trainer, TheAverageFollowsTheWeights) {
  Fixture f;
  f.options.ema_decay = 0.9;
  const auto trainer = f.trainer();
  Tensor average = f.values().clone();
  for (int64_t i = 0; i < 5; ++i) {
    trainer->step();
    average = average + (f.values() - average) * (1 - ema_decay(0.9, i));
  }

  EXPECT_LT(conformance::max_difference(trainer->average(), average), 1e-6);
}

TEST(Trainer, CopiesFollowTheirRulesAndRecordNoGradient) {
  Fixture f;
  f.loss.wants.copies = 1;
  f.loss.wants.copy[0].kind = CopyRule::kFrozen;
  f.loss.wants.copy[0].refresh_every = 3;
  const auto trainer = f.trainer();
  const Tensor start = f.values().clone();
  const auto copy = [&] {
    for (const auto& group : trainer->weights()) {
      if (group.name == "copy-0") return group.tensors[0].value.clone();
    }
    return Tensor();
  };

  trainer->step();
  trainer->step();
  EXPECT_TRUE(at::equal(copy().flatten(), start.narrow(0, 0, 4)));
  trainer->step();
  EXPECT_TRUE(at::equal(copy().flatten(), f.values().narrow(0, 0, 4)));
}

/// All that a step may change.
std::vector<Tensor> everything(const Trainer& trainer) {
  std::vector<Tensor> all;
  for (const run::TensorGroup& group : trainer.state().groups) {
    if (group.name == "window") continue;  // a step that does not count may name a term there
    for (const NamedTensor& each : group.tensors) all.push_back(each.value.clone());
  }
  return all;
}

bool equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return at::equal(x, y); });
}

TEST(Trainer, ANumberThatIsNotFiniteIsReportedAndChangesNothing) {
  Fixture f;
  f.loss.wants.copies = 2;
  f.loss.wants.copy[0].decay = 0.5;
  f.loss.wants.copy[1].kind = CopyRule::kFrozen;
  f.loss.wants.copy[1].refresh_every = 1;
  f.loss.nan_at = 4;
  const auto trainer = f.trainer();
  for (int i = 0; i < 4; ++i) trainer->step();
  const auto before = everything(*trainer);
  EXPECT_FALSE(trainer->stopped_at());

  for (int i = 0; i < 3; ++i) trainer->step();

  EXPECT_EQ(trainer->stopped_at(), 4);
  EXPECT_TRUE(equal(everything(*trainer), before)) << "weights, average, copies, moments";
}

TEST(Trainer, AStepThatIsSkippedIsAsIfItHadNotBeen) {
  Fixture f;
  f.options.on_nonfinite = config::OnNonfinite::skip;
  f.loss.nan_at = 4;
  const auto trainer = f.trainer();
  for (int i = 0; i < 4; ++i) trainer->step();
  const Tensor before = f.values().clone();

  trainer->step();
  EXPECT_TRUE(at::equal(f.values(), before));
  trainer->step();
  EXPECT_FALSE(at::equal(f.values(), before));

  EXPECT_FALSE(trainer->stopped_at());
  const Metrics metrics = trainer->metrics();
  EXPECT_EQ(metrics.step, 6);
  EXPECT_EQ(metrics.skipped, 1);
  EXPECT_TRUE(std::isfinite(metrics.loss)) << metrics.loss;
}

TEST(Trainer, TheStepItStoppedAtCanBeComputedAgain) {
  Fixture f, g;
  for (Fixture* each : {&f, &g}) {
    each->options.accumulate = 2;
    each->loss.nan_at = 4;
  }
  const auto trainer = f.trainer(), before = g.trainer();
  for (int i = 0; i < 6; ++i) trainer->step();
  for (int i = 0; i < 4; ++i) before->step();

  const StepRecord record = trainer->examine(4), ahead = before->examine(4);

  EXPECT_EQ(record.indices.size(), 4U);
  EXPECT_EQ(record.indices, ahead.indices);
  EXPECT_EQ(record.terms.at("nan").sizes(), at::IntArrayRef({4}));
  ASSERT_FALSE(record.not_finite.empty());
  EXPECT_EQ(record.not_finite.front(), "loss term 'nan' (4 of 4 samples)");
  EXPECT_EQ(record.not_finite, ahead.not_finite);
  EXPECT_EQ(trainer->steps_done(), 6);
}

TEST(Trainer, AStepThatIsExaminedIsNotTaken) {
  Fixture f, g;
  const auto plain = f.trainer(), examined = g.trainer();
  for (int i = 0; i < 5; ++i) {
    plain->step();
    examined->examine(i);
    examined->examine(17);
    examined->step();
  }

  EXPECT_TRUE(equal(everything(*plain), everything(*examined)));
}

/// Counts the operations that wait for a device, between its construction and its end.
class WaitCounter {
 public:
  WaitCounter()
      : handle_(at::addGlobalCallback(at::RecordFunctionCallback(&begin, &end).scopes({at::RecordScope::FUNCTION}))) {
    waits_ = 0;
  }
  ~WaitCounter() { at::removeCallback(handle_); }
  int waits() const { return waits_; }

 private:
  // The fused AdamW of the CPU reads its step count in host memory; on a device its kernel does that there.
  static bool is_adamw(const at::RecordFunction& function) {
    return std::string_view(function.name()) == "aten::_fused_adamw_";
  }
  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    static const std::set<std::string> waiting = {"aten::_local_scalar_dense", "aten::item", "aten::is_nonzero",
                                                  "aten::equal", "aten::nonzero"};
    if (is_adamw(function)) ++in_adamw_;
    if (in_adamw_ == 0 && waiting.count(function.name())) ++waits_;
    return nullptr;
  }
  static void end(const at::RecordFunction& function, at::ObserverContext*) {
    if (is_adamw(function)) --in_adamw_;
  }

  inline static std::atomic<int> waits_{0}, in_adamw_{0};
  at::CallbackHandle handle_;
};

TEST(Trainer, AStepNeverWaitsForTheDevice) {
  Fixture f;
  f.loss.wants.copies = 1;
  f.options.clip_norm = 1;
  const auto trainer = f.trainer();
  trainer->step();
  const WaitCounter counter;

  trainer->step();

  EXPECT_EQ(counter.waits(), 0);
  trainer->metrics();
  EXPECT_GT(counter.waits(), 0) << "the counter does not count";
}

TEST(Trainer, RefusesATermThatHasNotOneValueForEachSample) {
  class Wrong final : public Loss {
    void compute(const LossInputs& in, const LossResult& out) const override { out.add("mean", in.x_0().mean()); }
  } wrong;
  Fixture f;
  Trainer trainer({.stage = "student",
                   .seed = 1,
                   .options = f.options,
                   .dataset = f.dataset,
                   .loss = wrong,
                   .student = f.student,
                   .make_copy = {}});

  EXPECT_EQ(conformance::error_text([&] { trainer.step(); }),
            "loss term 'mean' has the shape [], expected one value for each sample: [4]");
}

/// A teacher that is not differentiable in x.
struct OpaqueTeacher final : Field::Impl {
  Tensor velocity(const Tensor& x, const Tensor&, const Call&) const override { return x.detach(); }
  void traits(NetworkTraits& out) const override { out.x_gradient = false; }
};

TEST(Trainer, RefusesALossWhoseNeedsItCannotMeet) {
  Fixture f;
  f.loss.wants.teacher = true;
  EXPECT_EQ(conformance::error_text([&] { f.trainer(); }),
            "the loss of stage 'student' needs a teacher: add [teacher]");

  const OpaqueTeacher opaque;
  const Field field(&opaque);
  f.teacher = &field;
  EXPECT_NO_THROW(f.trainer());
  f.loss.wants.teacher_x_gradient = true;
  EXPECT_EQ(conformance::error_text([&] { f.trainer(); }),
            "the loss of stage 'student' differentiates the teacher in x, which this teacher does not offer: choose "
            "another [teacher], or a loss that stops the gradient there (stop_gradient = \"teacher\")");

  f.loss.wants = {};
  f.loss.wants.copies = 5;
  EXPECT_EQ(conformance::error_text([&] { f.trainer(); }),
            "the loss of stage 'student' declares 5 copies of the student, expected at most 4");
}

TEST(Trainer, GivesNoDataToALossThatDeclaresNone) {
  Fixture f;
  f.loss.wants.data = false;
  EXPECT_EQ(conformance::error_text([&] { f.trainer()->step(); }), "the loss asked for data without LossNeeds::data");
}

}  // namespace
}  // namespace ttfm::train
