// Line ends, and content in memory.
#include "common/store/content.h"

#include <algorithm>

namespace facteur::store {
namespace {

constexpr std::size_t piece_size = 1 << 20;

/// Calls `use` with each LF's offset that has no CR before it.
template <class Use>
void for_bare_lf(std::string_view octets, bool after_cr, Use use) {
  for (auto at = octets.find('\n'); at != std::string_view::npos; at = octets.find('\n', at + 1)) {
    if (at > 0 ? octets[at - 1] != '\r' : !after_cr) use(at);
  }
}

}  // namespace

std::uint64_t crlf_size(std::string_view octets) {
  std::uint64_t size = octets.size();
  for_bare_lf(octets, false, [&](std::size_t) { ++size; });
  return size;
}

std::string to_crlf(std::string_view octets, bool after_cr) {
  std::string out;
  out.reserve(octets.size() + octets.size() / 32 + 16);
  std::size_t taken = 0;
  for_bare_lf(octets, after_cr, [&](std::size_t at) {
    out.append(octets, taken, at - taken);
    out += "\r\n";
    taken = at + 1;
  });
  out.append(octets, taken);
  return out;
}

std::string to_lf(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  while (!octets.empty()) {
    const auto end = octets.find("\r\n");
    out.append(octets, 0, end);
    if (end == std::string_view::npos) break;
    out += '\n';
    octets.remove_prefix(end + 2);
  }
  return out;
}

Result<std::string> StringContent::read(std::uint64_t offset, std::size_t most) {
  if (offset >= octets_->size()) return std::string();
  return octets_->substr(static_cast<std::size_t>(offset), most);
}

Result<std::string> ViewContent::read(std::uint64_t offset, std::size_t most) {
  if (offset >= octets_.size()) return std::string();
  return std::string(octets_.substr(static_cast<std::size_t>(offset), most));
}

Result<std::string> read_all(Content& content) {
  std::string all;
  for (;;) {
    auto piece = content.read(all.size(), piece_size);
    if (!piece) return piece;
    const bool last = piece->size() < piece_size;
    if (last && all.empty()) return piece;
    all += *piece;
    if (last) return all;
  }
}

}  // namespace facteur::store
