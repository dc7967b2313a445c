// Two lists of work and the door that fills them.

#include "delivery/remote/service.h"

#include <utility>

#include "common/log/log.h"

namespace facteur::remote {

Service::Service(Environment& environment) : environment_(environment), cache_(environment.loop) {
}

void Service::serve(std::unique_ptr<ipc::Door> door) {
  lookups_.clear();
  attempts_.clear();
  door_ = std::move(door);
  door_->on<queue::Resolve>([this](queue::Resolve request) { resolve(std::move(request)); });
  door_->on<queue::Attempt>([this](queue::Attempt request) { attempt(std::move(request)); });
  door_->on_close([this](const std::string& why) { closed(why); });
  door_->open();
}

void Service::closed(const std::string& why) {
  log::info("the door to queued closed: {}", why);
  lookups_.clear();
  attempts_.clear();
  if (when_idle_) when_idle_();
}

void Service::resolve(queue::Resolve request) {
  if (lookups_.size() >= most_lookups) {
    queue::Resolved busy;
    busy.id = request.id;
    busy.text = "too many questions at once";
    door_->send_or_close(std::move(busy));
    return;
  }
  const auto place = lookups_.emplace(lookups_.end());
  *place = std::make_unique<Lookup>(environment_, std::move(request), [this, place](queue::Resolved answer) {
    const auto finished = std::move(*place);
    lookups_.erase(place);
    door_->send_or_close(std::move(answer));
  });
  (*place)->start();
}

void Service::attempt(queue::Attempt request) {
  if (attempts_.size() >= most_attempts) return refuse(request);
  const auto place = attempts_.emplace(attempts_.end());
  *place = std::make_unique<Attempt>(environment_, cache_, std::move(request), [this, place](queue::Attempted answer) {
    const auto finished = std::move(*place);
    attempts_.erase(place);
    door_->send_or_close(std::move(answer));
    if (attempts_.empty() && when_idle_) when_idle_();
  });
  (*place)->start();
}

void Service::refuse(const queue::Attempt& request) {
  queue::Attempted answer;
  answer.id = request.id;
  for (const auto& recipient : request.recipients) {
    answer.results.push_back(
        {recipient.number, queue::Fate::deferred, "4.3.2", "too many deliveries at once", "none", false});
  }
  door_->send_or_close(std::move(answer));
}

void Service::when_idle(std::function<void()> handler) {
  when_idle_ = std::move(handler);
  if (attempts_.empty()) when_idle_();
}

}  // namespace facteur::remote
