// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ttfm/options.h>

#include "config/config.h"
#include "facade/impl.h"

namespace ttfm::config {

/// What stands behind the ttfm::Config that a component is constructed from. The section has to outlive it.
class ConfigView final : public Config::Impl {
 public:
  /// The values of the section's component.
  ConfigView(const Section& section, std::vector<int64_t> data_shape, int64_t data_classes);

  /// The host's own values of the section, which no plugin sees.
  static ConfigView host(const Section& section);

  /// Gives the nested student of a parameter. `map` has to outlive the view.
  void set_student(const std::string& key, const FlowMap& map) { students_[key] = &map; }

  bool has(Name key) const override;
  bool flag(Name key) const override;
  int64_t integer(Name key) const override;
  double number(Name key) const override;
  Name text(Name key) const override;
  at::ArrayRef<int64_t> integers(Name key) const override;
  at::ArrayRef<double> numbers(Name key) const override;
  int64_t rows(Name key) const override;
  const FlowMap& student(Name key) const override;
  at::IntArrayRef data_shape() const override { return data_shape_; }
  int64_t data_classes() const override { return data_classes_; }

 private:
  ConfigView(const Section& section, const Values& values, const std::vector<std::string>& keys);

  const Value& value(Name key, std::initializer_list<ttfm_param_type> types) const;

  const Section& section_;
  const Values& values_;
  const std::vector<std::string>& keys_;
  std::vector<int64_t> data_shape_;
  int64_t data_classes_ = 0;
  std::map<std::string, const FlowMap*, std::less<>> students_;
};

/// The host's values of a section as its struct: read_section<TrainSection>(resolved.at("train")).
template <class T>
T read_section(const Section& section) {
  const ConfigView view = ConfigView::host(section);
  return read_options<T>(Config(&view));
}

}  // namespace ttfm::config
