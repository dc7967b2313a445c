// The skeleton that every program but master and the command line fills in: what master says first, the log, the loop,
// the doors, the jail, and the end.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/ipc/door.h"
#include "common/loop/loop.h"
#include "common/process/jail.h"
#include "config/settings.h"
#include "master/doors.h"

namespace facteur::process {

/// A program's life: constructed (settings, log, inherited door), prepared by its server, jailed, run.
///
///   process::Program program("smtpd", argc, argv);
///   smtpd::Server server(program);
///   server.prepare();                       // keys, resolver: still unjailed
///   program.jail(process::roles::smtpd);    // one way
///   return program.run();
///
/// With --self-test-jail it is started by hand: no master, settings from --config, and jail() tries the forbidden acts
/// and ends the program with 0 if all were refused. A start without either ends with EX_USAGE.
class Program {
 public:
  Program(std::string name, int argc, char** argv);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] loop::Loop& loop() { return loop_; }
  [[nodiscard]] const config::Settings& settings() const { return settings_; }
  /// What master said at the start. The listeners' sockets may be moved out.
  [[nodiscard]] master::Start& start() { return start_; }
  /// The door to master. Handlers for messages of a program's own go in before run().
  [[nodiscard]] ipc::Door& master() { return *master_; }

  /// A door to a peer has come: `program` names what is behind it. The handler sets its handlers and opens it. A door
  /// of an earlier instance is the owner's to drop when it closes.
  void on_peer(const std::string& program,
               std::function<void(std::uint32_t instance, std::unique_ptr<ipc::Door>)> handler);
  /// The settings have changed (queued, authd, workers); settings() is new already.
  void on_settings(std::function<void()> handler) { on_settings_ = std::move(handler); }
  /// A newer generation serves: accept no more, finish sessions, then call end().
  void on_retire(std::function<void()> handler) { on_retire_ = std::move(handler); }
  /// SIGTERM: no new connections, 421 or BYE at the next command, then end(). The process is ended after `stop_grace`
  /// in any case.
  void on_stop(std::function<void()> handler) { on_stop_ = std::move(handler); }
  /// The loop has ended, whatever ended it: for what must not be left behind. Whoever is killed does not get there.
  void on_end(std::function<void()> handler) { on_end_ = std::move(handler); }
  /// More folders for the jail, known to the server alone; before jail().
  void allow(Path path) { paths_.push_back(std::move(path)); }

  void jail(const Role& role);
  /// Instead of a jail, for the one program that has none: becomes the user that master named. Only where master can
  /// become others; there is nothing to test by hand.
  void become_user();
  /// Ready is told not by run() but by ready(): for a program that cannot serve before a peer has spoken.
  void hold_ready() { ready_held_ = true; }
  /// Tells master, once, that it serves.
  void ready();
  /// Tells master that it serves, and runs the loop until end() or until master is gone. Gives the exit status.
  [[nodiscard]] int run();
  void end() { loop_.stop(); }

 private:
  void start_by_hand(const std::string& config_file);
  void start_by_master();
  void take_settings(const Fd& memory);
  void watch_log();
  void listen_to_master();
  void stop();

  std::string name_;
  loop::Loop loop_;
  config::Settings settings_;
  master::Start start_;
  std::unique_ptr<ipc::Door> master_;
  std::map<std::string, std::function<void(std::uint32_t, std::unique_ptr<ipc::Door>)>> peers_;
  std::function<void()> on_settings_;
  std::function<void()> on_retire_;
  std::function<void()> on_stop_;
  std::function<void()> on_end_;
  std::vector<Path> paths_;
  loop::Timer log_timer_{loop_};
  loop::Timer stop_timer_{loop_};
  std::atomic<bool> log_broken_ = false;
  bool self_testing_ = false;
  bool stopping_ = false;
  bool ready_held_ = false;
  bool ready_told_ = false;
};

/// The descriptor on which a program finds its door to master.
constexpr int master_descriptor = 3;
/// Runs the pool with this many threads at least; a setting `sync_threads` above 0 counts instead. Before the first use
/// of the pool.
void size_pool(const config::Settings& settings, unsigned threads);

}  // namespace facteur::process
