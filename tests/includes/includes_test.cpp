// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "include_rules.h"

namespace ttfm::includes {
namespace {

namespace fs = std::filesystem;

bool is_source(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".h" || extension == ".cpp" || extension == ".c" || extension == ".cu";
}

/// Tests may include anything.
bool is_test(const fs::path& path) { return path.stem().string().find("test") != std::string::npos; }

TEST(Includes, PointDown) {
  const fs::path root = TTFM_SOURCE_DIR;
  int lines = 0;
  for (const char* folder : {"framework", "plugins"}) {
    for (const fs::path& path : fs::recursive_directory_iterator(root / folder)) {
      if (!is_source(path) || is_test(path)) continue;
      const std::string file = path.lexically_relative(root).generic_string();
      std::ifstream stream(path);
      std::string line;
      for (int number = 1; std::getline(stream, line); ++number) {
        const std::string target = included_by(line);
        if (target.empty()) continue;
        ++lines;
        const std::string text = objection(file, target);
        EXPECT_EQ(text, "") << file << ":" << number << ": " << target;
      }
    }
  }
  EXPECT_GT(lines, 100);
}

TEST(IncludeRules, AllowWhatTheTableHas) {
  EXPECT_EQ(objection("framework/train/trainer.cpp", "\"run/checkpoint.h\""), "");
  EXPECT_EQ(objection("framework/run/checkpoint.cpp", "<nlohmann/json.hpp>"), "");
  EXPECT_EQ(objection("framework/include/ttfm/teacher.h", "<ATen/core/Tensor.h>"), "");
  EXPECT_EQ(objection("framework/include/ttfm/nn/linear.h", "<ATen/ops/linear.h>"), "");
  EXPECT_EQ(objection("framework/base/log.cpp", "<unistd.h>"), "");
  EXPECT_EQ(objection("framework/include/ttfm/conformance/dataset_checks.h", "<gtest/gtest.h>"), "");
  EXPECT_EQ(objection("framework/conformance/facades.cpp", "\"facade/impl.h\""), "");
  EXPECT_EQ(objection("plugins/losses/itvm/itvm_loss.cpp", "<ttfm/flow/times.h>"), "");
  EXPECT_EQ(objection("plugins/losses/itvm/itvm_loss.cpp", "\"itvm_loss.h\""), "");
  EXPECT_EQ(objection("plugins/datasets/idx/idx_file.cpp", "<zlib.h>"), "");
}

TEST(IncludeRules, ObjectToTheRest) {
  EXPECT_EQ(objection("framework/run/checkpoint.cpp", "\"train/trainer.h\""), "run does not see train");
  EXPECT_EQ(objection("framework/host/registry.cpp", "\"train/trainer.h\""), "host does not see train");
  EXPECT_EQ(objection("framework/run/checkpoint.cpp", "\"manifest.h\""), "is named without its folder");
  EXPECT_EQ(objection("framework/new/x.cpp", "\"base/log.h\""),
            "stands in framework/new, a folder that the table does not have");
  EXPECT_EQ(objection("framework/include/ttfm/loss.h", "\"ttfm/error.h\""), "an SDK header names others in <>");
  EXPECT_EQ(objection("framework/include/ttfm/loss.h", "<ATen/ops/add.h>"),
            "an interface header includes ATen/core/Tensor.h at most");
  EXPECT_EQ(objection("framework/include/ttfm/nn/linear.h", "<nlohmann/json.hpp>"),
            "is used in framework/config/ and others");
  EXPECT_EQ(objection("framework/include/ttfm/conformance/facades.h", "\"facade/impl.h\""),
            "an SDK header names others in <>");
  EXPECT_EQ(objection("framework/host/registry.cpp", "<gtest/gtest.h>"),
            "is used in framework/conformance/ and others");
  EXPECT_EQ(objection("framework/run/run_folder.cpp", "<spdlog/spdlog.h>"), "is used in framework/base/log.cpp alone");
  EXPECT_EQ(objection("framework/run/run_folder.cpp", "<absl/strings/str_cat.h>"),
            "is no library that ttfm depends on");
  EXPECT_EQ(objection("framework/train/trainer.cpp", "<torch/torch.h>"),
            "brings all of LibTorch; include the single headers that are needed");
  EXPECT_EQ(objection("framework/train/trainer.h", "<torch/csrc/autograd/custom_function.h>"),
            "costs seconds: .cpp files only");
  EXPECT_EQ(objection("plugins/losses/itvm/itvm_loss.cpp", "\"base/log.h\""),
            "a plugin includes its own folder's files alone");
  EXPECT_EQ(objection("plugins/losses/itvm/itvm_loss.cpp", "<nlohmann/json.hpp>"),
            "is used in framework/config/ and others");
}

TEST(IncludeRules, KnowAnIncludeLine) {
  EXPECT_EQ(included_by("#include <vector>"), "<vector>");
  EXPECT_EQ(included_by("  # include \"a/b.h\"  // why"), "\"a/b.h\"");
  EXPECT_EQ(included_by("// #include <vector>"), "");
  EXPECT_EQ(included_by("TTFM_INCLUDE"), "");
}

}  // namespace
}  // namespace ttfm::includes
