#include "delivery/remote/content_encoder.h"

namespace facteur::remote {

void ContentEncoder::write(std::string_view content, std::string& wire) {
  std::string converted;
  if (converter_) {
    converter_->write(content, converted);
    content = converted;
  }
  stuffer_.write(folder_.fold(content), wire);
}

void ContentEncoder::finish(std::string& wire) {
  std::string rest;
  if (converter_) converter_->finish(rest);
  stuffer_.write(folder_.fold(rest), wire);
  stuffer_.finish(wire);
}

}  // namespace facteur::remote
