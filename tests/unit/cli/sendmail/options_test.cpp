// The command line of sendmail(1).
#include "cli/sendmail/options.h"

#include "catch.h"

using namespace facteur;
using namespace facteur::cli::sendmail;

namespace {

Result<Options> parse(std::vector<std::string_view> arguments, std::string_view program = "/usr/sbin/sendmail") {
  return parse_options(program, arguments);
}

}  // namespace

TEST_CASE("Values stand in the word of their option or behind it") {
  for (const auto& words : {std::vector<std::string_view>{"-fjim@a.test", "-FJim", "bob"},
                            std::vector<std::string_view>{"-f", "jim@a.test", "-F", "Jim", "bob"},
                            std::vector<std::string_view>{"bob", "-r", "jim@a.test", "-iFJim"}}) {
    const auto options = parse(words);
    REQUIRE(options);
    CHECK(options->sender == "jim@a.test");
    CHECK(options->full_name == "Jim");
    CHECK(options->recipients == std::vector<std::string>{"bob"});
  }
}

TEST_CASE("Flags share a word") {
  const auto options = parse({"-tiv"});
  REQUIRE(options);
  CHECK(options->from_header);
  CHECK_FALSE(options->dot_ends);
  CHECK(options->verbose);
}

TEST_CASE("-oi is -i, other -o and tuning options do nothing") {
  CHECK_FALSE(parse({"-oi", "bob"})->dot_ends);
  const auto options =
      parse({"-oem", "-odb", "-o7", "-N",  "failure", "-R",  "hdrs", "-G",    "-n",    "-m", "-U", "-L",
             "tag",  "-V",   "id",  "-X",  "log",     "-x",  "-E",   "-q15m", "-d8.1", "-d", "-O", "DeliveryMode=b",
             "-h",   "3",    "-em", "-Am", "-pESMTP", "-bm", "bob"});
  REQUIRE(options);
  CHECK(options->dot_ends);
  CHECK(options->mode == Mode::send);
  CHECK(options->recipients == std::vector<std::string>{"bob"});
}

TEST_CASE("Modes by option and by name") {
  CHECK(parse({"-bs"})->mode == Mode::serve);
  CHECK(parse({"-bp"})->mode == Mode::list);
  CHECK(parse({"-bi"})->mode == Mode::aliases);
  CHECK(parse({"-I"})->mode == Mode::aliases);
  CHECK(parse({"-q"})->mode == Mode::flush);
  CHECK(parse({"-qI4bXyZ"})->queue_id == "4bXyZ");
  CHECK(parse({}, "/usr/bin/mailq")->mode == Mode::list);
  CHECK(parse({}, "newaliases")->mode == Mode::aliases);
  CHECK(parse({"--config", "/x"}, "mailq")->config_file == "/x");
  CHECK(parse({"--config=/x", "bob"})->config_file == "/x");
}

TEST_CASE("Behind -- all words are recipients, and so is a dash alone") {
  const auto options = parse({"--", "-f", "x@a.test"});
  REQUIRE(options);
  CHECK(options->recipients == std::vector<std::string>{"-f", "x@a.test"});
  CHECK(parse({"-"})->recipients.size() == 1);
}

TEST_CASE("What cannot be obeyed is refused") {
  for (const auto& words : std::vector<std::vector<std::string_view>>{{},
                                                                      {"-i"},
                                                                      {"-bd"},
                                                                      {"-bz"},
                                                                      {"-b"},
                                                                      {"-bmx", "bob"},
                                                                      {"-f"},
                                                                      {"-z", "bob"},
                                                                      {"-V", "bob"},
                                                                      {"-X"},
                                                                      {"-B", "BINARYMIME", "bob"},
                                                                      {"-qR"},
                                                                      {"-qI"},
                                                                      {"--verbose", "bob"},
                                                                      {"--config"},
                                                                      {"-bp", "bob"},
                                                                      {"-F", "x\nBcc: y@a.test", "bob"}}) {
    const auto options = parse(words);
    CAPTURE(words);
    REQUIRE_FALSE(options);
    CHECK_FALSE(options.error().text.empty());
  }
}

TEST_CASE("An empty sender is a sender") {
  CHECK(parse({"-f", "", "bob"})->sender == "");
  CHECK(parse({"-f<>", "bob"})->sender == "<>");
  CHECK_FALSE(parse({"bob"})->sender.has_value());
}
