#include "pop3d/session/uidl.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "common/base/strings.h"

namespace facteur::pop3d {

namespace {
constexpr std::size_t max_id = 70;  // RFC 1939 section 7
constexpr unsigned max_width = 10;  // digits of 2^32
constexpr std::size_t most_digits = 10;
}  // namespace

UidlFormat::UidlFormat() {
  pieces_.push_back({Piece::What::uid_validity, {}, 8, true});
  pieces_.push_back({Piece::What::uid, {}, 8, true});
}

Result<UidlFormat> UidlFormat::parse(std::string_view pattern) {
  const auto bad = [&](std::string_view why) {
    return fail(Kind::permanent, fmt::format("UIDL pattern \"{}\": {}", printable(pattern), why));
  };
  UidlFormat format;
  format.pieces_.clear();
  while (!pattern.empty()) {
    if (pattern.front() != '%') {
      // RFC 1939 section 7: an id has octets from 0x21 to 0x7E only.
      if (pattern.front() <= ' ' || pattern.front() == 0x7f) return bad("octet that an id may not have");
      format.pieces_.push_back({Piece::What::text, std::string(1, pattern.front())});
      pattern.remove_prefix(1);
      continue;
    }
    pattern.remove_prefix(1);
    Piece piece;
    if (pattern.starts_with('0')) pattern.remove_prefix(1);
    while (!pattern.empty() && is_digit(pattern.front()) && piece.width <= max_width) {
      piece.width = piece.width * 10 + static_cast<unsigned>(pattern.front() - '0');
      pattern.remove_prefix(1);
    }
    if (piece.width > max_width) return bad("more than ten digits");
    if (pattern.starts_with('X')) {
      piece.hexadecimal = true;
      pattern.remove_prefix(1);
    }
    if (!pattern.starts_with('u') && !pattern.starts_with('v')) return bad("only %u and %v are known");
    piece.what = pattern.front() == 'u' ? Piece::What::uid : Piece::What::uid_validity;
    format.pieces_.push_back(std::move(piece));
    pattern.remove_prefix(1);
  }
  if (std::ranges::none_of(format.pieces_, [](const auto& piece) { return piece.what == Piece::What::uid; })) {
    return bad("no %u");
  }
  if (format.longest() > max_id) return bad("ids of more than 70 octets");
  return format;
}

void UidlFormat::append(std::string& out, std::uint32_t uid_validity, std::uint32_t uid) const {
  for (const auto& piece : pieces_) {
    if (piece.what == Piece::What::text) {
      out += piece.text;
      continue;
    }
    const auto number = piece.what == Piece::What::uid ? uid : uid_validity;
    if (piece.hexadecimal) {
      fmt::format_to(std::back_inserter(out), "{:0{}x}", number, piece.width);
    } else {
      fmt::format_to(std::back_inserter(out), "{:0{}}", number, piece.width);
    }
  }
}

std::size_t UidlFormat::longest() const {
  std::size_t sum = 0;
  for (const auto& piece : pieces_) sum += piece.what == Piece::What::text ? piece.text.size() : most_digits;
  return sum;
}

}  // namespace facteur::pop3d
