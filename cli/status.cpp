// facteur status, reload, newaliases: what concerns the running processes.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/session.h"

namespace facteur::cli {
namespace {

/// master counts the sessions of those alone that it hands them to.
std::string sessions_of(const nlohmann::json& row) {
  const auto& program = row["program"];
  return program == "pop3d" || program == "imapd" ? std::to_string(row["served"].get<long>()) : "-";
}

void print_row(const nlohmann::json& row) {
  std::printf("%-12s %8d %8d %6d %8lds %9s  %s\n", row["program"].get<std::string>().c_str(), row["pid"].get<int>(),
              row["uid"].get<int>(), row["generation"].get<int>(), row["age"].get<long>(), sessions_of(row).c_str(),
              row["retiring"].get<bool>() ? "retiring" : (row["ready"].get<bool>() ? "serves" : "starting"));
}

}  // namespace

int status(const std::string& config_file, bool json) {
  return with_settings(config_file, [json](const config::Settings& settings) {
    auto rows = nlohmann::json::array();
    const int code = ask(settings, "status", {},
                         {.text =
                              [&](const std::string& text) {
                                auto row = nlohmann::json::parse(text, nullptr, false);
                                if (!row.is_discarded()) rows.push_back(std::move(row));
                              },
                          .file = {}});
    if (json) {
      std::printf("%s\n", rows.dump().c_str());
      return code;
    }
    if (rows.empty()) return code;
    std::printf("%-12s %8s %8s %6s %9s %9s\n", "program", "pid", "uid", "gen", "age", "sessions");
    for (const auto& row : rows) print_row(row);
    return code;
  });
}

int reload(const std::string& config_file) {
  return with_settings(config_file, [](const config::Settings& settings) {
    const int code = ask(settings, "reload", {settings.queue_directory}, {});
    if (code != EX_DATAERR) return code;
    return complain(code, "the settings are reloaded; what is told above is wrong with users or aliases");
  });
}

}  // namespace facteur::cli
