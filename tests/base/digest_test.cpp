#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace verissim {
namespace {

std::string sha256_of(std::string_view text) {
  return sha256(std::as_bytes(std::span(text.data(), text.size())));
}

// FIPS 180-2, appendix B, and RFC 1321, appendix A.5.
TEST(Digest, PublishedValues) {
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, OfFiles) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("data");
  write_text_file(path, "abc");
  EXPECT_EQ(sha256_of_file(path), sha256_of("abc"));
  EXPECT_EQ(md5_of_file(path), "900150983cd24fb0d6963f7d28e17f72");
  write_text_file(path, "");
  EXPECT_EQ(md5_of_file(path), "d41d8cd98f00b204e9800998ecf8427e");
  const std::string large(200001, 'x');  // more than one buffer
  write_text_file(path, large);
  EXPECT_EQ(sha256_of_file(path), sha256_of(large));
}

TEST(Digest, OfAMissingFile) {
  EXPECT_THROW(sha256_of_file("/nowhere/at/all"), InputError);
  EXPECT_THROW(md5_of_file("/nowhere/at/all"), InputError);
}

TEST(Digest, OfAFolder) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(sha256_of_file(folder.path()), InputError);
}

}  // namespace
}  // namespace verissim
