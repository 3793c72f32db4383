/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The ttfm authors
 *
 * One plugin, written against the C border alone. Built without a DEFECT_ macro it is a good one (loss/sound, which
 * nobody creates); built with one, exactly that is wrong with it.
 */
#include <torch/headeronly/version.h>
#include <ttfm/abi.h>

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
#define COUNT(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

/* The tag. DEFECT_ALL_TAGS has three defects, because the host names all of them at once. */
#define ABI STRINGIFY(TTFM_ABI_MAJOR) "." STRINGIFY(TTFM_ABI_MINOR)
#define TORCH STRINGIFY(TORCH_VERSION_MAJOR) "." STRINGIFY(TORCH_VERSION_MINOR)
#define BUILD "x86_64;libstdc++;cxx11abi=1"
#define MAJOR TTFM_ABI_MAJOR
#define MINOR TTFM_ABI_MINOR
#if defined(DEFECT_NEWER_MAJOR)
#undef ABI
#define ABI "2.0"
#elif defined(DEFECT_OLDER_MAJOR)
#undef ABI
#define ABI "0.9"
#elif defined(DEFECT_NEWER_MINOR)
#undef ABI
#define ABI "1.9"
#elif defined(DEFECT_NO_VERSION)
#undef ABI
#define ABI "one"
#elif defined(DEFECT_TORCH_TAG)
#undef TORCH
#define TORCH "2.14"
#elif defined(DEFECT_BUILD_TAG)
#undef BUILD
#define BUILD "x86_64;libstdc++;cxx11abi=0"
#elif defined(DEFECT_ALL_TAGS)
#undef ABI
#undef TORCH
#undef BUILD
#define ABI "1.9"
#define TORCH "2.14"
#define BUILD "x86_64;libstdc++;cxx11abi=0"
#elif defined(DEFECT_LYING_MAJOR)
#undef MAJOR
#undef MINOR
#define MAJOR 2
#define MINOR 0
#endif

/* The note. */
#if defined(DEFECT_NO_COMPONENT)
#define OFFERS ""
#elif defined(DEFECT_OTHER_NOTE)
#define OFFERS "offers=loss/other_note\noffers=teacher/other_note\n"
#elif defined(DEFECT_BAD_OFFER)
#define OFFERS "offers=losses/bad_offer\n"
#else
#define OFFERS "offers=loss/" COMPONENT "\n"
#endif
#define TEXT "abi=" ABI "\ntorch=" TORCH "\nbuild=" BUILD "\nplugin=" COMPONENT "\n" OFFERS
#ifndef DEFECT_NO_NOTE
__attribute__((section(".note.ttfm"), used, aligned(4))) static const struct {
  uint32_t name_size, text_size, type;
  char name[8];
  char text[(sizeof(TEXT) + 3) / 4 * 4];
} note = {sizeof(TTFM_NOTE_NAME), sizeof(TEXT), TTFM_NOTE_TYPE, TTFM_NOTE_NAME, TEXT};
#endif

/* The component. */
/* Some defects leave a part of this unused. */
__attribute__((unused)) static const ttfm_param_v1 params[] = {
    {.struct_size = sizeof(ttfm_param_v1),
     .type = TTFM_PARAM_FLOAT,
     .name = "step",
#if defined(DEFECT_BAD_DEFAULT)
     .default_toml = "a fifth",
#else
     .default_toml = "0.2",
#endif
     .doc = "the longest step"},
#if defined(DEFECT_DUPLICATE_PARAMETER)
    {.struct_size = sizeof(ttfm_param_v1), .type = TTFM_PARAM_INT, .name = "step", .doc = "the longest step again"},
#elif defined(DEFECT_NESTED_STUDENT)
    {.struct_size = sizeof(ttfm_param_v1), .type = TTFM_PARAM_STUDENT, .name = "critic", .doc = "another network"},
#endif
};

__attribute__((unused)) static ttfm_status create(const ttfm_host_v1* host, const ttfm_config* config, void** out) {
  (void)config;
  *out = 0;
#if defined(DEFECT_CREATE_RETURNS_NULL)
  (void)host;
  return TTFM_OK;
#elif defined(DEFECT_CREATE_WITHOUT_REASON)
  (void)host;
  return TTFM_FAILED;
#else
  host->log(TTFM_LOG_WARNING, COMPONENT, "about to fail");
  host->set_error(2, 0, "step is above 1");
  return TTFM_FAILED;
#endif
}

__attribute__((unused)) static void destroy(void* component) { (void)component; }

#define ENTRY(of_name)                                                                                             \
  {                                                                                                                \
    .struct_size = sizeof(ttfm_component_v1), .kind = TTFM_LOSS, .name = of_name, .summary = "a plugin for tests", \
    .params = params, .param_count = COUNT(params), .create = &create, .destroy = &destroy                         \
  }

static const ttfm_component_v1 components[] = {
#if defined(DEFECT_NULL_NAME)
    ENTRY(0),
#elif defined(DEFECT_SMALL_COMPONENT)
    {.struct_size = 40, .kind = TTFM_LOSS, .name = COMPONENT},
#elif defined(DEFECT_NO_DESTROY)
    {.struct_size = sizeof(ttfm_component_v1), .kind = TTFM_LOSS, .name = COMPONENT, .summary = "", .create = &create},
#else
    ENTRY(COMPONENT),
#endif
#if defined(DEFECT_DUPLICATE_COMPONENT)
    ENTRY(COMPONENT),
#endif
};

#if defined(DEFECT_ON_LOAD_FAILS)
static ttfm_status on_load(const ttfm_host_v1* host) {
  host->set_error(8, 0, "no such device");
  return TTFM_FAILED;
}
#endif

static const ttfm_plugin_v1 plugin = {
#if defined(DEFECT_BAD_MAGIC)
    .magic = 0x12345678,
#else
    .magic = TTFM_MAGIC,
#endif
#if defined(DEFECT_SMALL_DESCRIPTOR)
    .struct_size = 40,
#else
    .struct_size = sizeof(ttfm_plugin_v1),
#endif
    .abi_major = MAJOR,
    .abi_minor = MINOR,
#if defined(DEFECT_OTHER_OBJECTS)
    .abi_kind = 7,
#else
    .abi_kind = TTFM_ABI_KIND_CXX_TENSOR,
#endif
    .torch_tag = TORCH,
    .build_tag = BUILD,
    .name = COMPONENT,
    .version = "0.1.0",
    .license = "Apache-2.0",
    .components = components,
#if !defined(DEFECT_NO_COMPONENT)
    .component_count = COUNT(components),
#endif
#if defined(DEFECT_ON_LOAD_FAILS)
    .on_load = &on_load,
#endif
};

#if defined(DEFECT_UNDEFINED_SYMBOL)
void nope(void) __asm__("_Z4nopev"); /* void nope() of C++ */
#endif

#if !defined(DEFECT_NO_ENTRY) && !defined(DEFECT_BORROWED_ENTRY)
__attribute__((visibility("default"))) const ttfm_plugin_v1* ttfm_plugin_entry_v1(void) {
#if defined(DEFECT_UNDEFINED_SYMBOL)
  nope();
#elif defined(DEFECT_NULL_DESCRIPTOR)
  return 0;
#endif
  return &plugin;
}
#else
__attribute__((visibility("default"))) const ttfm_plugin_v1* another_name(void) { return &plugin; }
#endif
