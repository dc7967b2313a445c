// The listening sockets: made by master while it may bind low ports, kept over reloads and over the deaths of those who
// accept.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "config/settings.h"
#include "master/doors.h"

namespace facteur::master {

/// Keeps the sockets by address. SMTP listeners have one socket a process (SO_REUSEPORT), the others one in all.
class Sockets {
 public:
  /// Opens what the settings name and is not open, closes what they no longer name. On an error nothing has changed.
  [[nodiscard]] Result<> configure(const config::Settings& settings, unsigned smtpd_processes);
  /// Copies of the sockets for process number `index` (0 and up) of a program.
  [[nodiscard]] std::vector<Listener> listeners_for(std::string_view program, unsigned index) const;

 private:
  struct Kept {
    std::string role;
    std::string address;
    Tls tls = Tls::none;
    std::vector<Fd> sockets;
  };
  [[nodiscard]] static Result<Kept> make(const config::Listener& listener, unsigned count);
  [[nodiscard]] static Result<Kept> make_submit(const config::Settings& settings);
  std::map<std::string, Kept> kept_;  ///< by role and address
};

}  // namespace facteur::master
