// Reading and resizing against the real Pillow, where VERISSIM_PYTHON names a Python that has it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "image/npy.h"
#include "image/read_image.h"

namespace verissim::image {
namespace {

struct Case {
  std::string file;
  Shape wanted;
  LoadOptions options;
};

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> cases;
  std::ifstream in(path);
  Case c;
  int r = 0;
  int g = 0;
  int b = 0;
  while (in >> c.file >> c.wanted.channels >> c.wanted.height >> c.wanted.width >> r >> g >> b) {
    c.options.background = {static_cast<uint8_t>(r), static_cast<uint8_t>(g), static_cast<uint8_t>(b)};
    cases.push_back(c);
  }
  return cases;
}

std::vector<float> expected_of(const std::string& path, const Shape& wanted) {
  const NpyArray array = decode_npy(read_file(path), path);
  EXPECT_EQ(array.type, NpyType::kFloat32);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{wanted.channels, wanted.height, wanted.width}));
  return {array.values.begin(), array.values.end()};
}

TEST(Pillow, ThreeHundredRandomImagesAreBitEqual) {
  const char* python = std::getenv("VERISSIM_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "VERISSIM_PYTHON names no Python with Pillow and NumPy";
  const testing::TemporaryFolder folder;
  const std::string script = std::string(VERISSIM_SOURCE_DIR) + "/tests/image/make_pillow_cases.py";
  std::string command;
  for (const std::string& part : {std::string(python), script, folder.path()})
    command.append("'").append(part).append("' ");
  command += "300 20250101";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const std::vector<Case> cases = read_cases(folder.file("cases.txt"));
  ASSERT_EQ(cases.size(), 300U);
  for (size_t i = 0; i < cases.size(); ++i) {
    const Image image = load_image(folder.file(cases[i].file), cases[i].wanted, cases[i].options);
    const std::string expected = folder.file(std::to_string(i) + ".expected.npy");
    EXPECT_EQ(image.values, expected_of(expected, cases[i].wanted)) << cases[i].file;
  }
}

}  // namespace
}  // namespace verissim::image
