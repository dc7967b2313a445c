#include "common/smtp/reply.h"

#include <algorithm>
#include <utility>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::smtp {
namespace {

char printable_or_mark(char c) {
  return c >= 0x20 && c < 0x7f ? c : '?';
}

/// Three digits, the first 2 to 5 (RFC 5321 section 4.2.1).
std::optional<int> code_of(std::string_view line) {
  if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), is_digit)) return std::nullopt;
  if (line[0] < '2' || line[0] > '5') return std::nullopt;
  return parse_number<int>(line.substr(0, 3));
}

/// The length of the digits at the front, if there are one to three of them; else 0.
std::size_t short_number(std::string_view text) {
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  return end <= 3 ? end : 0;
}

}  // namespace

std::string_view enhanced_code_of(int code, std::string_view text) {
  // class "." subject "." detail, with at most three digits in subject and detail (RFC 3463 section 2).
  if (text.size() < 5 || text[0] != static_cast<char>('0' + code / 100) || text[0] == '3' || text[1] != '.') return {};
  const auto subject = short_number(text.substr(2));
  if (subject == 0 || subject + 2 >= text.size() || text[subject + 2] != '.') return {};
  const auto detail = short_number(text.substr(subject + 3));
  const auto end = subject + 3 + detail;
  if (detail == 0 || (end < text.size() && text[end] != ' ')) return {};
  return text.substr(0, end);
}

std::string Reply::wire() const {
  const std::string number = std::to_string(code);
  const std::string prefix = enhanced.empty() ? "" : enhanced + " ";
  const auto room = max_sent_line - number.size() - prefix.size() - 3;
  std::string out;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const auto end = rest.find('\n');
    more = end != std::string_view::npos;
    out.append(number).append(more ? "-" : " ").append(prefix);
    std::ranges::transform(rest.substr(0, std::min(end, room)), std::back_inserter(out), printable_or_mark);
    out += "\r\n";
    if (more) rest.remove_prefix(end + 1);
  }
  return out;
}

std::string Reply::line() const {
  std::string out = std::to_string(code);
  if (!enhanced.empty()) out.append(" ").append(enhanced);
  if (!text.empty()) out.append(" ").append(text);
  std::ranges::replace(out, '\n', ' ');
  return out;
}

Result<std::optional<Reply>> ReplyParser::next(LineBuffer& in) {
  while (const auto line = in.next_line()) {
    auto reply = feed(*line);
    if (!reply || *reply) return reply;
  }
  if (in.size() > max_reply_line) return fail(Kind::protocol, "line of a reply too long");
  return std::nullopt;
}

Result<std::optional<Reply>> ReplyParser::feed(std::string_view line) {
  if (line.size() > max_reply_line) return fail(Kind::protocol, "line of a reply too long");
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto code = code_of(line);
  if (!code) return fail(Kind::protocol, "not a reply: " + printable(line, 80));
  if (lines_ > 0 && *code != reply_.code) {
    return fail(Kind::protocol, "reply changes its code: " + printable(line, 80));
  }
  const char separator = line.size() > 3 ? line[3] : ' ';
  if (separator != ' ' && separator != '-') return fail(Kind::protocol, "not a reply: " + printable(line, 80));
  if (++lines_ > max_reply_lines) return fail(Kind::protocol, "reply of too many lines");
  reply_.code = *code;
  add_text(line.substr(std::min<std::size_t>(line.size(), 4)));
  if (separator == '-') return std::nullopt;
  lines_ = 0;
  return std::exchange(reply_, Reply{});
}

void ReplyParser::add_text(std::string_view text) {
  const auto enhanced = enhanced_code_of(reply_.code, text);
  if (lines_ == 1) reply_.enhanced = enhanced;
  if (!enhanced.empty() && enhanced == reply_.enhanced) {
    text.remove_prefix(std::min(enhanced.size() + 1, text.size()));
  }
  if (reply_.text.size() + text.size() >= max_reply_text) return;
  if (lines_ > 1) reply_.text += '\n';
  std::ranges::transform(text, std::back_inserter(reply_.text), [](char c) { return is_control(c) ? '?' : c; });
}

}  // namespace facteur::smtp
