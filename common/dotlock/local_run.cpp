#include "common/dotlock/local_run.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <utility>

#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/process/mail_tree.h"

namespace facteur::dotlock {
namespace {

/// Master starts no more than one in a second.
constexpr Seconds sending_pause{1};
/// To remove a lock file takes a millisecond; a folder on another host may be slow.
constexpr Seconds longest_release{10};
/// How long to believe that no dotlock can be had.
constexpr Seconds none_pause{60};

bool readable_before(int socket, MonotonicTime end) {
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(end - monotonic_now());
    pollfd wait{socket, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max(left, Milliseconds{0}).count()));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

LocalRun::LocalRun(std::string mbox, std::function<bool()> send_for)
    : mbox_(std::move(mbox)), send_for_(std::move(send_for)) {
}

void LocalRun::come(Fd socket) {
  const std::lock_guard guard(mutex_);
  door_ = std::make_shared<const Fd>(std::move(socket));
  changed_.notify_all();
}

/// The door to a local-run, which is sent for if there is none; null when none has come in time.
std::shared_ptr<const Fd> LocalRun::wait_for_one(MonotonicTime end) {
  std::unique_lock guard(mutex_);
  while (!door_ && monotonic_now() < end) {
    if (monotonic_now() - sent_for_ >= sending_pause) {
      sent_for_ = monotonic_now();
      if (!send_for_()) log::warning("master takes no message: no local-run for {}", printable(mbox_));
    }
    changed_.wait_until(guard, std::min(end, sent_for_ + sending_pause));
  }
  return door_;
}

/// One question, one answer. Without an answer the door is of no use any more.
template <class Answered, class Question>
Result<Answered> LocalRun::ask(const std::shared_ptr<const Fd>& door, MonotonicTime end) {
  auto question = ipc::encode(Question{});
  const auto sent = ipc::send_now(door->get(), question);
  Result<ipc::Packet> packet = fail(Kind::timeout, "local-run does not answer");
  if (!sent) {
    packet = fail(sent);
  } else if (readable_before(door->get(), end)) {
    packet = ipc::receive_now(door->get());
  }
  auto answered = packet ? ipc::decode<Answered>(std::move(*packet)) : Result<Answered>(fail(packet));
  if (!answered) {
    const std::lock_guard guard(mutex_);
    if (door_ == door) door_.reset();
  }
  return answered;
}

Result<store::DotlockKeeper::Answer> LocalRun::answer_of(const run::Locked& said, std::shared_ptr<const Fd> door) {
  switch (said.outcome) {
    case run::Outcome::taken: {
      // Whoever lets go of it last gives it back.
      const auto give = [self = shared_from_this(), door](void*) { self->give_back(door); };
      return Answer{Outcome::taken, std::shared_ptr<void>(this, give)};
    }
    case run::Outcome::held: return Answer{Outcome::held, nullptr};
    case run::Outcome::none: break;
    case run::Outcome::failed: return fail(Kind::temporary, "dotlock of " + printable(mbox_) + ": " + said.text);
  }
  const std::lock_guard guard(mutex_);
  if (none_until_ == MonotonicTime{}) {
    log::warning("no dotlock of {}, its fcntl lock must do: {}", printable(mbox_), printable(said.text));
  }
  none_until_ = monotonic_now() + none_pause;
  return Answer{Outcome::none, nullptr};
}

Result<store::DotlockKeeper::Answer> LocalRun::attempt(MonotonicTime end) {
  const auto door = wait_for_one(end);
  if (!door) return fail(Kind::timeout, "no local-run came for the dotlock of " + printable(mbox_));
  const auto said = ask<run::Locked, run::Lock>(door, end);
  // One that has ended left no lock, or one that nobody holds: the next attempt finds another.
  if (!said && said.error().kind == Kind::closed) return Answer{Outcome::held, nullptr};
  if (!said) return fail(said);
  return answer_of(*said, door);
}

Result<store::DotlockKeeper::Answer> LocalRun::take(const std::string& mbox, Milliseconds most) {
  {
    const std::lock_guard guard(mutex_);
    if (mbox != mbox_ || monotonic_now() < none_until_) return Answer{Outcome::none, nullptr};
    if (std::exchange(busy_, true)) return Answer{Outcome::held, nullptr};
  }
  auto answer = attempt(monotonic_now() + most);
  if (!answer || answer->outcome != Outcome::taken) {
    const std::lock_guard guard(mutex_);
    busy_ = false;
  }
  return answer;
}

/// If local-run is gone, so is the lock, or it is nobody's.
void LocalRun::give_back(const std::shared_ptr<const Fd>& door) {
  const auto done = ask<run::Unlocked, run::Unlock>(door, monotonic_now() + longest_release);
  if (!done && done.error().kind != Kind::closed) {
    log::warning("dotlock of {}, given back: {}", printable(mbox_), done.error().text);
  }
  const std::lock_guard guard(mutex_);
  busy_ = false;
}

std::shared_ptr<store::DotlockKeeper> keeper_for(process::Program& program) {
  const auto& start = program.start();
  if (start.accounts.empty()) return nullptr;
  const auto& account = start.accounts.front();
  const auto place = process::mail_place(account);
  if (!place || place->kind != process::MailPlace::Kind::mbox || process::may_lock_beside(account, *place)) {
    return nullptr;
  }
  if (!start.real_root) {
    log::warning("no dotlock of {}, its fcntl lock must do: facteurd is not root", printable(place->path));
    return nullptr;
  }
  // The pool's own descriptor of that door: one message is one call of the kernel.
  const auto master = std::make_shared<const Fd>(program.master().duplicate());
  auto keeper = std::make_shared<LocalRun>(place->path, [master] {
    auto message = ipc::encode(master::NeedLocalRun{});
    return ipc::send_now(master->get(), message).has_value();
  });
  program.on_peer("local-run",
                  [keeper](std::uint32_t, const std::unique_ptr<ipc::Door>& door) { keeper->come(door->duplicate()); });
  return keeper;
}

}  // namespace facteur::dotlock
