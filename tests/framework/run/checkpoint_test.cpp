// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/checkpoint.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>
#include <vector>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

#include "framework/base/full_disk.h"
#include "framework/base/variable.h"
#include "framework/run/sample_checkpoint.h"
#include "framework/run/sealed_manifest.h"
#include "run/manifest.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;
using conformance::error_text;

class CheckpointsTest : public testing::Test {
 protected:
  conformance::TemporaryFolder temporary;
  Checkpoints checkpoints{temporary.path() / "student" / "checkpoints"};

  std::vector<std::string> files_of(int64_t step) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(checkpoints.folder_of(step))) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(checkpoints.folder()), {}));
  }
};

TEST_F(CheckpointsTest, AreReadAsTheyWereWritten) {
  const Checkpoint written = sample_checkpoint(1000);
  const fs::path folder = checkpoints.write(written);
  const std::optional<Checkpoint> read = checkpoints.newest();

  EXPECT_EQ(folder.filename(), "step-00001000");
  EXPECT_EQ(read_text(checkpoints.folder() / "LATEST"), "step-00001000\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state.stage, "student");
  EXPECT_EQ(read->state.step, 1000);
  EXPECT_EQ(read->state.images, 64000);
  EXPECT_EQ(read->state.seconds, 500);
  EXPECT_EQ(read->state.counters, written.state.counters);
  EXPECT_EQ(read->state.versions, written.state.versions);
  ASSERT_EQ(read->groups.size(), written.groups.size());
  for (const TensorGroup& group : written.groups) {
    const TensorGroup* const found = read->find(group.name);
    ASSERT_TRUE(found) << group.name;
    ASSERT_EQ(found->tensors.size(), group.tensors.size());
    for (size_t i = 0; i < group.tensors.size(); ++i) {
      EXPECT_EQ(found->tensors[i].name, group.tensors[i].name);
      EXPECT_EQ(found->tensors[i].value.scalar_type(), group.tensors[i].value.scalar_type());
      EXPECT_TRUE(at::equal(found->tensors[i].value, group.tensors[i].value)) << group.tensors[i].name;
    }
  }
}

TEST_F(CheckpointsTest, NoneIsThereBeforeTheFirst) {
  EXPECT_FALSE(checkpoints.newest());
  EXPECT_TRUE(checkpoints.steps().empty());
}

TEST_F(CheckpointsTest, AFlippedBitAnywhereIsFound) {
  const fs::path folder = checkpoints.write(sample_checkpoint(1));
  const std::vector<std::string> files = files_of(1);
  ASSERT_EQ(files.size(), 7U);

  for (const std::string& name : files) {
    const std::string whole = read_text(folder / name);
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      write_text(folder / name, flipped);

      ASSERT_NE(damage(folder), "") << name << ", byte " << i;
    }
    write_text(folder / name, whole);
    ASSERT_EQ(damage(folder), "");
  }
}

TEST_F(CheckpointsTest, ATruncatedLongerOrMissingFileIsFound) {
  const fs::path folder = checkpoints.write(sample_checkpoint(1));
  const auto bytes = std::to_string(fs::file_size(folder / "state.json"));

  for (const std::string& name : files_of(1)) {
    const std::string whole = read_text(folder / name);
    for (const size_t length : {size_t{0}, whole.size() / 2, whole.size() - 1}) {
      write_text(folder / name, whole.substr(0, length));
      EXPECT_NE(damage(folder), "") << name << " cut to " << length;
    }
    write_text(folder / name, whole + " ");
    EXPECT_NE(damage(folder), "") << name;
    fs::remove(folder / name);
    EXPECT_EQ(damage(folder), name + ": No such file or directory");
    write_text(folder / name, whole);
  }
  write_text(folder / "state.json", "{}");
  EXPECT_EQ(damage(folder), "state.json: has 2 bytes, the manifest says " + bytes);
}

TEST_F(CheckpointsTest, ADamagedOneIsSteppedOver) {
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json"}) {
    checkpoints.write(sample_checkpoint(1000));
    checkpoints.write(sample_checkpoint(2000));
    const fs::path file = checkpoints.folder_of(2000) / name;
    std::string text = read_text(file);
    text[text.size() / 2] ^= 4;
    write_text(file, text);

    testing::internal::CaptureStderr();
    const std::optional<Checkpoint> read = checkpoints.newest();
    const std::string warning = testing::internal::GetCapturedStderr();

    ASSERT_TRUE(read);
    EXPECT_EQ(read->state.step, 1000);
    EXPECT_NE(warning.find("step-00002000' is damaged and left out: " + std::string(name)), std::string::npos)
        << warning;
  }
}

