// Fuzz target: the SMTP client against a server that says anything. The first octet chooses LMTP, TLS and the size of
// the pieces; the rest is what the server says. Every recipient has one outcome at the end.
#include <cstdint>
#include <string_view>

#include "delivery/remote/client.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  std::string_view server(reinterpret_cast<const char*>(data) + 1, size - 1);
  remote::Client::Options options;
  options.name = "client.example";
  options.peer = "mx.x.org[192.0.2.1]";
  options.lmtp = (choice & 1) != 0;
  options.tls = (choice & 2) != 0 ? config::TlsLevel::may : config::TlsLevel::none;
  const std::size_t piece = 1U + (choice >> 2);
  remote::Client client(options);
  client.send({"s@client.example", {{1, "a@x.org"}, {2, "b@x.org"}, {3, "c@x.org"}}, 4, false, false, "id"});

  bool content_ended = false;
  while (!server.empty() && !client.closed() && !client.finished()) {
    client.feed(server.substr(0, piece));
    server.remove_prefix(std::min(piece, server.size()));
    if (client.wants_tls()) client.tls_started();
    if (client.wants_content()) {
      client.give_content("a\r\n", true);
      content_ended = true;
    }
    (void)client.take_output();
  }
  client.lost();
  check(client.finished(), "a recipient waits for ever");
  const auto outcomes = client.take_outcomes();
  check(outcomes.size() == 3, "not one outcome a recipient");
  for (const auto& outcome : outcomes) {
    check(outcome.result.fate != queue::Fate::delivered || content_ended, "delivered without content");
    check(outcome.result.text.size() <= 4096, "an endless text");
  }
  return 0;
}
