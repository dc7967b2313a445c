// The control socket: `facteur status`, `reload`, `mailq` and the like, each as its caller may.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "common/ipc/door.h"
#include "common/net/listener.h"
#include "master/doors.h"
#include "master/supervisor.h"

namespace facteur::master {

/// Answers callers of run_directory/control. Who calls is what the kernel says (SO_PEERCRED). Requests about the queue
/// go to queued with the caller's descriptor; it answers them itself.
class Control {
 public:
  /// `reload` makes a new generation and says what is wrong, if anything is.
  Control(loop::Loop& loop, Supervisor& supervisor, std::function<Result<>()> reload);
  [[nodiscard]] Result<> open();
  /// Puts the handlers of a new child in place.
  void attach(Child& child);

 private:
  struct Caller {
    std::unique_ptr<ipc::Door> door;
    std::uint32_t uid = 0;
    bool privileged = false;
    std::uint64_t tables_question = 0;
    MonotonicTime since = monotonic_now();
    bool gone = false;
  };
  struct Verb {
    std::string_view name;
    bool for_all;
    bool of_settings;  ///< its argument is the queue_directory of the caller's settings
    void (Control::*handle)(Caller& caller, const ControlRequest& request);
  };
  static const std::array<Verb, 3> verbs;

  void accept(Fd client);
  void take(Caller& caller, const ControlRequest& request);
  void status(Caller& caller, const ControlRequest& request);
  void reload(Caller& caller, const ControlRequest& request);
  void tables(Caller& caller, const ControlRequest& request);
  void pass_to_queued(Caller& caller, const ControlRequest& request);
  [[nodiscard]] bool is_meant(const ControlRequest& request) const;
  [[nodiscard]] bool has_room_for(std::uint32_t uid) const;
  void hang_up_late();
  void sweep();

  loop::Loop& loop_;
  Supervisor& supervisor_;
  std::function<Result<>()> reload_;
  std::unique_ptr<net::Acceptor> acceptor_;
  std::list<Caller> callers_;
  loop::Timer timer_{loop_};
  std::uint64_t last_question_ = 0;
};

}  // namespace facteur::master
