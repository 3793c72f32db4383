// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Time and memory of a training step of each network with each loss, beside those of flow matching with the same
// network. Each cell runs in a process of its own, on one thread; the memory is the process' peak during the steps, less
// what it held before them.
#include <ATen/Parallel.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "host/registry.h"
#include "pipeline/assembly.h"
#include "train/trainer.h"

namespace {

using namespace ttfm;

struct Case {
  const char* network;
  const char* toml;  // of data set and student
  int batch;
};

// a mixture in the shape of the data stands for the data: what a step costs does not depend on what the images show
const Case kCases[] = {
    {"mlp", "[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"mlp\"\nwidth = 512\ndepth = 3\n", 1024},
    {"unet",
     "[dataset]\ntype = \"idx\"\n[student]\ntype = \"unet\"\nchannels = 32\nmultipliers = [1, 2, 2]\nblocks = 1\n"
     "attention = [2]\nheads = 2\ngroups = 8\n",
     32},
    {"dit", "[dataset]\ntype = \"idx\"\n[student]\ntype = \"dit\"\npatch = 4\nwidth = 192\ndepth = 6\nheads = 4\n", 32},
};

struct Figures {
  double milliseconds = 0, mebibytes = 0;
};

/// A line of /proc/self/status in MiB.
double status_mebibytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1)) / 1024;
  }
  return 0;
}

Figures measure(const Case& which, const std::string& loss) {
  const auto file = std::filesystem::temp_directory_path() / ("ttfm-bench-" + std::to_string(getpid()) + ".toml");
  std::ofstream(file) << which.toml << "[teacher]\ntype = \"network\"\n[teacher.train]\n[loss]\ntype = \"" << loss
                      << "\"\n[train]\nbatch = " << which.batch << "\n";
  at::set_num_threads(1);
  const host::Registry registry(host::search_path());
  const config::Resolved config = config::load(file, {}, registry);
  std::filesystem::remove(file);
  const pipeline::Assembly assembly(config, registry, c10::kCPU);
  const auto teacher = assembly.teacher(assembly.network("teacher.network", train::Network::Role::frozen));
  const auto student = assembly.network("student", train::Network::Role::trained);
  const auto objective = assembly.loss("loss");
  train::TrainerInputs inputs{.stage = "bench",
                              .options = config::read_section<config::TrainSection>(config.at("train")),
                              .dataset = assembly.dataset(),
                              .loss = *objective,
                              .student = *student,
                              .teacher = teacher.field.get(),
                              .make_copy = [&] { return assembly.network("student", train::Network::Role::copy); }};
  train::Trainer trainer(inputs);

  const double before = status_mebibytes("VmRSS");
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak counts from here
  std::vector<double> times;
  for (int i = 0; i < 7; ++i) {
    const auto start = std::chrono::steady_clock::now();
    trainer.step();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin() + 2, times.end());  // two to warm up
  return {times[4], status_mebibytes("VmHWM") - before};
}

Figures in_a_process(const Case& which, const std::string& loss) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  if (fork() == 0) {
    const Figures figures = measure(which, loss);
    const bool sent = write(ends[1], &figures, sizeof figures) == sizeof figures;
    _exit(sent ? 0 : 1);
  }
  close(ends[1]);
  Figures figures;
  if (read(ends[0], &figures, sizeof figures) != sizeof figures) figures = {};
  close(ends[0]);
  wait(nullptr);
  return figures;
}

}  // namespace

int main() {
  std::printf("%-6s %-14s %6s %10s %8s %10s %8s\n", "", "loss", "batch", "ms/step", "ratio", "MiB", "ratio");
  for (const Case& which : kCases) {
    Figures plain;
    for (const char* loss : {"flow_matching", "itvm", "lfmd"}) {
      const Figures figures = in_a_process(which, loss);
      if (plain.milliseconds == 0) plain = figures;
      std::printf("%-6s %-14s %6d %10.1f %8.2f %10.1f %8.2f\n", which.network, loss, which.batch, figures.milliseconds,
                  figures.milliseconds / plain.milliseconds, figures.mebibytes, figures.mebibytes / plain.mebibytes);
      std::fflush(stdout);
    }
  }
}
