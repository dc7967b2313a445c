// From YAML files to Settings.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "config/setting.h"
#include "config/yaml.h"

namespace facteur::config {

/// "--set name=value": a dotted name and YAML text. A list replaces the list.
struct Override {
  std::string name;
  std::string value;
  /// Cuts "name=value"; Kind::permanent without a '='.
  [[nodiscard]] static Result<Override> parse(std::string_view text);
};

/// Settings with the place of each that was written, by name.
struct Loaded {
  Settings settings;
  std::map<std::string, Place, std::less<>> places;
};

/// Reads the files in order, a later one over an earlier one, then the overrides. Every problem found, one a line, each
/// with "file:line:column: ", up to `max_problems`, is in the text of the error (Kind::permanent; Kind::temporary when
/// a file cannot be read). What is still empty then gets its value from the system: hostname, domains.
[[nodiscard]] Result<Loaded> load_files(const std::vector<std::string>& paths, const std::vector<Override>& overrides);
/// The same with one file, for programs.
[[nodiscard]] Result<Settings> load(const std::string& path, const std::vector<Override>& overrides = {});
/// The same with text in memory; nothing is taken from the system.
[[nodiscard]] Result<Loaded> load_text(std::string_view text, const std::string& file);
constexpr std::size_t max_problems = 20;

/// One entry of a map of settings, by name, dotted name or synonym (no groups); gives the row. `others` are keys that
/// may stand in that map beside settings: one of them may have been meant.
[[nodiscard]] Result<const Setting*> apply_entry(Settings& settings, const Node& key, const Node& value,
                                                 std::span<const std::string_view> others = {});
[[nodiscard]] Result<const Setting*> apply_override(Settings& settings, const Override& entry);

/// Gives hostname, domains and tls.key their values when they have none.
void fill_from_system(Settings& settings);

/// The settings file of a program: `option` (--config) if not empty, else $FACTEUR_CONFIG, else the installed file.
[[nodiscard]] std::string settings_path(std::string_view option);
constexpr std::string_view installed_path = "/etc/facteur/facteur.yaml";

}  // namespace facteur::config
