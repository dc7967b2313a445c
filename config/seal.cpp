#include "config/seal.h"

#include "common/fs/files.h"
#include "common/ipc/message.h"
#include "config/load.h"
#include "config/value.h"

namespace facteur::config {

namespace {

/// Every setting by name as YAML text: master and its children come from one build, and reading checks again.
struct Sealed {
  std::map<std::string, std::string> values;
  auto fields() { return std::tie(values); }
};

}  // namespace

std::string to_octets(const Settings& settings) {
  Sealed sealed;
  for (const auto& section : sections()) {
    for (const auto& setting : section.settings) {
      sealed.values.emplace(setting.name, show_value(settings, setting));
    }
  }
  return ipc::to_octets(std::move(sealed));
}

Result<Settings> from_octets(std::string octets) {
  const auto sealed = ipc::from_octets<Sealed>(std::move(octets));
  if (!sealed) return fail(sealed);
  Settings settings;
  for (const auto& [name, value] : sealed->values) {
    const Setting* setting = find_setting(name);
    auto node = parse_yaml(value, "sealed settings");
    if (!setting || !node) return fail(Kind::corrupt, "sealed settings: " + name);
    if (show_value(settings, *setting) == value) continue;  // the default, whether a file could say it or not
    if (auto done = set_value(settings, *setting, *node); !done) return fail(Kind::corrupt, done.error().text);
  }
  return settings;
}

Result<Fd> to_sealed(const Settings& settings) {
  return fs::sealed_memory("settings", to_octets(settings));
}

Result<Settings> from_sealed(int fd) {
  auto octets = fs::read_sealed(fd);
  if (!octets) return fail(octets);
  return from_octets(std::move(*octets));
}

}  // namespace facteur::config
