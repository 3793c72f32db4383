// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include <ttfm/error.h>
#include <ttfm/io/safetensors.h>

#include "base/log.h"
#include "cli/commands.h"
#include "eval/pictures/sample_grid.h"
#include "eval/pictures/scatter.h"
#include "io/png.h"
#include "pipeline/sampling.h"

namespace ttfm::cli {
namespace {

/// The model and the sampler that the arguments name.
struct Model {
  std::unique_ptr<train::Network> student;
  std::optional<pipeline::TeacherModel> teacher;
  pipeline::NamedSampler sampler;
  NetworkTraits traits;

  Model(const pipeline::Session& session, const SampleArguments& arguments) {
    if (arguments.model == "student") {
      student = pipeline::trained_student(session, arguments.folder);
      sampler = session.assembly().sampler("sampler");
      traits = student->traits();
    } else {
      teacher = pipeline::teacher_of(session, arguments.folder);
      sampler = session.assembly().sampler("teacher.sampler");
      teacher->field->traits(traits);
    }
  }

  pipeline::SampledBy by() const {
    if (student) {
      return {*sampler.sampler, sampler.name, nullptr, &student->flow_map(), student->map().evaluations()};
    }
    return {*sampler.sampler, sampler.name, teacher->field.get(), nullptr, teacher->evaluations()};
  }
};

/// Labels 0, 1, 2, ... in turn, or the one that was asked for; undefined for an unconditional model.
Tensor labels(const SampleArguments& arguments, int64_t classes, int64_t first, int64_t count, c10::Device device) {
  if (classes == 0) {
    if (arguments.label) throw Error(ErrorKind::config, "--label: this model was trained without labels");
    return {};
  }
  if (arguments.label && (*arguments.label < 0 || *arguments.label > classes)) {
    throw Error(ErrorKind::config, "--label " + std::to_string(*arguments.label) + ": expected 0 to " +
                                       std::to_string(classes - 1) + ", or " + std::to_string(classes) +
                                       " for samples without a label");
  }
  Tensor out = at::full({count}, arguments.label.value_or(0), at::TensorOptions().dtype(at::kLong));
  if (!arguments.label) {
    for (int64_t i = 0; i < count; ++i) out.mutable_data_ptr<int64_t>()[i] = (first + i) % classes;
  }
  return out.to(device);
}

void write(const std::filesystem::path& out, const Tensor& x, const Tensor& label, const DatasetTraits& data) {
  if (out.extension() == ".safetensors") {
    std::vector<io::NamedTensor> tensors{{"x", x.contiguous()}};
    if (label.defined()) tensors.push_back({"label", label});
    io::write_safetensors(out, tensors, {{"low", std::to_string(data.low)}, {"high", std::to_string(data.high)}});
    return;
  }
  if (data.rank == 3 && (data.shape[0] == 1 || data.shape[0] == 3)) {
    io::write_png(out, eval::sample_grid(x, data.low, data.high));
  } else if (data.rank == 1 && data.shape[0] == 2) {
    io::write_png(out, eval::scatter_picture(x, eval::picture_domain(x)));
  } else {
    throw Error(ErrorKind::config,
                "--out " + out.string() + ": samples of this shape have no picture; use .safetensors");
  }
}

/// Rows from `first` on of `all`, which is made for `count` at the first call, in host memory: pieces that are kept one by
/// one would lie between the memory of batches.
void put(const Tensor& rows, int64_t first, int64_t count, Tensor& all) {
  if (!all.defined()) {
    std::vector<int64_t> shape = rows.sizes().vec();
    shape[0] = count;
    all = at::empty(shape, rows.options().device(at::kCPU));
  }
  all.narrow(0, first, rows.size(0)).copy_(rows);
}

}  // namespace

int sample(const SampleArguments& arguments) {
  const std::filesystem::path out = arguments.out;
  if (out.extension() != ".png" && out.extension() != ".safetensors") {
    throw Error(ErrorKind::config, "--out " + arguments.out + ": expected a name that ends with .png or .safetensors");
  }
  const pipeline::Session session(pipeline::session_of_run(arguments.folder, arguments.session));
  const pipeline::Assembly& assembly = session.assembly();
  const Model model(session, arguments);
  const pipeline::SampledBy by = model.by();

  Tensor all, all_labels;
  int64_t evaluations = 0;
  for (int64_t first = 0; first < arguments.count; first += arguments.batch) {
    const int64_t count = std::min(arguments.batch, arguments.count - first);
    Stream::Impl stream = assembly.stream("sample", arguments.seed).impl();
    stream.row_offset = first;
    std::vector<int64_t> shape = assembly.data_shape();
    shape.insert(shape.begin(), count);

    Call call;
    call.label = labels(arguments, model.traits.classes, first, count, assembly.device());
    const Tensor x_0 = Stream(stream).child("x_0").normal(shape);
    const auto drawn = pipeline::draw(by, x_0, call, Stream(stream).child("sampler"), arguments.evaluations);
    put(drawn.x_1, first, arguments.count, all);
    if (call.label.defined()) put(call.label, first, arguments.count, all_labels);
    evaluations = std::max(evaluations, drawn.evaluations);
  }
  write(out, all, all_labels, assembly.data());
  log::info(std::to_string(arguments.count) + " samples of the " + arguments.model + " with " +
            std::to_string(evaluations) + " evaluations each: " + out.string());
  return 0;
}

}  // namespace ttfm::cli
