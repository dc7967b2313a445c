// Commands out of octets: literals, their limits, and clients that send what they should not (IMP-01 to IMP-04,
// IMP-12).
#include "imapd/wire/command_reader.h"

#include "catch.h"

using namespace facteur::imapd;
using More = CommandReader::More;
using Continue = CommandReader::Continue;
using Refused = CommandReader::Refused;
using Overflow = CommandReader::Overflow;

namespace {

LiteralPlan any(std::string_view) {
  return {std::uint64_t{1} << 40, false, {}};
}
LiteralPlan message_of_ten(std::string_view) {
  return {10, true, {}};
}
LiteralPlan unwanted(std::string_view) {
  return {0, false, bad("Unknown command")};
}

/// All that comes out when `octets` go in, in short: commands as <text|message>.
std::string all(CommandReader& reader, std::string_view octets, std::size_t piece = std::string_view::npos) {
  std::string out;
  while (!octets.empty()) {
    reader.append(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    while (true) {
      auto event = reader.next();
      if (std::holds_alternative<More>(event)) break;
      if (std::holds_alternative<Continue>(event)) out += "+";
      if (const auto* command = std::get_if<Command>(&event)) out += "<" + command->text + "|" + command->message + ">";
      if (const auto* refused = std::get_if<Refused>(&event))
        out += "(" + refused->text + ":" + refused->reply.text + ")";
      if (const auto* end = std::get_if<Overflow>(&event)) return out + "!" + end->reply.text;
    }
  }
  return out;
}

std::string once(std::string_view octets, CommandReader::Plan plan = any, CommandLimits limits = limits_before_login) {
  CommandReader whole(limits, plan);
  CommandReader pieces(limits, plan);
  const auto out = all(whole, octets);
  CHECK(all(pieces, octets, 1) == out);
  return out;
}

}  // namespace

TEST_CASE("Lines and literals make commands, in any pieces") {
  CHECK(once("a NOOP\r\nb NOOP\r\n") == "<a NOOP|><b NOOP|>");
  CHECK(once("a X {3}\r\nb\r\n {2+}\r\n{}\r\n") == "+<a X {3}\r\nb\r\n {2+}\r\n{}|>");
  CHECK(once("a X {0}\r\n\r\n") == "+<a X {0}\r\n|>");
  CHECK(once("a X \"y {3}\r\nb\r\n") == "<a X \"y {3}|><b|>");
  CHECK(once("a X \"\\\"{3}\r\n") == "<a X \"\\\"{3}|>");
  CHECK(once("\r\n\r\n") == "<|><|>");
}

TEST_CASE("The message of APPEND is kept apart and has a limit of its own") {
  CHECK(once("a X {5}\r\nhello\r\n", message_of_ten) == "+<a X {5}\r\n|hello>");
  CHECK(once("a X {11}\r\nb NOOP\r\n", message_of_ten) == "(a X {11}:Message too big)<b NOOP|>");
  CHECK(once("a X {11+}\r\nhello\r\nwor x\r\nb NOOP\r\n", message_of_ten) == "(a X {11+}:Message too big)<b NOOP|>");
}

TEST_CASE("IMP-01: sizes that no literal can have are refused and allocate nothing") {
  for (const std::string size : {"4294967295", "4294967296", "18446744073709551616"}) {
    const auto out = once("a LOGIN {" + size + "}\r\nb NOOP\r\n");
    CHECK(out.ends_with("<b NOOP|>"));
    CHECK(out.starts_with("(a LOGIN"));
  }
  for (const std::string size : {"-1", "", "01", " 1", "+", "1++", "0x1"}) {
    INFO(size);
    CHECK(once("a LOGIN {" + size + "}\r\nb NOOP\r\n") == "(a LOGIN {" + size + "}:Malformed literal)<b NOOP|>");
  }
  CHECK(once("a LOGIN {1\r\nb NOOP\r\n") == "<a LOGIN {1|><b NOOP|>");
  CHECK(once("a LOGIN {1025}\r\n") == "(a LOGIN {1025}:Literal too big)");
  CHECK(once("a LOGIN {1024}\r\n") == "+");
}

TEST_CASE("IMP-02: what LITERAL+ sends unasked is dropped within a bound") {
  CHECK(once("a LOGIN {100000000+}\r\nxxxx") == "!Literal too big");
  CHECK(once("a X {3+}\r\nabc {2+}\r\nde end\r\nb NOOP\r\n", unwanted) == "(a X {3+}:Unknown command)<b NOOP|>");
  CHECK(once("a X {3+}\r\nabc {2}\r\nb NOOP\r\n", unwanted) == "(a X {3+}:Unknown command)<b NOOP|>");
  std::string flood = "a X {2000+}\r\n";
  for (int i = 0; i < 600; ++i) flood += std::string(2000, 'x') + "{2000+}\r\n";
  CommandReader reader(limits_before_login, unwanted);
  CHECK(all(reader, flood).ends_with("!Literal too big"));
}

TEST_CASE("IMP-04: a million small literals end at the command's limit") {
  std::string flood = "a X";
  for (int i = 0; i < 200000; ++i) flood += " {1+}\r\nx";
  CommandReader reader(limits_before_login, any);
  CHECK(all(reader, flood) == "!Command too long");
  CommandReader pieces(limits_after_login, any);
  CHECK(all(pieces, flood, 4096) == "!Command too long");
}

TEST_CASE("IMP-12: lines without end, bare LF and NUL") {
  CommandReader endless(limits_before_login, any);
  CHECK(all(endless, std::string(70000, 'a'), 1000) == "!Command too long");
  CommandReader reader(limits_before_login, any);
  reader.append(std::string_view("a NOOP\nb \0\r\nc {2}\nd\r\n", 22));
  CHECK(std::get<Command>(reader.next()).bare_lf);
  auto command = std::get<Command>(reader.next());
  CHECK(command.has_nul());
  CHECK_FALSE(command.bare_lf);
  CHECK(std::get<Command>(reader.next()).bare_lf);
  CHECK(std::get<Command>(reader.next()).text == "d");
}

TEST_CASE("A line that is no command has its own limit") {
  CommandReader reader(limits_before_login, any);
  reader.append("DONE\r\nxxxxx");
  CHECK(std::get<std::string>(reader.next_line(5)) == "DONE");
  CHECK(std::holds_alternative<More>(reader.next_line(5)));
  reader.append("x");
  CHECK(std::holds_alternative<Overflow>(reader.next_line(5)));
}
