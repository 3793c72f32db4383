// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// `ttfm checkpoint`: what a run has saved.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <regex>

#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/io/safetensors.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

/// A copy of one finished run of two stages: teacher step 5, student steps 14 and 20.
class Checkpoint : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    original_ = new conformance::TemporaryFolder;
    write_file(original_->path() / "small.toml", small_config());
    const Outcome outcome =
        ttfm(original_->path(), {"run", "small.toml", "--teacher.type=network", "--teacher.train.steps=5"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  static void TearDownTestSuite() { delete original_; }

  void SetUp() override { fs::copy(original_->path(), folder.path(), fs::copy_options::recursive); }

  Outcome checkpoint(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "checkpoint");
    return ttfm(folder.path(), arguments);
  }
  /// Changes a byte in the middle of a file of the student's last checkpoint.
  void damage(const std::string& file) const {
    std::string bytes = read_file(last / file);
    bytes[bytes.size() / 2] ^= 1;
    write_file(last / file, bytes);
  }

  conformance::TemporaryFolder folder;
  const fs::path last = folder.path() / "runs/run/student/checkpoints/step-00000020";

 private:
  inline static conformance::TemporaryFolder* original_ = nullptr;
};

/// `text` with one space between its columns, and without what differs from run to run.
std::string plain(std::string text) {
  text = std::regex_replace(text, std::regex(R"(\d+(\.\d+)? kB)"), "SIZE");
  text = std::regex_replace(text, std::regex(R"(\d+s )"), "TIME ");
  return std::regex_replace(text, std::regex(" +"), " ");
}

