// Starts the processes, pairs their doors, starts anew what died, replaces generations, and ends them all.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/loop/loop.h"
#include "config/settings.h"
#include "master/child.h"
#include "master/log_destination.h"
#include "master/programs.h"
#include "master/sockets.h"

namespace facteur::master {

/// What a new process is to be told beyond what all are told.
struct Birth {
  std::string program;
  unsigned index = 0;
  User user;
  std::string system_user;
  std::string worker_key;
  std::vector<Listener> listeners;
  std::vector<auth::Account> accounts;
};

/// The family of processes. It knows nothing of what they do.
class Supervisor {
 public:
  Supervisor(loop::Loop& loop, bool real_root, std::string program_folder);

  /// Takes the settings (checked), makes folders and sockets, starts what is missing: the log is open. With an error
  /// nothing serves.
  [[nodiscard]] Result<> begin(config::Settings settings);
  /// New settings, or the same again for a new certificate: a new generation beside the old one, which retires when the
  /// new one serves. With an error the old stays.
  [[nodiscard]] Result<> reload(config::Settings settings);
  /// Ends the children in two stages, then calls `done`.
  void stop(std::function<void()> done);

  /// Starts a process of a worker program; null if it cannot be started now.
  [[nodiscard]] Child* start_worker(Birth birth);
  /// Gives each of the two a door to the other.
  void pair(Child& one, Child& other);
  /// The living child of this instance, or null.
  [[nodiscard]] Child* find(std::uint32_t instance);
  /// The one living process of a program that is not retiring, or null.
  [[nodiscard]] Child* current(std::string_view program);
  [[nodiscard]] const std::list<Child>& children() const { return children_; }
  [[nodiscard]] const config::Settings& settings() const { return settings_; }
  [[nodiscard]] bool real_root() const { return real_root_; }
  [[nodiscard]] LogDestination& log() { return log_; }
  [[nodiscard]] bool all_ready() const;

  /// Sets the handlers for a new child's messages, before its door is opened.
  void on_birth(std::function<void(Child&)> handler) { on_birth_ = std::move(handler); }
  /// A child is gone, with this status of waitpid(2).
  void on_death(std::function<void(const Child&, int status)> handler) { on_death_ = std::move(handler); }
  /// All permanent programs serve for the first time.
  void on_all_ready(std::function<void()> handler) { on_all_ready_ = std::move(handler); }

 private:
  /// How a permanent program's place has fared.
  struct Place {
    unsigned failures = 0;
    std::unique_ptr<loop::Timer> pause;
    MonotonicTime last_start{};
    unsigned quick_deaths = 0;
  };

  [[nodiscard]] Result<> take_lock();
  [[nodiscard]] Result<User> user_of(const ProgramRow& row) const;
  [[nodiscard]] unsigned count_of(const ProgramRow& row) const;
  void start_permanent(const ProgramRow& row, unsigned index);
  void start_all();
  Child* start(Birth birth);
  [[nodiscard]] Result<Start> first_message(const Birth& birth, std::uint32_t instance);
  void listen_to(Child& child);
  void give_log(Child& child);
  void pair_with_peers(Child& child);
  void lost_peer(const Child& child, std::uint32_t peer);
  void want_pair(std::uint32_t one, std::uint32_t other);
  void pair_again();
  void became_ready(Child& child);
  void retire_older(const Child& newer);
  void succeed(Child& full);
  void reap();
  void died(Child& child, int status);
  static void dismiss(Child& worker);
  void restart_later(const ProgramRow& row, unsigned index, Milliseconds pause);
  [[nodiscard]] Milliseconds pause_after(const ProgramRow& row, const Child& child);
  /// What is being stopped, and what follows when it has ended.
  struct Stage {
    bool vital;
    std::function<void()> then;
  };
  [[nodiscard]] static bool is_in(const Stage& stage, const Child& child);
  void stop_stage(bool vital, std::function<void()> then);
  void signal_stage(int signal);
  void look_at_stage();

  loop::Loop& loop_;
  LogDestination log_{loop_};
  const bool real_root_;
  const std::string folder_;
  config::Settings settings_;
  Fd lock_;  ///< on the spool, for life
  Fd sealed_settings_;
  Sockets sockets_;
  std::list<Child> children_;
  std::map<std::pair<std::string, unsigned>, Place> places_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> lost_pairs_;  ///< instances, the smaller first
  loop::Timer pair_timer_{loop_};
  std::uint32_t last_instance_ = 0;
  std::uint32_t generation_ = 0;
  std::function<void(Child&)> on_birth_;
  std::function<void(const Child&, int)> on_death_;
  std::function<void()> on_all_ready_;
  std::optional<Stage> stage_;
  loop::Timer kill_timer_{loop_};
  bool stopping_ = false;
};

}  // namespace facteur::master
