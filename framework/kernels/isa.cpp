// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/isa.h"

#ifdef __x86_64__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <atomic>
#include <cstdlib>

#include <ttfm/error.h>

namespace ttfm::kernels {
namespace {

constexpr Isa kAll[] = {Isa::plain, Isa::avx2, Isa::avx512, Isa::amx};
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
                "TTFM_ISA is '" + std::string(wanted) + "', expected an instruction set: plain, avx2, avx512 or amx");
  }
  return found;
}

#ifdef __x86_64__
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
    return supported(Isa::avx512) && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("amx-tile") &&
           __builtin_cpu_supports("amx-bf16") && may_use_tiles();
  }
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
