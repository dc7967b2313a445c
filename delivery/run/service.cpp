#include "delivery/run/service.h"

#include <utility>

#include "common/log/log.h"

namespace facteur::run {

Service::Service(loop::Loop& loop, std::string mbox, std::string dotlockfile, std::function<void()> end, Times times)
    : lock_(std::move(mbox), std::move(dotlockfile)), timer_(loop), times_(times), end_(std::move(end)) {
  timer_.start(times_.worker, [this] { end_(); });
}

void Service::serve(std::unique_ptr<ipc::Door> door) {
  if (door_) return;
  timer_.stop();
  door_ = std::move(door);
  door_->on<Lock>([this](const Lock&) { lock(); });
  door_->on<Unlock>([this](const Unlock&) { unlock(); });
  door_->on_close([this](const std::string& why) {
    if (why != "the peer is gone") log::warning("door to {}: {}", door_->name(), why);
    shut_down();
    end_();
  });
  door_->open();
}

void Service::lock() {
  auto answer = lock_.take();
  if (answer.outcome == Outcome::taken) timer_.repeat(times_.refresh, [this] { lock_.refresh(); });
  door_->send_or_close(std::move(answer));
}

void Service::unlock() {
  if (!lock_.taken()) return door_->close("it gave back what it did not have");
  shut_down();
  door_->send_or_close(Unlocked{});
}

void Service::shut_down() {
  timer_.stop();
  lock_.give_back();
}

}  // namespace facteur::run
