// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/fused.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

#include <ttfm/activations.h>
#include <ttfm/nn/activation.h>
#include <ttfm/weight_in.h>

#include "nn/affine_norm.h"
#include "nn/dual_buffer.h"
#include "nn/loops.h"
#include "nn/precision.h"

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

using Kind = Pending<Tensor>::Kind;
using Optional = std::optional<Tensor>;

/// What is done to the input of a product, without its tensors.
struct Prologue {
  Kind kind;
  int64_t groups;
  double eps;
  bool with_silu;

  kernels::Activation activation() const {
    return kind == Kind::gelu ? kernels::Activation::gelu : kernels::Activation::silu;
  }
  GroupNormKind group_norm() const {
    return {groups, eps, with_silu ? kernels::Activation::silu : kernels::Activation::none};
  }

  /// Of the kinds that work on rows.
  bool on_rows() const { return kind == Kind::layer_norm || kind == Kind::silu || kind == Kind::gelu; }
  /// `statistics` is what a norm of the same x left there, or undefined.
  RowFunction function(const Dual& x, const Affine& p, at::ScalarType type, Tensor& statistics) const {
    if (kind == Kind::layer_norm) return layer_norm_function(x, p, eps, type, statistics);
    return activation_function(activation(), x, p.b);
  }
  /// `of_affine`: whether the affine part or the bias wants a gradient.
  RowGradient gradient(const Dual& x, const Affine& p, at::ScalarType type, const Tensor& statistics,
                       bool of_affine) const {
    if (kind == Kind::layer_norm) return layer_norm_gradient(x, p, eps, type, statistics, of_affine);
    return activation_gradient(activation(), x, p.b, of_affine);
  }
  Dual forward(const Dual& x, const Affine& p, at::ScalarType type, Tensor& statistics) const {
    if (on_rows()) return evaluated(function(x, p, type, statistics));
    if (kind == Kind::group_norm) return group_norm_forward(x, p, group_norm(), statistics);
    return linear_map(x, [&](const Tensor& a) { return a.to(type); });
  }

  NormGradients backward(const Dual& x, const Affine& p, const Tensor& statistics, const Dual& g,
                         bool of_affine) const {
    if (on_rows()) return gradients(gradient(x, p, g.primal.scalar_type(), statistics, of_affine), g);
    if (kind == Kind::group_norm) return group_norm_backward(x, p, group_norm(), statistics, g);
    return {linear_map(g, [&](const Tensor& a) { return a.to(x.primal.scalar_type()); }), {}};
  }
};

/// pending.value() by LibTorch's operations.
template <Value V>
V composed(const Pending<V>& pending) {
  using PendingKind = typename Pending<V>::Kind;
  switch (pending.kind) {
    case PendingKind::none:
      break;
    case PendingKind::silu:
      return silu(pending.bias.defined() ? pending.x + pending.bias : pending.x);
    case PendingKind::gelu:
      return gelu(pending.bias.defined() ? pending.x + pending.bias : pending.x);
    case PendingKind::layer_norm:
      return affine_layer_norm(pending.x, pending.scale, pending.shift, pending.eps);
    case PendingKind::group_norm:
      return affine_group_norm(pending.x, pending.scale, pending.shift, pending.groups, pending.eps, pending.with_silu);
  }
  return pending.x;
}

/// y = prologue(x), z = W y + bias, of primal and tangent. The arguments are x, dx, a, da, b, db, weight, bias.
struct Fused : Function<Fused> {
  static constexpr int kOptions = 4;  // arguments that are no tensors
  enum { kX, kDx, kA, kDa, kB, kDb, kWeight, kBias, kTensors, kStatistics = kTensors, kY, kDy };

