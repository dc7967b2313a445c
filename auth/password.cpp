#include "auth/password.h"

#include <crypt.h>
#include <cstdlib>
#include <cstring>

#include "common/base/encode.h"
#include "common/base/random.h"

namespace facteur::auth {

namespace {

/// The memory that crypt_ra() works in; wiped, for it holds what the hash is made of.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    if (data_) explicit_bzero(data_, static_cast<std::size_t>(size_));
    std::free(data_);
  }
  /// The hash of a phrase under the method and salt of `setting`; empty on failure.
  [[nodiscard]] std::string crypt(const std::string& phrase, const std::string& setting) {
    const char* hash = crypt_ra(phrase.c_str(), setting.c_str(), &data_, &size_);
    return hash && hash[0] != '*' ? hash : "";
  }

 private:
  void* data_ = nullptr;
  int size_ = 0;
};

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

bool is_phrase(std::string_view password) {
  return !password.empty() && password.size() <= max_password && !password.contains('\0');
}

Result<std::string> new_hash(const std::string& password) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  const auto salt = random_octets(16);
  if (!crypt_gensalt_rn("$y$", 0, salt.data(), static_cast<int>(salt.size()), setting, sizeof setting)) {
    return fail_errno("crypt_gensalt", errno);
  }
  auto hash = Workspace().crypt(password, setting);
  if (hash.empty()) return fail(Kind::temporary, "crypt: no hash");
  return hash;
}

}  // namespace

bool verify_password(std::string_view password, const std::string& hash) {
  if (!is_phrase(password)) return false;
  std::string phrase(password);
  const auto given = Workspace().crypt(phrase, hash);
  explicit_bzero(phrase.data(), phrase.size());
  return !given.empty() && equal_in_constant_time(given, hash);
}

Result<std::string> hash_password(std::string_view password) {
  if (!is_phrase(password)) return fail(Kind::permanent, "a password has 1 to 511 octets and no NUL");
  return new_hash(std::string(password));
}

bool is_hash(const std::string& text) {
  if (text.starts_with('*') || text.starts_with('!')) return true;
  if (!text.starts_with('$')) return false;  // DES and its kin take eight letters of a password
  const int verdict = crypt_checksalt(text.c_str());
  return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY;
}

const std::string& dummy_hash() {
  static const std::string hash = [] {
    auto made = new_hash(hex_encode(random_octets(32)));
    check(made.has_value(), "yescrypt is always there");
    return *made;
  }();
  return hash;
}

}  // namespace facteur::auth
