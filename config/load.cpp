#include "config/load.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "common/base/strings.h"
#include "common/fs/files.h"
#include "config/checks.h"
#include "config/value.h"

namespace facteur::config {

namespace {

/// Of two settings of which one is at most the other, a default gives way to what was written: who shortens
/// maximal_backoff_time need not know of minimal_backoff_time, nor the other way round.
void fit_defaults(Loaded& loaded) {
  const auto written = [&](std::string_view name) { return loaded.places.contains(name); };
  const auto fit = [&](std::string_view name, auto member, std::string_view bound_name, auto bound_member) {
    auto& value = loaded.settings.*member;
    auto& bound = loaded.settings.*bound_member;
    if (!written(name)) value = std::min(value, bound);
    if (!written(bound_name)) bound = std::max(bound, value);
  };
  using S = Settings;
  fit("minimal_backoff_time", &S::minimal_backoff_time, "maximal_backoff_time", &S::maximal_backoff_time);
  fit("initial_destination_concurrency", &S::initial_destination_concurrency, "smtp_destination_concurrency_limit",
      &S::smtp_destination_concurrency_limit);
  fit("smtpd_soft_error_limit", &S::smtpd_soft_error_limit, "smtpd_hard_error_limit", &S::smtpd_hard_error_limit);
  if (!written("auth_failure_max_delay")) {
    auto& delay = loaded.settings.auth_failure_max_delay;  // shorter than the exchange that it delays
    delay = std::min(delay, loaded.settings.auth_timeout - Seconds{1});
  }
  if (!written("auth_failure_delay")) {
    auto& delay = loaded.settings.auth_failure_delay;
    delay = std::min(delay, loaded.settings.auth_failure_max_delay);
  }
}

/// Reads maps into settings and keeps going after a problem, so that all are told at once.
class Loader {
 public:
  Loaded out;

  void add(const Node& root) {
    if (root.type == Node::Type::null) return;
    if (root.type != Node::Type::map) {
      complain(root.place.text() + ": settings are a map, 'name: value', not " + root.what());
      return;
    }
    std::map<std::string, Place, std::less<>> here;  // one file names a setting once, by whichever spelling
    for (const auto& [key, value] : root.entries) {
      if (is_group(key.text) && value.type == Node::Type::map) {
        for (const auto& [inner, inner_value] : value.entries) {
          Node dotted = inner;
          dotted.text = key.text + "." + inner.text;
          entry(dotted, inner_value, here);
        }
      } else {
        entry(key, value, here);
      }
    }
  }
  void add(const Override& entry) {
    const auto setting = apply_override(out.settings, entry);
    if (!setting) return complain(setting.error().text);
    out.places[std::string((*setting)->name)] = Place{"--set", 0, 0};
  }
  void complain(const std::string& text) {
    if (++problems_ > max_problems) return;
    text_ += text_.empty() ? text : "\n" + text;
  }
  [[nodiscard]] Result<Loaded> finish() {
    if (problems_ > max_problems) text_ += fmt::format("\nand {} more", problems_ - max_problems);
    if (problems_ > 0) return fail(Kind::permanent, std::move(text_));
    fit_defaults(out);
    return std::move(out);
  }

 private:
  void entry(const Node& key, const Node& value, std::map<std::string, Place, std::less<>>& here) {
    const auto setting = apply_entry(out.settings, key, value);
    if (!setting) return complain(setting.error().text);
    const std::string name((*setting)->name);
    const auto [first, fresh] = here.emplace(name, key.place);
    if (!fresh) {
      complain(fmt::format("{}: duplicate key '{}': {} was set on line {}", key.place.text(), printable(key.text, 100),
                           name, first->second.line));
    }
    out.places[name] = key.place;
  }

