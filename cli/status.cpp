// facteur status, reload, newaliases: what concerns the running processes.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/session.h"

namespace facteur::cli {
namespace {

void print_row(const nlohmann::json& row) {
  std::printf("%-12s %8d %8d %6d %8lds %9ld  %s\n", row["program"].get<std::string>().c_str(), row["pid"].get<int>(),
              row["uid"].get<int>(), row["generation"].get<int>(), row["age"].get<long>(), row["served"].get<long>(),
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
    std::printf("%-12s %8s %8s %6s %9s %9s\n", "program", "pid", "uid", "gen", "age", "served");
    for (const auto& row : rows) print_row(row);
    return code;
  });
}

int reload(const std::string& config_file) {
  return with_settings(config_file, [](const config::Settings& settings) {
    return ask(settings, "reload", {settings.queue_directory}, {});
  });
}

}  // namespace facteur::cli
