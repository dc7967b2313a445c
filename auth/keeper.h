// Keeps the compiled tables in step with the files.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/sources.h"
#include "auth/watch.h"
#include "common/base/fd.h"
#include "common/base/ticket.h"
#include "common/loop/loop.h"

namespace facteur::auth {

/// The current tables and accounts. A change of a file is read on the pool; until that is done questions wait, so that
/// what `facteur user add` has written counts for every question asked after it has returned. Files that cannot be read
/// leave the tables as they were.
class Keeper {
 public:
  Keeper(loop::Loop& loop, const config::Settings& settings, const Powers& powers, Passwd& passwd);

  /// Reads everything, here and now: at the start, before the jail. What cannot be read counts as empty.
  void start();
  /// Reads everything anew. `done` hears what is wrong, a line each; empty if nothing is.
  void reload(std::function<void(std::string problems)> done);
  /// New settings: the folders of their files must be within the jail.
  void set_settings(const config::Settings& settings);

  /// Runs `ask` when no change is pending; at once if none is.
  void when_current(std::function<void()> ask);
  [[nodiscard]] std::shared_ptr<const Accounts> accounts() const { return current_.accounts; }
  [[nodiscard]] const route::Tables& tables() const { return current_.tables; }
  /// The tables as sealed memory; a descriptor for each who asks.
  [[nodiscard]] Result<Fd> sealed() const;
  /// Called when the tables are others than before; not when only accounts are.
  void on_new_tables(std::function<void()> handler) { new_tables_ = std::move(handler); }

 private:
  using Done = std::function<void(std::string)>;
  void read();
  void take(Result<Compiled> compiled);
  void watch_files();
  void settle(const std::string& problems);

  loop::Loop& loop_;
  config::Settings settings_;
  Powers powers_;
  Passwd& passwd_;
  Watch watch_;
  Compiled current_;
  std::string octets_;  ///< of the tables
  std::function<void()> new_tables_;
  bool reading_ = false;
  Ticket job_;
  bool again_ = false;            ///< something changed while reading
  std::vector<Done> done_now_;    ///< hear of the reading under way
  std::vector<Done> done_again_;  ///< hear of the next one
  std::deque<std::function<void()>> waiting_;
};

}  // namespace facteur::auth