TEST_F(CheckpointsTest, ARunDoesNotBeginAgainWhenAllAreDamaged) {
  checkpoints.write(sample_checkpoint(7));
  fs::remove(checkpoints.folder_of(7) / "MANIFEST.json");

  try {
    checkpoints.newest();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::checkpoint);
    EXPECT_EQ(error.what(), "none of the 1 checkpoints in '" + checkpoints.folder().string() +
                                "' is whole. Restore one from a backup, or remove the folder to begin again from "
                                "step 0");
  }
}

TEST_F(CheckpointsTest, AManifestCannotNameFilesElsewhere) {
  const fs::path folder = checkpoints.write(sample_checkpoint(1));
  // a consistent manifest of somebody else's making: its own checksum would have to match too
  std::string text = read_text(folder / "MANIFEST.json");
  text.replace(text.find("state.json"), 10, "../x.jsons");
  write_text(folder / "MANIFEST.json", text);

  EXPECT_EQ(damage(folder), "MANIFEST.json: is damaged: its own checksum does not match");
}

TEST_F(CheckpointsTest, AManifestThatSomebodySealedIsHeldAgainstTheFolderAllTheSame) {
  const fs::path folder = checkpoints.write(sample_checkpoint(1));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("loop", folder / "loop");
  const auto damage_of = [&](const std::string& body) {
    write_text(folder / "MANIFEST.json", sealed_manifest(body));
    return damage(folder);
  };
  const auto damage_of_file = [&](const std::string& name, const std::string& bytes) {
    return damage_of(R"({"format": 1, "files": [{"name": ")" + name + R"(", "bytes": )" + bytes +
                     R"(, "xxh3_128": ""}])");
  };
  const std::string no_manifest = "MANIFEST.json: is no manifest: ", elsewhere = "' is not a file of this folder";

  EXPECT_EQ(damage_of_file("../x", "0"), no_manifest + "'../x" + elsewhere);
  EXPECT_EQ(damage_of_file("state.json\\u0000x", "0"), no_manifest + "'state.json?x" + elsewhere);
  EXPECT_EQ(damage_of_file("pipe", "0"), "pipe: Operation not supported");
  EXPECT_EQ(damage_of_file("loop", "0"), "loop: Too many levels of symbolic links");
  for (const char* bytes : {"-1", "1.5", "1e300", "true", "18446744073709551615", "\"1\""}) {
    EXPECT_EQ(damage_of_file("state.json", bytes), no_manifest + "`bytes` is not a whole number of 0 or more");
  }
  EXPECT_EQ(damage_of(R"({"format": 4e22, "files": [])"), no_manifest + "`format` is not a whole number of 0 or more");
  EXPECT_EQ(damage_of(R"({"format": 4294967297, "files": [])"),
            "MANIFEST.json: has format 4294967297, this program reads 1");
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_TRUE(damage_of(R"({"format": 1, "files": )" + deep).starts_with(no_manifest));
}

TEST_F(CheckpointsTest, AManifestThatIsTooLongOrNoFileIsDamage) {
  const fs::path manifest = checkpoints.write(sample_checkpoint(1)) / "MANIFEST.json";
  {
    const test::Variable lowered("TTFM_MAX_MANIFEST_BYTES", "8");
    const std::string size = std::to_string(fs::file_size(manifest));
    EXPECT_EQ(damage(manifest.parent_path()), "MANIFEST.json: it has " + size +
                                                  " bytes, and the limit is 8 (TTFM_MAX_MANIFEST_BYTES=" + size +
                                                  " raises it)");
  }
  fs::remove(manifest);
  ASSERT_EQ(mkfifo(manifest.c_str(), 0600), 0);
  EXPECT_EQ(damage(manifest.parent_path()), "MANIFEST.json: it is not a regular file");
}

TEST_F(CheckpointsTest, AStateThatNoTrainingCanGoOnFromIsRefused) {
  const fs::path folder = checkpoints.write(sample_checkpoint(1));
  const auto refusal = [&](const std::string& step, const std::string& seconds, const std::string& counter) {
    write_text(folder / "state.json", R"({"stage": "student", "images": 64, "versions": {}, "step": )" + step +
                                          R"(, "seconds": )" + seconds + R"(, "counters": {"skipped": )" + counter +
                                          "}}");
    write_manifest(folder, {"model.safetensors", "state.json"});
    const std::string text = conformance::error_text([&] { read_checkpoint(folder); });
    const std::string prefix = "'" + (folder / "state.json").string() + "' does not hold a checkpoint's state: ";
    EXPECT_TRUE(text.starts_with(prefix)) << text;
    return text.substr(std::min(prefix.size(), text.size()));
  };
  const std::string no_count = " is not a whole number of 0 or more";

  for (const char* number : {"-1", "1.5", "1e300", "true", "18446744073709551615", "null"}) {
    EXPECT_EQ(refusal(number, "1", "0"), "`step`" + no_count);
    EXPECT_EQ(refusal("1", "1", number), "`skipped`" + no_count);
  }
  for (const char* number : {"-1", "true", "null", "\"1\""}) {
    EXPECT_EQ(refusal("1", number, "0"), "`seconds` is not a number of 0 or more");
  }
  EXPECT_NE(refusal("1", "NaN", "0").find("parse error"), std::string::npos);
  EXPECT_NE(refusal("1", "1e999", "0").find("number overflow"), std::string::npos);
  EXPECT_NE(refusal("1", "1", std::string(100'000, '[')).find("parse error"), std::string::npos);
  const test::Variable lowered("TTFM_MAX_STATE_BYTES", "8");
  EXPECT_TRUE(refusal("1", "1", "0").starts_with("it has 10"));
}

TEST_F(CheckpointsTest, TheOldestGoFirst) {
  for (const int64_t step : {5, 10, 200, 1000}) checkpoints.write(sample_checkpoint(step));

  checkpoints.prune({.last = 2});
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{200, 1000}));
  checkpoints.prune({.last = 5});
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{200, 1000}));
}

