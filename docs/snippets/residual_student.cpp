// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The plugin of docs/how_to/write_a_student.md.
#include <functional>
#include <numbers>
#include <numeric>
#include <vector>

#include <ttfm/nn/activation.h>
#include <ttfm/nn/embedding.h>
#include <ttfm/nn/network_student.h>
#include <ttfm/plugin.h>

namespace nn = ttfm::nn;

/// An MLP with residual blocks, for points and small vectors:
///   h = W_in [x, g(s), g(t)];   h <- h + W_i' silu(W_i h), i = 1 .. blocks;   u = W_out h
///   g(tau) = [sin(k pi tau / 2), cos(k pi tau / 2)], k = 1 .. 8
class ResidualNetwork {
 public:
  struct Options {
    int64_t width = 128;
    int64_t blocks = 3;

    template <class Visitor>
    void describe(Visitor& v) {
      v("width", width, "of h").min(1);
      v("blocks", blocks, "residual blocks").min(0);
    }
  };

  ResidualNetwork(const Options& options, const ttfm::Config& config)
      : size_(std::accumulate(config.data_shape().begin(), config.data_shape().end(), int64_t{1}, std::multiplies<>())),
        table_(nn::harmonic_frequencies(8, std::numbers::pi / 2)),
        frequencies_(table_.clone()),
        in_(size_ + 4 * 8, options.width),
        out_(options.width, size_, nn::Init::zeros()) {
    for (int64_t i = 0; i < options.blocks; ++i) {
      blocks_.push_back(
          {nn::Linear(options.width, options.width), nn::Linear(options.width, options.width, nn::Init::zeros())});
    }
  }

  void parameters(const nn::Scope& scope) {
    scope.buffer("frequencies", frequencies_, table_);
    in_.parameters(scope / "in");
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const nn::Scope block = scope / "blocks" / static_cast<int64_t>(i);
      blocks_[i].first.parameters(block / "first");
      blocks_[i].second.parameters(block / "second");
    }
    out_.parameters(scope / "out");
  }

  template <nn::Value V>
  V forward(const V& x, const V& s, const V& t, const ttfm::Call&) const {
    const V times = nn::cat(nn::sinusoids(s, frequencies_), nn::sinusoids(t, frequencies_), 1);
    V h = in_(nn::cat(nn::flatten(x, 1), times, 1));
    for (const Block& block : blocks_) h = h + block.second(nn::silu(block.first(h)));
    return nn::reshape(out_(h), nn::primal(x).sizes());
  }

 private:
  struct Block {
    nn::Linear first, second;
  };

  int64_t size_;  // numbers in a sample
  at::Tensor table_, frequencies_;
  nn::Linear in_, out_;
  std::vector<Block> blocks_;
};

class ResidualStudent final : public nn::NetworkStudent<ResidualNetwork> {
 public:
  using Options = ResidualNetwork::Options;
  ResidualStudent(const Options& options, const ttfm::Config& config) : NetworkStudent(options, config) {}
};

TTFM_PLUGIN(plugin, "residual", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ResidualStudent>("residual", "fully connected, with residual blocks");
}
