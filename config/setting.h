// The table of settings: each is declared once, with all that people and programs want to know of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace facteur::config {

/// A setting whose value is one of a few words: the member behind its number, and the words by number.
struct Choice {
  std::span<const std::string_view> words;
  std::uint8_t (*get)(const Settings&);
  void (*set)(Settings&, std::uint8_t);
};

/// The member of Settings; its type is the setting's type.
using Member =
    std::variant<bool Settings::*, std::uint16_t Settings::*, std::uint64_t Settings::*, Seconds Settings::*,
                 std::string Settings::*, std::vector<std::string> Settings::*, std::vector<net::Cidr> Settings::*,
                 std::vector<net::Endpoint> Settings::*, Table Settings::*, std::vector<Listener> Settings::*, Choice>;

/// What is wrong with a text, as the end of a sentence ("is not a host name"); nothing if it is right.
using Check = std::optional<std::string> (*)(std::string_view text);

/// A set of roles of listeners, a bit each.
using Roles = std::uint8_t;
constexpr Roles only(Role role) {
  return static_cast<Roles>(1U << static_cast<unsigned>(role));
}

/// One row.
struct Setting {
  std::string_view name;
  Member member;
  std::uint64_t least = 0;  ///< of numbers; seconds for durations
  std::uint64_t most = 0;
  std::string_view unit;  ///< "octets" for sizes, "path", "host name"; empty for choices
  std::string_view doc;   ///< whole sentences, one paragraph
  Check check = nullptr;  ///< of a text, or of each item of a list
  Roles on = 0;           ///< the listeners on which it may differ (an entry of `listeners`); 0: the same on all
  std::string_view since = "0.1";
};

/// The settings that are about one thing, in the order of the manual.
struct Section {
  std::string_view title;
  std::span<const Setting> settings;
};
[[nodiscard]] std::span<const Section> sections();

/// Another spelling of a setting: Postfix's or Dovecot's name. `adapt` turns a value of theirs into ours.
struct Synonym {
  std::string_view name;
  std::string_view ours;
  std::string (*adapt)(std::string_view value) = nullptr;
};
[[nodiscard]] std::span<const Synonym> synonyms();

/// The setting of this name; not by a synonym.
[[nodiscard]] const Setting* find_setting(std::string_view name);
/// True for the first part of dotted names: "ports", "tls", "dns".
[[nodiscard]] bool is_group(std::string_view name);
/// The known name closest to a misspelled one, among the settings and `others`; empty if none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view name, std::span<const std::string_view> others = {});
/// The settings that have this in their name, or a word like it.
[[nodiscard]] std::vector<std::string_view> related_names(std::string_view name);

}  // namespace facteur::config
