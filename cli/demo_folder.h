// The folder of a demo: settings, users, certificate, spool, mail. Made at the first start, found at the next.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/demo.h"
#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::cli {

/// What was made or found.
struct DemoFolder {
  std::string path;
  bool temporary = false;
  config::Settings settings;
  std::set<std::uint16_t> chosen_ports;          ///< by us; all others were asked for
  std::map<std::string, std::string> passwords;  ///< by login, without domain
  [[nodiscard]] std::string config_file() const { return path + "/facteur.yaml"; }
};

/// Kind::temporary if a facteurd serves the folder that is asked for: its settings are not to be written over.
[[nodiscard]] Result<> check_not_served(const DemoOptions& options);

/// Makes the folder ready, or finds it as it was left: the same users, passwords, uids and certificate.
[[nodiscard]] Result<DemoFolder> prepare_demo_folder(const DemoOptions& options);

/// Writes the settings again with other ports in place of the chosen ones.
[[nodiscard]] Result<> choose_other_ports(DemoFolder& folder, const DemoOptions& options);

/// Makes the Maildir or mbox of every account (of up to 1,000), with its owner: scripts look there before any mail has
/// come. When facteurd has made virtual_mail_root. What fails here is told by the first delivery.
void make_mail_of_accounts(const DemoFolder& folder);

/// Removes the folder at the end, if nobody named it.
void remove_if_temporary(const DemoFolder& folder);

}  // namespace facteur::cli
