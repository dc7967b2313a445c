// Dialogues as data (README.md): reads a file of C: and S: lines and runs it against an engine without I/O, in pieces
// of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::dialogue {

enum class Act : std::uint8_t { send, line, regex, until, octets, closed, directive };

struct Step {
  Act act = Act::send;
  std::string text;  ///< octets to send or expected, the regular expression, or the words of a directive
  int line_number = 0;
};

struct Dialogue {
  std::string name;
  std::vector<std::pair<std::string, std::string>> given;  ///< the @ lines
  std::vector<Step> steps;
  [[nodiscard]] std::size_t octets_sent() const;
};

using Variables = std::map<std::string, std::string>;

/// The usual variables of an account: user, password, plain, user64, password64, domain.
[[nodiscard]] Variables account(const std::string& user, const std::string& password, const std::string& domain);

/// Reads a dialogue. Throws std::runtime_error with name and line: only tests call it.
[[nodiscard]] Dialogue parse(const std::string& name, std::string_view text, const Variables& variables);
[[nodiscard]] Dialogue read(const std::string& path, const Variables& variables);
/// The files of a folder whose names begin with `prefix`, sorted.
[[nodiscard]] std::vector<std::string> files(const std::string& folder, const std::string& prefix);

/// The engine under test. What it says is due when the call returns: whoever implements this answers the engine's open
/// questions before.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string greeting() = 0;
  virtual std::string feed(std::string_view octets) = 0;
  virtual std::string directive(std::string_view words) = 0;
  [[nodiscard]] virtual bool closed() const = 0;
};

/// How the client's octets are cut: the sizes of the pieces before `first_cut` and behind. npos: not at all.
struct Cut {
  std::size_t at = std::string::npos;     ///< one cut at this offset of all the client says
  std::size_t piece = std::string::npos;  ///< and pieces of at most so many octets
};

/// Runs a dialogue once. Nothing, or what went wrong, with the line of the file.
[[nodiscard]] std::optional<std::string> run(const Dialogue& dialogue, Peer& peer, Cut cut = {});

/// Runs it whole, octet by octet, and cut in two at every offset (at most `most_cuts`, evenly spread). `make` gives a
/// new engine for each run.
[[nodiscard]] std::optional<std::string> run_all_cuts(const Dialogue& dialogue,
                                                      const std::function<std::unique_ptr<Peer>()>& make,
                                                      std::size_t most_cuts = 2000);

}  // namespace facteur::dialogue