TEST_F(CheckpointsTest, TheNewestHealthyOneIsNeverRemoved) {
  for (const int64_t step : {1, 2, 3, 4}) checkpoints.write(sample_checkpoint(step));
  for (const int64_t step : {3, 4}) fs::resize_file(checkpoints.folder_of(step) / "model.safetensors", 9);

  checkpoints.prune({.last = 2});

  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(checkpoints.newest()->state.step, 2);
}

TEST_F(CheckpointsTest, NumbersThatAreNotFiniteAreNotWritten) {
  checkpoints.write(sample_checkpoint(1));
  Checkpoint bad = sample_checkpoint(2);
  bad.groups[1].tensors[0].value.view(-1)[3] = std::numeric_limits<float>::quiet_NaN();
  bad.groups[1].tensors[0].value.view(-1)[4] = -std::numeric_limits<float>::infinity();

  EXPECT_EQ(error_text([&] { checkpoints.write(bad); }),
            "the checkpoint of student step 2 is not written: 2 of 6 numbers of 'in.weight' (ema) are not finite. The "
            "last checkpoint stays; a lower [train] lr or a clip_norm may help");
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{1}));
  EXPECT_EQ(entries(), 2U);  // and LATEST
}

TEST_F(CheckpointsTest, TheSameStepAgainReplacesIt) {
  checkpoints.write(sample_checkpoint(5));
  Checkpoint other = sample_checkpoint(5);
  other.state.images = 1;
  checkpoints.write(other);

  EXPECT_EQ(checkpoints.newest()->state.images, 1);
  EXPECT_EQ(entries(), 2U);
}

TEST_F(CheckpointsTest, AHalfWrittenOneIsNone) {
  checkpoints.write(sample_checkpoint(1));
  fs::copy(checkpoints.folder_of(1), checkpoints.folder() / "step-00000002.tmp-4711");

  EXPECT_EQ(checkpoints.newest()->state.step, 1);
}

TEST_F(CheckpointsTest, SomeOfEveryAgeCanBeKept) {
  for (const int64_t step : {5, 10, 15, 20, 25, 30}) checkpoints.write(sample_checkpoint(step));

  checkpoints.prune({.last = 1, .every = 10});

  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 20, 30}));
}

TEST_F(CheckpointsTest, TheBestOneIsKeptAndNamed) {
  const auto write = [&](int64_t step, double loss) {
    Checkpoint checkpoint = sample_checkpoint(step);
    checkpoint.state.metrics = {{"loss", loss}};
    checkpoints.write(checkpoint);
    checkpoints.prune({.last = 1, .best = "loss"});
  };
  write(1, 0.5);
  write(2, 0.25);
  write(3, 0.75);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(read_text(checkpoints.folder() / "BEST"), "step-00000002\n");
  EXPECT_EQ(checkpoints.newest()->state.metrics.at("loss"), 0.75);

  write(4, 0.125);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{4}));
  EXPECT_EQ(read_text(checkpoints.folder() / "BEST"), "step-00000004\n");
}

TEST_F(CheckpointsTest, WithoutAHealthyOneNoneIsRemoved) {
  for (const int64_t step : {1, 2, 3}) {
    checkpoints.write(sample_checkpoint(step));
    fs::resize_file(checkpoints.folder_of(step) / "model.safetensors", 9);
  }
  checkpoints.prune({.last = 1});

  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{1, 2, 3}));
}

TEST_F(CheckpointsTest, AFullDiskLeavesTheOlderOnes) {
  checkpoints.write(sample_checkpoint(1));
  std::optional<ErrorKind> kind;
  try {
    const test::FullDisk disk(200);
    checkpoints.write(sample_checkpoint(2));
  } catch (const Error& error) {
    kind = error.kind();
  }

  EXPECT_EQ(kind, ErrorKind::io);
  EXPECT_EQ(checkpoints.newest()->state.step, 1);
  EXPECT_EQ(entries(), 2U);
}

}  // namespace
}  // namespace ttfm::run
