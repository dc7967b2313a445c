// One open question. The asker keeps the Ticket, who answers keeps the Answer; destroying the Ticket withdraws the
// question, so a callback never reaches an object that is gone.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace facteur {

/// The asker's end. While it lives, the callback may run, at most once; destroyed or reset, it never runs.
/// An empty Ticket stands for no question.
class Ticket {
 public:
  Ticket() = default;
  explicit Ticket(std::shared_ptr<void> question) : question_(std::move(question)) {}
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&&) noexcept = default;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() = default;

  explicit operator bool() const { return question_ != nullptr; }
  void reset() { question_.reset(); }

 private:
  std::shared_ptr<void> question_;
};

/// The answerer's end. It must not answer before the call that asked has returned.
template <class T>
class Answer {
 public:
  Answer() = default;
  /// True while somebody still waits for the answer.
  [[nodiscard]] bool wanted() const { return !question_.expired(); }
  /// Runs the callback, unless the question was withdrawn or answered. The callback may destroy the Ticket.
  void operator()(T value) {
    const auto question = std::exchange(question_, {}).lock();
    if (!question) return;
    const auto callback = std::exchange(*question, nullptr);
    if (callback) callback(std::move(value));
  }

 private:
  template <class U>
  friend std::pair<Ticket, Answer<U>> ask(std::function<void(U)> callback);
  std::weak_ptr<std::function<void(T)>> question_;
};

/// A new question: keep the Ticket, hand the Answer to who will answer. T comes by value.
template <class T>
[[nodiscard]] std::pair<Ticket, Answer<T>> ask(std::function<void(T)> callback) {
  auto question = std::make_shared<std::function<void(T)>>(std::move(callback));
  Answer<T> answer;
  answer.question_ = question;
  return {Ticket(std::move(question)), std::move(answer)};
}

}  // namespace facteur
