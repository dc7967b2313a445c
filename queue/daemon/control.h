// What administrators ask: the queue as a list, one message, and what is to be done with messages. The caller's
// connection came through master, which knows who it is.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "master/doors.h"
#include "queue/daemon/core.h"
#include "queue/daemon/remote_delivery.h"

namespace facteur::queue {

/// Answers the requests "queue list|show|flush|delete|hold|release".
class Control {
 public:
  Control(loop::Loop& loop, std::shared_ptr<Spool> spool, Core& core, RemoteDelivery& remote);

  void take(master::ControlCaller caller);

 private:
  using Caller = std::shared_ptr<master::ControlCaller>;
  struct Verb {
    std::string_view name;
    bool for_all;  ///< every local user may ask it
    void (Control::*handle)(const Caller& caller);
  };
  static const std::array<Verb, 6> verbs;

  void list(const Caller& caller);
  void show(const Caller& caller);
  void flush(const Caller& caller);
  void remove(const Caller& caller);
  void hold(const Caller& caller);
  void release(const Caller& caller);
  /// Does something to each message that is named, or to ALL of a folder.
  void for_each(const Caller& caller, Folder folder, std::function<bool(const std::string&)> act);

  std::shared_ptr<Spool> spool_;
  Core& core_;
  RemoteDelivery& remote_;
  Pool pool_;
};

}  // namespace facteur::queue
