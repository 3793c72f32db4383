// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/isa.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <atomic>
#include <cstdlib>

#include <ttfm/error.h>

namespace ttfm::kernels {
namespace {

constexpr Isa kAll[] = {Isa::plain, Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx};
constexpr int kUnknown = -1;

std::atomic<int> chosen{kUnknown};

Isa widest() {
  const char* wanted = std::getenv("TTFM_ISA");
  Isa found = Isa::plain;
  for (const Isa isa : kAll) {
    if (supported(isa)) found = isa;
    if (wanted && std::string(wanted) == name(isa)) return found;
  }
  if (wanted && *wanted) {
    throw Error(ErrorKind::config, "TTFM_ISA is '" + std::string(wanted) +
                                       "', expected an instruction set: plain, avx2, avx512, avx512_bf16 or amx");
  }
  return found;
}

#ifdef __x86_64__
// AVX512_BF16, and AMX-TILE with AMX-BF16: not all compilers have names for them.
constexpr unsigned kFeatures = 7;

bool multiplies_bfloat16() {
  constexpr unsigned kAvx512Bf16 = 1U << 5;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(kFeatures, 1, &a, &b, &c, &d) && (a & kAvx512Bf16);
}

bool has_tiles_for_bfloat16() {
  constexpr unsigned kAmxBf16 = 1U << 22, kAmxTile = 1U << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(kFeatures, 0, &a, &b, &c, &d) && (d & kAmxBf16) && (d & kAmxTile);
}

/// The kernel lets a process use the registers of the matrix units once it has asked for it (Linux 5.16).
bool may_use_tiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA of asm/prctl.h
  static const bool granted = syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  return granted;
}
#endif

}  // namespace

const char* name(Isa isa) {
  switch (isa) {
    case Isa::amx:
      return "amx";
    case Isa::avx512_bf16:
      return "avx512_bf16";
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    case Isa::plain:
      break;
  }
  return "plain";
}

bool supported(Isa isa) {
#ifdef __x86_64__
  if (isa == Isa::amx) {
    return supported(Isa::avx512_bf16) && has_tiles_for_bfloat16() && may_use_tiles();
  }
  if (isa == Isa::avx512_bf16) return supported(Isa::avx512) && multiplies_bfloat16();
  // what CMakeLists.txt lets the compiler use
  if (isa == Isa::avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
  }
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return isa == Isa::plain;
}

Isa isa() {
  int now = chosen.load(std::memory_order_relaxed);
  if (now == kUnknown) chosen.store(now = static_cast<int>(widest()), std::memory_order_relaxed);
  return static_cast<Isa>(now);
}

void use(std::optional<Isa> isa) { chosen.store(isa ? static_cast<int>(*isa) : kUnknown, std::memory_order_relaxed); }

}  // namespace ttfm::kernels
