// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// One cell of ./dev bench compare: a network, a loss and a precision. Reads what to do from stdin, a line each, and answers
// with a line of JSON:
//
//   export FILE   write weights, the next step's batch, what the networks say of it, its loss and gradient, by which a
//                 peer shows that it computes the same
//   steps N       take N training steps: their times, and the page faults of one
//   reset         the peak of the memory counts from here
//   rates         the best rates of large products on this machine
//   operators     where the time of three steps goes, by LibTorch's operations
//
// --versions instead says what LibTorch was built with.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/record_function.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ttfm/flow/flow_map.h>
#include <ttfm/io/safetensors.h>

#include "base/allocator.h"
#include "host/registry.h"
#include "kernels/isa.h"
#include "pipeline/assembly.h"
#include "train/trainer.h"

namespace {

using namespace ttfm;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A line of /proc/self/status in MiB.
double status_mebibytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1)) / 1024;
  }
  return 0;
}

int64_t page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

struct CellOptions {
  std::string network, loss, precision = "fp32", frozen_precision = "same", activations = "keep";
  int64_t batch = 8, accumulate = 1, threads = 1;
};

// what a step costs does not depend on what the images show
constexpr const char* kImages = "[dataset]\ntype = \"tensor\"\nfile = \"images.safetensors\"\n";
const std::map<std::string, std::string> kNetworks = {
    {"mlp", "[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"mlp\"\nwidth = 512\ndepth = 3\n"},
    {"mlp_small", "[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"mlp\"\nwidth = 256\ndepth = 3\n"},
    {"unet", std::string(kImages) + "[student]\ntype = \"unet\"\nchannels = 64\nmultipliers = [1, 2, 2]\nblocks = 2\n"
                                    "attention = [2]\nheads = 4\ngroups = 32\n"},
    {"dit", std::string(kImages) + "[student]\ntype = \"dit\"\npatch = 2\nwidth = 256\ndepth = 6\nheads = 4\n"},
};

/// A loss, and the parts of the batch that it is given while `watched`.
class WatchedLoss final : public Loss {
 public:
  explicit WatchedLoss(host::Owned<Loss> loss) : loss_(std::move(loss)) {}

  const void* query(uint32_t id) const noexcept override { return loss_->query(id); }
  void needs(LossNeeds& out) const override { loss_->needs(out); }
  void compute(const LossInputs& in, const LossResult& out) const override {
    if (watched) {
      x_0.push_back(in.x_0());
      x_1.push_back(in.x_1());
    }
    loss_->compute(in, out);
  }

  bool watched = false;
  mutable std::vector<Tensor> x_0, x_1;

 private:
  host::Owned<Loss> loss_;
};

/// Everything of a step, in the order in which it has to go.
class Cell {
 public:
  explicit Cell(const CellOptions& options)
      : options_(options),
        registry_(host::search_path()),
        config_(load(options, registry_)),
        assembly_(config_, registry_, c10::kCPU),
        student_(assembly_.network("student", train::Network::Role::trained)) {
    fill_zero_weights(*student_, "student weights");
    if (options.network == "mlp_small") {
      teacher_ = assembly_.teacher(nullptr);
    } else {
      std::shared_ptr<train::Network> network = assembly_.network("teacher.network", train::Network::Role::frozen);
      fill_zero_weights(*network, "teacher weights");
      teacher_ = assembly_.teacher(network);
    }
    loss_ = std::make_unique<WatchedLoss>(assembly_.loss("loss"));
    train::TrainerInputs inputs{
        .stage = "bench",
        .options = config::read_section<config::TrainSection>(config_.at("train")),
        .dataset = assembly_.dataset(),
        .loss = *loss_,
        .student = *student_,
        .teacher = teacher_.field.get(),
        .teacher_network = teacher_.network.get(),
        .make_copy = [this] { return assembly_.network("student", train::Network::Role::copy); }};
    trainer_ = std::make_unique<train::Trainer>(inputs);
  }

