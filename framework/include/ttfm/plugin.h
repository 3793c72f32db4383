// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>

#include <cstdio>
#include <deque>
#include <exception>
#include <new>
#include <string_view>
#include <type_traits>

#include <ttfm/abi.h>
#include <ttfm/dataset.h>
#include <ttfm/error.h>
#include <ttfm/layout.h>
#include <ttfm/loss.h>
#include <ttfm/options.h>
#include <ttfm/sampler.h>
#include <ttfm/student.h>
#include <ttfm/teacher.h>

#if !defined(_GLIBCXX_USE_CXX11_ABI) || _GLIBCXX_USE_CXX11_ABI != 1
#error "ttfm plugins need libstdc++ with its C++11 ABI (_GLIBCXX_USE_CXX11_ABI=1), like LibTorch"
#endif

#define TTFM_STRINGIFY_(x) #x
/// What the macro `x` stands for, as a string literal.
#define TTFM_STRINGIFY(x) TTFM_STRINGIFY_(x)

/// The LibTorch that the including file is compiled for, "major.minor".
#define TTFM_TORCH_TAG TTFM_STRINGIFY(TORCH_VERSION_MAJOR) "." TTFM_STRINGIFY(TORCH_VERSION_MINOR)
/// The processor and the C++ ABI that it is compiled for.
#define TTFM_BUILD_TAG "x86_64;libstdc++;cxx11abi=1"

namespace ttfm {

/// Whether memory ran out: the exception of C++, that of LibTorch for devices, or what its allocator of host memory
/// throws, which only the text tells from other errors of LibTorch.
inline bool is_out_of_memory(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) || dynamic_cast<const c10::OutOfMemoryError*>(&exception)) {
    return true;
  }
  const auto* const error = dynamic_cast<const c10::Error*>(&exception);
  return error &&
         std::string_view(error->what_without_backtrace()).find("can't allocate memory") != std::string_view::npos;
}

/// Describes a plugin. The whole of a plugin.cpp:
///
///     TTFM_PLUGIN(plugin, "itvm", "0.1.0") {
///       plugin.license("Apache-2.0");
///       plugin.add<ItvmLoss>("itvm", "initial/terminal velocity matching");
///     }
///
/// A component is a class that derives from Loss, Teacher, Student, Sampler or Dataset. Its parameters are described by
/// its nested struct Options (<ttfm/options.h>) if it has one; it is constructed from (const Options&, const Config&),
/// (const Options&), (const Config&) or nothing. A constructor reports what is wrong by throwing ttfm::Error; whatever
/// else it throws counts as a bug in the plugin, but for memory that ran out (ErrorKind::device).
class Plugin {
 public:
  /// `name` in snake_case, `version` as major.minor.patch. TTFM_PLUGIN calls it.
  Plugin(const char* name, const char* version) {
    plugin_.name = name;
    plugin_.version = version;
  }

  Plugin(const Plugin&) = delete;  // the rows of its tables point into it
  Plugin& operator=(const Plugin&) = delete;

  /// An SPDX expression, such as "Apache-2.0".
  Plugin& license(const char* spdx) { return plugin_.license = spdx, *this; }
  /// Who answers for the plugin.
  Plugin& vendor(const char* text) { return plugin_.vendor = text, *this; }
  /// Where it comes from.
  Plugin& url(const char* text) { return plugin_.url = text, *this; }

  /// Offers the class T as a component. `name`, in snake_case, is its `type` in a configuration, `summary` one line for
  /// listings; `doc_url` may be null. The texts are kept by address: literals.
  template <class T>
  Plugin& add(const char* name, const char* summary, const char* doc_url = nullptr) {
    ttfm_component_v1 component{};
    component.struct_size = sizeof component;
    component.kind = kind_of<T>();
    component.name = name;
    component.summary = summary;
    component.doc_url = doc_url;
    if constexpr (requires { typename T::Options; })
      tables_.push_back(param_table<typename T::Options>());
    else
      tables_.emplace_back();
    component.params = tables_.back().rows().data();
    component.param_count = static_cast<uint32_t>(tables_.back().rows().size());
    component.create = &create<T>;
    component.destroy = [](void* object) { delete static_cast<Interface*>(object); };
    components_.push_back(component);
    return *this;
  }

