// Running a dialogue against an engine.
#include <algorithm>
#include <memory>
#include <regex>

#include "common/base/strings.h"
#include "tests/dialogue/dialogue.h"

namespace facteur::dialogue {
namespace {

/// One run: what the engine said and nobody looked at yet, and how far the client is.
class Run {
 public:
  Run(Peer& peer, Cut cut) : peer_(peer), cut_(cut), said_(peer.greeting()) {}

  std::optional<std::string> step(const Step& step) {
    switch (step.act) {
      case Act::send: pending_ += step.text; return std::nullopt;
      case Act::directive:
        flush();
        said_ += peer_.directive(step.text);
        return std::nullopt;
      default: flush(); return expect(step);
    }
  }
  void flush() {
    std::string_view rest = pending_;
    while (!rest.empty() && !peer_.closed()) {
      auto size = std::min(rest.size(), cut_.piece);
      if (cut_.at > sent_ && cut_.at < sent_ + size) size = cut_.at - sent_;
      said_ += peer_.feed(rest.substr(0, size));
      sent_ += size;
      rest.remove_prefix(size);
    }
    pending_.clear();
  }
  [[nodiscard]] const std::string& left() const { return said_; }

 private:
  std::optional<std::string> expect(const Step& step) {
    if (step.act == Act::closed) {
      if (!said_.empty()) return "more before the close: " + printable(said_);
      return peer_.closed() ? std::nullopt : std::optional<std::string>("not closed");
    }
    if (step.act == Act::octets) {
      if (!said_.starts_with(step.text)) return "other octets: " + printable(said_);
      said_.erase(0, step.text.size());
      return std::nullopt;
    }
    while (true) {
      const auto end = said_.find("\r\n");
      if (end == std::string::npos) return "no line, but: " + printable(said_);
      const auto line = said_.substr(0, end);
      said_.erase(0, end + 2);
      if (matches(step, line)) return std::nullopt;
      if (step.act != Act::until) return "line was: " + printable(line);
    }
  }
  static bool matches(const Step& step, const std::string& line) {
    return step.act == Act::line ? line == step.text : std::regex_match(line, std::regex(step.text));
  }

  Peer& peer_;
  Cut cut_;
  std::string said_;
  std::string pending_;
  std::size_t sent_ = 0;
};

}  // namespace

std::optional<std::string> run(const Dialogue& dialogue, Peer& peer, Cut cut) {
  Run run(peer, cut);
  for (const auto& step : dialogue.steps) {
    if (auto wrong = run.step(step)) {
      return dialogue.name + ":" + std::to_string(step.line_number) + ": wanted: " + printable(step.text) + "; " +
             *wrong;
    }
  }
  run.flush();
  if (!run.left().empty()) return dialogue.name + ": left over: " + printable(run.left());
  return std::nullopt;
}

std::optional<std::string> run_all_cuts(const Dialogue& dialogue, const std::function<std::unique_ptr<Peer>()>& make,
                                        std::size_t most_cuts) {
  const auto once = [&](Cut cut, const std::string& how) -> std::optional<std::string> {
    auto peer = make();
    auto wrong = run(dialogue, *peer, cut);
    return wrong ? std::optional(how + ": " + *wrong) : std::nullopt;
  };
  if (auto wrong = once({}, "whole")) return wrong;
  if (auto wrong = once({.piece = 1}, "octet by octet")) return wrong;
  const auto size = dialogue.octets_sent();
  const auto stride = std::max<std::size_t>(1, size / std::max<std::size_t>(1, most_cuts));
  for (std::size_t at = 1; at < size; at += stride) {
    if (auto wrong = once({.at = at}, "cut at " + std::to_string(at))) return wrong;
  }
  return std::nullopt;
}

}  // namespace facteur::dialogue
