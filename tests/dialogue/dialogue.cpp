// Reading dialogue files.
#include "tests/dialogue/dialogue.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "common/base/encode.h"
#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::dialogue {
namespace {

struct Prefix {
  std::string_view text;
  Act act;
  bool escaped;
};
constexpr Prefix prefixes[] = {
    {"C:", Act::send, false},  {"C\\", Act::send, true},   {"S:", Act::line, false},   {"S~", Act::regex, false},
    {"S>", Act::until, false}, {"S\\", Act::octets, true}, {"S!", Act::closed, false}, {"!", Act::directive, false},
};

std::string substitute(std::string_view text, const Variables& variables) {
  std::string out;
  while (true) {
    const auto begin = text.find("${");
    const auto end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return out.append(text);
    const auto name = std::string(text.substr(begin + 2, end - begin - 2));
    const auto found = variables.find(name);
    if (found == variables.end()) throw std::runtime_error("no variable " + name);
    out.append(text.substr(0, begin)).append(found->second);
    text.remove_prefix(end + 1);
  }
}

/// \{N*text}: the repeated text, itself without such a repetition.
std::string unescape(std::string_view text);

std::size_t repeat(std::string_view text, std::string& out) {
  const auto star = text.find('*');
  const auto end = text.find('}');
  if (star == std::string_view::npos || end == std::string_view::npos || star > end) {
    throw std::runtime_error("bad repetition");
  }
  const auto count = parse_number<std::size_t>(text.substr(0, star));
  if (!count) throw std::runtime_error("bad count of a repetition");
  const auto piece = unescape(text.substr(star + 1, end - star - 1));
  for (std::size_t i = 0; i < *count; ++i) out += piece;
  return end + 1;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) throw std::runtime_error("backslash at the end");
    constexpr std::string_view letters = "rnt0\\";
    constexpr std::string_view octets{"\r\n\t\0\\", 5};
    if (const auto known = letters.find(text[i]); known != std::string_view::npos) {
      out += octets[known];
    } else if (text[i] == 'x') {
      const auto octet = hex_decode(text.substr(i + 1, 2));
      if (!octet || octet->empty()) throw std::runtime_error("bad \\x");
      out += *octet;
      i += 2;
    } else if (text[i] == '{') {
      i += repeat(text.substr(i + 1), out);
    } else {
      throw std::runtime_error("unknown escape");
    }
  }
  return out;
}

void read_line(Dialogue& dialogue, std::string_view line, int number, const Variables& variables) {
  if (line.empty() || line.front() == '#') return;
  if (line.front() == '@') {
    const auto parts = words(line.substr(1), 2);
    if (parts.size() != 2) throw std::runtime_error("@ wants a key and a value");
    dialogue.given.emplace_back(parts[0], parts[1]);
    return;
  }
  for (const auto& prefix : prefixes) {
    if (!line.starts_with(prefix.text)) continue;
    line.remove_prefix(prefix.text.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    auto text = substitute(line, variables);
    if (prefix.escaped) text = unescape(text);
    if (prefix.act == Act::send && !prefix.escaped) text += "\r\n";
    dialogue.steps.push_back({prefix.act, std::move(text), number});
    return;
  }
  throw std::runtime_error("unknown kind of line");
}

}  // namespace

std::size_t Dialogue::octets_sent() const {
  std::size_t sum = 0;
  for (const auto& step : steps) sum += step.act == Act::send ? step.text.size() : 0;
  return sum;
}

Variables account(const std::string& user, const std::string& password, const std::string& domain) {
  const std::string nul(1, '\0');
  return {{"user", user},
          {"password", password},
          {"domain", domain},
          {"plain", base64_encode(nul + user + nul + password)},
          {"user64", base64_encode(user)},
          {"password64", base64_encode(password)},
          {"user_octets", std::to_string(user.size())},
          {"password_octets", std::to_string(password.size())}};
}

Dialogue parse(const std::string& name, std::string_view text, const Variables& variables) {
  Dialogue dialogue;
  dialogue.name = name;
  int number = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    try {
      read_line(dialogue, line, number, variables);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(name + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return dialogue;
}

Dialogue read(const std::string& path, const Variables& variables) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return parse(path, text, variables);
}

std::vector<std::string> files(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".txt")) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace facteur::dialogue
