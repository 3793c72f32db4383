// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <string>

namespace ttfm::kernels {

/// The instruction sets that the loops of this folder are compiled for: avx512_bf16 is avx512 with instructions that
/// multiply bfloat16 and round to it. amx has the matrix units of tiles.h besides, for products alone.
enum class Isa { plain, avx2, avx512, avx512_bf16, amx };

/// "plain", "avx2", "avx512", "avx512_bf16", "amx".
const char* name(Isa isa);

/// Whether this processor runs code of that kind.
bool supported(Isa isa);

/// What the loops of this process run with: the widest that the processor has, at most what the variable TTFM_ISA says
/// (one of these names). Chosen at the first call. Throws ttfm::Error (config) for another word.
Isa isa();

/// For tests: the given one from now on, or the ordinary choice again. It has to be supported.
void use(std::optional<Isa> isa);

/// f(Loops<isa>()), where Loops is a class template of loops that is instantiated once for each instruction set.
template <template <Isa> class Loops, class F>
void dispatch(F&& f) {
#ifdef __x86_64__
  switch (isa()) {
    case Isa::amx:
    case Isa::avx512_bf16:
      return f(Loops<Isa::avx512_bf16>());
    case Isa::avx512:
      return f(Loops<Isa::avx512>());
    case Isa::avx2:
      return f(Loops<Isa::avx2>());
    case Isa::plain:
      break;
  }
#endif
  f(Loops<Isa::plain>());
}

}  // namespace ttfm::kernels
