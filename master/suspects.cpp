#include "master/suspects.h"

#include <csignal>
#include <sys/wait.h>

#include "common/base/in_hand.h"
#include "common/log/log.h"

namespace facteur::master {
namespace {

bool is_abort(int status) {
  if (!WIFSIGNALED(status)) return false;
  switch (WTERMSIG(status)) {
    case SIGABRT:
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGSYS: return true;
    default: return false;
  }
}

bool notes_messages(std::string_view program) {
  return program == "queued" || program == "remote";
}

}  // namespace

Suspects::Suspects(std::function<void(const std::string& queue_id)> on_message) : on_message_(std::move(on_message)) {
}

void Suspects::child_died(const Child& child, int status) {
  if (!is_abort(status)) return;
  const bool messages = notes_messages(child.program);
  Counts& counts = messages ? messages_ : accounts_;
  for (const auto& name : read_notes(child.notes)) {
    if (counts.size() >= most_names) counts.clear();
    const unsigned aborts = ++counts[name];
    log::error("{}: {}[{}] aborted while it had this in hand ({} of {})", name, child.program, child.pid, aborts,
               aborts_allowed);
    if (messages && aborts == aborts_allowed) on_message_(name);
  }
}

bool Suspects::is_suspect_account(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found != accounts_.end() && found->second >= aborts_allowed;
}

std::vector<std::string> Suspects::messages() const {
  std::vector<std::string> out;
  for (const auto& [name, aborts] : messages_) {
    if (aborts >= aborts_allowed) out.push_back(name);
  }
  return out;
}

}  // namespace facteur::master
