// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/view.h"

#include <algorithm>

#include <ttfm/error.h>

namespace ttfm::config {
namespace {

[[noreturn]] void bug(const Section& section, Name key, const std::string& why) {
  const std::string who = section.type.empty() ? "ttfm" : "'" + section.type + "'";
  throw Error(ErrorKind::internal,
              "a bug in " + who + ": it reads `" + std::string(key) + "` of [" + section.path + "], " + why);
}

}  // namespace

ConfigView::ConfigView(const Section& section, const Values& values, const std::vector<std::string>& keys)
    : section_(section), values_(values), keys_(keys) {}

ConfigView::ConfigView(const Section& section, std::vector<int64_t> data_shape, int64_t data_classes)
    : ConfigView(section, section.component, section.component_keys) {
  data_shape_ = std::move(data_shape);
  data_classes_ = data_classes;
}

ConfigView ConfigView::host(const Section& section) { return ConfigView(section, section.host, section.host_keys); }

const Value& ConfigView::value(Name key, std::initializer_list<ttfm_param_type> types) const {
  if (!has(key)) bug(section_, key, "which was not given and has no default: ask has() first");
  const Value& value = values_.find(key)->second;
  if (std::find(types.begin(), types.end(), value.type) == types.end()) bug(section_, key, "which has another type");
  return value;
}

bool ConfigView::has(Name key) const {
  if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) bug(section_, key, "which its table does not have");
  return values_.find(key) != values_.end();
}

bool ConfigView::flag(Name key) const { return value(key, {TTFM_PARAM_BOOL}).flag; }

int64_t ConfigView::integer(Name key) const { return value(key, {TTFM_PARAM_INT}).integer; }

double ConfigView::number(Name key) const { return value(key, {TTFM_PARAM_FLOAT}).number; }

Name ConfigView::text(Name key) const {
  return value(key, {TTFM_PARAM_STRING, TTFM_PARAM_CHOICE, TTFM_PARAM_PATH}).text;
}

at::ArrayRef<int64_t> ConfigView::integers(Name key) const { return value(key, {TTFM_PARAM_INT_LIST}).integers; }

at::ArrayRef<double> ConfigView::numbers(Name key) const {
  return value(key, {TTFM_PARAM_FLOAT_LIST, TTFM_PARAM_FLOAT_ROWS}).numbers;
}

int64_t ConfigView::rows(Name key) const { return value(key, {TTFM_PARAM_FLOAT_ROWS}).rows; }

const FlowMap& ConfigView::student(Name key) const {
  value(key, {TTFM_PARAM_STUDENT});
  const auto found = students_.find(key);
  if (found == students_.end()) bug(section_, key, "a student that the host has not made");
  return *found->second;
}

}  // namespace ttfm::config
