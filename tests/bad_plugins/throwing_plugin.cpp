// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include <stdexcept>

/// What a hand-written descriptor can get wrong that TTFM_PLUGIN does not allow: `throws_through` lets an exception
/// cross the C border, and `wrong_class` says that it is a loss and makes a student.
namespace {

struct AStudent final : ttfm::Student {};

ttfm_status throw_through(const ttfm_host_v1*, const ttfm_config*, void**) {
  throw std::runtime_error("out of cheese");
}

ttfm_status make_student(const ttfm_host_v1*, const ttfm_config*, void** out) {
  *out = static_cast<ttfm::Interface*>(new AStudent);
  return TTFM_OK;
}

void destroy(void* object) { delete static_cast<ttfm::Interface*>(object); }

ttfm_component_v1 loss(const char* name, decltype(ttfm_component_v1::create) create) {
  ttfm_component_v1 component{};
  component.struct_size = sizeof component;
  component.kind = TTFM_LOSS;
  component.name = name;
  component.summary = "a plugin for tests";
  component.create = create;
  component.destroy = &destroy;
  return component;
}

}  // namespace

extern "C" TTFM_API const ttfm_plugin_v1* ttfm_plugin_entry_v1(void) {
  static const ttfm_component_v1 components[] = {loss("throws_through", &throw_through),
                                                 loss("wrong_class", &make_student)};
  static const ttfm_plugin_v1 plugin = {.magic = TTFM_MAGIC,
                                        .struct_size = sizeof(ttfm_plugin_v1),
                                        .abi_major = TTFM_ABI_MAJOR,
                                        .abi_minor = TTFM_ABI_MINOR,
                                        .abi_kind = TTFM_ABI_KIND_CXX_TENSOR,
                                        .reserved = 0,
                                        .torch_tag = TTFM_TORCH_TAG,
                                        .build_tag = TTFM_BUILD_TAG,
                                        .name = "throwing",
                                        .version = "0.1.0",
                                        .license = "Apache-2.0",
                                        .vendor = "",
                                        .url = "",
                                        .components = components,
                                        .component_count = 2,
                                        .reserved1 = 0,
                                        .on_load = nullptr};
  return &plugin;
}
