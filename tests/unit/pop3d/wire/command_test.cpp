// Command lines and their bound.
#include "pop3d/wire/command.h"

#include <string>
#include <vector>

#include "catch.h"

using namespace facteur::pop3d;

namespace {

/// All lines and the last state when the octets come in pieces of `piece`.
std::vector<std::string> read(std::string_view octets, std::size_t piece, std::size_t most = max_command_line) {
  LineReader reader;
  std::vector<std::string> seen;
  while (!octets.empty()) {
    reader.append(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    std::string_view line;
    auto state = LineReader::State::line;
    while ((state = reader.next(most, line)) == LineReader::State::line) seen.emplace_back(line);
    if (state == LineReader::State::too_long) {
      seen.emplace_back("TOO LONG");
      break;
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("A command is a keyword and the octets behind one space") {
  auto c = parse_command("PASS  a  b ");
  REQUIRE(c);
  CHECK(c->verb == "PASS");
  CHECK(c->arguments == " a  b ");
  CHECK(parse_command("STAT")->arguments.empty());
  CHECK(parse_command("USER jos\xc3\xa9")->arguments == "jos\xc3\xa9");
  for (const auto& bad : {std::string(), std::string(" x"), std::string("A\0B", 3), std::string("NOOP\r"),
                          std::string("USER a\x7f"), std::string("\x16\x03\x01")}) {
    CHECK_FALSE(parse_command(bad));
  }
}

TEST_CASE("POP-02: a line of 255 octets is read, one of 256 is not, however they are cut") {
  const std::string longest = std::string(253, 'x') + "\r\n";
  for (const std::size_t piece : {1U, 2U, 7U, 254U, 255U, 256U, 1000U}) {
    CHECK(read(longest + "NOOP\n", piece) == std::vector<std::string>{std::string(253, 'x'), "NOOP"});
    CHECK(read("x" + longest, piece) == std::vector<std::string>{"TOO LONG"});
    CHECK(read(std::string(100000, 'x'), piece) == std::vector<std::string>{"TOO LONG"});
    CHECK(read(std::string(254, 'x'), piece).empty());
  }
}