  ~Cell() {
    trainer_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder(), ignored);
  }
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  void step() { trainer_->step(); }

  /// The weights of student, teacher and target network, the next step's batch and times, what student and teacher say
  /// of x_1 there, the loss and its gradient. Changes nothing.
  void write(const std::filesystem::path& file) {
    std::vector<io::NamedTensor> all;
    const auto add = [&](const std::string& prefix, const std::vector<io::NamedTensor>& tensors) {
      for (const io::NamedTensor& each : tensors) all.push_back({prefix + each.name, each.value});
    };
    loss_->watched = true;
    const train::StepRecord step = trainer_->examine(trainer_->steps_done());
    loss_->watched = false;
    const Tensor x_0 = at::cat(std::exchange(loss_->x_0, {})), x_1 = at::cat(std::exchange(loss_->x_1, {}));
    const Tensor t = step.values.at("t"), s = step.values.contains("s") ? step.values.at("s") : t.clone();

    const at::NoGradGuard no_grad;
    const train::FlatParameters& parameters = student_->parameters();
    for (const run::TensorGroup& group : trainer_->weights()) {
      add(group.name == "model" ? "student/" : "target/", group.tensors);
    }
    if (teacher_.network) add("teacher/", teacher_.network->parameters().named());
    add("gradient/", parameters.named_in(parameters.gradient()));
    const FlowMap& map = student_->flow_map();
    const Dual u = flow::time_derivative(map, x_1, s, t, {});
    add("", {{"x_0", x_0}, {"x_1", x_1}, {"s", s}, {"t", t}, {"loss", step.loss}});
    add("", {{"u", map.velocity(x_1, s, t, {})}, {"du", u.tangent}, {"v", teacher_.field->velocity(x_1, t, {})}});
    for (io::NamedTensor& each : all) each.value = each.value.contiguous();
    io::write_safetensors(file, all);
  }

 private:
  static std::filesystem::path folder() {
    return std::filesystem::temp_directory_path() / ("ttfm-bench-" + std::to_string(getpid()));
  }

  static config::Resolved load(const CellOptions& options, const host::Registry& registry) {
    std::filesystem::create_directory(folder());
    if (kNetworks.at(options.network).starts_with(kImages)) {
      const at::NoGradGuard no_grad;
      io::write_safetensors(folder() / "images.safetensors", {{"x", at::randn({512, 1, 32, 32})}});
    }
    std::ofstream(folder() / "cell.toml")
        << kNetworks.at(options.network) << "[teacher]\ntype = \""
        << (options.network == "mlp_small" ? "gaussian_mixture\"\n" : "network\"\n[teacher.train]\n")
        << "[loss]\ntype = \"" << options.loss
        << "\"\n[train]\nlr = 1e-3\nschedule = \"constant\"\nbatch = " << options.batch
        << "\naccumulate = " << options.accumulate << "\nprecision = \"" << options.precision
        << "\"\nfrozen_precision = \"" << options.frozen_precision << "\"\nactivations = \"" << options.activations
        << "\"\n";
    return config::load(folder() / "cell.toml", {}, registry);
  }

  /// Layers that start as zero would hide mistakes, and cost the same.
  void fill_zero_weights(train::Network& network, const char* purpose) const {
    const at::NoGradGuard no_grad;
    const Stream stream = assembly_.stream(purpose);
    for (const io::NamedTensor& each : network.parameters().named()) {
      if (each.value.abs().max().item<float>() == 0) {
        each.value.copy_(stream.child(each.name).normal(each.value.sizes()) * 0.02);
      }
    }
  }

  CellOptions options_;
  host::Registry registry_;
  config::Resolved config_;
  pipeline::Assembly assembly_;
  std::unique_ptr<train::Network> student_;
  pipeline::TeacherModel teacher_;
  std::unique_ptr<WatchedLoss> loss_;
  std::unique_ptr<train::Trainer> trainer_;
};

/// Seconds of each operation of LibTorch itself, without those that it calls.
class OperatorTimes {
 public:
  OperatorTimes() {
    table().clear();
    handle_ = at::addGlobalCallback(at::RecordFunctionCallback(&begin, &end)
                                        .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
  }
  ~OperatorTimes() { at::removeCallback(handle_); }
  static std::map<std::string, double>& table() {
    static std::map<std::string, double> all;
    return all;
  }

 private:
  struct Call : at::ObserverContext {
    Clock::time_point start = Clock::now();
    double inside = 0;
    Call* outer = nullptr;
  };
  static Call*& innermost() {
    thread_local Call* call = nullptr;
    return call;
  }
  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction&) {
    auto call = std::make_unique<Call>();
    call->outer = std::exchange(innermost(), call.get());
    return call;
  }
  static void end(const at::RecordFunction& function, at::ObserverContext* context) {
    Call* const call = static_cast<Call*>(context);
    const double seconds = seconds_since(call->start);
    innermost() = call->outer;
    if (call->outer) call->outer->inside += seconds;
    table()[function.name()] += seconds - call->inside;
  }
  at::CallbackHandle handle_;
};

