// Fuzz target: the replies of a server. Pieces give the same as the whole; what was read can be sent and read again.
#include <vector>

#include "common/base/strings.h"
#include "common/smtp/reply.h"
#include "input.h"

namespace {

using namespace facteur;

struct Read {
  std::vector<smtp::Reply> replies;
  bool failed = false;

  void take(smtp::ReplyParser& parser, LineBuffer& in) {
    while (!failed) {
      const auto reply = parser.next(in);
      failed = !reply;
      if (failed || !*reply) return;
      replies.push_back(**reply);
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  Read whole, pieces;
  {
    LineBuffer in;
    smtp::ReplyParser parser;
    in.append(text);
    whole.take(parser, in);
  }
  LineBuffer in;
  smtp::ReplyParser parser;
  fuzz::in_pieces(text, [&](std::string_view piece) {
    if (pieces.failed) return;
    in.append(piece);
    pieces.take(parser, in);
  });
  check(whole.failed == pieces.failed && whole.replies == pieces.replies, "pieces give something else");
  for (const auto& reply : whole.replies) {
    check(reply.code >= 200 && reply.code < 600, "a code out of range");
    check(std::ranges::none_of(reply.text, [](char c) { return c != '\n' && is_control(c); }), "a control character");
    check(reply.text.size() <= smtp::max_reply_text + smtp::max_reply_lines, "a text without bound");
    LineBuffer sent;
    sent.append(reply.wire());
    smtp::ReplyParser again;
    const auto back = again.next(sent);
    check(back && *back && (*back)->code == reply.code && sent.empty(), "a reply that is not one on the wire");
  }
  return 0;
}
