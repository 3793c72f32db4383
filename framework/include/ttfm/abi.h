/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The ttfm authors
 *
 * The border between the host and a plugin, in C. Frozen for TTFM_ABI_MAJOR: a struct only ever grows at its end, and
 * its first field says how large the writer's version of it is. Plugin authors use the C++ builder in <ttfm/plugin.h>.
 */
#ifndef TTFM_ABI_H
#define TTFM_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A host understands plugins of its own major and of every minor up to its own. */
#define TTFM_ABI_MAJOR 1
/** The minor number: raised by whatever is added. */
#define TTFM_ABI_MINOR 1

/** First field of the descriptor: "TTFM" read as a little-endian number. */
#define TTFM_MAGIC 0x4D465454u

/** Name of the ELF note that ttfm_add_plugin() writes; its text is lines of `key=value`. */
#define TTFM_NOTE_NAME "ttfm"
/** Type of that note. */
#define TTFM_NOTE_TYPE 1u

/** What the descriptor's classes are made of; 1 is C++ classes that pass at::Tensor. */
#define TTFM_ABI_KIND_CXX_TENSOR 1u

/** The five interfaces. The values are part of the ABI. */
typedef enum ttfm_kind {
  TTFM_LOSS = 1,    /**< a ttfm::Loss */
  TTFM_TEACHER = 2, /**< a ttfm::Teacher */
  TTFM_STUDENT = 3, /**< a ttfm::Student */
  TTFM_SAMPLER = 4, /**< a ttfm::Sampler */
  TTFM_DATASET = 5  /**< a ttfm::Dataset */
} ttfm_kind;

/** What a function of a plugin says. */
typedef enum ttfm_status {
  TTFM_OK = 0,    /**< done */
  TTFM_FAILED = 1 /**< it has called ttfm_host_v1::set_error */
} ttfm_status;

/** The type of a parameter's value. */
typedef enum ttfm_param_type {
  TTFM_PARAM_BOOL = 1,       /**< true or false */
  TTFM_PARAM_INT = 2,        /**< a 64-bit whole number */
  TTFM_PARAM_FLOAT = 3,      /**< finite, unless a limit is inf */
  TTFM_PARAM_STRING = 4,     /**< any text */
  TTFM_PARAM_CHOICE = 5,     /**< a string, one of `choices` */
  TTFM_PARAM_INT_LIST = 6,   /**< a list of whole numbers */
  TTFM_PARAM_FLOAT_LIST = 7, /**< a list of numbers */
  TTFM_PARAM_FLOAT_ROWS = 8, /**< a list of lists of equal length */
  TTFM_PARAM_PATH = 9,       /**< relative paths are relative to the file that has the key */
  TTFM_PARAM_STUDENT = 10    /**< a nested table with a student's `type` and parameters */
} ttfm_param_type;

/** Bits of ttfm_param_v1::flags. */
enum {
  TTFM_PARAM_REQUIRED = 1,      /**< has no default */
  TTFM_PARAM_ADVANCED = 2,      /**< left out of short listings, which only name it */
  TTFM_PARAM_MIN_EXCLUSIVE = 4, /**< the value must be above min, not equal to it */
  TTFM_PARAM_MAX_EXCLUSIVE = 8  /**< the value must be below max, not equal to it */
};

/** One parameter: a row of `ttfm plugin describe`, of the documentation, and of the host's validation. */
typedef struct ttfm_param_v1 {
  uint32_t struct_size;     /**< sizeof, as its writer knows it */
  uint32_t type;            /**< ttfm_param_type */
  uint32_t flags;           /**< bits, see TTFM_PARAM_REQUIRED */
  uint32_t reserved;        /**< 0 */
  const char* name;         /**< snake_case */
  const char* default_toml; /**< the default as a TOML value; null if there is none */
  const char* min_toml;     /**< limits of a number, or of each element of a list; null if there is none */
  const char* max_toml;     /**< likewise */
  const char* choices;      /**< separated by '|'; null unless type is TTFM_PARAM_CHOICE */
  const char* unit;         /**< null if it has none */
  const char* doc;          /**< one line */
  const char* since;        /**< version of the plugin that added it */
} ttfm_param_v1;

/** How much a line of the log matters. */
typedef enum ttfm_log_level {
  TTFM_LOG_DEBUG = 1,  /**< in the log file only */
  TTFM_LOG_INFO = 2,   /**< also on the screen */
  TTFM_LOG_WARNING = 3 /**< marked as a warning */
} ttfm_log_level;

/** What the host offers to a plugin's C functions. Valid as long as the process; its functions may be called from any
 *  thread, copy their texts, and never throw. */
