// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "io/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>

#include "base/limits.h"
#include "io/safetensors_types.h"

namespace ttfm::io {
namespace {

/// Reads the header as a sequence of events: a document tree would drop all but the last of two equal keys.
///
///   {"__metadata__": {"key": "text", ...},
///    "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { unexpected("a number that is not whole"); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::list) unexpected("a number");
    if (list_.size() == most_dimensions_) {
      throw HeaderError(where() + " has more than " + std::to_string(most_dimensions_) + " numbers; " +
                        limits::kSafetensorsDimensions.text(2 * most_dimensions_));
    }
    list_.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header.metadata[key_] = value;
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") unexpected("a string");
    dtype_ = find_type(value);
    if (!dtype_) {
      throw HeaderError("tensor " + in_quotes(name_) + " has the unknown dtype " + in_quotes(value) + "; known are " +
                        known_types());
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top) {
      place_ = name_ == "__metadata__" ? Place::metadata : Place::tensor;
      dtype_ = nullptr;
      shape_.clear();
      offsets_.clear();
      seen_.clear();
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    if (place_ == Place::top) {
      if (!names_.insert(value).second)
        throw HeaderError("the name " + in_quotes(value) + " occurs twice in the header");
      name_ = value;
      return true;
    }
    key_ = value;
    if (!seen_.insert(value).second)
      throw HeaderError("the key " + in_quotes(value) + " occurs twice in " + in_quotes(name_));
    if (place_ == Place::tensor && value != "dtype" && value != "shape" && value != "data_offsets") {
      throw HeaderError("tensor " + in_quotes(name_) + " has the unknown key " + in_quotes(value) +
                        "; expected dtype, shape and data_offsets");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) finish_tensor();
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || key_ == "dtype") unexpected("a list");
    place_ = Place::list;
    list_.clear();
    return true;
  }

  bool end_array() override {
    (key_ == "shape" ? shape_ : offsets_) = list_;
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    std::string text = error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 7: ..."
    if (const size_t colon = text.find(": "); colon != std::string::npos) text = text.substr(colon + 2);
    throw HeaderError("the header is not valid JSON at its byte " + std::to_string(position) + ": " + text);
  }

 private:
  enum class Place { outside, top, metadata, tensor, list };

  std::string where() const {
    if (place_ == Place::outside) return "the header";
    if (place_ == Place::top) return "the value of " + in_quotes(name_);
    return in_quotes(key_) + " of " + in_quotes(name_);
  }

  [[noreturn]] void unexpected(const char* what) const {
    const char* expected = "an object";
    if (place_ == Place::metadata) expected = "a string";
    if (place_ == Place::list) expected = "a whole number that is not negative";
    if (place_ == Place::tensor) expected = key_ == "dtype" ? "a string" : "a list of numbers";
    throw HeaderError(where() + " holds " + what + ", expected " + expected);
  }

  void finish_tensor() {
    const std::string tensor = "tensor " + in_quotes(name_);
    for (const char* needed : {"dtype", "shape", "data_offsets"}) {
      if (!seen_.contains(needed)) throw HeaderError(tensor + " has no `" + needed + "`");
    }
    if (offsets_.size() != 2 || offsets_[0] > offsets_[1]) {
      throw HeaderError(tensor + ": data_offsets are [begin, end] with begin <= end");
    }

    TensorEntry entry;
    entry.name = name_;
    entry.dtype = dtype_->dtype;
    entry.begin = offsets_[0];
    entry.end = offsets_[1];
    bool empty = false;
    // a dimension of 0 counts as 1 here: LibTorch computes strides beside it, and those must not overflow either
    int64_t size = static_cast<int64_t>(dtype_->bytes);
    for (const uint64_t length : shape_) {
      empty = empty || length == 0;
      if (__builtin_mul_overflow(size, std::max<uint64_t>(length, 1), &size)) {
        throw HeaderError(tensor + ": the size of its shape overflows 64 bits");
      }
      entry.shape.push_back(static_cast<int64_t>(length));
    }
    const uint64_t expected = empty ? 0 : static_cast<uint64_t>(size);
    if (entry.bytes() != expected) {
      throw HeaderError(tensor + " (" + entry.describe() + ") needs " + std::to_string(expected) +
                        " bytes, its data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) +
                        "] have " + std::to_string(entry.bytes()));
    }
    header.tensors.push_back(std::move(entry));
  }

  const uint64_t most_dimensions_ = limits::kSafetensorsDimensions.value();
  Place place_ = Place::outside;
  std::string name_, key_;
  std::unordered_set<std::string> names_, seen_;
  const SafetensorsType* dtype_ = nullptr;
  std::vector<uint64_t> list_, shape_, offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json) {
  HeaderEvents events;
  nlohmann::json::sax_parse(json.begin(), json.end(), &events);
  return std::move(events.header);
}

}  // namespace ttfm::io
