// The subcommands of `facteur`. Each prints what people want to read and returns an exit code of sysexits.h.
#pragma once

#include <string>
#include <vector>

namespace facteur::cli {

/// facteur status [--json]: the processes.
[[nodiscard]] int status(const std::string& config_file, bool json);
/// facteur reload: a new generation with the settings as they are now.
[[nodiscard]] int reload(const std::string& config_file);
/// facteur log [QUEUE ID or text] [-f]: the lines of the log.
[[nodiscard]] int show_log(const std::string& config_file, const std::string& filter, bool follow);

/// facteur config check|show|describe.
[[nodiscard]] int config_check(const std::string& config_file);
[[nodiscard]] int config_show(const std::string& config_file, bool all);
[[nodiscard]] int config_describe(const std::vector<std::string>& names);

/// facteur user add|passwd|delete|list. The password comes from a file or pipe ("-" is stdin), never from the command
/// line; "" asks on the terminal.
[[nodiscard]] int user_add(const std::string& config_file, const std::string& name, const std::string& password_file);
[[nodiscard]] int user_passwd(const std::string& config_file, const std::string& name,
                              const std::string& password_file);
[[nodiscard]] int user_delete(const std::string& config_file, const std::string& name);
[[nodiscard]] int user_list(const std::string& config_file);
/// facteur user export-dovecot NAME...|--all: hands mailboxes over to Dovecot.
[[nodiscard]] int user_export_dovecot(const std::string& config_file, const std::vector<std::string>& names, bool all);

/// facteur queue list | show ID | flush [ID] | delete ID|ALL; mailq.
[[nodiscard]] int queue_list(const std::string& config_file);
[[nodiscard]] int queue_show(const std::string& config_file, const std::string& queue_id);
[[nodiscard]] int queue_request(const std::string& config_file, const std::string& verb,
                                const std::vector<std::string>& arguments);

/// newaliases: checks the files of `aliases` and tells the daemon.
[[nodiscard]] int new_aliases(const std::string& config_file);

/// Prints "facteur: why" on stderr and gives `code`.
int complain(int code, const std::string& why);

}  // namespace facteur::cli
