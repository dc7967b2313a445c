#include "common/loop/loop.h"

#include <cstdlib>
#include <string>

#include "common/base/result.h"
#include "common/loop/impl.h"

namespace facteur::loop {
namespace {

void run_posted(uv_idle_t* idle) {
  auto& impl = *static_cast<Loop::Impl*>(idle->data);
  // Only what was there at the start: a call that posts itself must not starve the sockets.
  auto calls = std::exchange(impl.posted, {});
  for (auto& call : calls) call();
  if (impl.posted.empty()) uv_idle_stop(idle);
}

struct Work {
  uv_work_t request{};
  std::function<void()> work;
  std::function<void()> done;
};

void start_work(Loop::Impl& impl, std::function<void()> work, std::function<void()> done) {
  auto job = std::make_unique<Work>();
  job->work = std::move(work);
  job->done = std::move(done);
  job->request.data = job.get();
  const int started = uv_queue_work(
      &impl.loop, &job->request, [](uv_work_t* request) { static_cast<Work*>(request->data)->work(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Work> finished(static_cast<Work*>(request->data));
        finished->work = nullptr;  // what the work captured is freed on the loop's thread
        if (finished->done) finished->done();
      });
  check(started == 0, "uv_queue_work");
  (void)job.release();  // owned by the request until its callback
}

}  // namespace

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  check(uv_loop_init(&impl_->loop) == 0, "uv_loop_init");
  check(uv_idle_init(&impl_->loop, &impl_->idle) == 0, "uv_idle_init");
  impl_->idle.data = impl_.get();
}

Loop::~Loop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->idle), nullptr);
  for (auto& [signal, handler] : impl_->signals) uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
  // Lets close callbacks and work under way finish; what still holds the loop then is a handle that outlives it.
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
  check(uv_loop_close(&impl_->loop) == 0, "a handle outlives its loop");
}

void Loop::run() {
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
}

void Loop::stop() {
  uv_stop(&impl_->loop);
}

void Loop::turn() {
  uv_run(&impl_->loop, UV_RUN_NOWAIT);
}

void Loop::post(std::function<void()> call) {
  impl_->posted.push_back(std::move(call));
  uv_idle_start(&impl_->idle, run_posted);
}

Ticket Loop::work(std::function<void()> work, std::function<void()> done) {
  auto [ticket, answer] = ask<bool>([done = std::move(done)](bool) { done(); });
  start_work(*impl_, std::move(work), [answer = std::move(answer)]() mutable { answer(true); });
  return std::move(ticket);
}

void Loop::work_detached(std::function<void()> work, std::function<void()> done) {
  start_work(*impl_, std::move(work), std::move(done));
}

void Loop::on_signal(int signal, std::function<void()> handler) {
  auto& [handle, call] = impl_->signals.emplace_back();
  call = std::move(handler);
  handle.data = &call;
  check(uv_signal_init(&impl_->loop, &handle) == 0, "uv_signal_init");
  check(uv_signal_start(
            &handle, [](uv_signal_t* h, int) { (*static_cast<std::function<void()>*>(h->data))(); }, signal) == 0,
        "uv_signal_start");
  uv_unref(reinterpret_cast<uv_handle_t*>(&handle));
}

void set_pool_threads(unsigned threads) {
  ::setenv("UV_THREADPOOL_SIZE", std::to_string(threads).c_str(), 1);
}

struct Timer::Impl {
  uv_timer_t timer{};
  std::function<void()> handler;
};

Timer::Timer(Loop& loop) : impl_(new Impl) {
  impl_->timer.data = impl_;
  check(uv_timer_init(&loop.impl().loop, &impl_->timer) == 0, "uv_timer_init");
}

Timer::~Timer() {
  impl_->handler = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->timer),
           [](uv_handle_t* handle) { delete static_cast<Impl*>(handle->data); });
}

void Timer::start(Milliseconds delay, std::function<void()> handler) {
  impl_->handler = std::move(handler);
  uv_update_time(uv_handle_get_loop(reinterpret_cast<uv_handle_t*>(&impl_->timer)));
  uv_timer_start(
      &impl_->timer,
      [](uv_timer_t* timer) {
        // Moved out first: the handler may destroy the timer, or start it anew.
        const auto call = std::exchange(static_cast<Impl*>(timer->data)->handler, nullptr);
        if (call) call();
      },
      static_cast<std::uint64_t>(std::max<Milliseconds::rep>(delay.count(), 0)), 0);
}

void Timer::repeat(Milliseconds period, std::function<void()> handler) {
  impl_->handler = std::move(handler);
  uv_update_time(uv_handle_get_loop(reinterpret_cast<uv_handle_t*>(&impl_->timer)));
  uv_timer_start(
      &impl_->timer,
      [](uv_timer_t* timer) {
        const auto call = static_cast<Impl*>(timer->data)->handler;
        if (call) call();
      },
      static_cast<std::uint64_t>(period.count()), static_cast<std::uint64_t>(period.count()));
}

void Timer::stop() {
  uv_timer_stop(&impl_->timer);
  impl_->handler = nullptr;
}

bool Timer::running() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&impl_->timer)) != 0;
}

Ticket after(Loop& loop, Milliseconds delay, std::function<void()> handler) {
  auto timer = std::make_shared<Timer>(loop);
  timer->start(delay, std::move(handler));
  return Ticket(std::move(timer));
}

}  // namespace facteur::loop
