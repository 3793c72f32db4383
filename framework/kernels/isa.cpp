// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/isa.h"

#include <atomic>
#include <cstdlib>

#include <ttfm/error.h>

namespace ttfm::kernels {
namespace {

constexpr Isa kAll[] = {Isa::plain, Isa::avx2, Isa::avx512};
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
    throw Error(ErrorKind::config,
                "TTFM_ISA is '" + std::string(wanted) + "', expected an instruction set: plain, avx2 or avx512");
  }
  return found;
}

}  // namespace

const char* name(Isa isa) {
  switch (isa) {
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