typedef struct ttfm_host_v1 {
  uint32_t struct_size; /**< sizeof, as its writer knows it */
  uint16_t abi_major,   /**< the host's major number */
      abi_minor;        /**< and its minor number */
  /** Keeps the error for which a function is about to return TTFM_FAILED on this thread: ttfm::ErrorKind, number in the
   *  error index (0: none), text. */
  void (*set_error)(uint32_t kind, int32_t code, const char* what);
  /** Writes a line to the run's log: ttfm_log_level, who says it, text. */
  void (*log)(uint32_t level, const char* component, const char* text);
} ttfm_host_v1;

/** Validated parameters; a ttfm::Config for C++ plugins. */
typedef struct ttfm_config ttfm_config;

/** One component that a plugin offers. */
typedef struct ttfm_component_v1 {
  uint32_t struct_size;        /**< sizeof, as its writer knows it */
  uint32_t kind;               /**< ttfm_kind */
  const char* name;            /**< snake_case: the value of `type` in a configuration */
  const char* summary;         /**< one line */
  const char* doc_url;         /**< may be null */
  uint64_t reserved;           /**< 0 */
  const ttfm_param_v1* params; /**< walked in steps of params[0].struct_size */
  uint32_t param_count;        /**< rows of `params` */
  uint32_t reserved1;          /**< 0 */
  /** Stores a ttfm::Interface* in *out. Never throws; on TTFM_FAILED it has called host->set_error. */
  ttfm_status (*create)(const ttfm_host_v1* host, const ttfm_config* config, void** out);
  void (*destroy)(void* component); /**< what create() stored; never throws */
} ttfm_component_v1;

/** What a plugin is. Lives as long as the process: nothing is ever unloaded. */
typedef struct ttfm_plugin_v1 {
  uint32_t magic;                      /**< TTFM_MAGIC */
  uint32_t struct_size;                /**< sizeof, as its writer knows it */
  uint16_t abi_major,                  /**< the host must have the same */
      abi_minor;                       /**< the host must have at least this one */
  uint16_t abi_kind;                   /**< TTFM_ABI_KIND_CXX_TENSOR */
  uint16_t reserved;                   /**< 0 */
  const char* torch_tag;               /**< LibTorch's major.minor, for example "2.15" */
  const char* build_tag;               /**< "x86_64;libstdc++;cxx11abi=1" */
  const char* name;                    /**< snake_case */
  const char* version;                 /**< major.minor.patch */
  const char* license;                 /**< SPDX expression */
  const char* vendor;                  /**< who answers for it; may be empty */
  const char* url;                     /**< where it comes from; may be empty */
  const ttfm_component_v1* components; /**< walked in steps of components[0].struct_size */
  uint32_t component_count;            /**< at least 1 */
  uint32_t reserved1;                  /**< 0 */
  /** Optional. Called once, after this descriptor has been accepted and before any of its components is created: the
   *  place to register operators with LibTorch. Plugins are opened when one of their components is first asked for, so
   *  it can rely on no other plugin. Never throws; other than TTFM_OK refuses the plugin (E118). */
  ttfm_status (*on_load)(const ttfm_host_v1* host);
} ttfm_plugin_v1;

/** The one symbol that a plugin exports. Returns null if the plugin cannot describe itself. */
const ttfm_plugin_v1* ttfm_plugin_entry_v1(void);

#ifdef __cplusplus
}
#define TTFM_LAYOUT(condition) static_assert(condition, "this breaks the promise of ABI 1")
#else
#define TTFM_LAYOUT(condition) _Static_assert(condition, "this breaks the promise of ABI 1")
#endif
/* The size of a struct that grows. */
#define TTFM_LAYOUT_SIZE(type, size) TTFM_LAYOUT(sizeof(type) == (size))

/* What ABI 1.0 has: the least `struct_size`, in every minor. */
#define TTFM_PARAM_V1_LEAST 80u     /**< of a ttfm_param_v1 */
#define TTFM_HOST_V1_LEAST 24u      /**< of a ttfm_host_v1 */
#define TTFM_COMPONENT_V1_LEAST 72u /**< of a ttfm_component_v1 */
#define TTFM_PLUGIN_V1_LEAST 96u    /**< of a ttfm_plugin_v1 */

/* The layout of ABI 1, on 64-bit targets. A line that fails here is a broken promise to every plugin in the field: a new
 * field, at the end, adds a line and raises the size of its struct. Each minor's lines are kept in tests/abi/baseline and
 * hold for every later one. */
TTFM_LAYOUT(sizeof(void*) == 8);
TTFM_LAYOUT(sizeof(ttfm_kind) == 4 && sizeof(ttfm_status) == 4);

