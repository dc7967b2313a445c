// Asks master, or queued behind it, through the control socket.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::cli {

/// What came of a request: an exit code of sysexits.h, and why if it is not 0.
struct Outcome {
  int exit_code = 0;
  std::string text;
};

/// What is done with each part of an answer, as it comes.
struct AnswerHandlers {
  std::function<void(const std::string& text)> text;
  std::function<void(Fd file)> file;
};

/// False if it is certain that no facteurd runs with these settings.
[[nodiscard]] bool may_be_running(const config::Settings& settings);

/// Sends one request and waits for its end. An Error when nobody answers: not running (Kind::temporary), or gone in
/// between.
[[nodiscard]] Result<Outcome> request(const config::Settings& settings, const std::string& verb,
                                      const std::vector<std::string>& arguments, const AnswerHandlers& handlers);

}  // namespace facteur::cli
