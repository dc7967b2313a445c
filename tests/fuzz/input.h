// What every fuzz target does with its input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace facteur::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Hands the input on in pieces whose size follows from the input: any cut will be met.
template <class Take>
void in_pieces(std::string_view text, Take take) {
  for (std::size_t number = 0; !text.empty(); ++number) {
    const auto size = std::min(text.size(), 1 + (static_cast<unsigned char>(text[0]) + number) % 7);
    take(text.substr(0, size));
    text.remove_prefix(size);
  }
}

}  // namespace facteur::fuzz
