// Contents of messages, and the line ends of mail.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/store/mailbox.h"

namespace facteur::store {

/// Octets of the text with every line end as CRLF: a LF without CR counts twice. A lone CR stays as it is.
[[nodiscard]] std::uint64_t crlf_size(std::string_view octets);
/// The text with every line end as CRLF. `after_cr` says whether the octet before the text was a CR.
[[nodiscard]] std::string to_crlf(std::string_view octets, bool after_cr = false);
/// The text with every CRLF as LF. Lone CRs stay.
[[nodiscard]] std::string to_lf(std::string_view octets);

/// Content that is in memory.
class StringContent : public Content {
 public:
  explicit StringContent(std::shared_ptr<const std::string> octets) : octets_(std::move(octets)) {}
  [[nodiscard]] std::uint64_t size() const override { return octets_->size(); }
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override;

 private:
  std::shared_ptr<const std::string> octets_;
};

/// Content that somebody else keeps while it is used.
class ViewContent : public Content {
 public:
  explicit ViewContent(std::string_view octets) : octets_(octets) {}
  [[nodiscard]] std::uint64_t size() const override { return octets_.size(); }
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override;

 private:
  std::string_view octets_;
};

/// The octets of a message to add, whichever way it has them.
class NewContent : public Content {
 public:
  explicit NewContent(const NewMessage& message) : view_(message.octets), content_(message.content) {}
  [[nodiscard]] std::uint64_t size() const override { return content_ ? content_->size() : view_.size(); }
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t most) override {
    return content_ ? content_->read(offset, most) : view_.read(offset, most);
  }

 private:
  ViewContent view_;
  Content* content_;
};

/// The whole of a content, for who must have it in one piece.
[[nodiscard]] Result<std::string> read_all(Content& content);

}  // namespace facteur::store
