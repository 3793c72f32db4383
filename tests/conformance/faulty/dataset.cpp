// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Data sets with one defect each, and a sound one: small labelled images. The name of the defect is the data set's.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include <ttfm/plugin.h>

namespace {

enum class Fault {
  none,
  has_no_dimension,
  writes_beyond,
  label_is_too_large,
  leaves_its_range,
  remembers,
  goes_by_the_place,
  shares_a_buffer,
};

template <Fault fault>
class FaultyDataset final : public ttfm::Dataset {
 public:
  void traits(ttfm::DatasetTraits& out) const override {
    out.rank = fault == Fault::has_no_dimension ? 0 : 3;
    out.shape[0] = 1, out.shape[1] = out.shape[2] = 4;
    out.classes = 3;
    out.size[0] = 12, out.size[1] = 6;
  }

  void read(const ttfm::ReadRequest& request) const override {
    static std::atomic<int> calls{0};
    const int call = ++calls;
    for (int64_t i = 0; i < request.count; ++i) {
      const int64_t index = fault == Fault::goes_by_the_place ? i : request.indices[i];
      Image own;
      Image& image = fault == Fault::shares_a_buffer ? shared_ : own;
      for (size_t p = 0; p < image.size(); ++p) {
        const auto value = static_cast<float>((index * 16 + static_cast<int64_t>(p) * 7) % 31) / 15.5F - 1;
        image[p] = fault == Fault::remembers ? value / static_cast<float>(1 + call) : value;
        if (fault == Fault::leaves_its_range) image[p] += 1;
      }
      if (fault == Fault::shares_a_buffer) std::this_thread::sleep_for(std::chrono::microseconds(20));
      std::copy(image.begin(), image.end(), static_cast<float*>(request.x) + i * static_cast<int64_t>(image.size()));
      request.label[i] = index % 3 + (fault == Fault::label_is_too_large ? 1 : 0);
    }
    if (fault == Fault::writes_beyond && request.count > 1) static_cast<float*>(request.x)[request.count * 16] = 0;
  }

 private:
  using Image = std::array<float, 16>;
  mutable Image shared_{};
};

template <Fault fault>
void add(ttfm::Plugin& plugin, const char* name) {
  plugin.add<FaultyDataset<fault>>(name, "a data set with one defect");
}

}  // namespace

TTFM_PLUGIN(plugin, "faulty_dataset", "0.1.0") {
  add<Fault::none>(plugin, "none");
  add<Fault::has_no_dimension>(plugin, "has_no_dimension");
  add<Fault::writes_beyond>(plugin, "writes_beyond");
  add<Fault::label_is_too_large>(plugin, "label_is_too_large");
  add<Fault::leaves_its_range>(plugin, "leaves_its_range");
  add<Fault::remembers>(plugin, "remembers");
  add<Fault::goes_by_the_place>(plugin, "goes_by_the_place");
  add<Fault::shares_a_buffer>(plugin, "shares_a_buffer");
}
