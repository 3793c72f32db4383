// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/schema.h"

#include "base/kinds.h"
#include "config/sections.h"

namespace ttfm::config {
namespace {

template <class Section>
std::vector<Key> keys() {
  const ParamTable table = param_table<Section>();
  return keys_of(table.rows().data(), static_cast<uint32_t>(table.rows().size()));
}

std::vector<SectionSpec> build() {
  return {
      {"run", {}, "", keys<RunSection>(), "The run as a whole."},
      {"dataset", TTFM_DATASET, "", {}, "The data. Always needed."},
      {"teacher", TTFM_TEACHER, "", keys<TeacherSection>(),
       "The field that is distilled, or that is trained first. Left out where no loss asks for a teacher."},
      {"teacher.network",
       TTFM_STUDENT,
       "",
       {},
       "The network of a teacher that has one. Without this table it is a copy of `[student]`."},
      {"teacher.train",
       {},
       "",
       keys<TrainSection>(),
       "Makes the run train the teacher first, unless `checkpoint` in `[teacher]` gives its weights. A key that is not "
       "set here has its value in `[train]`."},
      {"teacher.loss",
       TTFM_LOSS,
       "flow_matching",
       {},
       "The loss that trains the teacher, if `[teacher.train]` is given."},
      {"teacher.guidance",
       {},
       "",
       keys<GuidanceSection>(),
       "Classifier-free guidance of a teacher that knows labels: every loss and sampler sees the guided field."},
      {"teacher.sampler", TTFM_SAMPLER, "heun", {}, "How the teacher is sampled."},
      {"student", TTFM_STUDENT, "", keys<StudentSection>(),
       "The network that learns the flow map. Left out, with `[loss]`, by a run that only trains a teacher."},
      {"loss", TTFM_LOSS, "", {}, "The loss that trains the student. Needed where there is a student."},
      {"sampler", TTFM_SAMPLER, "flow_map", {}, "How the student is sampled."},
      {"train", {}, "", keys<TrainSection>(), "The training of the student, and what `[teacher.train]` does not set."},
      {"eval", {}, "", keys<EvalSection>(), "What is measured and drawn at the end."},
      {"log", {}, "", keys<LogSection>(), "How often the run reports."},
      {"checkpoint", {}, "", keys<CheckpointSection>(), "How often the run saves its state."},
      {"plugins", {}, "", keys<PluginsSection>(), "Where plugins are found."},
  };
}

}  // namespace

const std::vector<SectionSpec>& schema() {
  static const std::vector<SectionSpec> sections = build();
  return sections;
}

const SectionSpec* find_section(std::string_view path) {
  for (const SectionSpec& section : schema()) {
    if (section.path == path) return &section;
  }
  return nullptr;
}

std::string kind_text(ttfm_kind kind) { return std::string(kind_name(kind)); }

std::string child_path(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : std::string(parent) + "." + std::string(name);
}

}  // namespace ttfm::config
