// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/evaluation.h"

#include <ATen/ops/argsort.h>

#include <algorithm>
#include <numeric>

#include <ttfm/error.h>

#include "config/sections.h"
#include "eval/evaluate.h"
#include "eval/pictures/panels.h"
#include "eval/pictures/sample_grid.h"
#include "eval/pictures/scatter.h"
#include "io/png.h"
#include "pipeline/sampling.h"
#include "pipeline/stage.h"
#include "run/signals.h"
#include "train/batches.h"

namespace ttfm::pipeline {
namespace {

constexpr int64_t kFewestSamples = 2;  // in each of the two sets of true samples, for a distance to mean anything

/// True samples that nothing was trained on, if there are any.
struct TrueSamples {
  train::Batch held_out, second;
  std::string note;  ///< what the reader of a distance to data must know; empty: nothing
};

bool has_enough(const DatasetTraits& data, Split split) {
  const int64_t size = data.size[static_cast<size_t>(split)];
  return size == DatasetTraits::kEndless || size >= 2 * kFewestSamples;
}

/// Which samples of a split are taken, in which order: by chance, as files are often sorted by class.
std::vector<int64_t> order(const Assembly& assembly, int64_t size, int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  if (size == DatasetTraits::kEndless) {
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
  }
  const Tensor keys = assembly.stream("true samples").on_host().uniform({size});
  const Tensor sorted = at::argsort(keys, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  std::copy_n(sorted.const_data_ptr<int64_t>(), count, indices.begin());
  return indices;
}

/// The split is the first of validation, test and training that has enough. Each of the two sets takes `count` samples of
/// it, or half of what there is.
TrueSamples true_samples(const Assembly& assembly, int64_t count) {
  const DatasetTraits& data = assembly.data();
  const auto split = has_enough(data, Split::validation) ? Split::validation
                     : has_enough(data, Split::test)     ? Split::test
                                                         : Split::train;
  const int64_t size = data.size[static_cast<size_t>(split)];
  if (!has_enough(data, split)) {
    throw Error(ErrorKind::data, "the data set has " + std::to_string(size) + " training samples; at least " +
                                     std::to_string(2 * kFewestSamples) + " are needed to measure distances to data");
  }
  if (size != DatasetTraits::kEndless) count = std::min(count, size / 2);
  const std::vector<int64_t> indices = order(assembly, size, 2 * count);
  const auto read = [&](int64_t first) {
    return train::read_batch(assembly.dataset(), split, {indices.begin() + first, indices.begin() + first + count},
                             /*key=*/0, c10::Device(c10::kCPU));
  };
  const bool seen = split == Split::train && size != DatasetTraits::kEndless;
  return {read(0), read(count), seen ? "no held-out samples: distances to data are to training samples" : ""};
}

/// The labels of the evaluation: those of the held-out samples, again and again, so that both have the same classes.
Tensor labels_for(const Tensor& held_out, int64_t count, c10::Device device) {
  if (!held_out.defined()) return {};
  const int64_t times = (count + held_out.size(0) - 1) / held_out.size(0);
  return held_out.repeat({times}).narrow(0, 0, count).to(device);
}

/// Draws pictures of what the evaluation samples: grids for images, scatter and density for points in the plane.
class Pictures {
 public:
  Pictures(const Assembly& assembly, std::filesystem::path folder, int64_t count)
      : data_(assembly.data()), folder_(std::move(folder)), count_(count) {}

  void data(const Tensor& x) {
    reference_ = x;
    add("data", x);
  }

  void add(const eval::Row& row, const Tensor& x) {
    add(row.model + (row.sampler == "reference" ? "" : ", N=" + std::to_string(row.evaluations)), x);
  }

  void write() const {
    if (panels_.empty()) return;
    std::filesystem::create_directories(folder_);
    for (const auto& [name, panel] : files_) io::write_png(folder_ / name, panel);
    io::write_png(folder_ / "overview.png", eval::side_by_side(panels_));
    if (!densities_.empty()) io::write_png(folder_ / "density.png", eval::side_by_side(densities_));
  }

 private:
  bool plane() const { return data_.rank == 1 && data_.shape[0] == 2; }
  bool image() const { return data_.rank == 3 && (data_.shape[0] == 1 || data_.shape[0] == 3); }

  void add(const std::string& caption, const Tensor& x) {
    std::string file = caption + ".png";
    std::erase(file, ',');
    std::replace(file.begin(), file.end(), ' ', '_');
    if (image()) {
      const Tensor few = x.narrow(0, 0, std::min(count_, x.size(0)));
      const Tensor grid = eval::sample_grid(few, data_.low, data_.high);
      panels_.push_back({caption, grid});
      files_.emplace_back(file, grid);
    } else if (plane()) {
      const auto domain = eval::picture_domain(reference_.defined() ? reference_ : x);
      panels_.push_back({caption, eval::scatter_picture(x, domain)});
      densities_.push_back({caption, eval::density_picture(x, domain, peak(domain, x))});
    }
  }

  double peak(const eval::Domain& domain, const Tensor& x) const {
    return eval::density_peak(reference_.defined() ? reference_ : x, domain);
  }

  const DatasetTraits& data_;
  std::filesystem::path folder_;
  int64_t count_;
  Tensor reference_;
  std::vector<eval::Panel> panels_, densities_;
  std::vector<std::pair<std::string, Tensor>> files_;
};

/// A function that draws one batch of samples with a sampler.
std::function<eval::SampleDraw(const eval::SampleRequest&)> drawer(SampledBy by, int64_t classes, Stream stream) {
  return [by, classes, stream](const eval::SampleRequest& request) {
    Call call;
    if (classes > 0) call.label = request.label;
    Stream::Impl own = stream.impl();
    own.row_offset = request.first_row;
    const Draw drawn = draw(by, request.x_0, call, Stream(own), request.evaluations);
    return eval::SampleDraw{drawn.x_1, drawn.evaluations};
  };
}

}  // namespace

eval::Results evaluate_models(const Assembly& assembly, const Evaluated& models, const std::filesystem::path& folder) {
  const auto options = config::read_section<config::EvalSection>(assembly.config().at("eval"));
  std::vector<int64_t> shape = assembly.data_shape();
  shape.insert(shape.begin(), options.samples);

  const TrueSamples truth = true_samples(assembly, options.samples);
  eval::EvaluateInputs in;
  in.x_0 = assembly.stream("evaluation noise").normal(shape);
  if (!models.student || models.student->traits().classes > 0) {  // without labels where the student was distilled so
    in.label = labels_for(truth.held_out.label, options.samples, assembly.device());
    in.held_out_label = truth.held_out.label;
  }
  in.held_out = truth.held_out.x_1;
  in.second = truth.second.x_1;
  in.stream = assembly.stream("evaluation");
  in.interrupt = [] {
    if (run::RunSignals::received()) throw Stopped{};
  };
  in.options.batch = options.batch;
  in.options.tolerance = options.tolerance;
  in.options.projections = options.projections;
  if (!options.metrics) {
    in.options.endpoints = in.options.composition_gap = in.options.sliced_wasserstein = in.options.mmd = false;
    in.options.histogram_kl = in.options.initial_velocity = false;
  }

  const auto weights_of = [&assembly](const char* section, bool averaged) {
    const bool trained = assembly.config().has(section);
    const bool average =
        !trained || config::read_section<config::TrainSection>(assembly.config().at(section)).ema_decay > 0;
    return averaged && average ? "ema" : "raw";
  };
  NamedSampler student_sampler, teacher_sampler;
  if (models.student) {
    student_sampler = assembly.sampler("sampler");
    in.flow_map = &models.student->flow_map();
    in.student = {
        drawer(
            {*student_sampler.sampler, student_sampler.name, nullptr, in.flow_map, models.student->map().evaluations()},
            models.student->traits().classes, assembly.stream("student sampler")),
        options.evaluations, student_sampler.name, weights_of("train", options.weights == config::Weights::ema)};
  }
  if (models.teacher) {
    teacher_sampler = assembly.sampler("teacher.sampler");
    NetworkTraits traits;
    models.teacher->field->traits(traits);
    in.field = models.teacher->field.get();
    in.teacher = {
        drawer({*teacher_sampler.sampler, teacher_sampler.name, in.field, nullptr, models.teacher->evaluations()},
               traits.classes, assembly.stream("teacher sampler")),
        options.teacher_evaluations, teacher_sampler.name,
        models.teacher->network ? weights_of("teacher.train", true) : ""};
  }

  Pictures pictures(assembly, folder / "samples", options.pictures);
  pictures.data(truth.held_out.x_1);
  in.on_samples = [&pictures](const eval::Row& row, const at::Tensor& x) { pictures.add(row, x); };
  eval::Results results = eval::evaluate(in);
  if (!truth.note.empty()) results.notes.push_back(truth.note);
  eval::write_results(results, folder / "eval");
  pictures.write();
  return results;
}

}  // namespace ttfm::pipeline