TTFM_LAYOUT(TTFM_MAGIC == 0x4D465454 && TTFM_NOTE_TYPE == 1 && TTFM_ABI_KIND_CXX_TENSOR == 1);
TTFM_LAYOUT(TTFM_LOSS == 1 && TTFM_TEACHER == 2 && TTFM_STUDENT == 3 && TTFM_SAMPLER == 4 && TTFM_DATASET == 5);
TTFM_LAYOUT(TTFM_OK == 0 && TTFM_FAILED == 1);
TTFM_LAYOUT(TTFM_PARAM_BOOL == 1 && TTFM_PARAM_INT == 2 && TTFM_PARAM_FLOAT == 3 && TTFM_PARAM_STRING == 4);
TTFM_LAYOUT(TTFM_PARAM_CHOICE == 5 && TTFM_PARAM_INT_LIST == 6 && TTFM_PARAM_FLOAT_LIST == 7);
TTFM_LAYOUT(TTFM_PARAM_FLOAT_ROWS == 8 && TTFM_PARAM_PATH == 9 && TTFM_PARAM_STUDENT == 10);
TTFM_LAYOUT(TTFM_PARAM_REQUIRED == 1 && TTFM_PARAM_ADVANCED == 2);
TTFM_LAYOUT(TTFM_PARAM_MIN_EXCLUSIVE == 4 && TTFM_PARAM_MAX_EXCLUSIVE == 8);
TTFM_LAYOUT(TTFM_LOG_DEBUG == 1 && TTFM_LOG_INFO == 2 && TTFM_LOG_WARNING == 3);

TTFM_LAYOUT(offsetof(ttfm_param_v1, struct_size) == 0);
TTFM_LAYOUT(offsetof(ttfm_param_v1, type) == 4);
TTFM_LAYOUT(offsetof(ttfm_param_v1, flags) == 8);
TTFM_LAYOUT(offsetof(ttfm_param_v1, reserved) == 12);
TTFM_LAYOUT(offsetof(ttfm_param_v1, name) == 16);
TTFM_LAYOUT(offsetof(ttfm_param_v1, default_toml) == 24);
TTFM_LAYOUT(offsetof(ttfm_param_v1, min_toml) == 32);
TTFM_LAYOUT(offsetof(ttfm_param_v1, max_toml) == 40);
TTFM_LAYOUT(offsetof(ttfm_param_v1, choices) == 48);
TTFM_LAYOUT(offsetof(ttfm_param_v1, unit) == 56);
TTFM_LAYOUT(offsetof(ttfm_param_v1, doc) == 64);
TTFM_LAYOUT(offsetof(ttfm_param_v1, since) == 72);
TTFM_LAYOUT_SIZE(ttfm_param_v1, 80);

TTFM_LAYOUT(offsetof(ttfm_host_v1, struct_size) == 0);
TTFM_LAYOUT(offsetof(ttfm_host_v1, abi_major) == 4);
TTFM_LAYOUT(offsetof(ttfm_host_v1, abi_minor) == 6);
TTFM_LAYOUT(offsetof(ttfm_host_v1, set_error) == 8);
TTFM_LAYOUT(offsetof(ttfm_host_v1, log) == 16);
TTFM_LAYOUT_SIZE(ttfm_host_v1, 24);

TTFM_LAYOUT(offsetof(ttfm_component_v1, struct_size) == 0);
TTFM_LAYOUT(offsetof(ttfm_component_v1, kind) == 4);
TTFM_LAYOUT(offsetof(ttfm_component_v1, name) == 8);
TTFM_LAYOUT(offsetof(ttfm_component_v1, summary) == 16);
TTFM_LAYOUT(offsetof(ttfm_component_v1, doc_url) == 24);
TTFM_LAYOUT(offsetof(ttfm_component_v1, reserved) == 32);
TTFM_LAYOUT(offsetof(ttfm_component_v1, params) == 40);
TTFM_LAYOUT(offsetof(ttfm_component_v1, param_count) == 48);
TTFM_LAYOUT(offsetof(ttfm_component_v1, reserved1) == 52);
TTFM_LAYOUT(offsetof(ttfm_component_v1, create) == 56);
TTFM_LAYOUT(offsetof(ttfm_component_v1, destroy) == 64);
TTFM_LAYOUT_SIZE(ttfm_component_v1, 72);

TTFM_LAYOUT(offsetof(ttfm_plugin_v1, magic) == 0);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, struct_size) == 4);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, abi_major) == 8);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, abi_minor) == 10);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, abi_kind) == 12);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, reserved) == 14);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, torch_tag) == 16);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, build_tag) == 24);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, name) == 32);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, version) == 40);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, license) == 48);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, vendor) == 56);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, url) == 64);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, components) == 72);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, component_count) == 80);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, reserved1) == 84);
TTFM_LAYOUT(offsetof(ttfm_plugin_v1, on_load) == 88);
TTFM_LAYOUT_SIZE(ttfm_plugin_v1, 96);

#endif
