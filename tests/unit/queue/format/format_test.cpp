#include <algorithm>
#include <fcntl.h>
#include <sys/mman.h>

#include "catch.h"
#include "common/base/crc32c.h"
#include "common/base/encode.h"
#include "queue/format/little_endian.h"
#include "queue/format/reader.h"
#include "queue/format/writer.h"

using namespace facteur;
using namespace facteur::queue;

namespace {

Envelope envelope() {
  Envelope out;
  out.arrival = 1'795'000'000'000'000;
  out.reverse_path = "jim@minfo.sn";
  out.client_name = "unknown";
  out.client_address = "192.0.2.1";
  out.helo = "host";
  out.protocol = "ESMTP";
  return out;
}

std::vector<Recipient> recipients(std::size_t count) {
  std::vector<Recipient> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i].address = out[i].original_address = "u" + std::to_string(i + 1) + "@x";
  return out;
}

constexpr std::string_view content = "Subject: a\r\n\r\nbody\r\n";
constexpr std::string_view top = "Received: by mx\r\n";

/// The file as it is after every piece was written.
std::string assemble(std::vector<Writer::Piece> pieces) {
  std::string file;
  for (const auto& piece : pieces) {
    if (file.size() < piece.offset + piece.octets.size()) file.resize(piece.offset + piece.octets.size());
    file.replace(piece.offset, piece.octets.size(), piece.octets);
  }
  return file;
}

std::string file_of(std::size_t count, std::string_view body = content) {
  auto writer = Writer::start(envelope(), recipients(count));
  writer->append(body);
  return assemble(writer->finish(top));
}

std::string event(RecordKind kind, std::vector<std::uint32_t> numbers, std::int64_t next = 0) {
  Event out{1, next, "", {}};
  for (const auto number : numbers) out.outcomes.push_back({number, "4.0.0", "why"});
  std::string octets;
  append_record(octets, kind, out);
  return octets;
}

std::string added(std::uint32_t number, std::uint32_t parent) {
  Recipient recipient;
  recipient.number = number;
  recipient.parent = parent;
  recipient.address = "new@x";
  std::string octets;
  append_record(octets, RecordKind::recipient, recipient);
  return octets;
}

Result<Message> loaded(const std::string& file) {
  MemoryOctets octets(file);
  auto message = load(octets);
  if (message) {
    if (auto verified = verify(octets, *message); !verified) return fail(verified);
  }
  return message;
}

}  // namespace

TEST_CASE("a message comes back as it was written, in one piece or in many") {
  const auto one = file_of(2);
  auto writer = Writer::start(envelope(), recipients(2));
  std::vector<Writer::Piece> pieces;
  for (const char c : content) {
    writer->append({&c, 1});
    pieces.push_back(writer->take());
  }
  for (auto& piece : writer->finish(top)) pieces.push_back(std::move(piece));
  CHECK(pieces.back().offset == 0);  // the magic is written last
  CHECK(assemble(pieces) == one);

  const auto message = loaded(one);
  REQUIRE(message);
  CHECK(message->envelope == envelope());
  CHECK(message->recipients.size() == 2);
  CHECK(message->recipients[1].recipient.address == "u2@x");
  CHECK(message->size() == content.size() + top.size());
  CHECK(message->log_end == one.size());
  CHECK(message->pending() == 2);
}

TEST_CASE("the format is the one of FORMAT.md, octet for octet") {
  const auto file = file_of(1);
  CHECK(file.substr(0, 12) == std::string_view("FACTEURQ\x01\0\0\0", 12));
  const std::string reverse_path("\x0c\0\0\0jim@minfo.sn", 16);
  CHECK(file.find(reverse_path) == header_octets + record_head + 8);
  CHECK(file.find(content) + content.size() == file.find(top));
  // Length 9, kind 3, zero: END.
  CHECK(hex_encode(file.substr(file.find(top) + top.size(), 8)) == "0900000003000000");
}

TEST_CASE("no single octet of a message can change unseen") {
  const auto file = file_of(1);
  for (std::size_t at = 0; at < file.size(); ++at) {
    auto bad = file;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    const auto message = loaded(bad);
    INFO(at);
    REQUIRE_FALSE(message);
    CHECK(message.error().kind == Kind::corrupt);
  }
}

TEST_CASE("a message cut short anywhere is never taken for whole") {
  const auto file = file_of(2);
  for (std::size_t size = 0; size < file.size(); ++size) REQUIRE_FALSE(loaded(file.substr(0, size)));
}

TEST_CASE("another version is told apart from a broken file") {
  auto file = file_of(1);
  file[8] = 2;
  CHECK(loaded(file).error().kind == Kind::corrupt);  // its checksum is not right
  put_little_endian(file.data() + 60, crc32c(file.substr(0, 60)));
  CHECK(loaded(file).error().kind == Kind::permanent);
  CHECK(decode_header(file.substr(0, 63)).error().kind == Kind::closed);
}

