#include "base/digest.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "base/error.h"

namespace verissim {
namespace {

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    VERISSIM_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1);
  }
  void add(const void* data, size_t size) {
    VERISSIM_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    VERISSIM_CHECK(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += kDigits[bytes[i] >> 4];
      text += kDigits[bytes[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string digest_of_file(const std::string& path, const EVP_MD* kind) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(path, "", "a file that cannot be opened", "a readable file");
  Digest digest(kind);
  std::vector<char> buffer(1 << 16);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    digest.add(buffer.data(), static_cast<size_t>(file.gcount()));
  }
  if (file.bad()) throw InputError(path, "", "what cannot be read", "a readable file");
  return digest.hex();
}

}  // namespace

std::string sha256(std::span<const std::byte> data) {
  Digest digest(EVP_sha256());
  digest.add(data.data(), data.size());
  return digest.hex();
}

std::string sha256_of_file(const std::string& path) { return digest_of_file(path, EVP_sha256()); }
std::string md5_of_file(const std::string& path) { return digest_of_file(path, EVP_md5()); }

}  // namespace verissim