TEST_F(Checkpoint, ListShowsEachWithWhatNamesIt) {
  const Outcome outcome = checkpoint({"list", "runs/run"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(plain(outcome.out),
            "stage step size trained name state\n"
            "teacher 5 SIZE TIME LATEST verified\n"
            "student 14 SIZE TIME - verified\n"
            "student 20 SIZE TIME LATEST verified\n");
}

TEST_F(Checkpoint, ListTellsWhatIsDamagedAndWhy) {
  damage("ema.safetensors");

  const Outcome outcome = checkpoint({"list", "runs/run/student/checkpoints", "--json"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto all = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].at("step"), 14);
  EXPECT_EQ(all[0].at("damage"), "");
  EXPECT_EQ(all[0].at("latest"), false);
  EXPECT_EQ(all[1].at("damage"), "ema.safetensors: its checksum is not the manifest's");
  EXPECT_EQ(all[1].at("latest"), true);
  EXPECT_EQ(all[1].at("path"), "runs/run/student/checkpoints/step-00000020");
}

TEST_F(Checkpoint, ListDoesNotWaitForAPipe) {
  const fs::path state = folder.path() / "runs/run/student/checkpoints/step-00000020/state.json";
  fs::remove(state);
  ASSERT_EQ(mkfifo(state.c_str(), 0600), 0);

  const Outcome outcome = checkpoint({"list", "runs/run/student/checkpoints", "--json"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out).at(1).at("step"), 20);
}

TEST_F(Checkpoint, InspectShowsStateAndTensors) {
  const Outcome outcome = checkpoint({"inspect", "runs/run/student/"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(std::regex_replace(outcome.out, std::regex(R"(\nseconds.*\nmetrics.*\ncounters.*\nversions.*)"), ""),
            "checkpoint  runs/run/student/checkpoints/step-00000020\n"
            "stage       student\n"
            "step        20\n"
            "images      640\n"
            "model.safetensors: 7 tensors, 874 numbers, 3.5 kB\n"
            "  hidden.0.weight  F32  [16, 34]  2.18 kB\n"
            "  hidden.1.weight  F32  [16, 16]  1.02 kB\n"
            "  out.weight       F32  [2, 16]   128 B\n"
            "  hidden.0.bias    F32  [16]      64 B\n"
            "  hidden.1.bias    F32  [16]      64 B\n"
            "  out.bias         F32  [2]       8 B\n"
            "  frequencies      F32  [8]       32 B\n"
            "ema.safetensors: 7 tensors, 874 numbers, 3.5 kB\n"
            "  hidden.0.weight  F32  [16, 34]  2.18 kB\n"
            "  hidden.1.weight  F32  [16, 16]  1.02 kB\n"
            "  out.weight       F32  [2, 16]   128 B\n"
            "  hidden.0.bias    F32  [16]      64 B\n"
            "  hidden.1.bias    F32  [16]      64 B\n"
            "  out.bias         F32  [2]       8 B\n"
            "  frequencies      F32  [8]       32 B\n"
            "copy-0.safetensors: 7 tensors, 874 numbers, 3.5 kB\n"
            "  hidden.0.weight  F32  [16, 34]  2.18 kB\n"
            "  hidden.1.weight  F32  [16, 16]  1.02 kB\n"
            "  out.weight       F32  [2, 16]   128 B\n"
            "  hidden.0.bias    F32  [16]      64 B\n"
            "  hidden.1.bias    F32  [16]      64 B\n"
            "  out.bias         F32  [2]       8 B\n"
            "  frequencies      F32  [8]       32 B\n"
            "optimizer.safetensors: 3 tensors, 1761 numbers, 7.04 kB\n"
            "  first   F32  [880]  3.52 kB\n"
            "  second  F32  [880]  3.52 kB\n"
            "  count   F32  []     4 B\n"
            "total: 4 files, 24 tensors, 4383 numbers, 17.5 kB\n");
}

TEST_F(Checkpoint, InspectOfARunTakesTheNewestOfEachStageThatIsWhole) {
  damage("model.safetensors");

  const Outcome outcome = checkpoint({"inspect", "runs/run", "--json"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto all = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].at("/state/stage"_json_pointer), "teacher");
  EXPECT_EQ(all[0].at("/state/step"_json_pointer), 5);
  EXPECT_EQ(all[1].at("/state/step"_json_pointer), 14);
  EXPECT_EQ(all[1].at("/groups/0"_json_pointer).at("file"), "model.safetensors");
  EXPECT_EQ(all[1].at("/groups/0/tensors/0"_json_pointer).dump(),
            R"({"bytes":2176,"name":"hidden.0.weight","shape":[16,34],"type":"F32"})");
}

TEST_F(Checkpoint, VerifyFindsEveryByteInOrder) {
  const Outcome outcome = checkpoint({"verify", "runs/run"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(plain(outcome.out),
            "teacher step 5: verified, 4 files, SIZE\n"
            "student step 14: verified, 6 files, SIZE\n"  // its step is not one of those that are logged

            "student step 20: verified, 5 files, SIZE\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Checkpoint, VerifyNamesEachDamagedFileWithTheReason) {
  damage("model.safetensors");
  fs::remove(last / "copy-0.safetensors");
  write_file(last / "state.json", read_file(last / "state.json") + " ");
  const auto size = std::to_string(fs::file_size(last / "state.json"));

  const Outcome outcome = checkpoint({"verify", "runs/run/student/checkpoints/step-00000020"});

  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.out,
            "student step 20: damaged\n"
            "  model.safetensors: its checksum is not the manifest's\n"
            "  copy-0.safetensors: No such file or directory\n"
            "  state.json: has " +
                size + " bytes, the manifest says " + std::to_string(fs::file_size(last / "state.json") - 1) + "\n");
  EXPECT_EQ(outcome.err,
            "error: 1 of 1 checkpoint in 'runs/run/student/checkpoints/step-00000020' is damaged. A run goes on after "
            "the newest one that is whole\n");
}

TEST_F(Checkpoint, VerifyFindsAFlippedBitInEachFile) {
  for (const auto& file : fs::directory_iterator(last)) {
    const std::string name = file.path().filename().string(), whole = read_file(file.path());
    damage(name);

    const Outcome outcome = checkpoint({"verify", "runs/run"});

    EXPECT_EQ(outcome.code, 4) << name;
    EXPECT_NE(outcome.out.find("student step 20: damaged\n  " + name + ": "), std::string::npos) << outcome.out;
    write_file(file.path(), whole);
  }
  EXPECT_EQ(checkpoint({"verify", "runs/run"}).code, 0);
}

TEST_F(Checkpoint, VerifyFindsACheckpointWithoutItsManifest) {
  fs::remove(last / "MANIFEST.json");

  const Outcome outcome = checkpoint({"verify", last.string()});

  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.out, "student step 20: damaged\n  MANIFEST.json: No such file or directory\n");
}

/// The header of a safetensors file, by the format's description: a length of eight bytes, then JSON.
nlohmann::json header_of(const std::string& bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_LE(length, bytes.size() - sizeof length);
  EXPECT_EQ(length % 8, 0u) << "the numbers are aligned";
  return nlohmann::json::parse(bytes.substr(sizeof length, length));
}

TEST_F(Checkpoint, ExportWritesTheAverageAndSaysWhatItIs) {
  const Outcome outcome = checkpoint({"export", "runs/run", "--out", "student.safetensors"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err.substr(0, outcome.err.rfind(',')), "ema weights of the student after step 20, 7 tensors");
  const auto header = header_of(read_file(folder.path() / "student.safetensors"));
  auto metadata = header.at("__metadata__");
  EXPECT_EQ(metadata.at("config_sha256").get<std::string>().size(), 64u);
  metadata.erase("config_sha256");
  metadata.erase("ttfm");
  EXPECT_EQ(metadata.dump(), R"({"stage":"student","step":"20","type":"mlp","weights":"ema"})");
  EXPECT_EQ(header.at("out.weight").dump(), R"({"data_offsets":[3200,3328],"dtype":"F32","shape":[2,16]})");
}

TEST_F(Checkpoint, ExportedTensorsAreThoseOfTheCheckpoint) {
  for (const char* weights : {"ema", "raw"}) {
    const std::string out = std::string(weights) + "-export.safetensors";
    ASSERT_EQ(checkpoint({"export", "runs/run", "--weights", weights, "--out", out}).code, 0);

    const io::SafetensorsFile exported(folder.path() / out);
    const io::SafetensorsFile saved(last / (weights == std::string("ema") ? "ema.safetensors" : "model.safetensors"));
    ASSERT_EQ(exported.tensors().size(), saved.tensors().size());
    EXPECT_EQ(exported.metadata().at("weights"), weights);
    for (const io::TensorEntry& tensor : saved.tensors()) {
      EXPECT_TRUE(exported.read(tensor.name).equal(saved.read(tensor))) << tensor.name;
    }
  }
}

TEST_F(Checkpoint, ExportTakesTheTeacherWhereThatIsAskedFor) {
  ASSERT_EQ(checkpoint({"export", "runs/run", "--stage=teacher", "--out", "teacher.safetensors"}).code, 0);

  const io::SafetensorsFile file(folder.path() / "teacher.safetensors");
  EXPECT_EQ(file.metadata().at("stage"), "teacher");
  EXPECT_EQ(file.metadata().at("step"), "5");
  EXPECT_EQ(file.metadata().at("type"), "mlp");
  const Outcome other = checkpoint({"export", "runs/run/student", "--stage=teacher", "--out", "other.safetensors"});
  EXPECT_EQ(other.code, 4);
  EXPECT_EQ(other.err, "error: 'runs/run/student' holds no checkpoint of a teacher, but one of a student\n");
}

TEST_F(Checkpoint, ExportedWeightsStartAnotherRun) {
  ASSERT_EQ(checkpoint({"export", "runs/run", "--out", "student.safetensors"}).code, 0);
  const std::vector<std::string> frozen = {"run", "small.toml", "--train.steps=1", "--train.lr=1e-30"};
  auto from_file = frozen, from_run = frozen;
  from_file.insert(from_file.end(), {"--student.checkpoint=student.safetensors", "--run.name=from-file"});
  from_run.insert(from_run.end(), {"--student.checkpoint=runs/run", "--run.name=from-run"});

  const Outcome file = ttfm(folder.path(), from_file), run = ttfm(folder.path(), from_run);

  ASSERT_EQ(file.code, 0) << file.err;
  ASSERT_EQ(run.code, 0) << run.err;
  const auto weights = [&](const char* name) {
    return read_file(folder.path() / "runs" / name / "student/checkpoints/step-00000001/model.safetensors");
  };
  EXPECT_EQ(weights("from-file"), weights("from-run"));
}

TEST_F(Checkpoint, ExportWritesOverNothingUnasked) {
  write_file(folder.path() / "student.safetensors", "precious");

  const Outcome refused = checkpoint({"export", "runs/run", "--out", "student.safetensors"});

  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.err, "error: --out student.safetensors: is there already; --force writes over it\n");
  EXPECT_EQ(read_file(folder.path() / "student.safetensors"), "precious");
  EXPECT_EQ(checkpoint({"export", "runs/run", "--out", "student.safetensors", "--force"}).code, 0);
  EXPECT_NE(read_file(folder.path() / "student.safetensors"), "precious");
}

TEST_F(Checkpoint, ExportRefusesWhatItCannotDo) {
  const Outcome name = checkpoint({"export", "runs/run", "--out", "student.pt"});
  const Outcome file = checkpoint({"export", (last / "ema.safetensors").string(), "--out", "s.safetensors"});
  fs::remove_all(folder.path() / "runs/run/student/checkpoints/step-00000014");
  damage("ema.safetensors");
  const Outcome damaged =
      checkpoint({"export", "runs/run/student/checkpoints/step-00000020", "--out", "s.safetensors"});

  EXPECT_EQ(name.code, 2);
  EXPECT_EQ(name.err, "error: --out student.pt: expected a name that ends with .safetensors\n");
  EXPECT_EQ(file.code, 2);
  EXPECT_EQ(file.err, "error: '" + (last / "ema.safetensors").string() + "' is a file of weights already; copy it\n");
  EXPECT_EQ(damaged.code, 4);
  EXPECT_EQ(damaged.err,
            "error: the checkpoint 'runs/run/student/checkpoints/step-00000020' is damaged: ema.safetensors: its "
            "checksum is not the manifest's\n");
  EXPECT_FALSE(fs::exists(folder.path() / "s.safetensors"));
}

TEST_F(Checkpoint, WhereThereAreNoneIsToldWhatWasExpected) {
  const Outcome none = checkpoint({"list", "."}), nothing = checkpoint({"verify", "missing"});

  EXPECT_EQ(none.code, 4);
  EXPECT_EQ(none.err,
            "error: there are no checkpoints in '.'. The folder of a run, of a stage (RUN/student), or of one "
            "checkpoint is expected\n");
  EXPECT_EQ(nothing.code, 4);
  EXPECT_EQ(nothing.err, "error: there is nothing at 'missing': no such file or folder\n");
}

}  // namespace
}  // namespace ttfm::test
