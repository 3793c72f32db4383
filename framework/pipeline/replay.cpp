// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>

#include <ttfm/error.h>

#include "base/log.h"
#include "pipeline/run.h"
#include "pipeline/stages.h"
#include "run/failure.h"

namespace ttfm::pipeline {
namespace {

/// The same bytes: numbers that are not finite are equal to nothing, not even to themselves.
bool same(const Tensor& a, const Tensor& b) {
  const Tensor x = a.detach().cpu().contiguous(), y = b.detach().cpu().contiguous();
  return x.scalar_type() == y.scalar_type() && x.sizes() == y.sizes() &&
         (x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0);
}

/// The run that a failure file lies in: RUN/failure/FILE.
std::filesystem::path run_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  if (folder.filename() != "failure" || !std::filesystem::exists(folder.parent_path() / "config.resolved.toml")) {
    throw Error(ErrorKind::checkpoint, "'" + file.string() +
                                           "' does not lie in the folder failure/ of a run, whose configuration and "
                                           "teacher are needed to compute the step again: put it back there");
  }
  return folder.parent_path();
}

/// A line of the report: what, as it was, as it is now.
class Comparison {
 public:
  void add(const std::string& what, const Tensor& before, const Tensor& now) {
    const bool equal = same(before, now);
    all_equal_ = all_equal_ && equal;
    text_ << what << ": " << shown(before);
    text_ << (equal ? ", the same again" : ", now " + shown(now)) << '\n';
  }
  void add(const std::string& prefix, const std::map<std::string, Tensor>& before,
           const std::map<std::string, Tensor>& now) {
    for (const auto& [name, tensor] : before) {
      const auto found = now.find(name);
      add(prefix + " '" + name + "'", tensor, found == now.end() ? Tensor(tensor.new_empty({0})) : found->second);
    }
  }

  bool all_equal() const { return all_equal_; }
  std::string text() const { return text_.str(); }

 private:
  static std::string shown(const Tensor& tensor) {
    std::ostringstream text;
    if (tensor.numel() != 1) text << tensor.sizes() << " of mean ";
    const auto value = tensor.to(at::kDouble).mean().item<double>();
    if (std::isnan(value)) return text.str() + "nan";  // a stream writes its sign too
    text << value;
    return text.str();
  }

  std::ostringstream text_;
  bool all_equal_ = true;
};

}  // namespace

Replay replay(const std::filesystem::path& file, SessionRequest request) {
  const run::Failure failure = run::read_failure(file);
  const std::filesystem::path folder = run_of(file);
  request.config = folder / failure.config;
  const Session session(request);

  Stage stage = make_stage(session, failure.stage);
  std::optional<TeacherModel> teacher;
  if (failure.stage == "student" && session.config().has("teacher")) teacher = teacher_of(session, folder);
  make_trainer(session, stage, teacher ? &*teacher : nullptr);
  stage.trainer->load_weights(failure.weights, file.string());
  log::info("stage '" + failure.stage + "', step " + std::to_string(failure.step) + " of " + folder.string());
  const train::StepRecord now = stage.trainer->examine(failure.step - 1);

  Comparison comparison;
  comparison.add("samples", failure.indices, at::tensor(now.indices));
  comparison.add("value", failure.values, now.values);
  comparison.add("loss term", failure.terms, now.terms);
  comparison.add("loss", failure.loss, now.loss);
  comparison.add("gradient norm", failure.gradient_norm, now.gradient_norm);
  std::string text = comparison.text();
  text += now.not_finite.empty() ? "everything is finite\n" : "not finite:\n";
  for (const std::string& what : now.not_finite) text += "  " + what + "\n";
  return {text, comparison.all_equal()};
}

}  // namespace ttfm::pipeline