/// The best rate of large products of one type, GFLOP/s.
double best_rate(at::ScalarType type) {
  const at::NoGradGuard no_grad;
  double best = 0;
  const auto time = [&best](double operations, const auto& run) {
    for (int i = 0; i < (operations > 1e11 ? 3 : 8); ++i) {
      const auto start = Clock::now();
      run();
      best = std::max(best, operations / seconds_since(start) / 1e9);
    }
  };
  for (const auto& [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{1024, 1024, 1024},
                                {2048, 2048, 2048},
                                {2048, 1024, 256},
                                {4096, 512, 512},
                                {4096, 4096, 4096}}) {
    if (m * n * k > 1e10 && type != at::kFloat) continue;
    const Tensor a = at::randn({m, k}).to(type), b = at::randn({k, n}).to(type);
    Tensor c = at::empty({m, n}, a.options());
    time(2.0 * static_cast<double>(m * n * k), [&] { at::mm_out(c, a, b); });
  }
  for (const auto& [channels, side] : {std::pair<int64_t, int64_t>{64, 32}, {128, 16}, {256, 16}}) {
    const Tensor x = at::randn({16, channels, side, side}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
    const Tensor w = at::randn({128, channels, 3, 3}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
    time(2.0 * 16 * 128 * 9 * static_cast<double>(channels * side * side), [&] { at::conv2d(x, w, {}, 1, 1); });
  }
  return best;
}

std::string list(const std::vector<double>& values) {
  std::ostringstream out;
  for (size_t i = 0; i < values.size(); ++i) out << (i ? ", " : "[") << values[i];
  return out.str() + "]";
}

/// Whether the arguments say what to do; if not, `options` is of no use.
bool parse(int argc, char** argv, CellOptions& options) {
  struct Choice {
    std::string* value;
    std::set<std::string> allowed;
  };
  const std::map<std::string, Choice> choices = {
      {"--network", {&options.network, {"mlp", "mlp_small", "unet", "dit"}}},
      {"--loss", {&options.loss, {"flow_matching", "itvm", "lfmd"}}},
      {"--precision", {&options.precision, {"fp32", "bf16"}}},
      {"--frozen-precision", {&options.frozen_precision, {"same", "fp32", "bf16"}}},
      {"--activations", {&options.activations, {"keep", "recompute"}}}};
  const std::map<std::string, int64_t*> counts = {
      {"--batch", &options.batch}, {"--accumulate", &options.accumulate}, {"--threads", &options.threads}};
  if (argc % 2 == 0) return false;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i], value = argv[i + 1];
    if (const auto choice = choices.find(key); choice != choices.end()) {
      if (!choice->second.allowed.contains(value)) return false;
      *choice->second.value = value;
    } else if (const auto count = counts.find(key); count != counts.end()) {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *count->second);
      if (error != std::errc() || end != value.data() + value.size() || *count->second < 1) return false;
    } else {
      return false;
    }
  }
  return !options.network.empty() && !options.loss.empty();
}

/// False for a command that there is not.
bool serve(Cell& cell, double bare) {
  const std::set<std::string> commands{"export", "steps", "reset", "rates", "operators"};
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, argument;
    words >> command >> argument;
    if (!commands.contains(command)) {
      std::cerr << "training_step: there is no command '" << command << "'\n";
      return false;
    }
    std::cout << "{";
    if (command == "export") cell.write(argument);
    if (command == "reset") std::ofstream("/proc/self/clear_refs") << "5";
    if (command == "steps") {
      std::vector<double> seconds;
      const int64_t before = page_faults();
      for (int i = 0; i < std::stoi(argument); ++i) {
        const auto start = Clock::now();
        cell.step();
        seconds.push_back(seconds_since(start));
      }
      std::cout << "\"seconds\": " << list(seconds)
                << ", \"page_faults\": " << static_cast<double>(page_faults() - before) / std::stod(argument) << ", ";
    }
    if (command == "rates") {
      std::cout << "\"rates\": {\"fp32\": " << best_rate(at::kFloat) << ", \"bf16\": " << best_rate(at::kBFloat16)
                << "}, ";
    }
    if (command == "operators") {
      constexpr int kSteps = 3;
      const OperatorTimes times;
      const auto start = Clock::now();
      for (int i = 0; i < kSteps; ++i) cell.step();
      std::cout << "\"step\": " << seconds_since(start) / kSteps << ", \"operators\": {";
      const char* between = "";
      for (const auto& [name, seconds] : OperatorTimes::table()) {
        std::cout << between << '"' << name << "\": " << seconds / kSteps;
        between = ", ";
      }
      std::cout << "}, ";
    }
    std::cout << "\"isa\": \"" << kernels::name(kernels::isa())
              << "\", \"peak_mib\": " << status_mebibytes("VmHWM") - bare << "}" << std::endl;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--versions") {
    std::cout << at::show_config();
    return 0;
  }
  CellOptions options;
  if (!parse(argc, argv, options)) {
    std::cerr << "usage: training_step --network mlp|mlp_small|unet|dit --loss flow_matching|itvm|lfmd\n"
                 "                     [--precision fp32|bf16] [--frozen-precision same|fp32|bf16]\n"
                 "                     [--activations keep|recompute] [--batch N] [--accumulate N] [--threads N]\n"
                 "       training_step --versions\n";
    return 2;
  }
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(options.threads));
  const double bare = status_mebibytes("VmRSS");
  Cell cell(options);
  return serve(cell, bare) ? 0 : 2;
}
