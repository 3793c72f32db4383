// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/io/safetensors.h>
#include <ttfm/options.h>

namespace ttfm {

/// Samples that somebody else prepared: a safetensors file with `x` [N, ...], uint8 or floating, and optionally `label`
/// [N], whole numbers. Rows of x are read from the file when they are asked for; labels stay in memory.
///
/// train is the first part of the file, validation the rest; test is a file of its own.
class TensorDataset final : public Dataset {
 public:
  struct Options {
    Path file;
    std::optional<Path> test_file;
    std::string x = "x";
    std::string label = "label";
    double validation = 0.1;
    double low = -1;
    double high = 1;
    int64_t max_classes = 1 << 20;

    template <class Visitor>
    void describe(Visitor& v) {
      v("file", file, "safetensors file with the samples").required();
      v("test_file", test_file, "a second one, for the test split");
      v("x", x, "name of the tensor of samples, [N, ...]");
      v("label", label, "name of the tensor of labels, [N]; a file without it has no classes");
      v("validation", validation, "share of the samples, at the end of the file, that is held out").min(0).below(1);
      v("low", low, "what 0 stands for in a uint8 tensor; for floats, the low end of the range in pictures");
      v("high", high, "what 255 stands for in a uint8 tensor; for floats, the high end of the range in pictures");
      v("max_classes", max_classes, "labels are below this: a network has an embedding for each").min(1).advanced();
    }
  };

  explicit TensorDataset(const Options& options);

  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;

 private:
  struct Source {
    std::unique_ptr<io::SafetensorsFile> file;
    const io::TensorEntry* x = nullptr;
    std::vector<int64_t> labels;
    int64_t count() const { return x ? x->shape[0] : 0; }
  };

  Source open(const std::string& path) const;
  void read_labels(Source& source) const;
  [[noreturn]] void fail(const Source& source, const std::string& what) const;

  Options options_;
  Source data_, test_;
  std::vector<int64_t> shape_;  ///< of one sample
  int64_t classes_ = 0, held_out_ = 0;
};

}  // namespace ttfm