  static variable_list forward(AutogradContext* context, const Tensor& x, const Optional& dx, const Optional& a,
                               const Optional& da, const Optional& b, const Optional& db, const Optional& weight,
                               const Optional& bias, const Prologue& prologue, const Product& product,
                               at::ScalarType type, bool keeps) {
    const Below guard;
    const auto plain = [](const Optional& y) { return y.value_or(Tensor()); };
    context->saved_data["kind"] = static_cast<int64_t>(prologue.kind);
    context->saved_data["groups"] = prologue.groups;
    context->saved_data["eps"] = prologue.eps;
    context->saved_data["with_silu"] = prologue.with_silu;
    context->saved_data["product"] = static_cast<int64_t>(product.kind);
    context->saved_data["stride"] = product.stride;
    context->saved_data["padding"] = product.padding;
    context->saved_data["type"] = static_cast<int64_t>(type);

    const Affine p{plain(a), plain(b), plain(da), plain(db)};
    Tensor statistics;
    Dual kept, z;
    if (in_blocks(prologue, product, x, plain(weight), plain(bias), type)) {
      z = multiply(prologue.function({x, plain(dx)}, p, type, statistics), weight_in(*weight, type),
                   bias ? weight_in(*bias, at::kFloat).contiguous() : Tensor());
    } else {
      const Dual y = prologue.forward({x, plain(dx)}, p, type, statistics);
      if (keeps) kept = y;
      z = product.kind == Product::Kind::none
              ? y
              : multiply(product, y, weight_in(*weight, type), bias ? weight_in(*bias, type) : Tensor());
    }
    context->save_for_backward({x, plain(dx), plain(a), plain(da), plain(b), plain(db), plain(weight), plain(bias),
                                statistics, kept.primal, kept.tangent});
    if (!z.tangent.defined()) return {z.primal};
    return {z.primal, z.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto integer = [&](const char* key) { return context->saved_data[key].toInt(); };
    const Prologue prologue{static_cast<Kind>(integer("kind")), integer("groups"),
                            context->saved_data["eps"].toDouble(), context->saved_data["with_silu"].toBool()};
    const Product product{static_cast<Product::Kind>(integer("product")), integer("stride"), integer("padding")};
    const auto type = static_cast<at::ScalarType>(integer("type"));
    const Dual x{saved[kX], saved[kDx]};
    const Affine p{saved[kA], saved[kB], saved[kDa], saved[kDb]};
    const Tensor& weight = saved[kWeight];
    if (c10::GradMode::is_enabled()) {
      if (gradients.size() > 1) refuse_second_gradient("layer");
      return recorded(prologue, product, saved, gradients[0]);
    }

    // autograd counts the arguments that were there
    const auto wants = [&](int i) {
      const auto place = std::count_if(saved.begin(), saved.begin() + i, [](const Tensor& y) { return y.defined(); });
      return saved[static_cast<size_t>(i)].defined() && context->needs_input_grad(static_cast<size_t>(place));
    };
    const Below guard;
    variable_list out(kTensors + kOptions);
    Dual g{gradients[0], gradients.size() > 1 ? gradients[1] : Tensor()};
    bool of_affine = false;
    for (const int i : {kA, kDa, kB, kDb}) of_affine = of_affine || wants(i);
    const bool inputs = of_affine || wants(kX) || wants(kDx);
    Tensor statistics = saved[kStatistics];
    const bool blocks = inputs && in_blocks(prologue, product, x.primal, weight, saved[kBias], type);
    const Wanted wanted{inputs, wants(kWeight), wants(kBias)};
    NormGradients of_inputs;
    if (blocks) {
      RowProductGradients of =
          multiply_backward(prologue.gradient(x, p, type, statistics, of_affine), g, weight_in(weight, type), wanted);
      of_inputs = std::move(of.arguments);
      out[kWeight] = of.weight;
      out[kBias] = of.bias;
    } else if (product.kind != Product::Kind::none) {
      Dual y{saved[kY], saved[kDy]};
      if (!y.primal.defined())
        y = wanted.weight ? prologue.forward(x, p, type, statistics) : shape_of_output(x, g, type);
      const ProductGradients of = multiply_backward(product, g, y, weight_in(weight, type), wanted);
      out[kWeight] = of.weight;
      out[kBias] = of.bias;
      g = of.x;
    }
    if (!inputs) return out;
    if (!blocks) of_inputs = prologue.backward(x, p, statistics, as_loops_take(g, x.primal, prologue.kind), of_affine);
    out[kX] = of_inputs.x.primal;
    out[kDx] = of_inputs.x.tangent;
    out[kA] = of_inputs.affine.a;
    out[kDa] = of_inputs.affine.da;
    out[kB] = of_inputs.affine.b;
    out[kDb] = of_inputs.affine.db;
    return out;
  }

 private:
  /// Whether prologue and product go over blocks of rows together.
  static bool in_blocks(const Prologue& prologue, const Product& product, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, at::ScalarType type) {
    return product.kind == Product::Kind::linear && prologue.on_rows() && takes_blocks(x, weight, bias, type);
  }

  /// The gradients of the plain form with a history of their own: those of the same layer made of LibTorch's operations.
  static variable_list recorded(const Prologue& prologue, const Product& product, const variable_list& saved,
                                const Tensor& gradient) {
    const Pending<Tensor> pending{.kind = prologue.kind,
                                  .x = saved[kX],
                                  .scale = saved[kA],
                                  .shift = saved[kA].defined() ? saved[kB] : Tensor(),
                                  .bias = saved[kA].defined() ? Tensor() : saved[kB],
                                  .groups = prologue.groups,
                                  .eps = prologue.eps,
                                  .with_silu = prologue.with_silu};
    const Tensor y = composed(pending);
    const Tensor z =
        product.kind == Product::Kind::none ? y : multiply(product, {y, {}}, saved[kWeight], saved[kBias]).primal;
    variable_list inputs, out(kTensors + kOptions);
    std::vector<size_t> places;
    for (size_t i = 0; i < kTensors; ++i) {
      if (!saved[i].defined() || !saved[i].requires_grad()) continue;
      inputs.push_back(saved[i]);
      places.push_back(i);
    }
    const variable_list found = torch::autograd::grad({z}, inputs, {gradient}, /*retain_graph=*/true,
                                                      /*create_graph=*/true, /*allow_unused=*/true);
    for (size_t i = 0; i < places.size(); ++i) out[places[i]] = found[i];
    return out;
  }

  /// A stand-in for the prologue's result, in the type of the product: it may have a tangent where x has none.
  static Dual shape_of_output(const Dual& x, const Dual& g, at::ScalarType type) {
    const auto like = [type](const Tensor& a) {
      return a.scalar_type() == type ? a : a.new_empty_strided(a.sizes(), a.strides(), a.options().dtype(type));
    };
    const Tensor p = like(x.primal);
    if (!g.tangent.defined()) return {p, {}};
    return {p, x.tangent.defined() ? like(x.tangent) : p};
  }

  /// Gradients come as whatever the next layer made of them.
  static Dual as_loops_take(const Dual& g, const Tensor& x, Kind kind) {
    if (kind == Kind::none) return g;
    return linear_map(g, [&](const Tensor& a) { return a.contiguous(x.suggest_memory_format()); });
  }
};

template <Value V>
bool loops_take_all(const Pending<V>& pending) {
  using PendingKind = typename Pending<V>::Kind;
  const Tensor& x = primal(pending.x);
  const bool norm = pending.kind == PendingKind::layer_norm || pending.kind == PendingKind::group_norm;
  if (norm && primal(pending.scale).defined() && primal(pending.scale).dim() > 2) return false;
  if (pending.kind == PendingKind::group_norm) return loops_take_image(x) && primal(pending.scale).defined();
  return loops_take(x) && is_row_for(pending.bias, x);
}

Dual as_dual(const Tensor& x) { return {x, {}}; }
Dual as_dual(const Dual& x) { return x; }

template <Value V>
V from_outputs(const variable_list& out) {
  if constexpr (std::same_as<V, Tensor>) {
    return out[0];
  } else {
    return {out[0], out.size() > 1 ? out[1] : Tensor()};
  }
}

/// Both tangents of an affine part, or none: the loops know no half of it.
Affine affine_of(const Dual& scale, const Dual& shift) {
  const bool moves = scale.tangent.defined() || shift.tangent.defined();
  const auto tangent = [&](const Dual& x) { return moves ? tangent_or_zeros(x) : Tensor(); };
  // with rows of their own: parts of a modulation would be copied forward and backward where scale + 1 is no such part
  const auto wide = [](const Tensor& x) { return x.defined() ? x.to(at::kFloat).contiguous() : x; };
  return {wide(scale.primal), wide(shift.primal), wide(tangent(scale)), wide(tangent(shift))};
}

template <Value V>
V by_loops(const Product& product, const Pending<V>& pending, const Tensor& weight, const Tensor& bias) {
  const Prologue prologue{static_cast<Kind>(pending.kind), pending.groups, pending.eps, pending.with_silu};
  Dual x = as_dual(pending.x);
  const auto laid_out = [&](const Tensor& a) {
    if (prologue.kind == Kind::none) return a;
    return a.contiguous(prologue.kind == Kind::group_norm ? at::MemoryFormat::ChannelsLast
                                                          : at::MemoryFormat::Contiguous);
  };
  x = linear_map(x, laid_out);
  Affine p = affine_of(as_dual(pending.scale), as_dual(pending.shift));
  if (prologue.kind == Kind::silu || prologue.kind == Kind::gelu) p = {{}, as_row(pending.bias), {}, {}};
  const at::ScalarType type = product.kind == Product::Kind::none && prologue.kind != Kind::layer_norm
                                  ? x.primal.scalar_type()
                                  : compute_type(x.primal);
  if (prologue.kind != Kind::none && prologue.kind != Kind::layer_norm && x.primal.scalar_type() != type) {
    x = linear_map(x, [&](const Tensor& a) { return a.to(type); });
  }
  // What the product took is needed for the gradient of its weight alone. It is not kept where the product goes over blocks
  // of rows: the backward pass of what is pending writes it again. Elsewhere a layer norm in fp32 is computed again from its
  // statistics, since it would take much memory and spare little time.
  const bool computed_again = recomputes_activations() || (prologue.kind == Kind::layer_norm && type == at::kFloat);
  const bool keeps = prologue.kind != Kind::none && c10::GradMode::is_enabled() && weight.defined() &&
                     weight.requires_grad() && !computed_again;
  return from_outputs<V>(Fused::apply(x.primal, given(x.tangent), given(p.a), given(p.da), given(p.b), given(p.db),
                                      given(weight), given(bias), prologue, product, type, keeps));
}

}  // namespace

template <Value V>
V fused(const Product& product, const Pending<V>& pending, const Tensor& weight, const Tensor& bias) {
  if (loops_take_all(pending)) return by_loops(product, pending, weight, bias);
  const V x = composed(pending);
  return product.kind == Product::Kind::none ? x : by_loops<V>(product, {.x = x}, weight, bias);
}

template Tensor fused(const Product&, const Pending<Tensor>&, const Tensor&, const Tensor&);
template Dual fused(const Product&, const Pending<Dual>&, const Tensor&, const Tensor&);

}  // namespace ttfm::nn
