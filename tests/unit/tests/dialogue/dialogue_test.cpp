// The dialogue runner itself: it must see a wrong server as wrong.
#include "tests/dialogue/dialogue.h"

#include <catch.h>

using namespace facteur::dialogue;

namespace {

/// Answers each line with "+" and the line; "bye" closes.
class Echo final : public Peer {
 public:
  std::string greeting() override { return "hello\r\n"; }
  std::string feed(std::string_view octets) override {
    in_ += octets;
    std::string out;
    for (auto end = in_.find("\r\n"); end != std::string::npos; end = in_.find("\r\n")) {
      const auto line = in_.substr(0, end);
      in_.erase(0, end + 2);
      out += "+" + line + "\r\n";
      closed_ = closed_ || line == "bye";
    }
    return out;
  }
  std::string directive(std::string_view words) override { return "! " + std::string(words) + "\r\n"; }
  [[nodiscard]] bool closed() const override { return closed_; }

 private:
  std::string in_;
  bool closed_ = false;
};

std::optional<std::string> outcome(std::string_view text) {
  const auto dialogue = parse("t", text, account("bob", "pw", "d.test"));
  return run_all_cuts(dialogue, [] { return std::make_unique<Echo>(); });
}

}  // namespace

TEST_CASE("a dialogue that holds") {
  CHECK(outcome("# c\n@ a b\nS: hello\nC: one\nC\\ tw\\x6f\\r\\n\nS: +one\nS~ \\+t.o\n! act x\nS: ! act x\n"
                "C: ${user}\\\nS\\ +bob\\\\\\r\\n\nC\\ \\{3*ab}\\r\\n\nC: z\nS> .z\nC: bye\nS: +bye\nS!\n") ==
        std::nullopt);
}

TEST_CASE("a dialogue that does not hold is told") {
  CHECK(outcome("S: hallo\n"));
  CHECK(outcome("S: hello\nC: a\n"));             // left over
  CHECK(outcome("S: hello\nC: a\nS~ \\+b\n"));    // other line
  CHECK(outcome("S: hello\nC: a\nS: +a\nS!\n"));  // not closed
  CHECK(outcome("S: hello\nC: bye\nS!\n"));       // octets before the close
  CHECK(outcome("S: hello\nC: a\nS> \\+b\n"));
  CHECK_THROWS(parse("t", "X: y", {}));
  CHECK_THROWS(parse("t", "C: ${nobody}", {}));
  CHECK_THROWS(parse("t", "C\\ \\q", {}));
}
