#include "config/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <variant>

#include "common/base/strings.h"
#include "config/listener.h"
#include "config/sections.h"
#include "config/value.h"

namespace facteur::config {

namespace {

constexpr std::size_t width = 100;

/// A paragraph in lines of at most `width` characters, each behind `prefix`.
std::string wrap(std::string_view text, std::string_view prefix) {
  std::string out;
  std::string line(prefix);
  for (const auto word : words(text, 1000)) {
    if (line.size() > prefix.size() && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line = prefix;
    }
    if (line.size() > prefix.size()) line += ' ';
    line += word;
  }
  return out + line + "\n";
}

const Settings& defaults() {
  static const Settings settings;
  return settings;
}

/// hostname: empty by default, which its check refuses where somebody writes it.
bool comes_from_system(const Setting& setting) {
  const auto* const text = std::get_if<std::string Settings::*>(&setting.member);
  return text != nullptr && (defaults().**text).empty() && setting.check != nullptr && setting.check("");
}

std::string default_of(const Setting& setting) {
  return comes_from_system(setting) ? "what the system has" : show_value(defaults(), setting);
}

std::string on_listeners(const Setting& setting) {
  if (setting.on == 0) return "";
  return setting.on == everywhere ? " May differ on any listener."
                                  : " May differ on listeners of " + show_roles(setting.on) + ".";
}

constexpr std::string_view head =
    "# Settings of Facteur. Every line that is commented out shows a setting at its default; `facteur config describe "
    "NAME` says more, `facteur config check` tells what is wrong before anything starts. Times take the suffixes s, m, "
    "h, d and w. Names of Postfix for the same things (myhostname, mydestination) are understood too.";

}  // namespace

std::string sample() {
  std::string out = wrap(head.substr(2), "# ");
  for (const auto& section : sections()) {
    out += fmt::format("\n# ---- {} ----\n", section.title);
    for (const auto& setting : section.settings) {
      out += "\n" + wrap(setting.doc, "# ");
      out += wrap("Type: " + describe_type(setting) + "." + on_listeners(setting), "# ");
      // What no file can say stands behind a space: it is no line to take the '#' from.
      out += fmt::format("{}{}: {}\n", comes_from_system(setting) ? "# " : "#", setting.name, default_of(setting));
    }
  }
  return out;
}

Result<std::string> describe(std::string_view name) {
  for (const auto& synonym : synonyms()) {
    if (synonym.name == name) name = synonym.ours;
  }
  const Setting* setting = find_setting(name);
  if (!setting) {
    std::string text = fmt::format("unknown setting '{}'", printable(name, 100));
    const auto nearest = nearest_name(name);
    const auto related = related_names(name);
    if (!nearest.empty()) {
      text += fmt::format("; did you mean '{}'?", nearest);
    } else if (!related.empty()) {
      text += fmt::format("; there are {}", fmt::join(related, ", "));
    }
    return fail(Kind::permanent, std::move(text));
  }
  std::string out = fmt::format("{}\n", setting->name) + wrap(setting->doc, "    ");
  out += wrap("Type: " + describe_type(*setting) + "." + on_listeners(*setting), "    ");
  if (!setting->unit.empty()) out += fmt::format("    Unit: {}.\n", setting->unit);
  out += fmt::format("    Default: {}\n    Since: {}\n", default_of(*setting), setting->since);
  for (const auto& synonym : synonyms()) {
    if (synonym.ours == setting->name) out += fmt::format("    Also called: {}\n", synonym.name);
  }
  return out;
}

std::string show(const Loaded& loaded, Which which) {
  std::string out;
  for (const auto& section : sections()) {
    for (const auto& setting : section.settings) {
      const auto place = loaded.places.find(setting.name);
      const bool written = place != loaded.places.end();
      if (which == Which::written && !written) continue;
      out += fmt::format("{}: {}", setting.name, show_value(loaded.settings, setting));
      out += written ? fmt::format("  # {}\n", place->second.text()) : "\n";
    }
  }
  return out;
}

}  // namespace facteur::config