TEST_CASE("a file whose header was not written yet is unfinished, whatever follows") {
  CHECK(loaded("").error().kind == Kind::closed);
  CHECK(loaded(std::string(10, '\0')).error().kind == Kind::closed);
  auto file = file_of(1);
  std::fill_n(file.begin(), header_octets, '\0');
  CHECK(loaded(file).error().kind == Kind::closed);
}

TEST_CASE("events settle recipients; a torn tail ends the log without harm") {
  const auto file = file_of(3);
  const auto first = event(RecordKind::delivered, {1});
  const auto second = event(RecordKind::deferred, {2, 3}, 77);
  const auto both = file + first + second;
  const auto message = loaded(both);
  REQUIRE(message);
  CHECK(message->pending() == 2);
  CHECK(message->next_attempt == 77);
  CHECK(message->recipients[1].reason == "why");
  for (std::size_t cut = 1; cut <= second.size(); ++cut) {
    const auto torn = loaded(both.substr(0, both.size() - cut));
    REQUIRE(torn);
    CHECK(torn->next_attempt == 0);
    CHECK(torn->log_end == file.size() + first.size());
    CHECK(torn->recipients[0].standing == Standing::delivered);
  }
}

TEST_CASE("recipients that replace another count only with their EXPANDED") {
  const auto file = file_of(1);
  const auto records = added(2, 1) + added(3, 1);
  const auto half = loaded(file + records);
  REQUIRE(half);
  CHECK(half->recipients.size() == 1);
  CHECK(half->log_end == file.size());

  const auto whole = loaded(file + records + event(RecordKind::expanded, {1}));
  REQUIRE(whole);
  CHECK(whole->recipients.size() == 3);
  CHECK(whole->recipients[0].standing == Standing::expanded);
  CHECK(whole->pending() == 2);

  const auto mixed = loaded(file + records + event(RecordKind::delivered, {1}));
  REQUIRE(mixed);
  CHECK(mixed->log_end == file.size());
}

TEST_CASE("events and recipients that contradict the message end the log") {
  const auto file = file_of(2);
  for (const auto& bad : {event(RecordKind::delivered, {3}), event(RecordKind::delivered, {0}), added(4, 1),
                          added(3, 0), added(3, 3), std::string("\x01\0\0\0\x10\0\0\0x\0\0\0\0", 13)}) {
    const auto message = loaded(file + bad + event(RecordKind::expanded, {1}));
    REQUIRE(message);
    CHECK(message->log_end == file.size());
    CHECK(message->pending() == 2);
  }
}

TEST_CASE("Received fields are counted in any case and cut, folded lines and bodies are not") {
  const std::string header =
      "Received: a\r\n\tReceived: folded\r\nRECEIVED : b\r\nReceived-SPF: no\r\nX: Received: no\r\nreceived:\r\n\r\n"
      "Received: body\r\n";
  HopCounter whole;
  whole.append(header);
  CHECK(whole.hops() == 3);
  HopCounter octets;
  for (const char c : header) octets.append({&c, 1});
  CHECK(octets.hops() == 3);
  HopCounter bare;
  bare.append("\r\nReceived: body\r\n");
  CHECK(bare.hops() == 0);
}

TEST_CASE("hops and 8-bit octets stand in the end") {
  const auto message = loaded(file_of(1, "Received: x\r\nReceived: y\r\n\r\n\xc3\xa9\r\n"));
  REQUIRE(message);
  CHECK(message->end.hops == 2);
  CHECK(message->end.eight_bit);
  CHECK_FALSE(loaded(file_of(1))->end.eight_bit);
}

TEST_CASE("an envelope beyond its bounds is refused before it is written") {
  CHECK(Writer::start(envelope(), {}).error().kind == Kind::permanent);
  auto long_one = recipients(1);
  long_one[0].address.assign(max_address + 1, 'a');
  CHECK(Writer::start(envelope(), long_one).error().kind == Kind::permanent);
  CHECK(Writer::start(envelope(), recipients(max_recipients + 1)).error().kind == Kind::permanent);
  CHECK(loaded(file_of(max_recipients))->recipients.size() == max_recipients);
}

TEST_CASE("content is read with the added headers before it, in any steps") {
  const auto file = file_of(1);
  const Fd fd(::memfd_create("content", MFD_CLOEXEC));
  REQUIRE(fs::system_files().write(fd.get(), file));
  const auto opened = Content::open(fs::system_files(), fd.get());
  REQUIRE(opened);
  const std::string wanted = std::string(top) + std::string(content);
  for (std::size_t step = 1; step <= wanted.size() + 1; ++step) {
    std::string read;
    while (read.size() < opened->size()) read += *opened->read(read.size(), step);
    CHECK(read == wanted);
  }
  REQUIRE(fs::system_files().truncate(fd.get(), file.find(content)));
  CHECK(opened->read(0, 10).error().kind == Kind::corrupt);
}
