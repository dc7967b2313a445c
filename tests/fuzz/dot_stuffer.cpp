// Fuzz target: a message on its way out and in again. One end, no bare newline, and the canonical content comes back.
#include "../unit/common/smtp/oracle.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto text = fuzz::text_of(data, size);
  smtp::DotStuffer whole, pieces;
  std::string wire, wire_of_pieces;
  whole.write(text, wire);
  whole.finish(wire);
  fuzz::in_pieces(text, [&](std::string_view piece) { pieces.write(piece, wire_of_pieces); });
  pieces.finish(wire_of_pieces);
  check(wire == wire_of_pieces, "pieces give something else");
  const auto back = oracle::decode_slowly(wire, smtp::BareNewline::no);
  check(back.finished && back.used == wire.size(), "not one end of data");
  check(!back.bare_cr && !back.bare_lf, "a bare newline on the wire");
  check(back.content == oracle::canonical(std::string(text)), "another content");
  return 0;
}
