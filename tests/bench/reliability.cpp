// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// What it costs that a run can be trusted. First, a stage of training with all its guards, lines and checkpoints beside a
// bare loop of the same batches, loss, gradient, AdamW and averages that looks at nothing and writes nothing. Second, a
// large checkpoint beside a plain copy of as many bytes with fsync, on the same disk. Pairs in turn, medians of them.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/allocator.h"
#include "base/append_file.h"
#include "base/log.h"
#include "base/philox.h"
#include "facade/impl.h"
#include "pipeline/stage.h"
#include "pipeline/watch.h"
#include "run/checkpoint.h"
#include "train/batches.h"
#include "train/loss_terms.h"
#include "train/schedule.h"

namespace {

using namespace ttfm;
namespace fs = std::filesystem;

constexpr int kPairs = 8;
constexpr double kMostOverhead = 0.02, kLeastSpeed = 0.8;

/// The quickstart's network and batch: with a larger one, the same work beside the step weighs less.
constexpr const char* kConfig = R"([run]
device = "cpu"
threads = 1
[dataset]
type = "gaussian_mixture"
[teacher]
type = "gaussian_mixture"
[student]
type = "mlp"
width = 256
depth = 3
[loss]
type = "itvm"
[train]
steps = 500
batch = 512
schedule = "constant"
[checkpoint]
every = 500
)";

double seconds_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Stream stream_of(uint64_t key) {
  Stream::Impl impl;
  impl.key = key;
  impl.device_type = static_cast<int8_t>(c10::kCPU);
  return Stream(impl);
}

/// Trains with nothing but what the weights need.
class BareLoop {
 public:
  BareLoop(const pipeline::Session& session, const Field& teacher)
      : stage_(pipeline::make_stage(session, "student")),
        teacher_(teacher),
        copy_(session.assembly().network("student", train::Network::Role::copy)),
        batches_(session.assembly().dataset(), 1, stage_.options.batch, c10::kCPU) {
    const at::NoGradGuard no_grad;
    stage_.loss->needs(needs_);
    const Tensor& values = stage_.network->parameters().values();
    average_ = values.clone();
    first_ = at::zeros_like(values);
    second_ = at::zeros_like(values);
    count_ = at::zeros({});
  }

  void run() {
    for (int64_t i = 0; i < stage_.options.steps; ++i) step();
  }