  /// What the entry point returns; valid as long as the Plugin.
  const ttfm_plugin_v1* descriptor() {
    plugin_.components = components_.data();
    plugin_.component_count = static_cast<uint32_t>(components_.size());
    return &plugin_;
  }

 private:
  template <class T>
  static constexpr ttfm_kind kind_of() {
    static_assert(std::is_base_of_v<Interface, T>,
                  "a component derives from ttfm::Loss, Teacher, Student, Sampler or Dataset");
    if constexpr (std::is_base_of_v<Loss, T>) return TTFM_LOSS;
    if constexpr (std::is_base_of_v<Teacher, T>) return TTFM_TEACHER;
    if constexpr (std::is_base_of_v<Student, T>) return TTFM_STUDENT;
    if constexpr (std::is_base_of_v<Sampler, T>) return TTFM_SAMPLER;
    if constexpr (std::is_base_of_v<Dataset, T>) return TTFM_DATASET;
  }

  template <class T>
  static Interface* construct(const Config& config) {
    if constexpr (requires { typename T::Options; }) {
      const auto options = read_options<typename T::Options>(config);
      if constexpr (std::is_constructible_v<T, const typename T::Options&, const Config&>) {
        return new T(options, config);
      } else {
        return new T(options);
      }
    } else if constexpr (std::is_constructible_v<T, const Config&>) {
      return new T(config);
    } else {
      return new T();
    }
  }

  template <class T>
  static ttfm_status create(const ttfm_host_v1* host, const ttfm_config* config, void** out) {
    const auto fail = [host](ErrorKind kind, int code, const char* what) {
      host->set_error(static_cast<uint32_t>(kind), code, what);
      return TTFM_FAILED;
    };
    try {
      *out = construct<T>(Config(reinterpret_cast<const Config::Impl*>(config)));
      return TTFM_OK;
    } catch (const Error& error) {
      return fail(error.kind(), error.code(), error.what());
    } catch (const std::exception& error) {
      const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
      const char* const what = of_torch ? of_torch->what_without_backtrace() : error.what();
      if (!is_out_of_memory(error)) return fail(ErrorKind::internal, 0, what);
      char text[400];  // there may be no memory for a string
      std::snprintf(text, sizeof text, "out of memory (%s)", what);
      return fail(ErrorKind::device, 0, text);
    } catch (...) {
      return fail(ErrorKind::internal, 0, "an exception that is not a std::exception");
    }
  }

  ttfm_plugin_v1 plugin_ = {.magic = TTFM_MAGIC,
                            .struct_size = sizeof(ttfm_plugin_v1),
                            .abi_major = TTFM_ABI_MAJOR,
                            .abi_minor = TTFM_ABI_MINOR,
                            .abi_kind = TTFM_ABI_KIND_CXX_TENSOR,
                            .reserved = 0,
                            .torch_tag = TTFM_TORCH_TAG,
                            .build_tag = TTFM_BUILD_TAG,
                            .name = "",
                            .version = "",
                            .license = "",
                            .vendor = "",
                            .url = "",
                            .components = nullptr,
                            .component_count = 0,
                            .reserved1 = 0,
                            .on_load = nullptr};
  std::deque<ParamTable> tables_;  // rows stay where they are
  std::vector<ttfm_component_v1> components_;
};

}  // namespace ttfm

/// Defines the plugin's entry point; a block that describes `plugin` follows. Nothing of it runs before the host asks,
/// and nothing registers itself.
#define TTFM_PLUGIN(plugin, name, version)                                               \
  static void ttfm_describe_plugin(ttfm::Plugin& plugin);                                \
  extern "C" TTFM_API const ttfm_plugin_v1* ttfm_plugin_entry_v1(void) {                 \
    try {                                                                                \
      static ttfm::Plugin* const described = [] {                                        \
        auto* made = new ttfm::Plugin(name, version); /* lives as long as the process */ \
        ttfm_describe_plugin(*made);                                                     \
        return made;                                                                     \
      }();                                                                               \
      return described->descriptor();                                                    \
    } catch (const std::exception&) {                                                    \
      return nullptr; /* the host says so: E106 */                                       \
    }                                                                                    \
  }                                                                                      \
  static void ttfm_describe_plugin(ttfm::Plugin& plugin)
