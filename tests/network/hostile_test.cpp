// Damaged and hostile files: every one is read, or refused with one line; nothing else ever happens.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "network/model_file.h"
#include "network/pickle_opcodes.h"
#include "network/zip_reader.h"
#include "network/zip_writer.h"

namespace verissim::network {
namespace {

using Bytes = std::vector<std::byte>;

const std::string kData = VERISSIM_SOURCE_DIR "/tests/network/data";

std::vector<std::string> kept_files() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kData)) {
    if (entry.path().extension() != ".json") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Whether it is read. Anything but success and a one-line InputError that begins with the name fails the
// test.
bool is_read(const std::string& path, const Bytes& bytes) {
  std::optional<Shape> shape;
  if (path.ends_with("conv.pt")) shape = Shape{2, 3, 4};
  if (path.ends_with("norm.pt")) shape = Shape{1, 3, 3};
  if (path.ends_with("script.pt")) shape = Shape{1, 4, 4};
  try {
    const LoadedModel model = parse_model("some.pt", bytes, shape);
    check(model.network);
    writable_nodes(model);  // finds the places of its numbers in the file
    return true;
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("some.pt: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return false;
  }
}

void flip_bytes(Bytes& bytes, Rng& rng) {
  for (uint64_t count = 1 + rng.below(4); count > 0; --count) {
    bytes[rng.below(bytes.size())] ^= static_cast<std::byte>(1 + rng.below(255));
  }
}

void splice_bytes(Bytes& bytes, Rng& rng) {
  const size_t from = rng.below(bytes.size());
  const size_t to = rng.below(bytes.size());
  const size_t count = 1 + rng.below(std::min<size_t>(64, bytes.size() - std::max(from, to)));
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), count,
              bytes.begin() + static_cast<std::ptrdiff_t>(to));
}

TEST(Hostile, EveryTruncationIsRefused) {
  for (const std::string& path : kept_files()) {
    const Bytes whole = read_file(path);
    EXPECT_TRUE(is_read(path, whole)) << path;
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(is_read(path, part)) << path << " cut to " << size << " bytes";
    }
  }
}

TEST(Hostile, DamagedFilesNeverCrash) {
  Rng rng(1);
  size_t refused = 0;
  for (const std::string& path : kept_files()) {
    const Bytes whole = read_file(path);
    for (int round = 0; round < 2000; ++round) {
      Bytes damaged = whole;
      round % 2 == 0 ? flip_bytes(damaged, rng) : splice_bytes(damaged, rng);
      refused += is_read(path, damaged) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 5000U);
}

// The archive with one entry changed and all checksums right, so that the reader behind the container is
// reached.
Bytes with_entry(const Bytes& archive, const std::string& suffix, const std::function<void(Bytes&)>& change) {
  const ZipReader zip("some.pt", archive);
  ZipWriter writer("some.pt");
  for (const std::string& name : zip.names()) {
    Bytes entry = zip.read(name, 1 << 20);
    if (name.ends_with(suffix)) change(entry);
    writer.add(name, entry);
  }
  return writer.finish();
}

TEST(Hostile, DamagedPicklesNeverCrash) {
  Rng rng(2);
  size_t refused = 0;
  for (const std::string name : {"/half.pt", "/conv.pt", "/model_i1x2x3_l4-3_o2.pt"}) {
    const Bytes whole = read_file(kData + name);
    for (int round = 0; round < 5000; ++round) {
      const Bytes damaged = with_entry(whole, "data.pkl", [&](Bytes& pickle) {
        round % 2 == 0 ? flip_bytes(pickle, rng) : splice_bytes(pickle, rng);
      });
      refused += is_read(name, damaged) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 5000U);
}

// The code of a TorchScript archive: bytes, and whole lines moved about.
TEST(Hostile, DamagedCodeNeverCrashes) {
  Rng rng(3);
  size_t refused = 0;
  const Bytes whole = read_file(kData + "/script.pt");
  const auto splice_text = [&](Bytes& code) {
    if (rng.below(4) == 0) splice_bytes(code, rng);
    for (uint64_t count = rng.below(3); count > 0; --count) {
      code[rng.below(code.size())] = static_cast<std::byte>("()[]=.,: \n10-a\""[rng.below(16)]);
    }
  };
  for (int round = 0; round < 1500; ++round) {
    const Bytes damaged = with_entry(whole, ".py", splice_text);
    refused += is_read("script.pt", damaged) ? 0 : 1;
  }
  EXPECT_GT(refused, 500U);
}

// A function that calls itself.
TEST(Hostile, EndlessCodeIsRefused) {
  const Bytes whole = read_file(kData + "/script.pt");
  const Bytes endless = with_entry(whole, ".py", [](Bytes& code) {
    std::string text(reinterpret_cast<const char*>(code.data()), code.size());
    const std::string body = "    _0 = getattr(self, \"0\")\n";
    const size_t at = text.find(body);
    if (at != std::string::npos) text.insert(at, "    return (self).forward(input, )\n");
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    code.assign(bytes, bytes + text.size());
  });
  EXPECT_NE(endless, whole);
  EXPECT_FALSE(is_read("script.pt", endless));
}

// Random opcodes: far more of them are valid than among random bytes.
TEST(Hostile, RandomPicklesNeverCrash) {
  Rng rng(3);
  const std::string opcodes =
      "(.012GJKMNQRTUXab}cdehjl]qrst)uBC\x81\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x92\x93\x94\x95";
  const Bytes whole = read_file(kData + "/half.pt");
  for (int round = 0; round < 3000; ++round) {
    const Bytes damaged = with_entry(whole, "data.pkl", [&](Bytes& pickle) {
      for (size_t k = 2; k < pickle.size(); ++k) {
        pickle[k] = static_cast<std::byte>(
            rng.below(3) == 0 ? rng.below(4) : static_cast<uint64_t>(opcodes[rng.below(opcodes.size())]));
      }
    });
    EXPECT_FALSE(is_read("half.pt", damaged));
  }
}

}  // namespace
}  // namespace verissim::network