 private:
  void step() {
    const train::FlatParameters& parameters = stage_.network->parameters();
    const train::Batch batch = batches_.take(step_);
    parameters.gradient().zero_();
    train::LossTerms terms(needs_, stage_.options.batch, 1, /*keep=*/false);
    {
      const at::AutoGradMode grad_mode(true);
      const Stream own = stream_of(mix(step_, "loss"));
      const Call call;
      LossInputs::Impl in;
      in.x_0 = stream_of(mix(step_, "x_0")).normal(batch.x_1.sizes());
      in.x_1 = batch.x_1;
      in.call = &call;
      in.stream = &own;
      in.step = step_;
      in.steps = stage_.options.steps;
      in.student = &stage_.network->flow_map();
      in.teacher = &teacher_;
      in.copies[0] = &copy_->flow_map();
      stage_.loss->compute(LossInputs(&in), LossResult(&terms));
      terms.total().backward();
    }
    const at::NoGradGuard no_grad;
    count_ += 1;
    at::_fused_adamw_({parameters.values()}, {parameters.gradient()}, {first_}, {second_}, {}, {count_},
                      stage_.options.lr, stage_.options.beta1, stage_.options.beta2, 0, stage_.options.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
    average_.lerp_(parameters.values(), 1 - train::ema_decay(stage_.options.ema_decay, step_));
    copy_->parameters().values().lerp_(parameters.values(), 1 - train::ema_decay(needs_.copy[0].decay, step_));
    ++step_;
  }

  pipeline::Stage stage_;
  const Field& teacher_;
  std::unique_ptr<train::Network> copy_;
  train::TrainingBatches batches_;
  LossNeeds needs_;
  Tensor average_, first_, second_, count_;
  int64_t step_ = 0;
};

/// The same steps as `ttfm run` takes them, in a run's folder.
void train(const pipeline::Session& session, const pipeline::TeacherModel& teacher, run::RunFolder& folder) {
  pipeline::Stage stage = pipeline::make_stage(session, "student");
  pipeline::make_trainer(session, stage, &teacher);
  AppendFile metrics(folder.metrics()), timing(folder.timing());
  run::Progress progress(run::Progress::standard(10));
  const auto checkpoint = config::read_section<config::CheckpointSection>(session.config().at("checkpoint"));
  pipeline::train_stage(stage, {.folder = folder,
                                .metrics = metrics,
                                .timing = timing,
                                .progress = progress,
                                .log = {},
                                .checkpoint = checkpoint,
                                .config = "",
                                .look = pipeline::sample_watch(session.assembly(), *stage.network),
                                .from = {}});
}

bool measure_steps(const fs::path& work) {
  const fs::path file = work / "bench.toml";
  std::ofstream(file) << kConfig;
  const pipeline::Session session({.config = file, .overrides = {}, .plugin_path = {}});
  const pipeline::TeacherModel teacher = pipeline::teacher_of(session, {});
  std::vector<double> bare, guarded, overhead;
  for (int i = -1; i < kPairs; ++i) {  // one to warm up
    run::RunFolder folder({.parent = work, .name = "run-" + std::to_string(i + 1), .config = file, .argv = {}});
    double plain = 0, all = 0;
    const auto loop = [&] { plain = seconds_of([&] { BareLoop(session, *teacher.field).run(); }); };
    if (i % 2 == 0) loop();  // each is first as often as the other
    all = seconds_of([&] { train(session, teacher, folder); });
    if (i % 2 != 0) loop();
    if (i < 0) continue;
    bare.push_back(plain);
    guarded.push_back(all);
    overhead.push_back(all / plain - 1);
  }
  constexpr double kSteps = 500;
  std::printf("step       bare %.3f ms, as in a run %.3f ms with a checkpoint every %g steps: %.2f %% more (bar: 2)\n",
              median(bare) / kSteps * 1e3, median(guarded) / kSteps * 1e3, kSteps, median(overhead) * 100);
  return median(overhead) <= kMostOverhead;
}

void copy_with_fsync(const fs::path& from, const fs::path& to) {
  const int in = open(from.c_str(), O_RDONLY), out = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  std::vector<char> block(1 << 20);
  for (ssize_t got = 0; (got = read(in, block.data(), block.size())) > 0;) {
    if (write(out, block.data(), static_cast<size_t>(got)) != got) break;
  }
  fsync(out);
  close(in);
  close(out);
}

bool measure_checkpoint(const fs::path& work) {
  const int64_t count = int64_t{10} << 20;
  run::Checkpoint checkpoint;
  checkpoint.state.stage = "student";
  for (const char* group : {"model", "ema", "copy-0"}) {
    run::TensorGroup& tensors = checkpoint.groups.emplace_back(run::TensorGroup{group, {}});
    for (int i = 0; i < 100; ++i) tensors.tensors.push_back({"layer." + std::to_string(i), at::randn({count / 100})});
  }
  checkpoint.groups.push_back({"optimizer", {{"first", at::randn({count})}, {"second", at::randn({count})}}});
  int64_t bytes = 0;
  for (const auto& group : checkpoint.groups) {
    for (const auto& each : group.tensors) bytes += static_cast<int64_t>(each.value.nbytes());
  }
  const fs::path source = work / "source";
  {
    std::ofstream file(source, std::ios::binary);
    for (const auto& each : {checkpoint.groups[0], checkpoint.groups[1], checkpoint.groups[2], checkpoint.groups[3]}) {
      for (const auto& tensor : each.tensors) {
        file.write(static_cast<const char*>(tensor.value.const_data_ptr()),
                   static_cast<std::streamsize>(tensor.value.nbytes()));
      }
    }
  }
  const run::Checkpoints checkpoints(work / "checkpoints");
  std::vector<double> copies, writes, ratios;
  for (int i = -1; i < kPairs; ++i) {
    checkpoint.state.step = i + 2;
    const double plain = seconds_of([&] {
      copy_with_fsync(source, work / ("copy-" + std::to_string(i + 2)));
      fs::remove(work / ("copy-" + std::to_string(i)));  // two are kept, as of the checkpoints
    });
    const double write = seconds_of([&] {
      checkpoints.write(checkpoint);
      checkpoints.prune({.last = 2}, checkpoint.state.step);
    });
    if (i < 0) continue;
    copies.push_back(plain);
    writes.push_back(write);
    ratios.push_back(plain / write);
  }
  const double megabytes = static_cast<double>(bytes) / 1e6;
  std::printf(
      "checkpoint %.0f MB: a copy with fsync %.0f MB/s, a checkpoint with its checks %.0f MB/s: %.0f %% (bar: 80)\n",
      megabytes, megabytes / median(copies), megabytes / median(writes), median(ratios) * 100);
  return median(ratios) >= kLeastSpeed;
}

}  // namespace

int main() {
  keep_freed_memory();  // as the program does
  at::set_num_threads(1);
  log::set_console_level(log::Level::error);
  std::string work = "reliability-XXXXXX";  // here, and not where temporary files are: that may be memory
  if (!mkdtemp(work.data())) return 2;
  const fs::path folder = fs::absolute(work);
  const bool steps = measure_steps(folder), checkpoint = measure_checkpoint(folder);
  fs::remove_all(folder);
  return steps && checkpoint ? 0 : 1;
}
