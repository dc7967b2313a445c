#include "common/mime/quoted_printable.h"

#include <utility>

#include "common/base/strings.h"

namespace facteur::mime {
namespace {

void append_escape(char c, std::string& out) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto octet = static_cast<unsigned char>(c);
  out.append({'=', digits[octet >> 4U], digits[octet & 15U]});
}
constexpr std::size_t escape_width = 3;

/// True if the line has no room for so many octets and the "=" of a soft break.
bool is_full(std::size_t column, std::size_t width) {
  return column + width > max_quoted_line - 1;
}

/// Rule 2 of RFC 2045 section 6.7.
bool is_literal(char c) {
  return c >= '!' && c <= '~' && c != '=';
}

bool is_eight_bit(char c) {
  return static_cast<unsigned char>(c) > 0x7f;
}

}  // namespace

void QuotedPrintableEncoder::write(std::string_view octets, std::string& out) {
  for (const char c : octets) put(c, out);
}

void QuotedPrintableEncoder::put(char c, std::string& out) {
  if (c == '\n') return end_line(out);
  if (c != '\r' || held_cr_) release(out);
  if (c == '\r') {
    held_cr_ = true;
  } else if (is_wsp(c)) {
    held_space_ = c;
  } else if (is_literal(c)) {
    literal(c, out);
  } else {
    escape(c, out);
  }
}

/// What was held back is inside the line.
void QuotedPrintableEncoder::release(std::string& out) {
  if (const char space = std::exchange(held_space_, '\0')) literal(space, out);
  if (std::exchange(held_cr_, false)) escape('\r', out);
}

/// White space before a line end would be lost (rule 3).
void QuotedPrintableEncoder::end_line(std::string& out) {
  if (const char space = std::exchange(held_space_, '\0')) escape(space, out);
  held_cr_ = false;
  out += "\r\n";
  column_ = 0;
}

void QuotedPrintableEncoder::literal(char c, std::string& out) {
  make_room(1, out);
  if (c == '-' && column_ == 1 && dash_) return escape(c, out);
  if (column_ == 0) dash_ = c == '-';
  out += c;
  ++column_;
}

void QuotedPrintableEncoder::escape(char c, std::string& out) {
  make_room(escape_width, out);
  append_escape(c, out);
  column_ += escape_width;
}

void QuotedPrintableEncoder::make_room(std::size_t width, std::string& out) {
  if (!is_full(column_, width)) return;
  out += "=\r\n";
  column_ = 0;
}

void QuotedPrintableEncoder::finish(std::string& out) {
  const bool cr = std::exchange(held_cr_, false);
  if (const char space = std::exchange(held_space_, '\0')) escape(space, out);
  if (cr) escape('\r', out);
  if (column_ == 0) return;
  out += "=\r\n";
  column_ = 0;
}

void QuotedPrintableMender::write(std::string_view octets, std::string& out) {
  for (const char c : octets) put(c, out);
}

void QuotedPrintableMender::put(char c, std::string& out) {
  const bool equals = std::exchange(held_equals_, c == '=');
  if (is_eight_bit(c)) {
    if (equals) escape('=', out);
    return escape(c, out);
  }
  if (equals) {
    out += '=';
    if (column_++ == 0) dash_ = false;
  }
  if (held_equals_) return;
  if (c == '-' && column_ == 1 && dash_) return escape(c, out);
  if (column_ == 0) dash_ = c == '-';
  out += c;
  column_ = c == '\n' ? 0 : column_ + 1;
}

void QuotedPrintableMender::escape(char c, std::string& out) {
  if (is_full(column_, escape_width)) {
    out += "=\r\n";
    column_ = 0;
  }
  append_escape(c, out);
  column_ += escape_width;
}

void QuotedPrintableMender::finish(std::string& out) {
  if (std::exchange(held_equals_, false)) out += '=';
}

}  // namespace facteur::mime
