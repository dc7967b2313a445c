#include "imapd/wire/list_pattern.h"

#include <string>

namespace facteur::imapd {

namespace {

bool is_wildcard(char c) {
  return c == '*' || c == '%';
}

/// A run of wildcards is one: "*" if there is one in it.
std::string collapse(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (!is_wildcard(c) || out.empty() || !is_wildcard(out.back())) {
      out += c;
    } else if (c == '*') {
      out.back() = '*';
    }
  }
  return out;
}

}  // namespace

std::optional<ListPattern> ListPattern::compile(std::string_view pattern, char separator) {
  ListPattern compiled;
  const auto text = collapse(pattern);
  if (text.size() >= compiled.any_.size()) return std::nullopt;
  compiled.size_ = text.size();
  compiled.separator_ = separator;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 0) return std::nullopt;
    States& where = text[i] == '*'   ? compiled.any_
                    : text[i] == '%' ? compiled.level_
                                     : compiled.literal_[static_cast<std::size_t>(text[i])];
    where.set(i);
  }
  return compiled;
}

bool ListPattern::matches(std::string_view name) const {
  const States wild = any_ | level_;
  States reached;
  reached.set(0);
  reached |= (reached & wild) << 1;
  for (const char c : name) {
    if (c < 0) return false;
    States next = (reached & literal_[static_cast<std::size_t>(c)]) << 1;
    next |= reached & (c == separator_ ? any_ : wild);
    // A wildcard may stand for nothing. No two are neighbours, so one step is enough.
    next |= (next & wild) << 1;
    reached = next;
  }
  return reached.test(size_);
}

}  // namespace facteur::imapd