  std::string text_;
  std::size_t problems_ = 0;
};

const Synonym* find_synonym(std::string_view name) {
  const auto found = std::ranges::find(synonyms(), name, &Synonym::name);
  return found == synonyms().end() ? nullptr : &*found;
}

std::string unknown(const Node& key, std::span<const std::string_view> others) {
  std::string text = fmt::format("{}: unknown setting '{}'", key.place.text(), printable(key.text, 100));
  const auto nearest = nearest_name(key.text, others);
  if (!nearest.empty()) text += fmt::format("; did you mean '{}'?", nearest);
  return text;
}

}  // namespace

Result<Override> Override::parse(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return fail(Kind::permanent, fmt::format("--set '{}': wants NAME=VALUE", printable(text, 100)));
  }
  return Override{std::string(trim(text.substr(0, equals))), std::string(text.substr(equals + 1))};
}

Result<const Setting*> apply_entry(Settings& settings, const Node& key, const Node& value,
                                   std::span<const std::string_view> others) {
  const Synonym* synonym = find_synonym(key.text);
  const Setting* setting = find_setting(synonym ? synonym->ours : std::string_view(key.text));
  if (!setting && is_group(key.text)) {
    return fail(Kind::permanent,
                fmt::format("{}: {} is a map of settings, not {}", value.place.text(), key.text, value.what()));
  }
  if (!setting) return fail(Kind::permanent, unknown(key, others));
  Node adapted;
  const bool adapts = synonym && synonym->adapt && value.type == Node::Type::scalar;
  if (adapts) {
    adapted = value;
    adapted.text = synonym->adapt(value.text);
  }
  if (auto done = set_value(settings, *setting, adapts ? adapted : value); !done) return fail(done);
  return setting;
}

Result<const Setting*> apply_override(Settings& settings, const Override& entry) {
  const std::string place = "--set " + printable(entry.name, 100);
  auto value = parse_yaml(entry.value, place);
  if (!value) return fail(value);
  // An empty text is written '' in YAML, but `--set relayhost=` says the same.
  if (value->type == Node::Type::null && trim(entry.value).empty()) {
    value->type = Node::Type::scalar;
  }
  Node key;
  key.type = Node::Type::scalar;
  key.text = entry.name;
  key.place.file = value->place.file = place;
  return apply_entry(settings, key, *value);
}

Result<Loaded> load_text(std::string_view text, const std::string& file) {
  const auto root = parse_yaml(text, file);
  if (!root) return fail(root);
  Loader loader;
  loader.add(*root);
  return loader.finish();
}

Result<Loaded> load_files(const std::vector<std::string>& paths, const std::vector<Override>& overrides) {
  Loader loader;
  for (const auto& path : paths) {
    const auto text = fs::read_file(path, max_yaml_octets);
    if (!text) return fail(text);
    if (const auto root = parse_yaml(*text, path)) {
      loader.add(*root);
    } else {
      loader.complain(root.error().text);
    }
  }
  for (const auto& entry : overrides) loader.add(entry);
  auto loaded = loader.finish();
  if (loaded) fill_from_system(loaded->settings);
  return loaded;
}

Result<Settings> load(const std::string& path, const std::vector<Override>& overrides) {
  auto loaded = load_files({path}, overrides);
  if (!loaded) return fail(loaded);
  return std::move(loaded->settings);
}

void fill_from_system(Settings& settings) {
  if (settings.tls_key.empty()) settings.tls_key = settings.tls_certificate;
  if (settings.hostname.empty()) {
    std::array<char, 256> name{};
    const bool known = gethostname(name.data(), name.size() - 1) == 0 && !host_name(name.data());
    settings.hostname = known ? name.data() : "localhost";
  }
  if (settings.domains.empty()) {
    settings.domains = {to_lower(settings.hostname)};
    if (settings.domains.front() != "localhost") settings.domains.emplace_back("localhost");
  }
}

std::string settings_path(std::string_view option) {
  if (!option.empty()) return std::string(option);
  const char* environment = std::getenv("FACTEUR_CONFIG");
  return environment && *environment ? environment : std::string(installed_path);
}

}  // namespace facteur::config
