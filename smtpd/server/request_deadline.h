// How long a client may take: smtpd_timeout for each request, shortened for who sends a message drop by drop
// (smtpd_min_data_rate).
#pragma once

#include "common/base/time.h"
#include "smtpd/session/session.h"

namespace facteur::smtpd {

/// Computes when a session is over; the driver has the timer. While we wait for our own processes another limit holds:
/// RFC 5321 section 4.5.3.2.6 makes a client wait 10 minutes for the reply to the end of data.
class RequestDeadline {
 public:
  explicit RequestDeadline(const Limits& limits) : limits_(limits) {}

  /// Takes the session's state after each event; gives the moment at which it is to be expired.
  MonotonicTime update(const Deadline& deadline, MonotonicTime now) {
    const auto whole = deadline.running ? Milliseconds(limits_.timeout) : Milliseconds(own_limit);
    const bool other_request = !started_ || deadline.running != last_.running || deadline.request != last_.request;
    const bool any_rate_will_do = limits_.min_data_rate == 0 && deadline.content_octets != last_.content_octets;
    if (other_request || any_rate_will_do) {
      end_ = now + whole;
    } else if (deadline.content_octets > last_.content_octets) {
      const auto octets = deadline.content_octets - last_.content_octets;
      const Milliseconds credit{static_cast<std::int64_t>(octets * 1000 / limits_.min_data_rate)};
      end_ = std::min(now + whole, end_ + credit);
    }
    started_ = true;
    last_ = deadline;
    return end_;
  }
  [[nodiscard]] MonotonicTime end() const { return end_; }

  static constexpr Seconds own_limit{570};

 private:
  const Limits& limits_;
  Deadline last_;
  MonotonicTime end_{};
  bool started_ = false;
};

}  // namespace facteur::smtpd
