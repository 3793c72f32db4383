// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <string>

#include <ttfm/parameters.h>
#include <ttfm/random.h>

/// Layers that know their derivative along a direction, and how their weights are named and start.
namespace ttfm::nn {

/// How a weight starts. The fans are those of a weight of shape [out, in, kernel...].
struct Init {
  /// A distribution; the functions below make them.
  enum class Kind : uint8_t {
    constant,        ///< `scale`
    uniform,         ///< U(-scale, scale)
    normal,          ///< N(0, scale^2)
    fan_in_uniform,  ///< see fan_in()
    xavier_uniform   ///< see xavier()
  };

  Kind kind = Kind::constant;  ///< which distribution
  double scale = 0;            ///< the value, bound, deviation or gain

  static constexpr Init zeros() { return {Kind::constant, 0}; }  ///< all 0
  static constexpr Init ones() { return {Kind::constant, 1}; }   ///< all 1
  /// U(-bound, bound).
  static constexpr Init uniform(double bound) { return {Kind::uniform, bound}; }
  /// N(0, deviation^2).
  static constexpr Init normal(double deviation) { return {Kind::normal, deviation}; }
  /// U(-b, b), b = gain / sqrt(fan_in): what PyTorch gives Linear and Conv2d; gain sqrt(6) is He et al. 2015 for ReLU.
  static constexpr Init fan_in(double gain = 1) { return {Kind::fan_in_uniform, gain}; }
  /// U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)); Glorot, Bengio 2010.
  static constexpr Init xavier(double gain = 1) { return {Kind::xavier_uniform, gain}; }

  /// Fills `value`, recording no gradient, with numbers that depend on `stream` and the shape only.
  void fill(Tensor& value, const Stream& stream) const;
};

/// One walk over a network's weights, with a dotted prefix ("down.0.conv"). A network and each of its layers has one
///
///     void parameters(const Scope& scope);
///
/// that names every weight together with how it starts. The walk either registers the weights or fills them, each from a
/// stream of its own full name: neither the order nor a layer added later changes another weight's start.
class Scope {
 public:
  /// A walk that registers.
  explicit Scope(ParameterSet& set) : set_(&set) {}
  /// A walk that gives every weight its starting value.
  explicit Scope(const Stream& stream) : stream_(&stream) {}

  /// The scope of a part: its name is appended to the prefix.
  Scope operator/(Name part) const;
  Scope operator/(int64_t index) const;  ///< the same for a part of a list

  /// A trained weight. `value` has its final shape and stays where it is for the life of the network.
  void parameter(Name name, Tensor& value, const Init& init, uint32_t flags = 0) const;

  /// A tensor that is stored and moves to the device but is not trained, with its contents (shape and numbers).
  void buffer(Name name, Tensor& value, const Tensor& contents) const;

 private:
  std::string full_name(Name name) const;

  ParameterSet* set_ = nullptr;
  const Stream* stream_ = nullptr;
  std::string prefix_;
};

/// A new weight of the given shape, zeros, float, in host memory: the host moves it where it belongs.
Tensor weight(at::IntArrayRef shape);

}  // namespace ttfm::nn
