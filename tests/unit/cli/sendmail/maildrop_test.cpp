// The octets of a file in the maildrop, and how it gets there.
#include "cli/sendmail/maildrop.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>

#include "catch.h"
#include "common/smtp/dot_stuffing.h"

using namespace facteur;
using namespace facteur::cli::sendmail;

namespace {

/// A spool of its own with an empty maildrop.
struct Spool {
  Spool() {
    std::string pattern = "/tmp/facteur-maildrop-XXXXXX";
    settings.queue_directory = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(folder());
  }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool() { std::filesystem::remove_all(settings.queue_directory); }
  [[nodiscard]] std::string folder() const { return settings.queue_directory + "/maildrop"; }
  [[nodiscard]] std::vector<std::string> names() const { return *fs::system_files().list(AT_FDCWD, folder()); }
  config::Settings settings;
};

Batch batch_of(std::string_view content) {
  return Batch{"home.test", "jim@home.test", {"a@a.test", "b@a.test"}, false, content};
}

class FailingFiles final : public fs::Files {
 public:
  explicit FailingFiles(int good_syncs) : good_syncs_(good_syncs) {}
  Result<> sync(int fd) override { return good_syncs_-- > 0 ? Files::sync(fd) : fail_errno("fsync", EIO); }

 private:
  int good_syncs_;
};

}  // namespace

TEST_CASE("A file is the client's side of one session") {
  CHECK(batch_smtp(batch_of("Subject: x\n\n.\n..a\nb\n")) ==
        "EHLO home.test\r\nMAIL FROM:<jim@home.test>\r\nRCPT TO:<a@a.test>\r\nRCPT TO:<b@a.test>\r\nDATA\r\n"
        "Subject: x\r\n\r\n..\r\n...a\r\nb\r\n.\r\nQUIT\r\n");
}

TEST_CASE("8-bit content says so, the null reverse-path is empty") {
  Batch batch = batch_of("x\n");
  batch.body_8bit = true;
  batch.reverse_path.clear();
  CHECK(mail_command(batch) == "MAIL FROM:<> BODY=8BITMIME");
}

TEST_CASE("No content can end the data early") {
  const std::string content = "a\n.\nQUIT\n\r.\r\n.\rb\n.\r\n";
  const auto octets = batch_smtp(batch_of(content));
  const auto data = octets.substr(octets.find("DATA\r\n") + 6);
  smtp::DataReader reader;
  std::string decoded;
  const auto used = reader.read(data, decoded);
  CHECK(reader.finished());
  CHECK(data.substr(used) == "QUIT\r\n");
}

TEST_CASE("A file appears whole, with a name that no dot begins") {
  Spool spool;
  REQUIRE(leave_in_maildrop(spool.settings, batch_of("x\n")));
  const auto names = spool.names();
  REQUIRE(names.size() == 1);
  CHECK_FALSE(names[0].starts_with('.'));
  CHECK(*fs::read_file(spool.folder() + "/" + names[0]) == batch_smtp(batch_of("x\n")));
}

TEST_CASE("Nothing is left when the disk fails") {
  Spool spool;
  FailingFiles files(0);
  CHECK_FALSE(leave_in_maildrop(spool.settings, batch_of("x\n"), files));
  CHECK(spool.names().empty());
}

TEST_CASE("What master would not take is not left") {
  Spool spool;
  spool.settings.message_size_limit = 50;
  CHECK_FALSE(leave_in_maildrop(spool.settings, batch_of("x\n")));
  CHECK(spool.names().empty());
  std::filesystem::remove_all(spool.folder());
  spool.settings.message_size_limit = 0;
  CHECK_FALSE(leave_in_maildrop(spool.settings, batch_of("x\n")));
}
