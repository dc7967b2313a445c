// facteur: the command line. One subcommand a verb; what each does is in the files beside this one.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/demo.h"

namespace {

using namespace facteur::cli;

/// What the parser fills in, and the verb that was chosen.
struct Chosen {
  std::string config;
  std::string name;
  std::string password_file;
  std::vector<std::string> names;
  bool json = false;
  bool all = false;
  bool follow = false;
  unsigned port_base = 0;
  DemoOptions demo;
  std::function<int()> run;
};

CLI::App* verb(CLI::App& parent, Chosen& chosen, const char* name, const char* help, std::function<int()> run) {
  auto* command = parent.add_subcommand(name, help);
  command->callback([&chosen, run = std::move(run)] { chosen.run = run; });
  return command;
}

void add_demo(CLI::App& app, Chosen& c) {
  auto* demo = verb(app, c, "demo", "A whole installation in one folder, on loopback, until Ctrl-C",
                    [&c] { return facteur::cli::demo(c.demo); });
  demo->add_option("--dir", c.demo.folder, "Where; kept, and found again at the next start (else a temporary folder)");
  demo->add_option("--users", c.demo.users, "Accounts u1 ... uN beside alice and bob")->check(CLI::Range(0U, 100000U));
  demo->add_option("--password", c.demo.password, "The password of all accounts");
  demo->add_option("--config", c.demo.config_file, "A settings file to merge over the demo's")
      ->check(CLI::ExistingFile);
  demo->add_option("--set", c.demo.settings, "KEY=VALUE: a setting, the value in YAML")
      ->take_all()
      ->allow_extra_args(false);
  auto* base = demo->add_option("--port-base", c.port_base, "Port = N + the standard port (else free ports)");
  demo->add_flag("--json", c.demo.json, "One line of JSON when ready");
  demo->add_option("--exec", c.demo.exec, "A command for sh -c when ready; its status is the demo's");
  demo->parse_complete_callback([&c, base] {
    if (base->count() > 0) c.demo.port_base = c.port_base;
  });
}

void add_processes(CLI::App& app, Chosen& c) {
  auto* status = verb(app, c, "status", "The processes", [&c] { return facteur::cli::status(c.config, c.json); });
  status->add_flag("--json", c.json, "As JSON");
  verb(app, c, "reload", "Take the settings and certificates as they are now", [&c] { return reload(c.config); });
  auto* log = verb(app, c, "log", "The lines of the log", [&c] { return show_log(c.config, c.name, c.follow); });
  log->add_option("text", c.name, "Only lines with this in them, say a queue id");
  log->add_flag("-f,--follow", c.follow, "Wait for more");
}

void add_config(CLI::App& app, Chosen& c) {
  auto* config = app.add_subcommand("config", "The settings")->require_subcommand(1);
  verb(*config, c, "check", "Says what is wrong, with file and line", [&c] { return config_check(c.config); });
  auto* show =
      verb(*config, c, "show", "The settings that were written", [&c] { return config_show(c.config, c.all); });
  show->add_flag("--all", c.all, "Those at their defaults, too");
  auto* describe = verb(*config, c, "describe", "What a setting means (all of them without a name)",
                        [&c] { return config_describe(c.names); });
  describe->add_option("names", c.names, "Settings");
}

void add_user(CLI::App& app, Chosen& c) {
  auto* user = app.add_subcommand("user", "Accounts of the users file")->require_subcommand(1);
  const auto with_name = [&c](CLI::App* command) { command->add_option("name", c.name, "user@domain")->required(); };
  const auto with_password = [&c](CLI::App* command) {
    command->add_option("--password-file", c.password_file, "A file whose first line is the password; - is stdin");
  };
  auto* add = verb(*user, c, "add", "Add an account", [&c] { return user_add(c.config, c.name, c.password_file); });
  auto* passwd =
      verb(*user, c, "passwd", "Change a password", [&c] { return user_passwd(c.config, c.name, c.password_file); });
  with_name(add);
  with_password(add);
  with_name(passwd);
  with_password(passwd);
  with_name(
      verb(*user, c, "delete", "Delete an account; its mail stays", [&c] { return user_delete(c.config, c.name); }));
  verb(*user, c, "list", "The accounts", [&c] { return user_list(c.config); });
  auto* out = verb(*user, c, "export-dovecot",
                   "Hand Maildirs over to Dovecot, which goes on with their UIDs, flags and keywords. facteurd must be "
                   "down; whichever server opens a mailbox next goes on from there",
                   [&c] { return user_export_dovecot(c.config, c.names, c.all); });
  auto* names = out->add_option("names", c.names, "user@domain, or a user of the system");
  auto* all = out->add_flag("--all", c.all, "Everybody of the users file, and of /etc/passwd who is served");
  all->excludes(names);
  out->require_option(1);
}

void add_queue(CLI::App& app, Chosen& c) {
  auto* queue = app.add_subcommand("queue", "Messages that wait")->require_subcommand(1);
  verb(*queue, c, "list", "All of them, as mailq shows them", [&c] { return queue_list(c.config); });
  verb(*queue, c, "show", "A message", [&c] { return queue_show(c.config, c.name); })
      ->add_option("id", c.name, "Queue id")
      ->required();
  verb(*queue, c, "flush", "Try now: one message, or all", [&c] {
    return queue_request(c.config, "queue flush", c.name.empty() ? std::vector<std::string>{} : std::vector{c.name});
  })->add_option("id", c.name, "Queue id");
  constexpr std::pair<const char*, const char*> changes[] = {
      {"delete", "Delete messages"}, {"hold", "Stop messages"}, {"release", "Let stopped messages go on"}};
  for (const auto& [name, help] : changes) {
    const std::string request = std::string("queue ") + name;
    verb(*queue, c, name, help, [&c, request] { return queue_request(c.config, request, c.names); })
        ->add_option("ids", c.names, "Queue ids, or ALL")
        ->required();
  }
}

int run(int argc, char** argv) {
  CLI::App app("Facteur: a mail server");
  Chosen chosen;
  app.set_version_flag("--version", "facteur " FACTEUR_VERSION);
  app.add_option("--config", chosen.config, "The settings file (or FACTEUR_CONFIG)");
  app.require_subcommand(1);
  app.fallthrough();
  add_demo(app, chosen);
  add_processes(app, chosen);
  add_config(app, chosen);
  add_user(app, chosen);
  add_queue(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EX_OK : EX_USAGE;  // --help and --version end here too
  }
  return chosen.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // of a library, or no memory
    return complain(EX_SOFTWARE, error.what());
  }
}
