// Writing an mbox anew.
#include <algorithm>

#include "common/store/mbox/write.h"

namespace facteur::store {
namespace {

constexpr std::size_t chunk = 1 << 20;

/// Copies a run of octets between two places of open files. Within one file the runs do not overlap.
Result<std::uint64_t> copy_run(int from, std::uint64_t begin, std::uint64_t end, int to, std::uint64_t offset,
                               fs::Files& files) {
  while (begin < end) {
    const auto octets =
        files.read_at(from, begin, static_cast<std::size_t>(std::min<std::uint64_t>(chunk, end - begin)));
    if (!octets) return fail(octets);
    if (octets->empty()) return fail(Kind::temporary, "the mbox is shorter than it was");
    if (auto written = files.write_at(to, *octets, offset); !written) return fail(written);
    begin += octets->size();
    offset += octets->size();
  }
  return offset;
}

/// Writes the pieces to `to` from `offset` on; gives the offset behind them.
Result<std::uint64_t> write_pieces(int from, std::span<const MboxPiece> pieces, int to, std::uint64_t offset,
                                   fs::Files& files) {
  for (const auto& piece : pieces) {
    if (piece.begin == piece.end) {
      if (auto written = files.write_at(to, piece.octets, offset); !written) return fail(written);
      offset += piece.octets.size();
      continue;
    }
    const auto end = copy_run(from, piece.begin, piece.end, to, offset, files);
    if (!end) return fail(end);
    offset = *end;
  }
  return offset;
}

std::uint64_t length_of(std::span<const MboxPiece> pieces) {
  std::uint64_t length = 0;
  for (const auto& piece : pieces) length += piece.begin == piece.end ? piece.octets.size() : piece.end - piece.begin;
  return length;
}

/// Writes "\n" from `begin` to `end`.
Result<> fill(int fd, std::uint64_t begin, std::uint64_t end, fs::Files& files) {
  if (begin >= end) return {};
  return files.write_at(fd, std::string(static_cast<std::size_t>(end - begin), '\n'), begin);
}

}  // namespace

Result<> rewrite_mbox(const LockedMbox& mbox, std::span<const MboxPiece> pieces, fs::Files& files) {
  // What stands unchanged at the front stays untouched.
  std::uint64_t kept = 0;
  while (!pieces.empty() && pieces.front().begin == kept && pieces.front().end > kept) {
    kept = pieces.front().end;
    pieces = pieces.subspan(1);
  }
  const std::uint64_t length = length_of(pieces);
  if (length == 0) {
    if (auto cut = files.truncate(mbox.fd(), kept); !cut) return cut;
    return files.sync(mbox.fd());
  }
  // The copy stands behind all that step 2 writes, and behind an empty line.
  const std::uint64_t copy = std::max(mbox.size() + 2, kept + length);
  const auto append = [&]() -> Result<> {
    if (auto filled = fill(mbox.fd(), mbox.size(), copy, files); !filled) return filled;
    if (auto written = write_pieces(mbox.fd(), pieces, mbox.fd(), copy, files); !written) return fail(written);
    return files.sync(mbox.fd());
  };
  if (auto appended = append(); !appended) {
    (void)files.truncate(mbox.fd(), mbox.size());
    return appended;
  }
  if (auto moved = copy_run(mbox.fd(), copy, copy + length, mbox.fd(), kept, files); !moved) return fail(moved);
  if (auto synced = files.sync(mbox.fd()); !synced) return synced;
  if (auto cut = files.truncate(mbox.fd(), kept + length); !cut) return cut;
  return files.sync(mbox.fd());
}

}  // namespace facteur::store
