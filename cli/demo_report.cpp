#include "cli/demo_report.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/control_client.h"
#include "cli/demo_ports.h"
#include "common/base/strings.h"

namespace facteur::cli {
namespace {

using nlohmann::json;

constexpr const char* host = "127.0.0.1";

/// Where the mail of a login lies: the Maildir or mbox of mail_location.
std::string mail_of(const DemoFolder& demo, const std::string& login) {
  const std::string& location = demo.settings.mail_location;
  const std::string home = demo.settings.virtual_mail_root + "/" + demo.settings.domains.front() + "/" + login;
  std::string out;
  const std::string path = location.substr(location.find(':') + 1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char next = path[i] == '%' && i + 1 < path.size() ? path[i + 1] : '\0';
    if (path[i] == '~' && i == 0) {
      out += home;
    } else if (next == 'u') {
      out += login + "@" + demo.settings.domains.front(), ++i;
    } else if (next == 'n') {
      out += login, ++i;
    } else if (next == 'd') {
      out += demo.settings.domains.front(), ++i;
    } else if (next == 'h') {
      out += home, ++i;
    } else {
      out += path[i];
    }
  }
  return out;
}

json pids(const DemoFolder& demo, int facteurd_pid) {
  json out{{"facteurd", facteurd_pid}};
  for (const char* many : {"smtpd", "remote", "local", "pop3-login", "pop3d", "imap-login", "imapd"})
    out[many] = json::array();
  (void)request(demo.settings, "status", {},
                {.text =
                     [&](const std::string& text) {
                       const auto row = json::parse(text, nullptr, false);
                       // local-run comes and goes with its worker: it is none of those that the report promises.
                       if (row.is_discarded() || row["program"] == "local-run") return;
                       auto& place = out[row["program"].get<std::string>()];
                       if (place.is_array()) {
                         place.push_back(row["pid"]);
                       } else {
                         place = row["pid"];
                       }
                     },
                 .file = {}});
  return out;
}

}  // namespace

std::string programs_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::map<std::string, std::string> demo_environment(const DemoFolder& demo) {
  const char* const path = std::getenv("PATH");
  std::map<std::string, std::string> out{
      {"FACTEUR_HOST", host},
      {"FACTEUR_DIR", demo.path},
      {"FACTEUR_CONFIG", demo.config_file()},
      {"PATH", programs_folder() + ":" + (path != nullptr ? path : "/usr/bin:/bin")}};
  for (const auto& port : demo_ports) {
    out["FACTEUR_" + to_upper(port.name)] = std::to_string(demo.settings.*port.member);
  }
  return out;
}

std::string describe_demo_as_json(const DemoFolder& demo, int facteurd_pid) {
  json out{{"dir", demo.path},
           {"config", demo.config_file()},
           {"domain", demo.settings.domains.front()},
           {"host", host},
           {"accounts", demo.passwords},
           {"pids", pids(demo, facteurd_pid)},
           {"spool", demo.settings.queue_directory},
           {"log", demo.settings.log},
           {"certificate", demo.settings.tls_certificate}};
  for (const auto& [login, password] : demo.passwords) out["mail"][login] = mail_of(demo, login);
  for (const auto& port : demo_ports) out["ports"][std::string(port.name)] = demo.settings.*port.member;
  return out.dump();
}

std::string describe_demo(const DemoFolder& demo) {
  const auto& s = demo.settings;
  const std::string& domain = s.domains.front();
  const std::string& alice = demo.passwords.at("alice");
  std::string out = fmt::format("Facteur runs in {} (log: {}).\n\nAccounts:\n", demo.path, s.log);
  for (const auto& [login, password] : demo.passwords) out += fmt::format("  {}@{}  {}\n", login, domain, password);
  out += fmt::format("\nPorts on {}:", host);
  for (const auto& port : demo_ports) out += fmt::format(" {} {}", port.name, s.*port.member);
  out += fmt::format(
      "\n\nSend a mail:\n"
      "  curl smtp://{0}:{1} --mail-from bob@{2} --mail-rcpt alice@{2} -T message.txt\n"
      "Read it:\n"
      "  curl pop3://{0}:{3}/ --user alice:{5}\n"
      "  curl imap://{0}:{4}/INBOX?ALL --user alice:{5}\n"
      "With TLS (certificate: {6}):\n"
      "  curl --cacert {6} --connect-to ::{0}:{7} imaps://{8}:{7}/INBOX?ALL --user alice:{5}\n"
      "\nCommands: FACTEUR_CONFIG={9} {10}/facteur status (or queue list, log, user list)\n"
      "Ctrl-C ends it.\n",
      host, s.ports_smtp, domain, s.ports_pop3, s.ports_imap, alice, s.tls_certificate, s.ports_imaps, s.hostname,
      demo.config_file(), programs_folder());
  return out;
}

}  // namespace facteur::cli
